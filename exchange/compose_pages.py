"""A secretary writes, checks and sends a document on one page.

    GET  /documents/new            ?draft= goes on with one, ?copy= starts from an earlier one, ?corrects= takes its place
    POST /documents/checks         the same page with its right column computed; for scripts the column alone
    POST /documents/drafts         keep what was typed, unchecked        POST /documents/sending   send it

Whatever is refused comes back with everything that was typed, files included: those that came with the form are stored first.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exchange import checking, composing, drafting, file_words, forms, sending
from exchange.composing import Setting, Sheet
from exchange.document import KINDS
from exchange.drafting import Draft
from ground.db import Tx
from ground.directory import recipients
from ground.directory.policy import Act
from ground.errors import NotFound, Refused
from ground.form_pages import (
    Form,
    act_once,
    by_script,
    form_of,
    id_of,
    keep_files,
    keep_files_again,
    shell,
    today,
    told,
    wall,
)
from ground.visit import Flash, Visit
from ground.web import page, problem
from ground.workdays import Calendar

Offered = list[tuple[int, str, int]]


@functools.cache
def _calendar(zone: Any) -> Calendar:
    return Calendar(zone=zone)


def setting(visit: Visit) -> Setting:
    """What composing needs of this house at this request."""
    return Setting(wall(visit), _calendar(visit.house.zone).add_working_minutes, told(visit), today(visit))


async def _show(visit: Visit, form: Form, *, draft: int, saved_at: str = "", fresh: bool = False) -> Response:
    sms = visit.house.config.sms

    async def look(tx: Tx) -> tuple[Sheet, Offered, list[Draft]]:
        sheet = await composing.gather(tx, visit.actor, form, setting(visit), sms)
        drafts = await drafting.of_unit(tx, visit.actor) if fresh else []
        return sheet, await recipients.offered(tx, visit.actor.unit_id, today(visit)), drafts

    sheet, offered, drafts = await visit.read(look)
    if by_script(visit):
        return visit.render("exchange/compose_checks.html", s=sheet, today=today(visit))
    await shell(visit)
    return visit.render(
        "exchange/compose.html", s=sheet, f=sheet.form, offered=offered, drafts=drafts, draft=draft, saved_at=saved_at,
        kinds=KINDS, today=today(visit), most_mb=visit.house.config.files.max_mb,
    )  # fmt: skip


async def _begin(tx: Tx, visit: Visit, asked: dict[str, int]) -> tuple[Form, Draft | None]:
    """The first showing: a draft as it was left, an earlier document, or an empty page."""
    actor = visit.actor
    if asked.get("draft"):
        found = await drafting.find(tx, asked["draft"], actor)
        return found.form, found
    earlier = asked.get("corrects") or asked.get("copy")
    if not earlier:
        leaders = await composing.issuers(tx, actor)
        return {"series": [await composing.first_series(tx, actor)], "issuer": leaders[:1]}, None
    old = await sending.own(tx, earlier, actor)
    form = forms.written(old, visit.house.zone, again=bool(asked.get("corrects")))
    only = [asked["unit"]] if asked.get("unit") else []
    form |= await checking.addressed_again(tx, old.id, owner=actor.unit_id, today=today(visit), only=only)
    if asked.get("corrects"):
        form |= {"corrects": [str(old.id)], "attachment": await _attachments(tx, old.id)}
    return form, None


async def _attachments(tx: Tx, id: int) -> list[str]:
    return [f.id for f in await sending.files_of(tx, id) if f.part == "attachment"]


async def show_new(visit: Visit) -> Response:
    """GET /documents/new."""
    asked = {name: id_of(visit.query(name)) for name in ("draft", "copy", "corrects", "unit") if visit.query(name)}
    if 0 in asked.values():
        raise NotFound
    form, draft = await visit.read(_begin, visit, asked)
    if draft is None:
        return await _show(visit, form, draft=0, fresh=True)
    if draft.sent_as is not None:
        return visit.see_other("document_progress", id=draft.sent_as, flash=Flash("warn", visit.t("这份草稿已经发出了。")))
    return await _show(visit, form, draft=draft.id, saved_at=draft.saved_at)


async def show_again(visit: Visit) -> Response:
    """The page as it was sent: after a refusal."""
    await keep_files_again(visit)
    return await _show(visit, form_of(visit), draft=id_of(visit.field("draft")))


async def check(visit: Visit) -> Response:
    """POST /documents/checks: compute the right column, send nothing."""
    await keep_files(visit)
    return await _show(visit, form_of(visit), draft=id_of(visit.field("draft")))


# --- drafts ---------------------------------------------------------------------------------------------------------------


async def _keep_draft(visit: Visit) -> int:
    await keep_files(visit)
    form = form_of(visit)
    typed = forms.read(form)
    form |= {"attachment": list(typed.attachments), "body": [typed.body] if typed.body else []}
    for name in ("drop_attachment", "drop_body"):
        form.pop(name, None)
    return await visit.write(drafting.save, visit.actor, form, draft=id_of(visit.field("draft")), now=visit.now)


async def save_draft(visit: Visit) -> Response:
    """POST /documents/drafts: keep what was typed. A script is answered {id, saved, url}."""
    if not by_script(visit):
        id = await _keep_draft(visit)
        if visit.field("preview"):
            return visit.see_other("document_preview", draft=id)
        return visit.see_other("document_new", draft=id, flash=Flash("ok", visit.t("草稿已存，可以以后接着写。")))
    try:
        id = await _keep_draft(visit)
    except Refused as refused:
        return JSONResponse(problem(visit, refused), status_code=refused.status)
    saved = visit.t("草稿，{time} 已自动保存", time=told(visit).say.time(visit.now))
    return JSONResponse({"id": id, "saved": saved, "url": visit.house.url("document_new", draft=id)})


async def preview(visit: Visit) -> Response:
    """GET /documents/drafts/{draft}/preview: what a unit will read."""
    id = visit.number("draft")

    async def look(tx: Tx) -> Sheet:
        form = (await drafting.find(tx, id, visit.actor)).form
        return await composing.gather(tx, visit.actor, form, setting(visit), visit.house.config.sms)

    return visit.render("exchange/compose_preview.html", s=await visit.read(look), draft=id, today=today(visit))


async def drop_draft(visit: Visit) -> Response:
    """POST /documents/drafts/{draft}/removal."""
    await visit.write(drafting.drop, visit.actor, visit.number("draft"))
    return visit.see_other("sent", flash=Flash("ok", visit.t("草稿已删除。")))


# --- sending --------------------------------------------------------------------------------------------------------------


async def send(visit: Visit) -> Response:
    """POST /documents/sending: all units or none; pressed twice it is one document."""
    sent, draft = visit.form, id_of(visit.field("draft"))
    await keep_files(visit)
    form = form_of(visit)
    typed = forms.read(form)
    words = await file_words.of_files(visit.house.db, visit.house.files, visit.actor, typed.body, typed.attachments)

    async def act(tx: Tx) -> dict[str, Any]:
        return (await composing.send_form(tx, visit.actor, form, setting(visit), draft=draft, words=words))._asdict()

    done = await act_once(visit, sent, act)
    holes = {"n": f"{done['receipts']:,}", "m": f"{done['messages']:,}", "number": done["number"]}
    said = "已发给 {n} 个单位，字号 {number}，消息 {m} 条。" if done["number"] else "已发给 {n} 个单位，消息 {m} 条。"
    return visit.see_other("document_progress", id=done["id"], flash=Flash("ok", visit.t(said, **holes)))


Handler = Callable[[Visit], Awaitable[Response]]


def _get(path: str, handler: Handler, name: str) -> Route:
    return Route(path, page(handler, may=Act.SEND, here="sent"), methods=["GET"], name=name)


def _post(path: str, handler: Handler, name: str) -> Route:
    return Route(path, page(handler, may=Act.SEND, here="sent", again=show_again), methods=["POST"], name=name)


routes = [
    _get("/documents/new", show_new, "document_new"),
    _post("/documents/checks", check, "document_checks"),
    _post("/documents/drafts", save_draft, "document_drafts"),
    _post("/documents/sending", send, "document_sending"),
    _get("/documents/drafts/{draft}/preview", preview, "document_preview"),
    _post("/documents/drafts/{draft}/removal", drop_draft, "document_draft_removal"),
]
