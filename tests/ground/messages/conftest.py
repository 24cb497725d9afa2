"""Fixtures of the outbox's tests: an empty outbox, our address for receipts, senders that are stopped at the end."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from ground.clock import FixedClock
from ground.config import Config
from ground.db import Database
from ground.messages.gateway import Gateway
from ground.messages.sending import Gateways, Sender
from tests.ground.messages.carriers import Make, Receipts
from tests.ground.messages.kit import Desk


@pytest.fixture
def desk(db: Database, clock: FixedClock) -> Desk:
    """An empty outbox by day."""
    return Desk(db, clock)


@pytest.fixture
async def receipts(db: Database, clock: FixedClock) -> AsyncIterator[Receipts]:
    """Our address for receipts."""
    async with Receipts(db, clock) as one:
        yield one


@pytest.fixture
async def make(db: Database, clock: FixedClock) -> AsyncIterator[Make]:
    """Makes senders, and stops them at the end."""
    senders: list[Sender] = []

    def build(*sms: Gateway, mails: Any = (), per_second: int = 10000, **rules: Any) -> Sender:
        base = Config()
        config = replace(base, outbox=replace(base.outbox, **rules), sms=replace(base.sms, parts_per_second=per_second))
        senders.append(Sender(config, db, clock, Gateways(sms, tuple(mails))))
        return senders[-1]

    yield build
    for sender in senders:
        await sender.stop(0.1)
