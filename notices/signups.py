"""Signing people up: a unit's whole answer at once, inside the deadline and the quota, in one transaction.

An answer replaces the unit's last one. People who stay keep their place and their QR code; people who are gone are marked
removed, never deleted. Leave is asked for in the same answer (notices/leaves.py decides it); a stand-in takes a place of the
quota at once.
"""

import json
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from ground import audit
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import NotFound, Refused
from ground.messages import outbox
from ground.messages.message import CLEARED_BY_ANSWER
from notices import answering, publishing
from notices import notice as nouns
from notices import queries as q
from notices.notice import Answer, AnswerState, LeaveAsked, Notice, Person, StandIn
from receipts import inbox, ledger
from receipts.receipt import State, Step, Waits


class UnitAnswer(NamedTuple):
    """Where one unit's answer stands."""

    notice_id: int
    unit_id: int
    state: str
    people: int
    at: str | None
    person_id: int
    by_organiser: int
    confirmed: int


class Seen(NamedTuple):
    """What the page showed that an answer comes from: the notice's version, and when the unit's answer of then was given ('')."""

    version: int
    answered_at: str


class Attendee(NamedTuple):
    """Somebody on the list."""

    id: int
    notice_id: int
    unit_id: int
    role: str
    name: str
    position: str
    mobile: str
    fields: dict[str, str]
    leave_id: int | None
    token: str
    checked_in_at: str | None

    @classmethod
    def of_row(cls, *row: object) -> "Attendee":
        """A row of `queries.ATTENDEE_COLUMNS`: fields are JSON there."""
        return cls._make((*row[:7], json.loads(str(row[7])), *row[8:]))


class Leave(NamedTuple):
    """A request for leave."""

    id: int
    notice_id: int
    unit_id: int
    unit: str
    role: str
    person: str
    position: str
    reason: str
    stand_in: StandIn | None
    state: str
    asked_at: str
    asked_by: int
    decided_at: str | None
    decision_reason: str

    @classmethod
    def of_row(cls, *row: object) -> "Leave":
        """A row of `queries.LEAVE`: the stand-in is JSON, or ''."""
        stand_in = StandIn(**json.loads(str(row[8]))) if row[8] else None
        return cls._make((*row[:8], stand_in, *row[9:]))


async def answer_of(tx: Tx, notice: int, unit: int) -> UnitAnswer:
    """The unit's answer. Raises NotFound when the unit was not invited."""
    found = await tx.one(q.ANSWER, UnitAnswer, notice=notice, unit=unit)
    if found is None:
        raise NotFound
    return found


async def people_of(tx: Tx, notice: int, unit: int) -> list[Attendee]:
    """Who comes for a unit."""
    return await tx.all(q.ATTENDEES_OF_UNIT, Attendee.of_row, notice=notice, unit=unit)


async def leaves_of(tx: Tx, notice: int, unit: int) -> list[Leave]:
    """The unit's requests for leave that were not withdrawn."""
    return await tx.all(q.LEAVES_OF_UNIT, Leave.of_row, notice=notice, unit=unit)


# --- answering ------------------------------------------------------------------------------------------------------------


def check_seen(notice: Notice, before: UnitAnswer, seen: Seen) -> None:
    """Refuse an answer from a page that showed an older version, or an answer that a colleague has replaced since."""
    if seen.version != notice.version:
        raise Refused("通知刚改成第 {n} 版，请看过变动再交。您填的内容还在本页。", n=notice.version, code="changed_meanwhile")
    if seen.answered_at != (before.at or ""):
        raise Refused("刚才已由别人替这个单位报过。下面是您填的，核对后再按一次，就以您的为准。", code="answered_meanwhile")


async def check_fresh(tx: Tx, id: int, unit: int, seen: Seen) -> None:
    """`check_seen` against what stands now; whoever answers for the unit at the same moment waits. Raises NotFound, Refused."""
    await tx.run(q.ANSWER_LOCK, notice=id, unit=unit)
    check_seen(await publishing.find(tx, id), await answer_of(tx, id, unit), seen)


async def sign_and_answer(
    tx: Tx, actor: Actor, id: int, answer: Answer, *, waived: Sequence[str], now: str, seen: Seen | None = None
) -> UnitAnswer:
    """签收并报名: sign when it is not signed yet, and give the unit's whole answer.

    Raises:
        NotFound: not invited. Invalid, Refused: see `tidy`, `check_quota`, `check_open`, `check_seen`, and `inbox.sign`.
    """
    receipt = await ledger.receipt_of(tx, id, actor.unit_id)
    if seen is not None:
        await check_fresh(tx, id, actor.unit_id, seen)
    if receipt.state in (State.ARRIVED, State.OPENED):
        await inbox.sign(tx, id, actor, waived=waived, at=now)
    return await enter(tx, actor, id, actor.unit_id, answer, now=now)


async def enter(
    tx: Tx, actor: Actor, id: int, unit: int, answer: Answer, *, now: str, by_organiser: bool = False, by_sms: bool = False,
    late: bool = False,
) -> UnitAnswer:  # fmt: skip
    """Put a unit's answer in the place of its last one.

    Args:
        by_organiser: the organiser enters it for the unit (代报), told by telephone.
        by_sms: answered by a text message; the unit has still to open and sign the notice.
        late: the deadline has been waived by the organiser.
    """
    notice = await publishing.find(tx, id)
    before = await answer_of(tx, id, unit)
    if not late and not by_organiser:
        answering.check_open(notice, now)
    elif notice.cancelled_at:
        raise Refused("会议已取消，不用再报名。", code="cancelled")
    answer = answering.tidy(notice, answer)
    answering.check_quota(notice, answer)
    await tx.run(q.ANSWER_LOCK, notice=id, unit=unit)  # PostgreSQL: two clerks of one unit queue here; SQLite: one writer anyway
    await _replace_people(tx, notice, unit, answer.people, now)
    asked = await _replace_leaves(tx, notice, unit, answer.leaves, actor, now)
    people = await people_of(tx, id, unit)
    state = AnswerState.ASKED if asked else AnswerState.COMING if people else AnswerState.ABSENT
    confirmed = max(before.confirmed, notice.version)
    await tx.run(
        q.ANSWER_SET, notice=id, unit=unit, state=state, people=len(people), at=now, person=actor.person_id,
        by_organiser=int(by_organiser), confirmed=confirmed,
    )  # fmt: skip
    unread = "代报" if by_organiser else "短信" if by_sms else ""
    await _close_receipt(tx, notice, unit, actor, now, unread=unread)
    await outbox.clear(tx, id, unit, purposes=CLEARED_BY_ANSWER, now=now)
    await audit.note(
        tx, "answered", f"notice:{id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=f"unit {unit}: {state}",
        address=actor.address,
    )  # fmt: skip
    return await answer_of(tx, id, unit)


async def _close_receipt(tx: Tx, notice: Notice, unit: int, actor: Actor, now: str, *, unread: str) -> None:
    """Write the answer into the ledger; nothing waits any more (a new version is confirmed by answering it).

    `unread` says how an answer came that was given without opening the notice: it leaves an unsigned receipt unsigned.
    """
    subject = await ledger.subject_of(tx, notice.id)
    if unread:
        await ledger.answer_for(tx, subject, unit, actor, at=now, note=unread)
    else:
        await ledger.take_step(tx, Step.ANSWER, subject, unit, actor, at=now)
    for waits in (Waits.ANSWER, Waits.CONFIRM):
        await ledger.done_waiting(tx, notice.id, unit, waits)
    tx.notify(f"subject:{notice.id}")


async def _replace_people(tx: Tx, notice: Notice, unit: int, people: Sequence[Person], now: str) -> None:
    """Keep those who stay, add the new ones, mark the others removed. Stand-ins belong to their leave and stay out of this."""
    had = {(a.name, a.mobile): a for a in await people_of(tx, notice.id, unit) if a.leave_id is None}
    for sort, person in enumerate(people):
        stays = had.pop((person.name, person.mobile), None)
        fields = json.dumps(dict(person.fields), ensure_ascii=False)
        if stays is not None:
            await tx.run(
                q.ATTENDEE_UPDATE, id=stays.id, role=person.role, position=person.position, mobile=person.mobile, fields=fields,
                sort=sort, leave=None,
            )  # fmt: skip
        else:
            await tx.run(
                q.ATTENDEE_INSERT, notice=notice.id, unit=unit, role=person.role, name=person.name, position=person.position,
                mobile=person.mobile, fields=fields, leave=None, sort=sort, token=secrets.token_urlsafe(9),
            )  # fmt: skip
    for gone in had.values():
        await tx.run(q.ATTENDEE_REMOVE, id=gone.id, at=now)


async def _replace_leaves(tx: Tx, notice: Notice, unit: int, asked: Sequence[LeaveAsked], actor: Actor, now: str) -> bool:
    """Withdraw requests that are no longer made, put the new ones; whether any still waits for a decision."""
    had = {(x.role, x.person, x.reason, x.stand_in): x for x in await leaves_of(tx, notice.id, unit) if x.state != "refused"}
    waiting = False
    for leave in asked:
        stays = had.pop((leave.role, leave.person, leave.reason, leave.stand_in), None)
        if stays is not None:
            waiting = waiting or stays.state == "asked"
            continue
        await tx.value(
            q.LEAVE_INSERT, notice=notice.id, unit=unit, role=leave.role, person=leave.person, position=leave.position,
            reason=leave.reason, stand_in=nouns.dumps(leave.stand_in) if leave.stand_in else "", at=now, by=actor.person_id,
        )  # fmt: skip
        waiting = True
    for gone in had.values():
        await tx.run(q.LEAVE_WITHDRAW, id=gone.id, at=now)
        for attendee in await people_of(tx, notice.id, unit):
            if attendee.leave_id == gone.id:
                await tx.run(q.ATTENDEE_REMOVE, id=attendee.id, at=now)
    return waiting


async def confirm(tx: Tx, actor: Actor, id: int, version: int, *, now: str) -> UnitAnswer:
    """The unit has seen the newest version and its answer stands. Raises Refused when a still newer one is out."""
    notice = await publishing.find(tx, id)
    await answer_of(tx, id, actor.unit_id)
    if notice.cancelled_at:
        raise Refused("会议已取消，不用再确认。", code="cancelled")
    if version != notice.version:
        raise Refused("通知又有了新的变动，请看过再确认。", code="changed_meanwhile")
    await inbox.open_item(tx, id, actor, now)
    await tx.run(q.CONFIRM, notice=id, unit=actor.unit_id, version=version)
    await ledger.done_waiting(tx, id, actor.unit_id, Waits.CONFIRM)
    tx.notify(f"subject:{id}")
    await audit.note(
        tx, "confirmed", f"notice:{id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=f"version {version}",
        address=actor.address,
    )  # fmt: skip
    return await answer_of(tx, id, actor.unit_id)


# --- whom to offer --------------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """Somebody the unit has sent before."""

    name: str
    position: str
    mobile: str
    role: str


async def last_people(tx: Tx, notice: int, unit: int) -> list[Known]:
    """Who came for the unit to its last meeting before this one."""
    last = await tx.value(q.LAST_NOTICE, unit=unit, notice=notice)
    return await tx.all(q.LAST_PEOPLE, Known, unit=unit, notice=last) if last is not None else []


async def known_people(tx: Tx, unit: int) -> list[Known]:
    """Whom the unit has sent before, the latest first, each once."""
    rows = await tx.all(
        q.KNOWN_PEOPLE, lambda name, position, mobile, role, _last: Known(name, position, mobile, role), unit=unit
    )
    return list({row.name: row for row in reversed(rows)}.values())[::-1]
