"""The demo city at rest: resident memory, and the time of a cold start."""

import subprocess
import sys
import time
from pathlib import Path

from bench.report import Row
from bench.service import ROOT, Service


def run(folder: Path) -> list[Row]:
    """The rows of the table; the demo city is made in `folder`."""
    begun = time.perf_counter()
    made = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--data", str(folder), "--no-serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(made.stderr[-500:])
    took = time.perf_counter() - begun
    with Service(folder, work=True) as service:
        cold = service.started_s
        time.sleep(5)
        resident = service.resident_kb() / 1024
    return [
        Row("demo city made", f"{took:.1f} s", "", None, "≤ 30 s", took <= 30),
        Row("demo city at rest, resident", f"{resident:.0f} MB", "", None, "≤ 150 MB", resident <= 150),
        Row("cold start with its database", f"{cold:.2f} s", "", None, "≤ 2 s", cold <= 2),
    ]
