"""Brings a database up to date: plain SQL files, numbered once over all rooms, never edited after a release.

Each file runs in a transaction of its own together with its line in `schema_migrations`: after a crash it is there whole or not.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from ground.clock import Clock
from ground.db import Database, Tx
from ground.errors import Unavailable

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (
    "ground/migrations",
    "ground/directory/migrations",
    "ground/messages/migrations",
    "receipts/migrations",
    "notices/migrations",
    "exchange/migrations",
)


class Migration(NamedTuple):
    """One file: its number, name, text and the text's SHA-256."""

    number: int
    name: str
    sql: str
    sha256: str


class Applied(NamedTuple):
    """One line of `schema_migrations`."""

    number: int
    name: str
    sha256: str


def known() -> list[Migration]:
    """Every migration of this version, in order. Raises RuntimeError when a number stands twice or is missing."""
    found = []
    for folder in FOLDERS:
        for path in (ROOT / folder).glob("[0-9]*.sql"):
            sql = path.read_text(encoding="utf-8")
            found.append(Migration(int(path.name[:4]), path.stem, sql, hashlib.sha256(sql.encode()).hexdigest()))
    found.sort()
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise RuntimeError(f"migrations are not numbered 1, 2, 3 …: {[m.name for m in found]}")
    return found


def for_engine(sql: str, kind: str) -> str:
    """A migration's text without what is meant for the other engine: `-- only: sqlite` … `-- end`."""
    return re.sub(rf"^-- only: (?!{kind}$)\w+$.*?^-- end$", "", sql, flags=re.MULTILINE | re.DOTALL)


TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
"""
APPLIED = "SELECT number, name, sha256 FROM schema_migrations ORDER BY number"


async def _applied(tx: Tx) -> list[Applied]:
    return await tx.all(APPLIED, Applied)


async def pending(db: Database) -> list[Migration]:
    """What this version has and the database lacks. Raises Unavailable if the database is newer, or a file was changed."""
    await db.script(TABLE)
    applied = {a.number: a for a in await db.read(_applied)}
    ours = known()
    if len(applied) > len(ours):
        raise Unavailable("数据库比程序新（第 {n} 号迁移）。请用新版本的程序。", n=len(applied))
    for migration in ours:
        done = applied.get(migration.number)
        if done is not None and done.sha256 != migration.sha256:
            raise Unavailable(
                "第 {n} 号迁移 {name} 和数据库里记的不一样，程序文件被改过。", n=migration.number, name=migration.name
            )
    return [m for m in ours if m.number not in applied]


async def migrate(db: Database, clock: Clock) -> list[str]:
    """Apply what is pending, each file whole or not at all; the names of those applied."""
    names = []
    for m in await pending(db):
        if not re.fullmatch(r"[0-9a-z_]+", m.name):
            raise RuntimeError(f"a migration's name is letters, digits and _: {m.name}")
        line = (
            f"INSERT INTO schema_migrations (number, name, sha256, at) "  # noqa: S608 - our own file's name and hash
            f"VALUES ({m.number}, '{m.name}', '{m.sha256}', '{clock.now()}');"
        )
        await db.script(f"{for_engine(m.sql, db.kind)}\n{line}")
        names.append(m.name)
    return names
