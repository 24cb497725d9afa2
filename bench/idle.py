"""The demo city at rest: the time to make it, resident memory, and the time of a cold start."""

import time
from pathlib import Path

from bench.report import Row
from bench.service import Service


def run(folder: Path) -> list[Row]:
    """The rows of the table; the demo city is made in `folder`."""
    with Service(folder, command="demo") as service:
        made = service.started_s
    with Service(folder, work=True) as service:
        cold = service.started_s
        time.sleep(5)
        resident = service.resident_kb() / 1024
    return [
        Row("demo city made and served", f"{made:.1f} s", "", None, "≤ 30 s", made <= 30),
        Row("demo city at rest, resident", f"{resident:.0f} MB", "", None, "≤ 150 MB", resident <= 150),
        Row("cold start with its database", f"{cold:.2f} s", "", None, "≤ 2 s", cold <= 2),
    ]
