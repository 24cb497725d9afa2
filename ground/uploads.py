"""Large files that come in pieces: what of them is on the disk survives a broken line and a restart.

    begin → take → take → … → finish      a row in `uploads`, a partial file `files/new/<id>.part`, at the end a FILE like any other

`received` is what is durable: bytes are fsynced before the row counts them. A crash leaves a partial file that is longer than its
row says; the next piece cuts it back. The partial file goes only after the finished file's row is committed, so that finishing
can be done again.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from ground import clock, files
from ground.db import Tx
from ground.errors import DiskFull, NotFound, Refused, TooLarge
from ground.files import CHUNK, File, Store, Stored

OPEN_AT_ONCE = 20
CHECKPOINT = 32 * 2**20  # how much a crash may cost of one long piece
GONE = "没有这个上传，或者放得太久已经清掉了。请重新选择文件。"
STALLED_S = 30.0  # a line that says nothing for so long is given up, so that its owner may go on by another
INSERT = """
INSERT INTO uploads (id, unit_id, person_id, name, length, received, file_id, at, expires_at)
VALUES (:id, :unit_id, :person_id, :name, :length, 0, NULL, :at, :expires_at)"""
OF = """
SELECT id, unit_id, person_id, name, length, received, file_id, at, expires_at FROM uploads
WHERE id = :id AND unit_id = :unit AND person_id = :person"""
COUNT_OPEN = "SELECT COUNT(*) FROM uploads WHERE person_id = :person AND file_id IS NULL AND expires_at > :now"
PROMISED = "SELECT COALESCE(SUM(length - received), 0) FROM uploads WHERE file_id IS NULL AND expires_at > :now"
RECEIVED = """
UPDATE uploads SET received = :received, expires_at = :expires WHERE id = :id AND received = :before AND file_id IS NULL"""
FINISHED = "UPDATE uploads SET received = length, file_id = :file WHERE id = :id AND length = :size AND file_id IS NULL"
DROP = "DELETE FROM uploads WHERE id = :id"
EXPIRED = "DELETE FROM uploads WHERE expires_at <= :now"
IDS = "SELECT id FROM uploads WHERE file_id IS NULL"


class WrongOffset(Refused):
    """The piece does not begin where the last one ended (409)."""

    code = "wrong_offset"


class Busy(Refused):
    """Another line still sends this file (423)."""

    status = 423
    code = "locked"


class WrongChecksum(Refused):
    """The piece arrived altered; nothing of it is kept (460)."""

    status = 460
    code = "checksum_mismatch"


class Upload(NamedTuple):
    """A file on its way."""

    id: str
    unit_id: int
    person_id: int
    name: str
    length: int
    received: int
    file_id: str | None
    at: str
    expires_at: str


Count = Callable[[int, int], Awaitable[None]]


async def begin(tx: Tx, name: str, length: int, *, unit: int, person: int, room: int, keep_hours: int, at: str) -> Upload:
    """Note a file that will come.

    Args:
        room: bytes that the disk can take beside what must stay free.
    Raises:
        DiskFull: what is promised already and this do not fit. Refused: too many unfinished ones.
    """
    if await tx.value(COUNT_OPEN, person=person, now=at) >= OPEN_AT_ONCE:
        raise Refused("您有 {n} 个文件还没有传完。请等它们传完，或去掉几个再传。", n=OPEN_AT_ONCE, code="too_many_uploads")
    if int(await tx.value(PROMISED, now=at)) + length > room:
        raise DiskFull("磁盘放不下这个文件，暂时不能上传。请告诉系统管理员；签收和报名不受影响。")
    expires = clock.after(at, hours=keep_hours)
    upload = Upload(secrets.token_urlsafe(18), unit, person, files.clean_name(name), length, 0, None, at, expires)
    await tx.run(INSERT, id=upload.id, unit_id=unit, person_id=person, name=upload.name, length=length, at=at, expires_at=expires)
    return upload


async def of(tx: Tx, id: str, *, unit: int, person: int, now: str) -> Upload:
    """The upload. Raises NotFound for another person's, another unit's, and one that has expired."""
    found = await tx.one(OF, Upload, id=id, unit=unit, person=person)
    if found is None or found.expires_at <= now:
        raise NotFound(GONE)
    return found


async def count(tx: Tx, id: str, before: int, received: int, expires: str) -> None:
    """Count what is durable now. Raises WrongOffset when somebody else counted first."""
    if await tx.run(RECEIVED, id=id, before=before, received=received, expires=expires) != 1:
        raise WrongOffset("这个文件刚由另一处接着传了。")


async def finish(tx: Tx, upload: Upload, stored: Stored, *, at: str) -> File:
    """The upload becomes a file. Raises WrongOffset when it did so already."""
    row = await files.record(tx, stored, upload.name, unit=upload.unit_id, person=upload.person_id, at=at)
    if await tx.run(FINISHED, id=upload.id, size=stored.size, file=row.id) != 1:
        raise WrongOffset("这个文件刚由另一处接着传了。")
    return row


async def drop(tx: Tx, id: str) -> None:
    """Forget an upload."""
    await tx.run(DROP, id=id)


async def expire(tx: Tx, now: str) -> set[str]:
    """Forget what has waited too long; the ids of those that still want their partial file."""
    await tx.run(EXPIRED, now=now)
    return set(await tx.all(IDS, str))


class Parts:
    """The partial files."""

    def __init__(self, store: Store) -> None:
        """Keep them in the store's folder for what is not finished."""
        self._store = store
        self._hashes: dict[str, tuple[int, hashlib._Hash]] = {}

    def path(self, id: str) -> Path:
        """Where an upload's bytes lie until it is finished. `id` comes from a row, never from a request."""
        return self._store.fresh / f"{id}.part"

    @contextlib.contextmanager
    def locked(self, upload: Upload) -> Iterator[int]:
        """The partial file, open and ours alone. Raises Busy, and NotFound when the bytes are gone (a restored backup)."""
        path = self.path(upload.id)
        if upload.received and not path.exists():
            raise NotFound(GONE)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("这个文件正在另一处上传，请稍等再接着传。") from None
            yield descriptor
        finally:
            os.close(descriptor)

    async def take(
        self, descriptor: int, upload: Upload, pieces: AsyncIterator[bytes], checksum: bytes | None, count: Count
    ) -> Upload:
        """Append what comes until it ends; the upload as it is then. `count(before, received)` is called when more is durable.

        A line that breaks or says nothing any more keeps what has come. With a checksum a piece is kept whole or not at all.
        The last byte is not counted here: `settle` and `finish` follow.
        Raises:
            TooLarge: more than was promised. WrongChecksum: altered on the way. DiskFull: the disk does not take it.
        """
        piece = _Piece(descriptor, upload.received, self._hash_at(upload), checksum)
        counted = upload.received
        try:
            piece.begin()
            async for data in _lively(pieces):
                if piece.accepted + len(data) > upload.length:
                    raise TooLarge("内容比说好的长，没有接上。请重新选择文件。")
                flushed = await piece.add(data)
                if flushed and checksum is None and CHECKPOINT <= piece.size - counted < upload.length - counted:
                    await asyncio.to_thread(os.fsync, descriptor)
                    await count(counted, piece.size)
                    counted = piece.size
            await asyncio.to_thread(piece.close)
        except OSError as error:
            raise DiskFull("磁盘写不进去，文件没有存上。请告诉系统管理员。") from error
        if counted < piece.size < upload.length:
            await count(counted, piece.size)
        if piece.hash is not None:
            self._hashes[upload.id] = (piece.size, piece.hash)
        return upload._replace(received=piece.size)

    def _hash_at(self, upload: Upload) -> "hashlib._Hash | None":
        """The hash over what is there, when this process has it; else all is read again at the end."""
        known = self._hashes.pop(upload.id, None)
        if not upload.received:
            return hashlib.sha256()
        return known[1] if known is not None and known[0] == upload.received else None

    async def settle(self, upload: Upload) -> Stored:
        """The whole file under its hash in the store; the partial file stays until `drop`."""
        known = self._hashes.pop(upload.id, None)
        sha256 = known[1].hexdigest() if known is not None and known[0] == upload.length else None
        try:
            return await asyncio.to_thread(self._store.adopt, self.path(upload.id), sha256)
        except OSError as error:
            raise DiskFull("磁盘写不进去，文件没有存上。请告诉系统管理员。") from error

    def drop(self, id: str) -> None:
        """Remove a partial file."""
        self._hashes.pop(id, None)
        self.path(id).unlink(missing_ok=True)

    def sweep(self, known: set[str], older_than: float) -> int:
        """Remove the partial files that no row wants and that are older than `older_than` (seconds since 1970); how many."""
        swept = 0
        for path in self._store.fresh.glob("*.part"):
            if path.stem not in known and path.stat().st_mtime < older_than:
                self.drop(path.stem)
                swept += 1
        return swept


async def _lively(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The pieces, until they end or nothing comes for STALLED_S."""
    while True:
        try:
            async with asyncio.timeout(STALLED_S):
                data = await anext(pieces, None)
        except TimeoutError:
            return
        if data is None:
            return
        yield data


class _Piece:
    """One PATCH: bytes appended to an open partial file."""

    def __init__(self, descriptor: int, start: int, hash: "hashlib._Hash | None", checksum: bytes | None) -> None:
        self._descriptor, self._start, self._checksum = descriptor, start, checksum
        self._own = hashlib.sha256() if checksum is not None else None
        self._batch = bytearray()
        self.hash = hash
        self.size = self.accepted = start

    def begin(self) -> None:
        """Cut off what no row counts."""
        os.ftruncate(self._descriptor, self._start)
        os.lseek(self._descriptor, self._start, os.SEEK_SET)

    async def add(self, data: bytes) -> bool:
        """Take some bytes; whether they have been written."""
        self._batch += data
        self.accepted += len(data)
        if len(self._batch) < CHUNK:
            return False
        await asyncio.to_thread(self._flush)
        return True

    def _flush(self) -> None:
        data = bytes(self._batch)
        self._batch.clear()
        for hash in (self.hash, self._own):
            if hash is not None:
                hash.update(data)
        files.write_all(self._descriptor, data)
        self.size += len(data)

    def close(self) -> None:
        """Make everything durable, if the checksum allows."""
        self._flush()
        if self._own is not None and self._own.digest() != self._checksum:
            self.hash, self.size = None, self._start
            os.ftruncate(self._descriptor, self._start)
            raise WrongChecksum("这一段在路上变了样，没有存。请再传一次。")
        os.fsync(self._descriptor)
        if os.fstat(self._descriptor).st_size != self.size:
            raise OSError("short file")
