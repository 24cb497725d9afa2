"""1,053 units sign and sign up at once over 100 connections, each answered after its commit."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from bench.client import Connection, as_json, bearer
from bench.data import Filled
from bench.publish import notice
from bench.report import Row
from bench.service import Service

CONNECTIONS = 100
Job = Callable[[Connection], Awaitable[int]]


class Storm(NamedTuple):
    """Requests a second of the storm and of the POST that does nothing, and what was wrong afterwards."""

    acts_s: float
    nothing_s: float
    wrong: list[str]


async def _all(port: int, jobs: list[Job]) -> float:
    """Work the jobs off over the connections; requests a second."""
    queue = list(reversed(jobs))
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    requests = 0

    async def work(connection: Connection) -> None:
        nonlocal requests
        while queue:
            done = await queue.pop()(connection)
            requests += done

    for connection in connections:
        await connection.ask("GET", "/healthz")
    begun = time.perf_counter()
    await asyncio.gather(*(work(c) for c in connections))
    took = time.perf_counter() - begun
    await asyncio.gather(*(c.close() for c in connections))
    return requests / took


def _nothing(token: str) -> Job:
    async def job(connection: Connection) -> int:
        for _ in range(3):
            answer = await connection.ask("POST", "/api/v1/live-tickets", bearer(token), b"{}")
            if answer.status not in (200, 201):
                raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")
        return 3

    return job


def _unit(token: str, unit: int, subject: int) -> Job:
    receipt = f"/api/v1/receipts/{subject}-{unit}"
    people = as_json({"people": [{"name": f"人{unit}", "position": "主任", "mobile": "", "role": "principal"}]})

    async def job(connection: Connection) -> int:
        for path, body in (
            (f"{receipt}/opening", b"{}"),
            (f"{receipt}/signature", b"{}"),
            (f"/api/v1/notices/{subject}/answer", people),
        ):
            answer = await connection.ask("POST", path, bearer(token), body)
            if answer.status not in (200, 201):
                raise RuntimeError(f"{path} {answer.status} {answer.body[:300]!r}")
        return 3

    return job


async def _check(port: int, filled: Filled, subject: int) -> list[str]:
    """Read every answer back: none lost, none doubled, no quota exceeded."""
    connection = Connection(port)
    wrong, seen, cursor = [], 0, ""
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        answer = await connection.ask("GET", f"/api/v1/notices/{subject}/answers?limit=200{more}", bearer(filled.organiser))
        page = answer.json()
        for line in page["items"]:
            seen += 1
            if line["state"] != "coming" or len(line["people"]) != 1:
                wrong.append(f"{line['unit']}: {line['state']}, {len(line['people'])} people")
        cursor = page.get("next") or ""
        if not cursor:
            break
    await connection.close()
    if seen != len(filled.tokens):
        wrong.append(f"{seen} answers of {len(filled.tokens)}")
    return wrong


async def _drive(port: int, filled: Filled, starts: str) -> Storm:
    connection = Connection(port)
    published = await connection.ask("POST", "/api/v1/notices", bearer(filled.organiser), notice(filled, starts, 99))
    subject = int(published.json()["id"])
    await connection.close()
    nothing = await _all(port, [_nothing(token) for _, token in filled.tokens])
    acts = await _all(port, [_unit(token, unit, subject) for unit, token in filled.tokens])
    return Storm(acts, nothing, await _check(port, filled, subject))


def run(folder: Path, filled: Filled, starts: str) -> list[Row]:
    """The rows of the table."""
    found = {}
    for batching in ("true", "false"):
        work = folder.parent / f"storm-{batching}"
        shutil.copytree(folder, work)
        with Service(work, DATA_BATCHING=batching) as service:
            found[batching] = asyncio.run(_drive(service.port, filled, starts))
        shutil.rmtree(work)
    ours, single = found["true"], found["false"]
    wrong = [*ours.wrong, *single.wrong]
    return [
        Row("storm: open, sign, sign up", f"{ours.acts_s:,.0f}/s", f"POST that does nothing {ours.nothing_s:,.0f}/s",
            ours.acts_s / ours.nothing_s, "≥ 0.3", ours.acts_s >= 0.3 * ours.nothing_s),
        Row("  batching on against off", f"{ours.acts_s:,.0f}/s", f"{single.acts_s:,.0f}/s", ours.acts_s / single.acts_s, "≥ 4",
            ours.acts_s >= 4 * single.acts_s),
        Row("  lost, doubled, over quota", str(len(wrong)), "; ".join(wrong[:3]), None, "0", not wrong),
    ]  # fmt: skip
