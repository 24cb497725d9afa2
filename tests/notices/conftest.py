"""The cast with a notice at hand, and a client on the real app."""

from collections.abc import AsyncIterator

import pytest

from ground.clock import FixedClock
from ground.db import Database
from ground.messages.telling import Told
from tests.app_client import Clients, open_app
from tests.world import World, make, told


@pytest.fixture
async def world(db: Database) -> World:
    """The fixed cast, in the database under test."""
    return await db.write(make)


@pytest.fixture
def tell() -> Told:
    """How the notices room speaks in tests."""
    return told()


@pytest.fixture
async def clients(where: str, clock: FixedClock) -> AsyncIterator[Clients]:
    """The real app on a fresh database with the cast, and signed-in clients for each of them."""
    async with open_app(where, clock) as found:
        yield found
