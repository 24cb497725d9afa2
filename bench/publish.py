"""Publish one notice to 1,053 units into a large database, against a bare executemany of the rows that it wrote."""

import asyncio
import shutil
import sqlite3
import statistics
import time
from pathlib import Path

from bench.client import Connection, as_json, bearer
from bench.data import UNITS, Filled
from bench.report import Row
from bench.service import Service

TABLES = ("receipts", "facts", "answers", "messages")
ROUNDS = 9


def notice(filled: Filled, starts: str, number: int) -> bytes:
    """The body of a publication to the whole city."""
    return as_json(
        {
            "title": f"关于召开第{number}次全市安全工作会议的通知", "place": "市政府四楼会议室",
            "starts_at": f"{starts}T07:00:00Z",
            "ends_at": f"{starts}T09:00:00Z", "answer_by": f"{starts}T01:00:00Z", "invited": [f"group:{filled.group}"],
            "quota": [{"role": "principal", "min": 1, "max": 1}, {"role": "staff", "min": 0, "max": 2}],
        }
    )  # fmt: skip


async def _write_seconds(connection: Connection) -> tuple[float, int]:
    text = (await connection.ask("GET", "/metrics")).body.decode()
    values = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line.startswith("songda_write_seconds_")}
    return values["songda_write_seconds_sum"], int(values["songda_write_seconds_count"])


async def _drive(service: Service, filled: Filled, starts: str) -> tuple[list[float], list[float], list[int]]:
    """Seconds in the writer and at the client for each round, and the ids published."""
    connection = Connection(service.port)
    inside, outside, ids = [], [], []
    for number in range(ROUNDS):
        before, count = await _write_seconds(connection)
        begun = time.perf_counter()
        answer = await connection.ask("POST", "/api/v1/notices", bearer(filled.organiser), notice(filled, starts, number))
        outside.append(time.perf_counter() - begun)
        if answer.status != 201 or answer.json()["receipts"] != UNITS:
            raise RuntimeError(f"{answer.status} {answer.body[:300]!r}")
        after, count_after = await _write_seconds(connection)
        if count_after != count + 1:
            raise RuntimeError("the publication was not alone in the writer")
        inside.append(after - before)
        ids.append(int(answer.json()["id"]))
    await connection.close()
    return inside, outside, ids


def _bare(path: Path, ids: list[int]) -> list[float]:
    """Write the same rows again, under new ids, with nothing but executemany: one FULL transaction a round."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = full")
    connection.execute("PRAGMA wal_autocheckpoint = 20000")
    times = []
    for shift, id in enumerate(ids, 1):
        work = [_copied(connection, table, id, 10**9 * shift) for table in TABLES]
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for sql, rows in work:
            connection.executemany(sql, rows)
        connection.execute("COMMIT")
        times.append(time.perf_counter() - begun)
    connection.close()
    return times


def _copied(connection: sqlite3.Connection, table: str, id: int, shift: int) -> tuple[str, list[tuple[object, ...]]]:
    """An INSERT for the table, and the rows that the publication `id` wrote there, moved to other ids."""
    key = "notice_id" if table == "answers" else "subject_id"
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = ?", (id,)).fetchall()  # noqa: S608
    moved = [
        tuple(v + shift if c in ("id", key) and isinstance(v, int) else v for c, v in zip(columns, row, strict=True))
        for row in rows
    ]
    if len(moved) < UNITS:
        raise RuntimeError(f"{table}: {len(moved)} rows of the publication")
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", moved  # noqa: S608


def run(folder: Path, filled: Filled, starts: str) -> list[Row]:
    """The rows of the table; `folder` holds the filled database and is left as it was."""
    work = folder.parent / "publish"
    shutil.copytree(folder, work)
    with Service(work) as service:
        inside, outside, ids = asyncio.run(_drive(service, filled, starts))
    connection = sqlite3.connect(work / "songda.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    bare = _bare(work / "songda.db", ids)
    shutil.rmtree(work)
    ours, limit, client = (statistics.median(x[1:]) for x in (inside, bare, outside))
    said, said_bare = f"{ours * 1000:.1f} ms", f"executemany {limit * 1000:.1f} ms"
    return [
        Row("publish to 1,053 units, in the writer", said, said_bare, ours / limit, "≤ 1.3", ours <= 1.3 * limit),
        Row("  the same at the client", f"{client * 1000:.1f} ms", "", None, "", None),
    ]
