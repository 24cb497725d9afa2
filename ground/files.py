"""The store: files by their content, once each, under `files/ab/cd…` of the data folder.

Order (RELIABILITY rule 3): a temporary name → all bytes (a write may be short and raise nothing) → size compared → fsync →
rename → fsync of the folder → only then the row is committed, only then the client is answered. A crash leaves at most a
temporary file or a file without a row; both are swept. An id never becomes a path: id → row → SHA-256 → path.
"""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from ground.db import Tx
from ground.errors import DiskFull, Invalid, NotFound, TooLarge
from ground.sniffing import sniff

CHUNK = 2**20
INSERT = """
INSERT INTO files (id, sha256, name, size, media_type, unit_id, person_id, at)
VALUES (:id, :sha256, :name, :size, :media_type, :unit, :person, :at)"""
FILE = "SELECT id, sha256, name, size, media_type, unit_id, person_id, at FROM files WHERE id = :id"
KNOWN_HASHES = "SELECT DISTINCT sha256 FROM files"


class File(NamedTuple):
    """One stored file's row."""

    id: str
    sha256: str
    name: str
    size: int
    media_type: str
    unit_id: int
    person_id: int
    at: str


class Stored(NamedTuple):
    """What the store knows of bytes just written."""

    sha256: str
    size: int
    media_type: str


class Store:
    """Where the bytes are: put, path, wrong, sweep."""

    def __init__(self, folder: Path, *, max_bytes: int, min_free: int) -> None:
        """Keep files under `folder`, none larger than `max_bytes`, and none when less than `min_free` bytes are left."""
        self._folder = folder
        self._max = max_bytes
        self._min_free = min_free
        self.fresh = folder / "new"
        self.fresh.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash lie. Raises NotFound for anything but a hash."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise NotFound
        return self._folder / sha256[:2] / sha256[2:]

    def room(self) -> int:
        """Bytes that may still be written before too little is free; negative when that is so already."""
        return shutil.disk_usage(self._folder).free - self._min_free

    async def put(self, chunks: AsyncIterator[bytes], *, most: int = 0) -> Stored:
        """Store a stream; durable when this returns.

        Args:
            most: bytes, when less than the store's own limit is allowed here.
        Raises:
            TooLarge: more bytes than allowed. DiskFull: no room. Invalid: not one byte.
        """
        most = min(most or self._max, self._max)
        if self.room() < 0:
            raise DiskFull("磁盘快满了，暂时不能上传。请告诉系统管理员；签收和报名不受影响。")
        fresh = self.fresh / secrets.token_hex(16)
        hasher = hashlib.sha256()
        size, head, batch = 0, b"", bytearray()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise TooLarge("文件超过 {mb} MB，请压缩或分成几个。", mb=most >> 20)
                head = head if len(head) >= 8192 else head + chunk[:8192]
                batch += chunk
                if len(batch) >= CHUNK:
                    await asyncio.to_thread(_append, descriptor, hasher, bytes(batch))
                    batch.clear()
            if not size:
                raise Invalid.one("file", "文件是空的，请重新选择。")
            await asyncio.to_thread(_finish, descriptor, hasher, bytes(batch), size)
            sha256 = hasher.hexdigest()
            await asyncio.to_thread(_settle, fresh, self.path(sha256))
            return Stored(sha256, size, sniff(head, self.path(sha256)))
        except OSError as error:
            raise DiskFull("磁盘写不进去，文件没有存上。请告诉系统管理员。") from error
        finally:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)

    async def put_bytes(self, data: bytes) -> Stored:
        """Store bytes at hand."""

        async def one() -> AsyncIterator[bytes]:
            yield data

        return await self.put(one())

    def adopt(self, part: Path, sha256: str | None) -> Stored:
        """A second name, its hash, for a durable file of ours; `part` keeps its own. Blocking: hashes again without `sha256`."""
        with part.open("rb") as file:
            if sha256 is None:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            head = file.read(8192)
        final = self.path(sha256)
        if not final.exists():
            _folder_of(final)
            twin = self.fresh / secrets.token_hex(16)
            os.link(part, twin)
            twin.replace(final)
            _sync_folder(final.parent)
        return Stored(sha256, part.stat().st_size, sniff(head, final))

    def wrong(self, sha256: str) -> bool:
        """Whether the bytes are missing or do not hash to their name."""
        path = self.path(sha256)
        if not path.exists():
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != sha256

    def sweep(self, known: set[str], older_than: float) -> int:
        """Remove temporary files and files without a row that are older than `older_than` (seconds since 1970); how many.

        Partial files of uploads have rows of their own (ground/uploads.py).
        """
        swept = 0
        for path in self._folder.glob("*/*"):
            if path.suffix == ".part":
                continue
            name = path.parent.name + path.name
            if (path.parent.name == "new" or name not in known) and path.stat().st_mtime < older_than:
                path.unlink(missing_ok=True)
                swept += 1
        return swept


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: a write may be short and raise nothing."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _append(descriptor: int, hasher: "hashlib._Hash", data: bytes) -> None:
    hasher.update(data)
    write_all(descriptor, data)


def _finish(descriptor: int, hasher: "hashlib._Hash", data: bytes, size: int) -> None:
    _append(descriptor, hasher, data)
    os.fsync(descriptor)
    if os.fstat(descriptor).st_size != size:
        raise OSError("short file")


def _settle(fresh: Path, final: Path) -> None:
    """Give the file its name and make the name durable. An equal file that is there already stays."""
    _folder_of(final)
    fresh.replace(final)
    _sync_folder(final.parent)


def _folder_of(final: Path) -> None:
    """Make the folder of a file durable."""
    if not final.parent.exists():
        final.parent.mkdir(exist_ok=True)
        _sync_folder(final.parent.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clean_name(name: str) -> str:
    """A file's name as people may see it: no folders, no control or direction characters, at most 150 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}).strip(" .")
    if len(name) > 150:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: 149 - len(ending)]}{dot}{ending}" if dot and len(ending) <= 10 else name[:150]
    return name or "未命名"


async def record(tx: Tx, stored: Stored, name: str, *, unit: int, person: int, at: str) -> File:
    """Write the row of a stored file and give it an opaque id."""
    row = File(secrets.token_urlsafe(12), stored.sha256, clean_name(name), stored.size, stored.media_type, unit, person, at)
    await tx.run(
        INSERT, id=row.id, sha256=row.sha256, name=row.name, size=row.size, media_type=row.media_type, unit=unit, person=person,
        at=at,
    )  # fmt: skip
    return row


async def find(tx: Tx, id: str) -> File | None:
    """The row of a file, or None. Whether somebody may see it is the caller's question."""
    return await tx.one(FILE, File, id=id) if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id) else None


async def known_hashes(tx: Tx) -> set[str]:
    """Every hash that some row names."""
    return set(await tx.all(KNOWN_HASHES, str))
