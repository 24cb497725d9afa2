"""The database: which engine runs is known here and nowhere else.

    await db.read(fn, *args)     a snapshot in which a write raises
    await db.write(fn, *args)    one transaction; answered after its commit is on the disk

`fn` is `async def fn(tx, *args)` and awaits nothing but its `tx`. On SQLite it is stepped inside the engine's thread, without
going back to the event loop, and acts that wait for the writer share one FULL commit, each inside its own savepoint (an act that
raises takes back only itself). On PostgreSQL each act is a transaction on a pooled connection.

This file is the contract; the engines are `ground/sqlite.py` and `ground/postgres.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from ground.postgres import PostgresDatabase
    from ground.sqlite import SqliteDatabase

P = ParamSpec("P")
T = TypeVar("T")
Act = Callable[Concatenate["Tx", P], Awaitable[T]]
Params = Mapping[str, Any]
Listener = Callable[[frozenset[str]], None]


class Tx(Protocol):
    """One transaction. Every method takes SQL with `:name` holes and its values by name."""

    writing: bool
    kind: str  # the engine, for the few texts that must differ: sqlite, postgres

    async def all(self, sql: str, row: Callable[..., T], /, **values: Any) -> list[T]:
        """Every row, each passed through `row(*columns)`."""
        ...

    async def one(self, sql: str, row: Callable[..., T], /, **values: Any) -> T | None:
        """The first row, or None."""
        ...

    async def value(self, sql: str, /, **values: Any) -> Any:
        """The first column of the first row, or None."""
        ...

    async def run(self, sql: str, /, **values: Any) -> int:
        """Run a statement; how many rows it changed."""
        ...

    async def many(self, sql: str, rows: Sequence[Params], /) -> None:
        """Run a statement once for each row of values."""
        ...

    def notify(self, topic: str) -> None:
        """Tell the listeners of `topic` after the commit (never if it is rolled back)."""
        ...


class Database(Protocol):
    """Either engine."""

    kind: str

    async def read(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` on a snapshot."""
        ...

    async def write(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` in a transaction; return after the commit."""
        ...

    def listen(self, listener: Listener) -> None:
        """Call `listener(topics)` in the event loop after each commit that notified any."""
        ...

    async def script(self, sql: str) -> None:
        """Run a migration's text, all or nothing, with foreign keys off and checked at the end."""
        ...

    async def close(self) -> None:
        """Finish what is queued and close."""
        ...


async def open_database(where: str | Path, *, batching: bool = True, pool_size: int = 10) -> SqliteDatabase | PostgresDatabase:
    """Open a `postgresql://…` URL or a SQLite file's path.

    Args:
        where: the URL, or the path of the file (made when it is not there).
        batching: whether acts share commits (SQLite; the bench switches it off to compare).
    Raises:
        Unavailable: the file is another process's, or the server does not answer.
    """
    from ground.postgres import PostgresDatabase
    from ground.sqlite import SqliteDatabase

    if str(where).startswith(("postgresql://", "postgres://")):
        return await PostgresDatabase.open(str(where), pool_size=pool_size)
    return await SqliteDatabase.open(Path(where), batching=batching)


@contextlib.asynccontextmanager
async def opened(where: str | Path, **options: Any) -> AsyncIterator[SqliteDatabase | PostgresDatabase]:
    """`open_database` for a `with`: closed at the end."""
    database = await open_database(where, **options)
    try:
        yield database
    finally:
        await database.close()
