"""单位人员: the tree of units, one unit's page, and what is done to a unit from a date on.

Operators and security see every unit; a unit's administrator sees the own unit and those below. Any other unit answers 404.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground import clock
from ground.db import Tx
from ground.directory import import_pages, people, people_pages, tree, units
from ground.directory.directory import Actor, Unit
from ground.directory.people import Line, Member
from ground.directory.policy import Act, Role, may
from ground.directory.tables import clean
from ground.directory.tree import Node
from ground.directory.units import AREA, LEVELS, Counts, NameThen, NewUnit, Toll
from ground.errors import Invalid
from ground.visit import Flash, Visit
from ground.web import page

PARTS = {1: "市直单位", 2: "县区直单位", 3: "乡镇（街道）", 4: "村（社区）"}
KINDS = ("党委", "人大", "政府", "政协", "纪委", "法检", "群团", "事业", "企业", "垂管", "军队", AREA)
QUIET_DAYS = 7
ROWS = 50
FOUND = 30
LISTED = 200
Waiting = Callable[[Tx, int, str], Awaitable[int]]  # house.extra["waiting"]: how many items a unit has not signed


class Staff(NamedTuple):
    """One line of a unit's people: a person and all posts there."""

    who: Member
    roles: list[str]
    positions: list[str]
    active: bool


class Alarm(NamedTuple):
    """Why documents may reach nobody: `code` is no_secretary, mobile or quiet."""

    code: str
    name: str = ""
    why: str = ""


class Sheet(NamedTuple):
    """A unit's page."""

    unit: Unit
    above: list[Unit]
    staff: list[Staff]
    names: list[NameThen]
    into: Unit | None
    warnings: list[Alarm]
    waiting: int


class Tree(NamedTuple):
    """The page 单位人员."""

    counts: Counts
    nodes: list[Node]
    found: list[Unit]
    sheet: Sheet | None
    silent: list[Unit]


def unit_code(visit: Visit) -> str:
    """The unit's code in the path, harmless for the database."""
    return clean(visit.path("unit"))[:40]


def number_of(visit: Visit, name: str) -> int:
    """A query parameter as a number; 0 when it is none."""
    text = visit.query(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def gather(members: list[Member]) -> list[Staff]:
    """A person's posts in one line; those who have left stand last."""
    lines: dict[int, Staff] = {}
    for m in members:
        active = m.until_at is None and m.disabled_at is None
        line = lines.setdefault(m.person_id, Staff(m, [], [], active))
        if (m.until_at is None) == (line.who.until_at is None) and m.role not in line.roles:
            line.roles.append(m.role)
            if m.position and m.position not in line.positions:
                line.positions.append(m.position)
    return sorted(lines.values(), key=lambda s: not s.active)


def warnings_of(unit: Unit, staff: list[Staff], now: str) -> list[Alarm]:
    """Why documents may reach nobody in this unit."""
    if unit.closed_on or unit.kind == AREA:
        return []
    active = [s for s in staff if s.active]
    secretaries = [s.who for s in active if Role.SECRETARY in s.roles]
    found = [] if secretaries else [Alarm("no_secretary")]
    found += [Alarm("mobile", s.name, s.mobile_bad or "") for s in secretaries if s.mobile_bad or not s.mobile]
    seen = max((s.who.last_seen_at or "" for s in active), default="")
    if active and seen < clock.after(now, days=-QUIET_DAYS):
        found.append(Alarm("quiet", why=seen))
    return found


async def sheet_of(tx: Tx, unit: Unit, actor: Actor, now: str, waiting: Waiting | None) -> Sheet:
    """Everything that a unit's page shows."""
    staff = gather(await people.of_unit(tx, unit.id))
    above = [u for u in await units.above(tx, unit) if u.path.startswith(units.scope(actor))]
    into = await units.by_id(tx, unit.merged_into) if unit.merged_into else None
    found = warnings_of(unit, staff, now)
    unsigned = await waiting(tx, unit.id, now) if waiting and found else 0
    return Sheet(unit, above, staff, await units.names(tx, unit.id), into, found, unsigned)


async def _tree(tx: Tx, actor: Actor, code: str, part: int, words: str, today: str, now: str, waiting: Waiting | None) -> Tree:
    path = units.scope(actor)
    top = None if path == "/" else await units.by_id(tx, actor.unit_id)
    current = await units.in_care(tx, code, actor) if code else top
    found = await units.listed(tx, words=words, path=path, limit=FOUND) if words else []
    sheet = await sheet_of(tx, current, actor, now, waiting) if current else None
    silent = [] if current else (await units.without_secretary(tx, path))[:20]
    nodes = [] if words else await tree.tree(tx, top, current, part=part, today=today)
    return Tree(await units.counts(tx, path), nodes, found, sheet, silent)


async def _show(visit: Visit, code: str) -> Response:
    today = units.today_of(visit.now, visit.house.zone)
    words = visit.query("q")[:60]
    waiting: Waiting | None = visit.house.extra.get("waiting")
    view = await visit.read(_tree, visit.actor, code, number_of(visit, "part"), words, today, visit.now, waiting)
    return visit.render(
        "directory/units.html", view=view, words=words, levels=LEVELS, whole=units.scope(visit.actor) == "/",
        may_units=may(visit.actor.roles, Act.UNITS), area=AREA, parts=PARTS, most=FOUND,
    )  # fmt: skip


async def show_units(visit: Visit) -> Response:
    """GET /units?unit=&q=: the tree, and one unit."""
    return await _show(visit, clean(visit.query("unit"))[:40])


async def show_unit(visit: Visit) -> Response:
    """GET /units/{unit}: the same, with an address of its own."""
    return await _show(visit, unit_code(visit))


# --- the lists behind the counts --------------------------------------------------------------------------------------


async def all_units(visit: Visit) -> Response:
    """GET /units/all?q=&after=: every unit, closed ones too."""
    words, path = visit.query("q")[:60], units.scope(visit.actor)
    rows = await visit.read(
        units.listed, words=words, path=path, after=number_of(visit, "after"), limit=ROWS + 1, closed=True
    )  # fmt: skip
    return visit.render("directory/all_units.html", rows=rows[:ROWS], more=len(rows) > ROWS, words=words, levels=LEVELS)


async def all_people(visit: Visit) -> Response:
    """GET /units/people?q=&after=: everybody in post."""
    words, path = visit.query("q")[:60], units.scope(visit.actor)
    rows: list[Line] = await visit.read(
        people.of_page, words=words, path=path, after=number_of(visit, "after"), limit=ROWS + 1
    )  # fmt: skip
    return visit.render("directory/all_people.html", rows=rows[:ROWS], more=len(rows) > ROWS, words=words)


async def without_secretary(visit: Visit) -> Response:
    """GET /units/without-secretary: units in which nobody could sign."""
    rows = await visit.read(units.without_secretary, units.scope(visit.actor))
    return visit.render("directory/without_secretary.html", rows=rows[:LISTED], total=len(rows), levels=LEVELS)


async def unreachable(visit: Visit) -> Response:
    """GET /units/unreachable: people whom no SMS reaches."""
    rows = await visit.read(units.unreachable, units.scope(visit.actor), limit=500)
    return visit.render("directory/unreachable.html", rows=rows)


# --- making and changing ----------------------------------------------------------------------------------------------


def whole_number(visit: Visit, name: str, sentence: str, default: int = 0) -> int:
    """A form field as a whole number. Raises Invalid with `sentence`."""
    typed = visit.field(name)
    if not typed:
        return default
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 9):
        raise Invalid.one(name, sentence)
    return int(typed)


async def show_new_unit(visit: Visit) -> Response:
    """GET /units/new?parent=: the form."""
    return visit.render("directory/new_unit.html", parent=clean(visit.query("parent"))[:40], kinds=KINDS, levels=LEVELS)


async def new_unit(visit: Visit) -> Response:
    """POST /units/new."""
    code, parent = clean(visit.field("code")), clean(visit.field("parent"))
    level = whole_number(visit, "level", "级别是 1 市、2 县区、3 乡镇、4 村。")
    sort = whole_number(visit, "sort", "排序是 0 至 999999 的整数。", 1000)
    today = units.today_of(visit.now, visit.house.zone)

    async def act(tx: Tx) -> str:
        above = await units.exactly(tx, parent, "parent") if parent else None
        name, short = clean(visit.field("name")), clean(visit.field("short_name"))
        new = NewUnit(
            code, name, short or name, above.id if above else None, clean(visit.field("kind")), level,
            clean(visit.field("duty_phone")), sort,
        )  # fmt: skip
        await units.open_unit(tx, new, today=today, at=visit.now, by=visit.actor)
        return code

    await visit.write_once(act)
    return visit.see_other("unit", unit=code, flash=Flash("ok", visit.t("已加新单位。接着请加一名文书，公文才有人签收。")))


async def _care(visit: Visit) -> Unit:
    return await visit.read(units.in_care, unit_code(visit), visit.actor)


async def show_data(visit: Visit) -> Response:
    """GET /units/{unit}/data: short name, kind, initials, duty phone, order."""
    return visit.render("directory/unit_data.html", unit=await _care(visit), kinds=KINDS, levels=LEVELS)


async def data(visit: Visit) -> Response:
    """POST /units/{unit}/data."""
    sort = whole_number(visit, "sort", "排序是 0 至 999999 的整数。")

    async def act(tx: Tx) -> None:
        unit = await units.in_care(tx, unit_code(visit), visit.actor)
        await units.change(
            tx, unit, short_name=clean(visit.field("short_name")), kind=clean(visit.field("kind")),
            initials=clean(visit.field("initials")), duty_phone=clean(visit.field("duty_phone")), sort=sort,
            by=visit.actor, at=visit.now,
        )  # fmt: skip

    await visit.write(act)
    return visit.see_other("unit", unit=unit_code(visit), flash=Flash("ok", visit.t("资料已改。")))


async def show_change(visit: Visit) -> Response:
    """GET /units/{unit}/change: rename, merge or close."""
    return visit.render("directory/unit_change.html", unit=await _care(visit))


class Change(NamedTuple):
    """What renaming, merging or closing would concern."""

    unit: Unit
    toll: Toll
    waiting: int
    into: Unit | None
    found: list[Unit]
    names: list[NameThen]


async def _change(tx: Tx, code: str, actor: Actor, into: str, words: str, now: str, waiting: Waiting | None) -> Change:
    unit = await units.in_care(tx, code, actor)
    target = await units.exactly(tx, into, "into") if into else None
    if target and (target.kind == AREA or target.closed_on or target.id == unit.id):
        raise Invalid.one("into", "合并到的单位要是另一个在用的单位。")
    found = await units.search(tx, words) if words and not target else []
    found = [u for u in found if u.id != unit.id and not u.closed_on and u.kind != AREA]
    unsigned = await waiting(tx, unit.id, now) if waiting else 0
    return Change(unit, await units.toll(tx, unit), unsigned, target, found, await units.names(tx, unit.id))


async def _show_change(visit: Visit, template: str) -> Response:
    into = clean(visit.field("into") or visit.query("into"))[:40]
    waiting: Waiting | None = visit.house.extra.get("waiting")
    words = visit.query("q")[:60]
    view = await visit.read(_change, unit_code(visit), visit.actor, into, words, visit.now, waiting)
    return visit.render(template, view=view, words=words, today=units.today_of(visit.now, visit.house.zone))


async def show_name(visit: Visit) -> Response:
    """GET /units/{unit}/name: another name, from a date."""
    return await _show_change(visit, "directory/unit_name.html")


async def show_merging(visit: Visit) -> Response:
    """GET /units/{unit}/merging?q=&into=: first which unit, then what will happen."""
    return await _show_change(visit, "directory/unit_merging.html")


async def show_closing(visit: Visit) -> Response:
    """GET /units/{unit}/closing: what will happen."""
    return await _show_change(visit, "directory/unit_closing.html")


def typed_date(visit: Visit, field: str) -> str:
    """A typed local date, 2026-03-18. Raises Invalid."""
    typed = visit.field(field)
    try:
        return date.fromisoformat(typed if re.fullmatch(r"\d{4}-\d\d-\d\d", typed, re.ASCII) else "").isoformat()
    except ValueError:
        raise Invalid.one(field, "请填日期，例如 2026-03-18。") from None


async def rename(visit: Visit) -> Response:
    """POST /units/{unit}/name."""
    on, today = typed_date(visit, "on"), units.today_of(visit.now, visit.house.zone)

    async def act(tx: Tx) -> None:
        unit = await units.in_care(tx, unit_code(visit), visit.actor)
        name, short = clean(visit.field("name")), clean(visit.field("short_name"))
        await units.rename(tx, unit, name, short, on=on, today=today, by=visit.actor, at=visit.now)

    await visit.write(act)
    return visit.see_other("unit", unit=unit_code(visit), flash=Flash("ok", visit.t("已更名。之前的回执仍写原名。")))


async def _close(visit: Visit, into_code: str) -> None:
    on, today = typed_date(visit, "on"), units.today_of(visit.now, visit.house.zone)

    async def act(tx: Tx) -> None:
        unit = await units.in_care(tx, unit_code(visit), visit.actor)
        into = (await units.exactly(tx, into_code, "into")).id if into_code else None
        reason = clean(visit.field("reason"))
        await units.close(tx, unit, on=on, today=today, reason=reason, into=into, by=visit.actor, at=visit.now)

    await visit.write(act)


async def merge(visit: Visit) -> Response:
    """POST /units/{unit}/merging."""
    into = clean(visit.field("into"))[:40]
    if not into:
        raise Invalid.one("into", "请选合并到哪个单位。")
    await _close(visit, into)
    return visit.see_other("unit", unit=unit_code(visit), flash=Flash("ok", visit.t("已合并。历史公文和回执都留在原单位名下。")))


async def close(visit: Visit) -> Response:
    """POST /units/{unit}/closing."""
    await _close(visit, "")
    return visit.see_other("unit", unit=unit_code(visit), flash=Flash("ok", visit.t("已停用。历史公文和回执都还查得到。")))


Handler = Callable[[Visit], Awaitable[Response]]


def _get(path: str, handler: Handler, name: str, may: Act = Act.PEOPLE) -> Route:
    return Route(path, page(handler, may=may, here="units"), methods=["GET"], name=name)


def _post(path: str, handler: Handler, show: Handler, name: str) -> Route:
    return Route(path, page(handler, may=Act.UNITS, here="units", again=show), methods=["POST"], name=name)


routes = [
    _get("/units", show_units, "units"),
    _get("/units/all", all_units, "units_all"),
    _get("/units/people", all_people, "units_people"),
    _get("/units/without-secretary", without_secretary, "units_without_secretary"),
    _get("/units/unreachable", unreachable, "units_unreachable"),
    _get("/units/new", show_new_unit, "unit_new", Act.UNITS),
    _post("/units/new", new_unit, show_new_unit, "unit_new"),
    *import_pages.routes,
    *people_pages.routes,
    _get("/units/{unit}/data", show_data, "unit_data", Act.UNITS),
    _post("/units/{unit}/data", data, show_data, "unit_data"),
    _get("/units/{unit}/change", show_change, "unit_change", Act.UNITS),
    _get("/units/{unit}/name", show_name, "unit_name", Act.UNITS),
    _post("/units/{unit}/name", rename, show_name, "unit_name"),
    _get("/units/{unit}/merging", show_merging, "unit_merging", Act.UNITS),
    _post("/units/{unit}/merging", merge, show_merging, "unit_merging"),
    _get("/units/{unit}/closing", show_closing, "unit_closing", Act.UNITS),
    _post("/units/{unit}/closing", close, show_closing, "unit_closing"),
]
UNIT_ROUTE = _get("/units/{unit}", show_unit, "unit")  # stands behind every other path below /units
