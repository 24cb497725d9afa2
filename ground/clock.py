"""Time comes from one place and has one form: UTC text with milliseconds, `2026-03-18T01:42:07.123Z`.

Text of this form sorts as time does, means the same in both engines, and is RFC 3339. Functions take the time they need as an
argument; only the faces and the worker ask a clock.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Whatever can say what time it is."""

    def now(self) -> str:
        """The present moment as UTC text."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> str:
        """The present moment as UTC text."""
        return text(datetime.now(UTC))


class FixedClock:
    """A clock that stands still until it is told to move; for tests and for the demo city's history."""

    def __init__(self, at: str = "2026-03-18T01:42:00.000Z") -> None:
        """Start at `at` (UTC text)."""
        self._at = at

    def now(self) -> str:
        """The moment last set."""
        return self._at

    def set(self, at: str) -> None:
        """Jump to `at` (UTC text)."""
        self._at = at

    def move(self, **by: float) -> None:
        """Move by a timedelta's keywords, as in `clock.move(hours=2)`."""
        self._at = text(parse(self._at) + timedelta(**by))


def text(moment: datetime) -> str:
    """UTC text of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(written: str) -> datetime:
    """The aware UTC datetime of our text, or of any RFC 3339 text with a zone. Raises ValueError otherwise."""
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {written!r}")
    return moment.astimezone(UTC)


@lru_cache(maxsize=8192)  # a page says the same moment many times, and many pages say the moment a document arrived
def local(written: str, zone: ZoneInfo) -> datetime:
    """The same moment on the city's wall clock."""
    return parse(written).astimezone(zone)


def after(written: str, **by: float) -> str:
    """The UTC text of a moment later (or earlier, with negative values) by a timedelta's keywords."""
    return text(parse(written) + timedelta(**by))


def seconds_between(start: str, end: str) -> float:
    """Seconds from `start` to `end`; negative when `end` is earlier."""
    return (parse(end) - parse(start)).total_seconds()
