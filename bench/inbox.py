"""The inbox page of 50 rows: CPU a request, against a bare hello, our smallest signed-in route, and a small database."""

import asyncio
import statistics
import subprocess
import sys
from pathlib import Path

from bench.client import Connection
from bench.data import Filled
from bench.report import Row
from bench.service import TICK, Service

WARM, COUNT, ROUNDS = 50, 400, 5
HELLO = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def hello(request): return PlainTextResponse("hello")
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
s.bind(("127.0.0.1", 0)); s.listen(100); print(s.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/", hello)]), log_level="error", access_log=False)).run(sockets=[s])
"""


def _cpu(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / TICK


async def _round(port: int, pid: int, path: str, headers: dict[str, str], count: int = COUNT) -> float:
    """Seconds of CPU a request."""
    connection = Connection(port)
    for _ in range(WARM):
        answer = await connection.ask("GET", path, headers)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    before = _cpu(pid)
    for _ in range(count):
        await connection.ask("GET", path, headers)
    took = _cpu(pid) - before
    await connection.close()
    return took / count


def run(large: Path, small: Path, filled: Filled, filled_small: Filled) -> list[Row]:
    """The rows of the table."""
    hello = subprocess.Popen([sys.executable, "-c", HELLO], stdout=subprocess.PIPE, text=True)
    assert hello.stdout is not None
    port = int(hello.stdout.readline())
    times: dict[str, list[float]] = {"hello": [], "own": [], "large": [], "small": []}
    try:
        with Service(large) as big, Service(small) as little:
            cookie = {"cookie": f"songda={filled.session}; visitor=x"}
            cookie_small = {"cookie": f"songda={filled_small.session}; visitor=x"}
            for _ in range(ROUNDS):
                times["hello"].append(asyncio.run(_round(port, hello.pid, "/", {}, 4 * COUNT)))
                times["own"].append(asyncio.run(_round(big.port, big.process.pid, "/inbox/new?after=0", cookie)))
                times["large"].append(asyncio.run(_round(big.port, big.process.pid, "/inbox?rows=50", cookie)))
                times["small"].append(asyncio.run(_round(little.port, little.process.pid, "/inbox?rows=50", cookie_small)))
    finally:
        hello.terminate()
        hello.wait()
        hello.stdout.close()
    bare, own, page, at_small = (statistics.median(times[k]) for k in ("hello", "own", "large", "small"))
    said, said_bare, said_own, said_small = (f"{x * 1e6:.0f} µs" for x in (page, bare, own, at_small))
    return [
        Row("inbox of 50 rows, CPU a request", said, f"bare hello {said_bare}", page / bare, "≤ 20", page <= 20 * bare),
        Row("  against our smallest signed-in route", said, said_own, page / own, "≤ 5", page <= 5 * own),
        Row("  at 10⁶ receipts against 10⁴", said, said_small, page / at_small, "≤ 1.3", page <= 1.3 * at_small),
    ]
