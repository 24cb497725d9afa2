"""The service as people meet it: a process of its own on a SQLite database with the cast in it, and Chromium in front.

with serving(folder, world) as house:     the process; house.address answers, house.faults() is what it logged as broken
made = prepared(folder, make)             runs `make(db)` on a new database in `folder`, before the service takes its lock

The clock is the machine's: what a test dates, it dates from `now()`.
"""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from ground import clock
from ground.clock import SystemClock
from ground.db import Database, Tx, opened
from ground.directory import groups, people, sessions, units
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.directory.units import NewUnit
from tests.world import World, make

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "artefacts" / "screens"
ZONE = ZoneInfo("Asia/Shanghai")
PASSWORD = "Jiande-2026-wen"
COOKIE = "songda"
T = TypeVar("T")


def now() -> str:
    """The present moment as UTC text."""
    return SystemClock().now()


def local(days: int, at: str) -> str:
    """A day from today on the city's wall clock, as a field of type datetime-local takes it: `2026-03-20T15:00`."""
    return f"{(datetime.now(ZONE) + timedelta(days=days)):%Y-%m-%d}T{at}"


def utc(days: int, at: str) -> str:
    """The same moment as UTC text."""
    return clock.text(datetime.fromisoformat(local(days, at)).replace(tzinfo=ZONE))


# --- the database ---------------------------------------------------------------------------------------------------------


def prepared(folder: Path, fill: Callable[[Database], Awaitable[T]]) -> T:
    """Make the database in `folder` and fill it. In a thread of its own: Playwright's loop runs in this one."""
    from app import ready

    async def work() -> T:
        async with opened(str(folder / "songda.db"), pool_size=2) as db:
            await ready(db, SystemClock())
            return await fill(db)

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as one:
        return one.submit(lambda: asyncio.run(work())).result()


class Cast:
    """The world of the tests, three units and their clerks more, a second group, and a password for everybody."""

    def __init__(self, world: World, more: dict[str, Actor], departments: int) -> None:
        """Made by `cast`."""
        self.world = world
        self.more = more
        self.departments = departments

    def actor(self, who: str) -> Actor:
        """One of the cast by name: a field of World, or one of `more`."""
        found: Actor = self.more[who] if who in self.more else getattr(self.world, who)
        return found


async def _clerk(tx: Tx, unit: int, login: str, name: str, role: str, mobile: str) -> Actor:
    id = await people.add(tx, NewPerson(login, name, mobile, "", role, "文书"), unit, by=None, joined=False, at=now())
    found = await units.by_id(tx, unit)
    return Actor(id, name, login, unit, found.code, found.name, found.short_name, found.path, frozenset({role}))


async def _more(tx: Tx, world: World) -> Cast:
    """Two departments more, each with a clerk; an auditor, a unit's administrator; the group 市直部门."""
    extra: dict[str, Actor] = {}
    for code, name, short, login, person, mobile in (
        ("6200000012", "测试市文化和旅游局", "市文旅局", "zhangy", "张颖", "13500000012"),
        ("6200000013", "测试市档案馆", "市档案馆", "lihua", "李华", "13500000013"),
    ):
        unit = await units.open_unit(tx, NewUnit(code, name, short, world.city, "政府", 1), today="2025-01-01", at=now())
        extra[login] = await _clerk(tx, unit, login, person, "secretary", mobile)
    extra["sender"] = await _clerk(tx, world.office, "tianzq", "田志强", "secretary", "13900000777")
    extra["auditor"] = await _clerk(tx, world.office, "shenji", "沈计", "auditor", "13600000003")
    extra["unit_admin"] = await _clerk(tx, world.north, "beiguan", "管北", "unit_admin", "13600000004")
    departments = await groups.open_group(tx, "市直部门", owner=None, by=None, at=now())
    group = await groups.find(tx, departments, world.office)
    members = [world.outside, *(a.unit_id for a in extra.values() if a.login in {"zhangy", "lihua"})]
    await groups.set_members(tx, group, "市直部门", members, [], by=None, at=now())
    return Cast(world, extra, departments)


async def cast(db: Database) -> Cast:
    """Everybody, each with the password `PASSWORD` (one hash for all: argon2 is slow)."""
    hashed = await sessions.hash_password(PASSWORD)

    async def all_of_them(tx: Tx) -> Cast:
        found = await _more(tx, await make(tx))
        everybody = [a for a in found.world if isinstance(a, Actor)] + list(found.more.values())
        for one in everybody:
            await sessions.set_password(tx, one.person_id, hashed, must_change=False, by=None, at=now())
        return found

    return await db.write(all_of_them)


# --- the process ----------------------------------------------------------------------------------------------------------


class House:
    """`python -m app serve` on a folder; stopped and started again it keeps its port."""

    def __init__(self, folder: Path, *, work: bool) -> None:
        """`work`: the worker runs in it and messages go to the spool."""
        self.folder = folder
        self.city = f"测试市{secrets.token_hex(3)}"
        self.port = 0
        self._log = folder / "service.log"
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, wait until it says where it is, and see that it is this one that answers."""
        environ = {**os.environ, "SONGDA_CITY_NAME": self.city, "SONGDA_QUIET_START": "04:00", "SONGDA_QUIET_END": "04:00"}
        arguments = ["serve", "--port", str(self.port), "--data", str(self.folder), "--work" if self._work else "--no-work"]
        known = len(self._said())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", *arguments], cwd=ROOT, env=environ, stdout=log, stderr=log
            )
        for _ in range(600):
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self._said()[known:])
            if found:
                self.port = int(found[1])
                break
            if self._process.poll() is not None:
                raise RuntimeError(f"the service ended: {self._said()[known:]}")
            time.sleep(0.05)
        with urllib.request.urlopen(f"{self.address}/sign-in") as answer:
            assert self.city in answer.read().decode(), "another server answers on this port"

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=30)
            self._process = None

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def faults(self) -> list[str]:
        """Lines of the log that tell of a fault."""
        return [line for line in self._said().splitlines() if re.search(r"fault|Traceback|error", line, re.IGNORECASE)]


@contextmanager
def serving(folder: Path, *, work: bool = False) -> Iterator[House]:
    """The running service; no test may have made it log a fault."""
    house = House(folder, work=work)
    house.start()
    try:
        yield house
        assert house.faults() == []
    finally:
        house.stop()
