"""What the sender does to a document that is out: 补发, recall, void. Each is asked on a page that says what will happen first.

…/documents/{id}/supplement     GET offers the picker and their own times, POST sends it to more units
…/documents/{id}/recall         GET shows the blast radius (?unit= of one unit), POST takes it back
…/documents/{id}/void           GET asks for the reason, POST makes it void
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from exchange import checking, forms, recalling, reissuing, sending, telling
from exchange.checking import Addressees, Way
from exchange.compose_pages import setting
from exchange.document import Document
from exchange.forms import Typed
from exchange.recalling import Touched
from ground.db import Tx
from ground.directory import recipients
from ground.directory.policy import Act
from ground.errors import FieldError, Invalid
from ground.form_pages import by_script, form_of, id_of, shell, today, told, wall
from ground.messages import outbox
from ground.messages.outbox import Estimate
from ground.messages.telling import contacts_for
from ground.moments import NOT_A_TIME
from ground.visit import Flash, Visit
from ground.web import page

# --- 补发 ------------------------------------------------------------------------------------------------------------------


class More(NamedTuple):
    """The page of 补发."""

    document: Document
    form: Typed
    at: dict[str, str]
    offered: list[tuple[int, str, int]]
    found: Addressees
    had: int  # of those that are named
    fresh: int
    warnings: tuple[Way, ...]
    estimate: Estimate


async def _more(tx: Tx, visit: Visit, id: int) -> More:
    document = await sending.own(tx, id, visit.actor)
    typed = forms.read(forms.visible(form_of(visit)))._replace(urgency=document.urgency)
    found = await checking.addressees(tx, typed.main, typed.copy, owner=visit.actor.unit_id, today=today(visit))
    had = {r.unit_id for r in await sending.recipients_of(tx, id)}
    fresh = [u for u in found.both.units if u.id not in had]
    contacts = await contacts_for(tx, [u.id for u in fresh])
    at = forms.times(typed, wall(visit), setting(visit).due)
    words, _ = telling.sent_text(document._replace(sign_by=at["sign_by"] or document.sign_by), told(visit), visit.now)
    return More(
        document, typed, at, await recipients.offered(tx, visit.actor.unit_id, today(visit)), found,
        len(found.both.units) - len(fresh), len(fresh),
        await checking.warnings(tx, found.both._replace(units=fresh), visit.now, accepted=typed.accepted),
        outbox.estimate(words, sum(len(some) for some in contacts.values()), visit.house.config.sms),
    )  # fmt: skip


async def ask_supplement(visit: Visit) -> Response:
    """GET /documents/{id}/supplement; POST …/checks shows what was chosen, counted and checked."""
    view = await visit.read(_more, visit, visit.number("id"))
    if by_script(visit):
        return visit.render("exchange/supplement_checks.html", s=view, d=view.document)
    await shell(visit)
    return visit.render("exchange/supplement.html", s=view, d=view.document)


async def _supplement(tx: Tx, visit: Visit, id: int) -> str:
    document = await sending.own(tx, id, visit.actor)
    typed = forms.read(form_of(visit))._replace(urgency=document.urgency)
    at = forms.times(typed, wall(visit), setting(visit).due)
    errors = [FieldError(name, NOT_A_TIME) for name in forms.TIMES if getattr(typed, name) and not at[name]]
    found = await checking.addressees(tx, typed.main, typed.copy, owner=visit.actor.unit_id, today=today(visit))
    errors = checking.recipient_errors(found) + errors
    if errors:
        raise Invalid(errors)
    done = await reissuing.supplement(
        tx, visit.actor, id, found.main.wanted, found.copy.wanted, sign_by=at["sign_by"], answer_by=at["answer_by"],
        told=told(visit), now=visit.now, today=today(visit),
    )  # fmt: skip
    return json.dumps(done._asdict())


async def supplement(visit: Visit) -> Response:
    """POST /documents/{id}/supplement: to units that do not have it yet, under the same number."""
    id = visit.number("id")
    done: dict[str, Any] = json.loads(await visit.write_once(_supplement, visit, id))
    said = "已补发给 {n} 个单位。" if not done["had"] else "已补发给 {n} 个单位，另外 {h} 个早已收到，没有再发。"
    text = visit.t(said, n=f"{done['receipts']:,}", h=f"{done['had']:,}")
    return visit.see_other("document_progress", id=id, flash=Flash("ok", text), show="all")


# --- recall ---------------------------------------------------------------------------------------------------------------


async def _radius(tx: Tx, visit: Visit, id: int, unit: int) -> tuple[Document, list[Touched]]:
    found = await recalling.radius(tx, id, visit.actor, [unit] if unit else [])
    return await sending.own(tx, id, visit.actor), found


async def ask_recall(visit: Visit) -> Response:
    """GET /documents/{id}/recall: who has it, how far it has gone, and why it is taken back."""
    unit = id_of(visit.query("unit"))
    document, touched = await visit.read(_radius, visit, visit.number("id"), unit)
    await shell(visit)
    return visit.render(
        "exchange/recall.html", d=document, touched=touched, unit=unit, reason=visit.field("reason"),
        chosen=visit.fields("units"), scope=visit.field("scope") or "all",
    )  # fmt: skip


async def _recall(tx: Tx, visit: Visit, id: int) -> str:
    unit = id_of(visit.query("unit"))
    chosen = [unit] if unit else [id_of(text) for text in visit.fields("units")] if visit.field("scope") == "some" else None
    reason = visit.field("reason")
    return json.dumps(await recalling.recall(tx, visit.actor, id, reason, chosen, told=told(visit), now=visit.now))


async def recall(visit: Visit) -> Response:
    """POST /documents/{id}/recall: `scope` all or some (`units`), or the unit of the query."""
    id = visit.number("id")
    done, asked, _left = json.loads(await visit.write_once(_recall, visit, id))
    said = "已从 {n} 个单位撤回。" if not asked else "已从 {n} 个单位撤回；{m} 个已签收，等对方决定。"
    text = visit.t(said, n=f"{done:,}", m=f"{asked:,}")
    return visit.see_other("document_progress", id=id, flash=Flash("ok", text))


# --- void -----------------------------------------------------------------------------------------------------------------


async def ask_void(visit: Visit) -> Response:
    """GET /documents/{id}/void."""
    document = await visit.read(sending.own, visit.number("id"), visit.actor)
    return visit.render("exchange/void.html", d=document, reason=visit.field("reason"))


async def _void(tx: Tx, visit: Visit, id: int) -> str:
    reason = visit.field("reason")
    return (await reissuing.void(tx, visit.actor, id, reason, told=told(visit), now=visit.now)).number


async def void(visit: Visit) -> Response:
    """POST /documents/{id}/void."""
    id = visit.number("id")
    number = await visit.write_once(_void, visit, id)
    text = visit.t("已作废，{number} 不再使用。", number=number) if number else visit.t("已作废。")
    return visit.see_other("document_progress", id=id, flash=Flash("ok", text))


Handler = Callable[[Visit], Awaitable[Response]]


def _both(path: str, name: str, show: Handler, act: Handler) -> list[Route]:
    return [
        Route(path, page(show, may=Act.SEND, here="sent"), methods=["GET"], name=name),
        Route(path, page(act, may=Act.SEND, here="sent", again=show), methods=["POST"], name=name),
    ]


routes = [
    *_both("/documents/{id}/supplement", "document_supplement", ask_supplement, supplement),
    Route(
        "/documents/{id}/supplement/checks", page(ask_supplement, may=Act.SEND, here="sent"), methods=["POST"],
        name="document_supplement_checks",
    ),
    *_both("/documents/{id}/recall", "document_recall", ask_recall, recall),
    *_both("/documents/{id}/void", "document_void", ask_void, void),
]  # fmt: skip
