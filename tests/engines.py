"""Databases for tests: a private PostgreSQL server, and fresh databases on either engine.

A test's database is a copy of a template that was migrated once per run: a file copy on SQLite, `CREATE DATABASE … TEMPLATE` on
PostgreSQL. `tests/conftest.py` makes fixtures of it; tests that start the service as a process use the fixture `where`.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import asyncpg

from ground.clock import FixedClock
from ground.db import opened
from ground.migrating import migrate

T = TypeVar("T")

ENGINES = ("sqlite", "postgres")
DEBIAN = Path("/usr/lib/postgresql")
MISSING = (
    "PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb), and every test runs on both engines. "
    "Run scripts/needs.sh, or say SONGDA_TEST_ENGINES=sqlite to test one engine only."
)


def chosen() -> tuple[str, ...]:
    """The engines to test on: both, unless SONGDA_TEST_ENGINES names some of them. Raises ValueError for an unknown name."""
    names = tuple(os.environ.get("SONGDA_TEST_ENGINES", "").replace(",", " ").split()) or ENGINES
    if set(names) - set(ENGINES):
        raise ValueError(f"SONGDA_TEST_ENGINES takes {' and '.join(ENGINES)}, not {' '.join(names)}")
    return names


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end in a loop and thread of its own, whatever loop the caller may be in."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _migrate(where: str | Path) -> None:
    async with opened(where) as database:
        await migrate(database, FixedClock())


class Engine(Protocol):
    """Makes databases and takes them away."""

    def blank(self) -> str:
        """Where an empty database is: a path or a URL that `open_database` takes."""
        ...

    def migrated(self) -> str:
        """Where a new database with all tables and no rows is."""
        ...

    def drop(self, where: str) -> None:
        """Take it away, whoever is still connected."""
        ...


class SqliteFiles:
    """Databases as files, each in its own folder under `folder`."""

    def __init__(self, folder: Path) -> None:
        """Make the template in `folder`."""
        self._folder = folder
        self._numbers = count(1)
        self._template = folder / "template.db"
        run(_migrate(self._template))

    def blank(self) -> str:
        """The path of a file that is not there yet."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return str(folder / "songda.db")

    def migrated(self) -> str:
        """The path of a copy of the template."""
        return str(shutil.copyfile(self._template, self.blank()))

    def drop(self, where: str) -> None:
        """Remove the file's folder."""
        shutil.rmtree(Path(where).parent)


class PostgresServer:
    """A server of Debian's binaries for this run alone: own data folder, reached by a socket in it and by nothing else.

    The server's shell waits on a pipe that this process holds. However this process ends, the pipe closes, and the shell stops
    the server and removes the folder.
    """

    def __init__(self) -> None:
        """Start it and make the template. Raises RuntimeError when there is no PostgreSQL or it does not start."""
        found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not found:
            raise RuntimeError(MISSING)
        self._bin = found[-1].parent
        self._folder = Path(tempfile.mkdtemp(prefix="songda-pg-", dir="/tmp"))  # short: a socket's path has at most 107 bytes
        self._numbers = count(1)
        self._user = pwd.getpwuid(os.geteuid()).pw_name
        as_user: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            self._user = "postgres"
            as_user = ["runuser", "-u", "postgres", "--"]
            shutil.chown(self._folder, "postgres", "postgres")
        self._start(as_user)
        try:
            run(self._settle())
        except BaseException:
            self.stop()
            raise

    def _start(self, as_user: list[str]) -> None:
        data = self._folder / "data"
        initdb = [f"{self._bin}/initdb", "-D", f"{data}", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync"]
        subprocess.run([*as_user, *initdb], check=True, stdout=subprocess.DEVNULL, cwd="/")
        options = f"-k {self._folder} -h '' -F -c full_page_writes=off -c shared_buffers=64MB -c max_connections=200"
        server = f"{self._bin}/postgres -D {data} {options} 2>{self._folder}/log"
        script = f"{server} & read _; kill -QUIT $!; wait; rm -r {self._folder}"
        self._shell = subprocess.Popen([*as_user, "sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True, cwd="/")
        ready = data / "postmaster.pid"
        deadline = time.monotonic() + 30
        while not (ready.exists() and ready.read_text().rstrip().endswith("ready")):
            if time.monotonic() > deadline:
                said = (self._folder / "log").read_text()
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{said}")
            time.sleep(0.02)

    async def _settle(self) -> None:
        """See that this is our own server, then make the template in it."""
        data = await self._ask("SHOW data_directory")
        if data != str(self._folder / "data"):
            raise RuntimeError(f"this is another server: {data}")
        await self._ask("CREATE DATABASE template")
        await _migrate(self.url("template"))

    async def _ask(self, sql: str) -> Any:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    def url(self, name: str) -> str:
        """The URL of the database `name`."""
        return f"postgresql://{self._user}@/{name}?host={self._folder}"

    def blank(self) -> str:
        """The URL of a new, empty database."""
        return self._create("template0")

    def migrated(self) -> str:
        """The URL of a copy of the template."""
        return self._create("template")

    def _create(self, template: str) -> str:
        name = f"t{next(self._numbers)}"
        run(self._ask(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return self.url(name)

    def drop(self, where: str) -> None:
        """Drop the database, whoever is still connected."""
        name = where.split("@/")[1].split("?")[0]
        run(self._ask(f"DROP DATABASE {name} WITH (FORCE)"))

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._shell.communicate()
