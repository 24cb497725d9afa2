"""The demo city in a database: whole by every invariant, alive on the day it is made, found again on the next start."""

import json
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import pytest

from demo import accounts, making, starting
from ground import checking
from ground.clock import FixedClock, SystemClock
from ground.config import Config, load
from ground.db import Database, Tx, open_database
from ground.directory import sessions
from ground.errors import Refused
from ground.files import Store
from ground.migrating import migrate
from tests.test_commands import Serving, rows, songda

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = "2026-03-18T02:30:00.000Z"  # 10:30 on a Wednesday


def nothing(_what: str, _done: int, _of: int) -> None:
    """Report to nobody."""


async def small(db: Database, folder: Path, clock: FixedClock) -> None:
    """A small city with a short history."""
    store = Store(folder, max_bytes=2**20, min_free=1)
    await making.make(db, store, clock, SHANGHAI, units=150, meetings=40, report=nothing)


async def ask(db: Database, sql: str, **values: object) -> list[tuple[object, ...]]:
    """Rows of a query."""

    async def read(tx: Tx) -> list[tuple[object, ...]]:
        return await tx.all(sql, lambda *columns: columns, **values)

    return await db.read(read)


@pytest.mark.parametrize("at", [NOON, "2026-01-01T16:05:00.000Z"])
async def test_a_small_city_is_whole_on_either_engine_at_any_hour(db: Database, tmp_path: Path, at: str) -> None:
    await small(db, tmp_path, FixedClock(at))
    assert [found.name for found in await checking.check(db, tmp_path) if not found.ok] == []
    waiting = {
        (str(waits), urgency)
        for waits, urgency in await ask(
            db,
            "SELECT r.waits, s.urgency FROM receipts r JOIN subjects s ON s.id = r.subject_id JOIN units u ON u.id = r.unit_id "
            "WHERE u.short_name = :unit AND r.waits IS NOT NULL",
            unit=accounts.RECEIVER,
        )
    }
    assert {("sign", "immediate"), ("sign", "normal"), ("answer", "urgent"), ("confirm", "normal")} <= waiting
    assert (await ask(db, "SELECT COUNT(*) FROM leaves WHERE state = 'asked'"))[0][0] != 0
    future = await ask(db, "SELECT COUNT(*) FROM facts WHERE at > :at", at=at)
    assert future == [(0,)]
    assert (await ask(db, "SELECT COUNT(*) FROM messages WHERE state IN ('ready', 'held')")) == [(0,)]


async def test_two_runs_make_the_same_units_and_people(tmp_path: Path) -> None:
    prints = []
    for n in (1, 2):
        db = await open_database(tmp_path / str(n) / "songda.db")
        clock = FixedClock(NOON)
        clock.move(hours=n)
        await migrate(db, clock)
        await small(db, tmp_path / str(n), clock)
        units = await ask(
            db, "SELECT code, name, short_name, path, level, initials, duty_phone, opened_on FROM units ORDER BY id"
        )
        people = await ask(db, "SELECT login, name, initials, mobile, email, created_at FROM people ORDER BY id")
        posts = await ask(db, "SELECT person_id, unit_id, role, position, from_at FROM posts ORDER BY id")
        groups = await ask(db, "SELECT group_id, unit_id FROM group_units ORDER BY 1, 2")
        prints.append((units, people, posts, groups))
        await db.close()
    assert prints[0] == prints[1]
    assert all(prints[0])


async def test_everybody_who_is_printed_can_sign_in(db: Database, tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    await small(db, tmp_path, clock)
    rules = load(None, {}).sign_in
    for account in accounts.ACCOUNTS:
        found = await sessions.verify(db, account.login, accounts.PASSWORD, "127.0.0.1", rules=rules, now=clock.now())
        begun = await db.write(
            sessions.begin, found.person_id, how="password", address="", agent="", rules=rules, now=clock.now()
        )
        assert not begun.must_change
    clock.move(days=200)
    await db.write(accounts.keep_young, clock.now())
    found = await sessions.verify(db, "secretary", accounts.PASSWORD, "127.0.0.1", rules=rules, now=clock.now())
    begun = await db.write(sessions.begin, found.person_id, how="password", address="", agent="", rules=rules, now=clock.now())
    assert not begun.must_change


async def test_a_folder_with_other_data_is_not_touched_and_a_half_made_city_is_made_anew(tmp_path: Path) -> None:
    def config(name: str) -> Config:
        return starting.settings(load(None, {"SONGDA_DATA_DIR": str(tmp_path / name), "SONGDA_DATABASE_URL": "postgresql://no"}))

    clock = FixedClock(NOON)
    other = await open_database(tmp_path / "other" / "songda.db")
    await other.close()
    with pytest.raises(Refused) as refused:
        await starting.prepare(config("other"), clock, units=120, report=nothing)
    assert refused.value.code == "not_a_demo"

    def break_off(what: str, done: int, _of: int) -> None:
        if what == "人员" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await starting.prepare(config("half"), clock, units=120, report=break_off)
    assert json.loads((tmp_path / "half" / "demo.json").read_text())["state"] == "making"
    made = await starting.prepare(config("half"), clock, units=120, report=nothing)
    assert made.fresh
    again = await starting.prepare(config("half"), SystemClock(), units=120, report=nothing)
    assert again == (False, clock.now())
    with pytest.raises(Refused) as refused:
        await starting.prepare(config("half"), clock, units=121, report=nothing)
    assert refused.value.code == "other_size"


def test_songda_demo_makes_the_whole_city_and_finds_it_again(tmp_path: Path) -> None:
    begun = time.monotonic()
    with Serving(tmp_path, "demo") as first:
        print(f"ready in {time.monotonic() - begun:.1f} s")
        assert sum(account.login in "\n".join(first.said) for account in accounts.ACCOUNTS) == 8
        assert any(accounts.PASSWORD in line for line in first.said)
        assert httpx2.get(f"{first.url}/readyz").status_code == 200
        assert int(str(rows(tmp_path, "SELECT COUNT(*) FROM units WHERE kind <> '区划' AND closed_on IS NULL")[0][0])) >= 1053
        assert int(str(rows(tmp_path, "SELECT COUNT(*) FROM people")[0][0])) >= 2900
        assert int(str(rows(tmp_path, "SELECT COUNT(*) FROM notices")[0][0])) >= 400
        signed, total = rows(tmp_path, "SELECT SUM(signed), SUM(total) FROM tallies")[0]
        assert 0.97 < int(str(signed)) / int(str(total)) < 0.995
        checked = songda("check", data=tmp_path)
        assert checked.returncode == 0, checked.stdout
        assert first.stop() < 10
    begun = time.monotonic()
    with Serving(tmp_path, "demo"):
        print(f"ready again in {time.monotonic() - begun:.1f} s")
