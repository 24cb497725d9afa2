"""SQLite under the contract of `ground/db.py`.

The discipline (measured; docs/decisions/0003): one process (a lock file), one writing connection that alone checkpoints, readers
`mode=ro`, synchronous=FULL, WAL, foreign keys on. After a commit that failed in the disk's hands the page cache cannot be
believed: writes are refused until the service is started again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import aiosqlite
from prometheus_client import Histogram

from ground.db import Act, Listener, P, Params, Tx
from ground.errors import DiskFull, Unavailable

T = TypeVar("T")

ENGINE_FLOOR = (3, 37, 0)  # STRICT tables and RETURNING
SAFE_ENGINES = ((3, 51, 3), (3, 50, 7), (3, 44, 6))  # the first without the WAL bug, and its two back-ports
READERS = 3
WRITE_SECONDS = Histogram("songda_write_seconds", "One shared transaction, from BEGIN to the end of COMMIT")
WRITE_ACTS = Histogram("songda_write_acts", "Acts in one shared transaction", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
BATCH = 256


def step(awaitable: Awaitable[T]) -> T:
    """Run a coroutine that never really waits, to its end, here and now.

    Raises RuntimeError if it awaits anything but its transaction: an act that sleeps would hold the writer for all.
    """
    coroutine = cast("Coroutine[Any, Any, T]", awaitable)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    coroutine.close()
    raise RuntimeError("an act may await only its transaction")


class SqliteTx:
    """A transaction on a raw connection, stepped in the connection's own thread."""

    __slots__ = ("_connection", "kind", "topics", "writing")

    def __init__(self, connection: sqlite3.Connection, *, writing: bool) -> None:
        """Wrap `connection`, on which a transaction is open."""
        self._connection = connection
        self.writing = writing
        self.kind = "sqlite"
        self.topics: set[str] = set()

    async def all(self, sql: str, row: Callable[..., T], /, **values: Any) -> list[T]:
        """Every row, each passed through `row(*columns)`."""
        return [row(*columns) for columns in self._connection.execute(sql, values)]

    async def one(self, sql: str, row: Callable[..., T], /, **values: Any) -> T | None:
        """The first row, or None."""
        columns = self._connection.execute(sql, values).fetchone()
        return None if columns is None else row(*columns)

    async def value(self, sql: str, /, **values: Any) -> Any:
        """The first column of the first row, or None."""
        columns = self._connection.execute(sql, values).fetchone()
        return None if columns is None else columns[0]

    async def run(self, sql: str, /, **values: Any) -> int:
        """Run a statement; how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    async def many(self, sql: str, rows: Sequence[Params], /) -> None:
        """Run a statement once for each row of values."""
        self._connection.executemany(sql, rows)

    def notify(self, topic: str) -> None:
        """Tell the listeners of `topic` after the commit."""
        self.topics.add(topic)


class _Waiting:
    """An act in the queue, and the future that its caller awaits."""

    __slots__ = ("act", "future")

    def __init__(self, act: Callable[[Tx], Awaitable[Any]], future: asyncio.Future[Any]) -> None:
        self.act = act
        self.future = future


Settled = list[tuple[_Waiting, Any, BaseException | None]]


def _run_batch(connection: sqlite3.Connection, batch: Sequence[_Waiting]) -> tuple[Settled, frozenset[str]]:
    """Run each act in its savepoint and commit once (in the writer's thread). Raises sqlite3.Error if the commit failed."""
    settled: Settled = []
    topics: set[str] = set()
    WRITE_ACTS.observe(len(batch))
    connection.execute("BEGIN IMMEDIATE")
    try:
        for waiting in batch:
            tx = SqliteTx(connection, writing=True)
            connection.execute("SAVEPOINT act")
            try:
                answer = step(waiting.act(tx))
            except Exception as error:
                if not connection.in_transaction:
                    raise
                connection.execute("ROLLBACK TO act")
                connection.execute("RELEASE act")
                settled.append((waiting, None, error))
            else:
                connection.execute("RELEASE act")
                topics |= tx.topics
                settled.append((waiting, answer, None))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return settled, frozenset(topics)


def _timed_batch(connection: sqlite3.Connection, batch: Sequence[_Waiting]) -> tuple[Settled, frozenset[str]]:
    with WRITE_SECONDS.time():
        return _run_batch(connection, batch)


class SqliteDatabase:
    """One file, one process: see the module's text for the discipline."""

    kind = "sqlite"

    def __init__(self, path: Path, lock: IO[str], writer: aiosqlite.Connection, *, batching: bool) -> None:
        """Use `open_database`."""
        self.path = path
        self._lock = lock
        self._writer = writer
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._all_readers: list[aiosqlite.Connection] = []
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._listeners: list[Listener] = []
        self._broken = ""
        self._closing = False
        self._batch = BATCH if batching else 1
        self._loop_task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, batching: bool = True) -> SqliteDatabase:
        """Take the lock, open the writer and start its loop. Raises Unavailable if another process has the file."""
        if sqlite3.sqlite_version_info < ENGINE_FLOOR:
            raise Unavailable("SQLite {have} 太旧，请换 3.37 或更新的版本。", have=sqlite3.sqlite_version)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = take_lock(path)
        writer = await aiosqlite.connect(path, isolation_level=None, cached_statements=512)
        for pragma in WRITER_PRAGMAS:
            await writer.execute(pragma)
        database = cls(path, lock, writer, batching=batching)
        database._loop_task = asyncio.create_task(database._write_loop(), name="sqlite writer")
        return database

    async def _open_reader(self) -> aiosqlite.Connection:
        reader = await aiosqlite.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None, cached_statements=512)
        await reader.execute("PRAGMA query_only = on")
        self._all_readers.append(reader)
        return reader

    async def read(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(tx, …)` on a snapshot, in a reader's thread."""
        if self._readers.empty() and len(self._all_readers) < READERS:
            reader = await self._open_reader()
        else:
            reader = await self._readers.get()

        def snapshot() -> T:
            connection = reader._conn
            connection.execute("BEGIN")
            try:
                return step(fn(SqliteTx(connection, writing=False), *args, **kwargs))
            finally:
                connection.execute("ROLLBACK")

        try:
            return await _in_thread(reader, snapshot)
        finally:
            self._readers.put_nowait(reader)

    async def write(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Queue `fn(tx, …)` for the next shared commit and wait for it."""
        if self._broken or self._closing:
            raise Unavailable(self._broken or "服务正在停下，请稍等再试。")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(lambda tx: fn(tx, *args, **kwargs), future))
        self._wake.set()
        return await future

    async def _write_loop(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._wake.clear()
                try:
                    await asyncio.wait_for(self._wake.wait(), timeout=2)
                except TimeoutError:
                    await _in_thread(self._writer, lambda: _checkpoint(self._writer._conn))
                continue
            batch = [self._queue.popleft() for _ in range(min(self._batch, len(self._queue)))]
            await self._commit(batch)

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            settled, topics = await _in_thread(self._writer, lambda: _timed_batch(self._writer._conn, batch))
        except Exception as error:  # noqa: BLE001 - every caller hears of it, whatever it is
            said = self._explain(error)
            settled, topics = [(waiting, None, said) for waiting in batch], frozenset[str]()
        for waiting, answer, trouble in settled:
            if waiting.future.done():  # its caller has gone; the act stands all the same
                continue
            if trouble is None:
                waiting.future.set_result(answer)
            else:
                waiting.future.set_exception(trouble)
        if topics:
            for listener in self._listeners:
                listener(topics)

    def _explain(self, error: Exception) -> Exception:
        """What a failed commit means. A full disk passes; any other disk error closes the door until a restart."""
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            return DiskFull("磁盘满了，这一步没有存上。请告诉系统管理员，腾出空间后再试。")
        if isinstance(error, sqlite3.DatabaseError):
            self._broken = "数据库写不进去，服务只能查看。请系统管理员检查磁盘后重新启动服务。"
            unavailable = Unavailable(self._broken)
            unavailable.__cause__ = error
            return unavailable
        return error

    def listen(self, listener: Listener) -> None:
        """Call `listener(topics)` in the event loop after each commit that notified any."""
        self._listeners.append(listener)

    async def script(self, sql: str) -> None:
        """Run a migration's text in one transaction, with foreign keys off and checked at the end."""

        def run() -> None:
            connection = self._writer._conn
            connection.execute("PRAGMA foreign_keys = off")
            try:
                connection.executescript(f"BEGIN IMMEDIATE;\n{sql};\n")
                wrong = connection.execute("PRAGMA foreign_key_check").fetchall()
                if wrong:
                    raise sqlite3.IntegrityError(f"foreign keys broken by the migration: {wrong[:3]}")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                connection.execute("PRAGMA foreign_keys = on")

        await _in_thread(self._writer, run)

    async def backup(self, dest: Path) -> None:
        """Copy the database, consistent and online, to `dest` (a new file)."""
        reader = await self._open_reader()
        try:
            async with aiosqlite.connect(dest) as copy:
                await reader.backup(copy, pages=2000)
        finally:
            self._all_readers.remove(reader)
            await reader.close()

    async def close(self) -> None:
        """Finish what is queued, checkpoint, close, let the lock go."""
        self._closing = True
        self._wake.set()
        if self._loop_task is not None:
            await self._loop_task
        for reader in self._all_readers:
            await reader.close()
        await self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await self._writer.close()
        self._lock.close()


WRITER_PRAGMAS = (
    "PRAGMA journal_mode = wal",
    "PRAGMA synchronous = full",
    "PRAGMA foreign_keys = on",
    "PRAGMA wal_autocheckpoint = 20000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = memory",
)


def take_lock(path: Path) -> IO[str]:
    """Hold `path`.lock until it is closed. Raises Unavailable if another process holds it."""
    lock = path.with_suffix(".lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Unavailable(
            "数据库 {path} 正由另一个进程使用。一个 SQLite 文件只能有一个服务；请先停下它，或改用 PostgreSQL。", path=path
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


async def _in_thread(connection: aiosqlite.Connection, fn: Callable[[], T]) -> T:
    """Run `fn` in the connection's own thread: aiosqlite's queue, one hop for a whole act (docs/decisions/0002)."""
    return cast("T", await connection._execute(fn))  # type: ignore[no-untyped-call]
