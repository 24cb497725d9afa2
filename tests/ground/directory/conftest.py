"""The directory's tests: the cast in a database, and the real app with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ground.clock import FixedClock
from ground.db import Database
from tests.app_client import Clients, open_app
from tests.world import World, make


@pytest.fixture
async def world(db: Database) -> World:
    """The cast, in a database on either engine."""
    return await db.write(make)


@pytest.fixture
async def house(where: str, clock: FixedClock, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Clients]:
    """The real app on either engine, with the cast."""
    async with open_app(where, clock, tmp_path) as clients:
        yield clients
