"""Reading a typed text: the blocks people mean, nothing lost, and a sentence for what cannot stand."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.writing import (
    MAX_CHARACTERS,
    Attachments,
    Heading,
    Note,
    Paragraph,
    Table,
    compose,
    heading,
    number_of,
    numbered,
    words,
)

TEXT = """近期天气干燥多风，现就有关事项通知如下。
一、立即开展拉网式排查。各县（市、区）要逐一检查。
（一）重点场所
1.检查电气线路。
（1）查看线路老化情况。
二、建立问题清单

单位 | 件数 | 备注
甲局 | 3 |
乙局 | 12 | 含驻地

附件：1. 任务分工表
2. 问题隐患清单（样表）

（联系人：何淑珍，电话：8210110）"""


def test_a_whole_text() -> None:
    assert compose(TEXT).blocks == (
        Paragraph("近期天气干燥多风，现就有关事项通知如下。"),
        Heading(1, "一、", "一、", "立即开展拉网式排查。", "各县（市、区）要逐一检查。"),
        Heading(2, "（一）", "（一）", "重点场所"),
        Heading(3, "1.", "1.", "检查电气线路。"),
        Heading(4, "（1）", "（1）", "查看线路老化情况。"),
        Heading(1, "二、", "二、", "建立问题清单"),
        Table((("单位", "件数", "备注"), ("甲局", "3", ""), ("乙局", "12", "含驻地"))),
        Attachments(("任务分工表", "问题隐患清单（样表）"), ("附件：1. ", "2. ")),
        Note("联系人：何淑珍，电话：8210110", "（", "）"),
    )
    assert compose(TEXT).problems == ()


@pytest.mark.parametrize(
    ("line", "level", "number"),
    [
        ("一、甲", 1, "一、"),
        ("十二, 甲", 1, "十二、"),
        ("三．甲", 1, "三、"),
        ("(一)甲", 2, "（一）"),
        ("（ 三 ）、甲", 2, "（三）"),
        ("１．甲", 3, "1."),
        ("12、甲", 3, "12."),
        ("(3)甲", 4, "（3）"),
        ("（１２） 甲", 4, "（12）"),
        ("1.\t甲", 3, "1."),
    ],
)
def test_headings_in_any_width(line: str, level: int, number: str) -> None:
    found = heading(line)
    assert found
    assert (found.level, found.number, found.title) == (level, number, "甲")


@pytest.mark.parametrize("line", ["1.5万元", "2026年3月", "一是甲", "（市、区）", "十分重要", "一、", "（一）", "3", "1234. 甲"])
def test_what_only_looks_like_a_heading(line: str) -> None:
    assert heading(line) is None


def test_a_long_single_sentence_is_read_not_shouted() -> None:
    long = "各级各部门" * 12 + "。"
    assert heading("一、" + long) == Heading(1, "一、", "一、", "", long)


def test_tables_by_bar_or_tab_and_never_of_one_line() -> None:
    assert compose("| 甲 | 乙 |\n|---|---|\n| 1 | 2 |").blocks == (Table((("甲", "乙"), ("1", "2"))),)
    assert compose("甲\t乙\t丙\n1\t2").blocks == (Table((("甲", "乙", "丙"), ("1", "2", ""))),)
    assert compose("甲｜乙\n1｜2").blocks == (Table((("甲", "乙"), ("1", "2"))),)
    assert compose("只有一行 | 不是表").blocks == (Paragraph("只有一行 | 不是表"),)
    assert [type(b) for b in compose("甲|乙\n\n丙|丁").blocks] == [Paragraph, Paragraph]


def test_attachments_and_notes_as_people_write_them() -> None:
    assert compose("甲。\n附件: 清单").blocks[1] == Attachments(("清单",), ("附件: ",))
    assert compose("甲。\n附 件：\n１、甲表\n２、乙表").blocks[1] == Attachments(("甲表", "乙表"), ("附 件：１、", "２、"))
    assert compose("甲。\n附件：1.甲表\n3.丙表").blocks[1] == Attachments(("甲表",), ("附件：1.",))
    assert compose("甲。\n(此件公开发布)").blocks[1] == Note("此件公开发布", "(", ")")
    assert compose("甲。\n附注：不公开").blocks[1] == Note("不公开", "附注：")
    assert numbered(["甲"]) == ["甲"]
    assert numbered(["甲", "乙"]) == ["1. 甲", "2. 乙"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "正文还没有写"),
        (" \n\t\n", 1, "正文还没有写"),
        ("字" * (MAX_CHARACTERS + 1), 1, f"正文有 {MAX_CHARACTERS + 1} 个字，最多"),
        ("一、甲\n三、乙", 2, "第 2 行的序号“三、”接不上，按顺序应是第 2 条"),
        ("一、甲\n（二）乙", 2, "第 2 行的序号“（二）”接不上，按顺序应是第 1 条"),
        ("甲\n附件：表\n乙", 2, "第 2 行的附件说明后面还有正文"),
        ("甲\n附件：表\n附件：表", 3, "第 3 行又写了一次附件说明"),
        ("甲\n附件：", 2, "第 2 行的附件没有名称"),
        ("附注：甲\n乙", 1, "第 1 行的附注不在最后"),
        ("附注：甲\n附注：乙", 1, "第 1 行的附注不在最后"),
        ("|".join("甲" * 13) + "\n" + "|".join("乙" * 13), 1, "第 1 行的表格有 13 列，最多 12 列"),
    ],
)
def test_what_cannot_stand(text: str, line: int, said: str) -> None:
    problem = compose(text).problems[0]
    assert (problem.line, problem.text()[: len(said)]) == (line, said)


def test_lower_numbers_begin_anew() -> None:
    assert compose("一、甲\n（一）乙\n（二）丙\n二、丁\n（一）戊\n1.己\n2.庚").problems == ()


@pytest.mark.parametrize(
    ("number", "value"), [("一、", 1), ("十、", 10), ("十二、", 12), ("二十三、", 23), ("一百零五、", 105), ("7.", 7)]
)
def test_numbers_in_words(number: str, value: int) -> None:
    assert number_of(Heading(1, number, number, "甲")) == value


SIGNS = st.text(alphabet=[*"一二十（）()1２3.．、。：:附件注|｜-\t \n甲乙丙，字\r\u2028\x0b😀"], max_size=80)


@given(st.one_of(SIGNS, st.text(max_size=60)))
@example(TEXT)
@example("附件：\n1.甲\n2.乙\n1.丙")
@example("附件：\n\n附件：1.")
def test_nothing_typed_is_lost(text: str) -> None:
    """Every character comes back in its order, but for blanks, the bars of tables and the rule below a table's head."""
    writing = compose(text)
    rules = re.compile(r"^[\s|｜]*(?::?-{2,}:?[\s|｜]*)+$")
    dropped = re.compile(r"[\s|｜]")
    kept = [line for line in text.splitlines() if not rules.match(line)]
    said = [line for block in writing.blocks for line in words(block).splitlines() if not rules.match(line)]
    assert dropped.sub("", "".join(said)) == dropped.sub("", "".join(kept))
    assert all(problem.text() for problem in writing.problems)
