"""发文范围: named sets of units and groups, and how a list of recipients becomes a frozen list of units.

    addressed = await resolve(tx, Wanted(groups=(3, 8), units=("6208000003",), without=("6208000009",)), owner=unit_id, today=…)

The answer is frozen: names and members of groups may change afterwards, what was sent to whom does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ground import audit
from ground.db import Tx
from ground.directory import queries as q
from ground.directory import units
from ground.directory.directory import Actor, Group, Unit
from ground.errors import Invalid, NotFound, Refused


class Wanted(NamedTuple):
    """Recipients as asked for: groups by id, units by code, and units left out."""

    groups: tuple[int, ...] = ()
    units: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class Addressed(NamedTuple):
    """Recipients as found: open units in the tree's order, and what could not be taken."""

    units: list[Unit]
    closed: list[Unit]
    repeated: int
    unknown: list[str]


class Match(NamedTuple):
    """A pasted line and the units it may mean (one: found; none: not understood; several: choose)."""

    line: str
    units: list[Unit]


async def for_unit(tx: Tx, unit: int) -> list[Group]:
    """The groups a unit may use: the city's and its own."""
    return await tx.all(q.GROUPS_FOR, Group, unit=unit)


async def find(tx: Tx, id: int, unit: int) -> Group:
    """A group the unit may use. Raises NotFound."""
    group = await tx.one(q.GROUP_BY_ID, Group, id=id, unit=unit)
    if group is None:
        raise NotFound("没有这个发文范围。")
    return group


async def members(tx: Tx) -> dict[int, set[int]]:
    """Every group's units, nested groups included; a group in a circle counts once. An area stands for itself here."""
    direct: dict[int, set[int]] = {}
    for group, unit in await tx.all(q.GROUP_UNITS_ALL, lambda g, u: (int(g), int(u))):
        direct.setdefault(group, set()).add(unit)
    nested = await _nested(tx)
    return {group: _flat(group, direct, nested) for group in direct.keys() | nested.keys()}


async def _nested(tx: Tx) -> dict[int, set[int]]:
    nested: dict[int, set[int]] = {}
    for group, child in await tx.all(q.GROUP_GROUPS_ALL, lambda g, c: (int(g), int(c))):
        nested.setdefault(group, set()).add(child)
    return nested


async def frozen(tx: Tx, today: str) -> dict[int, frozenset[int]]:
    """What each group would freeze to now: open units with an inbox; an area means all of them below it."""
    spread = _Spread(await units.everyone(tx), today)
    return {group: frozenset(spread.open_of(ids)) for group, ids in (await members(tx)).items()}


class _Spread:
    """Turns areas into the units below them, and tells open units from closed ones."""

    def __init__(self, everyone: list[Unit], today: str) -> None:
        self.by_id = {u.id: u for u in everyone}
        self.closed = {u.id for u in everyone if u.closed_on and u.closed_on <= today}
        self._below: dict[int, list[int]] = {}
        for unit in everyone:
            if unit.kind != units.AREA and unit.id not in self.closed:
                for area in unit.path.strip("/").split("/")[:-1]:
                    self._below.setdefault(int(area), []).append(unit.id)

    def all_of(self, ids: Iterable[int]) -> list[int]:
        """The ids with areas spread out; those of closed units stay, to be told apart."""
        found: list[int] = []
        for id in ids:
            found += self._below.get(id, []) if self.by_id[id].kind == units.AREA else [id]
        return found

    def open_of(self, ids: Iterable[int]) -> set[int]:
        """The open units that `ids` mean."""
        return set(self.all_of(ids)) - self.closed


def _flat(group: int, direct: dict[int, set[int]], nested: dict[int, set[int]]) -> set[int]:
    seen, todo, found = set[int](), [group], set[int]()
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            found |= direct.get(one, set())
            todo.extend(nested.get(one, ()))
    return found


async def resolve(tx: Tx, wanted: Wanted, *, owner: int, today: str) -> Addressed:
    """The units that `wanted` means now. An area (区划) means every open unit below it, wanted or left out.

    Args:
        owner: the sending unit: it may use the city's groups and its own; another unit's group is unknown to it.
        today: local date; units closed by then are told apart.
    """
    spread = _Spread(await units.everyone(tx), today)
    by_code = {u.code: u.id for u in spread.by_id.values()}
    usable = {g.id for g in await for_unit(tx, owner)}
    flat = await members(tx)
    unknown = [str(g) for g in wanted.groups if g not in usable]
    unknown += [code for code in (*wanted.units, *wanted.without) if code not in by_code]
    named = spread.all_of(id for g in wanted.groups if g in usable for id in flat.get(g, ()))
    named += spread.all_of(by_code[code] for code in wanted.units if code in by_code)
    without = set(spread.all_of(by_code[code] for code in wanted.without if code in by_code))
    chosen = [spread.by_id[id] for id in dict.fromkeys(named) if id not in without]
    chosen.sort(key=lambda u: (u.level, u.sort, u.id))
    open_ones = [u for u in chosen if u.id not in spread.closed]
    closed = [u for u in chosen if u.id in spread.closed]
    return Addressed(open_ones, closed, len(named) - len(set(named)), unknown)


async def match(tx: Tx, lines: Iterable[str], *, today: str) -> list[Match]:
    """What each pasted line means: full name, short name or code exactly; else the one unit that contains it."""
    everyone = [u for u in await units.everyone(tx, today=today) if u.kind != units.AREA]
    exact: dict[str, list[Unit]] = {}
    for unit in everyone:
        for key in {unit.name, unit.short_name, unit.code}:
            exact.setdefault(key, []).append(unit)
    found = []
    for raw in lines:
        line = raw.strip(" \t\r,;，；、。")
        if line:
            found.append(Match(line, exact.get(line) or [u for u in everyone if line in u.name][:8]))
    return found


async def open_group(tx: Tx, name: str, *, owner: int | None, by: Actor | None, at: str, sort: int = 100) -> int:
    """Make a group; its id. Raises Invalid."""
    name = await _free_name(tx, name, owner, 0)
    id = int(await tx.value(q.GROUP_INSERT, name=name, owner=owner, sort=sort, at=at))
    await _note(tx, "group_opened", id, by, at, name)
    return id


async def _free_name(tx: Tx, name: str, owner: int | None, own_id: int) -> str:
    """The name tidied. Raises Invalid when it is empty, too long, or another group's of the same owner."""
    name = name.strip()
    if not name or len(name) > 60:
        raise Invalid.one("name", "请填发文范围的名称，不超过 60 个字。")
    taken = await for_unit(tx, owner) if owner is not None else await tx.all(q.GROUPS_CITY, Group)
    if any(g.name == name and g.owner_unit == owner and g.id != own_id for g in taken):
        raise Invalid.one("name", "已有同名的发文范围，请换一个名称。")
    return name


async def set_members(
    tx: Tx, group: Group, name: str, unit_ids: Iterable[int], child_ids: Iterable[int], *, by: Actor | None, at: str
) -> int:
    """Replace a group's name and members; how many members it now means. What was sent before is not touched.

    Raises:
        Refused: the group would contain itself. Invalid: no name, or one that is taken.
    """
    name = await _free_name(tx, name, group.owner_unit, group.id)
    await tx.run(q.GROUP_RENAME, id=group.id, name=name)
    await tx.run(q.GROUP_UNITS_CLEAR, group=group.id)
    await tx.run(q.GROUP_GROUPS_CLEAR, group=group.id)
    await tx.many(q.GROUP_UNIT_PUT, [{"group": group.id, "unit": unit} for unit in unit_ids])
    await tx.many(q.GROUP_GROUP_PUT, [{"group": group.id, "child": child} for child in child_ids])
    if await _circular(tx, group.id):
        raise Refused("发文范围不能包含它自己。请去掉套在里面的那一个。")
    await _note(tx, "group_changed", group.id, by, at, name)
    return len((await members(tx)).get(group.id, ()))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Recipients as the picker shows them (macros/picker.html)."""

    groups: tuple[int, ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    excepts: tuple[tuple[str, str], ...] = ()
    pasted: str = ""
    count: int = 0


async def contents(tx: Tx, group: Group, today: str) -> Chosen:
    """A group's own units and nested groups, as the picker shows them."""
    by_id = {u.id: u for u in await units.everyone(tx)}
    own = [by_id[id] for id in await tx.all(q.GROUP_UNITS, int, group=group.id)]
    own.sort(key=lambda u: (u.level, u.sort, u.id))
    nested = await tx.all(q.GROUP_CHILDREN, int, group=group.id)
    count = len((await frozen(tx, today)).get(group.id, ()))
    return Chosen(tuple(nested), tuple((u.code, u.short_name) for u in own), (), "", count)


async def _circular(tx: Tx, group: int) -> bool:
    nested = await _nested(tx)
    seen, todo = set[int](), list(nested.get(group, ()))
    while todo:
        one = todo.pop()
        if one == group:
            return True
        if one not in seen:
            seen.add(one)
            todo.extend(nested.get(one, ()))
    return False


def may_change(group: Group, actor: Actor) -> bool:
    """The city's groups are the operator's; a unit's own are the unit's."""
    if group.owner_unit is None:
        return "operator" in actor.roles
    return group.owner_unit == actor.unit_id


async def close(tx: Tx, group: Group, *, by: Actor, at: str) -> None:
    """Retire a group. Raises Refused, also while another group contains it."""
    holders = await tx.all(q.GROUP_HOLDERS, str, group=group.id)
    if holders:
        raise Refused("“{names}”里还套着它，请先从那里去掉。", names="、".join(holders[:5]))
    if await tx.run(q.GROUP_CLOSE, id=group.id, at=at) != 1:
        raise Refused("这个发文范围已经停用了。")
    await _note(tx, "group_closed", group.id, by, at, group.name)


async def _note(tx: Tx, act: str, group: int, by: Actor | None, at: str, detail: str) -> None:
    doer, unit, address = (by.person_id, by.unit_id, by.address) if by else (0, 0, "")
    await audit.note(tx, act, f"group:{group}", at=at, person=doer, unit=unit, detail=detail, address=address)
