"""Importing names from a spreadsheet: the database half. What a file would do is decided by `importing`; here it is done.

    bytes → (thread) table → one transaction: what is there → plan → nothing while a row is bad, else everything

    report = await units(db, data, "名录.xlsx", dry_run=True, today="2026-03-18", at=now)

A dry run is a read. Sign-in needs a password, which an import never gives: the unit's administrator sets the first one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from ground import audit
from ground.db import Database, Tx
from ground.directory import groups as grouping
from ground.directory import importing, pinyin
from ground.directory import queries as q
from ground.directory.directory import Actor, Group, Person, Post, Unit
from ground.directory.importing import BadRow, ExistingPerson, ExistingUnit, GroupRow, PersonRow, Plan, UnitRow
from ground.directory.tables import BadTable, Table, read_table
from ground.directory.units import AREA, RESERVED
from ground.errors import Invalid


class Report(NamedTuple):
    """What an import did, or in a dry run would do. With any row in `bad`, nothing was done."""

    added: int
    changed: int
    left: int
    bad: list[BadRow]

    @property
    def total(self) -> int:
        """Rows that could be taken."""
        return self.added + self.changed + self.left

    def summary(self, what: str) -> str:
        """One line for a command: `972 units: 972 added, 0 changed, 0 left`."""
        line = f"{self.total} {what}: {self.added} added, {self.changed} changed, {self.left} left"
        return f"{line}; {len(self.bad)} bad rows, nothing was imported" if self.bad else line


class Order(NamedTuple):
    """How an import is to be done."""

    dry_run: bool
    today: str  # local date: new units open and new names begin
    at: str
    by: Actor | None
    joined: bool


Work = Callable[[Tx, Table, Order], Awaitable[Report]]


async def units(
    db: Database, data: bytes, filename: str, *, dry_run: bool, today: str, at: str, by: Actor | None = None, joined: bool = False
) -> Report:
    """Import the tree of units. Raises Invalid when the file is no table."""
    return await _run(db, data, filename, _units, Order(dry_run, today, at, by, joined))


async def people(
    db: Database, data: bytes, filename: str, *, dry_run: bool, today: str, at: str, by: Actor | None = None, joined: bool = False
) -> Report:
    """Import people and their posts. Raises Invalid when the file is no table."""
    return await _run(db, data, filename, _people, Order(dry_run, today, at, by, joined))


async def groups(
    db: Database, data: bytes, filename: str, *, dry_run: bool, today: str, at: str, by: Actor | None = None, joined: bool = False
) -> Report:
    """Import the city's groups. Raises Invalid when the file is no table."""
    return await _run(db, data, filename, _groups, Order(dry_run, today, at, by, joined))


KINDS = {"units": units, "people": people, "groups": groups}


async def _run(db: Database, data: bytes, filename: str, work: Work, order: Order) -> Report:
    try:
        table = await asyncio.to_thread(read_table, data, filename)
    except BadTable as error:
        raise Invalid.one("file", str(error)) from None
    if order.dry_run:
        return await db.read(work, table, order)
    return await db.write(work, table, order)


def _report(plan: Plan[UnitRow] | Plan[PersonRow] | Plan[GroupRow]) -> Report:
    return Report(len(plan.added), len(plan.changed), len(plan.left), plan.bad)


async def _note(tx: Tx, what: str, report: Report, order: Order) -> None:
    by = order.by
    doer, unit, address = (by.person_id, by.unit_id, by.address) if by else (0, 0, "")
    await audit.note(tx, "imported", what, at=order.at, person=doer, unit=unit, detail=report.summary(what), address=address)


# --- units ------------------------------------------------------------------------------------------------------------


async def _units(tx: Tx, table: Table, order: Order) -> Report:
    there = {u.code: u for u in await tx.all(q.UNITS_ALL, Unit)}
    codes = {u.id: u.code for u in there.values()}
    existing = {
        u.code: ExistingUnit(u.code, u.name, u.short_name, codes[u.parent_id] if u.parent_id else "", u.kind, u.level)
        for u in there.values()
    }
    plan = importing.units(table, existing)
    bad = plan.bad + [BadRow(u.row, "代码与系统自己的地址相同，请换一个。", {}) for u in plan.added if u.code in RESERVED]
    report = _report(plan)._replace(bad=bad)
    if order.dry_run or bad:
        return report
    ids = {code: unit.id for code, unit in there.items()}
    await _add_units(tx, plan.added, ids, order)
    await _change_units(tx, plan.changed, there, ids, order)
    await _set_paths(tx)
    await _note(tx, "units", report, order)
    return report


async def _add_units(tx: Tx, added: Sequence[UnitRow], ids: dict[str, int], order: Order) -> None:
    """Insert new units, parents first; their paths are set afterwards."""
    for unit in added:
        short = unit.short_name or unit.name[:60]
        ids[unit.code] = int(
            await tx.value(
                q.UNIT_INSERT, code=unit.code, name=unit.name, short_name=short, parent_id=ids.get(unit.parent_code), path="",
                kind=unit.kind, level=unit.level, initials=pinyin.initials(short), pinyin=pinyin.full(short), duty_phone="",
                sort=unit.row, opened_on=order.today,
            )
        )  # fmt: skip
    rows = [_name(ids[u.code], u.name, u.short_name or u.name[:60], "启用", order) for u in added]
    await tx.many(q.UNIT_NAME_PUT, rows)


def _name(unit: int, name: str, short_name: str, reason: str, order: Order) -> dict[str, object]:
    return {"unit": unit, "from_date": order.today, "name": name, "short_name": short_name, "reason": reason}


async def _change_units(
    tx: Tx, changed: Sequence[UnitRow], there: Mapping[str, Unit], ids: Mapping[str, int], order: Order
) -> None:
    """Set what the file says; another name counts from today, receipts of before keep the old one."""
    rows, renamed = [], []
    for unit in changed:
        now = there[unit.code]
        short = unit.short_name or now.short_name
        same = short == now.short_name  # keep initials that somebody has corrected by hand
        rows.append({
            "id": now.id, "name": unit.name, "short_name": short, "kind": unit.kind, "level": unit.level,
            "parent_id": ids.get(unit.parent_code), "initials": now.initials if same else pinyin.initials(short),
            "pinyin": now.pinyin if same else pinyin.full(short),
        })  # fmt: skip
        if (unit.name, short) != (now.name, now.short_name):
            renamed.append(_name(now.id, unit.name, short, "更名", order))
    await tx.many(q.UNIT_REIMPORT, rows)
    await tx.many(q.UNIT_NAME_PUT, renamed)


async def _set_paths(tx: Tx) -> None:
    """Bring every path in line with the parents; the plan has made sure that there is no circle."""
    rows = await tx.all(q.UNIT_PARENTS, lambda *c: c)
    parents = {id: parent for id, parent, _ in rows}
    paths: dict[int, str] = {0: "/"}
    for start in parents:
        way, id = [], start
        while id not in paths:
            way.append(id)
            id = parents[id]
        for one in reversed(way):
            paths[one] = f"{paths[parents[one]]}{one}/"
    await tx.many(q.UNIT_SET_PATH, [{"id": id, "path": paths[id]} for id, _, path in rows if paths[id] != path])


# --- people -----------------------------------------------------------------------------------------------------------


async def _people(tx: Tx, table: Table, order: Order) -> Report:
    open_codes = {u.code for u in await tx.all(q.UNITS_OPEN, Unit, today=order.today) if u.kind != AREA}
    posts: dict[int, dict[tuple[str, str], str]] = {}
    for post in await tx.all(q.POSTS_ALL, Post):
        posts.setdefault(post.person_id, {})[post.unit_code, post.role] = post.position
    existing = {
        p.login: ExistingPerson(p.login, p.name, p.mobile, p.email, posts.get(p.id, {}))
        for p in await tx.all(q.PEOPLE_ALL, Person)
    }
    plan = importing.people(table, open_codes, existing, joined=order.joined)
    report = _report(plan)
    if order.dry_run or plan.bad:
        return report
    rows = [*plan.added, *plan.changed]
    initials = {row.name: pinyin.initials(row.name, surname=True) for row in rows}
    once = {row.login: row for row in rows}
    await tx.many(
        q.PERSON_IMPORT,
        [
            {"login": r.login, "name": r.name, "initials": initials[r.name], "mobile": r.mobile, "email": r.email, "at": order.at}
            for r in once.values()
        ],
    )
    await tx.many(
        q.POST_IMPORT,
        [{"login": r.login, "code": r.unit_code, "role": r.role, "position": r.position, "at": order.at} for r in rows],
    )
    await _note(tx, "people", report, order)
    return report


# --- groups -----------------------------------------------------------------------------------------------------------


async def _groups(tx: Tx, table: Table, order: Order) -> Report:
    open_ids = {u.code: u.id for u in await tx.all(q.UNITS_OPEN, Unit, today=order.today)}
    codes = {id: code for code, id in open_ids.items()}
    ids = {g.name: g.id for g in await tx.all(q.GROUPS_CITY, Group)}
    now: dict[int, set[str]] = {}
    for group, unit in await tx.all(q.GROUP_UNITS_ALL, lambda g, u: (int(g), int(u))):
        if unit in codes:
            now.setdefault(group, set()).add(codes[unit])
    plan = importing.groups(table, open_ids, {name: now.get(id, set()) for name, id in ids.items()})
    report = _report(plan)
    if order.dry_run or plan.bad:
        return report
    for name in dict.fromkeys(row.group for row in plan.added):
        if name not in ids:
            ids[name] = await grouping.open_group(tx, name, owner=None, by=order.by, at=order.at)
    await tx.many(q.GROUP_UNIT_PUT, [{"group": ids[r.group], "unit": open_ids[r.unit_code]} for r in plan.added])
    await _note(tx, "groups", report, order)
    return report
