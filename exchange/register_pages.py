"""登记簿: both registers on the screen, on paper and as a workbook.

GET /registers/received      ?unit= year= series= kind= q= before=      the same with .xlsx
GET /registers/sent
"""

from datetime import datetime
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from exchange import numbering, registering, registers
from exchange.document import KINDS
from exchange.registers import NEWEST, Asked, Owner, Received, SentLine
from ground import clock
from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.typeset import at_press
from ground.visit import Visit
from ground.web import Handler, page
from ground.workbook import XLSX, Row, Sheet, workbook
from receipts.receipt import STATE_WORDS, State

PAGE, ALL = 20, 20_000
RECEIVED_HEADS = (
    ("收文号", 14), ("登记时间", 17), ("来文单位", 24), ("来文字号", 22), ("标题", 50), ("文种", 8), ("成文日期", 12),
    ("状态", 10), ("经办人", 10),
)  # fmt: skip
SENT_HEADS = (
    ("发文字号", 24), ("发出时间", 17), ("标题", 50), ("文种", 8), ("签发人", 10), ("成文日期", 12), ("单位数", 8), ("已签收", 8),
    ("经办人", 10), ("作废原因", 24),
)  # fmt: skip


class View(NamedTuple):
    """A page of a register, and what can be chosen."""

    owner: Owner
    owners: list[Owner]
    asked: Asked
    years: list[int]
    series: list[tuple[str, str]]
    received: list[Received]
    sent: list[SentLine]
    more: int  # where the next page begins; 0 when there is none


def this_year(visit: Visit) -> int:
    """The year on the city's wall clock."""
    return clock.local(visit.now, visit.house.zone).year


def asked_of(visit: Visit, *, limit: int = PAGE) -> Asked:
    """The filter of the address; what makes no sense is left out."""

    def number(name: str, most: int) -> int:
        text = visit.query(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < most else 0

    year = number("year", 5)
    kind = visit.query("kind") if visit.query("kind") in KINDS else ""
    return Asked(
        year if 1949 <= year < 9999 else this_year(visit), visit.query("series")[:20], kind, visit.query("q")[:60],
        number("before", 16) or NEWEST, limit,
    )  # fmt: skip


def bounds(visit: Visit, year: int) -> tuple[str, str]:
    """The first moment of a year and of the next one, as UTC text."""
    first, last = (clock.text(datetime(y, 1, 1, tzinfo=visit.house.zone)) for y in (year, year + 1))
    return first, last


async def _received(tx: Tx, actor: Actor, code: str, asked: Asked, now_year: int) -> View:
    owner = await registers.owner(tx, actor, code)
    used = await registering.years(tx, owner.id)
    lines = await registers.received(tx, owner.id, asked)
    shown = lines[: asked.limit]
    years = sorted({now_year, asked.year, *(u.year for u in used)}, reverse=True)
    series = sorted({("", "—"), *((u.series, u.series or "—") for u in used)})
    more = registers.cursor(shown[-1], asked) if len(lines) > asked.limit else 0
    return View(owner, await registers.owners(tx, actor), asked, years, series, shown, [], more)


async def _sent(tx: Tx, actor: Actor, code: str, asked: Asked, now_year: int, low: str, high: str, chosen: bool) -> View:
    owner = await registers.owner(tx, actor, code)
    every = await registers.series_of(tx, owner.id)
    if not chosen and every:
        asked = asked._replace(series=str(every[0].id))
    lines = await registers.sent(tx, owner.id, asked, low=low, high=high)
    shown = lines[: asked.limit]
    years = sorted({now_year, now_year - 1, asked.year}, reverse=True)
    series = [*((str(s.id), s.code) for s in every), ("", "没有字号的")]
    more = registers.cursor(shown[-1], asked) if len(lines) > asked.limit else 0
    return View(owner, await registers.owners(tx, actor), asked, years, series, [], shown, more)


async def read_sent(visit: Visit, asked: Asked) -> View:
    """The page of 发文登记簿 that is asked for."""
    low, high = bounds(visit, asked.year)
    chosen = "series" in visit.request.query_params
    return await visit.read(_sent, visit.actor, visit.query("unit"), asked, this_year(visit), low, high, chosen)


async def show_received(visit: Visit) -> Response:
    """GET /registers/received."""
    view = await visit.read(_received, visit.actor, visit.query("unit"), asked_of(visit), this_year(visit))
    return visit.render("exchange/register.html", view=view, side="received", kinds=KINDS, words=STATE_WORDS, number=number_of)


async def show_sent(visit: Visit) -> Response:
    """GET /registers/sent."""
    view = await read_sent(visit, asked_of(visit))
    return visit.render("exchange/register.html", view=view, side="sent", kinds=KINDS, words=STATE_WORDS, number=number_of)


def number_of(line: SentLine, view: View) -> str:
    """The line's number as it stands on paper; '' for one without."""
    code = dict(view.series).get(view.asked.series, "")
    return line.number or (numbering.written(code, view.asked.year, line.serial) if view.asked.series else "")


# --- as a workbook --------------------------------------------------------------------------------------------------------


def _time(visit: Visit, at: str) -> str:
    return f"{clock.local(at, visit.house.zone):%Y-%m-%d %H:%M}"


async def _file(visit: Visit, title: str, view: View, sheet: Sheet) -> Response:
    author = f"{view.owner.name}　{visit.actor.name}"
    data = await at_press(partial(workbook, title, author, visit.now, [sheet]))
    name = quote(f"{title} {view.asked.year}.xlsx")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}", "cache-control": "no-store"}
    return Response(data, headers=headers, media_type=XLSX)


async def received_rows(visit: Visit) -> tuple[View, list[Row]]:
    """Every line of 收文登记簿 that the filter lets through, as RECEIVED_HEADS names its cells."""
    asked = asked_of(visit, limit=ALL)._replace(before=NEWEST)
    view = await visit.read(_received, visit.actor, visit.query("unit"), asked, this_year(visit))
    return view, [
        (r.text, _time(visit, r.at), r.sender, r.number, r.title, r.kind, r.dated, STATE_WORDS[State(r.state)], r.person)
        for r in view.received
    ]


async def sent_rows(visit: Visit) -> tuple[View, list[Row]]:
    """Every line of 发文登记簿 that the filter lets through, voided numbers with their reason, as SENT_HEADS names its cells."""
    view = await read_sent(visit, asked_of(visit, limit=ALL)._replace(before=NEWEST))
    return view, [
        (
            number_of(x, view), _time(visit, x.at), x.title, x.kind, x.issuer, x.dated, x.total, x.signed, x.person,
            x.void_reason or "",
        )
        for x in view.sent
    ]  # fmt: skip


async def received_xlsx(visit: Visit) -> Response:
    """GET /registers/received.xlsx."""
    view, rows = await received_rows(visit)
    return await _file(visit, "收文登记簿", view, Sheet(str(view.asked.year), RECEIVED_HEADS, rows))


async def sent_xlsx(visit: Visit) -> Response:
    """GET /registers/sent.xlsx."""
    view, rows = await sent_rows(visit)
    return await _file(visit, "发文登记簿", view, Sheet(str(view.asked.year), SENT_HEADS, rows))


def _route(path: str, handler: Handler, name: str) -> Route:
    shown = page(handler, may=Act.REGISTER, here="registers")
    return Route(path, shown, methods=["GET"], name=name)


routes = [
    _route("/registers/received.xlsx", received_xlsx, "register_received_xlsx"),
    _route("/registers/sent.xlsx", sent_xlsx, "register_sent_xlsx"),
    _route("/registers/received", show_received, "register_received"),
    _route("/registers/sent", show_sent, "register_sent"),
]
