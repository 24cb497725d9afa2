"""1,300 open streams on one process: memory, one change to all, SIGTERM."""

import asyncio
import resource
import shutil
import time
from pathlib import Path

from bench.client import Connection, as_json, bearer
from bench.data import Filled
from bench.publish import notice
from bench.report import Row
from bench.service import Service

STREAMS = 1300


class Stream:
    """One open stream; notes when the next event comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap an open connection."""
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, path: str) -> "Stream":
        """Ask for the stream and read its first event."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**14)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head[:200].decode())
        stream = cls(reader, writer)
        await stream.event()
        return stream

    async def event(self) -> float:
        """Wait for an event; when it had come."""
        await self.reader.readuntil(b"event: progress")
        await self.reader.readuntil(b"\n\n")
        return time.perf_counter()


async def _drive(service: Service, filled: Filled, starts: str) -> tuple[float, float, float]:
    """KB a stream, seconds until the last has heard of a change, seconds that SIGTERM took."""
    connection = Connection(service.port)
    published = await connection.ask("POST", "/api/v1/notices", bearer(filled.organiser), notice(filled, starts, 7))
    subject = int(published.json()["id"])
    ticket = (await connection.ask("POST", "/api/v1/live-tickets", bearer(filled.organiser), b"{}")).json()["ticket"]
    path = f"/api/v1/live?notice={subject}&ticket={ticket}"
    warm = [await Stream.open(service.port, path) for _ in range(20)]
    before = service.resident_kb()
    streams = [await Stream.open(service.port, path) for _ in range(STREAMS)]
    after = service.resident_kb()
    unit, token = filled.tokens[3]
    heard = [asyncio.create_task(stream.event()) for stream in streams]
    await asyncio.sleep(0.5)
    opened = await connection.ask("POST", f"/api/v1/receipts/{subject}-{unit}/opening", bearer(token), as_json({}))
    begun = time.perf_counter()
    if opened.status not in (200, 201):
        raise RuntimeError(f"{opened.status} {opened.body!r}")
    times = await asyncio.gather(*heard)
    ended = await asyncio.to_thread(service.stop)
    for stream in [*warm, *streams]:
        stream.writer.close()
    await connection.close()
    return (after - before) / STREAMS, max(times) - begun, ended


def run(folder: Path, filled: Filled, starts: str) -> list[Row]:
    """The rows of the table."""
    low, high = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(high, max(low, 8192)), high))
    work = folder.parent / "streams"
    shutil.copytree(folder, work)
    with Service(work) as service:
        each, last, ended = asyncio.run(_drive(service, filled, starts))
    shutil.rmtree(work)
    return [
        Row("1,300 open streams, memory each", f"{each:.1f} KB", "", None, "≤ 40 KB", each <= 40),
        Row("  one change has reached all after", f"{last * 1000:.0f} ms", "", None, "≤ 200 ms", last <= 0.2),
        Row("  SIGTERM with all of them open", f"{ended:.1f} s", "", None, "≤ 10 s", ended <= 10),
    ]
