"""Units from a date on: renamed, merged, closed; never gone."""

import pytest

from ground.db import Database, Tx
from ground.directory import tree, units
from ground.directory.directory import Unit
from ground.directory.units import NewUnit
from ground.errors import Invalid, NotFound, Refused
from tests.world import NOW, TODAY, World

pytestmark = pytest.mark.anyio


async def open_below(tx: Tx, world: World, code: str = "620001001", level: int = 3) -> Unit:
    """A township below 北区."""
    id = await units.open_unit(tx, NewUnit(code, "北区河口镇人民政府", "河口镇", world.north, "政府", level), today=TODAY, at=NOW)
    return await units.by_id(tx, id)


async def test_a_rename_keeps_the_old_name_on_old_dates(db: Database, world: World) -> None:
    async def act(tx: Tx) -> None:
        north = await units.by_id(tx, world.north)
        await units.rename(tx, north, "北新区人民政府", "北新区政府", on="2026-03-01", today=TODAY, by=world.operator, at=NOW)

    await db.write(act)
    assert await db.read(units.name_on, world.north, "2026-02-28") == "北区人民政府"
    assert await db.read(units.name_on, world.north, "2026-03-01") == "北新区人民政府"
    assert await db.read(units.name_on, world.north, "2020-01-01") == "北区人民政府"  # before the first record
    renamed = await db.read(units.by_id, world.north)
    assert (renamed.name, renamed.short_name, renamed.initials) == ("北新区人民政府", "北新区政府", "bxqzf")
    assert [n.name for n in await db.read(units.names, world.north)] == ["北新区人民政府", "北区人民政府"]


@pytest.mark.parametrize(
    ("on", "name", "field"), [("2026-03-19", "新名", "on"), ("2024-12-31", "新名", "on"), (TODAY, "", "name")]
)
async def test_a_rename_that_cannot_be_names_the_field(db: Database, world: World, on: str, name: str, field: str) -> None:
    async def act(tx: Tx) -> None:
        north = await units.by_id(tx, world.north)
        await units.rename(tx, north, name, "新", on=on, today=TODAY, by=world.operator, at=NOW)

    with pytest.raises(Invalid) as refused:
        await db.write(act)
    assert [e.field for e in refused.value.errors] == [field]
    assert (await db.read(units.by_id, world.north)).name == "北区人民政府"


async def test_a_unit_with_open_units_below_is_not_closed(db: Database, world: World) -> None:
    town = await db.write(open_below, world)

    async def close(tx: Tx, id: int) -> None:
        unit = await units.by_id(tx, id)
        await units.close(tx, unit, on=TODAY, today=TODAY, reason="撤并", into=None, by=world.operator, at=NOW)

    with pytest.raises(Refused, match="下面还有在用的单位"):
        await db.write(close, world.north)
    await db.write(close, town.id)
    await db.write(close, world.north)
    with pytest.raises(Refused, match="已经停用了"):
        await db.write(close, world.north)
    assert (await db.read(units.by_id, world.north)).closed_on == TODAY


async def test_a_merged_unit_points_to_where_it_went(db: Database, world: World) -> None:
    async def merge(tx: Tx, into: int) -> None:
        unit = await units.by_id(tx, world.outside)
        await units.close(tx, unit, on=TODAY, today=TODAY, reason="机构改革", into=into, by=world.operator, at=NOW)

    for wrong in (world.outside, world.city):  # itself; an area has no inbox
        with pytest.raises(Refused, match="另一个在用的单位"):
            await db.write(merge, wrong)
    await db.write(merge, world.office)
    gone = await db.read(units.by_id, world.outside)
    assert (gone.closed_on, gone.merged_into) == (TODAY, world.office)
    assert world.outside not in [u.id for u in await db.read(units.everyone, today=TODAY)]
    assert world.outside in [u.id for u in await db.read(units.everyone)]


async def test_closing_states_a_reason_and_a_day_that_has_been(db: Database, world: World) -> None:
    async def close(tx: Tx, on: str, reason: str) -> None:
        unit = await units.by_id(tx, world.outside)
        await units.close(tx, unit, on=on, today=TODAY, reason=reason, into=None, by=world.operator, at=NOW)

    wrong = [("2026-03-19", "撤", "on"), ("2024-12-31", "撤", "on"), (TODAY, " ", "reason"), (TODAY, "字" * 201, "reason")]
    for on, reason, field in wrong:
        with pytest.raises(Invalid) as refused:
            await db.write(close, on, reason)
        assert refused.value.errors[0].field == field


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewUnit("620001", "甲", "甲", None, "", 1), "code"),  # taken
        (NewUnit("search", "甲", "甲", None, "", 1), "code"),  # a page of ours
        (NewUnit("六二", "甲", "甲", None, "", 1), "code"),
        (NewUnit("9", "", "甲", None, "", 1), "name"),
        (NewUnit("9", "甲" * 201, "甲", None, "", 1), "name"),
        (NewUnit("9", "甲", "甲", None, "", 5), "level"),
        (NewUnit("9", "甲", "甲", None, "性" * 21, 1), "kind"),
        (NewUnit("9", "甲", "甲", None, "", 1, "1" * 41), "duty_phone"),
        (NewUnit("9", "甲", "甲", None, "", 1, "", -1), "sort"),
    ],
)
async def test_a_new_unit_that_cannot_be_names_the_field(db: Database, world: World, new: NewUnit, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await db.write(units.open_unit, new, today=TODAY, at=NOW)
    assert [e.field for e in refused.value.errors] == [field]


async def test_a_level_is_not_above_the_parents(db: Database, world: World) -> None:
    with pytest.raises(Invalid, match="级别不能高于上级单位"):
        await db.write(open_below, world, "9", 1)


async def test_search_finds_by_name_initials_pinyin_and_code(db: Database, world: World) -> None:
    for words in ("北区", "bqzf", "beiqu", "620001", "BQZF"):
        assert [u.code for u in await db.read(units.search, words)][:1] == ["620001"], words
    assert await db.read(units.search, "%") == []
    assert await db.read(units.search, "  ") == []


async def test_the_tree_unfolds_only_the_way_to_the_unit(db: Database, world: World) -> None:
    async def fill(tx: Tx) -> Unit:
        for n in range(20):
            await open_below(tx, world, f"62000100{n:02}")
        return await units.by_code(tx, "6200010007")

    town = await db.write(fill)
    folded = await db.read(tree.tree, None, None, part=0, today=TODAY)
    assert [n.unit.id for n in folded] == [world.city, world.office, world.outside, world.south, world.north]  # branches last
    assert not any(n.unit.level == 3 for n in folded)
    opened = await db.read(tree.tree, None, town, part=0, today=TODAY)
    assert sum(n.unit.level == 3 for n in opened) == 20
    part = next(n for n in opened if n.part)
    assert (part.unit.id, part.part, part.number, part.unfolded) == (world.north, 3, 20, True)
    assert [n.number for n in opened if n.unit.id == world.city and not n.part] == [24]  # itself not counted


async def test_a_unit_outside_the_own_branch_is_not_there(db: Database, world: World) -> None:
    admin = world.north_clerk._replace(roles=frozenset({"unit_admin"}))
    town = await db.write(open_below, world)
    assert (await db.read(units.in_care, town.code, admin)).id == town.id
    with pytest.raises(NotFound):
        await db.read(units.in_care, "620002", admin)
    assert (await db.read(units.in_care, "620002", world.operator)).id == world.south


async def test_counts_open_their_lists(db: Database, world: World) -> None:
    counts = await db.read(units.counts)
    assert counts.without_secretary == len(await db.read(units.without_secretary)) == 1  # 市政府办公室 has none
    north = await db.read(units.counts, (await db.read(units.by_id, world.north)).path)
    assert (north.units, north.people, north.without_secretary, north.without_mobile) == (1, 2, 0, 0)
