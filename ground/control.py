"""The socket by which commands reach the running service, and the orders that they may give.

    data/songda.sock, owner only:   one JSON line in {"order", "args"}  →  one out {"ok", "answer"} | {"ok", "sentence"}

A SQLite file has one writing process. A command that writes therefore asks the service; when the service is down it takes the
lock and carries the same order out by itself: `give` decides which. On PostgreSQL there is no socket and no need of one.
"""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from ground import clock as time
from ground.checking import sqlite_file
from ground.clock import Clock
from ground.config import Config
from ground.db import Database, Tx
from ground.directory import imports, people, sessions, units
from ground.directory.people import NewPerson
from ground.errors import Refused, Unavailable
from ground.worker import beat

log = structlog.get_logger()

SOCKET = "songda.sock"
LONGEST_LINE = 96 * 2**20  # a workbook of 64 MB in base64
ANSWER_S = 600.0
LONGEST_PATH = 100  # bytes; the kernel takes 107


class Desk(NamedTuple):
    """What an order is carried out with."""

    config: Config
    db: Database
    clock: Clock

    @property
    def today(self) -> str:
        """The local date."""
        return str(time.local(self.clock.now(), ZoneInfo(self.config.city.timezone)).date())


Args = Mapping[str, Any]
Order = Callable[[Desk, Args], Awaitable[dict[str, Any]]]


# --- orders ---------------------------------------------------------------------------------------------------------------


async def import_names(desk: Desk, args: Args) -> dict[str, Any]:
    """Import units, people or groups from a file's bytes: how many rows were added, changed, left; every bad row."""
    work = imports.KINDS[str(args["kind"])]
    report = await work(
        desk.db, base64.b64decode(args["data"]), str(args["name"]), dry_run=bool(args["dry_run"]), today=desk.today,
        at=desk.clock.now(), joined=desk.config.city.joined_roles,
    )  # fmt: skip
    bad = [{"row": row.row, "reason": row.reason} for row in report.bad]
    return {"added": report.added, "changed": report.changed, "left": report.left, "bad": bad}


async def add_person(desk: Desk, args: Args) -> dict[str, Any]:
    """Give a person a post; one who is new gets a first password, which stands in the answer and nowhere else."""
    new = NewPerson(*(str(args[key]) for key in NewPerson._fields))
    password = sessions.first_password(secrets.token_hex(16))
    hashed = await sessions.hash_password(password)

    async def add(tx: Tx) -> bool:
        unit = await units.by_code(tx, str(args["unit"]))
        if unit.closed_on or unit.kind == units.AREA:
            raise Refused("这个单位已停用，或者只是区划，不能加人。")
        at, joined = desk.clock.now(), desk.config.city.joined_roles
        person = await people.add(tx, new, unit.id, by=None, joined=joined, at=at)
        if (await people.by_id(tx, person)).has_password:
            return False
        await sessions.set_password(tx, person, hashed, must_change=True, by=None, at=at)
        return True

    fresh = await desk.db.write(add)
    return {"login": new.login, "password": password if fresh else ""}


async def add_token(desk: Desk, args: Args) -> dict[str, Any]:
    """Issue an API token for a person in a unit. It is in the answer and nowhere else."""

    async def issue(tx: Tx) -> str:
        person = await people.by_login(tx, str(args["login"]))
        unit = await units.by_code(tx, str(args["unit"]))
        name = str(args.get("name") or "command line")
        return await sessions.issue_token(tx, person.id, unit.id, name, days=int(args["days"]), at=desk.clock.now())

    return {"token": await desk.db.write(issue)}


async def note_backup(desk: Desk, _args: Args) -> dict[str, Any]:
    """Remember when the last backup was made, so that the doctor can say when it is old."""
    await desk.db.write(beat, "backup", desk.clock.now())
    return {}


async def say_hello(_desk: Desk, _args: Args) -> dict[str, Any]:
    """Say that the service is there."""
    return {"pid": os.getpid()}


ORDERS: dict[str, Order] = {
    "import": import_names,
    "person": add_person,
    "token": add_token,
    "note_backup": note_backup,
    "hello": say_hello,
}


# --- the service's end ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def reachable(folder: Path) -> Iterator[str]:
    """A name of the socket that is short enough for the kernel, however long the folder's is."""
    path = folder / SOCKET
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


@contextlib.asynccontextmanager
async def listening(desk: Desk) -> AsyncIterator[None]:
    """Take orders by the socket while the service runs; on PostgreSQL do nothing."""
    if desk.db.kind != "sqlite":
        yield
        return
    path = desk.config.folder / SOCKET
    path.unlink(missing_ok=True)  # left by a service that was killed: we hold the lock, so nobody else listens there

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            if _is_ours(writer):
                writer.write(json.dumps(await _answer(desk, reader), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        writer.close()

    with reachable(desk.config.folder) as name:
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(meet, name, limit=LONGEST_LINE)
        finally:
            os.umask(before)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether whoever calls is the service's own user, or root; the file's mode says the same."""
    peer = writer.get_extra_info("socket")
    _pid, user, _group = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return user in (0, os.geteuid())


async def _answer(desk: Desk, reader: asyncio.StreamReader) -> dict[str, Any]:
    try:
        asked = json.loads(await reader.readline())
        order = ORDERS[asked["order"]]
    except (ValueError, KeyError, TypeError):
        return {"ok": False, "sentence": "服务不认识这个命令，请用同一版本的程序。", "code": "unknown_order"}
    try:
        return {"ok": True, "answer": await order(desk, asked["args"])}
    except Refused as refused:
        return {"ok": False, "sentence": refused.text(), "code": refused.code}
    except Exception:
        log.exception("order_failed", order=asked["order"])
        return {"ok": False, "sentence": "服务没有办成，原因在它的日志里。", "code": "order_failed"}


# --- the command's end ----------------------------------------------------------------------------------------------------


async def ask(folder: Path, order: str, args: Args, *, seconds: float = ANSWER_S) -> dict[str, Any] | None:
    """The running service's answer to an order; None when no service listens.

    Raises:
        Refused: with the service's sentence. Unavailable: it went away before it answered.
    """
    try:
        with reachable(folder) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=LONGEST_LINE)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return None
    try:
        writer.write(json.dumps({"order": order, "args": dict(args)}).encode() + b"\n")
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), seconds)
    except (ConnectionError, TimeoutError):
        line = b""
    finally:
        writer.close()
    if not line:
        raise Unavailable("服务没有答复，不知道办成了没有。请看一看结果再决定是否重来。", code="no_answer")
    said = json.loads(line)
    if not said["ok"]:
        raise Refused(str(said["sentence"]), code=str(said["code"]))
    answer: dict[str, Any] = said["answer"]
    return answer


Opener = Callable[[Config], contextlib.AbstractAsyncContextManager[Database]]


async def give(config: Config, clock: Clock, order: str, args: Args, *, opener: Opener) -> dict[str, Any]:
    """Have the running service carry an order out; when there is none, do it here under the lock.

    Args:
        opener: opens the database for writing, with its tables made when it is new.
    """
    if sqlite_file(config) is not None:
        answer = await ask(config.folder, order, args)
        if answer is not None:
            return answer
    async with opener(config) as db:
        return await ORDERS[order](Desk(config, db, clock), args)
