"""What an import would do, and everything that can be wrong with a row."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.directory.importing import (
    ExistingPerson,
    ExistingUnit,
    GroupRow,
    PersonRow,
    Plan,
    UnitRow,
    groups,
    mobile_number,
    people,
    units,
)
from ground.directory.tables import GROUP_HEADINGS, PERSON_HEADINGS, UNIT_HEADINGS, Row, Table, read_table
from tests.shared import shared_data

HEAD = "代码,名称,简称,上级代码,性质,级别\n"
CITY = {"620800": ExistingUnit("620800", "平凉市", "平凉", "", "区划", 1)}
WHO = "账号,姓名,单位代码,岗位,职务,手机,邮箱\n"
ROLES = "文书、会务、领导、单位管理员、督查、系统管理员、安全管理员、审计员"
CODES = {"001", "002"}
ZHANG = ExistingPerson("zhang", "张三", "13912345678", "z@x.cn", {("001", "secretary"): "科员"})


def plan_units(text: str, existing: Mapping[str, ExistingUnit] | None = None) -> Plan[UnitRow]:
    """The plan for a CSV without its header line."""
    return units(read_table((HEAD + text).encode()), CITY if existing is None else existing)


def plan_people(text: str, *known: ExistingPerson, joined: bool = False) -> Plan[PersonRow]:
    """The plan for a CSV of people without its header line."""
    return people(read_table((WHO + text).encode()), CODES, {person.login: person for person in known}, joined=joined)


def reasons(plan: Plan[UnitRow] | Plan[PersonRow] | Plan[GroupRow]) -> list[tuple[int, str]]:
    """Number and reason of each bad row."""
    return [(bad.row, bad.reason) for bad in plan.bad]


# ---- units -------------------------------------------------------------------------------------------------------------

FORMS = [
    ("units.csv",),
    ("files", "csv", "单位名录_GBK.csv"),
    ("files", "csv", "单位名录_UTF16LE.csv"),
    ("files", "csv", "单位名录_UTF8带BOM.csv"),
    ("files", "docx", "平凉市公文交换单位名录（972家）.xlsx"),
]


@pytest.mark.parametrize("path", FORMS)
def test_the_city_in_all_its_forms_is_one_tree(path: tuple[str, ...]) -> None:
    first = units(read_table(shared_data("units.csv").read_bytes()), {})
    table = read_table(shared_data(*path).read_bytes())
    plan = units(table, {})
    assert plan == first
    assert (len(plan.added), plan.changed, plan.left, plan.bad) == (972, [], [], [])
    assert sum(not unit.parent_code for unit in plan.added) == 1
    there = {unit.code: ExistingUnit(*unit[1:]) for unit in plan.added}
    again = units(table, there)
    assert (again.added, again.changed, len(again.left), again.bad) == ([], [], 972, [])


def test_parents_stand_before_their_children_whatever_the_file_says() -> None:
    plan = plan_units("3,丙,,2,,3\n9,壬,,620800,,2\n2,乙,,1,,2\n4,丁,,2,,3\n1,甲,,620800,,1\n")
    assert plan.bad == []
    assert [unit.code for unit in plan.added] == ["1", "2", "3", "9", "4"]
    assert [unit.row for unit in plan.added] == [6, 4, 2, 3, 5]


def test_a_long_chain_written_upside_down() -> None:
    depth = 5_000
    plan = plan_units("".join(f"{n},单位,,{n - 1 or ''},,4\n" for n in range(depth, 0, -1)), {})
    assert [unit.code for unit in plan.added] == [str(n) for n in range(1, depth + 1)]


def test_added_changed_and_left() -> None:
    plan = plan_units("620800,平凉市,平凉,,区划,市\n620826,静宁县,,620800,区划,县区\n")
    assert plan.left == [UnitRow(2, "620800", "平凉市", "平凉", "", "区划", 1)]
    assert plan.added == [UnitRow(3, "620826", "静宁县", "", "620800", "区划", 2)]
    assert (plan.changed, plan.bad) == ([], [])
    renamed = plan_units("620800,平凉市府,平凉,,区划,1\n")
    assert renamed.changed == [UnitRow(2, "620800", "平凉市府", "平凉", "", "区划", 1)]


def test_what_the_file_does_not_say_stays() -> None:
    assert len(plan_units("620800,平凉市,,,,\n").left) == 1
    renamed = units(read_table("code,name\n620800,新平凉\n".encode()), CITY)
    assert renamed.changed == [UnitRow(2, "620800", "新平凉", "平凉", "", "区划", 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (",甲,,,,1\n", [(2, "缺少代码。")]),
        ("1,,,,,1\n", [(2, "缺少名称。")]),
        (",,,,,\n1,甲,,,,1\n,,乙,,,\n", [(4, "缺少代码；缺少名称；缺少级别（1–4，或市、县、乡镇、村）。")]),
        ("1,甲,,,,1\n1,乙,,,,1\n1,丙,,,,1\n", [(3, "代码 1 与第 2 行重复。"), (4, "代码 1 与第 2 行重复。")]),
        ("1,甲,,404,,2\n", [(2, "上级代码 404 在文件和系统里都没有。")]),
        ("1,甲,,1,,2\n", [(2, "上级代码 1 就是本单位。")]),
        ("1,甲,,2,,2\n2,乙,,1,,2\n", [(2, "上级关系成了一个圈：1 → 2 → 1。"), (3, "上级关系成了一个圈：2 → 1 → 2。")]),
        ("1,甲,,,,5\n", [(2, "级别“5”应是 1–4（市、县、乡镇、村）。")]),
        ("1,甲,,,,省\n", [(2, "级别“省”应是 1–4（市、县、乡镇、村）。")]),
        ("1,甲,,,,3\n2,乙,,1,,2\n3,丙,,1,,3\n", [(3, "级别 2 高于上级单位的级别 3。")]),
        (f"{'1' * 33},甲,,,,1\n", [(2, "代码有 33 个字，最多 32 个。")]),
        (f"1,{'甲' * 201},{'乙' * 61},,,1\n", [(2, "名称有 201 个字，最多 200 个；简称有 61 个字，最多 60 个。")]),
        ("6.20800E+11,甲,,,,1\n", [(2, "代码 6.20800E+11 被表格软件改成了科学计数法，请把这一列设为文本再填。")]),
        ("a b,甲,,,,1\na/b,乙,,,,1\n", [(2, "代码“a b”里不能有空格。"), (3, "代码“a/b”里不能有“/”。")]),
        ("1,甲,,,,1,多\n", [(2, "比表头多出 1 格，可能多了逗号，后面的格都错了位。")]),
    ],
)
def test_what_can_be_wrong_with_a_unit(text: str, expected: list[tuple[int, str]]) -> None:
    assert reasons(plan_units(text)) == expected


def test_all_bad_rows_are_reported_at_once_and_good_ones_are_still_planned() -> None:
    plan = plan_units("1,甲,,,,1\n,乙,,,,1\n2,丙,,9,,2\n3,丁,,1,,2\n")
    assert [row for row, _ in reasons(plan)] == [3, 4]
    assert plan.bad[1].cells["名称"] == "丙"
    assert [unit.code for unit in plan.added] == ["1", "3"]


def test_a_circle_through_units_that_are_there() -> None:
    there = {code: ExistingUnit(code, code, "", parent, "", 2) for code, parent in (("a", ""), ("b", "a"), ("c", "b"))}
    assert reasons(plan_units("a,甲,,c,,2\n", there)) == [(2, "上级关系成了一个圈：a → c → b → a。")]


def test_a_huge_circle_is_told_briefly() -> None:
    plan = plan_units("".join(f"{n},单位,,{(n + 1) % 3000},,2\n" for n in range(3000)))
    assert len(plan.bad) == 3000
    assert plan.bad[0].reason == "上级关系成了一个圈：0 → 1 → 2 → 3 → 4 → 5 → … → 0。"


@pytest.mark.parametrize(
    ("words", "level"),
    [("1 市 市级 １ 1.0", 1), ("2 县 县级 区 县区", 2), ("3 乡镇 乡镇级 镇 乡 街道", 3), ("4 村 村级 社区", 4)],
)
def test_levels_in_words(words: str, level: int) -> None:
    for word in words.split():
        assert [unit.level for unit in plan_units(f"1,甲,,,,{word}\n").added] == [level], word


def test_control_characters_in_a_table_from_elsewhere() -> None:
    table = Table(["code", "name", "level"], [Row(2, {"code": "1", "name": "甲\x07", "level": "1"})])
    assert reasons(units(table, {})) == [(2, "名称里有看不见的控制字符。")]


def test_lacking_and_doubled_columns_are_one_bad_row() -> None:
    assert reasons(units(read_table("说明\n名称,级别\n甲,1\n".encode()), {})) == [(2, "表头缺少这些列：代码。")]
    doubled = units(read_table("代码,名称,单位代码\n1,甲,2\n".encode()), {})
    assert reasons(doubled) == [(1, "“代码”和“单位代码”是同一列，请只留一列。")]
    assert reasons(people(read_table("姓名,职务\n甲,1\n".encode()), CODES, {})) == [(1, "表头缺少这些列：账号、单位代码、岗位。")]


# ---- people ------------------------------------------------------------------------------------------------------------


def test_people_in_both_languages() -> None:
    plan = plan_people("zhang,张　三,001,文书,科员,139 1234-5678,z@x.cn\n13800000000,李四,002,Leader,,,\n")
    assert plan.added == [
        PersonRow(2, "zhang", "张三", "001", "secretary", "科员", "13912345678", "z@x.cn"),
        PersonRow(3, "13800000000", "李四", "002", "leader", "", "", ""),
    ]
    assert (plan.changed, plan.left, plan.bad) == ([], [], [])
    english = people(read_table("login,name,unit_code,role\nwu,吴,001,系统管理员\n".encode()), CODES, {})
    assert english.added == [PersonRow(2, "wu", "吴", "001", "operator", "", "", "")]


def test_one_login_may_have_several_posts() -> None:
    plan = plan_people("a1,张三,001,文书,,,\na1,张三,002,文书,,13912345678,\na1,张三,001,会务,,,\n")
    assert plan.bad == []
    assert [(row.unit_code, row.role, row.mobile) for row in plan.added] == [
        ("001", "secretary", "13912345678"),
        ("002", "secretary", "13912345678"),
        ("001", "organiser", "13912345678"),
    ]


def test_people_who_are_there() -> None:
    same = plan_people("zhang,张三,001,文书,,,\n", ZHANG)
    assert same.left == [PersonRow(2, "zhang", "张三", "001", "secretary", "科员", "13912345678", "z@x.cn")]
    moved = plan_people("zhang,张三,002,文书,,,\n", ZHANG)
    assert moved.changed == [PersonRow(2, "zhang", "张三", "002", "secretary", "", "13912345678", "z@x.cn")]
    called = plan_people("zhang,张三,001,文书,科长,13800000000,\n", ZHANG)
    assert called.changed == [PersonRow(2, "zhang", "张三", "001", "secretary", "科长", "13800000000", "z@x.cn")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (",,,,科员,,\n", [(2, "缺少账号；缺少姓名；缺少单位代码；缺少岗位。")]),
        ("张,张三,001,文书,,,\n", [(2, "账号“张”只能用 2–64 个字母、数字、点、横线、下划线，或 11 位手机号。")]),
        ("a1,张三,404,文书,,,\n", [(2, "单位代码 404 在系统里没有。")]),
        ("a1,张三,001,保安,,,\n", [(2, f"岗位“保安”不认识，可以填：{ROLES}。")]),
        ("a1,张三,001,文书,,1391234567,\n", [(2, "手机：少了 1 位，请填 11 位手机号。")]),
        ("a1,张三,001,文书,,1391234567890,\n", [(2, "手机：多了 2 位，请填 11 位手机号。")]),
        ("a1,张三,001,文书,,139XXXXXXXX,\n", [(2, "手机：手机号只能是数字，请去掉“X”。")]),
        ("a1,张三,001,文书,,12912345678,\n", [(2, "手机：手机号应以 13 至 19 开头，请核对。")]),
        ("a1,张三,001,文书,,,zhang#x.cn\n", [(2, "邮箱“zhang#x.cn”写得不对。")]),
        ("a1,张三,001,文书,,,\na1,张三,001,secretary,,,\n", [(3, "与第 2 行重复（同一账号、单位和岗位）。")]),
        ("a1,张三,001,文书,,,\na1,李四,002,文书,,,\n", [(3, "账号 a1 的姓名与第 2 行不同（“张三”）。")]),
        (
            "a1,张三,001,文书,,13912345678,\na1,张三,002,文书,,13800000000,\n",
            [(3, "账号 a1 的手机号与第 2 行不同（“13912345678”）。")],
        ),
        ("a1,张三,001,文书,,,\nA1,李四,002,文书,,,\n", [(3, "账号 A1 与第 2 行的 a1 只差大小写。")]),
        ("Zhang,张三,001,文书,,,\n", [(2, "账号 Zhang 与系统里的 zhang 只差大小写。")]),
        (
            "a1,张三,001,审计员,,,\na1,张三,001,系统管理员,,,\n",
            [(3, "审计员不能同时是系统管理员或安全管理员（三员分立）。请选另一个人。")],
        ),
        (f"a1,{'张' * 61},001,文书,{'长' * 101},,\n", [(2, "职务有 101 个字，最多 100 个；姓名有 61 个字，最多 60 个。")]),
    ],
)
def test_what_can_be_wrong_with_a_person(text: str, expected: list[tuple[int, str]]) -> None:
    assert reasons(plan_people(text, ZHANG)) == expected


def test_three_separate_administrators_count_posts_that_are_there() -> None:
    auditor = ZHANG._replace(posts={("001", "auditor"): ""})
    assert [row for row, _ in reasons(plan_people("zhang,张三,001,安全管理员,,,\n", auditor))] == [2]
    operator = ZHANG._replace(posts={("001", "operator"): ""})
    assert [row for row, _ in reasons(plan_people("zhang,张三,001,安全管理员,,,\n", operator))] == [2]
    assert plan_people("zhang,张三,001,安全管理员,,,\n", operator, joined=True).bad == []


@pytest.mark.parametrize("typed", ["13912345678", "+86 139-1234-5678", "008613912345678", "86 13912345678", "139 1234 5678"])
def test_mobile_numbers_as_people_type_them(typed: str) -> None:
    assert mobile_number(typed) == ("13912345678", "")


# ---- groups ------------------------------------------------------------------------------------------------------------


def test_groups() -> None:
    table = read_table("发文范围,单位代码\n各县区,001\n各县区,002\n市直,001\n,001\n市直,404\n各县区,001\n市直,\n".encode())
    plan = groups(table, CODES, {"市直": ["001"]})
    assert plan.added == [GroupRow(2, "各县区", "001"), GroupRow(3, "各县区", "002")]
    assert (plan.changed, plan.left) == ([], [GroupRow(4, "市直", "001")])
    assert reasons(plan) == [
        (5, "缺少发文范围的名称。"),
        (6, "单位代码 404 在系统里没有。"),
        (7, "与第 2 行重复（同一发文范围和单位）。"),
        (8, "缺少单位代码。"),
    ]
    assert len(groups(table, CODES).added) == 3


# ---- anything ----------------------------------------------------------------------------------------------------------

CELLS = st.one_of(
    st.text(max_size=6), st.sampled_from(["1", "2", "3", "a", "市", "文书", "auditor", "13912345678", "x@y.cn", "1E+5"])
)


def tables(headings: Mapping[str, tuple[str, ...]]) -> st.SearchStrategy[Table]:
    """Tables under some of these headings, with any cells."""
    known = st.sampled_from([name for names in headings.values() for name in names])
    header = st.one_of(st.just(list(headings)), st.lists(st.one_of(known, st.text(max_size=4)), max_size=8, unique=True))
    return header.flatmap(
        lambda names: st.builds(
            Table,
            st.just(names),
            st.lists(
                st.builds(Row, st.integers(2, 9), st.dictionaries(st.sampled_from(names or ["x"]), CELLS), st.integers(0, 2))
            ),
        )
    )


UNITS = st.dictionaries(st.sampled_from("123ab"), st.builds(ExistingUnit, CELLS, CELLS, CELLS, CELLS, CELLS, st.integers(1, 4)))
POSTS = st.dictionaries(st.tuples(CELLS, st.sampled_from(["auditor", "operator", "secretary"])), CELLS)
PEOPLE = st.dictionaries(CELLS, st.builds(ExistingPerson, CELLS, CELLS, CELLS, CELLS, POSTS))


@given(tables(UNIT_HEADINGS), UNITS)
def test_units_never_raise_and_each_row_is_planned_or_bad(table: Table, existing: dict[str, ExistingUnit]) -> None:
    plan = units(table, existing)
    seen: set[str] = set()
    for unit in plan.added:
        assert unit.parent_code not in {later.code for later in plan.added} - seen
        seen.add(unit.code)
    assert {row.row for row in (*plan.added, *plan.changed, *plan.left)}.isdisjoint(bad.row for bad in plan.bad)
    assert all(one.row < next_one.row for one, next_one in pairwise(plan.bad))
    if {"代码", "名称"} <= set(table.header) or {"code", "name"} <= set(table.header):
        planned = {row.row for row in (*plan.added, *plan.changed, *plan.left)} | {bad.row for bad in plan.bad}
        assert {row.number for row in table.rows} <= planned or table.header_row in {bad.row for bad in plan.bad}


@given(tables(PERSON_HEADINGS), st.sets(CELLS), PEOPLE)
def test_people_never_raise(table: Table, codes: set[str], existing: dict[str, ExistingPerson]) -> None:
    plan = people(table, codes, existing)
    assert {row.row for row in (*plan.added, *plan.changed, *plan.left)}.isdisjoint(bad.row for bad in plan.bad)


@given(tables(GROUP_HEADINGS), st.sets(CELLS))
def test_groups_never_raise(table: Table, codes: set[str]) -> None:
    plan = groups(table, codes)
    assert {row.row for row in plan.added}.isdisjoint(bad.row for bad in plan.bad)
