"""The demo city's folder: made on the first start, found on the next, made anew when it was left half made.

`demo.json` says how far it is; it says "ready" only after everything else is on the disk. A folder with another database in it,
and no such file, is somebody's data and is not touched.
"""

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from demo import accounts, city, making
from demo.making import Report
from ground import migrating
from ground.clock import Clock
from ground.config import Config
from ground.db import opened
from ground.errors import Refused
from ground.files import Store
from ground.sqlite import take_lock

MARKER = "demo.json"
LEAVINGS = ("songda.db", "songda.db-wal", "songda.db-shm", "files", "spool", MARKER)


class Prepared(NamedTuple):
    """What stands in the folder now."""

    fresh: bool  # made just now
    made_at: str


def settings(config: Config) -> Config:
    """The settings with the demo's own: its name, and SQLite in its folder whatever the environment says."""
    named = dataclasses.replace(config.city, name=city.NAME, duty_phone="8210 1100")
    return dataclasses.replace(config, city=named, data=dataclasses.replace(config.data, database_url="", files_url=""))


async def prepare(config: Config, clock: Clock, *, units: int, report: Report) -> Prepared:
    """Find the city in the data folder, or make it.

    Raises:
        Refused: the folder holds something else, or a city of another size. Unavailable: another process has it.
    """
    folder = config.folder
    said = _read(folder)
    if said is None and (folder / "songda.db").exists():
        raise Refused(
            "文件夹 {folder} 里已有别的数据，不能放演示城市。请用 --data 另选一个文件夹。", folder=folder, code="not_a_demo"
        )
    if said is not None and said.get("state") == "ready" and said.get("schema") == _schema():
        if said.get("units") != units:
            raise Refused(
                "{folder} 里的演示城市有 {had} 个单位。要 {units} 个，请用 --data 另选一个文件夹。", folder=folder,
                had=said.get("units"), units=units, code="other_size",
            )  # fmt: skip
        async with opened(config.database) as db:
            await db.write(accounts.keep_young, clock.now())
        return Prepared(False, str(said.get("made_at")))
    _clear(folder)
    marker: dict[str, Any] = {"state": "making", "units": units, "made_at": clock.now(), "schema": _schema()}
    _write(folder, marker)
    store = Store(folder / "files", max_bytes=config.files.max_mb << 20, min_free=config.files.min_free_mb << 20)
    async with opened(config.database) as db:
        await migrating.migrate(db, clock)
        await making.make(db, store, clock, ZoneInfo(config.city.timezone), units=units, report=report)
    _write(folder, {**marker, "state": "ready"})
    return Prepared(True, marker["made_at"])


def _schema() -> str:
    """What the tables of this version look like; the city of another version is made anew."""
    return hashlib.sha256("".join(m.sha256 for m in migrating.known()).encode()).hexdigest()[:16]


def _read(folder: Path) -> dict[str, Any] | None:
    """The marker; an empty one when it cannot be read, None when there is none."""
    try:
        said = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _write(folder: Path, marker: dict[str, Any]) -> None:
    """Replace the marker, whole or not at all."""
    fresh = folder / f".{MARKER}"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(marker, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / MARKER)


def _clear(folder: Path) -> None:
    """Take a half-made city away, under the lock: nobody else may be making it. The marker goes last."""
    folder.mkdir(parents=True, exist_ok=True)
    with take_lock(folder / "songda.db"):
        for name in LEAVINGS:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
