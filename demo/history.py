"""Writes the meetings: subject, notice, versions, receipts, facts, answers, leaves, attendees, counts, messages.

One act a handful of meetings. Everything that a room has a sentence of SQL for goes in by that sentence.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from secrets import token_hex, token_urlsafe
from typing import NamedTuple
from zoneinfo import ZoneInfo

from demo import accounts, answering, city, meetings, topics
from demo import queries as own
from demo.answering import Ids, LeaveTaken, Member, Office, Scene, Taken
from demo.city import City
from demo.meetings import DAY, YEARS_BACK, Audience, Host, Meeting, Shown
from demo.worktime import WorkTime, text
from ground import audit, files
from ground import clock as time
from ground.clock import Clock
from ground.db import Database, Tx
from ground.directory.directory import Actor
from ground.files import File, Store, Stored
from ground.messages.message import Purpose
from ground.messages.outbox import QuietHours
from ground.messages.telling import Told
from ground.say import Say
from notices import notice as nouns
from notices import publishing, telling
from notices import queries as q
from notices.notice import Answer, Person, StandIn
from receipts import ledger
from receipts import queries as receipts
from receipts.ledger import NewSubject

AT_ONCE = 6
TOLD_DAYS = 21  # only the newest meetings leave messages behind


class Stage(NamedTuple):
    """What every meeting is written with."""

    scene: Scene
    offices: Mapping[str, Office]
    organisers: Mapping[str, Actor]  # by unit code
    told: Told
    handout: Stored


async def make(
    db: Database, store: Store, clock: Clock, zone: ZoneInfo, plan: City, offices: Mapping[str, Office], ids: Mapping[str, int],
    *, number: int, report: Callable[[str, int, int], None],
) -> None:  # fmt: skip
    """Write `number` past meetings and those of now. `ids`: people by login."""
    now = time.parse(clock.now()).timestamp()
    today = time.local(clock.now(), zone).date()
    work = WorkTime(zone, today - timedelta(days=YEARS_BACK // DAY + 40), today + timedelta(days=60))
    organisers = _organisers(plan, offices, ids)
    hosts, audience = _hosts(plan, organisers), _audience(plan, organisers)
    scene = Scene(Random(city.SEED + 3), work, now)
    found = meetings.past(scene.random, number, now, work, hosts, audience)
    codes = {u.short_name: u.code for u in plan.units}
    shown = Shown(codes[accounts.RECEIVER], codes[accounts.SENDER])
    found += meetings.current(now, work, hosts, audience, shown)
    found.sort(key=lambda meeting: meeting.sent)
    handout = await store.put_bytes(topics.HANDOUT.encode())
    told = Told(Say(zone, str, "zh"), "", QuietHours(zone=str(zone)), "")
    stage = Stage(scene, offices, organisers, told, handout)
    for done in range(0, len(found), AT_ONCE):
        report("两年的会议", done, len(found))
        await db.write(_write, found[done : done + AT_ONCE], stage)
    await db.write(_settle_messages)


# --- who calls, who is asked ----------------------------------------------------------------------------------------------


def _organisers(plan: City, offices: Mapping[str, Office], ids: Mapping[str, int]) -> dict[str, Actor]:
    """The first organiser of each unit that has one."""
    units = {u.code: u for u in plan.units}
    found: dict[str, Actor] = {}
    for p in plan.people:
        if p.role == "organiser" and p.unit_code not in found:
            u, office = units[p.unit_code], offices[p.unit_code]
            found[u.code] = Actor(
                ids[p.login], p.name, p.login, office.id, u.code, u.name, u.short_name, "", frozenset({"organiser"}),
                address=office.address,
            )  # fmt: skip
    return found


def _hosts(plan: City, organisers: Mapping[str, Actor]) -> list[Host]:
    return [
        Host(u.code, u.short_name, organisers[u.code].name, u.duty_phone)
        for u in plan.units
        if u.code in organisers and (u.level == 1 or u.short_name.endswith("政府办公室"))
    ]


def _audience(plan: City, organisers: Mapping[str, Actor]) -> Audience:
    """The groups as lists of units, and what lies below each county that can call a meeting."""
    with_inbox = [u for u in plan.units if u.kind != city.AREA]
    by_name: dict[str, tuple[str, ...]] = {}
    for group in plan.groups:
        nested = [code for name in group.groups for code in by_name[name]]
        by_name[group.name] = tuple(dict.fromkeys([*group.units, *nested]))
    by_name["全市各级各单位"] = tuple(u.code for u in with_inbox)
    counties = {
        u.code: tuple(v.code for v in with_inbox if v.parent_code == u.parent_code and v != u)
        for u in with_inbox
        if u.level == 2 and u.code in organisers and u.short_name.endswith("政府办公室")
    }
    return Audience(by_name, counties)


# --- one meeting ----------------------------------------------------------------------------------------------------------


async def _write(tx: Tx, some: Sequence[Meeting], stage: Stage) -> None:
    for meeting in some:
        await _one(tx, meeting, stage)


async def _one(tx: Tx, meeting: Meeting, stage: Stage) -> None:
    """One meeting with all that became of it."""
    actor = stage.organisers[meeting.host]
    attached = await _attach(tx, meeting, actor, stage)
    offices = [stage.offices[code] for code in meeting.invited]
    ids = await _open(tx, meeting, actor, attached)
    recent = stage.scene.now - meeting.sent < TOLD_DAYS * DAY
    if recent:
        await _tell(tx, ids, offices, Purpose.PUBLISHED, meeting, stage)
    if meeting.changed:
        await _change(tx, meeting, actor, ids, attached)
        if recent:
            await _tell(tx, ids, offices, Purpose.CHANGED, meeting, stage)
    if meeting.cancelled:
        at, reason = text(meeting.cancelled[0]), meeting.cancelled[1]
        await tx.run(q.NOTICE_CANCEL, id=ids.notice, at=at, reason=reason)
        await ledger.close_subject(tx, ids.notice, at)
        await _note(tx, "notice_cancelled", actor, ids.notice, at)
    taken = answering.take(meeting, offices, stage.scene)
    await _fill(tx, meeting, taken, ids, stage)
    await _afterwards(tx, meeting, taken, actor, ids, stage)


async def _attach(tx: Tx, meeting: Meeting, actor: Actor, stage: Stage) -> list[tuple[File, str]]:
    if not meeting.handout:
        return []
    at = text(meeting.sent - 300)
    row = await files.record(tx, stage.handout, meeting.handout, unit=actor.unit_id, person=actor.person_id, at=at)
    return [(row, "attachment")]


async def _open(tx: Tx, meeting: Meeting, actor: Actor, attached: Sequence[tuple[File, str]]) -> Ids:
    """The subject, the notice and its first version; the second version's digest is known already."""
    new, at = meeting.contents, text(meeting.sent)
    digests = [publishing.shown(new, 1, attached)]
    if meeting.changed:
        digests.append(publishing.shown(meeting.changed[1], 2, attached))
    subject = NewSubject(
        "notice", new.title, new.urgency, actor.unit_id, actor.unit_name, actor.person_id, at, new.answer_by, new.answer_by,
        digests[0],
    )  # fmt: skip
    id = await ledger.open_subject(tx, subject)
    await tx.run(
        q.NOTICE_INSERT, id=id, uid=f"{token_hex(12)}@songda", starts_at=new.starts_at, ends_at=new.ends_at,
        answer_by=new.answer_by, place=new.place, seats=new.seats, quota=nouns.dumps(new.quota), fields=nouns.dumps(new.fields),
        details=nouns.dumps(new.details), check_in=token_urlsafe(9),
    )  # fmt: skip
    await _version(tx, id, 1, new, (), actor, at)
    await ledger.put_files(tx, id, 1, [(row.id, part) for row, part in attached])
    await _note(tx, "notice_published", actor, id, at, f"{len(meeting.invited)} units")
    return Ids(id, actor.person_id, actor.address, tuple(digests))


async def _version(
    tx: Tx, id: int, version: int, new: nouns.Contents, changes: Sequence[nouns.Change], actor: Actor, at: str
) -> None:
    await tx.run(
        q.VERSION_INSERT, notice=id, version=version, at=at, person=actor.person_id, material=int(bool(changes)),
        changes=nouns.dumps(list(changes)), whole=nouns.dumps(new),
    )  # fmt: skip


async def _note(tx: Tx, act: str, actor: Actor, id: int, at: str, detail: str = "") -> None:
    await audit.note(
        tx, act, f"notice:{id}", at=at, person=actor.person_id, unit=actor.unit_id, detail=detail, address=actor.address
    )


async def _change(tx: Tx, meeting: Meeting, actor: Actor, ids: Ids, attached: Sequence[tuple[File, str]]) -> None:
    """The second version."""
    assert meeting.changed is not None
    moment, new = meeting.changed
    subject = await ledger.subject_of(tx, ids.notice)
    await ledger.new_version(tx, subject, title=new.title, digest=ids.digests[1], sign_by=new.answer_by, answer_by=new.answer_by)
    await tx.run(
        q.NOTICE_VERSION, id=ids.notice, before=1, version=2, starts_at=new.starts_at, ends_at=new.ends_at,
        answer_by=new.answer_by, place=new.place, seats=new.seats, quota=nouns.dumps(new.quota), fields=nouns.dumps(new.fields),
        details=nouns.dumps(new.details),
    )  # fmt: skip
    await _version(tx, ids.notice, 2, new, nouns.changes(meeting.contents, new), actor, text(moment))
    await ledger.put_files(tx, ids.notice, 2, [(row.id, part) for row, part in attached])
    await _note(tx, "notice_changed", actor, ids.notice, text(moment), "version 2")


async def _tell(tx: Tx, ids: Ids, offices: Sequence[Office], purpose: Purpose, meeting: Meeting, stage: Stage) -> None:
    """Put the messages that went out; `_settle_messages` says at the end that they arrived."""
    notice = await publishing.find(tx, ids.notice)
    units = [office.id for office in offices]
    if purpose is Purpose.PUBLISHED or meeting.changed is None:
        words, at = telling.published_text(notice, stage.told, notice.sent_at), notice.sent_at
    else:
        at = text(meeting.changed[0])
        changes = nouns.changes(meeting.contents, meeting.changed[1])
        words = telling.changed_text(notice, changes, stage.told, at, material=True)
    await telling.tell_units(tx, notice, units, purpose, words, stage.told, now=at, method="REQUEST")


async def _settle_messages(tx: Tx) -> None:
    await tx.run(own.DISPATCHES)
    await tx.run(own.MESSAGES_SENT)


async def _fill(tx: Tx, meeting: Meeting, taken: Sequence[Taken], ids: Ids, stage: Stage) -> None:
    """Everything that the units did."""
    arrived = [
        {"subject": ids.notice, "unit": one.office.id, "version": 1, "at": text(meeting.sent), "digest": ids.digests[0]}
        for one in taken
    ]
    await tx.many(own.RECEIPT, answering.receipt_rows(meeting, taken, ids))
    await tx.many(receipts.ARRIVED_INSERT, arrived)
    await tx.many(receipts.FACT_INSERT, answering.fact_rows(meeting, taken, ids))
    await tx.run(own.TALLY, subject=ids.notice, **answering.tally(taken))
    await tx.many(own.ANSWER, answering.answer_rows(meeting, taken, ids))
    await tx.many(own.ATTENDEE, answering.attendee_rows(meeting, taken, ids, stage.scene))
    for one in taken:
        for leave in one.leaves:
            await _leave(tx, meeting, one, leave, ids, stage)


async def _leave(tx: Tx, meeting: Meeting, one: Taken, leave: LeaveTaken, ids: Ids, stage: Stage) -> None:
    """A request, its decision, and the stand-in's place on the list."""
    assert one.answered is not None
    stand_in = leave.stand_in and StandIn(leave.stand_in.name, leave.stand_in.position, leave.stand_in.mobile)
    id = await tx.value(
        q.LEAVE_INSERT, notice=ids.notice, unit=one.office.id, role=leave.role, person=leave.who.name,
        position=leave.who.position, reason=leave.reason, stand_in=nouns.dumps(stand_in) if stand_in else "",
        at=text(one.answered), by=one.office.clerk.id if one.office.clerk else ids.organiser,
    )  # fmt: skip
    if leave.decided is None:
        return
    await tx.run(q.LEAVE_DECIDE, id=id, state="approved", at=text(leave.decided), by=ids.organiser, reason="")
    if leave.stand_in is not None:
        row = answering.attendee(meeting, one.office, leave.role, leave.stand_in, ids, stage.scene, sort=0, leave=int(id))
        await tx.run(own.ATTENDEE, **row)


async def _afterwards(tx: Tx, meeting: Meeting, taken: Sequence[Taken], actor: Actor, ids: Ids, stage: Stage) -> None:
    """A press of 催办 half way to the deadline, and a wish to change an answer that came too late."""
    half = (meeting.sent + meeting.answer_by) / 2
    if half < stage.scene.now and not meeting.cancelled and stage.scene.random.random() < 0.3:
        late = sum(one.answered is None or one.answered > half for one in taken)
        if late:
            chase = {"notice": ids.notice, "at": text(half), "person": actor.person_id, "units": late, "messages": late}
            await tx.run(q.CHASE_INSERT, **chase)
    one = next((t for t in taken if meeting.late_wish and t.people and t.office.code not in meeting.held), None)
    if one is not None and one.office.clerk is not None:
        role, member = one.people[0]
        other = _other(one.office, member)
        wish = nouns.dumps(Answer((Person(other.name, other.position, other.mobile, role),)))
        await tx.value(
            q.LATE_INSERT, notice=ids.notice, unit=one.office.id, wish=wish, reason=topics.LATE_REASON,
            at=text(stage.scene.now - 5400), by=one.office.clerk.id,
        )  # fmt: skip


def _other(office: Office, member: Member) -> Member:
    return next((m for m in office.people["staff"] if m.name != member.name), member)
