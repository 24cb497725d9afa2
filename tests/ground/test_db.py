"""The database's contract on both engines, and SQLite's discipline."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ground.clock import FixedClock
from ground.db import Database, Tx, open_database, opened
from ground.errors import DiskFull, NotFound, Unavailable
from ground.migrating import known, migrate, pending
from ground.sqlite import SqliteDatabase

AT = "2026-03-18T01:42:00.000Z"


async def beat(tx: Tx, name: str) -> str:
    await tx.run("INSERT INTO pulses (name, at, note) VALUES (:name, :at, '')", name=name, at=AT)
    tx.notify(f"pulse:{name}")
    return name


async def beat_and_fail(tx: Tx, name: str) -> None:
    await beat(tx, name)
    raise NotFound


async def names(tx: Tx) -> list[str]:
    return await tx.all("SELECT name FROM pulses ORDER BY name", str)


async def test_a_write_is_there_for_the_next_read(db: Database) -> None:
    assert await db.write(beat, "a") == "a"
    assert await db.read(names) == ["a"]


async def test_an_act_that_raises_takes_back_only_itself(db: Database) -> None:
    done = await asyncio.gather(
        *(db.write(beat_and_fail if n % 3 == 0 else beat, f"{n:02}") for n in range(30)), return_exceptions=True
    )
    assert [isinstance(d, NotFound) for d in done] == [n % 3 == 0 for n in range(30)]
    assert await db.read(names) == [f"{n:02}" for n in range(30) if n % 3]


async def test_a_read_may_not_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await db.read(beat, "x")
    assert await db.read(names) == []


async def test_twenty_increments_at_once_are_twenty(db: Database) -> None:
    await db.write(beat, "n")

    async def add(tx: Tx) -> None:
        n = int(await tx.value("SELECT note FROM pulses WHERE name = 'n'") or 0)
        changed = await tx.run("UPDATE pulses SET note = :n WHERE name = 'n' AND note = :old", n=str(n + 1), old=str(n or ""))
        assert changed == 1 or db.kind == "postgres"
        if changed != 1:
            await add(tx)

    await asyncio.gather(*(db.write(add) for _ in range(20)))
    assert await db.read(lambda tx: tx.value("SELECT note FROM pulses WHERE name = 'n'")) == "20"


async def test_listeners_hear_of_commits_only(db: Database) -> None:
    heard: list[frozenset[str]] = []
    db.listen(heard.append)
    await db.write(beat, "a")
    with pytest.raises(NotFound):
        await db.write(beat_and_fail, "b")
    assert heard == [frozenset({"pulse:a"})]


async def test_values_are_never_part_of_the_text(db: Database) -> None:
    hostile = "'; DROP TABLE pulses; -- :name $1 \u202e 𠮷"
    await db.write(beat, hostile)
    assert await db.read(names) == [hostile]


async def test_many_and_casts(db: Database) -> None:
    async def many(tx: Tx) -> None:
        await tx.many(
            "INSERT INTO pulses (name, at, note) VALUES (:name, :at, '')", [{"name": str(n), "at": AT} for n in range(5)]
        )

    await db.write(many)
    assert await db.read(lambda tx: tx.value("SELECT CAST(COUNT(*) AS INTEGER) FROM pulses WHERE note = ':name'")) == 0
    assert len(await db.read(names)) == 5


async def test_an_act_that_awaits_something_else_is_refused(tmp_path: Path) -> None:
    async def sleeps(tx: Tx) -> None:
        await beat(tx, "x")
        await asyncio.sleep(0)

    async with opened(tmp_path / "a.db") as db:
        await migrate(db, FixedClock())
        with pytest.raises(RuntimeError, match="only its transaction"):
            await db.write(sleeps)
        assert await db.read(names) == []


async def test_a_second_process_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db"):
        with pytest.raises(Unavailable, match="另一个进程"):
            await open_database(tmp_path / "a.db")
    async with opened(tmp_path / "a.db"):
        pass


async def test_sqlite_is_full_wal_and_checked(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as db:

        async def pragma(tx: Tx, name: str) -> object:
            return await tx.value(f"PRAGMA {name}")

        found = [await db.write(pragma, name) for name in ("synchronous", "journal_mode", "foreign_keys")]
    assert found == [2, "wal", 1]


async def test_batching_off_commits_one_by_one(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db", batching=False) as db:
        await migrate(db, FixedClock())
        await asyncio.gather(*(db.write(beat, str(n)) for n in range(10)))
        assert len(await db.read(names)) == 10


async def test_a_disk_error_at_the_commit_closes_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path / "a.db") as db:
        await migrate(db, FixedClock())
        assert isinstance(db, SqliteDatabase)
        for error, kind in (("database or disk is full", DiskFull), ("disk I/O error", Unavailable)):

            def broken(*_: object, error: str = error) -> None:
                raise sqlite3.OperationalError(error)

            with monkeypatch.context() as patch:
                patch.setattr("ground.sqlite._run_batch", broken)
                with pytest.raises(kind):
                    await db.write(beat, "x")
            if kind is DiskFull:
                await db.write(beat, "room again")
        with pytest.raises(Unavailable, match="重新启动"):
            await db.write(beat, "y")
        assert await db.read(names) == ["room again"]


async def test_migrations_are_whole_or_not_there(blank: str) -> None:
    async with opened(blank) as db:
        assert [m.number for m in await pending(db)] == [m.number for m in known()]
        with pytest.raises(Exception, match=r"nowhere|syntax"):
            await db.script("CREATE TABLE half (n INTEGER); INSERT INTO nowhere VALUES (1);")
        with pytest.raises(Exception, match="half"):
            await db.read(lambda tx: tx.value("SELECT COUNT(*) FROM half"))
        await migrate(db, FixedClock())
        assert await pending(db) == []


async def test_a_migration_that_was_changed_is_refused(db: Database) -> None:
    async def change(tx: Tx) -> None:
        await tx.run("UPDATE schema_migrations SET sha256 = 'x' WHERE number = 2")

    await db.write(change)
    with pytest.raises(Unavailable, match="第 2 号迁移"):
        await pending(db)
