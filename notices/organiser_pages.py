"""The organiser's one page, and what is decided there; every route answers 404 to any unit but the sending one.

    GET  /meetings/{id}/progress            four counts that are lists, units, leave to decide, the name list; live
    GET  /meetings/{id}/progress/part       the same without its head, for the live page
    POST /meetings/{id}/chase               催办: all who have not answered, or one (field `unit`)
    …/leaves/{id}/decision                  GET asks for the reason of a refusal, POST decides (`approve` 1 or 0)
    …/late-changes/{id}/decision            the same for a late change
    …/meetings/{id}/answers/{unit}          代报: the unit's own form, filled in by the organiser

Lists on paper are list_pages.py, the door is door_pages.py; `routes` joins them.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory import units
from ground.directory.directory import Actor, Unit
from ground.directory.policy import Act
from ground.errors import Refused
from ground.messages.telling import Told
from ground.visit import Flash, Visit
from ground.web import page
from notices import answer_form, door_pages, leaves, list_pages, organising, progress_sheet, publishing, signups, unit_sheet
from notices.leaves import LateChange
from notices.notice import ROLES, AnswerState, Notice
from notices.progress_sheet import Ask, Progress
from notices.signups import Leave
from notices.unit_pages import around_sheet, filled_now, form_context, only_shows, press_of, shell
from notices.unit_sheet import Sheet


def told_of(visit: Visit) -> Told:
    """How the room speaks."""
    told: Told = visit.house.extra["told"]
    return told


# --- the page -------------------------------------------------------------------------------------------------------------


def ask_of(visit: Visit) -> Ask:
    """Which units the query asks for."""
    after = visit.query("after")
    at = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
    return Ask(visit.query("show"), visit.query("q")[:40], at)


async def progress_of(visit: Visit, id: int) -> Progress:
    """The sheet of a meeting of the asker's unit. Raises NotFound."""
    sms = visit.house.config.sms
    return await visit.read(progress_sheet.gather, id, visit.actor, ask_of(visit), told=told_of(visit), sms=sms, now=visit.now)


def _ways(visit: Visit, id: int) -> list[tuple[str, str]]:
    """Where the menu 更多 leads; pages that this house does not have are left out."""
    known = set(visit.house.urls.values())
    ways = [
        ("/meetings/{id}/text", "看通知原文"),
        ("/meetings/{id}/door", "签到台"),
        ("/meetings/{id}/minutes", "发会议纪要"),
        ("/meetings/{id}/cancellation", "取消会议…"),
    ]
    return [(visit.t(word), path.format(id=id)) for path, word in ways if path in known]


async def show_progress(visit: Visit) -> Response:
    """GET /meetings/{id}/progress?show=&q=&after=: how far the answers are."""
    return await progress_page(visit, visit.number("id"))


async def progress_page(visit: Visit, id: int) -> Response:
    """The page of one meeting."""
    view = await progress_of(visit, id)
    change = "/meetings/{id}/change" in visit.house.urls.values()
    return visit.render("notices/progress.html", **_context(visit, view), ways=_ways(visit, id), change=change)


def _context(visit: Visit, view: Progress) -> dict[str, Any]:
    started = visit.now >= view.notice.starts_at
    return {"view": view, "notice": view.notice, "roles": ROLES, "started": started, "ask": ask_of(visit)}


async def show_part(visit: Visit) -> Response:
    """GET /meetings/{id}/progress/part: all that changes while the page is open."""
    return visit.render("notices/progress_part.html", **_context(visit, await progress_of(visit, visit.number("id"))))


async def _chase(tx: Tx, actor: Actor, id: int, unit: str, told: Told, now: str) -> str:
    chosen = None
    if unit:
        chosen = [int(unit)] if unit.isascii() and unit.isdigit() and len(unit) < 16 else []
    done = await organising.chase(tx, actor, id, chosen, told=told, now=now)
    return json.dumps([done.units, done.messages])


async def chase(visit: Visit) -> Response:
    """POST /meetings/{id}/chase: remind all who have not answered, or the unit of the button that was pressed."""
    id = visit.number("id")
    said = await visit.write_once(_chase, visit.actor, id, visit.field("unit"), told_of(visit), visit.now)
    count, messages = json.loads(said)
    text = visit.t("已催 {n} 个单位，发出 {m} 条提醒。", n=count, m=messages)
    return visit.see_other("meeting_progress", id=id, flash=Flash("ok", text), show=visit.query("show"))


# --- decisions ------------------------------------------------------------------------------------------------------------


async def _leave(tx: Tx, id: int, actor: Actor) -> tuple[Leave, Notice]:
    return await leaves.find(tx, id, actor)


async def ask_leave(visit: Visit) -> Response:
    """GET /leaves/{id}/decision: why it is refused."""
    leave, notice = await visit.read(_leave, visit.number("id"), visit.actor)
    reason = visit.field("reason") or visit.query("reason")
    return visit.render("notices/refuse_leave.html", leave=leave, notice=notice, reason=reason)


async def leave_again(visit: Visit) -> Response:
    """What a decision that could not be taken shows: the reason's page, or (decided before) the meeting's."""
    leave, notice = await visit.read(_leave, visit.number("id"), visit.actor)
    if leave.state == "asked" and visit.field("approve") != "1" and not notice.cancelled_at:
        return await ask_leave(visit)
    return await progress_page(visit, notice.id)


async def decide_leave(visit: Visit) -> Response:
    """POST /leaves/{id}/decision: approve (`approve` 1) or refuse with a reason."""
    approve = visit.field("approve") == "1"
    reason = answer_form.line(visit.field("reason"))
    done = await visit.write(
        leaves.decide, visit.actor, visit.number("id"), approve=approve, reason=reason, told=told_of(visit), now=visit.now
    )
    said = "已同意{who}请假，短信告诉对方。" if approve else "已不同意{who}请假，短信告诉对方，请对方重新报名。"
    return visit.see_other("meeting_progress", id=done.notice_id, flash=Flash("ok", visit.t(said, who=done.person)))


async def _late(tx: Tx, id: int, actor: Actor) -> tuple[LateChange, Notice, list[str], list[Leave]]:
    late, notice = await leaves.find_late(tx, id, actor)
    coming = [a.name for a in await signups.people_of(tx, notice.id, late.unit_id)]
    return late, notice, coming, await signups.leaves_of(tx, notice.id, late.unit_id)


async def ask_late(visit: Visit) -> Response:
    """GET /late-changes/{id}/decision: what the unit wishes, beside what stands; why it is refused."""
    late, notice, coming, standing = await visit.read(_late, visit.number("id"), visit.actor)
    return visit.render(
        "notices/late_change.html", late=late, notice=notice, coming=coming, standing=standing, roles=ROLES,
        reason=visit.field("reason"),
    )  # fmt: skip


async def late_again(visit: Visit) -> Response:
    """What a decision that could not be taken shows."""
    late, notice, _, _ = await visit.read(_late, visit.number("id"), visit.actor)
    return await ask_late(visit) if late.state == "asked" else await progress_page(visit, notice.id)


async def decide_late(visit: Visit) -> Response:
    """POST /late-changes/{id}/decision: the wish becomes the answer, or stays a wish."""
    approve = visit.field("approve") == "1"
    reason = answer_form.line(visit.field("reason"))
    done = await visit.write(
        leaves.decide_late, visit.actor, visit.number("id"), approve=approve, reason=reason, told=told_of(visit), now=visit.now
    )
    said = "已同意{who}晚改，短信告诉对方。" if approve else "已不同意{who}晚改，短信告诉对方。"
    return visit.see_other("meeting_progress", id=done.notice_id, flash=Flash("ok", visit.t(said, who=done.unit)))


# --- 代报 ------------------------------------------------------------------------------------------------------------------


async def _for_unit(tx: Tx, id: int, unit: int, actor: Actor) -> tuple[Sheet, Unit]:
    await publishing.own(tx, id, actor)
    return await unit_sheet.gather(tx, id, unit, actor), await units.by_id(tx, unit)


async def show_answer_for(visit: Visit) -> Response:
    """GET /meetings/{id}/answers/{unit}: the unit's form, for the organiser who has the unit on the telephone."""
    sheet, unit = await visit.read(_for_unit, visit.number("id"), visit.number("unit"), visit.actor)
    await shell(visit)
    form = filled_now(visit, sheet)
    context = around_sheet(visit, sheet) | form_context(visit, sheet, form)
    return visit.render("notices/answer_for.html", **context, unit=unit)


async def _enter(tx: Tx, visit: Visit, id: int, unit: int) -> str:
    notice = await publishing.own(tx, id, visit.actor)
    if visit.now >= notice.starts_at:
        raise Refused("会议已经开始，不用代报了。到场的人请在签到台签到。", code="started")
    await signups.check_fresh(tx, id, unit, press_of(visit).seen)
    wish = answer_form.read(notice, visit.fields).answer
    done = await signups.enter(tx, visit.actor, id, unit, wish, now=visit.now, by_organiser=True)
    return json.dumps([done.state, done.people])


async def answer_for(visit: Visit) -> Response:
    """POST /meetings/{id}/answers/{unit}: the organiser enters a unit's answer."""
    if only_shows(visit):
        return await show_answer_for(visit)
    id, unit = visit.number("id"), visit.number("unit")
    state, people = json.loads(await visit.write_once(_enter, visit, id, unit))
    named = (await visit.read(units.by_id, unit)).short_name
    text = visit.t("已替{who}报名，{n} 人参加。", who=named, n=people)
    if state == AnswerState.ASKED:
        text = visit.t("已替{who}报名，请假还要您批。", who=named)
    elif state == AnswerState.ABSENT:
        text = visit.t("已替{who}答复：不派人参加。", who=named)
    return visit.see_other("meeting_progress", id=id, flash=Flash("ok", text))


Handler = Callable[[Visit], Awaitable[Response]]


def _get(path: str, handler: Handler, name: str, *, part: bool = False) -> Route:
    return Route(path, page(handler, may=Act.ORGANISE, here="meetings", part=part), methods=["GET"], name=name)


def _post(path: str, handler: Handler, name: str, again: Handler) -> Route:
    return Route(path, page(handler, may=Act.ORGANISE, here="meetings", again=again), methods=["POST"], name=name)


routes = [
    _get("/meetings/{id}/progress", show_progress, "meeting_progress"),
    _get("/meetings/{id}/progress/part", show_part, "meeting_part", part=True),
    _get("/meetings/{id}/chase", show_progress, "meeting_chase"),
    _post("/meetings/{id}/chase", chase, "meeting_chase", show_progress),
    _get("/leaves/{id}/decision", ask_leave, "leave_decision"),
    _post("/leaves/{id}/decision", decide_leave, "leave_decision", leave_again),
    _get("/late-changes/{id}/decision", ask_late, "late_decision"),
    _post("/late-changes/{id}/decision", decide_late, "late_decision", late_again),
    _get("/meetings/{id}/answers/{unit}", show_answer_for, "meeting_answer_for"),
    _post("/meetings/{id}/answers/{unit}", answer_for, "meeting_answer_for", show_answer_for),
    *list_pages.routes,
    *door_pages.routes,
]
