"""Leave and late changes: asked by a unit, decided by the organiser, each decided once."""

import json
import secrets
from typing import NamedTuple

from ground import audit, wording
from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor, Contact
from ground.errors import Invalid, NotFound, Refused
from ground.messages.message import Purpose
from ground.messages.telling import Told
from notices import answering, publishing, signups, telling
from notices import notice as nouns
from notices import queries as q
from notices.notice import Answer, AnswerState, LeaveAsked, Person, StandIn
from notices.signups import Leave
from receipts import ledger
from receipts.receipt import Waits


class LateChange(NamedTuple):
    """A unit's wish to change its answer after the deadline."""

    id: int
    notice_id: int
    unit_id: int
    unit: str
    wish: Answer
    reason: str
    state: str
    asked_at: str
    asked_by: int
    decision_reason: str

    @classmethod
    def of_row(cls, *row: object) -> "LateChange":
        """A row of `queries.LATE`: the wish is JSON there."""
        return cls._make((*row[:4], answer_of_json(str(row[4])), *row[5:]))


def answer_of_json(text: str) -> Answer:
    """An answer from its stored JSON."""
    wish = json.loads(text)
    leaves = (
        LeaveAsked(x["role"], x["person"], x["position"], x["reason"], StandIn(**x["stand_in"]) if x["stand_in"] else None)
        for x in wish["leaves"]
    )
    return Answer(tuple(Person(**p) for p in wish["people"]), tuple(leaves))


async def of_notice(tx: Tx, notice: int) -> list[Leave]:
    """Every request for leave that was not withdrawn."""
    return await tx.all(q.LEAVES_OF_NOTICE, Leave.of_row, notice=notice)


async def find(tx: Tx, id: int, actor: Actor) -> tuple[Leave, nouns.Notice]:
    """A request for leave from a meeting of the actor's unit. Raises NotFound."""
    leave = await tx.one(q.LEAVE_BY_ID, Leave.of_row, id=id)
    if leave is None:
        raise NotFound
    return leave, await publishing.own(tx, leave.notice_id, actor)


async def decide(tx: Tx, actor: Actor, id: int, *, approve: bool, reason: str, told: Told, now: str) -> Leave:
    """Approve or refuse leave and stand-in together; the unit is told.

    Raises:
        NotFound. Refused: decided before, withdrawn, or the meeting is cancelled. Invalid: a refusal without a reason.
    """
    leave, notice = await find(tx, id, actor)
    if notice.cancelled_at:
        raise Refused("会议已取消，不用再决定。", code="cancelled")
    if not approve and not reason.strip():
        raise Invalid.one("reason", "请写不同意的原因，会告诉对方。")
    if len(reason) > 300 or wording.INVISIBLE.search(reason):
        raise Invalid.one("reason", "原因请不超过 300 字。")
    state = "approved" if approve else "refused"
    if await tx.run(q.LEAVE_DECIDE, id=id, state=state, at=now, by=actor.person_id, reason=reason.strip()) != 1:
        said = (await find(tx, id, actor))[0]
        word = {"approved": "同意", "refused": "不同意", "withdrawn": "对方撤回"}.get(said.state, "决定")
        raise Refused("这个请假已经{word}了，不用再定。", word=word, code="decided")
    if approve and leave.stand_in is not None:
        await tx.run(
            q.ATTENDEE_INSERT, notice=notice.id, unit=leave.unit_id, role=leave.role, name=leave.stand_in.name,
            position=leave.stand_in.position, mobile=leave.stand_in.mobile, fields="{}", leave=leave.id,
            sort=-1 if leave.role == "principal" else 0,  # in the place of the one who leads the list
            token=secrets.token_urlsafe(9),
        )  # fmt: skip
    await _settle(tx, notice, leave.unit_id, refused=not approve)
    await _tell(tx, notice, leave, told, now, approve=approve, reason=reason.strip())
    await audit.note(
        tx, f"leave_{state}", f"notice:{notice.id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=f"leave {id}",
        address=actor.address,
    )  # fmt: skip
    return (await find(tx, id, actor))[0]


async def _settle(tx: Tx, notice: nouns.Notice, unit: int, *, refused: bool) -> None:
    """The unit's state after a decision; a refusal asks the unit to answer again."""
    leaves = await signups.leaves_of(tx, notice.id, unit)
    coming = await signups.people_of(tx, notice.id, unit)
    if any(leave.state == "asked" for leave in leaves):
        state = AnswerState.ASKED
    elif refused:
        state = AnswerState.COMING if coming else AnswerState.NONE
    else:
        state = AnswerState.COMING if coming else AnswerState.ABSENT
    await tx.run(q.ANSWER_STATE, notice=notice.id, unit=unit, state=state, people=len(coming))
    if refused:
        await ledger.wait(tx, notice.id, unit, Waits.ANSWER, notice.answer_by)
    tx.notify(f"subject:{notice.id}")


async def _asker(tx: Tx, person: int, unit: int) -> Contact | None:
    """Whoever asked, if still in the unit; else one of those the unit is told through."""
    staff = await people.contacts_of(tx, unit)
    return next((c for c in staff if c.person_id == person), staff[0] if staff else None)


async def _tell(tx: Tx, notice: nouns.Notice, leave: Leave, told: Told, now: str, *, approve: bool, reason: str) -> None:
    contact = await _asker(tx, leave.asked_by, leave.unit_id)
    if contact is None:
        return
    if approve:
        who = f"，由{leave.stand_in.name}替会" if leave.stand_in else ""
        text = f"{notice.title}：同意{leave.person}请假{who}。"
    else:
        text = f"{notice.title}：不同意{leave.person}请假。{reason}。请重新报名。"
    await telling.tell_person(tx, notice, contact, Purpose.LEAVE, (text, text), told, now=now, step=f"leave-{leave.id}")


# --- after the deadline ---------------------------------------------------------------------------------------------------


async def ask_late(tx: Tx, actor: Actor, id: int, wish: Answer, reason: str, *, now: str) -> int:
    """Ask for another answer after the deadline; the request's id.

    Raises:
        Refused: the deadline has not passed (then just change it), the meeting has begun or is cancelled, one request waits.
    """
    notice = await publishing.find(tx, id)
    await signups.answer_of(tx, id, actor.unit_id)
    if notice.cancelled_at:
        raise Refused("会议已取消，不用再改。", code="cancelled")
    if now <= notice.answer_by:
        raise Refused("还没有截止，直接改报名就行。", code="not_late")
    if now >= notice.starts_at:
        raise Refused("会议已经开始，请直接与会务联系。", code="started")
    if not reason.strip() or len(reason) > 300 or wording.INVISIBLE.search(reason):
        raise Invalid.one("reason", "请写晚改的原因，不超过 300 字。")
    wish = answering.tidy(notice, wish)
    answering.check_quota(notice, wish)
    last = await late_of(tx, id, actor.unit_id)
    if last is not None and last.state == "asked":
        raise Refused("已经申请过，正等会务决定。", code="waiting")
    request = await tx.value(
        q.LATE_INSERT, notice=id, unit=actor.unit_id, wish=nouns.dumps(wish), reason=reason.strip(), at=now, by=actor.person_id
    )
    tx.notify(f"subject:{id}")
    await audit.note(tx, "late_asked", f"notice:{id}", at=now, person=actor.person_id, unit=actor.unit_id, address=actor.address)
    return int(request)


async def late_of(tx: Tx, notice: int, unit: int) -> LateChange | None:
    """The unit's newest request, or None."""
    return await tx.one(q.LATE_OF_UNIT, LateChange.of_row, notice=notice, unit=unit)


async def late_waiting(tx: Tx, notice: int) -> list[LateChange]:
    """Requests that wait for the organiser."""
    return await tx.all(q.LATE_OF_NOTICE, LateChange.of_row, notice=notice)


async def find_late(tx: Tx, id: int, actor: Actor) -> tuple[LateChange, nouns.Notice]:
    """A late change of a meeting of the actor's unit. Raises NotFound."""
    late = await tx.one(q.LATE_BY_ID, LateChange.of_row, id=id)
    if late is None:
        raise NotFound
    return late, await publishing.own(tx, late.notice_id, actor)


async def decide_late(tx: Tx, actor: Actor, id: int, *, approve: bool, reason: str, told: Told, now: str) -> LateChange:
    """Approve (the wish becomes the answer) or refuse a late change; the unit is told. Raises Refused when decided before."""
    late, notice = await find_late(tx, id, actor)
    if not approve and not reason.strip():
        raise Invalid.one("reason", "请写不同意的原因，会告诉对方。")
    if len(reason) > 300 or wording.INVISIBLE.search(reason):
        raise Invalid.one("reason", "原因请不超过 300 字。")
    state = "approved" if approve else "refused"
    if await tx.run(q.LATE_DECIDE, id=id, state=state, at=now, by=actor.person_id, reason=reason.strip()) != 1:
        raise Refused("这个申请已经决定过了。", code="decided")
    if approve:
        await signups.enter(tx, actor, notice.id, late.unit_id, late.wish, now=now, by_organiser=True, late=True)
    contact = await _asker(tx, late.asked_by, late.unit_id)
    if contact is not None:
        text = f"{notice.title}：{'同意' if approve else '不同意'}贵单位晚改报名。{reason.strip()}"
        await telling.tell_person(tx, notice, contact, Purpose.LATE_CHANGE, (text, text), told, now=now, step=f"late-{id}")
    tx.notify(f"subject:{notice.id}")
    return (await find_late(tx, id, actor))[0]
