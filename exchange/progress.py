"""How far a document has come: five facts, the rate with its denominator, who is stuck where, and the signing over time. Reads.

The rate is signed ÷ (sent − recalled − units closed before it was due); every figure can be counted out from `lines_of`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from exchange import queries as q
from exchange.document import RETURN_REASONS
from ground import clock
from ground.db import Tx
from ground.directory.directory import Contact
from receipts.inbox import Hint
from receipts.receipt import State, Waits

GOAL = 98  # percent signed
CAUSES = ("opened", "seen", "absent", "dead")


class Line(NamedTuple):
    """Where one unit stands."""

    unit_id: int
    code: str
    name: str
    short_name: str
    initials: str
    path: str
    duty_phone: str
    part: str
    batch: int
    copy_no: int
    state: int
    arrived_at: str
    opened_at: str | None
    signed_at: str | None
    registered_at: str | None
    answered_at: str | None
    sign_by: str
    waits: str | None
    closed_on: str | None
    codes: tuple[str, ...]  # of a return
    reason: str

    @classmethod
    def of_row(cls, *row: Any) -> "Line":
        """A row of `queries.LINES`: the codes are JSON there."""
        return cls._make((*row[:19], tuple(json.loads(row[19])), row[20]))

    @property
    def recalled(self) -> bool:
        """Whether it was taken back."""
        return self.state == State.RECALLED

    @property
    def closed_early(self) -> bool:
        """Whether the unit was closed before it had to sign, and had not."""
        return bool(self.closed_on) and self.signed_at is None and str(self.closed_on) <= self.sign_by[:10]

    @property
    def counts(self) -> bool:
        """Whether the unit stands in the denominator."""
        return not self.recalled and not self.closed_early

    @property
    def step(self) -> int:
        """The highest of the five facts, 1 to 5."""
        at = (self.arrived_at, self.opened_at, self.signed_at, self.registered_at, self.answered_at)
        return max(n for n, fact in enumerate(at, 1) if fact)

    @property
    def why(self) -> str:
        """Why it was returned, in the words of the checklist."""
        return "、".join(f"{code} {RETURN_REASONS.get(code, '')}".strip() for code in self.codes)


class Counts(NamedTuple):
    """The five facts and the exits, of all units; `base` is the rate's denominator, `rated` its numerator."""

    total: int
    opened: int
    signed: int
    registered: int
    answered: int
    returned: int
    recalled: int
    closed: int
    superseded: int
    recall_asked: int
    base: int
    rated: int
    on_time: int

    @property
    def percent(self) -> float:
        """The sign-off rate."""
        return percent(self.rated, self.base)

    @property
    def to_goal(self) -> int:
        """How many units are missing to 98 %."""
        return max(0, -(-self.base * GOAL // 100) - self.rated)


class Event(NamedTuple):
    """One act on the document, for the timeline."""

    at: str
    person: str
    act: str
    detail: str

    @property
    def numbers(self) -> list[int]:
        """The figures of the audit's line, in their order."""
        return [int(n) for n in re.findall(r"\d+", self.detail)]


def percent(part: int, whole: int) -> float:
    """Rounded down to a tenth, so that 100 means all."""
    return part * 1000 // whole / 10 if whole else 0.0


async def lines_of(tx: Tx, id: int) -> list[Line]:
    """Every unit of a document, in the tree's order."""
    return await tx.all(q.LINES, Line.of_row, document=id)


async def events_of(tx: Tx, id: int) -> list[Event]:
    """What the sender has done with it, newest first."""
    return await tx.all(q.EVENTS, Event, object=f"document:{id}")


async def signers_of(tx: Tx, id: int) -> dict[int, str]:
    """Who has signed for each unit."""
    return dict(await tx.all(q.SIGNERS, lambda unit, name: (int(unit), str(name)), document=id))


async def chased_of(tx: Tx, id: int) -> dict[int, tuple[int, int]]:
    """How many SMS chased each unit, and how many of them failed."""
    rows = await tx.all(q.CHASED_UNITS, lambda unit, n, failed: (int(unit), (int(n), int(failed))), document=id)
    return dict(rows)


async def live(tx: Tx, id: int) -> dict[str, int]:
    """The counts that the live page and programs watch."""
    return count(await lines_of(tx, id))._asdict()


async def hints(tx: Tx, ids: Sequence[int], now: str) -> dict[int, Hint]:
    """For the inbox: a document's line says everything already."""
    del tx, ids, now
    return {}


def count(lines: Sequence[Line]) -> Counts:
    """Count the units out."""
    base = [x for x in lines if x.counts]
    signed = [x for x in base if x.signed_at]
    return Counts(
        total=len(lines),
        opened=sum(x.step >= 2 for x in lines),
        signed=sum(x.step >= 3 for x in lines),
        registered=sum(bool(x.registered_at) for x in lines),
        answered=sum(bool(x.answered_at) for x in lines),
        returned=sum(x.state == State.RETURNED for x in lines),
        recalled=sum(x.recalled for x in lines),
        closed=sum(x.closed_early and not x.recalled for x in lines),
        superseded=sum(x.state == State.SUPERSEDED for x in lines),
        recall_asked=sum(x.state == State.RECALL_ASKED for x in lines),
        base=len(base),
        rated=len(signed),
        on_time=sum(str(x.signed_at) <= x.sign_by for x in signed),
    )


def cause(line: Line, told: Sequence[Contact], midnight: str) -> str:
    """Why a unit has not signed: opened, seen (signed in, not opened), absent (nobody today), dead (no number works); or ''.

    Args:
        told: whom the service tells in the unit.
        midnight: the beginning of today, UTC text.
    """
    if line.waits != Waits.SIGN:
        return ""
    if line.state == State.OPENED:
        return "opened"
    if any((c.last_seen_at or "") >= midnight for c in told):
        return "seen"
    return "absent" if any(c.mobile and not c.mobile_bad for c in told) else "dead"


def last_seen(told: Sequence[Contact]) -> str:
    """When anybody of these was last seen; '' never."""
    return max((c.last_seen_at or "" for c in told), default="")


def midnight_before(now: str, zone: ZoneInfo) -> str:
    """The beginning of today on the city's wall clock, as UTC text."""
    return clock.text(clock.local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0))


def by_cause(causes: Mapping[int, str], lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """The units behind each cause, in the order of `CAUSES`."""
    return [(name, some) for name in CAUSES if (some := [x for x in lines if causes.get(x.unit_id) == name])]


# --- the curve ------------------------------------------------------------------------------------------------------------

LEFT, RIGHT, TOP, BOTTOM = 34.0, 366.0, 24.0, 184.0


class Curve(NamedTuple):
    """The signing over time as the page draws it; coordinates of its chart, 376 × 214."""

    line: str
    area: str
    x: float
    y: float
    goal: float
    due: float  # where the deadline stands
    rows: list[tuple[str, int]]  # at ten moments: how many had signed


def curve(lines: Sequence[Line], *, start: str, due: str, now: str) -> Curve:
    """The share of units that had signed, from the sending to now; the axis reaches to the deadline at least."""
    base = sum(x.counts for x in lines)
    signed = sorted(str(x.signed_at) for x in lines if x.counts and x.signed_at)
    span = max(clock.seconds_between(start, max(now, due)), 60.0)

    def x_of(at: str) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, clock.seconds_between(start, at) / span)), 1)

    def y_of(n: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * n / base, 1) if base else BOTTOM

    points = [(LEFT, BOTTOM)]
    for n, at in enumerate(signed, 1):
        x = x_of(at)
        points.append((x, y_of(n)))
    end = x_of(now)
    points.append((end, y_of(len(signed))))
    thinned = dict(points)  # one point for each place on the axis: the last
    drawn = "L".join(f"{x:g} {y:g}" for x, y in thinned.items())
    tenth = clock.seconds_between(start, now) / 10
    moments = [clock.after(start, seconds=tenth * n) for n in range(1, 11)]
    rows = [(at, sum(one <= at for one in signed)) for at in moments]
    return Curve(
        f"M{drawn}", f"M{drawn}V{BOTTOM:g}H{LEFT:g}Z", end, y_of(len(signed)), y_of(base * GOAL / 100), x_of(due), rows
    )  # fmt: skip
