"""Documents on paper, measured: GB/T 9704-2012 as far as these tests reach."""

import csv
from collections import Counter
from datetime import date
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from exchange.typesetting import Paper, day, typeset_document
from exchange.writing import compose
from ground.fonts import FACES
from ground.typeset import MissingGlyphs, uncovered
from tests.exchange.measuring import Char, Page, blank_among, pages_of
from tests.exchange.papers import LETTER, MINUTES, NOTICE, REQUEST, TABLE, TAIL, TEXT
from tests.shared import shared_data

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(bool(uncovered("国")), reason="needs Chinese fonts (scripts/needs.sh)"),
]
TOP, LEFT, RIGHT, BOTTOM = 37.0, 28.0, 184.0, 262.0  # of the type area
UNIT = 156 / 28
PT = 25.4 / 72


async def pages(paper: Paper, *, ink: bool = False) -> list[Page]:
    """The pages of a document, measured; setting it must raise no warning."""
    with capture_logs() as logs:
        pdf = await typeset_document(paper)
    assert logs == []
    return pages_of(pdf, ink=ink)


def near(value: float, expected: float, slack: float = 1.0) -> bool:
    """Whether a measure is right within `slack` millimetres."""
    return abs(value - expected) <= slack


def middle(chars: list[Char]) -> float:
    """The centre of some characters on one line."""
    return (min(char.left for char in chars) + max(char.right for char in chars)) / 2


def inside(page: Page) -> bool:
    """Whether all but the page number stands in the type area."""
    chars = [char for char in page.chars if char.size != 14 or char.top < BOTTOM]
    return all(
        char.left >= LEFT - 1 and char.right <= RIGHT + 1 and char.top >= TOP - 1 and char.bottom <= BOTTOM + 1 for char in chars
    )


# ---- the type area (5.1, 5.2) and the page numbers (7.5) ------------------------------------------------------------


async def test_22_lines_of_28_characters_fill_the_type_area() -> None:
    set_pages = await pages(NOTICE._replace(body=compose("国" * 2000)))
    assert all(near(page.width, 210, 0.1) and near(page.height, 297, 0.1) for page in set_pages)
    full = set_pages[1]
    lines = [line for line in full.lines() if line[0].size == 16]
    assert [len(line) for line in lines] == [28] * 22
    assert {(char.size, char.family) for line in lines for char in line} == {(16, lines[0][0].family)}
    assert near(lines[0][0].left, LEFT)
    assert near(lines[0][0].top, TOP)
    assert near(lines[0][-1].right, RIGHT)
    assert near(lines[-1][0].bottom, BOTTOM)
    steps = [after[0].y - before[0].y for before, after in pairwise(lines)]
    assert max(steps) - min(steps) < 0.01
    assert near(steps[0], (225 - 16 * PT) / 21, 0.01)
    columns = [after.x - before.x for before, after in pairwise(lines[3])]
    assert near(min(columns), UNIT, 0.02)
    assert near(max(columns), UNIT, 0.02)


async def test_page_numbers_stand_outside_one_character_in() -> None:
    odd, even, *_ = await pages(NOTICE._replace(body=compose("国" * 2000)))
    for page, number in ((odd, "1"), (even, "2")):
        foot = page.lines()[-1]
        assert "".join(char.text for char in foot) == f"—{number}—"
        assert {char.size for char in foot} == {14}
        assert near((foot[0].top + foot[0].bottom) / 2, BOTTOM + 7, 0.5)  # the dash
    assert near(odd.lines()[-1][-1].right, RIGHT - UNIT)
    assert near(even.lines()[-1][0].left, LEFT + UNIT)


# ---- the head (7.2) -------------------------------------------------------------------------------------------------


async def test_the_head_of_a_notice() -> None:
    first = (await pages(NOTICE))[0]
    sign, number = first.find("平凉市人民政府办公室文件"), first.find("平政办发〔2026〕9号")
    assert near(min(char.top for char in sign), TOP + 35)
    assert near(middle(sign), (LEFT + RIGHT) / 2)
    assert all(char.red for char in sign)
    assert max(char.right for char in sign) <= RIGHT
    assert near(middle(number), (LEFT + RIGHT) / 2)
    gap = min(char.top for char in number) - max(char.bottom for char in sign)
    assert near(gap, 2 * (16 + 14) * PT, 1.5)  # two lines of a character and 7/8
    (rule,) = first.rules
    assert rule.red
    assert near(rule.left, LEFT, 0.5)
    assert near(rule.right, RIGHT, 0.5)
    assert near(rule.top - max(char.bottom for char in number), 4)
    assert not any(char.red for char in first.chars if char not in sign)


async def test_copy_number_and_urgency_stand_in_the_corner() -> None:
    first = (await pages(NOTICE))[0]
    copy, urgent = first.find("000042"), first.find("特急")
    assert near(copy[0].left, LEFT)
    assert near(copy[0].y - copy[0].size * PT * 0.88, TOP)  # the character's square, of which a figure fills a part
    assert near(urgent[0].left, LEFT)
    assert urgent[0].y > copy[0].bottom
    assert copy[0].size == urgent[0].size == 16
    assert urgent[0].family != copy[0].family
    alone = (await pages(NOTICE._replace(copy_number="")))[0].find("特急")
    assert near(alone[0].top, TOP)


async def test_title_recipients_and_headings() -> None:
    first, second, *_ = await pages(NOTICE)
    title = first.find("关于立即开展文博场所和旅游景区消防安全隐患排查整治的紧急通知")
    rule = first.rules[0]
    assert {char.size for char in title} == {22}
    assert near(min(char.top for char in title) - rule.bottom, 2 * (16 + 14) * PT)
    lines = [[char for char in title if char.y == y] for y in sorted({char.y for char in title})]
    assert len(lines) == 2
    assert all(near(middle(line), (LEFT + RIGHT) / 2) for line in lines)
    main = first.find("各县（市、区）人民政府")
    assert near(main[0].left, LEFT)
    assert near(main[0].y - title[-1].y, 2 * (225 - 16 * PT) / 21, 1.5)  # one line between
    assert "市应急管理局：" in first.text
    both = Page(0, 0, first.chars + second.chars, [], [])
    faces = [both.find(words)[0].family for words in ("近期天气", "立即开展拉网", "重点场所", "检查电气线路", "查看线路老化")]
    body, level_1, level_2, level_3, level_4 = faces
    assert len({body, level_1, level_2}) == 3
    assert level_3 == level_4 == body
    assert both.find("各县（市、区）和有关部门")[0].family == body  # the sentence after a heading
    assert near(both.find("一、立即")[0].x, LEFT + 2 * UNIT)
    full = [line for line in second.lines() if "".join(char.text for char in line).startswith(("二、建立", "1.检查"))]
    assert len(full) == 2
    assert all(near(line[-1].right, RIGHT) for line in full)  # also in what is kept together with the signature


async def test_an_upward_document_has_number_left_and_signers_right() -> None:
    first = (await pages(REQUEST))[0]
    number, word = first.find("平文旅发〔2026〕31号"), first.find("签发人：")
    assert near(number[0].left, LEFT + UNIT)
    assert near(number[0].y, first.find("王堃")[0].y, 0.1)  # the last signer's line
    assert near(word[0].y, first.find("许建平")[0].y, 0.1)
    assert near(first.find("李镕")[-1].right, RIGHT - UNIT)
    assert near(first.find("王堃")[0].x, first.find("许建平")[0].x, 0.1)
    assert first.find("许建平")[0].family != word[0].family == number[0].family
    (rule,) = [rule for rule in first.rules if rule.red]
    assert near(rule.top - max(char.bottom for char in number), 4)


async def test_a_joint_head_stacks_the_issuers_beside_the_word() -> None:
    heads = ("中共平凉市委办公室", "平凉市人民政府办公室", "平凉市文化和旅游局")
    joint = await pages(NOTICE._replace(heads=heads))
    names, word = [joint[0].find(head) for head in heads], joint[0].find("文件")
    assert near(min(char.top for char in names[0]), TOP + 35)
    assert all(near(name[0].left, names[0][0].left) and near(name[-1].right, names[0][-1].right) for name in names)
    assert min(char.left for char in word) > max(char.right for char in names[1])
    assert near((word[0].top + word[0].bottom) / 2, (names[0][0].top + names[2][0].bottom) / 2)
    assert all(char.red for chars in (*names, word) for char in chars)
    last = next(page for page in joint if "2026年3月18日" in page.text)
    date_ = last.find("2026年3月18日")
    signed = last.chars[: last.chars.index(date_[0])]
    assert near(middle(signed[-len(heads[2]) :]), middle(date_))
    many = tuple(f"平凉市第{n}委员会" for n in "一二三四五六七八九十")
    first = (await pages(NOTICE._replace(heads=many, title="关于安全的通知")))[0]
    assert inside(first)
    assert "近期天气" in first.text  # the first page shows the body


async def test_a_letter() -> None:
    (page,) = await pages(LETTER)
    sign, number = page.find("平凉市文化和旅游局"), page.find("平文旅函〔2026〕12号")
    assert near(min(char.top for char in sign), 30)
    rules = sorted((rule for rule in page.rules if rule.red), key=lambda rule: rule.top)
    assert len(page.rules) == len(rules) == 4
    assert all(near(rule.right - rule.left, 170, 0.5) and near(rule.left, 20, 0.5) for rule in rules)
    assert near(rules[0].top - max(char.bottom for char in sign), 4)
    assert near(297 - rules[3].bottom, 20, 0.5)
    assert rules[0].thickness > rules[1].thickness
    assert rules[2].thickness < rules[3].thickness
    assert near(number[-1].right, RIGHT)
    assert near(min(char.top for char in number) - rules[1].bottom, 14 * PT)
    assert near(page.find("000042")[0].left, LEFT)
    assert "—" not in page.text  # no page number on the first page
    assert "印发" not in page.text  # nor whose office printed it, when
    assert page.find("抄送：")[0].top > 240
    longer = await pages(LETTER._replace(body=compose("国" * 900)))
    assert "—2—" in longer[1].text
    assert not longer[1].rules


async def test_minutes() -> None:
    page = (await pages(MINUTES))[0]
    sign = page.find("平凉市人民政府常务会议纪要")
    assert near(min(char.top for char in sign), TOP + 35)
    assert near(middle(page.find("第5期")), (LEFT + RIGHT) / 2)
    present = page.find("出席：")
    assert near(present[0].x, LEFT + 2 * UNIT)
    assert present[0].family != page.find("会议听取")[0].family
    rows = [line for line in page.lines() if present[0].y <= line[0].y < page.find("请假：")[0].y]
    assert len(rows) == 3
    assert all(near(row[0].x, rows[0][3].x, 0.5) for row in rows[1:])  # goes on below the first character behind the colon
    assert "2026年3月18日" not in page.text


# ---- the end (7.3.4 to 7.3.7, 7.4) ----------------------------------------------------------------------------------


async def test_signature_date_and_note() -> None:
    page = next(page for page in await pages(NOTICE) if "2026年3月18日" in page.text)
    date_ = page.find("2026年3月18日")
    before = page.chars[: page.chars.index(date_[0])]
    assert "".join(char.text for char in before[-10:]) == "平凉市人民政府办公室"
    assert near(middle(before[-10:]), middle(date_))
    assert near(date_[-1].x + UNIT, RIGHT - 4 * UNIT)
    note = page.find("（联系人：何淑珍，电话：8210110）")
    assert note[0].y > date_[0].y
    assert near(note[0].x, LEFT + 2 * UNIT)
    first, second = page.find("1.排查"), page.find("2.文博")
    assert near(page.find("附件：")[0].x, LEFT + 2 * UNIT)
    assert near(first[2].x, second[2].x, 0.1)
    later = [line[0] for line in page.lines() if second[0].y < line[0].y < before[-10].y]
    assert later
    assert all(near(char.x, second[2].x, 0.5) for char in later)


async def test_a_signature_without_seals_and_one_too_long() -> None:
    page = (await pages(REQUEST))[0]
    date_ = page.find("2026年3月18日")
    name = page.chars[page.chars.index(date_[0]) - 9 : page.chars.index(date_[0])]
    assert near(date_[0].x, name[0].x + 2 * UNIT, 0.1)
    assert near(max(name[-1].x, date_[-1].x) + UNIT, RIGHT - 2 * UNIT)
    long = NOTICE._replace(parties=("平凉市推进文博场所和旅游景区消防安全隐患排查整治工作领导小组",))
    assert all(inside(page) for page in await pages(long))


@pytest.mark.parametrize(("text", "count"), [("现予印发。", 2), (TEXT + TAIL, 2), (TEXT * 2 + TAIL, 4)])
async def test_the_imprint_stands_at_the_foot_of_the_last_even_page(text: str, count: int) -> None:
    found = await pages(NOTICE._replace(body=compose(text)))
    assert len(found) == count
    assert all(inside(page) for page in found)
    rules = sorted((rule for rule in found[-1].rules if not rule.red), key=lambda rule: rule.top)
    assert [round(rule.thickness, 2) for rule in rules] == [0.35, 0.25, 0.35]
    assert near((rules[2].top + rules[2].bottom) / 2, BOTTOM, 0.3)
    assert all(near(rule.left, LEFT, 0.5) and near(rule.right, RIGHT, 0.5) for rule in rules)
    copies, office = found[-1].find("抄送："), found[-1].find("2026年3月19日印发")
    assert {char.size for char in (*copies, *office)} == {14}
    assert rules[0].bottom < copies[0].top < rules[1].top < office[0].top < rules[2].top
    assert near(copies[0].x, LEFT + 14 * PT, 0.2)
    assert near(office[-1].x + 14 * PT, RIGHT - 14 * PT, 0.5)
    assert "市政协办公室。" in found[-1].text
    assert not any(rule for page in found[:-1] for rule in page.rules if not rule.red)


async def test_printed_on_one_side_the_imprint_stays_on_a_page_with_room() -> None:
    short = NOTICE._replace(title="关于安全的通知", main="各县人民政府", copies="", body=compose("现予印发。"))
    (page,) = await pages(short._replace(both_sides=False))
    assert "2026年3月19日印发" in page.text
    assert len(await pages(short)) == 2
    assert "—1—" in page.text
    assert len(await pages(NOTICE._replace(body=compose("现予印发。"), copies="", office="", printed=None))) == 1


async def test_a_blank_page_before_the_imprint_leaves_both_without_a_number() -> None:
    for extra in range(0, 28 * 10, 28):
        found = await pages(NOTICE._replace(body=compose("国" * (28 * 17 + extra))))
        if len(found) == 4 and not found[2].chars:
            assert "—" not in found[3].text
            assert "—2—" in found[1].text
            return
    pytest.fail("no length left too little room on the second page")


async def test_three_pages_with_a_table() -> None:
    found = await pages(NOTICE._replace(body=compose(TEXT + TABLE + TEXT + TAIL), both_sides=False))
    assert len(found) == 3
    page = next(page for page in found if "检查对象" in page.text)
    assert len(page.rules) > 4
    assert all(rule.left >= LEFT - 0.6 and rule.right <= RIGHT + 0.6 for rule in page.rules)
    assert all(inside(page) for page in found)
    assert "抄送：" in found[-1].text
    long = "甲 | 乙\n" + "".join(f"第{n}行 | 内容\n" for n in range(60))
    heads = [page.text.count("甲乙") for page in await pages(NOTICE._replace(body=compose(long))) if "行内容" in page.text]
    assert len(heads) > 2
    assert set(heads) == {1}  # the head row on each page


# ---- long values ----------------------------------------------------------------------------------------------------


def units(count: int) -> list[str]:
    """Names of real units."""
    with shared_data("units.csv").open(encoding="utf-8") as file:
        return [row[1] for row in csv.reader(file)][1 : count + 1]


async def test_a_hundred_recipients_move_into_the_imprint() -> None:
    names = units(100)
    found = await pages(NOTICE._replace(main="、".join(names), copies="、".join(names[:30])))
    assert "近期天气" in found[0].text
    assert names[50] not in found[0].text
    last = "".join(page.text for page in found[1:])
    assert last.index("主送：") < last.index("抄送：")
    assert all(name in last for name in names)
    assert all(inside(page) for page in found)
    few = await pages(NOTICE)
    assert "主送" not in "".join(page.text for page in few)


async def test_long_titles_stay_inside() -> None:
    with shared_data("titles.csv").open(encoding="utf-8") as file:
        longest = sorted({row[0] for row in csv.reader(file)}, key=len)[-3:]
    for title in (*longest, "".join(longest)[:138]):  # 138: the longest seen anywhere
        found = await pages(NOTICE._replace(title=title))
        assert all(inside(page) for page in found)
        assert title.replace(" ", "") in found[0].text
        assert "近期天气" in found[0].text


async def test_a_run_without_blanks_stays_inside() -> None:
    found = await pages(NOTICE._replace(body=compose("x" * 300 + "\n甲 | 乙\n" + "y" * 200 + " | 丙"), copies="z" * 200))
    assert all(inside(page) for page in found)


# ---- characters -----------------------------------------------------------------------------------------------------


async def test_no_character_of_real_titles_comes_out_blank() -> None:
    with shared_data("titles.csv").open(encoding="utf-8") as file:
        counts = Counter("".join(row[0] for row in csv.reader(file)))
    known = [char for char in counts if char.isalnum() and ord(char) > 0x2E80]
    rarest = "".join(sorted(known, key=lambda char: (counts[char], char))[:60]) + "镕喆堃垚昇珺玥𠮷"
    assert {face: uncovered("".join(known), names) for face, names in FACES.items()} == dict.fromkeys(FACES, "")
    text = f"{''.join(known)}\n一、{rarest[:30]}\n二、{rarest[30:]}\n（一）{rarest[:30]}\n（二）{rarest[30:]}"
    found = await pages(NOTICE._replace(title=rarest, body=compose(text)), ink=True)
    written = "".join(page.text for page in found).encode("utf-16", "surrogatepass").decode("utf-16")  # 𠮷 comes as a pair
    assert [page.blank for page in found] == [[]] * len(found)
    assert set(known) <= set(written)
    assert [char for char in rarest if written.count(char) < 3] == []  # title, 黑体, 楷体


async def test_the_measure_of_ink_finds_a_blank() -> None:
    page = pages_of(await typeset_document(LETTER), ink=True)[0]
    assert page.blank == []
    nowhere = page.chars[0]._replace(left=1.0, right=4.0, top=1.0, bottom=4.0)
    assert blank_among(await typeset_document(LETTER), 0, [nowhere]) == [nowhere.text]


async def test_a_character_without_a_glyph_refuses_by_name() -> None:
    with pytest.raises(MissingGlyphs) as refused:
        await typeset_document(NOTICE._replace(title="关于😀的通知"))
    assert refused.value.glyphs == "😀"


async def test_the_same_paper_gives_the_same_bytes_and_families_can_be_chosen() -> None:
    first, second = await typeset_document(NOTICE), await typeset_document(NOTICE)
    assert first == second
    assert await typeset_document(NOTICE, at="2026-03-18T01:42:07.123Z") != first
    noto = pages_of(await typeset_document(NOTICE, families={"fang": ("Noto Sans CJK SC",)}))
    assert noto[0].find("近期天气")[0].family.startswith("NotoSansCJK")


async def test_markup_in_a_text_is_only_text() -> None:
    typed = "#panic() *x* $y$ = @ref <l> `r` \\u{41}"
    found = await pages(NOTICE._replace(title=typed, body=compose(typed), main=typed, copies=typed))
    assert "".join(page.text for page in found).count(typed.replace(" ", "")) == 4


def test_dates_have_no_zeros() -> None:
    assert day(date(2026, 3, 8)) == "2026年3月8日"
    assert day(None) == ""
