"""发文: what the unit has sent, and the sender's page of one document; every route answers 404 to any unit but the sending one.

    GET  /documents/sent                       drafts on top, then the list (?q=&kind=&year=&before=)
    GET  /documents/{id}/progress              five facts that are lists, who is stuck where, the units, the curve, the acts; live
    GET  /documents/{id}/progress/part         the same without its head, for the live page
    GET  /documents/{id}/progress/table        all units and the curve's figures, for the printer
    GET  /documents/{id}/units.xlsx            the unit table
    POST /documents/{id}/chase                 催办: all who are due, those of one cause, or one (field `unit`)

What is done to a document afterwards (补发, recall, void) stands in after_pages.py.
"""

import json
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from exchange import after_pages, chasing, drafting, progress_sheet, sent_list
from exchange.document import KINDS
from exchange.drafting import Draft
from exchange.progress_sheet import Ask, Sheet
from exchange.sent_list import SentLine, Wish
from exchange.sheets import XLSX, unit_table
from ground.db import Tx
from ground.directory.policy import Act
from ground.form_pages import id_of, told
from ground.typeset import at_press
from ground.visit import Flash, Visit
from ground.web import page
from receipts.inbox import NEWEST

PAGE = 20


class ListView(NamedTuple):
    """The page 发文."""

    drafts: list[Draft]
    lines: list[SentLine]
    more: bool
    first: bool
    wish: Wish
    years: list[int]


def wish_of(visit: Visit) -> Wish:
    """What the query asks for."""
    kind, year = visit.query("kind"), id_of(visit.query("year"))
    return Wish(visit.query("q")[:60], kind if kind in KINDS else "", year if 2000 <= year < 2100 else 0)


async def _list(tx: Tx, visit: Visit, wish: Wish, before: int) -> ListView:
    unit, zone = visit.actor.unit_id, visit.house.zone
    lines = await sent_list.of_unit(tx, unit, wish, zone, before=before, limit=PAGE)
    drafts = await drafting.of_unit(tx, visit.actor) if before == NEWEST and wish == Wish() else []
    years = await sent_list.years_of(tx, unit, zone, visit.now)
    return ListView(drafts, lines[:PAGE], len(lines) > PAGE, before == NEWEST, wish, years)


async def show_sent(visit: Visit) -> Response:
    """GET /documents/sent."""
    view = await visit.read(_list, visit, wish_of(visit), id_of(visit.query("before")) or NEWEST)
    return visit.render("exchange/sent.html", view=view, kinds=KINDS)


# --- one document ---------------------------------------------------------------------------------------------------------


def ask_of(visit: Visit, *, rows: int = progress_sheet.ROWS) -> Ask:
    """Which units the query asks for."""
    return Ask(visit.query("show"), visit.query("q")[:40], id_of(visit.query("area")), id_of(visit.query("after")), rows)


async def sheet_of(visit: Visit, ask: Ask) -> Sheet:
    """The sheet of a document of the asker's unit. Raises NotFound."""
    return await visit.read(
        progress_sheet.gather, visit.number("id"), visit.actor, ask, told=told(visit), sms=visit.house.config.sms,
        zone=visit.house.zone, now=visit.now,
    )  # fmt: skip


async def show_progress(visit: Visit) -> Response:
    """GET /documents/{id}/progress?show=&q=&area=&after=."""
    ask = ask_of(visit)
    return visit.render("exchange/progress.html", v=await sheet_of(visit, ask), ask=ask)


async def show_part(visit: Visit) -> Response:
    """GET /documents/{id}/progress/part: all that changes while the page is open."""
    ask = ask_of(visit)
    return visit.render("exchange/progress_part.html", v=await sheet_of(visit, ask), ask=ask)


async def show_table(visit: Visit) -> Response:
    """GET /documents/{id}/progress/table: everything, without paging."""
    view = await sheet_of(visit, ask_of(visit, rows=0)._replace(show=visit.query("show") or "all"))
    return visit.render("exchange/progress_table.html", v=view)


async def xlsx(visit: Visit) -> Response:
    """GET /documents/{id}/units.xlsx: every unit."""
    view = await sheet_of(visit, Ask(rows=0))
    data = await at_press(lambda: unit_table(view.document, view.page.rows, visit.house.zone))
    name = "".join(c for c in view.document.title if c.isprintable() and c not in '/\\:*?"<>|')[:80]
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(f'{name}　签收情况.xlsx')}",
        "cache-control": "no-store",
    }
    return Response(data, headers=headers, media_type=XLSX)


async def _chase(tx: Tx, visit: Visit, id: int, unit: str, cause: str) -> str:
    chosen = None
    if unit:
        chosen = [id_of(unit)]
    elif cause:
        ask = Ask(show=f"cause_{cause}" if f"cause_{cause}" in progress_sheet.SHOWS else "recalled", rows=0)
        view = await progress_sheet.gather(
            tx, id, visit.actor, ask, told=told(visit), sms=visit.house.config.sms, zone=visit.house.zone, now=visit.now
        )
        chosen = [row.line.unit_id for row in view.page.rows]
    done = await chasing.chase(tx, visit.actor, id, chosen, told=told(visit), now=visit.now)
    return json.dumps([done.units, done.messages])


async def chase(visit: Visit) -> Response:
    """POST /documents/{id}/chase: remind all who are due, those stuck for one `cause`, or the `unit` of the button."""
    id = visit.number("id")
    said = await visit.write_once(_chase, visit, id, visit.field("unit"), visit.field("cause"))
    count, messages = json.loads(said)
    text = visit.t("已催 {n} 个单位，发出 {m} 条提醒。", n=f"{count:,}", m=f"{messages:,}")
    return visit.see_other("document_progress", id=id, flash=Flash("ok", text), show=visit.query("show"))


Handler = Callable[[Visit], Awaitable[Response]]


def _get(path: str, handler: Handler, name: str, *, part: bool = False) -> Route:
    return Route(path, page(handler, may=Act.SEND, here="sent", part=part), methods=["GET"], name=name)


def _post(path: str, handler: Handler, name: str, again: Handler) -> Route:
    return Route(path, page(handler, may=Act.SEND, here="sent", again=again), methods=["POST"], name=name)


routes = [
    _get("/documents/sent", show_sent, "sent"),
    _get("/documents/{id}/progress", show_progress, "document_progress"),
    _get("/documents/{id}/progress/part", show_part, "document_part", part=True),
    _get("/documents/{id}/progress/table", show_table, "document_table"),
    _get("/documents/{id}/units.xlsx", xlsx, "document_xlsx"),
    _get("/documents/{id}/chase", show_progress, "document_chase"),
    _post("/documents/{id}/chase", chase, "document_chase", show_progress),
    *after_pages.routes,
]
