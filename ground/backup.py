"""Backup and restore: one folder that holds the database, every file that its rows name, and the keys; proven after writing.

    backup:   snapshot of the database (online) → integrity_check → the files that the snapshot names → manifest.json
    restore:  manifest and every hash first → database, files and keys into a new data folder → integrity_check

Files go after the snapshot: a row is committed only when its file lies there for good, and a file is never changed. The manifest
is written last: a folder without it is no backup. What stood in the spool is not kept; the outbox in the database is.
"""

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from ground import migrating
from ground.checking import FILE_HASHES, digest_of, read_only
from ground.clock import Clock
from ground.db import opened
from ground.errors import Refused, Unavailable

MANIFEST = "manifest.json"
DATABASE = "songda.db"
KEY = "keys/secret.key"
FORMAT = 1
POSTGRES = "PostgreSQL 的库请用 pg_dump 备份；文件夹 files/ 和 keys/ 请一并复制。"


class Kept(NamedTuple):
    """What a backup holds."""

    path: Path
    bytes: int
    files: int
    at: str


def backup(folder: Path, dest: Path, *, at: str, database: Path | None = None) -> Kept:
    """Copy a data folder to `dest`, while the service runs or not. Blocks; run it in a thread or a command of its own.

    Args:
        database: the SQLite file, when it is not in the folder.
    Raises:
        Refused: `dest` is there already, or the copy is not sound. Unavailable: no database.
    """
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise Refused("{dest} 已经有东西了。请另给一个新文件夹，备份不覆盖旧的。", dest=dest, code="dest_exists")
    dest.mkdir(parents=True, exist_ok=True)
    dest.chmod(0o700)
    copy_database(database or folder / DATABASE, dest / DATABASE)
    hashes = _hashes(dest / DATABASE)
    for sha256 in hashes:
        _copy_file(folder / "files", dest / "files", sha256)
    if (folder / KEY).exists():
        _copy(folder / KEY, dest / KEY)
    manifest = {
        "format": FORMAT, "at": at, "database": digest_of(dest / DATABASE), "bytes": (dest / DATABASE).stat().st_size,
        "files": len(hashes), "key": digest_of(dest / KEY), "schema": [m.name for m in migrating.known()],
    }  # fmt: skip
    for part in (dest / "files", dest / "keys", dest):
        if part.exists():
            _sync(part)
    _write(dest / MANIFEST, json.dumps(manifest, indent=1).encode())
    _sync(dest)
    return verify(dest)


def verify(source: Path) -> Kept:
    """See that a backup is whole and unchanged; what it holds. Raises Refused with what is wrong."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Refused("{source} 不是一份完整的备份：没有 manifest.json。", source=source, code="no_backup") from None
    if manifest.get("format") != FORMAT:
        raise Refused("{source} 是别的版本的备份，请用那个版本的程序恢复。", source=source, code="other_format")
    if digest_of(source / DATABASE) != manifest["database"]:
        raise Refused("备份里的 songda.db 和清单不符，可能已损坏。请换一份备份。", code="database_differs")
    if digest_of(source / KEY) != manifest["key"]:
        raise Refused("备份里的 keys/secret.key 和清单不符，可能已损坏。请换一份备份。", code="key_differs")
    sound(source / DATABASE)
    hashes = _hashes(source / DATABASE)
    bad = [sha256 for sha256 in hashes if digest_of(_place(source / "files", sha256)) != sha256]
    if bad:
        raise Refused(
            "备份里有 {n} 个文件缺少或内容不对，例如 {first}。请换一份备份。", n=len(bad), first=bad[0], code="files_differ"
        )
    return Kept(source, int(manifest["bytes"]), len(hashes), str(manifest["at"]))


def restore(source: Path, folder: Path) -> Kept:
    """Put a backup into a new data folder; the database gets its name last.

    Raises:
        Refused: the backup is not sound, or the folder holds a database already.
    """
    if (folder / DATABASE).exists():
        raise Refused("{folder} 里已有数据库，恢复不覆盖它。请用 --data 另给一个新文件夹。", folder=folder, code="data_exists")
    kept = verify(source)
    folder.mkdir(parents=True, exist_ok=True)
    for sha256 in _hashes(source / DATABASE):
        _copy_file(source / "files", folder / "files", sha256)
    if (source / KEY).exists():
        _copy(source / KEY, folder / KEY)
    fresh = folder / f".{DATABASE}.restoring"
    _copy(source / DATABASE, fresh)
    sound(fresh)
    for leaving in (folder / f"{DATABASE}-wal", folder / f"{DATABASE}-shm"):
        leaving.unlink(missing_ok=True)
    fresh.rename(folder / DATABASE)
    _sync(folder)
    return kept


def copy_database(path: Path, dest: Path) -> None:
    """A consistent copy of a SQLite file, made beside the service in one step: writers are not held up, nor do they disturb it.

    Raises:
        Unavailable: no database. Refused: the copy is not sound.
    """
    if not path.exists():
        raise Unavailable("没有数据库 {path}。请看 --data 是否写对。", path=path)
    source = sqlite3.connect(read_only(path), uri=True)
    copy = sqlite3.connect(dest)
    try:
        dest.chmod(0o600)
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = delete")  # one file, and nothing beside it
    finally:
        copy.close()
        source.close()
    _sync(dest)
    sound(dest)


def sound(path: Path) -> None:
    """Let SQLite look through a file that nobody writes. Raises Refused."""
    connection = sqlite3.connect(f"{read_only(path)}&immutable=1", uri=True)
    try:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    finally:
        connection.close()
    if said != ["ok"]:
        raise Refused("{path} 没有通过数据库的完整性检查：{why}。", path=path, why=said[0], code="not_sound")


async def bring_up_to_date(where: str, folder: Path, clock: Clock) -> tuple[list[str], Path | None]:
    """Apply what is pending, after a copy of the database: all of it, or the copy is put back.

    Returns:
        The names of what was applied, and where the copy is (None: nothing was pending, or PostgreSQL).
    """
    copy: Path | None = None
    try:
        async with opened(where) as db:
            missing = await migrating.pending(db)
            if not missing:
                return [], None
            if db.kind == "sqlite" and missing[0].number > 1:
                copy = folder / "before-migration" / f"{clock.now().replace(':', '')}-{missing[0].name}.db"
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy_database(Path(where), copy)
            return await migrating.migrate(db, clock), copy
    except (sqlite3.Error, RuntimeError) as error:
        if copy is not None:
            _put_back(copy, Path(where))
        raise Refused("迁移没有成功，数据库已恢复成原样：{why}。", why=error, code="not_migrated") from error


def _put_back(copy: Path, database: Path) -> None:
    """Let the copy stand in the database's place, without what the failed migration had left beside it."""
    for ending in ("-wal", "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)
    _copy(copy, database)


# --- copying --------------------------------------------------------------------------------------------------------------


def _hashes(path: Path) -> list[str]:
    connection = sqlite3.connect(f"{read_only(path)}&immutable=1", uri=True)
    try:
        return [row[0] for row in connection.execute(FILE_HASHES)]
    finally:
        connection.close()


def _place(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256[2:]


def _copy_file(source: Path, dest: Path, sha256: str) -> None:
    """One file of the store. Raises Refused when it is not what its name says."""
    try:
        _copy(_place(source, sha256), _place(dest, sha256))
    except FileNotFoundError:
        raise Refused("少了文件 {sha256}。请先运行 songda check。", sha256=sha256, code="file_missing") from None
    if digest_of(_place(dest, sha256)) != sha256:
        raise Refused("文件 {sha256} 的内容不对。请先运行 songda check。", sha256=sha256, code="file_differs")


def _copy(source: Path, dest: Path) -> None:
    """Copy a file for its owner's eyes; on the disk when this returns."""
    dest.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as old:
        descriptor = os.open(dest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as new:
            shutil.copyfileobj(old, new, 2**20)
            new.flush()
            os.fsync(new.fileno())
    _sync(dest.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Put a file, or a folder's list of names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
