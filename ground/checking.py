"""The invariants: what must be true of the data whatever has happened. `songda check` asks, and so does every fault experiment.

    found = await check(db, folder)      every broken rule with the rows that break it; empty when all is well

It reads tables by SQL of its own and calls no action: what is checked must not be what one checks with. A rule's text names its
offenders; no row is good. Words are Chinese, for the operator; names are for programs.
"""

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

from ground.config import Config
from ground.db import Tx, opened
from ground.errors import Unavailable
from ground.messages.message import State
from ground.sqlite import SqliteTx, step

T = TypeVar("T")

ORPHAN_S = 3600
SHOWN = 50  # offenders of one rule that are named; all are counted
DISPATCH_STATES = (
    "claimed", "released", "leaving", "retry_wait", "unknown", "resent", "accepted", "undelivered", "delivered"
)  # fmt: skip


class Reading(Protocol):
    """Whatever can read: the service's database, or `Reader`."""

    kind: str

    async def read(self, fn: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T:
        """Run `fn(tx, …)` on a snapshot."""
        ...


class Rule(NamedTuple):
    """One invariant: its name, what it says, and the SQL that finds offenders (one text column)."""

    name: str
    says: str
    sql: str


class Finding(NamedTuple):
    """A rule, and what breaks it; `offenders` names the first of them."""

    name: str
    says: str
    number: int
    offenders: list[str]

    @property
    def ok(self) -> bool:
        """Whether nothing breaks it."""
        return self.number == 0


def _id(*columns: str) -> str:
    """SQL for a readable name of a row: `7/12`."""
    return " || '/' || ".join(f"CAST({column} AS TEXT)" for column in columns)


_LEGAL = ", ".join(f"'{state}'" for state in State)
_LEGAL_DISPATCH = ", ".join(f"'{state}'" for state in DISPATCH_STATES)
RULES = (
    Rule("unit_paths", "每个单位的路径是上级的路径加自己", f"""
SELECT {_id("u.id")} FROM units u LEFT JOIN units p ON p.id = u.parent_id
WHERE u.path <> COALESCE(p.path, '/') || CAST(u.id AS TEXT) || '/'"""),
    Rule("unit_names", "每个单位都有名称的历史", f"""
SELECT {_id("u.id")} FROM units u WHERE NOT EXISTS (SELECT 1 FROM unit_names n WHERE n.unit_id = u.id)"""),
    Rule("subject_whole", "每件事的签收数等于发出的单位数，一个不少", f"""
SELECT {_id("s.id")} FROM subjects s LEFT JOIN tallies t ON t.subject_id = s.id
LEFT JOIN (SELECT subject_id, COUNT(*) AS n FROM receipts GROUP BY subject_id) r ON r.subject_id = s.id
WHERE t.total IS NULL OR t.total <> COALESCE(r.n, 0) OR t.total = 0"""),
    Rule("receipt_subject", "每条签收都属于一件事和一个单位", f"""
SELECT {_id("r.subject_id", "r.unit_id")} FROM receipts r LEFT JOIN subjects s ON s.id = r.subject_id
LEFT JOIN units u ON u.id = r.unit_id WHERE s.id IS NULL OR u.id IS NULL"""),
    Rule("tallies", "计数等于重新数一遍", f"""
SELECT {_id("t.subject_id")} FROM tallies t JOIN (
  SELECT subject_id, COUNT(opened_at) AS opened, COUNT(signed_at) AS signed, COUNT(answered_at) AS answered,
    COUNT(CASE WHEN state = 7 THEN 1 END) AS recalled
  FROM receipts GROUP BY subject_id) r ON r.subject_id = t.subject_id
WHERE t.opened <> r.opened OR t.signed <> r.signed OR t.answered <> r.answered OR t.recalled <> r.recalled"""),
    Rule("facts_of_times", "签收上的每个时间都有一条事实", f"""
SELECT {_id("r.subject_id", "r.unit_id")} || ' ' || f.fact FROM receipts r
JOIN (SELECT 'arrived' AS fact UNION ALL SELECT 'opened' UNION ALL SELECT 'signed' UNION ALL SELECT 'answered') f
  ON (f.fact = 'arrived' OR (f.fact = 'opened' AND r.opened_at IS NOT NULL) OR (f.fact = 'signed' AND r.signed_at IS NOT NULL)
    OR (f.fact = 'answered' AND r.answered_at IS NOT NULL))
WHERE NOT EXISTS (SELECT 1 FROM facts x WHERE x.subject_id = r.subject_id AND x.unit_id = r.unit_id AND x.fact = f.fact)"""),
    Rule("facts_of_receipts", "每条事实都属于一条签收", f"""
SELECT {_id("f.id")} FROM facts f
WHERE NOT EXISTS (SELECT 1 FROM receipts r WHERE r.subject_id = f.subject_id AND r.unit_id = f.unit_id)"""),
    Rule("receipt_state", "签收的状态和时间相符", f"""
SELECT {_id("subject_id", "unit_id")} FROM receipts WHERE state NOT BETWEEN 1 AND 9
  OR (state = 1 AND opened_at IS NOT NULL) OR (state BETWEEN 2 AND 5 AND opened_at IS NULL)
  OR (state BETWEEN 3 AND 5 AND signed_at IS NULL) OR (state < 3 AND signed_at IS NOT NULL)
  OR (state = 5 AND answered_at IS NULL) OR (waits IS NOT NULL AND due_at IS NULL)"""),
    Rule("closed_waits", "取消了的事不再等谁", f"""
SELECT {_id("r.subject_id", "r.unit_id")} FROM receipts r JOIN subjects s ON s.id = r.subject_id
WHERE s.closed_at IS NOT NULL AND r.waits IS NOT NULL"""),
    Rule("notice_whole", "每个会议通知的答复行和签收一一对应", f"""
SELECT {_id("r.subject_id", "r.unit_id")} FROM receipts r JOIN notices n ON n.id = r.subject_id
LEFT JOIN answers a ON a.notice_id = r.subject_id AND a.unit_id = r.unit_id WHERE a.unit_id IS NULL
UNION ALL
SELECT {_id("a.notice_id", "a.unit_id")} FROM answers a
LEFT JOIN receipts r ON r.subject_id = a.notice_id AND r.unit_id = a.unit_id WHERE r.unit_id IS NULL
UNION ALL
SELECT {_id("s.id")} FROM subjects s LEFT JOIN notices n ON n.id = s.id WHERE s.kind = 'notice' AND n.id IS NULL"""),
    Rule("notice_version", "每个通知的版本都留着，号码一致", f"""
SELECT {_id("n.id")} FROM notices n JOIN subjects s ON s.id = n.id
LEFT JOIN (SELECT notice_id, MAX(version) AS newest, COUNT(*) AS kept FROM versions GROUP BY notice_id) v ON v.notice_id = n.id
WHERE v.newest IS NULL OR v.newest <> v.kept OR v.newest <> s.version
  OR n.version <> v.newest + CASE WHEN n.cancelled_at IS NULL THEN 0 ELSE 1 END"""),
    Rule("answer_people", "每个单位的参会人数等于名单", f"""
SELECT {_id("a.notice_id", "a.unit_id")} FROM answers a LEFT JOIN (
  SELECT notice_id, unit_id, COUNT(*) AS n FROM attendees WHERE removed_at IS NULL GROUP BY notice_id, unit_id) t
  ON t.notice_id = a.notice_id AND t.unit_id = a.unit_id
WHERE a.people <> COALESCE(t.n, 0) OR (a.state = 'coming' AND a.people = 0) OR (a.state = 'absent' AND a.people > 0)"""),
    Rule("answer_state", "答复的状态认识，有请假待批的写作待批", f"""
SELECT {_id("a.notice_id", "a.unit_id")} FROM answers a WHERE a.state NOT IN ('none', 'coming', 'asked', 'absent')
  OR (a.state = 'asked') <> EXISTS (
    SELECT 1 FROM leaves l WHERE l.notice_id = a.notice_id AND l.unit_id = a.unit_id AND l.state = 'asked')"""),
    Rule("subject_files", "每件事的附件都登记在册", f"""
SELECT {_id("x.subject_id", "x.sort")} FROM subject_files x LEFT JOIN files f ON f.id = x.file_id WHERE f.id IS NULL"""),
    Rule("message_states", "每条消息的状态认识，发出的都有发送记录", f"""
SELECT {_id("m.id")} FROM messages m LEFT JOIN dispatches d ON d.id = m.dispatch_id
LEFT JOIN contents c ON c.id = m.content_id
WHERE m.state NOT IN ({_LEGAL}) OR c.id IS NULL OR (m.dispatch_id IS NOT NULL AND d.id IS NULL)
  OR (m.state IN ('claimed', 'accepted', 'unknown') AND d.id IS NULL)"""),
    Rule("dispatch_states", "每次发送的状态认识", f"""
SELECT {_id("d.id")} FROM dispatches d WHERE d.state NOT IN ({_LEGAL_DISPATCH})"""),
    Rule("separate_duties", "审计员不兼系统管理员或安全管理员（三员分立）", """
SELECT p.login FROM people p JOIN posts a ON a.person_id = p.id AND a.until_at IS NULL AND a.role = 'auditor'
JOIN posts b ON b.person_id = p.id AND b.until_at IS NULL AND b.role IN ('operator', 'security')"""),
)  # fmt: skip
FILE_HASHES = "SELECT DISTINCT sha256 FROM files ORDER BY sha256"


# --- reading without the service ------------------------------------------------------------------------------------------


class Reader:
    """A SQLite file opened read-only: beside the running service, or without it."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        """Open `path`. Raises Unavailable when there is no database there."""
        if not path.exists():
            raise Unavailable("没有数据库 {path}。请看 --data 是否写对。", path=path)
        self._connection = sqlite3.connect(read_only(path), uri=True, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA query_only = on")

    async def read(self, fn: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T:
        """Run `fn(tx, …)` on a snapshot, in a thread."""
        return await asyncio.to_thread(self._snapshot, lambda tx: fn(tx, *args, **kwargs))

    def _snapshot(self, act: Callable[[SqliteTx], Awaitable[T]]) -> T:
        self._connection.execute("BEGIN")
        try:
            return step(act(SqliteTx(self._connection, writing=False)))
        finally:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def read_only(path: Path) -> str:
    """The URI that opens a SQLite file for reading."""
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def sqlite_file(config: Config) -> Path | None:
    """The SQLite file of the settings; None on PostgreSQL."""
    return None if config.database.startswith(("postgresql://", "postgres://")) else Path(config.database)


@asynccontextmanager
async def reading(config: Config) -> AsyncIterator[Reading]:
    """The database of the settings, for reading only. Raises Unavailable."""
    file = sqlite_file(config)
    if file is None:
        async with opened(config.database, pool_size=2) as database:
            yield database
        return
    reader = Reader(file)
    try:
        yield reader
    finally:
        reader.close()


# --- checking -------------------------------------------------------------------------------------------------------------


async def check(db: Reading, folder: Path, *, now_s: float | None = None) -> list[Finding]:
    """Every rule in order, the good ones too.

    Args:
        folder: where the bytes of files lie.
        now_s: seconds since 1970, against which the age of files without a row is counted; None: now.
    """
    found = [await db.read(_engine)] if db.kind == "sqlite" else []
    found += [await db.read(_rule, rule) for rule in RULES]
    known = await db.read(_hashes)
    return [*found, *await asyncio.to_thread(_files, folder, known, (time.time() if now_s is None else now_s) - ORPHAN_S)]


async def _engine(tx: Tx) -> Finding:
    """SQLite's own view of its file."""
    said = [line for line in await tx.all("PRAGMA integrity_check", str) if line != "ok"]
    said += [f"{table} {row}" for table, row, *_ in await tx.all("PRAGMA foreign_key_check", lambda *c: c)]
    return _finding("integrity", "数据库文件完好，外键都对得上", said)


async def _rule(tx: Tx, rule: Rule) -> Finding:
    return _finding(rule.name, rule.says, await tx.all(rule.sql, str))


def _finding(name: str, says: str, offenders: list[str]) -> Finding:
    return Finding(name, says, len(offenders), offenders[:SHOWN])


async def _hashes(tx: Tx) -> list[str]:
    return await tx.all(FILE_HASHES, str)


def _files(folder: Path, known: list[str], old_s: float) -> list[Finding]:
    """Every file that a row names has the bytes of its name; nothing else has lain there since `old_s`."""
    wrong = [sha256 for sha256 in known if digest_of(folder / sha256[:2] / sha256[2:]) != sha256]
    named, loose = set(known), []
    for path in folder.glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # an upload that has just ended
            if path.parent.name + path.name not in named and path.stat().st_mtime < old_s:
                loose.append(f"{path.parent.name}/{path.name}")
    return [
        _finding("files", "每个文件的内容和它的名字（SHA-256）一致", wrong),
        _finding("orphans", "没有放了一小时以上、谁也不用的文件", sorted(loose)),
    ]


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes; '' when there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
