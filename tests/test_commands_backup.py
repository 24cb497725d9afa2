"""Backup under writes, restore, check; a migration that fails takes back everything."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ground import backup, checking, control, files, migrating
from ground.clock import FixedClock, SystemClock
from ground.config import load
from ground.db import Database, Tx, opened
from ground.errors import Refused, Unavailable
from ground.files import Store
from tests.engines import run
from tests.test_commands import Serving, fill, rows, songda
from tests.world import World, make

AT = "2026-03-18T02:00:00.000Z"


async def _with_file(folder: Path, content: bytes) -> None:
    store = Store(folder / "files", max_bytes=2**20, min_free=1)
    stored = await store.put_bytes(content)
    async with opened(folder / "songda.db") as db:
        await db.write(files.record, stored, "议程.txt", unit=2, person=1, at=AT)


def test_a_backup_under_writes_is_restored_whole(tmp_path: Path) -> None:
    data, kept, again = tmp_path / "data", tmp_path / "kept", tmp_path / "again"
    fill(data)
    run(_with_file(data, b"agenda"))

    async def write_until(done: asyncio.Event) -> list[int]:
        """Issue tokens through the service as fast as it answers; when each was acknowledged, by count."""
        acknowledged: list[int] = []
        while not done.is_set():
            said = await control.ask(data, "token", {"login": "wujia", "unit": "6200000001", "days": 1, "name": "storm"})
            assert said is not None
            acknowledged.append(len(acknowledged) + 1)
        return acknowledged

    async def storm() -> tuple[list[int], int, int]:
        done = asyncio.Event()
        writing = asyncio.create_task(write_until(done))
        await asyncio.sleep(0.5)
        before = rows(data, "SELECT COUNT(*) FROM tokens WHERE name = 'storm'")[0][0]
        finished = await asyncio.to_thread(songda, "backup", kept, data=data)
        done.set()
        assert finished.returncode == 0, finished.stderr
        assert "1 files, verified" in finished.stdout
        return await writing, int(str(before)), finished.returncode

    with Serving(data):
        acknowledged, before, _ = run(storm())
    assert before > 0
    restored = songda("restore", kept, data=again)
    assert restored.returncode == 0, restored.stderr
    tokens = int(str(rows(again, "SELECT COUNT(*) FROM tokens WHERE name = 'storm'")[0][0]))
    assert before <= tokens <= len(acknowledged)
    print(f"tokens: {before} before the backup, {tokens} in it, {len(acknowledged)} acknowledged in all")
    assert (again / "keys" / "secret.key").read_bytes() == (data / "keys" / "secret.key").read_bytes()
    assert (again / "keys" / "secret.key").stat().st_mode & 0o777 == 0o600
    checked = songda("check", data=again)
    assert checked.returncode == 0, checked.stdout
    assert rows(data, "SELECT note FROM pulses WHERE name = 'backup'") == [("",)]
    refused = songda("restore", kept, data=again)
    assert (refused.returncode, "不覆盖" in refused.stderr) == (1, True)
    with Serving(again):  # and it serves
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with the cast and one file."""
    fill(tmp_path / "data")
    run(_with_file(tmp_path / "data", b"agenda"))
    return tmp_path / "data"


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


DAMAGE: list[tuple[str, Callable[[Path], None]]] = [
    ("no_backup", lambda kept: (kept / "manifest.json").unlink()),
    ("database_differs", lambda kept: _flip(kept / "songda.db", 5000)),
    ("files_differ", lambda kept: _flip(next((kept / "files").glob("*/*")), 0)),
    ("files_differ", lambda kept: next((kept / "files").glob("*/*")).unlink()),
]


@pytest.mark.parametrize(("code", "damage"), DAMAGE)
def test_a_damaged_backup_is_not_restored(folder: Path, tmp_path: Path, code: str, damage: Callable[[Path], None]) -> None:
    assert backup.backup(folder, tmp_path / "kept", at=AT).files == 1
    damage(tmp_path / "kept")
    with pytest.raises(Refused) as refused:
        backup.restore(tmp_path / "kept", tmp_path / "new")
    assert refused.value.code == code
    assert not (tmp_path / "new" / "songda.db").exists()


def test_a_backup_overwrites_nothing_and_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old").touch()
    with pytest.raises(Refused, match="不覆盖旧的"):
        backup.backup(folder, tmp_path / "full", at=AT)
    with pytest.raises(Unavailable, match="没有数据库"):
        backup.backup(tmp_path / "none", tmp_path / "kept", at=AT)
    next((folder / "files").glob("[0-9a-f][0-9a-f]/*")).unlink()
    with pytest.raises(Refused, match="少了文件"):
        backup.backup(folder, tmp_path / "kept2", at=AT)
    assert not (tmp_path / "kept2" / "manifest.json").exists()


# --- migrating ------------------------------------------------------------------------------------------------------------


async def _all_but_the_last(path: Path) -> str:
    """A database of the release before: all migrations but the last; the last one's name."""
    *old, last = migrating.known()
    async with opened(path) as db:
        await migrating.pending(db)
        for m in old:
            values = f"({m.number}, '{m.name}', '{m.sha256}', '{AT}')"
            line = "INSERT INTO schema_migrations (number, name, sha256, at) VALUES " + values + ";"
            await db.script(f"{migrating.for_engine(m.sql, db.kind)}\n{line}")
    return last.name


def test_migrate_brings_an_old_database_up_to_date_after_a_copy(tmp_path: Path) -> None:
    last = run(_all_but_the_last(tmp_path / "songda.db"))
    refused = songda("serve", "--port", "0", data=tmp_path)
    assert (refused.returncode, "songda migrate" in refused.stderr, "Traceback" in refused.stderr) == (1, True, False)
    done = songda("migrate", data=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == [last, "1 migrations applied"]
    copy = next((tmp_path / "before-migration").glob("*.db"))
    with closing(sqlite3.connect(copy)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM schema_migrations")]
    assert last not in names
    again = songda("migrate", data=tmp_path)
    assert (again.returncode, again.stdout) == (0, "up to date\n")


def dump(connection: sqlite3.Connection) -> list[object]:
    """The schema and every row; of the search index its own tables, for it cannot be read as one."""
    schema = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%fts5%' ORDER BY name")
    return [schema, *(connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables.fetchall())]


def test_a_migration_that_fails_leaves_the_database_as_it_was(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "songda.db")) as connection:  # its tables are there, so the last one must fail
        connection.execute("DELETE FROM schema_migrations WHERE number = (SELECT MAX(number) FROM schema_migrations)")
        connection.commit()
        before = dump(connection)
    with pytest.raises(Refused, match="恢复成原样"):
        run(backup.bring_up_to_date(str(folder / "songda.db"), folder, FixedClock()))
    with closing(sqlite3.connect(folder / "songda.db")) as connection:
        assert dump(connection) == before


def test_migrate_is_refused_while_the_service_runs(tmp_path: Path) -> None:
    with Serving(tmp_path):
        done = songda("migrate", data=tmp_path)
    assert (done.returncode, "正由另一个进程使用" in done.stderr) == (1, True)
    none = songda("migrate", data=tmp_path / "none")
    assert (none.returncode, "no database" in none.stderr) == (1, True)


# --- the invariants -------------------------------------------------------------------------------------------------------

PLANTED = [
    ("unit_paths", "UPDATE units SET path = '/9/' WHERE code = '620001'"),
    ("unit_names", "DELETE FROM unit_names WHERE unit_id = (SELECT id FROM units WHERE code = '620001')"),
    ("tallies", "UPDATE tallies SET signed = signed + 1"),
    ("subject_whole", "DELETE FROM receipts WHERE unit_id = (SELECT id FROM units WHERE code = '620001')"),
    ("subject_whole", "DELETE FROM tallies"),
    ("receipt_subject", "UPDATE receipts SET subject_id = 77"),
    ("facts_of_times", "DELETE FROM facts WHERE fact = 'signed'"),
    ("facts_of_receipts", "UPDATE facts SET unit_id = 9999 WHERE fact = 'signed'"),
    ("receipt_state", "UPDATE receipts SET state = 1 WHERE signed_at IS NOT NULL"),
    ("receipt_state", "UPDATE receipts SET waits = 'sign', due_at = NULL"),
    ("closed_waits", "UPDATE subjects SET closed_at = '2026-03-18T02:00:00.000Z'"),
    ("notice_whole", "DELETE FROM answers WHERE unit_id = (SELECT id FROM units WHERE code = '620001')"),
    ("notice_version", "UPDATE notices SET version = 3"),
    ("notice_version", "UPDATE notices SET cancelled_at = '2026-03-18T02:00:00.000Z'"),
    ("answer_people", "UPDATE answers SET people = people + 1"),
    ("answer_people", "UPDATE answers SET state = 'coming', people = 0"),
    ("answer_state", "UPDATE answers SET state = 'asked'"),
    ("answer_state", "UPDATE answers SET state = 'perhaps'"),
    ("message_states", "UPDATE messages SET state = 'sent'"),
    ("message_states", "UPDATE messages SET state = 'accepted', dispatch_id = NULL"),
    ("message_states", "DELETE FROM contents"),
    ("separate_duties", "UPDATE posts SET role = 'auditor' WHERE role = 'leader'"),
]


async def _notice(tx: Tx) -> World:
    """The cast, one notice to the two districts, signed by the north."""
    from zoneinfo import ZoneInfo

    from ground.directory.groups import Wanted
    from ground.messages.outbox import QuietHours
    from ground.messages.telling import Told
    from ground.say import Say
    from notices import publishing
    from notices.notice import Contents
    from receipts import inbox

    world = await make(tx)
    await tx.run("UPDATE posts SET person_id = (SELECT id FROM people WHERE login = 'qiaolei') WHERE role = 'leader'")
    told = Told(Say(ZoneInfo("Asia/Shanghai"), str, "zh"), "", QuietHours())
    new = Contents("会议", "会议室", "2026-03-20T07:00:00.000Z", "2026-03-20T09:00:00.000Z", "2026-03-19T04:00:00.000Z")
    sent = await publishing.publish(tx, world.organiser, new, Wanted((world.districts,)), told=told, now=AT, today="2026-03-18")
    await inbox.open_item(tx, sent.id, world.north_clerk, AT)
    await inbox.sign(tx, sent.id, world.north_clerk, waived=(), at=AT)
    return world


async def _broken(db: Database, folder: Path, **more: float) -> set[str]:
    return {found.name for found in await checking.check(db, folder, **more) if not found.ok}


@pytest.mark.parametrize(("name", "sql"), PLANTED)
async def test_each_rule_finds_what_breaks_it(db: Database, tmp_path: Path, name: str, sql: str) -> None:
    await db.write(_notice)
    assert await _broken(db, tmp_path) == set()

    async def plant(tx: Tx) -> int:
        return await tx.run(sql)

    if db.kind == "sqlite":
        await db.script("PRAGMA defer_foreign_keys = on")
    assert await db.write(plant) > 0
    assert name in await _broken(db, tmp_path)


async def test_files_that_changed_or_belong_to_nobody_are_found(db: Database, tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=2**20, min_free=1)
    stored = await store.put_bytes(b"agenda")
    await db.write(files.record, stored, "议程.txt", unit=2, person=1, at=AT)
    loose = await store.put_bytes(b"nobody's")
    later = SystemClock().now()
    assert later
    assert await _broken(db, tmp_path) == set()  # it may belong to an act that has not committed yet
    old = store.path(loose.sha256).stat().st_mtime + 3601
    assert await _broken(db, tmp_path, now_s=old) == {"orphans"}
    _flip(store.path(stored.sha256), 0)
    assert await _broken(db, tmp_path, now_s=old) == {"orphans", "files"}
    shutil.rmtree(store.path(stored.sha256).parent)
    assert "files" in await _broken(db, tmp_path)


def test_check_exits_with_a_list(folder: Path) -> None:
    good = songda("check", data=folder)
    assert (good.returncode, good.stdout.splitlines()[-1].split(", ")[1]) == (0, "0 broken")
    _flip(next((folder / "files").glob("[0-9a-f][0-9a-f]/*")), 0)
    bad = songda("check", data=folder)
    assert bad.returncode == 1
    assert "✗ 每个文件的内容" in bad.stdout
    assert songda("check", data=folder / "none").returncode == 1


# --- the socket -----------------------------------------------------------------------------------------------------------


async def test_the_socket_is_its_owners_and_knows_only_its_orders(tmp_path: Path) -> None:
    folder = tmp_path / ("很长的文件夹" * 9)  # longer than the kernel allows a socket's name to be
    folder.mkdir()
    config = load(None, {"SONGDA_DATA_DIR": str(folder)})
    assert await control.ask(folder, "hello", {}) is None
    async with opened(config.database) as db, control.listening(control.Desk(config, db, FixedClock())):
        assert (folder / "songda.sock").stat().st_mode & 0o777 == 0o600
        assert await control.ask(folder, "hello", {}) == {"pid": os.getpid()}
        with pytest.raises(Refused) as refused:
            await control.ask(folder, "shell", {})
        assert refused.value.code == "unknown_order"
    assert await control.ask(folder, "hello", {}) is None


async def test_a_socket_that_a_killed_service_left_is_no_obstacle(tmp_path: Path) -> None:
    config = load(None, {"SONGDA_DATA_DIR": str(tmp_path)})
    import socket

    with closing(socket.socket(socket.AF_UNIX)) as left:
        left.bind(str(tmp_path / "songda.sock"))
    assert await control.ask(tmp_path, "hello", {}) is None
    async with opened(config.database) as db, control.listening(control.Desk(config, db, FixedClock())):
        assert await control.ask(tmp_path, "hello", {}) is not None
