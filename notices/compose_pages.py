"""The organiser writes, checks and publishes a notice; changing and cancelling one stands in change_pages.py.

    GET  /meetings/new            one page; ?draft= goes on with one, ?copy= starts from an earlier meeting
    POST /meetings/checks         the same page with its right column computed; for scripts the column alone
    POST /meetings/drafts         keep what was typed, unchecked        POST /meetings/publication   send it

Whatever is refused comes back with everything that was typed, files included: those that came with the form are stored first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ground.config import Sms
from ground.db import Tx
from ground.directory import recipients, units
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.directory.recipients import Recipients
from ground.errors import FieldError, Invalid, NotFound, Refused
from ground.files import File
from ground.form_pages import (
    Form,
    act_once,
    by_script,
    form_of,
    id_of,
    keep_files,
    keep_files_again,
    own_files,
    shell,
    today,
    told,
    wall,
)
from ground.messages.telling import Told, contacts_for
from ground.moments import Wall
from ground.visit import Flash, Visit
from ground.web import page, problem
from notices import change_pages, checking, forms, publishing
from notices.checking import Panel
from notices.forms import Typed
from notices.notice import Contents
from notices.publishing import Draft


class Sheet(NamedTuple):
    """Everything that the page shows."""

    form: Typed
    at: Mapping[str, str]
    offered: Sequence[tuple[int, str, int]]
    found: Recipients
    files: Sequence[File]
    panel: Panel
    drafts: Sequence[Draft]


async def _sheet(tx: Tx, form: Form, actor: Actor, clock: Wall, told: Told, sms: Sms, today: str) -> Sheet:
    typed = forms.read(forms.visible(form))
    contents, missing = forms.understand(forms.read(form), clock)
    found = await recipients.recipients(tx, typed.picked, owner=actor.unit_id, today=today)
    panel = await checking.look(tx, actor, found, contents, missing, told=told, sms=sms, now=clock.now)
    return Sheet(
        typed, forms.times(typed, clock), await recipients.offered(tx, actor.unit_id, today), found,
        await own_files(tx, typed.attachments, actor), panel, await publishing.drafts(tx, actor),
    )  # fmt: skip


async def _show(visit: Visit, form: Form, *, draft: int, saved_at: str = "", fresh: bool = False) -> Response:
    sms = visit.house.config.sms
    sheet = await visit.read(_sheet, form, visit.actor, wall(visit), told(visit), sms, today(visit))
    if by_script(visit):
        return visit.render("notices/compose_checks.html", s=sheet, fresh=False)
    await shell(visit)
    return visit.render(
        "notices/compose.html", s=sheet, f=sheet.form, draft=draft, saved_at=saved_at, fresh=fresh,
        most_mb=visit.house.config.files.small_mb,
    )  # fmt: skip


async def _begin(tx: Tx, visit: Visit, draft: int, copy: int) -> tuple[Form, Draft | None]:
    """The first showing: a draft as it was left, an earlier meeting without its times, or an empty page."""
    actor = visit.actor
    if draft:
        found = await publishing.draft_of(tx, draft, actor)
        return found.form, found
    if copy:
        earlier = await publishing.own(tx, copy, actor)
        form = forms.written(earlier.contents, visit.house.zone, whole=False)
        return form | await checking.invited_again(tx, copy, owner=actor.unit_id, today=today(visit)), None
    own = await units.by_id(tx, actor.unit_id)
    return {"contact": [actor.name], "contact_phone": [own.duty_phone]}, None


async def show_new(visit: Visit) -> Response:
    """GET /meetings/new."""
    asked = {name: id_of(visit.query(name)) for name in ("draft", "copy") if visit.query(name)}
    if 0 in asked.values():
        raise NotFound
    form, draft = await visit.read(_begin, visit, asked.get("draft", 0), asked.get("copy", 0))
    if draft is None:
        return await _show(visit, form, draft=0, fresh=True)
    if draft.published_as is not None:
        return visit.see_other("meeting_progress", id=draft.published_as, flash=Flash("warn", visit.t("这份草稿已经发出了。")))
    return await _show(visit, form, draft=draft.id, saved_at=draft.saved_at)


async def show_again(visit: Visit) -> Response:
    """The page as it was sent: after a refusal."""
    await keep_files_again(visit)
    return await _show(visit, form_of(visit), draft=id_of(visit.field("draft")))


async def check(visit: Visit) -> Response:
    """POST /meetings/checks: compute the right column, send nothing."""
    await keep_files(visit)
    return await _show(visit, form_of(visit), draft=id_of(visit.field("draft")))


# --- drafts ---------------------------------------------------------------------------------------------------------------


async def _keep_draft(visit: Visit) -> int:
    await keep_files(visit)
    form = form_of(visit)
    form["attachment"] = list(forms.read(form).attachments)
    form.pop("drop_attachment", None)
    return await visit.write(publishing.save_draft, visit.actor, form, draft=id_of(visit.field("draft")), now=visit.now)


async def save_draft(visit: Visit) -> Response:
    """POST /meetings/drafts: keep what was typed. A script is answered {id, saved, url}."""
    if not by_script(visit):
        id = await _keep_draft(visit)
        if visit.field("preview"):
            return visit.see_other("meeting_preview", draft=id)
        return visit.see_other("meeting_new", draft=id, flash=Flash("ok", visit.t("草稿已存，可以以后接着写。")))
    try:
        id = await _keep_draft(visit)
    except Refused as refused:
        return JSONResponse(problem(visit, refused), status_code=refused.status)
    saved = visit.t("草稿，{time} 已自动保存", time=told(visit).say.time(visit.now))
    return JSONResponse({"id": id, "saved": saved, "url": visit.house.url("meeting_new", draft=id)})


async def preview(visit: Visit) -> Response:
    """GET /meetings/drafts/{draft}/preview: what a unit will read."""
    id = visit.number("draft")

    async def look(tx: Tx) -> tuple[Contents, list[File]]:
        typed = forms.read(forms.visible((await publishing.draft_of(tx, id, visit.actor)).form))
        return forms.understand(typed, wall(visit))[0], await own_files(tx, typed.attachments, visit.actor)

    contents, attached = await visit.read(look)
    return visit.render("notices/preview.html", c=contents, attached=attached, draft=id)


async def drop_draft(visit: Visit) -> Response:
    """POST /meetings/drafts/{draft}/removal."""
    await visit.write(publishing.drop_draft, visit.actor, visit.number("draft"))
    return visit.see_other("meetings", tab="organised", flash=Flash("ok", visit.t("草稿已删除。")))


# --- sending --------------------------------------------------------------------------------------------------------------


def _errors(errors: list[FieldError], found: Recipients) -> list[FieldError]:
    """What cannot stand, with what is wrong about the recipients."""
    unclear = recipients.unclear_sentence(found.unclear + found.unclear_excepts)
    if not unclear and not found.addressed.units and not found.addressed.unknown:
        unclear = "请选参加的单位。"
    return [*errors, FieldError("invited", unclear)] if unclear else errors


async def _publish(tx: Tx, actor: Actor, form: Form, draft: int, *, told: Told, clock: Wall, today: str) -> dict[str, Any]:
    """Check everything, then send; how many units and SMS."""
    typed = forms.read(form)
    contents, errors = forms.understand(typed, clock)
    found = await recipients.recipients(tx, typed.picked, owner=actor.unit_id, today=today)
    errors = _errors(errors, found)
    if errors:
        raise Invalid(errors)
    try:
        draft = (await publishing.draft_of(tx, draft, actor)).id
    except NotFound:  # thrown away in another window
        draft = 0
    done = await publishing.publish(
        tx, actor, contents, found.wanted, told=told, now=clock.now, today=today, attachments=typed.attachments, draft=draft
    )
    contacts = await contacts_for(tx, [unit.id for unit in found.addressed.units])
    sms = sum(1 for some in contacts.values() for contact in some if contact.mobile)
    return {"id": done.id, "units": done.receipts, "sms": sms}


async def publish(visit: Visit) -> Response:
    """POST /meetings/publication: all units or none; pressed twice it is one notice."""
    sent, draft = visit.form, id_of(visit.field("draft"))
    await keep_files(visit)
    form, clock = form_of(visit), wall(visit)

    async def act(tx: Tx) -> dict[str, Any]:
        return await _publish(tx, visit.actor, form, draft, told=told(visit), clock=clock, today=today(visit))

    done = await act_once(visit, sent, act)
    said = visit.t("已发给 {n} 个单位，短信 {m} 条。", n=f"{done['units']:,}", m=f"{done['sms']:,}")
    return visit.see_other("meeting_progress", id=done["id"], flash=Flash("ok", said))


routes = [
    Route("/meetings/new", page(show_new, may=Act.COMPOSE, here="meetings"), methods=["GET"], name="meeting_new"),
    Route(
        "/meetings/checks", page(check, may=Act.COMPOSE, here="meetings", again=show_again), methods=["POST"],
        name="meeting_checks",
    ),
    Route(
        "/meetings/drafts", page(save_draft, may=Act.COMPOSE, here="meetings", again=show_again), methods=["POST"],
        name="meeting_drafts",
    ),
    Route(
        "/meetings/publication", page(publish, may=Act.COMPOSE, here="meetings", again=show_again), methods=["POST"],
        name="meeting_publication",
    ),
    Route(
        "/meetings/drafts/{draft}/preview", page(preview, may=Act.COMPOSE, here="meetings"), methods=["GET"],
        name="meeting_preview",
    ),
    Route(
        "/meetings/drafts/{draft}/removal", page(drop_draft, may=Act.COMPOSE, here="meetings"), methods=["POST"],
        name="meeting_draft_removal",
    ),
    *change_pages.routes,
]  # fmt: skip
