"""Meeting notices for programs: the same actions as the pages, JSON in and out. Shapes stand in api_shapes.py."""

from collections import defaultdict
from typing import Any

from starlette.responses import Response

from ground.api import route
from ground.db import Tx
from ground.directory import units
from ground.directory.api import after_of, cursor_of, limit_of
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.errors import FieldError, Invalid, NotFound
from ground.messages.telling import Told
from ground.openapi import Call
from ground.shapes import PAGED, Shape, query
from ground.typeset import fonts_of
from ground.visit import Visit
from notices import api_shapes as s
from notices import attendance, leaves, lists, organising, publishing, signups
from notices.list_pages import PDF, XLSX, head_of, people_xlsx, person_of
from notices.notice import Answer, LeaveAsked, Notice, Person
from notices.organising import Named
from notices.pages import attachment, ics, readable
from receipts import ledger
from receipts.inbox import NEWEST
from receipts.receipt import receipt_id

Said = dict[str, Any]


def told(visit: Visit) -> Told:
    """How the room speaks in this house."""
    found: Told = visit.house.extra["told"]
    return found


async def ids_of(tx: Tx, field: str, codes: list[str]) -> list[int]:
    """The ids of units by code. Raises Invalid naming those that are not there."""
    known = {unit.code: unit.id for unit in await units.everyone(tx)}
    unknown = [FieldError(f"{field}-{n}", "没有这个单位代码。") for n, code in enumerate(codes) if s.bare(code) not in known]
    if unknown:
        raise Invalid(unknown[:100])
    return [known[s.bare(code)] for code in codes]


# --- publishing, changing, cancelling -------------------------------------------------------------------------------------


async def create(visit: Visit) -> Response:
    """POST /notices."""
    said = s.NEW_NOTICE.body(visit.body)

    async def act(tx: Tx) -> Said:
        done = await publishing.publish(
            tx, visit.actor, s.contents_of(said), s.wanted_of(said), told=told(visit), now=visit.now,
            today=units.today_of(visit.now, visit.house.zone), body=s.body_file(said), attachments=said.get("attachments", ()),
        )  # fmt: skip
        return {"id": str(done.id), "version": done.version, "receipts": done.receipts, "messages": done.messages}

    return await visit.answer_once(201, act)


async def change(visit: Visit) -> Response:
    """PATCH /notices/{id}: what is given is put in the place of what stood there; the rest stays."""
    id, said = visit.number("id"), s.NEW_VERSION.body(visit.body)
    if s.body_file(said):
        raise Invalid.one("body", s.BODY_STAYS)

    async def act(tx: Tx) -> Said:
        old = await publishing.own(tx, id, visit.actor)
        notice, changes = await publishing.change(
            tx, visit.actor, id, said["version"], s.contents_of(said, old.contents), told=told(visit), now=visit.now,
            attachments=said.get("attachments"),
        )  # fmt: skip
        return {"id": str(id), "version": notice.version, "changes": s.changes_json(changes)}

    return await visit.answer_once(200, act)


async def cancel(visit: Visit) -> Response:
    """POST /notices/{id}/cancellation."""
    id, said = visit.number("id"), s.CANCELLATION.body(visit.body)

    async def act(tx: Tx) -> Said:
        notice = await publishing.cancel(tx, visit.actor, id, said["reason"], told=told(visit), now=visit.now)
        return {"id": str(id), "version": notice.version, "cancelled_at": notice.cancelled_at}

    return await visit.answer_once(200, act)


# --- reading --------------------------------------------------------------------------------------------------------------


async def _list(tx: Tx, actor: Actor, side: str, after: int, limit: int) -> Said:
    before = after or NEWEST
    lines: list[Any] = (
        list(await organising.invited(tx, actor.unit_id, before=before, limit=limit))
        if side == "received"
        else list(await organising.organised(tx, actor.unit_id, before=before, limit=limit))
    )
    shown = [s.line_json(line, actor.unit_id) for line in lines[:limit]]
    return {"items": shown, "next": cursor_of(lines[limit - 1].id) if len(lines) > limit else None}


async def list_notices(visit: Visit) -> Any:
    """GET /notices?side=sent|received: what the unit has sent (or is invited to), newest first."""
    side = query(s.SIDE, visit.request.query_params).get("side", "sent")
    return await visit.read(_list, visit.actor, side, after_of(visit.query("cursor")), limit_of(visit))


async def _answer(tx: Tx, id: int, unit: int) -> Said:
    """A unit's own answer. Raises NotFound when it was not invited."""
    found = await signups.answer_of(tx, id, unit)
    return {
        "notice": str(id), "unit": (await units.by_id(tx, unit)).code, "state": found.state,
        "people": [s.person_json(p) for p in await signups.people_of(tx, id, unit)],
        "leaves": [s.leave_json(x) for x in await signups.leaves_of(tx, id, unit)],
        "late_change": s.late_json(await leaves.late_of(tx, id, unit)), "at": found.at,
        "by_organiser": bool(found.by_organiser), "confirmed": found.confirmed,
    }  # fmt: skip


async def _seen(tx: Tx, id: int, actor: Actor) -> tuple[Notice, Said | None]:
    """A notice that the actor's unit has sent or is invited to, and the unit's answer. Raises NotFound for any other."""
    notice = await readable(tx, id, actor)
    try:
        return notice, await _answer(tx, id, actor.unit_id)
    except NotFound:
        return notice, None  # its sender, not invited


async def _notice(tx: Tx, id: int, actor: Actor) -> Said:
    notice, answer = await _seen(tx, id, actor)
    came = answer is None or bool(answer["people"])  # minutes go to those who came
    files = [f for f in await ledger.files_of(tx, await ledger.subject_of(tx, id)) if came or f.part != "minutes"]
    sender = (await units.by_id(tx, notice.sender_unit)).code
    return s.notice_json(notice, sender, files, receipt=receipt_id(id, actor.unit_id) if answer else None, answer=answer)


async def show(visit: Visit) -> Any:
    """GET /notices/{id}: for the sender and those invited. Reading it here signs nothing and opens nothing."""
    return await visit.read(_notice, visit.number("id"), visit.actor)


# --- a unit's answer ------------------------------------------------------------------------------------------------------


async def answer(visit: Visit) -> Response:
    """POST /notices/{id}/answer: the receipt is signed first; with `waived` (also an empty list) it is signed here."""
    id, said = visit.number("id"), s.ANSWER.body(visit.body)

    async def act(tx: Tx) -> Said:
        wish, actor = s.answer_of(said), visit.actor
        if "waived" in said:
            await signups.sign_and_answer(tx, actor, id, wish, waived=said["waived"], now=visit.now)
        else:
            await signups.enter(tx, actor, id, actor.unit_id, wish, now=visit.now)
        return await _answer(tx, id, actor.unit_id)

    return await visit.answer_once(200, act)


async def ask_leave(visit: Visit) -> Response:
    """POST /notices/{id}/leave: one request beside what the unit has answered; the person comes off the list."""
    id, said = visit.number("id"), s.ONE_LEAVE.body(visit.body)

    async def act(tx: Tx) -> Said:
        actor = visit.actor
        notice = await publishing.find(tx, id)
        await signups.answer_of(tx, id, actor.unit_id)
        wish, asked = await _with_leave(tx, notice, actor.unit_id, said)
        await signups.enter(tx, actor, id, actor.unit_id, wish, now=visit.now)
        made = [x for x in await signups.leaves_of(tx, id, actor.unit_id) if (x.person, x.reason) == (asked.person, asked.reason)]
        return s.leave_json(made[-1])

    return await visit.answer_once(201, act)


async def _with_leave(tx: Tx, notice: Notice, unit: int, said: Said) -> tuple[Answer, LeaveAsked]:
    """The unit's answer as it stands, with one more leave in the place of what it says of the same person."""
    coming = [a for a in await signups.people_of(tx, notice.id, unit) if a.leave_id is None]
    had = [x for x in await signups.leaves_of(tx, notice.id, unit) if x.state in ("asked", "approved")]
    known = next((a for a in coming if a.name == said["person"]), None)
    role = next((x.role for x in had if x.person == said["person"]), known.role if known else notice.quota[0].role)
    asked = s.leave_of({"position": known.position if known else "", **said}, role)
    kept = [LeaveAsked(x.role, x.person, x.position, x.reason, x.stand_in) for x in had if x.person != asked.person]
    people = [Person(a.name, a.position, a.mobile, a.role, a.fields) for a in coming if a.name != asked.person]
    return Answer(tuple(people), (*kept, asked)), asked


async def confirm(visit: Visit) -> Response:
    """POST /notices/{id}/confirmation: the unit has seen this version and its answer stands."""
    id, said = visit.number("id"), s.CONFIRMATION.body(visit.body)

    async def act(tx: Tx) -> Said:
        await signups.confirm(tx, visit.actor, id, said["version"], now=visit.now)
        return await _answer(tx, id, visit.actor.unit_id)

    return await visit.answer_once(200, act)


async def ask_late(visit: Visit) -> Response:
    """POST /notices/{id}/late-changes: another answer, after the deadline."""
    id, said = visit.number("id"), s.LATE.body(visit.body)

    async def act(tx: Tx) -> Said | None:
        await leaves.ask_late(tx, visit.actor, id, s.answer_of(said), said["reason"], now=visit.now)
        return s.late_json(await leaves.late_of(tx, id, visit.actor.unit_id))

    return await visit.answer_once(201, act)


# --- the organiser --------------------------------------------------------------------------------------------------------


async def _answers(tx: Tx, id: int, actor: Actor) -> Said:
    await publishing.own(tx, id, actor)
    people, asked = defaultdict(list), defaultdict(list)
    for person in await organising.names(tx, id):
        people[person.unit_id].append(person)
    for leave in await leaves.of_notice(tx, id):
        asked[leave.unit_id].append(leave)
    late = {x.unit_id: x for x in await leaves.late_waiting(tx, id)}
    lines = await organising.lines(tx, id)
    items = [s.unit_answer_json(id, x, people[x.unit_id], asked[x.unit_id], late.get(x.unit_id)) for x in lines]
    return {"items": items, "next": None, "counts": (await organising.counts(tx, id))._asdict()}


async def show_answers(visit: Visit) -> Any:
    """GET /notices/{id}/answers: every invited unit, in the tree's order, all at once."""
    return await visit.read(_answers, visit.number("id"), visit.actor)


async def answer_for(visit: Visit) -> Response:
    """POST /notices/{id}/answers: the organiser enters what a unit said on the telephone (代报)."""
    id, said = visit.number("id"), s.ANSWER_FOR.body(visit.body)

    async def act(tx: Tx) -> Said:
        await publishing.own(tx, id, visit.actor)
        unit = (await ids_of(tx, "unit", [said["unit"]]))[0]
        await signups.enter(tx, visit.actor, id, unit, s.answer_of(said), now=visit.now, by_organiser=True)
        return await _answer(tx, id, unit)

    return await visit.answer_once(200, act)


async def decide_leave(visit: Visit) -> Response:
    """POST /leaves/{id}/decision."""
    id, said = visit.number("id"), s.DECISION.body(visit.body)

    async def act(tx: Tx) -> Said:
        reason = said.get("reason", "")
        return s.leave_json(
            await leaves.decide(tx, visit.actor, id, approve=said["approve"], reason=reason, told=told(visit), now=visit.now)
        )

    return await visit.answer_once(200, act)


async def decide_late(visit: Visit) -> Response:
    """POST /late-changes/{id}/decision."""
    id, said = visit.number("id"), s.DECISION.body(visit.body)

    async def act(tx: Tx) -> Said | None:
        reason = said.get("reason", "")
        return s.late_json(
            await leaves.decide_late(tx, visit.actor, id, approve=said["approve"], reason=reason, told=told(visit), now=visit.now)
        )

    return await visit.answer_once(200, act)


async def chase(visit: Visit) -> Response:
    """POST /notices/{id}/chase: remind who has not answered, or those of `units` that have not."""
    id, said = visit.number("id"), s.CHASE.body(visit.body)

    async def act(tx: Tx) -> Said:
        await publishing.own(tx, id, visit.actor)
        wanted = await ids_of(tx, "units", said["units"]) if "units" in said else None
        done = await organising.chase(tx, visit.actor, id, wanted, told=told(visit), now=visit.now)
        return {"at": done.at, "units": done.units, "messages": done.messages}

    return await visit.answer_once(200, act)


async def attend(visit: Visit) -> Response:
    """POST /notices/{id}/attendance: somebody is at the door; `first` is false when they were checked in before."""
    id, said = visit.number("id"), s.ATTENDANCE.body(visit.body)
    s.one_of(said)

    async def act(tx: Tx) -> Said:
        found = (
            await attendance.by_token(tx, visit.actor, id, said["token"], now=visit.now)
            if "token" in said
            else await attendance.by_id(tx, visit.actor, id, said["attendee"], now=visit.now)
        )
        return {"attendee": s.person_json(found.attendee), "first": found.first}

    return await visit.answer_once(200, act)


# --- lists on paper -------------------------------------------------------------------------------------------------------


async def _names(tx: Tx, id: int, actor: Actor) -> tuple[Notice, list[Named]]:
    return await publishing.own(tx, id, actor), await organising.names(tx, id)


async def people_pdf(visit: Visit) -> Response:
    """GET /notices/{id}/people.pdf: the name list on paper."""
    notice, names = await visit.read(_names, visit.number("id"), visit.actor)
    people = [person_of(named, notice.fields) for named in names]
    data = await lists.name_list_pdf(head_of(visit, notice), people, **fonts_of(visit.house.config.fonts))
    return Response(data, headers={"content-disposition": attachment(f"{notice.title}　名单.pdf")}, media_type=PDF)


# --- the table ------------------------------------------------------------------------------------------------------------


LISTING: dict[str, Shape] = {**s.SIDE, **PAGED}
routes = [
    route("POST", "/notices", create, Act.COMPOSE, Call("发会议通知", s.NEW_NOTICE, s.PUBLISHED, 201)),
    route("GET", "/notices", list_notices, Act.READ, Call("发出的、收到的会议通知", answer=s.LINES, query=LISTING)),
    route("GET", "/notices/{id}.ics", ics, Act.READ, Call("日历文件", media="text/calendar")),
    route("GET", "/notices/{id}", show, Act.READ, Call("一个会议通知", answer=s.NOTICE)),
    route("PATCH", "/notices/{id}", change, Act.COMPOSE, Call("改通知，成为新的一版", s.NEW_VERSION, s.CHANGED)),
    route("POST", "/notices/{id}/cancellation", cancel, Act.COMPOSE, Call("取消会议", s.CANCELLATION, s.CANCELLED)),
    route("GET", "/notices/{id}/answers", show_answers, Act.ORGANISE, Call("各单位的答复", answer=s.ANSWERS)),
    route("POST", "/notices/{id}/answers", answer_for, Act.ORGANISE, Call("代报", s.ANSWER_FOR, s.OWN_ANSWER)),
    route("POST", "/notices/{id}/answer", answer, Act.ANSWER, Call("报名", s.ANSWER, s.OWN_ANSWER)),
    route("POST", "/notices/{id}/leave", ask_leave, Act.ANSWER, Call("请假", s.ONE_LEAVE, s.LEAVE, 201)),
    route("POST", "/leaves/{id}/decision", decide_leave, Act.ORGANISE, Call("同意或不同意请假", s.DECISION, s.LEAVE)),
    route("POST", "/notices/{id}/confirmation", confirm, Act.ANSWER, Call("确认新版", s.CONFIRMATION, s.OWN_ANSWER)),
    route("POST", "/notices/{id}/late-changes", ask_late, Act.ANSWER, Call("申请晚改", s.LATE, s.LATE_SHOWN, 201)),
    route("POST", "/late-changes/{id}/decision", decide_late, Act.ORGANISE, Call("决定晚改", s.DECISION, s.LATE_SHOWN)),
    route("POST", "/notices/{id}/chase", chase, Act.ORGANISE, Call("催办", s.CHASE, s.CHASED)),
    route("POST", "/notices/{id}/attendance", attend, Act.ORGANISE, Call("签到", s.ATTENDANCE, s.CHECKED_IN)),
    route("GET", "/notices/{id}/people.xlsx", people_xlsx, Act.ORGANISE, Call("名单和答复（表格）", media=XLSX)),
    route("GET", "/notices/{id}/people.pdf", people_pdf, Act.ORGANISE, Call("会议名单（打印）", media=PDF)),
]
