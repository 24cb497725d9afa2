"""The sheets of an XLSX file from an unknown hand, through calamine, without letting the file choose how much memory it takes.

    bytes → unpacked within limits → measured → packed anew without compression → calamine → records

Calamine fills a rectangle up to the farthest cell, and copies a shared string at every use: one stray mark at XFD1048576 (it
happens to honest people) asks for hundreds of gigabytes and ends the process. So what calamine reads is what was measured.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_UNPACKED = 96 * 2**20  # bytes of all parts together
MAX_PARTS = 2_000
MAX_RECTANGLE = 4_000_000  # cells up to the farthest filled one: calamine takes 32 bytes for each
MAX_REPEATED = 200_000_000  # characters, when every use of a shared string is written out

Record = tuple[int, list[str]]  # the row's number as a spreadsheet shows it, and its cells

_WANTED = re.compile(r"_rels/\.rels|\[Content_Types\]\.xml|xl/(?!drawings/|charts/|theme/|media/)[^\0]*\.(xml|rels)")
_TROUBLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError)
_SAVE_AGAIN = "请用表格软件打开，另存为 .xlsx，再导入。"


class BadTable(ValueError):
    """The file cannot be read as a table; `str()` is a Chinese sentence that says what to do."""


def sheets(data: bytes) -> Iterator[Iterator[Record]]:
    """The rows of each sheet that has any, from A1 on: first the sheets that are shown, then the hidden ones.

    Formulas give the value that was saved with them, 620800.0 is "620800", an error such as #N/A is "".
    Raises BadTable when `data` is no XLSX, is locked or damaged, or would take memory out of proportion.
    """
    plain = _unpack(data)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(plain)) as book:
            shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
            for name in shown + [name for name in book.sheet_names if name not in shown]:
                sheet = book.get_sheet_by_name(name)
                if sheet.start is not None:
                    rows = sheet.to_python(skip_empty_area=False)
                    yield ((number, [_shown(cell) for cell in row]) for number, row in enumerate(rows, 1))
    except CalamineError:
        raise BadTable("这个 .xlsx 文件的内容已损坏。" + _SAVE_AGAIN) from None
    except BaseException as error:
        # A failed assertion inside calamine derives from BaseException and can be imported from nowhere.
        if type(error).__name__ != "PanicException":
            raise
        raise BadTable("这个 .xlsx 文件读不出来。" + _SAVE_AGAIN) from None


def _shown(cell: object) -> str:
    """A cell as text: codes and mobile numbers are often typed as numbers; dates are ISO."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e18:
        return str(int(cell))
    return str(cell)


def _unpack(data: bytes) -> bytes:
    """The workbook with its text parts alone, measured, and stored without compression."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = dict(_read(archive))
        if not _is_plainly_small(parts):
            _Extent().check(parts)
        result = io.BytesIO()
        with zipfile.ZipFile(result, "w") as plain:
            for name, content in parts.items():
                plain.writestr(zipfile.ZipInfo(name), content)
    except BadTable:
        raise
    except (*_TROUBLE, expat.ExpatError):
        raise BadTable("这个 .xlsx 文件已损坏。" + _SAVE_AGAIN) from None
    return result.getvalue()


def _read(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the parts that hold the table, never more than MAX_UNPACKED whatever the archive declares."""
    left = MAX_UNPACKED
    for name, info in _parts(archive).items():
        with archive.open(info) as part:
            content = part.read(left + 1)
        left -= len(content)
        if left < 0:
            raise _too_large()
        yield name, content


def _too_large() -> BadTable:
    return BadTable(f"这个表格展开后超过 {MAX_UNPACKED >> 20} MB。请只留要导入的列和行，另存一份，再导入。")


def _parts(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The parts that hold the table, by name, from the archive's list alone; BadTable for bombs and for other formats."""
    infos = archive.infolist()
    names = {info.filename.replace("\\", "/"): info for info in infos}
    if "xl/workbook.xml" not in names:
        if "word/document.xml" in names:
            raise BadTable("这是 Word 文档。请把表格复制到表格软件里，存为 .xlsx，再导入。")
        what = "这是 .xlsb 格式。" if "xl/workbook.bin" in names else "这不是 .xlsx 表格。"
        raise BadTable(what + _SAVE_AGAIN)
    if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise _too_large()
    if len(names) != len(infos):
        raise BadTable("这个 .xlsx 文件里有重名的部分，可能已损坏。" + _SAVE_AGAIN)
    if any(info.flag_bits & 1 for info in infos):
        raise BadTable("这个表格加了打开密码。请去掉密码后另存为 .xlsx，再导入。")
    return {name: info for name, info in names.items() if _WANTED.fullmatch(name)}


def _within(rows: int, columns: int, longest: int, uses: int) -> bool:
    """Whether such a workbook takes memory in proportion: last row, last column, longest shared string, filled cells."""
    return rows * columns <= MAX_RECTANGLE and longest * uses <= MAX_REPEATED


def _number(letters: str) -> int:
    """The number of a column: A is 1, XFD is 16384; characters that are no letters count as nothing."""
    number = 0
    for letter in letters.upper()[:9]:
        number = number * 26 + max(ord(letter) - 64, 0)
    return number


def _is_plainly_small(parts: dict[str, bytes]) -> bool:
    """Whether a look at the bytes proves that the workbook is small enough; False is no proof of the contrary.

    It is a proof only while each cell says its place in the one way that all spreadsheets write it, `<c r="B7"`.
    """
    rows = columns = longest = uses = 0
    for content in parts.values():
        letters = re.findall(rb'<c r="([A-Z]{1,3})[0-9]{1,7}"', content)
        if content.count(b"<c ") != len(letters) or re.search(rb"<c[>/\t\r\n]", content) or re.search(rb":c[\s/>]", content):
            return False
        uses += len(letters)
        columns = max([columns, *(_number(column.decode()) for column in set(letters))])
        rows = max([rows, *map(int, set(re.findall(rb'<c r="[A-Z]{1,3}([0-9]{1,7})"', content)))])
        if b"sst" in content:
            longest = max(longest, *map(len, content.split(b"<si")))
    return _within(rows, columns, longest, uses)


class _Extent:
    """How far the filled cells reach and how much the shared strings grow, by walking the XML; never too low.

    A row or column that is only coloured, to the end of the sheet, does not count: calamine leaves it out too.
    """

    def __init__(self) -> None:
        self.rows = self.columns = self.row = self.column = 0
        self.longest = self.length = self.uses = 0
        self.parser = expat.ParserCreate()

    def check(self, parts: dict[str, bytes]) -> None:
        """Raise BadTable if the workbook is too large, expat.ExpatError if a part is not XML."""
        for content in parts.values():
            self.row = self.column = 0
            self.parser = expat.ParserCreate()
            self.parser.buffer_text = True
            self.parser.StartElementHandler = self.start
            self.parser.StartDoctypeDeclHandler = self.refuse_doctype
            self.parser.Parse(content, True)
        if not _within(self.rows, self.columns, 0, 0):
            far = f"第 {self.rows} 行、第 {self.columns} 列"
            raise BadTable(f"表格里的内容一直到{far}，太远了。请删去远处多余的内容（最多 {MAX_ROWS} 行），另存一份，再导入。")
        if not _within(0, 0, self.longest, self.uses):
            raise BadTable(f"表格里有 {self.longest} 个字的单元格，内容太多。请删短长的单元格，再导入。")

    def refuse_doctype(self, *_: object) -> None:
        """Refuse entities and outside references: no spreadsheet writes them."""
        raise BadTable("这个 .xlsx 文件的内容不正常。" + _SAVE_AGAIN)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Handle one opening tag."""
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        if tag == "row":
            number = attributes.get("r", "")[:9]
            self.row = max(self.row + 1, int(number) if number.isdecimal() else 0)
            self.column = 0
        elif tag == "c":
            place = attributes.get("r", "")
            letters = place.rstrip("0123456789")
            self.column = _number(letters) or self.column + 1
            self.row = max(self.row, int(place[len(letters) :][:9] or 0))
            self.fill(attributes.get("t", "n") != "n")
        elif tag in ("v", "f", "is"):
            self.fill(True)
        elif tag == "si":
            self.length = 0
        elif tag == "sst":
            self.parser.CharacterDataHandler = self.characters

    def fill(self, is_filled: bool) -> None:
        """Take the cell at hand for filled."""
        if is_filled:
            self.uses += 1
            self.rows = max(self.rows, self.row)
            self.columns = max(self.columns, self.column)

    def characters(self, text: str) -> None:
        """Add to the length of the shared string at hand."""
        self.length += len(text)
        self.longest = max(self.longest, self.length)
