"""A table that somebody made in a spreadsheet, read from its bytes.

    bytes → what is it (content, never the name) → records (number, cells) → header row → Table

CSV in UTF-8, GB18030 or UTF-16, separated by comma, semicolon or tab, and XLSX (workbooks.py). Every failure is a `BadTable`
whose Chinese sentence says what to do.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from ground.directory.workbooks import MAX_COLUMNS, MAX_ROWS, BadTable, Record, sheets

__all__ = ["BadTable", "Row", "Table", "clean", "fold_heading", "read_table"]

MAX_BYTES = 32 * 2**20  # of the file as sent
HEADER_WITHIN = 100  # titles and notes above the header: at most so many rows

UNIT_HEADINGS = {
    "code": ("code", "代码", "单位代码", "单位编码"),
    "name": ("name", "名称", "单位名称", "全称", "单位全称"),
    "short_name": ("short_name", "简称", "单位简称"),
    "parent_code": ("parent_code", "上级代码", "上级单位代码"),
    "kind": ("kind", "性质", "类别", "单位性质", "单位类别"),
    "level": ("level", "级别", "层级", "单位级别"),
}
PERSON_HEADINGS = {
    "login": ("login", "账号", "登录名", "登录账号"),
    "name": ("name", "姓名"),
    "unit_code": ("unit_code", "单位代码", "单位编码"),
    "role": ("role", "岗位", "角色"),
    "position": ("position", "职务"),
    "mobile": ("mobile", "手机", "手机号", "手机号码"),
    "email": ("email", "邮箱", "电子邮箱"),
}
GROUP_HEADINGS = {
    "group": ("group", "发文范围", "分组"),
    "unit_code": ("unit_code", "单位代码", "单位编码"),
}
_WRITTEN_IN_ASCII = {"code", "parent_code", "unit_code", "level", "login", "role", "mobile", "email"}

_GONE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (zero-width, direction), lone surrogate, separators
_BREAK = re.compile(r"\s*[\t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+\s*")


class Row(NamedTuple):
    """One row below the header."""

    number: int  # as a spreadsheet shows it: the first row of the file is 1
    cells: dict[str, str]  # by heading as written in the file; every heading is there, "" when the cell is empty
    extra: int = 0  # filled cells beyond the last heading (CSV only): a comma too many has shifted the row


class Table(NamedTuple):
    """A header and the rows under it that are not empty."""

    header: list[str]  # as written, cleaned; columns without a heading are left out
    rows: list[Row]
    header_row: int = 1  # its number in the file


def read_table(data: bytes, filename: str = "") -> Table:
    """Read a CSV or XLSX file, told apart by content.

    Args:
        data: the whole file.
        filename: only named in the sentence of an error.
    Returns:
        At most 200,000 rows of at most 200 columns. Cells are NFC, trimmed, without control and zero-width characters; a line
        break inside a cell is closed up. In columns of codes, logins, levels and numbers, full-width characters become ASCII.
    Raises:
        BadTable: with the sentence to show.
    """
    try:
        if not data.strip(b"\0\t\r\n \xef\xbb\xbf\xff\xfe"):
            raise BadTable("文件是空的。请检查是否选对了文件，填好后再导入。")
        if len(data) > MAX_BYTES:
            raise BadTable(f"文件超过 {MAX_BYTES >> 20} MB。请删去图片和无关的工作表，或分成几份导入。")
        if data.startswith(b"PK"):
            return _from_sheets(data)
        _refuse_other_formats(data)
        return _from_text(_decode(data))
    except BadTable as error:
        name = clean(re.split(r"[/\\]", filename)[-1])[:80]
        raise BadTable(f"“{name}”：{error}" if name else str(error)) from None


def clean(text: str) -> str:
    """`text` in NFC, trimmed, without control, zero-width and direction characters; line breaks close up between Chinese."""
    if text.isprintable() and unicodedata.is_normalized("NFC", text):
        return text.strip()
    text = _BREAK.sub(_close_up, text.strip())
    text = "".join(c for c in text if unicodedata.category(c) not in _GONE)
    return unicodedata.normalize("NFC", text).strip()


def _close_up(gap: re.Match[str]) -> str:
    """What stands for a line break inside a cell: a space between two ASCII characters, else nothing."""
    around = gap.string[gap.start() - 1 : gap.start()] + gap.string[gap.end() : gap.end() + 1]
    return " " if around.isascii() else ""


def fold_heading(text: str) -> str:
    """The form in which headings are compared: `* Short Name（必填）` and `short_name` are the same."""
    folded = unicodedata.normalize("NFKC", text[:200]).casefold()
    return re.sub(r"\([^()]*\)$|[\s*:_-]", "", re.sub(r"[\s*:]+$", "", folded))


_FIELDS = {
    fold_heading(name): field
    for headings in (UNIT_HEADINGS, PERSON_HEADINGS, GROUP_HEADINGS)
    for field, names in headings.items()
    for name in names
}


def _no_heading() -> BadTable:
    kinds = (("单位", UNIT_HEADINGS), ("人员", PERSON_HEADINGS), ("发文范围", GROUP_HEADINGS))
    known = "；".join(f"{what}表：" + "、".join(names[1] for names in headings.values()) for what, headings in kinds)
    return BadTable(f"没有找到表头。请让第一行是这些列名（也可以用英文列名）——{known}。")


# ---- from records to a table -------------------------------------------------------------------------------------------


def _known(cells: list[str]) -> int:
    """How many different columns that we know `cells` names."""
    return len({_FIELDS[folded] for cell in cells if (folded := fold_heading(cell)) in _FIELDS})


def _find_header(records: Iterable[Record]) -> tuple[int, Record] | None:
    """(known headings, record) of the first row with two known headings, else of the first with one, else None."""
    single: tuple[int, Record] | None = None
    for record in records:
        known = _known(record[1])
        if known >= 2:
            return known, record
        if known == 1 and single is None:
            single = known, record
    return single


def _headings(record: Record) -> list[tuple[int, str, bool]]:
    """(column, heading, folded to ASCII?) for each column of the header that has a heading."""
    cells = [clean(cell) for cell in record[1]]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > MAX_COLUMNS:
        raise BadTable(f"表头有 {len(cells)} 列，最多 {MAX_COLUMNS} 列。请删去无关的列。")
    named = [(column, cell) for column, cell in enumerate(cells) if cell]
    seen: set[str] = set()
    result = []
    for column, heading in named:
        folded = fold_heading(heading)
        if heading in seen and folded in _FIELDS:
            raise BadTable(f"表头里“{heading}”出现了两次。请只留一列。")
        while heading in seen:
            heading += "′"
        seen.add(heading)
        result.append((column, heading, _FIELDS.get(folded) in _WRITTEN_IN_ASCII))
    return result


def _to_table(header: Record, records: Iterable[Record], *, count_extra: bool) -> Table:
    """The rows of `records` that stand below `header`, cleaned; equal cells share one string."""
    headings = _headings(header)
    width = headings[-1][0] + 1
    cleaned: tuple[dict[str, str], dict[str, str]] = ({"": ""}, {"": ""})
    rows: list[Row] = []
    for number, raw in records:
        if number <= header[0] or not any(raw):
            continue
        cells = {}
        for column, heading, is_ascii in headings:
            text = raw[column] if column < len(raw) else ""
            cache = cleaned[is_ascii]
            if (value := cache.get(text)) is None:
                value = cache[text] = clean(unicodedata.normalize("NFKC", text)) if is_ascii else clean(text)
            cells[heading] = value
        extra = sum(1 for text in raw[width:] if text.strip()) if count_extra and len(raw) > width else 0
        if not extra and not any(cells.values()):
            continue
        if len(rows) == MAX_ROWS:
            raise BadTable(f"超过 {MAX_ROWS} 行。请分成几份导入。")
        rows.append(Row(number, cells, extra))
    if not rows:
        raise BadTable("表头下面没有内容。请填好后再导入。")
    return Table([heading for _, heading, _ in headings], rows, header[0])


def _from_sheets(data: bytes) -> Table:
    """The table in the first sheet of a workbook that has a header."""
    for records in sheets(data):
        top = list(islice(records, HEADER_WITHIN))
        if header := _find_header(top):
            return _to_table(header[1], chain(top, records), count_extra=False)
    raise _no_heading()


# ---- text --------------------------------------------------------------------------------------------------------------


def _refuse_other_formats(data: bytes) -> None:
    """Raise the fitting sentence when `data` begins like a known format that is no table."""
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise BadTable("这个表格加了打开密码。请去掉密码后另存为 .xlsx，再导入。")
        raise BadTable("这是旧格式（.xls 或 .doc）。请用表格软件打开，另存为 .xlsx，再导入。")
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"mime-version")):
        raise BadTable("这是网页格式的表（有的系统导出时叫 .xls）。请用表格软件打开，另存为 .xlsx，再导入。")
    if start.startswith((b"%pdf", b"\x89png", b"\xff\xd8\xff", b"gif8", b"{\\rtf", b"rar!", b"7z\xbc\xaf", b"\x1f\x8b")):
        raise BadTable("这不是表格文件。请选 .xlsx 或 .csv 文件。")


def _decode(data: bytes) -> str:
    """The text of `data`; the right encoding is the one in which a known heading can be read."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    readable = False
    for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
        beginning = data[:65_536].decode(encoding, "replace")
        folded = re.sub(r"[\s_-]", "", unicodedata.normalize("NFKC", beginning).casefold())
        if not any(heading in folded for heading in _FIELDS):
            readable = readable or (encoding in ("utf-8", "gb18030") and _is_prose(beginning[:2000]))
            continue
        text = data.decode(encoding, "replace")
        damage = text.count("\ufffd")
        if not damage or (encoding == "utf-8" and sum(not c.isascii() for c in text) > 5 * damage):
            return _strictly(data, encoding)  # mostly good UTF-8 is damaged UTF-8, never GB18030
    if readable:
        raise _no_heading()
    raise BadTable("看不懂这个文件的内容。请用表格软件打开，另存为 .xlsx，或另存为“CSV UTF-8”，再导入。")


def _is_prose(text: str) -> bool:
    """Whether few of the characters are such as nobody types: then it is a text in the right encoding, only without a header."""
    strange = (c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cn", "Co") for c in text if c not in "\t\r\n")
    return sum(strange) * 5 < len(text)


def _strictly(data: bytes, encoding: str) -> str:
    """`data` decoded, or BadTable naming the line of the first broken character."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        raise BadTable(f"第 {line} 行有损坏的字符。请用表格软件打开，改好后另存为 .xlsx，再导入。") from None


def _records(text: str, delimiter: str) -> Iterator[Record]:
    """(number, cells) of each record; a quoted cell may hold line breaks, and a blank line counts as a row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, cells
    except csv.Error as error:
        if "field larger" in str(error):
            raise BadTable(f'第 {number + 1} 行有一格太长。请检查引号（"）是否成对，或删短这一格。') from None
        raise BadTable(f'第 {number + 1} 行的引号（"）不成对。请用表格软件打开，另存为 .xlsx，再导入。') from None


def _from_text(text: str) -> Table:
    """The table in a CSV text; the delimiter is the one under which the header names most columns."""
    text = text.replace("\0", "")
    best: tuple[int, Record] | None = None
    delimiter, trouble = ",", None
    for candidate in ",;\t":
        try:
            found = _find_header(islice(_records(text, candidate), HEADER_WITHIN))
        except BadTable as error:
            trouble = error
            continue
        if found and (best is None or found[0] > best[0]):
            best, delimiter = found, candidate
    if best is None:
        raise trouble or _no_heading()
    return _to_table(best[1], _records(text, delimiter), count_extra=True)
