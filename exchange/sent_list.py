"""What the unit has sent, newest first: found by title or number, by kind and by year."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange import queries as q
from ground import clock
from ground.db import Tx
from ground.directory.units import like
from receipts.inbox import NEWEST


class SentLine(NamedTuple):
    """One document of the list."""

    id: int
    kind: str
    title: str
    number: str
    urgency: str
    sent_at: str
    sign_by: str
    closed_at: str | None
    voided_at: str | None
    corrects: int | None
    total: int
    opened: int
    signed: int
    returned: int
    recalled: int

    @property
    def due(self) -> int:
        """How many were to sign: sent less recalled."""
        return self.total - self.recalled

    @property
    def percent(self) -> float:
        """How many of them have, for the bar."""
        return min(100.0, self.signed * 1000 // self.due / 10) if self.due else 0.0


class Wish(NamedTuple):
    """Which documents: part of a title or number, a kind, a year; '' and 0 for any."""

    words: str = ""
    kind: str = ""
    year: int = 0


async def of_unit(
    tx: Tx, unit: int, wish: Wish, zone: ZoneInfo, *, before: int = NEWEST, limit: int = 20
) -> list[SentLine]:  # fmt: skip
    """A page of the list, one more than `limit` when there is an older page."""
    since, until = span(wish.year, zone)
    words = f"%{like(wish.words)}%" if wish.words else ""
    return await tx.all(
        q.SENT, SentLine, unit=unit, before=before, kind=wish.kind, since=since, until=until, words=words, limit=limit + 1
    )


def span(year: int, zone: ZoneInfo) -> tuple[str, str]:
    """The first moments of a local year and of the next one; everything for 0."""
    if not year:
        return "", "9"
    first, last = (clock.text(datetime(y, 1, 1, tzinfo=zone)) for y in (year, year + 1))
    return first, last


async def years_of(tx: Tx, unit: int, zone: ZoneInfo, now: str) -> list[int]:
    """The years in which the unit may have sent something, newest first."""
    first = await tx.value(q.SENT_FIRST, unit=unit)
    newest = clock.local(now, zone).year
    oldest = clock.local(str(first), zone).year if first else newest
    return list(range(newest, oldest - 1, -1))
