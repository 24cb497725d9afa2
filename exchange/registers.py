"""收文登记簿 and 发文登记簿: a unit's numbers of a year, in order, with what became of them; a page at a time, the newest first.

A unit's register stays what it was: senders and recipients are named as they were then. Whoever has taken a unit over reads its
registers beside the own ones.
"""

from typing import NamedTuple

from exchange import queries as q
from exchange.numbering import Series
from exchange.registering import written
from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.units import like
from ground.errors import NotFound

NEWEST = 2**53


class Asked(NamedTuple):
    """Which lines of a register are wanted."""

    year: int
    series: str = ""
    kind: str = ""
    words: str = ""
    before: int = NEWEST
    limit: int = 20


class Received(NamedTuple):
    """One line of 收文登记簿."""

    series: str
    year: int
    serial: int
    at: str
    person: str
    id: int
    kind: str
    title: str
    number: str
    sender: str
    dated: str
    state: int
    arrived_at: str
    answered_at: str | None
    part: str
    urgency: str

    @property
    def text(self) -> str:
        """The 收文号."""
        return written(self.series, self.year, self.serial)


class SentLine(NamedTuple):
    """One line of 发文登记簿; `id` 0 for a number under which nothing was sent."""

    serial: int
    at: str
    id: int
    kind: str
    title: str
    number: str
    issuer: str
    dated: str
    urgency: str
    person: str
    total: int
    signed: int
    voided_at: str | None
    void_reason: str | None


class Owner(NamedTuple):
    """A unit whose registers may be read: the own one, or one that was merged into it."""

    id: int
    code: str
    name: str


async def owners(tx: Tx, actor: Actor) -> list[Owner]:
    """The own unit first, then those that it has taken over."""
    merged = await tx.all(q.MERGED_HERE, Owner, unit=actor.unit_id)
    return [Owner(actor.unit_id, actor.unit_code, actor.unit_name), *merged]


async def owner(tx: Tx, actor: Actor, code: str) -> Owner:
    """The unit with this code among them; '' is the own one. Raises NotFound."""
    found = [one for one in await owners(tx, actor) if code in ("", one.code)]
    if not found:
        raise NotFound
    return found[0]


async def received(tx: Tx, unit: int, asked: Asked) -> list[Received]:
    """A page of what the unit has registered, one line more than `limit` when there is an older one."""
    return await tx.all(
        q.RECEIVED, Received, unit=unit, series=asked.series, year=asked.year, kind=asked.kind, words=_words(asked.words),
        before=asked.before, limit=asked.limit + 1,
    )  # fmt: skip


async def sent(tx: Tx, unit: int, asked: Asked, *, low: str, high: str) -> list[SentLine]:
    """A page of what the unit has sent under one series (its id as text), or without a number ('').

    Args:
        low, high: the year's first moment and the next one's (UTC text): what has no number is told by when it was sent.
    Raises:
        NotFound: a series that is not the unit's.
    """
    common = {"kind": asked.kind, "words": _words(asked.words), "before": asked.before, "limit": asked.limit + 1}
    if not asked.series:
        return await tx.all(q.SENT_PLAIN, SentLine, unit=unit, low=low, high=high, **common)
    if asked.series not in {str(one.id) for one in await series_of(tx, unit)}:
        raise NotFound
    return await tx.all(q.SENT_NUMBERED, SentLine, series=int(asked.series), year=asked.year, **common)


async def series_of(tx: Tx, unit: int) -> list[Series]:
    """Every series that the unit has ever used, open ones first."""
    return await tx.all(q.SERIES_EVER, Series, unit=unit)


def cursor(line: Received | SentLine, asked: Asked) -> int:
    """The position after a line, for the next page."""
    return line.serial if isinstance(line, Received) or asked.series else line.id


def _words(text: str) -> str:
    return f"%{like(text)}%" if text else ""
