"""The tree of units as pages show it: what lies on the way to one unit is unfolded, nothing of the rest is rendered."""

from typing import NamedTuple

from ground.db import Tx
from ground.directory import queries as q
from ground.directory.directory import Unit
from ground.directory.units import AREA, child_counts, children

FOLD = 12  # more units of one level directly below an area stand behind one line: 县直单位 78


class Node(NamedTuple):
    """One line of the tree as it is shown: a unit, or with `part` the units of that level directly below it."""

    unit: Unit
    depth: int
    unfolded: bool
    leaf: bool
    number: int  # of a branch: open units below; of a leaf: people in post
    warn: bool = False  # no secretary there whom an SMS reaches
    part: int = 0


class Branch(NamedTuple):
    """A unit, and what is below it, for the picker's tree."""

    unit: Unit
    children: int
    units: int
    below: frozenset[int]


class _Wish(NamedTuple):
    """What is to be seen: the unit, the ids on the way to it, the level that is unfolded below it."""

    current: Unit | None
    way: frozenset[int]
    part: int


async def _below(tx: Tx, today: str) -> dict[int, set[int]]:
    """For each unit, the ids of the open units below it that have an inbox."""
    found: dict[int, set[int]] = {}
    for id, path, kind in await tx.all(q.UNIT_PATHS, lambda *c: c, today=today):
        for above_it in path.strip("/").split("/")[:-1] if kind != AREA else ():
            found.setdefault(int(above_it), set()).add(int(id))
    return found


async def tree(tx: Tx, top: Unit | None, current: Unit | None, *, part: int, today: str) -> list[Node]:
    """The tree with the branches on the way to `current` unfolded, and nothing of the others.

    Args:
        top: the only root for those who look after a part of the tree; None for the whole.
        part: the level that is unfolded directly below `current`, 0 for none.
    """
    below = await _below(tx, today)
    way = {int(id) for id in current.path.strip("/").split("/")} if current else set[int]()
    roots = [top] if top else [u for u in await children(tx, None) if not u.closed_on or u == current]
    if len(roots) == 1:
        way.add(roots[0].id)
    wish = _Wish(current, frozenset(way), part)
    nodes: list[Node] = []
    for root in roots:
        await _branch(tx, nodes, root, 0, wish, below)
    return nodes


async def _branch(tx: Tx, nodes: list[Node], unit: Unit, depth: int, wish: _Wish, below: dict[int, set[int]]) -> None:
    """The unit's line, and when it is on the way, what is directly below it."""
    leaf = unit.id not in below and unit.kind != AREA
    unfolded = unit.id in wish.way and not leaf
    nodes.append(Node(unit, depth, unfolded, leaf, len(below.get(unit.id, ()))))
    if not unfolded:
        return
    level = [u for u in await children(tx, unit.id) if not u.closed_on or u == wish.current]
    leaves: dict[int, list[Unit]] = {}
    for child in level:
        if child.id not in below and child.kind != AREA:
            leaves.setdefault(child.level, []).append(child)
    for part, members in sorted(leaves.items()):
        if len(members) <= FOLD:
            await _leaves(tx, nodes, members, depth + 1)
            continue
        shown = wish.current in members or (wish.current == unit and wish.part == part)
        nodes.append(Node(unit, depth + 1, shown, leaf=False, number=len(members), part=part))
        if shown:
            await _leaves(tx, nodes, members, depth + 2)
    for child in level:
        if child.id in below or child.kind == AREA:
            await _branch(tx, nodes, child, depth + 1, wish, below)


async def _leaves(tx: Tx, nodes: list[Node], members: list[Unit], depth: int) -> None:
    parent = members[0].parent_id
    staff = dict(await tx.all(q.STAFF_BELOW_PARENT, lambda u, n: (int(u), int(n)), parent=parent))
    warn = set(await tx.all(q.UNREACHED_BELOW_PARENT, int, parent=parent))
    nodes += [Node(u, depth, unfolded=False, leaf=True, number=staff.get(u.id, 0), warn=u.id in warn) for u in members]


async def branches(tx: Tx, parent: int | None, *, today: str) -> list[Branch]:
    """The open units directly below, each with how much is under it."""
    below = await _below(tx, today)
    numbers = await child_counts(tx)
    level = [u for u in await children(tx, parent) if not u.closed_on or u.closed_on > today]
    return [Branch(u, numbers.get(u.id, 0), len(below.get(u.id, ())), frozenset(below.get(u.id, ()))) for u in level]
