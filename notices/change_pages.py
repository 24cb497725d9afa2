"""The organiser changes or cancels a notice that is out; compose_pages.py joins these routes to its own.

    GET, POST /meetings/{id}/change    the form, filled; shows what a change would bring about before it is sent
    POST /meetings/{id}/versions       the new version          GET, POST /meetings/{id}/cancellation

The form carries the version that its writer was looking at. When somebody else has changed the notice meanwhile, what was typed
comes back beside what the other changed, and a second press is about the newest version.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground import wording
from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.errors import FieldError, Invalid, Refused
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
    told,
    wall,
)
from ground.messages.telling import contacts_for
from ground.moments import Wall
from ground.visit import Flash, Visit
from ground.web import page
from notices import forms, organising, publishing
from notices import notice as nouns
from notices.forms import Typed
from notices.notice import Change, Notice
from notices.organising import Counts, Line
from notices.publishing import Version
from receipts import ledger


class Effect(NamedTuple):
    """What sending this version would bring about."""

    changes: Sequence[Change]
    material: bool
    missing: Sequence[FieldError]
    counts: Counts
    people: int


class Sheet(NamedTuple):
    """Everything that the page for a change shows."""

    notice: Notice
    form: Typed
    at: Mapping[str, str]
    files: Sequence[File]
    lines: Sequence[Line]
    effect: Effect
    others: Sequence[tuple[Version, str]]  # versions newer than the one that was seen, and who made them


async def _open(tx: Tx, id: int, actor: Actor) -> Notice:
    """A notice of ours that can still be changed. Raises NotFound, Refused."""
    notice = await publishing.own(tx, id, actor)
    if notice.cancelled_at:
        raise Refused("会议已取消，不能再改。要开会请另发通知。", code="cancelled")
    return notice


async def _attached(tx: Tx, id: int) -> list[str]:
    subject = await ledger.subject_of(tx, id)
    return [file.id for file in await ledger.files_of(tx, subject) if file.part == "attachment"]


async def _effect(tx: Tx, notice: Notice, form: Form, clock: Wall) -> Effect:
    typed = forms.read(form)
    contents, missing = forms.understand(typed, clock, published=True)
    found = list(nouns.changes(notice.contents, contents))
    before = await _attached(tx, notice.id)
    if list(typed.attachments) != before:
        found.append(Change("files", str(len(before)), str(len(typed.attachments))))
    lines = await organising.lines(tx, notice.id)
    contacts = await contacts_for(tx, [line.unit_id for line in lines])
    return Effect(
        found, nouns.is_material(found), missing, await organising.counts(tx, notice.id),
        sum(len(some) for some in contacts.values()),
    )  # fmt: skip


async def _sheet(tx: Tx, id: int, actor: Actor, form: Form | None, seen: int, clock: Wall) -> Sheet:
    """`form`: what was typed; none: the notice as it is."""
    notice = await _open(tx, id, actor)
    if form is None:
        form = forms.written(notice.contents, clock.zone) | {"attachment": await _attached(tx, id)}
    typed = forms.read(forms.visible(form))
    newer = [v for v in await publishing.versions(tx, id) if seen and v.version > seen]
    others = [(v, (await people.by_id(tx, v.person_id)).name) for v in newer]
    return Sheet(
        notice, typed, forms.times(typed, clock), await own_files(tx, typed.attachments, actor),
        await organising.lines(tx, id), await _effect(tx, notice, form, clock), others,
    )  # fmt: skip


async def _show(visit: Visit, form: Form | None, seen: int) -> Response:
    sheet = await visit.read(_sheet, visit.number("id"), visit.actor, form, seen, wall(visit))
    if by_script(visit):
        return visit.render("notices/change_effect.html", s=sheet)
    overtaken = visit.refused is not None and visit.refused.code == "changed_meanwhile"
    version = sheet.notice.version if overtaken or not seen else seen
    await shell(visit)
    return visit.render("notices/change.html", s=sheet, f=sheet.form, version=version, most_mb=visit.house.config.files.small_mb)


async def show_change(visit: Visit) -> Response:
    """GET /meetings/{id}/change."""
    return await _show(visit, None, 0)


async def show_change_again(visit: Visit) -> Response:
    """The page as it was sent: after a refusal."""
    await keep_files_again(visit)
    return await _show(visit, form_of(visit), id_of(visit.field("version")))


async def check_change(visit: Visit) -> Response:
    """POST /meetings/{id}/change: say what would happen, send nothing."""
    await keep_files(visit)
    return await _show(visit, form_of(visit), id_of(visit.field("version")))


async def change(visit: Visit) -> Response:
    """POST /meetings/{id}/versions: everybody is told old → new; a new time or place must be confirmed."""
    sent, id, seen = visit.form, visit.number("id"), id_of(visit.field("version"))
    await visit.read(_open, id, visit.actor)
    await keep_files(visit)
    typed = forms.read(form_of(visit))

    async def act(tx: Tx) -> dict[str, Any]:
        contents, errors = forms.understand(typed, wall(visit), published=True)
        if errors:
            raise Invalid(errors)
        notice, changes = await publishing.change(
            tx, visit.actor, id, seen, contents, told=told(visit), now=visit.now, attachments=typed.attachments
        )
        counts = await organising.counts(tx, id)
        again = counts.total - counts.none if nouns.is_material(changes) else 0
        return {"version": notice.version, "units": counts.total, "again": again}

    done = await act_once(visit, sent, act)
    said = visit.t("第 {v} 版已发给 {n} 个单位。", v=done["version"], n=done["units"])
    if done["again"]:
        said += visit.t("已答复的 {n} 个单位要再确认。", n=done["again"])
    return visit.see_other("meeting_progress", id=id, flash=Flash("ok", said))


# --- cancelling -----------------------------------------------------------------------------------------------------------


async def show_cancel(visit: Visit) -> Response:
    """GET /meetings/{id}/cancellation: who will be told, and that it cannot be undone."""
    id = visit.number("id")

    async def look(tx: Tx) -> tuple[Notice, Counts, int]:
        notice = await publishing.own(tx, id, visit.actor)
        if notice.cancelled_at:
            raise Refused("会议已经取消了。", code="cancelled")
        contacts = await contacts_for(tx, [line.unit_id for line in await organising.lines(tx, id)])
        return notice, await organising.counts(tx, id), sum(len(some) for some in contacts.values())

    notice, counts, heads = await visit.read(look)
    await shell(visit)
    reason = wording.INVISIBLE.sub("", visit.field("reason"))
    return visit.render("notices/cancel.html", notice=notice, counts=counts, people=heads, reason=reason)


async def cancel(visit: Visit) -> Response:
    """POST /meetings/{id}/cancellation: every invited unit is told at once."""
    id, reason = visit.number("id"), wording.tidy(visit.field("reason"))

    async def act(tx: Tx) -> dict[str, Any]:
        await publishing.cancel(tx, visit.actor, id, reason, told=told(visit), now=visit.now)
        return {"units": (await organising.counts(tx, id)).total}

    done = await act_once(visit, visit.form, act)
    said = visit.t("会议已取消，正在告知 {n} 个单位。", n=done["units"])
    return visit.see_other("meeting_progress", id=id, flash=Flash("ok", said))


routes = [
    Route("/meetings/{id}/change", page(show_change, may=Act.COMPOSE, here="meetings"), methods=["GET"], name="meeting_change"),
    Route(
        "/meetings/{id}/change", page(check_change, may=Act.COMPOSE, here="meetings", again=show_change_again), methods=["POST"],
        name="meeting_change",
    ),
    Route(
        "/meetings/{id}/versions", page(change, may=Act.COMPOSE, here="meetings", again=show_change_again), methods=["POST"],
        name="meeting_versions",
    ),
    Route(
        "/meetings/{id}/cancellation", page(show_cancel, may=Act.COMPOSE, here="meetings"), methods=["GET"],
        name="meeting_cancellation",
    ),
    Route(
        "/meetings/{id}/cancellation", page(cancel, may=Act.COMPOSE, here="meetings", again=show_cancel), methods=["POST"],
        name="meeting_cancellation",
    ),
]  # fmt: skip
