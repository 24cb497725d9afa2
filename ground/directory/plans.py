"""What an import would do, as rows and a plan, and the questions that every row of every kind is asked. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

from ground.directory.tables import Row, Table, fold_heading

T = TypeVar("T")

LONGEST = {
    "code": 32,
    "parent_code": 32,
    "name": 200,
    "short_name": 60,
    "kind": 20,
    "group": 60,
    "position": 100,
}
_WORDS = {
    "code": "代码",
    "parent_code": "上级代码",
    "name": "名称",
    "short_name": "简称",
    "kind": "性质",
    "group": "发文范围",
    "position": "职务",
}
_BAD_IN_CODE = re.compile(r"[\s/\\:,;?#%&'\"<>|]")  # `unit:CODE`, /units/{code}, pasted lists
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+")


class UnitRow(NamedTuple):
    """One unit as the file wants it; `row` is its number in the file, `parent_code` is "" for a root."""

    row: int
    code: str
    name: str
    short_name: str  # "" when neither the file nor the existing unit has one
    parent_code: str
    kind: str
    level: int  # 1 city, 2 county, 3 township, 4 village


class PersonRow(NamedTuple):
    """One post of one person as the file wants it; a person with several posts has several rows."""

    row: int
    login: str
    name: str
    unit_code: str
    role: str  # the code word, e.g. "secretary"
    position: str
    mobile: str  # 11 digits or ""
    email: str


class GroupRow(NamedTuple):
    """One unit's membership in one group of the city."""

    row: int
    group: str
    unit_code: str


class ExistingUnit(NamedTuple):
    """A unit that is there now; `parent_code` is "" for a root."""

    code: str
    name: str
    short_name: str
    parent_code: str
    kind: str
    level: int


class ExistingPerson(NamedTuple):
    """A person who is there now, with the posts that are held now: (unit code, role) → position."""

    login: str
    name: str
    mobile: str
    email: str
    posts: Mapping[tuple[str, str], str]


class BadRow(NamedTuple):
    """A row that cannot be imported: its number in the file, every reason in one Chinese sentence, and what was typed."""

    row: int
    reason: str
    cells: dict[str, str]


class Plan(NamedTuple, Generic[T]):
    """What an import does; `left` rows are already so. Rows stand in the file's order, units with parents first."""

    added: list[T]
    changed: list[T]
    left: list[T]
    bad: list[BadRow]


class Faults:
    """The reasons found so far, by row."""

    def __init__(self, table: Table) -> None:
        self.reasons: dict[int, list[str]] = {}
        self.cells = {row.number: row.cells for row in table.rows}

    def add(self, row: int, reason: str) -> None:
        """Note one reason, once."""
        reasons = self.reasons.setdefault(row, [])
        if reason not in reasons:
            reasons.append(reason)

    def rows(self) -> list[BadRow]:
        """All bad rows in the file's order."""
        return [BadRow(row, "；".join(reasons) + "。", self.cells.get(row, {})) for row, reasons in sorted(self.reasons.items())]


class Line(NamedTuple):
    """A row with the fields that we know, by code word; None for a column that the file lacks."""

    row: int
    fields: dict[str, str | None]

    def get(self, field: str) -> str:
        """The field, "" when it is empty or lacking."""
        return self.fields[field] or ""


def lines_of(table: Table, headings: Mapping[str, tuple[str, ...]], required: Collection[str], faults: Faults) -> Iterator[Line]:
    """Each row by field; none when a required column is lacking or named twice, which is then the one bad row."""
    columns: dict[str, str | None] = dict.fromkeys(headings)
    fields = {fold_heading(name): field for field, names in headings.items() for name in names}
    for heading in table.header:
        field = fields.get(fold_heading(heading))
        if field and columns[field]:
            faults.add(table.header_row, f"“{columns[field]}”和“{heading}”是同一列，请只留一列")
        elif field:
            columns[field] = heading
    if lacking := [headings[field][1] for field in required if not columns[field]]:
        faults.add(table.header_row, f"表头缺少这些列：{'、'.join(lacking)}")
    if faults.reasons:
        return
    for row in table.rows:
        if row.extra:
            faults.add(row.number, f"比表头多出 {row.extra} 格，可能多了逗号，后面的格都错了位")
        yield Line(row.number, _fields(row, columns))


def _fields(row: Row, columns: Mapping[str, str | None]) -> dict[str, str | None]:
    """The row's values by field."""
    return {field: None if heading is None else row.cells.get(heading, "") for field, heading in columns.items()}


def check_code(line: Line, field: str, word: str, faults: Faults) -> None:
    """Note what makes a unit's code unusable."""
    code = line.get(field)
    if not code:
        faults.add(line.row, f"缺少{word}")
    check_text(line, (field,), faults)
    if _SCIENTIFIC.fullmatch(code):
        faults.add(line.row, f"{word} {cut(code)} 被表格软件改成了科学计数法，请把这一列设为文本再填")
    elif found := _BAD_IN_CODE.search(code):
        shown = "空格" if found[0].isspace() else f"“{found[0]}”"
        faults.add(line.row, f"{word}“{cut(code)}”里不能有{shown}")


def check_text(line: Line, fields: Iterable[str], faults: Faults) -> None:
    """Note values that are too long or hold control characters."""
    for field in fields:
        value = line.get(field)
        if len(value) > LONGEST[field]:
            faults.add(line.row, f"{_WORDS[field]}有 {len(value)} 个字，最多 {LONGEST[field]} 个")
        check_controls(value, _WORDS[field], line.row, faults)


def check_controls(value: str, word: str, row: int, faults: Faults) -> None:
    """Note control, zero-width and direction characters; `read_table` has removed those of a file."""
    if not value.isprintable() and any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in value):
        faults.add(row, f"{word}里有看不见的控制字符")


def cut(value: str) -> str:
    """`value` short enough to stand in a sentence."""
    return value if len(value) <= 40 else value[:39] + "…"
