"""The organiser's view: who comes, who has not answered, whom to chase; and what is on a unit's own list of meetings."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ground import audit
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Refused
from ground.messages.message import Purpose
from ground.messages.telling import Told
from notices import publishing, telling
from notices import queries as q
from notices.notice import ROLES, AnswerState, Notice, quota_of
from receipts.inbox import NEWEST, Hint
from receipts.today import Meeting


class Line(NamedTuple):
    """One unit's answer on the organiser's page."""

    unit_id: int
    code: str
    name: str
    short_name: str
    duty_phone: str
    state: str
    people: int
    at: str | None
    by_organiser: int
    confirmed: int
    receipt: int
    opened_at: str | None
    signed_at: str | None


class Counts(NamedTuple):
    """The four counts, which are lists, and how many people come."""

    total: int
    coming: int
    none: int
    asked: int
    absent: int
    people: int


class RoleCount(NamedTuple):
    """How many come in a role."""

    role: str
    people: int
    stand_ins: int
    checked_in: int


class Named(NamedTuple):
    """A line of the name list."""

    id: int
    unit: str
    unit_short: str
    name: str
    position: str
    mobile: str
    role: str
    fields: str
    stands_for: str
    token: str
    checked_in_at: str
    unit_id: int


class Chase(NamedTuple):
    """One press of 催办."""

    at: str
    person_id: int
    units: int
    messages: int


class Organised(NamedTuple):
    """A line of the unit's own meetings."""

    id: int
    title: str
    urgency: str
    starts_at: str
    place: str
    answer_by: str
    cancelled_at: str | None
    version: int
    total: int
    signed: int
    answered: int
    leaves: int


class Invited(NamedTuple):
    """A line of the meetings that a unit is invited to."""

    id: int
    title: str
    urgency: str
    starts_at: str
    place: str
    answer_by: str
    cancelled_at: str | None
    sender: str
    state: str
    people: int
    waits: str | None
    receipt: int


async def counts(tx: Tx, notice: int) -> Counts:
    """The four counts of a notice."""
    found = {state: (int(n), int(people or 0)) for state, n, people in await tx.all(q.ANSWER_COUNTS, lambda *c: c, notice=notice)}
    coming, none, asked, absent = (found.get(state, (0, 0))[0] for state in ("coming", "none", "asked", "absent"))
    return Counts(coming + none + asked + absent, coming, none, asked, absent, sum(people for _, people in found.values()))


async def lines(tx: Tx, notice: int) -> list[Line]:
    """Every invited unit, in the tree's order."""
    return await tx.all(q.ANSWER_LIST, Line, notice=notice)


async def names(tx: Tx, notice: int) -> list[Named]:
    """The name list: units in the tree's order, principals first as they were entered."""
    return await tx.all(q.NAME_LIST, Named, notice=notice)


async def roles(tx: Tx, notice: int) -> list[RoleCount]:
    """How many come in each role, in the roles' order."""
    found = {r.role: r for r in await tx.all(q.ROLE_COUNTS, RoleCount, notice=notice)}
    return [found[role] for role in ROLES if role in found]


async def chased(tx: Tx, notice: int) -> dict[int, int]:
    """How often each unit was reminded or chased by SMS."""
    return dict(await tx.all(q.CHASED_UNITS, lambda unit, n: (int(unit), int(n)), notice=notice))


async def chases(tx: Tx, notice: int) -> list[Chase]:
    """Every press of 催办, newest first."""
    return await tx.all(q.CHASES, Chase, notice=notice)


async def silent(tx: Tx, notice: Notice, units: Sequence[int] | None = None) -> list[int]:
    """Units that have not answered, or those of `units` that have not."""
    found = await tx.all(q.ANSWERED_UNITS, int, notice=notice.id, state=AnswerState.NONE)
    return [unit for unit in found if units is None or unit in units]


async def chase(tx: Tx, actor: Actor, id: int, units: Sequence[int] | None, *, told: Told, now: str) -> Chase:
    """Remind the units that have not answered (all, or those of `units`). Who has answered is not told anything.

    Raises:
        NotFound. Refused: cancelled, past the deadline, or everybody has answered.
    """
    notice = await publishing.own(tx, id, actor)
    if notice.cancelled_at:
        raise Refused("会议已取消，不用催。", code="cancelled")
    if now > notice.starts_at:
        raise Refused("会议已经开始，不用催了。", code="started")
    left = await silent(tx, notice, units)
    if not left:
        raise Refused("都已答复，没有要催的单位。", code="nobody")
    step = f"chase-{await tx.value(q.CHASE_COUNT, notice=id) + 1}"
    reminded = notice._replace(answer_by=max(notice.answer_by, now))
    words = telling.reminder_text(notice, told, now)
    count = await telling.tell_units(tx, reminded, left, Purpose.CHASE, words, told, now=now, step=step)
    done = Chase(now, actor.person_id, len(left), count.messages)
    await tx.run(q.CHASE_INSERT, notice=id, at=now, person=actor.person_id, units=done.units, messages=done.messages)
    await audit.note(
        tx, "chased", f"notice:{id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=f"{done.units} units",
        address=actor.address,
    )  # fmt: skip
    tx.notify(f"subject:{id}")
    return done


async def organised(tx: Tx, unit: int, *, before: int = NEWEST, limit: int = 20) -> list[Organised]:
    """The unit's own meetings, newest first, one more than `limit` when there is more."""
    return await tx.all(q.ORGANISED, Organised, unit=unit, before=before, limit=limit + 1)


async def invited(tx: Tx, unit: int, *, before: int = NEWEST, limit: int = 20) -> list[Invited]:
    """Meetings that the unit is invited to, newest first, one more than `limit` when there is more."""
    return await tx.all(q.INVITED, Invited, unit=unit, before=before, limit=limit + 1)


async def coming_up(tx: Tx, unit: int, low: str, high: str) -> list[Meeting]:
    """The unit's meetings that start between two moments."""
    return await tx.all(q.COMING_UP, Meeting, unit=unit, low=low, high=high)


async def hints(tx: Tx, ids: Sequence[int], now: str) -> dict[int, Hint]:
    """For the inbox: when and where, and how many may come. `now` is unused here: the faces put times in words."""
    del now
    wanted = set(ids)
    rows = await tx.all(q.HINTS, lambda *c: c, low=min(ids), high=max(ids))
    return {id: Hint((starts_at, place), heads=_heads(quota)) for id, starts_at, place, quota in rows if id in wanted}


@lru_cache(maxsize=4096)
def _heads(quota: str) -> tuple[int, int]:
    """At least and at most how many may come by a stored quota."""
    low, high = (sum(getattr(x, k) for x in quota_of(quota)) for k in ("min", "max"))
    return low, high
