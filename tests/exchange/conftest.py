"""The cast, with a series of numbers for the office that sends, and files to send."""

from collections.abc import AsyncIterator

import pytest

from exchange import numbering
from ground.clock import FixedClock
from ground.config import Config
from ground.db import Database, Tx
from ground.directory.directory import Actor
from ground.files import File, Store, record
from ground.messages.telling import Told
from tests.app_client import Clients, open_app
from tests.exchange.sender_client import Desk, desk_of
from tests.world import NOW, World, make, told

PDF = b"%PDF-1.4\n" + b"a page\n" * 50


class Office:
    """Who sends in these tests: a secretary of 市府办, its series, its files."""

    def __init__(self, db: Database, world: World, sender: Actor, series: int, store: Store) -> None:
        """Made by the fixture."""
        self.db, self.world, self.sender, self.series, self.store = db, world, sender, series, store

    async def file(self, name: str = "正文.pdf", data: bytes = PDF, by: Actor | None = None) -> File:
        """A file that the sender (or somebody else) has uploaded."""
        stored = await self.store.put_bytes(data)
        who = by or self.sender
        return await self.db.write(record, stored, name, unit=who.unit_id, person=who.person_id, at=NOW)


@pytest.fixture
async def world(db: Database) -> World:
    """The cast."""
    return await db.write(make)


@pytest.fixture
def tell() -> Told:
    """How the room speaks."""
    return told()


@pytest.fixture
async def office(db: Database, world: World, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """市府办 with the series 测政办发."""
    sender = world.organiser._replace(roles=frozenset({"secretary"}))

    async def open_it(tx: Tx) -> int:
        return await numbering.open_series(tx, "测政办发", "测试市人民政府办公室文件", unit=world.office, by=None, at=NOW)

    folder = tmp_path_factory.mktemp("files")
    store = Store(folder, max_bytes=Config().files.max_mb << 20, min_free=0)
    return Office(db, world, sender, await db.write(open_it), store)


@pytest.fixture
async def desk(where: str, clock: FixedClock) -> AsyncIterator[Desk]:
    """The real app on a fresh database with the cast, and a secretary of 市府办 at their desk."""
    async with open_app(where, clock) as clients:
        yield await desk_of(clients)


@pytest.fixture
async def clients(where: str, clock: FixedClock) -> AsyncIterator[Clients]:
    """The real app on a fresh database with the cast, and signed-in clients for each of them."""
    async with open_app(where, clock) as found:
        yield found
