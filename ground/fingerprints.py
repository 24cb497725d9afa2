"""The second fingerprint of every file: SM3 (GB/T 32905), computed in a thread after the upload has been answered."""

import asyncio
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from ground.db import Database, Tx
from ground.files import CHUNK, Store

MISSING = "SELECT DISTINCT sha256 FROM files WHERE sm3 IS NULL AND sha256 > :after ORDER BY sha256 LIMIT 50"
SET = "UPDATE files SET sm3 = :sm3 WHERE sha256 = :sha256 AND sm3 IS NULL"
OF = "SELECT sm3 FROM files WHERE id = :id"


def sm3(path: Path) -> str:
    """The SM3 of a file's bytes, hexadecimal. Blocking."""
    hasher = hashes.Hash(hashes.SM3())
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            hasher.update(data)
    return hasher.finalize().hex()


async def _missing(tx: Tx, after: str) -> list[str]:
    return await tx.all(MISSING, str, after=after)


async def _keep(tx: Tx, sha256: str, found: str) -> None:
    await tx.run(SET, sha256=sha256, sm3=found)


async def fill(db: Database, store: Store) -> int:
    """Compute what is missing, a file at a time; how many. A file that is gone from the disk is `check`'s matter."""
    done = 0
    found = await db.read(_missing, "")
    while found:
        for sha256 in found:
            path = store.path(sha256)
            if path.exists():
                await db.write(_keep, sha256, await asyncio.to_thread(sm3, path))
                done += 1
        found = await db.read(_missing, found[-1])
    return done


async def of(tx: Tx, id: str) -> str | None:
    """A file's SM3; None while it is not computed yet."""
    found = await tx.value(OF, id=id)
    return None if found is None else str(found)
