"""发文范围: named sets of units and groups, and how a list of recipients becomes a frozen list of units.

    addressed = await resolve(tx, Wanted(groups=(3, 8), units=("6208000003",), without=("6208000009",)), owner=unit_id, today=…)

The answer is frozen: names and members of groups may change afterwards, what was sent to whom does not.
"""

from collections.abc import Iterable
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
    """Every group's units, nested groups included; a group in a circle counts once."""
    direct: dict[int, set[int]] = {}
    for group, unit in await tx.all(q.GROUP_UNITS_ALL, lambda g, u: (int(g), int(u))):
        direct.setdefault(group, set()).add(unit)
    nested: dict[int, set[int]] = {}
    for group, child in await tx.all(q.GROUP_GROUPS_ALL, lambda g, c: (int(g), int(c))):
        nested.setdefault(group, set()).add(child)
    return {group: _flat(group, direct, nested) for group in direct.keys() | nested.keys()}


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
    """The units that `wanted` means now.

    Args:
        owner: the sending unit: it may use the city's groups and its own; another unit's group is unknown to it.
        today: local date; units closed by then are told apart.
    """
    by_id = {u.id: u for u in await units.everyone(tx)}
    by_code = {u.code: u for u in by_id.values()}
    usable = {g.id for g in await for_unit(tx, owner)}
    flat = await members(tx)
    unknown = [str(g) for g in wanted.groups if g not in usable]
    unknown += [code for code in (*wanted.units, *wanted.without) if code not in by_code]
    named: list[int] = [id for g in wanted.groups if g in usable for id in flat.get(g, ())]
    named += [by_code[code].id for code in wanted.units if code in by_code]
    without = {by_code[code].id for code in wanted.without if code in by_code}
    ids = [id for id in dict.fromkeys(named) if id not in without]
    chosen = [by_id[id] for id in ids if by_id[id].kind != units.AREA]
    chosen.sort(key=lambda u: (u.level, u.sort, u.id))
    open_ones = [u for u in chosen if not u.closed_on or u.closed_on > today]
    closed = [u for u in chosen if u.closed_on and u.closed_on <= today]
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
    name = name.strip()
    if not name or len(name) > 60:
        raise Invalid.one("name", "请填发文范围的名称，不超过 60 个字。")
    taken = await for_unit(tx, owner) if owner is not None else await tx.all(q.GROUPS_CITY, Group)
    if any(g.name == name and g.owner_unit == owner for g in taken):
        raise Invalid.one("name", "已有同名的发文范围，请换一个名称。")
    id = int(await tx.value(q.GROUP_INSERT, name=name, owner=owner, sort=sort, at=at))
    await _note(tx, "group_opened", id, by, at, name)
    return id


async def set_members(
    tx: Tx, group: Group, name: str, unit_ids: Iterable[int], child_ids: Iterable[int], *, by: Actor | None, at: str
) -> int:
    """Replace a group's name and members; how many units it now means. What was sent before is not touched.

    Raises:
        Refused: the group would contain itself. Invalid: no name.
    """
    name = name.strip()
    if not name or len(name) > 60:
        raise Invalid.one("name", "请填发文范围的名称，不超过 60 个字。")
    await tx.run(q.GROUP_RENAME, id=group.id, name=name)
    await tx.run(q.GROUP_UNITS_CLEAR, group=group.id)
    await tx.run(q.GROUP_GROUPS_CLEAR, group=group.id)
    await tx.many(q.GROUP_UNIT_PUT, [{"group": group.id, "unit": unit} for unit in unit_ids])
    await tx.many(q.GROUP_GROUP_PUT, [{"group": group.id, "child": child} for child in child_ids])
    if await _circular(tx, group.id):
        raise Refused("发文范围不能包含它自己。请去掉套在里面的那一个。")
    await _note(tx, "group_changed", group.id, by, at, name)
    return len((await members(tx)).get(group.id, ()))


async def _circular(tx: Tx, group: int) -> bool:
    nested: dict[int, set[int]] = {}
    for parent, child in await tx.all(q.GROUP_GROUPS_ALL, lambda g, c: (int(g), int(c))):
        nested.setdefault(parent, set()).add(child)
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
    """Retire a group. Raises Refused."""
    if await tx.run(q.GROUP_CLOSE, id=group.id, at=at) != 1:
        raise Refused("这个发文范围已经停用了。")
    await _note(tx, "group_closed", group.id, by, at, group.name)


async def _note(tx: Tx, act: str, group: int, by: Actor | None, at: str, detail: str) -> None:
    doer, unit, address = (by.person_id, by.unit_id, by.address) if by else (0, 0, "")
    await audit.note(tx, act, f"group:{group}", at=at, person=doer, unit=unit, detail=detail, address=address)
