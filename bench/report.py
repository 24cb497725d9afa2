"""The table of the bench: a row a promise, as Markdown and JSON, with the machine that measured it."""

import json
import os
import platform
import sqlite3
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One promise: our figure, what it is held against, the ratio, the target, and whether it is met (None: only shown)."""

    what: str
    figure: str
    against: str
    ratio: float | None
    target: str
    ok: bool | None


def machine() -> str:
    """Where this was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def markdown(rows: list[Row]) -> str:
    """The table."""
    return f"{machine()}\n\n| what | figure | against | ratio | target | ok |\n|---|---|---|---|---|---|\n{lines(rows)}"


def lines(rows: list[Row]) -> str:
    """The rows without their head."""
    lines = []
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        ok = "" if row.ok is None else "yes" if row.ok else "NO"
        lines.append(f"| {row.what} | {row.figure} | {row.against} | {ratio} | {row.target} | {ok} |")
    return "\n".join(lines)


def write(rows: list[Row], folder: Path) -> None:
    """Keep the table beside the artefacts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.md").write_text(markdown(rows) + "\n", encoding="utf-8")
    found = {"machine": machine(), "rows": [row._asdict() for row in rows]}
    (folder / "bench.json").write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
