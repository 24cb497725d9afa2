"""Tables from files as they come: encodings, delimiters, workbooks, and the sentences for what is no table."""

import csv
import datetime
import io

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ground.directory.tables import BadTable, Row, Table, clean, read_table
from tests.ground.directory.books import table_or_sentence, workbook
from tests.shared import shared_data

CITY = "代码,名称,简称\r\n620800,平凉市,平凉\r\n620826,静宁县,静宁\r\n"
EXPECTED = Table(
    ["代码", "名称", "简称"],
    [Row(2, {"代码": "620800", "名称": "平凉市", "简称": "平凉"}), Row(3, {"代码": "620826", "名称": "静宁县", "简称": "静宁"})],
)


def names(data: bytes) -> list[str]:
    """The second column of a table."""
    table = read_table(data)
    return [row.cells[table.header[1]] for row in table.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_encoding_with_every_delimiter(encoding: str, delimiter: str) -> None:
    assert read_table(CITY.replace(",", delimiter).encode(encoding)) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be"])
def test_english_headings_with_chinese_cells(encoding: str) -> None:
    assert names("code,name\n1,平凉市委办公室\n2,𠮷林村\n".encode(encoding)) == ["平凉市委办公室", "𠮷林村"]


def test_utf_16_big_endian_with_a_mark() -> None:
    assert read_table(b"\xfe\xff" + CITY.encode("utf-16-be")) == EXPECTED


def test_a_workbook_is_told_by_content_and_gives_the_same() -> None:
    data = workbook([["代码", "名称", "简称"], [620800, "平凉市", "平凉"], ["620826", "静宁县", "静宁"]])
    assert read_table(data, "名录.csv") == EXPECTED


@pytest.mark.parametrize(
    "path",
    [
        ("units.csv",),
        ("files", "csv", "单位名录_GBK.csv"),
        ("files", "csv", "单位名录_UTF16LE.csv"),
        ("files", "csv", "单位名录_UTF8带BOM.csv"),
        ("files", "docx", "平凉市公文交换单位名录（972家）.xlsx"),
    ],
)
def test_the_city_list_in_all_its_forms(path: tuple[str, ...]) -> None:
    with shared_data("units.csv").open(encoding="utf-8", newline="") as file:
        wanted = [list(row.values()) for row in csv.DictReader(file)]
    table = read_table(shared_data(*path).read_bytes(), path[-1])
    assert len(wanted) == 972
    assert [list(row.cells.values()) for row in table.rows] == wanted
    assert [row.number for row in table.rows] == list(range(2, 974))


def test_other_tables_of_the_city() -> None:
    assert len(read_table(shared_data("units_extra.csv").read_bytes()).rows) == 972
    form = read_table(shared_data("files", "docx", "参会回执（样表）.xlsx").read_bytes())
    assert form.header == ["序号", "单位", "姓名", "职务", "联系电话", "是否请假"]
    assert form.rows[0].cells["序号"] == "1"
    with pytest.raises(BadTable, match=r"^“titles\.csv”：没有找到表头"):
        read_table(shared_data("titles.csv").read_bytes(), "titles.csv")


def test_titles_above_the_header_and_empty_lines_keep_the_numbers_right() -> None:
    text = "平凉市单位名录,,\n2026年3月 填报,,\n\n代码,名称,简称\n\n1,甲,\n,,\n2,乙,\n"
    table = read_table(text.encode())
    assert table.header_row == 4
    assert [(row.number, row.cells["名称"]) for row in table.rows] == [(6, "甲"), (8, "乙")]
    rows: list[list[object]] = [["", "平凉市单位名录"], [], ["", "代码", "名称"], [], ["", 1, "甲"], ["", 2, "乙"]]
    table = read_table(workbook(rows))
    assert (table.header_row, table.header) == (3, ["代码", "名称"])
    assert [(row.number, row.cells["代码"]) for row in table.rows] == [(5, "1"), (6, "2")]


def test_a_title_that_is_itself_a_heading_does_not_hide_the_header() -> None:
    assert read_table("名称,\n代码,名称\n1,甲\n".encode()).header_row == 2


def test_headings_may_be_decorated() -> None:
    table = read_table("* 单位代码（必填）,Short Name：,其他,其他,\n1,甲,乙,丙,丁\n".encode())
    assert table.header == ["* 单位代码（必填）", "Short Name：", "其他", "其他′"]
    assert table.rows == [Row(2, dict(zip(table.header, ["1", "甲", "乙", "丙"], strict=True)), 1)]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_breaks() -> None:
    table = read_table('代码,名称\n1,"平凉市\r\n教育局"\n2,"甲,""乙"""\n3,"Room\n5"\n'.encode())
    assert [(row.number, row.cells["名称"]) for row in table.rows] == [(2, "平凉市教育局"), (3, '甲,"乙"'), (4, "Room 5")]


def test_cells_are_cleaned_and_codes_folded() -> None:
    text = "代码,名称,级别\n\u200b６２０８００ , \u3000e\u0301１\u202e\x07\ufeff　,１\n"
    assert read_table(text.encode()).rows[0].cells == {"代码": "620800", "名称": "é１", "级别": "1"}
    assert clean("\x00\u2066a\u200db\u2069\n") == "ab"


def test_a_shifted_row_is_marked() -> None:
    assert [row.extra for row in read_table("代码,名称\n1,甲\n2,甲,乙, ,丙\n3,甲,\n".encode()).rows] == [0, 2, 0]


def test_what_stands_in_the_cells_of_a_workbook() -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as out:
        sheet = out.add_worksheet()
        for column, heading in enumerate(["代码", "名称", "级别", "手机"]):
            sheet.write(0, column, heading)
        sheet.write_number(1, 0, 620800.0)
        sheet.write_formula(1, 1, '="平凉"&"市"', None, "平凉市")
        sheet.write_formula(1, 2, "=1/2", None, 0.5)
        sheet.write_number(1, 3, 13912345678)
        sheet.write_formula(2, 0, "=NA()", None, "#N/A")
        sheet.write_boolean(2, 1, True)
        sheet.write_datetime(2, 2, datetime.date(2026, 3, 1), out.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_number(2, 3, 1e300)
    rows = read_table(book.getvalue()).rows
    assert list(rows[0].cells.values()) == ["620800", "平凉市", "0.5", "13912345678"]
    assert list(rows[1].cells.values()) == ["", "True", "2026-03-01", "1e+300"]


def test_the_first_shown_sheet_with_a_header_is_read() -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as out:
        lists, notes, empty, wanted = (out.add_worksheet(name) for name in ("选项", "填表说明", "空", "单位"))
        for sheet, cell in ((lists, "藏"), (wanted, "甲")):
            sheet.write_row(0, 0, ["代码", "名称"])
            sheet.write_row(1, 0, ["1", cell])
        notes.write(0, 0, "请如实填写")
        notes.activate()
        notes.set_first_sheet()
        lists.hide()
        assert empty.name == "空"
    assert names(book.getvalue()) == ["甲"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "文件是空的"),
        (b"\xef\xbb\xbf\r\n", "文件是空的"),
        (bytes(1000), "文件是空的"),
        ("代码,名称\n\n,,\n".encode(), "表头下面没有内容"),
        ("甲,乙\n1,2\n".encode(), "没有找到表头.*单位表：代码、名称、简称.*人员表：账号.*发文范围表"),
        (b"\x01\x02\x03\xff\xfe\xfd" * 500, "看不懂这个文件的内容"),
        ("代码,名称,代码\n1,甲,2\n".encode(), "“代码”出现了两次"),
        ('代码,名称\n1,甲\n2,"乙\n3,丙\n'.encode(), "第 3 行的引号"),
        ("代码,名称\n1,甲乙丙丁戊己庚\n2,".encode() + b"\xe5\xb9" + "凉\n".encode(), "第 3 行有损坏的字符"),
        (b"\xef\xbb\xbf" + "代码,名称\n1,".encode() + b"\xff\n", "第 2 行有损坏的字符"),
        ("代码,名称\n".encode("utf-16") + b"\x00\xd8\x31", "损坏的字符"),
        (b"%PDF-1.7 name code", "这不是表格文件"),
        (b"\xff\xd8\xff\xe0 jpeg", "这不是表格文件"),
        ("<html><table><tr><td>代码".encode(), "网页格式"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le"), r"旧格式（\.xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
        (("代码," + ",".join(f"列{n}" for n in range(200)) + "\n1\n").encode(), "表头有 201 列"),
        (b"PK\x03\x04 no archive", "已损坏"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadTable, match=sentence) as refused:
        read_table(data)
    assert str(refused.value).endswith("。")


def test_a_file_of_more_than_32_mb_is_refused_unread() -> None:
    with pytest.raises(BadTable, match="超过 32 MB"):
        read_table(b"code,name\n" + b"x" * (32 << 20))


def test_the_sentence_names_the_file_without_its_folder_or_tricks() -> None:
    with pytest.raises(BadTable, match=r"^“名录\.csv”：文件是空的"):
        read_table(b"", "C:\\桌面\\名\u202e录.csv")


def test_word_documents_are_recognised() -> None:
    folder = shared_data("files", "docx")
    document = next(path for path in sorted(folder.iterdir()) if path.suffix == ".docx")
    with pytest.raises(BadTable, match="这是 Word 文档"):
        read_table(document.read_bytes())


@given(st.binary(max_size=400))
@example("代码\n".encode("utf-16") + b"\x00")
@example(b'code,name\n"')
@example(b"code\r\rname")
@settings(max_examples=400)
def test_any_bytes_give_a_table_or_a_sentence(data: bytes) -> None:
    for start in (b"", b"code,name\n", "代码\t名称\n".encode("gbk"), b"\xff\xfe", b"PK\x03\x04"):
        table = table_or_sentence(start + data)
        assert isinstance(table, str) or all(list(row.cells) == table.header for row in table.rows)


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=8), st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]], encoding: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["登录名", "备注"], *rows])
    wanted = [[clean(cell) for cell in row][1] for row in rows if clean(row[1])]
    table = table_or_sentence(out.getvalue().encode(encoding))
    assert [row.cells["备注"] for row in getattr(table, "rows", []) if row.cells["备注"]] == wanted
    assert isinstance(table, str) == (not any(clean(cell) for row in rows for cell in row))
