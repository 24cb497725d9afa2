"""What an import would do, decided without a database: a table and what is there now → a plan.

    read_table(bytes) → units | people | groups (table, existing) → Plan(added, changed, left, bad)

A plan names every bad row at once, each with all its reasons; whoever carries it out does all or nothing: nothing while `bad`
is not empty. A column that the file lacks, and an empty short name, kind, mobile, e-mail or position, leaves what is there.
"""

from collections.abc import Collection, Iterator, Mapping

from ground.directory.planning_people import mobile_number, people
from ground.directory.plans import (
    BadRow,
    ExistingPerson,
    ExistingUnit,
    Faults,
    GroupRow,
    Line,
    PersonRow,
    Plan,
    UnitRow,
    check_code,
    check_text,
    cut,
    lines_of,
)
from ground.directory.tables import GROUP_HEADINGS, UNIT_HEADINGS, Table

__all__ = [
    "BadRow",
    "ExistingPerson",
    "ExistingUnit",
    "GroupRow",
    "PersonRow",
    "Plan",
    "UnitRow",
    "groups",
    "mobile_number",
    "people",
    "units",
]

_LEVEL_WORDS = (
    "1 市 市级 地市级",
    "2 县 县级 区 区级 县区 县区级",
    "3 乡镇 乡镇级 乡 乡级 镇 镇级 街道 街道级",
    "4 村 村级 社区",
)
LEVELS = {word: level for level, words in enumerate(_LEVEL_WORDS, 1) for word in words.split()}


def units(table: Table, existing: Mapping[str, ExistingUnit]) -> Plan[UnitRow]:
    """What importing `table` would do to the tree of units.

    Args:
        table: columns code and name at least; see UNIT_HEADINGS.
        existing: the units that are there, by code. Units that the file does not name stay as they are.
    Returns:
        In `added` each parent stands before its children, whatever the file's order. Never raises.
    """
    faults = Faults(table)
    lines = list(lines_of(table, UNIT_HEADINGS, ("code", "name"), faults))
    first: dict[str, int] = {}
    wanted: dict[str, UnitRow] = {}
    for line in lines:
        code = line.get("code")
        check_code(line, "code", "代码", faults)
        check_text(line, ("name", "short_name", "parent_code", "kind"), faults)
        unit = _unit(line, existing.get(code), faults)
        if not code:
            continue
        if code in first:
            faults.add(line.row, f"代码 {cut(code)} 与第 {first[code]} 行重复")
            continue
        first[code] = line.row
        wanted[code] = unit
    _check_parents(wanted, existing, faults)
    good = [unit for unit in wanted.values() if unit.row not in faults.reasons]
    added = [unit for unit in good if unit.code not in existing]
    known = [unit for unit in good if unit.code in existing]
    return Plan(
        _parents_first(added),
        [unit for unit in known if unit[1:] != tuple(existing[unit.code])],
        [unit for unit in known if unit[1:] == tuple(existing[unit.code])],
        faults.rows(),
    )


def _unit(line: Line, now: ExistingUnit | None, faults: Faults) -> UnitRow:
    """The unit that `line` describes; what the line does not say is taken from `now`."""
    if not line.get("name"):
        faults.add(line.row, "缺少名称")
    parent = line.fields["parent_code"]
    if parent is None:
        parent = now.parent_code if now else ""
    typed = line.get("level")
    level = LEVELS.get(typed.removesuffix(".0"), 0)
    if not typed and now:
        level = now.level
    elif not level:
        faults.add(
            line.row, f"级别“{cut(typed)}”应是 1–4（市、县、乡镇、村）" if typed else "缺少级别（1–4，或市、县、乡镇、村）"
        )
    short_name = line.get("short_name") or (now.short_name if now else "")
    kind = line.get("kind") or (now.kind if now else "")
    return UnitRow(line.row, line.get("code"), line.get("name"), short_name, parent, kind, level)


def _check_parents(wanted: Mapping[str, UnitRow], existing: Mapping[str, ExistingUnit], faults: Faults) -> None:
    """Note unknown parents, levels above the parent's, and circles in the tree as it would be."""
    parents = {code: unit.parent_code for code, unit in existing.items()}
    levels = {code: unit.level for code, unit in existing.items()}
    parents |= {code: unit.parent_code for code, unit in wanted.items()}
    levels |= {code: unit.level for code, unit in wanted.items()}
    for unit in wanted.values():
        parent = unit.parent_code
        if not parent:
            continue
        if parent == unit.code:
            faults.add(unit.row, f"上级代码 {cut(parent)} 就是本单位")
        elif parent not in parents:
            faults.add(unit.row, f"上级代码 {cut(parent)} 在文件和系统里都没有")
        elif unit.level and unit.level < levels[parent]:
            faults.add(unit.row, f"级别 {unit.level} 高于上级单位的级别 {levels[parent]}")
    for circle in _circles(parents):
        for code in circle:
            if code in wanted:
                at = circle.index(code)
                chain = [cut(c) for c in (*circle[at:], *circle[:at], code)]
                shown = chain if len(chain) <= 8 else [*chain[:6], "…", chain[-1]]
                faults.add(wanted[code].row, "上级关系成了一个圈：" + " → ".join(shown))


def _circles(parents: Mapping[str, str]) -> Iterator[list[str]]:
    """Each circle of two or more codes, once, from child to parent; `parents` maps code → parent's code or ""."""
    done: set[str] = set()
    for start in parents:
        trail: dict[str, int] = {}
        code = start
        while code in parents and code not in done and code not in trail:
            trail[code] = len(trail)
            code = parents[code]
        if code in trail and parents[code] != code:
            yield list(trail)[trail[code] :]
        done.update(trail)


def _parents_first(added: list[UnitRow]) -> list[UnitRow]:
    """`added` with each parent before its children, else in the file's order; rows are free of circles."""
    by_code = {unit.code: unit for unit in added}
    placed: dict[str, UnitRow] = {}
    for unit in added:
        trail = []
        code = unit.code
        while code in by_code and code not in placed:
            trail.append(by_code[code])
            code = by_code[code].parent_code
        placed.update((above.code, above) for above in reversed(trail))
    return list(placed.values())


def groups(table: Table, units: Collection[str], existing: Mapping[str, Collection[str]] | None = None) -> Plan[GroupRow]:
    """What importing `table` would add to the city's groups.

    Args:
        table: columns group and unit_code; one row puts one unit into one group.
        units: the codes of all open units.
        existing: unit codes by group name, as they are now.
    Returns:
        `changed` is always empty; memberships that the file does not name stay. Never raises.
    """
    faults = Faults(table)
    now = existing or {}
    first: dict[tuple[str, str], int] = {}
    rows = []
    for line in lines_of(table, GROUP_HEADINGS, ("group", "unit_code"), faults):
        row = GroupRow(line.row, line.get("group"), line.get("unit_code"))
        check_text(line, ("group",), faults)
        if not row.group:
            faults.add(row.row, "缺少发文范围的名称")
        if not row.unit_code:
            faults.add(row.row, "缺少单位代码")
        elif row.unit_code not in units:
            faults.add(row.row, f"单位代码 {cut(row.unit_code)} 在系统里没有")
        if row.group and row.unit_code and first.setdefault(row[1:], row.row) != row.row:
            faults.add(row.row, f"与第 {first[row[1:]]} 行重复（同一发文范围和单位）")
        rows.append(row)
    good = [row for row in rows if row.row not in faults.reasons]
    added = [row for row in good if row.unit_code not in now.get(row.group, ())]
    return Plan(added, [], [row for row in good if row.unit_code in now.get(row.group, ())], faults.rows())
