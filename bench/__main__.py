"""`make bench`: every promise of speed and size, measured in one run, printed as ratios. `python -m bench inbox` runs a part."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import data, idle, inbox, publish, report, storm, streams
from bench.report import Row
from bench.service import ROOT

LARGE, SMALL = 10**6, 10**4


def main(chosen: list[str]) -> int:
    """Run the parts; 1 when a target is missed."""
    starts = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as name:
        base = Path(name)
        large, small = base / "large", base / "small"
        print(f"filling {SMALL:,} and {LARGE:,} receipts …", flush=True)
        filled_small = asyncio.run(data.fill(small / "songda.db", SMALL))
        filled = (
            asyncio.run(data.fill(large / "songda.db", LARGE))
            if not chosen or {"publish", "inbox"} & set(chosen)
            else filled_small
        )
        parts: dict[str, Callable[[], list[Row]]] = {
            "publish": lambda: publish.run(large, filled, starts),
            "storm": lambda: storm.run(small, filled_small, starts),
            "inbox": lambda: inbox.run(large, small, filled, filled_small),
            "streams": lambda: streams.run(small, filled_small, starts),
            "idle": lambda: idle.run(base / "demo"),
        }
        for part, run in parts.items():
            if not chosen or part in chosen:
                print(f"{part} …", flush=True)
                found = run()
                rows += found
                print(report.lines(found), flush=True)
    print(report.markdown(rows))
    report.write(rows, ROOT / "artefacts")
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
