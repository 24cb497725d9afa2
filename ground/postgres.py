"""PostgreSQL under the contract of `ground/db.py`: a pool, each act a transaction of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg

from ground.db import Act, Listener, P, Params
from ground.errors import Unavailable

T = TypeVar("T")

_HOLE = re.compile(r"'(?:[^']|'')*'|::\w+|:([a-z_][a-z0-9_]*)")


@lru_cache(maxsize=2048)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """`:name` holes as `$1 …`, and the names in that order."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group(0)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _HOLE.sub(number, sql), tuple(names)


class PostgresTx:
    """A transaction on a pooled connection."""

    __slots__ = ("_connection", "kind", "topics", "writing")

    def __init__(self, connection: asyncpg.pool.PoolConnectionProxy[Any], *, writing: bool) -> None:
        """Wrap `connection`, on which a transaction is open."""
        self._connection = connection
        self.writing = writing
        self.kind = "postgres"
        self.topics: set[str] = set()

    async def all(self, sql: str, row: Callable[..., T], /, **values: Any) -> list[T]:
        """Every row, each passed through `row(*columns)`."""
        text, names = _numbered(sql)
        return [row(*columns) for columns in await self._connection.fetch(text, *(values[n] for n in names))]

    async def one(self, sql: str, row: Callable[..., T], /, **values: Any) -> T | None:
        """The first row, or None."""
        text, names = _numbered(sql)
        columns = await self._connection.fetchrow(text, *(values[n] for n in names))
        return None if columns is None else row(*columns)

    async def value(self, sql: str, /, **values: Any) -> Any:
        """The first column of the first row, or None."""
        text, names = _numbered(sql)
        return await self._connection.fetchval(text, *(values[n] for n in names))

    async def run(self, sql: str, /, **values: Any) -> int:
        """Run a statement; how many rows it changed."""
        text, names = _numbered(sql)
        status = await self._connection.execute(text, *(values[n] for n in names))
        last = status.rpartition(" ")[2]
        return int(last) if last.isdigit() else 0

    async def many(self, sql: str, rows: Sequence[Params], /) -> None:
        """Run a statement once for each row of values."""
        text, names = _numbered(sql)
        await self._connection.executemany(text, [tuple(row[n] for n in names) for row in rows])

    def notify(self, topic: str) -> None:
        """Tell the listeners of `topic` after the commit."""
        self.topics.add(topic)


class PostgresDatabase:
    """A pool; each act a transaction of its own."""

    kind = "postgres"

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        """Use `open_database`."""
        self._pool = pool
        self._listeners: list[Listener] = []

    @classmethod
    async def open(cls, url: str, *, pool_size: int = 10) -> PostgresDatabase:
        """Connect. Raises Unavailable when the server cannot be reached."""
        try:
            pool = await asyncpg.create_pool(url, min_size=1, max_size=pool_size, command_timeout=60)
        except (OSError, asyncpg.PostgresError) as error:
            raise Unavailable("连不上 PostgreSQL：{why}。请检查 SONGDA_DATABASE_URL。", why=str(error)) from error
        return cls(pool)

    async def read(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` on a snapshot."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await fn(PostgresTx(connection, writing=False), *args, **kwargs)

    async def write(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` in a transaction; once more if the engine broke it off to end a deadlock."""
        for attempt in range(5):
            try:
                async with self._pool.acquire() as connection:
                    async with connection.transaction():
                        tx = PostgresTx(connection, writing=True)
                        answer = await fn(tx, *args, **kwargs)
                    self._tell(tx.topics)
                    return answer
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == 4:
                    raise
        raise AssertionError("unreachable")

    def _tell(self, topics: set[str]) -> None:
        if topics:
            for listener in self._listeners:
                listener(frozenset(topics))

    def listen(self, listener: Listener) -> None:
        """Call `listener(topics)` in the event loop after each commit of this process that notified any."""
        self._listeners.append(listener)

    async def script(self, sql: str) -> None:
        """Run a migration's text in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_postgres_schema(sql))

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()


def _postgres_schema(sql: str) -> str:
    """A migration's text as PostgreSQL wants it: the same tables, its own words for keys, sizes and bytes."""
    text = re.sub(r"\bINTEGER PRIMARY KEY\b", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", sql)
    text = re.sub(r"\bINTEGER\b", "BIGINT", text)
    text = re.sub(r"\bBLOB\b", "BYTEA", text)
    return re.sub(r"\)\s*(?:STRICT|WITHOUT ROWID)(?:,\s*(?:STRICT|WITHOUT ROWID))*\s*;", ");", text)
