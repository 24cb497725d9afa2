"""What 今日 shows beside the queue: the unit's meetings of today and tomorrow. A room that knows meetings fills `MEETINGS`."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ground.db import Tx


class Meeting(NamedTuple):
    """A meeting that somebody of the unit goes to."""

    id: int
    title: str
    starts_at: str
    place: str
    state: str
    who: str


Source = Callable[[Tx, int, str, str], Awaitable[list[Meeting]]]
MEETINGS: dict[str, Source] = {}


async def meetings(tx: Tx, unit: int, low: str, high: str) -> list[Meeting]:
    """The unit's meetings that start between two moments, by time."""
    found = [meeting for source in MEETINGS.values() for meeting in await source(tx, unit, low, high)]
    return sorted(found, key=lambda m: m.starts_at)


class Passed(NamedTuple):
    """Something that a colleague has passed to this person."""

    id: int
    kind: str
    title: str
    number: str
    urgency: str
    sender: str
    by: str
    note: str
    at: str
    seen: int


PASSED: dict[str, Callable[[Tx, int, int, int], Awaitable[list[Passed]]]] = {}


async def passed(tx: Tx, person: int, unit: int, *, limit: int = 20) -> list[Passed]:
    """What colleagues have passed to a person, the newest first."""
    found = [one for source in PASSED.values() for one in await source(tx, person, unit, limit)]
    return sorted(found, key=lambda p: p.at, reverse=True)[:limit]
