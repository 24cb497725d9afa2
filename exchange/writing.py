"""The text of a document as a secretary types it → blocks to typeset.

One line is one paragraph. What a line is, its beginning says:

    一、  （一）  1.  （1）     a heading of level one to four, in any width of digits and brackets
    甲 | 乙 | 丙               a row of a table, as is a line with tab stops; one such line alone is a paragraph
    附件：1. 任务分工表         the list of attachments; the numbered lines below belong to it
    （联系人：何淑珍，…）       the last line, all of it in brackets: the note

`compose` takes any text and loses nothing: what it cannot place becomes a paragraph. What would not stand on paper it names in
`problems`, by line. Source of the structure: GB/T 9704-2012, 7.3.3 (headings), 7.3.4 (attachments), 7.3.7 (note).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

MAX_CHARACTERS = 200_000
MAX_COLUMNS = 12
LONG_HEAD = 56  # characters, two lines: a longer single sentence is an item to read, not a heading

_CHINESE = "〇零一二三四五六七八九十百"
_LEVELS = (
    re.compile(rf"\s*([{_CHINESE}]{{1,5}})\s*[、，,．.]\s*(?=\S)"),
    re.compile(rf"\s*[（(]\s*([{_CHINESE}]{{1,5}})\s*[）)]\s*[、．.]?\s*(?=\S)"),
    re.compile(r"\s*([0-9０-９]{1,3})\s*(?:[．、]|\.(?![0-9０-９]))\s*(?=\S)"),
    re.compile(r"\s*[（(]\s*([0-9０-９]{1,3})\s*[）)]\s*[、．.]?\s*(?=\S)"),
)
_PRINTED = ("{}、", "（{}）", "{}.", "（{}）")
_ATTACHED = re.compile(r"\s*附\s*件\s*[：:]\s*")
_ITEM = re.compile(r"\s*([0-9０-９]{1,3})\s*[．.、]\s*(?=\S)")
_NOTE_WORD = re.compile(r"\s*附\s*注\s*[：:]\s*")
_BRACKETED = re.compile(r"[（(](.+)[）)]", re.DOTALL)
_CELLS = re.compile(r"[|｜]")
_RULE_CELL = re.compile(r"\s*:?-{2,}:?\s*")
_UNITS = {"十": 10, "百": 100}
_HALF = str.maketrans("０１２３４５６７８９", "0123456789")


class Paragraph(NamedTuple):
    """A line of running text."""

    text: str


class Heading(NamedTuple):
    """A numbered line. `title` is set in the level's face, `rest` in the body's."""

    level: int  # 1 一、 2 （一） 3 1. 4 （1）
    typed: str  # the numbering as it was typed
    number: str  # as it prints
    title: str
    rest: str = ""


class Table(NamedTuple):
    """Rows of cells, all of one length; the first row is the head."""

    rows: tuple[tuple[str, ...], ...]


class Attachments(NamedTuple):
    """附件说明: the names, without their numbers."""

    names: tuple[str, ...]
    typed: tuple[str, ...]  # what stood before each name


class Note(NamedTuple):
    """附注, without its brackets."""

    text: str
    typed: str  # the word and the opening bracket that stood before it
    closed: str = ""  # the closing bracket


Block = Paragraph | Heading | Table | Attachments | Note


class Problem(NamedTuple):
    """What cannot stand, said to the writer; `line` counts from 1. The sentence has holes, as `Refused` takes them."""

    line: int
    sentence: str
    holes: Mapping[str, object]

    def text(self) -> str:
        """The sentence in Chinese, with its holes filled."""
        return self.sentence.format(**self.holes)


class Writing(NamedTuple):
    """A text that was read: its blocks in order, and what cannot stand."""

    blocks: tuple[Block, ...]
    problems: tuple[Problem, ...] = ()


class _Line(NamedTuple):
    """A line that is not empty, without the blanks around it."""

    at: int
    text: str


class _Placed(NamedTuple):
    """A block and the line where it begins."""

    at: int
    block: Block


def compose(text: str) -> Writing:
    """The blocks of a typed text. Never fails; see the module for what a line can be."""
    lines = [_Line(at, line.strip()) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    placed = list(_placed(lines))
    return Writing(tuple(block for _, block in placed), tuple(_problems(text, placed)))


def words(block: Block) -> str:
    """All that was typed for a block, without the bars of a table."""
    match block:
        case Paragraph(text):
            return text
        case Heading(_, typed, _, title, rest):
            return f"{typed}{title}{rest}"
        case Table(rows):
            return "\n".join("\t".join(row) for row in rows)
        case Attachments(names, typed):
            return "\n".join(f"{before}{name}" for before, name in zip(typed, names, strict=True))
        case Note(text, typed, closed):
            return f"{typed}{text}{closed}"


def heading(line: str) -> Heading | None:
    """The heading that a line is, or None. The title ends at the first full stop that has text behind it."""
    for level, (pattern, printed) in enumerate(zip(_LEVELS, _PRINTED, strict=True), 1):
        if found := pattern.match(line):
            title, rest = _parted(line[found.end() :])
            return Heading(level, found[0], printed.format(found[1].translate(_HALF)), title, rest)
    return None


# ---- reading ------------------------------------------------------------------------------------------------------------------


def _placed(lines: Sequence[_Line]) -> Iterator[_Placed]:
    """The blocks of the lines; runs of lines that could be rows are looked at together."""
    at = 0
    while at < len(lines):
        taken, block = _next(lines, at)
        yield _Placed(lines[at].at, block)
        at += taken


def _next(lines: Sequence[_Line], at: int) -> tuple[int, Block]:
    """How many lines the block at `at` takes, and the block."""
    line = lines[at].text
    if _ATTACHED.match(line):
        return _attachments(lines, at)
    if rows := _rows(lines, at):
        taken, cells = rows
        return taken, Table(_even(cells))
    if note := _note(line, last=at == len(lines) - 1):
        return 1, note
    return 1, heading(line) or Paragraph(line)


def _parted(text: str) -> tuple[str, str]:
    """(title, rest): up to the first full stop with text behind it; a long single sentence has no title."""
    stop = text.find("。")
    if 0 <= stop < len(text) - 1 and stop <= LONG_HEAD:
        return text[: stop + 1], text[stop + 1 :]
    return (text, "") if len(text) <= LONG_HEAD and stop in {-1, len(text) - 1} else ("", text)


def _cells(line: str) -> tuple[str, ...] | None:
    """The cells of a line that could be a row, or None. A heading whose number a tab follows is not one."""
    if _CELLS.search(line):
        cells = [cell.strip() for cell in _CELLS.split(line)]
        inner = cells[1 if not cells[0] else 0 : -1 if len(cells) > 1 and not cells[-1] else None]
        return tuple(inner) if len(inner) > 1 else None
    if "\t" in line and not heading(line):
        return tuple(cell.strip() for cell in line.split("\t"))
    return None


def _rows(lines: Sequence[_Line], at: int) -> tuple[int, list[tuple[str, ...]]] | None:
    """How many lines a table at `at` takes, and its rows; None when there is none. One row alone is no table."""
    found: list[tuple[str, ...]] = []
    for before, line in enumerate(lines[at:]):
        cells = _cells(line.text)
        if cells is None or (found and line.at != lines[at + before - 1].at + 1):
            break
        found.append(cells)
    rows = [cells for n, cells in enumerate(found) if not (n == 1 and all(map(_RULE_CELL.fullmatch, cells)))]
    return (len(found), rows) if len(rows) > 1 else None


def _even(rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The rows, short ones filled with empty cells."""
    most = max(map(len, rows))
    return tuple(row + ("",) * (most - len(row)) for row in rows)


def _attachments(lines: Sequence[_Line], at: int) -> tuple[int, Attachments]:
    """附件：with the numbered lines below it, as long as their numbers count on."""
    first = _ATTACHED.match(lines[at].text)
    head = first[0] if first else ""
    typed, names = [head], [lines[at].text[len(head) :]]
    if number := _ITEM.match(names[0]):
        typed, names = [head + number[0]], [names[0][number.end() :]]
    for line in lines[at + 1 :]:
        item = _ITEM.match(line.text)
        if not item or int(item[1].translate(_HALF)) != (len(names) + 1 if names[0] else 1):
            break
        if not names[0]:  # 附件： stands on a line of its own
            typed, names = [head + item[0]], [line.text[item.end() :]]
        else:
            typed.append(item[0])
            names.append(line.text[item.end() :])
    taken = len(names) + (1 if names[0] and not lines[at].text[len(head) :] else 0)
    return taken, Attachments(tuple(names), tuple(typed))


def _note(line: str, *, last: bool) -> Note | None:
    """附注：…, or the last line when all of it stands in brackets."""
    word = _NOTE_WORD.match(line)
    if not word and not last:
        return None
    before = word[0] if word else ""
    if inner := _BRACKETED.fullmatch(line[len(before) :]):
        return Note(inner[1], before + line[len(before)], line[-1])
    return Note(line[len(before) :], before) if word else None


# ---- what cannot stand --------------------------------------------------------------------------------------------------------


def _problems(text: str, placed: Sequence[_Placed]) -> Iterator[Problem]:
    """Everything that would look wrong on paper, in the order of the lines."""
    if not placed:
        yield Problem(1, "正文还没有写，请写好再生成。", {})
    if len(text) > MAX_CHARACTERS:
        yield Problem(
            1, "正文有 {count} 个字，最多 {most} 个，请把一部分放进附件。", {"count": len(text), "most": MAX_CHARACTERS}
        )
    found = [*_order(placed), *_tail(placed), *_numbering(placed)]
    for at, block in placed:
        if isinstance(block, Table) and len(block.rows[0]) > MAX_COLUMNS:
            holes = {"line": at, "count": len(block.rows[0]), "most": MAX_COLUMNS}
            found.append(Problem(at, "第 {line} 行的表格有 {count} 列，最多 {most} 列，请放进附件。", holes))
    yield from sorted(found, key=lambda problem: problem.line)


def _order(placed: Sequence[_Placed]) -> Iterator[Problem]:
    """Attachments once and last but for the note; each with a name."""
    kinds = [type(block) for _, block in placed]
    twice = {Attachments: "第 {line} 行又写了一次附件说明，请合成一处。", Note: "第 {line} 行又写了一次附注，请合成一处。"}
    for kind, sentence in twice.items():
        for at in [place.at for place in placed if isinstance(place.block, kind)][1:]:
            yield Problem(at, sentence, {"line": at})
    for n, (at, block) in enumerate(placed):
        if isinstance(block, Attachments):
            if not all(name.strip() for name in block.names):
                yield Problem(at, "第 {line} 行的附件没有名称，请写上。", {"line": at})
            if any(kind not in {Note, Attachments} for kind in kinds[n + 1 :]):
                yield Problem(at, "第 {line} 行的附件说明后面还有正文，请把附件说明移到正文最后。", {"line": at})


def _tail(placed: Sequence[_Placed]) -> Iterator[Problem]:
    """附注 stands last."""
    for at, block in placed[:-1]:
        if isinstance(block, Note):
            yield Problem(at, "第 {line} 行的附注不在最后，请移到最后一行。", {"line": at})


def _numbering(placed: Sequence[_Placed]) -> Iterator[Problem]:
    """Numbers of one level count on from 1; a higher heading lets the lower ones begin anew."""
    counts = [0, 0, 0, 0]
    for at, block in placed:
        if not isinstance(block, Heading):
            continue
        value, level = number_of(block), block.level - 1
        expected = counts[level] + 1
        counts[level:] = [value, *[0] * (3 - level)]
        if value not in {1, expected}:
            holes = {"line": at, "number": block.number, "expected": expected}
            yield Problem(at, "第 {line} 行的序号“{number}”接不上，按顺序应是第 {expected} 条，请改一下。", holes)


def number_of(block: Heading) -> int:
    """The value of a heading's number: 十二, 一二 and 12 are 12."""
    digits = re.sub(rf"[^0-9{_CHINESE}]", "", block.number)
    if digits.isdecimal():
        return int(digits)
    total = figure = 0
    for char in digits.replace("零", "〇"):
        if char in _UNITS:
            total, figure = total + max(figure, 1) * _UNITS[char], 0
        else:
            figure = figure * 10 + "〇一二三四五六七八九".index(char)
    return total + figure


def numbered(names: Sequence[str]) -> list[str]:
    """The attachments as they print: one alone without a number, several as 1. 2. 3."""
    return list(names) if len(names) < 2 else [f"{n}. {name}" for n, name in enumerate(names, 1)]
