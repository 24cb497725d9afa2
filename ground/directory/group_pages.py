"""发文范围: the city's groups and the unit's own; and the JSON that the recipient picker (static/js/picker.js) asks for."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory import groups, tree, units
from ground.directory.directory import Actor, Group, Unit
from ground.directory.groups import Chosen, Wanted
from ground.directory.policy import Act
from ground.directory.tables import clean
from ground.errors import Invalid, NotFound, Refused
from ground.visit import Flash, Visit
from ground.web import page

MOST_LINES = 3000
MOST_NAMED = 6000


class Row(NamedTuple):
    """One group in the list."""

    group: Group
    units: int
    nested: int
    may_change: bool


class Form(NamedTuple):
    """The form of one group."""

    group: Group | None
    offered: list[tuple[int, str, int]]
    chosen: Chosen
    may_change: bool
    units: list[Unit]


async def _list(tx: Tx, actor: Actor, today: str) -> list[Row]:
    frozen = await groups.frozen(tx, today)
    rows = []
    for group in await groups.for_unit(tx, actor.unit_id):
        inside = await groups.contents(tx, group, today)
        rows.append(Row(group, len(frozen.get(group.id, ())), len(inside.groups), groups.may_change(group, actor)))
    return rows


def _today(visit: Visit) -> str:
    return units.today_of(visit.now, visit.house.zone)


async def show_groups(visit: Visit) -> Response:
    """GET /groups: the city's and our own."""
    rows = await visit.read(_list, visit.actor, _today(visit))
    return visit.render("directory/groups.html", rows=rows)


async def _form(tx: Tx, actor: Actor, id: int, today: str) -> Form:
    group = await groups.find(tx, id, actor.unit_id) if id else None
    frozen = await groups.frozen(tx, today)
    usable = [g for g in await groups.for_unit(tx, actor.unit_id) if g.id != id]
    if group is not None and group.owner_unit is None:
        usable = [g for g in usable if g.owner_unit is None]  # the city's groups hold none of a single unit
    offered = [(g.id, g.name, len(frozen.get(g.id, ()))) for g in usable]
    chosen = await groups.contents(tx, group, today) if group else Chosen()
    by_id = {u.id: u for u in await units.everyone(tx)} if group else {}
    members = sorted((by_id[i] for i in (frozen.get(id, ()) if group else ())), key=lambda u: (u.level, u.sort, u.id))
    return Form(group, offered, chosen, groups.may_change(group, actor) if group else True, members)


def _typed(visit: Visit, chosen: Chosen) -> Chosen:
    """What was ticked and pasted, when the form comes back refused."""
    if visit.refused is None:
        return chosen
    known = dict(chosen.units)
    picked = tuple((code, known.get(code, code)) for code in map(clean, visit.fields("unit")[:MOST_NAMED]))
    return Chosen(tuple(_ids(visit.fields("group"))), picked, (), visit.field("pasted")[:100_000], chosen.count)


async def show_group(visit: Visit) -> Response:
    """GET /groups/{group}: name and members."""
    view = await visit.read(_form, visit.actor, visit.number("group"), _today(visit))
    return visit.render("directory/group.html", view=view, chosen=_typed(visit, view.chosen), city=False)


async def show_new_group(visit: Visit) -> Response:
    """GET /groups/new: the form."""
    view = await visit.read(_form, visit.actor, 0, _today(visit))
    chosen, city = _typed(visit, view.chosen), "operator" in visit.actor.roles
    return visit.render("directory/group.html", view=view, chosen=chosen, city=city)


def _ids(texts: Iterable[str]) -> list[int]:
    return [int(t) for t in texts if t.isascii() and t.isdigit() and len(t) <= 15]


async def _members(tx: Tx, visit: Visit, today: str) -> tuple[list[int], list[int]]:
    """The ids of the units and groups that were chosen. Raises Invalid for lines that name no unit."""
    if visit.fields("except") or visit.field("except_pasted"):
        raise Invalid.one("to", "发文范围里不能写“除去”。请去掉套着的范围，改选单位；或在发文时再除去。")
    codes = {clean(code) for code in visit.fields("unit")}
    by_code = {u.code: u.id for u in await units.everyone(tx)}
    if not codes <= by_code.keys():
        raise Invalid.one("to", "有的单位已经不在了，请重新选。")
    ids = [by_code[code] for code in codes]
    lines = [clean(line) for line in visit.field("pasted").splitlines()]
    if len(lines) > MOST_LINES:
        raise Invalid.one("to", "一次最多粘贴 3000 行。")
    for found in await groups.match(tx, lines, today=today):
        if len(found.units) != 1:
            raise Refused("没有对上：“{line}”。请写全称或代码。", line=found.line[:60])
        ids.append(found.units[0].id)
    usable = {g.id for g in await groups.for_unit(tx, visit.actor.unit_id)}
    nested = [id for id in _ids(visit.fields("group")) if id in usable]
    return list(dict.fromkeys(ids)), nested


async def _save(tx: Tx, visit: Visit, group: Group, today: str) -> str:
    unit_ids, nested = await _members(tx, visit, today)
    if group.owner_unit is None:
        own = {g.id for g in await groups.for_unit(tx, visit.actor.unit_id) if g.owner_unit is not None}
        nested = [id for id in nested if id not in own]
    await groups.set_members(tx, group, clean(visit.field("name")), unit_ids, nested, by=visit.actor, at=visit.now)
    return str(len((await groups.frozen(tx, today)).get(group.id, ())))


def _saved(visit: Visit, count: str) -> Response:
    return visit.see_other("groups", flash=Flash("ok", visit.t("已保存，现在是 {n} 个单位。发过的不变。", n=count)))


async def new_group(visit: Visit) -> Response:
    """POST /groups/new: the city's (operators) or our own."""
    city = visit.field("owner") == "city" and "operator" in visit.actor.roles
    owner = None if city else visit.actor.unit_id

    async def act(tx: Tx) -> str:
        name = clean(visit.field("name"))
        id = await groups.open_group(tx, name, owner=owner, by=visit.actor, at=visit.now)
        return await _save(tx, visit, Group(id, name, owner, 100), _today(visit))

    return _saved(visit, await visit.write_once(act))


async def _own(tx: Tx, visit: Visit) -> Group:
    group = await groups.find(tx, visit.number("group"), visit.actor.unit_id)
    if not groups.may_change(group, visit.actor):
        raise NotFound("全市的发文范围由系统管理员维护。")
    return group


async def group_data(visit: Visit) -> Response:
    """POST /groups/{group}: another name, other members; what was sent before stays as it was."""

    async def act(tx: Tx) -> str:
        return await _save(tx, visit, await _own(tx, visit), _today(visit))

    return _saved(visit, await visit.write(act))


async def show_closing(visit: Visit) -> Response:
    """GET /groups/{group}/closing: what will happen."""
    view = await visit.read(_form, visit.actor, visit.number("group"), _today(visit))
    if not view.may_change:
        raise NotFound("全市的发文范围由系统管理员维护。")
    return visit.render("directory/group_closing.html", view=view)


async def close(visit: Visit) -> Response:
    """POST /groups/{group}/closing."""

    async def act(tx: Tx) -> None:
        await groups.close(tx, await _own(tx, visit), by=visit.actor, at=visit.now)

    await visit.write(act)
    return visit.see_other("groups", flash=Flash("ok", visit.t("已停用。发过的不变。")))


# --- what the picker asks ---------------------------------------------------------------------------------------------


async def _search(tx: Tx, words: str, today: str) -> list[dict[str, Any]]:
    everyone = {u.id: u for u in await units.everyone(tx)}
    found = [u for u in await units.search(tx, words) if not u.closed_on or u.closed_on > today]
    return [
        {"code": u.code, "name": u.name, "short_name": u.short_name, "level": u.level, "path": _way(u, everyone)} for u in found
    ]


def _way(unit: Unit, everyone: dict[int, Unit]) -> str:
    """The short names above a unit, the root left out: 静宁县 乡镇."""
    return " ".join(everyone[int(id)].short_name for id in unit.path.strip("/").split("/")[1:-1])


async def search(visit: Visit) -> Response:
    """GET /units/search?q=: units by name, pinyin, initials or code."""
    return JSONResponse(await visit.read(_search, visit.query("q")[:60], _today(visit)))


def _leaf(unit: Unit, children: int, number: int, group: int | None) -> dict[str, Any]:
    return {
        "code": unit.code, "name": unit.name, "short_name": unit.short_name, "level": unit.level, "children": children,
        "units": number, "group": None if group is None else str(group),
    }  # fmt: skip


async def _children(tx: Tx, actor: Actor, parent: str, group: str, today: str) -> list[dict[str, Any]]:
    frozen = await groups.frozen(tx, today)
    usable = [g.id for g in await groups.for_unit(tx, actor.unit_id)]
    if group:
        wanted = _ids([group])
        if not wanted or wanted[0] not in usable:
            raise NotFound("没有这个发文范围。")
        by_id = {u.id: u for u in await units.everyone(tx)}
        inside = sorted((by_id[id] for id in frozen.get(wanted[0], ())), key=lambda u: (u.level, u.sort, u.id))
        return [_leaf(u, 0, 1, None) for u in inside]
    top = (await units.by_code(tx, parent)).id if parent else None
    meant = {frozen.get(id, frozenset()): id for id in reversed(usable)}
    return [
        _leaf(b.unit, b.children, b.units, meant.get(b.below) if b.below else None)
        for b in await tree.branches(tx, top, today=today)
    ]


async def children(visit: Visit) -> Response:
    """GET /units/children?parent=CODE, or ?group=ID: the branch below a unit, or the units of a group."""
    parent, group = clean(visit.query("parent"))[:40], visit.query("group")
    return JSONResponse(await visit.read(_children, visit.actor, parent, group, _today(visit)))


async def _match(tx: Tx, lines: list[str], today: str) -> dict[str, Any]:
    everyone = {u.id: u for u in await units.everyone(tx)}
    answer: dict[str, Any] = {"found": [], "unknown": [], "ambiguous": []}
    for line, meant in await groups.match(tx, lines, today=today):
        if not meant:
            answer["unknown"].append(line)
        elif len(meant) == 1:
            answer["found"].append({"line": line, "code": meant[0].code, "short_name": meant[0].short_name})
        else:
            choices = [{"code": u.code, "short_name": u.short_name, "path": _way(u, everyone)} for u in meant]
            answer["ambiguous"].append({"line": line, "choices": choices})
    return answer


async def match(visit: Visit) -> Response:
    """POST /units/match pasted=…: which units a pasted list means, line by line."""
    lines = list(dict.fromkeys(clean(line)[:200] for line in visit.field("pasted").splitlines()))
    if len(lines) > MOST_LINES:
        raise Invalid.one("pasted", "一次最多粘贴 3000 行。")
    return JSONResponse(await visit.read(_match, lines, _today(visit)))


async def _count(tx: Tx, owner: int, main: Wanted, copy: Wanted, today: str) -> dict[str, int]:
    to = {u.id for u in (await groups.resolve(tx, main, owner=owner, today=today)).units}
    cc = {u.id for u in (await groups.resolve(tx, copy, owner=owner, today=today)).units} - to
    return {"count": len(to), "cc": len(cc), "total": len(to | cc)}


def _wanted(visit: Visit, prefix: str) -> Wanted:
    asked = visit.request.query_params
    codes, without = ([clean(c)[:40] for c in asked.getlist(prefix + k)[:MOST_NAMED]] for k in ("unit", "except"))
    return Wanted(tuple(_ids(asked.getlist(prefix + "group")[:MOST_NAMED])), tuple(codes), tuple(without))


async def count(visit: Visit) -> Response:
    """GET /units/count?group=&unit=&except=&cc_group=…: how many units would receive, each once."""
    return JSONResponse(await visit.read(_count, visit.actor.unit_id, _wanted(visit, ""), _wanted(visit, "cc_"), _today(visit)))


routes = [
    Route("/groups", page(show_groups, may=Act.GROUPS, here="groups"), methods=["GET"], name="groups"),
    Route("/groups/new", page(show_new_group, may=Act.GROUPS, here="groups"), methods=["GET"], name="group_new"),
    Route(
        "/groups/new", page(new_group, may=Act.GROUPS, here="groups", again=show_new_group), methods=["POST"], name="group_new"
    ),
    Route("/groups/{group}", page(show_group, may=Act.GROUPS, here="groups"), methods=["GET"], name="group"),
    Route("/groups/{group}", page(group_data, may=Act.GROUPS, here="groups", again=show_group), methods=["POST"], name="group"),
    Route("/groups/{group}/closing", page(show_closing, may=Act.GROUPS, here="groups"), methods=["GET"], name="group_closing"),
    Route(
        "/groups/{group}/closing",
        page(close, may=Act.GROUPS, here="groups", again=show_closing),
        methods=["POST"],
        name="group_closing",
    ),
    Route("/units/search", page(search, may=Act.SIGNED_IN, part=True), methods=["GET"], name="units_search"),
    Route("/units/children", page(children, may=Act.SIGNED_IN, part=True), methods=["GET"], name="units_children"),
    Route("/units/match", page(match, may=Act.SIGNED_IN, part=True), methods=["POST"], name="units_match"),
    Route("/units/count", page(count, may=Act.SIGNED_IN, part=True), methods=["GET"], name="units_count"),
]
