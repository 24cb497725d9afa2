"""Importing on both engines: all or nothing, twice the same is nothing, real files in four encodings."""

import pytest

from ground.db import Database
from ground.directory import groups, imports, people, units
from ground.directory.imports import Report
from ground.errors import Invalid
from tests.ground.directory.books import workbook
from tests.shared import shared_data
from tests.world import NOW, TODAY, World

pytestmark = pytest.mark.anyio

UNITS = "code,name,short_name,parent_code,kind,level\n"
PEOPLE = "login,name,unit_code,role,position,mobile,email\n"
GROUPS = "group,unit_code\n"


async def run(db: Database, kind: str, text: str | bytes, *, dry_run: bool = False, today: str = TODAY) -> Report:
    data = text if isinstance(text, bytes) else text.encode()
    return await imports.KINDS[kind](db, data, "名录.csv", dry_run=dry_run, today=today, at=NOW)


@pytest.mark.parametrize(
    "file",
    [
        ("units.csv",),
        ("files", "csv", "单位名录_GBK.csv"),
        ("files", "csv", "单位名录_UTF16LE.csv"),
        ("files", "csv", "单位名录_UTF8带BOM.csv"),
        ("files", "docx", "平凉市公文交换单位名录（972家）.xlsx"),
    ],
)
async def test_the_real_city_is_imported_from_any_of_its_files(db: Database, file: tuple[str, ...]) -> None:
    data = shared_data(*file).read_bytes()
    dry = await run(db, "units", data, dry_run=True)
    assert await db.read(units.everyone) == []
    done = await run(db, "units", data)
    assert dry == done
    assert done.summary("units") == "972 units: 972 added, 0 changed, 0 left"
    everyone = await db.read(units.everyone)
    assert len(everyone) == 972
    assert [u.name for u in everyone if u.parent_id is None] == ["平凉市"]
    by_id = {u.id: u for u in everyone}
    assert all(u.path == f"{by_id[u.parent_id].path if u.parent_id else '/'}{u.id}/" for u in everyone)
    assert (await run(db, "units", data)).summary("units") == "972 units: 0 added, 0 changed, 972 left"


async def test_one_bad_row_and_nothing_is_imported(db: Database, world: World) -> None:
    text = (
        UNITS + "9001,甲局,甲,620000,政府,1\n9002,乙局,乙,nobody,政府,1\n9003,,丙,620000,政府,9\nsearch,丁局,丁,620000,政府,1\n"
    )
    before = await db.read(units.everyone)
    for dry_run in (True, False):
        report = await run(db, "units", text, dry_run=dry_run)
        assert [b.row for b in report.bad] == [3, 4, 5]
        assert report.summary("units").endswith("; 3 bad rows, nothing was imported")
    assert await db.read(units.everyone) == before


async def test_a_file_that_renames_and_moves_a_unit(db: Database, world: World) -> None:
    text = UNITS + "6200000009,测试市气象台,市气象台,620001,事业,2\n9001,北区气象站,气象站,6200000009,事业,2\n"
    report = await run(db, "units", text)
    assert (report.added, report.changed, report.left) == (1, 1, 0)
    moved, added = await db.read(units.by_code, "6200000009"), await db.read(units.by_code, "9001")
    north = await db.read(units.by_id, world.north)
    assert (moved.name, moved.path, added.path) == ("测试市气象台", f"{north.path}{moved.id}/", f"{moved.path}{added.id}/")
    assert await db.read(units.name_on, moved.id, "2026-03-17") == "测试市气象局"
    assert await db.read(units.name_on, moved.id, TODAY) == "测试市气象台"


async def test_people_get_posts_and_no_password(db: Database, world: World) -> None:
    text = PEOPLE + (
        "hesz,何淑珍,620001,文书,文书,13900003158,hesz@example.cn\n"  # as it is
        "gaoming,高明,620002,secretary,副科长,13800001932,\n"  # another position
        "new1,金一,620001,会务,干事,139 1111 2222,\n"
        "new1,金一,620002,领导,副局长,,\n"
    )
    report = await run(db, "people", text)
    assert (report.added, report.changed, report.left, report.bad) == (2, 1, 1, [])
    new = await db.read(people.by_login, "new1")
    assert (new.mobile, new.has_password) == ("13911112222", 0)
    posts = await db.read(people.posts_of, new.id)
    assert [(p.unit_id, p.role, p.position) for p in posts] == [
        (world.north, "organiser", "干事"),
        (world.south, "leader", "副局长"),
    ]
    assert [p.position for p in await db.read(people.posts_of, world.south_clerk.person_id)] == ["副科长"]
    again = await run(db, "people", text)
    assert (again.added, again.changed, again.left) == (0, 0, 4)


async def test_people_who_may_not_be(db: Database, world: World) -> None:
    rows = "qiaolei,乔磊,6200000001,审计员,,,\nnew1,金一,620000,文书,,,\nnew2,金二,620001,文书,,1390000,\n"
    report = await run(db, "people", PEOPLE + rows)  # the operator as auditor; an area; a short number
    assert [b.row for b in report.bad] == [2, 3, 4]
    assert [p.role for p in await db.read(people.posts_of, world.operator.person_id)] == ["operator"]


async def test_groups_are_made_and_filled(db: Database, world: World) -> None:
    text = GROUPS + "各区政府,620001\n各区政府,6200000009\n市直,6200000001\n"
    report = await run(db, "groups", text)
    assert (report.added, report.changed, report.left) == (2, 0, 1)
    found = {g.name: g.id for g in await db.read(groups.for_unit, world.office)}
    frozen = await db.read(groups.frozen, TODAY)
    assert frozen[found["各区政府"]] == {world.north, world.south, world.outside}
    assert frozen[found["市直"]] == {world.office}
    assert (await run(db, "groups", text)).left == 3


async def test_a_workbook_is_taken_and_rubbish_is_refused(db: Database, world: World) -> None:
    book = workbook([["发文范围", "单位代码"], ["南边", "620002"]])
    assert (await run(db, "groups", book)).added == 1
    for rubbish in (b"", b"%PDF-1.7", b"\0" * 100, b"hello"):
        with pytest.raises(Invalid) as refused:
            await run(db, "groups", rubbish)
        assert refused.value.errors[0].field == "file"
