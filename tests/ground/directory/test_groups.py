"""发文范围: nested, circular, frozen."""

import pytest

from ground.db import Database, Tx
from ground.directory import groups, units
from ground.directory.directory import Group
from ground.directory.groups import Wanted
from ground.directory.units import NewUnit
from ground.errors import Invalid, NotFound, Refused
from tests.world import NOW, TODAY, World

pytestmark = pytest.mark.anyio


async def make_group(tx: Tx, world: World, name: str, unit_ids: list[int], nested: list[int], owner: int | None = None) -> Group:
    id = await groups.open_group(tx, name, owner=owner, by=None, at=NOW)
    group = await groups.find(tx, id, owner or world.office)
    await groups.set_members(tx, group, name, unit_ids, nested, by=None, at=NOW)
    return group


async def names(db: Database, wanted: Wanted, owner: int) -> list[str]:
    found = await db.read(groups.resolve, wanted, owner=owner, today=TODAY)
    return [u.short_name for u in found.units]


async def test_nested_groups_count_each_unit_once(db: Database, world: World) -> None:
    outer = await db.write(make_group, world, "全部", [world.outside, world.north], [world.districts])
    found = await db.read(groups.resolve, Wanted(groups=(outer.id, world.districts)), owner=world.office, today=TODAY)
    assert [u.short_name for u in found.units] == ["市气象局", "北区政府", "南区政府"]
    assert found.repeated == 2
    assert (await db.read(groups.frozen, TODAY))[outer.id] == {world.outside, world.north, world.south}


async def test_a_circle_is_refused_and_nothing_is_changed(db: Database, world: World) -> None:
    outer = await db.write(make_group, world, "外圈", [], [world.districts])
    inner = await db.read(groups.find, world.districts, world.office)
    with pytest.raises(Refused, match="不能包含它自己"):
        await db.write(groups.set_members, inner, "各区政府", [world.north], [outer.id], by=None, at=NOW)
    with pytest.raises(Refused, match="不能包含它自己"):
        await db.write(groups.set_members, inner, "各区政府", [world.north], [inner.id], by=None, at=NOW)
    assert await names(db, Wanted(groups=(outer.id,)), world.office) == ["北区政府", "南区政府"]


async def test_an_area_means_all_below_it_and_can_be_left_out(db: Database, world: World) -> None:
    assert await names(db, Wanted(units=("620000",)), world.office) == ["市政府办公室", "市气象局", "北区政府", "南区政府"]
    assert await names(db, Wanted(units=("620000",), without=("620001",)), world.office) == [
        "市政府办公室", "市气象局", "南区政府",
    ]  # fmt: skip
    assert await names(db, Wanted(units=("620001",), without=("620000",)), world.office) == []
    whole = await db.write(make_group, world, "全市", [world.city], [])

    async def grow(tx: Tx) -> None:
        await units.open_unit(tx, NewUnit("620003", "东区人民政府", "东区政府", world.city, "政府", 2), today=TODAY, at=NOW)

    await db.write(grow)
    assert "东区政府" in await names(db, Wanted(groups=(whole.id,)), world.office)


async def test_closed_units_are_told_apart(db: Database, world: World) -> None:
    async def close(tx: Tx) -> None:
        south = await units.by_id(tx, world.south)
        await units.close(tx, south, on=TODAY, today=TODAY, reason="撤", into=None, by=world.operator, at=NOW)

    await db.write(close)
    found = await db.read(groups.resolve, Wanted(groups=(world.districts,), units=("nobody",)), owner=world.office, today=TODAY)
    assert [u.id for u in found.units] == [world.north]
    assert [u.id for u in found.closed] == [world.south]
    assert found.unknown == ["nobody"]


async def test_another_units_group_is_unknown(db: Database, world: World) -> None:
    own = await db.write(make_group, world, "我的", [world.south], [], world.north)
    assert await names(db, Wanted(groups=(own.id,)), world.north) == ["南区政府"]
    found = await db.read(groups.resolve, Wanted(groups=(own.id,)), owner=world.south, today=TODAY)
    assert (found.units, found.unknown) == ([], [str(own.id)])
    with pytest.raises(NotFound):
        await db.read(groups.find, own.id, world.south)


async def test_a_name_is_taken_once_per_owner(db: Database, world: World) -> None:
    own = await db.write(make_group, world, "各区政府", [], [], world.north)  # the city's of that name is another's
    with pytest.raises(Invalid, match="已有同名"):
        await db.write(groups.open_group, "各区政府", owner=None, by=None, at=NOW)
    other = await db.write(make_group, world, "别的", [], [], world.north)
    with pytest.raises(Invalid, match="已有同名"):
        await db.write(groups.set_members, other, "各区政府", [], [], by=None, at=NOW)
    await db.write(groups.set_members, own, "各区政府", [world.north], [], by=None, at=NOW)


async def test_a_group_inside_another_is_not_closed(db: Database, world: World) -> None:
    outer = await db.write(make_group, world, "外圈", [], [world.districts])
    inner = await db.read(groups.find, world.districts, world.office)
    with pytest.raises(Refused, match="外圈"):
        await db.write(groups.close, inner, by=world.operator, at=NOW)
    await db.write(groups.close, outer, by=world.operator, at=NOW)
    await db.write(groups.close, inner, by=world.operator, at=NOW)
    with pytest.raises(NotFound):
        await db.read(groups.find, inner.id, world.office)


async def test_pasted_lines_are_matched_one_by_one(db: Database, world: World) -> None:
    found = await db.read(groups.match, ["北区政府；", "620002", "区人民政府", "没有这家", ""], today=TODAY)
    assert [(m.line, [u.id for u in m.units]) for m in found] == [
        ("北区政府", [world.north]),
        ("620002", [world.south]),
        ("区人民政府", [world.north, world.south]),
        ("没有这家", []),
    ]
