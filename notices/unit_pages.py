"""The invited unit's one page: read, sign, say who comes, ask leave, change until the deadline, ask for a late change after it.

    GET  /meetings/{id}                 the page; showing it is the opening, written once for each person and version
    POST /meetings/{id}/answer          签收并报名, 保存修改; its buttons `add` and `fill` only show the page again
    POST /meetings/{id}/late-change     the same form after the deadline
    POST /meetings/{id}/confirmation    a new time or place has been seen
    POST /meetings/{id}/signature       sign, or put away, when nothing can be answered any more

Whoever may not answer (a leader) is shown the same as a card: when and where, who goes, whom to ask.
"""

import json
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.policy import Act, may
from ground.errors import NotFound, Refused
from ground.visit import Flash, Visit
from ground.web import page
from notices import answer_form, answering, leaves, publishing, signups, unit_sheet
from notices.answer_form import Filled
from notices.notice import ROLES, AnswerState
from notices.signups import Seen
from notices.unit_sheet import Sheet
from receipts import inbox, ledger
from receipts.receipt import State, Waits

FORM_ROUTES = ("answer", "late-change")


async def shell(visit: Visit) -> None:
    """A POST that shows a page needs what stands around it."""
    if visit.around is None:
        visit.around = await visit.read(visit.house.around, visit.actor, visit.now)


# --- the page -------------------------------------------------------------------------------------------------------------


async def _look(tx: Tx, id: int, actor: Actor, *, as_unit: bool) -> Sheet | str:
    """The sheet, or the name of the route that the asker belongs to. Raises NotFound."""
    notice = await publishing.find(tx, id)
    own = notice.sender_unit == actor.unit_id
    if own and not as_unit and may(actor.roles, Act.ORGANISE):
        return "meeting_progress"
    try:
        return await unit_sheet.gather(tx, id, actor.unit_id, actor)
    except NotFound:
        if own:
            return "meeting_text"
        raise


async def show(visit: Visit) -> Response:
    """GET /meetings/{id}: the sign-up page; the organiser's own unit goes to the progress page."""
    id, actor = visit.number("id"), visit.actor
    as_unit = visit.query("as") == "unit" or visit.request.method == "POST"
    found = await visit.read(_look, id, actor, as_unit=as_unit)
    if isinstance(found, str):
        return visit.see_other(found, id=id)
    shown = found.receipt.state != State.RECALLED and visit.request.method != "HEAD"
    if shown and not found.opened:
        await visit.write(inbox.open_item, id, actor, visit.now)
    await shell(visit)
    phase = found.phase(visit.now)
    if phase == "ended":
        return visit.render("notices/ended.html", sheet=found)
    if not may(actor.roles, Act.ANSWER):
        return visit.render("notices/reader.html", **around_sheet(visit, found), phase=phase)
    form = filled_now(visit, found)
    return visit.render("notices/unit.html", **around_sheet(visit, found), phase=phase, **form_context(visit, found, form))


def around_sheet(visit: Visit, sheet: Sheet) -> dict[str, Any]:
    """What every face of the sheet shows."""
    urls = visit.house.urls
    return {
        "sheet": sheet,
        "notice": sheet.notice,
        "roles": ROLES,
        "news": unit_sheet.news(sheet.versions, sheet.answer.confirmed),
        "own": sheet.notice.sender_unit == visit.actor.unit_id and "meeting_progress" in urls,
    }


def filled_now(visit: Visit, sheet: Sheet) -> Filled:
    """The form: as it was typed when it comes back, else from the answer that stands."""
    if not visit.form or visit.request.url.path.rpartition("/")[2] not in (*FORM_ROUTES, str(sheet.answer.unit_id)):
        return unit_sheet.filled(sheet)
    form = answer_form.read(sheet.notice, visit.fields)
    if visit.field("fill") == "last":
        form = answer_form.with_people(form, unit_sheet.last_people(sheet))
    return answer_form.with_blank(form, visit.field("add"))


def form_context(visit: Visit, sheet: Sheet, form: Filled) -> dict[str, Any]:
    """What the form's templates read besides the sheet."""
    offered = unit_sheet.offers(sheet)
    return {
        "filled": form,
        "offers": offered,
        "stand_ins": unit_sheet.stand_ins(sheet, offered),
        "last": unit_sheet.last_people(sheet),
        "waive": bool(visit.field("waive")),
        "late_reason": visit.field("late_reason") or (sheet.late.reason if sheet.late and sheet.late.state == "refused" else ""),
    }


# --- answering ------------------------------------------------------------------------------------------------------------


class Press(NamedTuple):
    """What came with a press of the form's button, apart from the rows."""

    waive: bool
    seen: Seen
    reason: str
    now: str


def press_of(visit: Visit) -> Press:
    """The form's own fields; a page without them was shown nothing."""
    version = visit.field("version")
    known = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    reason = answer_form.line(visit.field("late_reason"))
    return Press(bool(visit.field("waive")), Seen(known, visit.field("answered_at")[:40]), reason, visit.now)


def only_shows(visit: Visit) -> bool:
    """Whether the button asks for another row, or the last meeting's people, and nothing is to be saved."""
    return bool(visit.field("add") or visit.field("fill"))


async def _waived(tx: Tx, id: int, actor: Actor, *, waive: bool) -> list[str]:
    if not waive:
        return []
    files = await ledger.files_of(tx, await ledger.subject_of(tx, id), unit=actor.unit_id, person=actor.person_id)
    return [file.id for file in files]


async def _answer(tx: Tx, visit: Visit, id: int, press: Press) -> str:
    actor = visit.actor
    await ledger.receipt_of(tx, id, actor.unit_id)
    notice = await publishing.find(tx, id)
    wish = answer_form.read(notice, visit.fields).answer
    answering.check_open(notice, press.now)  # what was typed is looked at before the attachments are asked about
    answering.check_quota(notice, answering.tidy(notice, wish))
    waived = await _waived(tx, id, actor, waive=press.waive)
    before = await signups.answer_of(tx, id, actor.unit_id)
    done = await signups.sign_and_answer(tx, actor, id, wish, waived=waived, now=press.now, seen=press.seen)
    return json.dumps([done.state, done.people, before.at is None])


async def answer(visit: Visit) -> Response:
    """POST /meetings/{id}/answer: sign when unsigned, and give the unit's whole answer."""
    if only_shows(visit):
        return await show(visit)
    id = visit.number("id")
    state, people, first = json.loads(await visit.write_once(_answer, visit, id, press_of(visit)))
    return visit.see_other("meeting", id=id, flash=Flash("ok", said(visit, state, people, first=first)), **_as_unit(visit))


def _as_unit(visit: Visit) -> dict[str, str]:
    """An organiser who answers for the own unit comes back to the unit's page."""
    return {"as": "unit"} if may(visit.actor.roles, Act.ORGANISE) else {}


def said(visit: Visit, state: str, people: int, *, first: bool) -> str:
    """What has been done, and what happens next."""
    if state == AnswerState.ASKED:
        return visit.t("已报给会务，请假待批，批了短信告诉您。")
    if state == AnswerState.ABSENT:
        return visit.t("已答复：不派人参加。")
    return visit.t("已报名，{n} 人参加。截止前可以随时改。", n=people) if first else visit.t("已保存，{n} 人参加。", n=people)


async def _ask_late(tx: Tx, visit: Visit, id: int, press: Press) -> str:
    actor = visit.actor
    receipt = await ledger.receipt_of(tx, id, actor.unit_id)
    wish = answer_form.read(await publishing.find(tx, id), visit.fields).answer
    if receipt.state in (State.ARRIVED, State.OPENED):
        await inbox.sign(tx, id, actor, waived=await _waived(tx, id, actor, waive=press.waive), at=press.now)
    return str(await leaves.ask_late(tx, actor, id, wish, press.reason, now=press.now))


async def ask_late(visit: Visit) -> Response:
    """POST /meetings/{id}/late-change: ask for another answer after the deadline."""
    if only_shows(visit):
        return await show(visit)
    id = visit.number("id")
    await visit.write_once(_ask_late, visit, id, press_of(visit))
    said = visit.t("已申请晚改，等会务决定，定了短信告诉您。")
    return visit.see_other("meeting", id=id, flash=Flash("ok", said), **_as_unit(visit))


async def confirm(visit: Visit) -> Response:
    """POST /meetings/{id}/confirmation: the newest version has been seen, and the answer stands."""
    id = visit.number("id")
    done = await visit.write(signups.confirm, visit.actor, id, press_of(visit).seen.version, now=visit.now)
    said = visit.t("已确认第 {n} 版，报名不变。", n=done.confirmed)
    return visit.see_other("meeting", id=id, flash=Flash("ok", said), **_as_unit(visit))


async def _put_away(tx: Tx, visit: Visit, id: int, *, waive: bool) -> None:
    actor, now = visit.actor, visit.now
    receipt = await ledger.receipt_of(tx, id, actor.unit_id)
    notice = await publishing.find(tx, id)
    if receipt.state in (State.ARRIVED, State.OPENED) and not notice.cancelled_at:
        await inbox.sign(tx, id, actor, waived=await _waived(tx, id, actor, waive=waive), at=now)
    if now < notice.starts_at:
        raise Refused("会议还没有开始，请在本页报名或请假。", code="not_started")
    for waits in (Waits.ANSWER, Waits.CONFIRM):
        await ledger.done_waiting(tx, id, actor.unit_id, waits)


async def put_away(visit: Visit) -> Response:
    """POST /meetings/{id}/signature: after the start: sign when unsigned, and leave the queue."""
    id = visit.number("id")
    await visit.write(_put_away, visit, id, waive=bool(visit.field("waive")))
    return visit.see_other("meeting", id=id, flash=Flash("ok", visit.t("已签收，不再列在待办里。")), **_as_unit(visit))


async def back(visit: Visit) -> Response:
    """GET on an address that only takes forms (a reload, a bookmark): the page."""
    return visit.see_other("meeting", id=visit.number("id"))


def _form(path: str, handler: object, name: str, act: Act) -> list[Route]:
    post = page(handler, may=act, again=show, here="meetings")  # type: ignore[arg-type]
    return [
        Route(path, post, methods=["POST"], name=name),
        Route(path, page(back, may=Act.READ), methods=["GET"], name=name),
    ]


routes = [
    *_form("/meetings/{id}/answer", answer, "meeting_answer", Act.ANSWER),
    *_form("/meetings/{id}/late-change", ask_late, "meeting_late", Act.ANSWER),
    *_form("/meetings/{id}/confirmation", confirm, "meeting_confirm", Act.ANSWER),
    *_form("/meetings/{id}/signature", put_away, "meeting_sign", Act.SIGN),
    Route("/meetings/{id}", page(show, may=Act.READ, here="meetings"), methods=["GET"], name="meeting"),
]
