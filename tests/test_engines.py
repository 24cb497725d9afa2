"""The fixtures keep their word: every test its own empty database, on both engines."""

import pytest

from ground.clock import Clock
from ground.db import Database, Tx, opened
from ground.errors import Unavailable
from ground.migrating import known, migrate, pending

pytestmark = pytest.mark.anyio


async def _count(tx: Tx) -> int:
    return int(await tx.value("SELECT COUNT(*) FROM pulses"))


async def _beat(tx: Tx, name: str, at: str) -> None:
    await tx.run("INSERT INTO pulses (name, at, note) VALUES (:name, :at, '')", name=name, at=at)


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_database_is_migrated_and_empty_every_time(db: Database, clock: Clock, turn: int) -> None:
    assert await pending(db) == []
    assert await db.read(_count) == 0
    await db.write(_beat, "worker", clock.now())
    assert await db.read(_count) == 1


async def test_a_blank_database_gets_every_table_once(blank: str, clock: Clock) -> None:
    async with opened(blank) as database:
        assert await migrate(database, clock) == [m.name for m in known()]
        assert await migrate(database, clock) == []
        assert await database.read(_count) == 0


async def test_a_database_can_be_opened_again_with_what_was_written(where: str, clock: Clock) -> None:
    async with opened(where) as database:
        await database.write(_beat, "worker", clock.now())
    async with opened(where) as database:
        assert await database.read(_count) == 1


async def test_a_missing_server_says_so() -> None:
    with pytest.raises(Unavailable, match="连不上 PostgreSQL"):
        async with opened("postgresql://nobody@127.0.0.1:1/nothing"):
            pass
