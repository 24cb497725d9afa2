"""Lists on paper and as a workbook, read back: exactly the people who come, nothing more and nothing less."""

import io
import re
import time
import zipfile
from collections import Counter

import pypdfium2
import pytest
import segno
from python_calamine import CalamineWorkbook

from ground.typeset import MissingGlyphs, uncovered
from notices.lists import (
    Answer,
    Attendee,
    Meeting,
    card_name,
    cards_pdf,
    check_in_pdf,
    name_list_pdf,
    people_xlsx,
    role_word,
    sign_in_pdf,
)

pytestmark = pytest.mark.skipif(bool(uncovered("国")), reason="needs a Chinese font (Debian: fonts-noto-cjk)")

MEETING = Meeting(
    title="全市安全生产工作会议",
    time_text="2026年3月20日（星期五）9:00",
    place="市委党校报告厅",
    organiser="市政府办公室",
    printed_by="市政府办公室　王芳",
    printed_at="2026-03-18T01:42:07.123Z",
)
FEW = [
    Attendee("市公安局", "张建国", "局长", "01390000001", "principal"),
    Attendee(
        "市教育局", "王芳", "副局长", "13900000002", "deputy", stand_in_for="李娜", checked_in_at="2026-03-20T00:51:09.000Z"
    ),
    Attendee("市公安局", "欧阳文静", "科员", "13900000003", "staff", note="清真餐"),
    Attendee("市教育局", "买买提·吐尔逊", "驾驶员", "13900000004", "driver", stand_in_for="赵六", note="车位"),
    Attendee("北区", "镕喆堃垚昇珺玥𠮷", "", "", "观察员"),
]
TYPED = ["#panic()", "*x*", "$", "=1+1", "@SUM(1)", "-1+1", "+1", "http://a.b/", "<b>", "{=1}", "_y_", "00123", "1e5", "\\n"]


def squeezed(text: str) -> str:
    """Without white space and the invisible characters that a line break leaves in extracted text."""
    return re.sub(r"[\s\u200b\u00ad\ufffe\uffff]+", "", text)


def pages(pdf: bytes) -> list[str]:
    """The squeezed text of each page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [squeezed(document[at].get_textpage().get_text_range()) for at in range(len(document))]
    finally:
        document.close()


def table(pdf: bytes, kind: str, heads: str) -> str:
    """The table's text over all pages; every page must have the print line, the head row and its page number."""
    found = []
    texts = pages(pdf)
    for at, text in enumerate(texts, 1):
        printed = f"送达{kind}市政府办公室王芳2026-03-1809:42打印"
        foot = f"{MEETING.title}第{at}页，共{len(texts)}页"
        assert (text.count(printed), text.count(heads), text.count(foot)) == (1, 1, 1)
        body = text.replace(printed, "").replace(foot, "")
        before, _, after = body.partition(heads)
        assert bool(before) == (at == 1)  # title, kind and facts stand on the first page only
        found.append(after)
    return "".join(found)


def many(count: int) -> list[Attendee]:
    """People with names, units and mobiles that all differ; two of each unit."""
    return [Attendee(f"第{n // 2}号单位", f"甲{chr(0x4E00 + n)}乙", "主任", f"{13900000000 + n}", "staff") for n in range(count)]


# ---- name list --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_name_list_holds_everybody_by_unit_and_nothing_else() -> None:
    text = table(await name_list_pdf(MEETING, FEW), "会议名单", "序号单位姓名职务手机身份备注")
    assert text == squeezed("""
        1 市公安局 张建国 局长 01390000001 主要负责同志
        2 市公安局 欧阳文静 科员 13900000003 工作人员 清真餐
        3 市教育局 王芳 副局长 13900000002 分管负责同志 替会（李娜）
        4 市教育局 买买提·吐尔逊 驾驶员 13900000004 司机 替会（赵六）；车位
        5 北区 镕喆堃垚昇珺玥𠮷 观察员
    """)


@pytest.mark.anyio
async def test_the_head_of_the_first_page() -> None:
    [text] = pages(await name_list_pdf(MEETING, FEW))
    facts = "时间：2026年3月20日（星期五）9:00地点：市委党校报告厅组织单位：市政府办公室人数：3个单位，5人"
    assert f"全市安全生产工作会议会议名单{facts}序号" in text


@pytest.mark.anyio
async def test_a_list_of_1053_people_is_whole_and_quick() -> None:
    people = many(1053)
    started = time.perf_counter()
    pdf = await name_list_pdf(MEETING, people)
    taken = time.perf_counter() - started
    text = table(pdf, "会议名单", "序号单位姓名职务手机身份备注")
    assert text == "".join(f"{n}{p.unit}{p.name}主任{p.mobile}工作人员" for n, p in enumerate(people, 1))
    assert len(pages(pdf)) > 20
    assert taken < 30  # about 1.5 s on two old cores; this only catches something that grows with the square
    assert pdf == await name_list_pdf(MEETING, people)


@pytest.mark.anyio
async def test_typed_markup_is_printed_as_typed() -> None:
    people = [Attendee(f"单位{typed}", typed, typed, typed, typed, typed, "", typed) for typed in TYPED]
    meeting = MEETING._replace(time_text="#time", place="*地点*", organiser="$组织$")
    pdf = await name_list_pdf(meeting, people)
    expected = "".join(f"{n}单位{t}{t}{t}{t}{t}替会（{t}）；{t}" for n, t in enumerate(TYPED, 1))
    assert table(pdf, "会议名单", "序号单位姓名职务手机身份备注") == expected
    assert "时间：#time地点：*地点*组织单位：$组织$" in pages(pdf)[0]


@pytest.mark.anyio
async def test_a_text_longer_than_a_page_and_a_word_wider_than_its_column_are_whole() -> None:
    note, word = "很长的备注" * 300, "W" * 120
    pdf = await name_list_pdf(MEETING, [FEW[0]._replace(note=note, name=word, unit=word)])
    text = "".join(pages(pdf))
    assert Counter(text)["注"] == 300 + len(pages(pdf))  # once more in each head row
    assert Counter(text)["W"] == 240
    document = pypdfium2.PdfDocument(pdf)
    page = document[0].get_textpage()
    right = max(page.get_charbox(at)[2] for at in range(page.count_chars()))
    document.close()
    assert right <= (210 - 18) / 25.4 * 72


@pytest.mark.anyio
async def test_an_empty_list_prints_its_head() -> None:
    [text] = pages(await name_list_pdf(MEETING, []))
    assert "人数：0个单位，0人序号单位姓名职务手机身份备注" in text


@pytest.mark.anyio
async def test_a_character_without_glyph_refuses_every_sheet() -> None:
    people = [FEW[0]._replace(name="王\U000f1234")]
    for print_it in (name_list_pdf, sign_in_pdf, cards_pdf):
        with pytest.raises(MissingGlyphs) as caught:
            await print_it(MEETING, people)
        assert caught.value.glyphs == "\U000f1234"


# ---- sign-in sheet, cards, the door -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_sign_in_sheet_has_the_same_people_and_about_22_rows_a_page() -> None:
    people = many(100)
    pdf = await sign_in_pdf(MEETING, people)
    text = table(pdf, "签到表", "序号单位姓名职务手机签到")
    assert text == "".join(f"{n}{p.unit}{p.name}主任{p.mobile}" for n, p in enumerate(people, 1))
    on_page = [len(re.findall(r"139\d{8}", page)) for page in pages(pdf)]
    assert 20 <= on_page[0] <= 24
    assert on_page[1] <= 27
    assert pdf == await sign_in_pdf(MEETING, people)


@pytest.mark.anyio
async def test_each_person_has_one_card_with_the_name_twice() -> None:
    people = [*FEW, *(FEW[0]._replace(name=typed) for typed in TYPED), FEW[0]._replace(name="阿卜杜热合曼·阿卜杜克热木江")]
    pdf = await cards_pdf(MEETING, people)
    ordered = sorted(people, key=lambda person: ["市公安局", "市教育局", "北区"].index(person.unit))
    assert pages(pdf) == [person.name * 2 for person in ordered]
    assert pdf == await cards_pdf(MEETING, people)


@pytest.mark.anyio
async def test_cards_are_a4_across_and_names_fill_their_half_without_leaving_it() -> None:
    names = ["王芳", "张建国", "欧阳文静", "买买提·吐尔逊", "阿卜杜热合曼·阿卜杜克热木江", "一"]
    document = pypdfium2.PdfDocument(await cards_pdf(MEETING, [FEW[0]._replace(name=name) for name in names]))
    for page in document:
        bitmap = page.render(scale=0.3527, grayscale=True)  # one pixel a millimetre
        grey, stride = bytes(bitmap.buffer), bitmap.stride
        assert (bitmap.width, bitmap.height) == (297, 210)
        dark = {(x, y) for y in range(210) for x in range(297) if grey[y * stride + x] < 200}
        edges = {(x, y) for x, y in dark if x < 17 or x >= 297 - 17}
        assert edges
        assert all((x < 7 or x >= 290) and y in {104, 105} for x, y in edges)  # only the two marks where to fold
        lower = {(x, y) for x, y in dark - edges if y >= 105}
        upper = {(296 - x, 209 - y) for x, y in dark - edges if y < 105}
        assert len(lower ^ upper) < 0.2 * len(lower)  # the same name, upside-down; the rest is smoothing
        assert max(x for x, _ in lower) - min(x for x, _ in lower) > 60
        assert min(y for _, y in lower) > 105 + 10
        assert max(y for _, y in lower) < 210 - 10
    document.close()


def test_two_characters_stand_apart_on_a_card() -> None:
    names = {
        "王芳": "王　芳",
        " 王芳 ": "王　芳",
        "张建国": "张建国",
        "欧阳文静": "欧阳文静",
        "𠮷田": "𠮷　田",
        "": "",
        "王": "王",
    }
    assert {name: card_name(name) for name in names} == names


def test_role_words() -> None:
    codes = ("principal", "deputy", "staff", "driver", "观察员", "")
    assert [role_word(code) for code in codes] == ["主要负责同志", "分管负责同志", "工作人员", "司机", "观察员", ""]


@pytest.mark.anyio
async def test_the_door_page_carries_exactly_the_qr_code() -> None:
    url = "https://songda.example/desk/7f3a9c2e/check-in?t=Zm9vYmFyYmF6"
    pdf = await check_in_pdf(MEETING, url)
    [text] = pages(pdf)
    assert "全市安全生产工作会议扫码签到时间：2026年3月20日（星期五）9:00地点：市委党校报告厅" in text
    assert url in text
    assert modules_on(pdf, len(segno.make_qr(url, error="m").matrix)) == [
        list(row) for row in segno.make_qr(url, error="m").matrix
    ]
    assert pdf == await check_in_pdf(MEETING, url)


def modules_on(pdf: bytes, count: int) -> list[list[int]]:
    """The page's square of 120 mm as `count` × `count` modules, 1 dark: each read at its middle, the place found by its edges."""
    document = pypdfium2.PdfDocument(pdf)
    bitmap = document[0].render(scale=2, grayscale=True)
    grey, width, height, stride = bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride
    document.close()
    side = 120 / 25.4 * 72 * 2
    left = (width - side) / 2
    column = [grey[y * stride + int(left + side / count / 2)] < 128 for y in range(height)]
    seven = int(side / count * 7) - 2  # the left edge of the upper finder pattern is the first dark run of seven modules
    top = next(y for y in range(height) if all(column[y : y + seven]))
    middle = [(n + 0.5) * side / count for n in range(count)]
    return [[int(grey[int(top + y) * stride + int(left + x)] < 128) for x in middle] for y in middle]


@pytest.mark.anyio
async def test_a_url_that_no_code_can_hold_is_refused() -> None:
    for url in ("", "https://songda.example/" + "x" * 3000):
        with pytest.raises(ValueError, match=r"."):
            await check_in_pdf(MEETING, url)


# ---- workbook ---------------------------------------------------------------------------------------------------------


def sheets(book: bytes) -> dict[str, list[list[object]]]:
    """The rows of every sheet."""
    read = CalamineWorkbook.from_filelike(io.BytesIO(book))
    return {name: [list(row) for row in read.get_sheet_by_name(name).to_python()] for name in read.sheet_names}


ANSWERS = [
    Answer("市公安局", "已报名", "2026-03-17T16:05:00.000Z", 2),
    Answer("市教育局", "请假待批", "2026-03-17T03:00:00.000Z", 0, "=出差"),
    Answer("北区", "未答复"),
]


@pytest.mark.anyio
async def test_the_workbook_holds_exactly_the_people_and_the_answers() -> None:
    assert sheets(await people_xlsx(MEETING, FEW, ANSWERS)) == {
        "名单": [
            ["序号", "单位", "姓名", "职务", "手机", "身份", "替会", "签到时间", "备注"],
            [1.0, "市公安局", "张建国", "局长", "01390000001", "主要负责同志", "", "", ""],
            [2.0, "市公安局", "欧阳文静", "科员", "13900000003", "工作人员", "", "", "清真餐"],
            [3.0, "市教育局", "王芳", "副局长", "13900000002", "分管负责同志", "替会（李娜）", "2026-03-20 08:51", ""],
            [4.0, "市教育局", "买买提·吐尔逊", "驾驶员", "13900000004", "司机", "替会（赵六）", "", "车位"],
            [5.0, "北区", "镕喆堃垚昇珺玥𠮷", "", "", "观察员", "", "", ""],
        ],
        "各单位答复": [
            ["序号", "单位", "答复情况", "答复时间", "人数", "理由"],
            [1.0, "市公安局", "已报名", "2026-03-18 00:05", 2.0, ""],
            [2.0, "市教育局", "请假待批", "2026-03-17 11:00", 0.0, "=出差"],
            [3.0, "北区", "未答复", "", 0.0, ""],
        ],
    }


@pytest.mark.anyio
async def test_typed_formulas_and_links_stay_text_in_the_workbook() -> None:
    people = [Attendee(typed, typed, typed, typed, typed, typed, "", typed) for typed in TYPED]
    book = await people_xlsx(MEETING, people, [Answer(typed, typed, "", 1, typed) for typed in TYPED])
    assert [row[1:6] + row[8:] for row in sheets(book)["名单"][1:]] == [[typed] * 6 for typed in TYPED]
    assert [[row[1], row[2], row[5]] for row in sheets(book)["各单位答复"][1:]] == [[typed] * 3 for typed in TYPED]
    xml = "".join(part.decode() for part in parts(book).values())
    assert "<f>" not in xml
    assert "<hyperlink" not in xml


def parts(book: bytes) -> dict[str, bytes]:
    """The files inside the workbook."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.anyio
async def test_the_workbook_is_set_up_for_the_screen_and_for_paper() -> None:
    found = parts(await people_xlsx(MEETING, FEW, ANSWERS))
    for name in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
        xml = found[name].decode()
        assert 'ySplit="1"' in xml
        assert 'state="frozen"' in xml
        assert 'paperSize="9"' in xml
        assert 'fitToHeight="0"' in xml
        assert "<cols>" in xml
    assert "Print_Titles" in found["xl/workbook.xml"].decode()
    assert "2026-03-18T01:42:07Z" in found["docProps/core.xml"].decode()


@pytest.mark.anyio
async def test_the_same_people_give_the_same_workbook_at_any_time() -> None:
    first = await people_xlsx(MEETING, many(1053), ANSWERS)
    time.sleep(2.1)  # noqa: ASYNC251 - a ZIP counts time in steps of two seconds
    assert first == await people_xlsx(MEETING, many(1053), ANSWERS)
    assert len(sheets(first)["名单"]) == 1054


@pytest.mark.anyio
async def test_texts_that_a_cell_cannot_hold_are_cut_and_half_pairs_replaced() -> None:
    people = [FEW[0]._replace(note="长" * 40000, position="半\ud842")]
    row = sheets(await people_xlsx(MEETING, people, []))["名单"][1]
    assert (row[3], row[8]) == ("半?", "长" * 32767)
