"""转发: the same files to other units, as a document of this unit.

GET, POST /documents/{id}/forwarding
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from exchange import document_sheet, numbering, passing
from exchange.document import Contents
from exchange.document_sheet import Sheet
from exchange.numbering import Series
from ground import clock
from ground.db import Tx
from ground.directory import recipients
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.directory.recipients import Picked, Recipients
from ground.errors import FieldError, Invalid
from ground.form_pages import act_once, id_of, shell, today, told
from ground.moments import NOT_A_TIME, local_text, moment
from ground.visit import Flash, Visit
from ground.web import page
from ground.wording import tidy
from ground.workdays import Calendar


class ForwardSheet(NamedTuple):
    """What the page shows."""

    sheet: Sheet
    series: list[tuple[str, str]]
    offered: list[tuple[int, str, int]]
    main: Recipients
    copy: Recipients


def _picked(visit: Visit, prefix: str = "") -> Picked:
    """What the picker sent for 主送 or, with the prefix cc_, for 抄送."""

    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v for v in visit.fields(prefix + name) if v))

    def lines(name: str) -> str:
        return tidy(visit.field(prefix + name), lines=True)

    return Picked(many("group"), many("unit"), many("except"), lines("pasted"), lines("except_pasted"))


async def _sheet(tx: Tx, id: int, actor: Actor, main: Picked, copy: Picked, day: str) -> ForwardSheet:
    series: list[Series] = await numbering.of_unit(tx, actor.unit_id)
    shown = []
    for one in series:
        next = await numbering.next_of(tx, one.id, int(day[:4]))
        shown.append((str(one.id), numbering.written(one.code, int(day[:4]), next)))
    return ForwardSheet(
        await document_sheet.gather(tx, id, actor, day), shown, await recipients.offered(tx, actor.unit_id, day),
        await recipients.recipients(tx, main, owner=actor.unit_id, today=day),
        await recipients.recipients(tx, copy, owner=actor.unit_id, today=day),
    )  # fmt: skip


def after_hours(at: str, hours: int) -> str:
    """So many working hours later."""
    return Calendar().add_working_minutes(at, hours * 60)


async def show(visit: Visit) -> Response:
    """GET /documents/{id}/forwarding: to whom, under which title and number."""
    id = visit.number("id")
    found = await visit.read(_sheet, id, visit.actor, _picked(visit), _picked(visit, "cc_"), today(visit))
    if found.sheet.phase not in ("sign", "answer", "done"):
        return visit.see_other("document", id=id)
    await shell(visit)
    offer = passing.contents_of(found.sheet.document, today=today(visit), now=visit.now, after_hours=after_hours)
    typed: Mapping[str, Any] = visit.form
    return visit.render(
        "exchange/forward.html", s=found, d=found.sheet.document,
        title=typed.get("title", offer.title), text=typed.get("note", ""), series=typed.get("series", ""),
        sign_by=typed.get("sign_by", local_text(offer.sign_by, visit.house.zone)),
    )  # fmt: skip


def _contents(visit: Visit, sheet: Sheet) -> Contents:
    """What was typed. Raises Invalid for a time that is none."""
    at = moment(visit.field("sign_by"), clock.local(visit.now, visit.house.zone)) if visit.field("sign_by") else None
    if visit.field("sign_by") and at is None:
        raise Invalid.one("sign_by", NOT_A_TIME)
    return passing.contents_of(
        sheet.document, today=today(visit), now=visit.now, after_hours=after_hours, note=tidy(visit.field("note")),
        title=tidy(visit.field("title")), series=id_of(visit.field("series")), sign_by=clock.text(at) if at else "",
    )  # fmt: skip


async def forward(visit: Visit) -> Response:
    """POST /documents/{id}/forwarding: numbered, frozen and sent, like any document of ours."""
    id, day = visit.number("id"), today(visit)

    async def act(tx: Tx) -> dict[str, Any]:
        sheet = await document_sheet.gather(tx, id, visit.actor, day)
        found = [
            await recipients.recipients(tx, _picked(visit, prefix), owner=visit.actor.unit_id, today=day)
            for prefix in ("", "cc_")
        ]
        unclear = [recipients.unclear_sentence(one.unclear) for one in found]
        if any(unclear):
            raise Invalid([FieldError("main", sentence) for sentence in unclear if sentence])
        done = await passing.forward(
            tx, visit.actor, id, _contents(visit, sheet), found[0].wanted, found[1].wanted, told=told(visit), now=visit.now,
            today=day,
        )  # fmt: skip
        return {"id": done.id, "number": done.number, "receipts": done.receipts}

    done = await act_once(visit, visit.form, act)
    said = visit.t("已转发给 {n} 个单位{number}。", n=done["receipts"], number=f"，{done['number']}" if done["number"] else "")
    return visit.see_other("document", id=id, flash=Flash("ok", said))


routes = [
    Route(
        "/documents/{id}/forwarding", page(show, may=Act.SIGN, here="inbox"), methods=["GET"], name="document_forward"
    ),
    Route(
        "/documents/{id}/forwarding", page(forward, may=Act.SIGN, again=show, here="inbox"), methods=["POST"],
        name="document_forward",
    ),
]  # fmt: skip
