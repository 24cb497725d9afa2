"""An official document as PDF/A, laid out after GB/T 9704-2012.

    compose(typed) → Paper(…) → typeset_document(paper) → templates/pdf/document.typ → b"%PDF-1.7 …"

The contract is that of `ground.typeset`: the same paper gives the same bytes, a character without a glyph refuses the print by
name. The measures are kept by tests/exchange/test_typesetting.py: what it measures is what is claimed, no more. Not done: seals,
attachments inside the document, 命令 heads. 密级 is left out on purpose: this network may not carry secrets.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

from exchange.titles import title_lines, width
from exchange.writing import Attachments, Block, Heading, Note, Paragraph, Table, Writing
from ground.fonts import FACES
from ground.typeset import NO_DATE, Families, typeset

Form = Literal["file", "letter", "minutes"]
SHORT = 168  # characters, six lines: a last paragraph of no more stays on the page of the signature


class Paper(NamedTuple):
    """What is set on paper. Texts are printed as given; empty ones leave their place out."""

    title: str  # a typed line break stays
    body: Writing
    heads: tuple[str, ...]  # whose red head it is, one name or several in their order; of 纪要 the whole mark
    number: str = ""  # 平政办发〔2026〕9号; of 纪要 第5期
    dated: date | None = None
    form: Form = "file"
    mark: str = "文件"  # behind the names in the head of form "file"
    parties: tuple[str, ...] | None = None  # who signs, the last one above the date; None: as `heads`
    main: str = ""  # 主送, with or without its colon
    copies: str = ""  # 抄送, with or without its full stop
    signers: tuple[str, ...] = ()  # 签发人 of an upward document
    upward: bool = False  # 请示 and 报告: number left, 签发人 right
    copy_number: str = ""  # six digits
    urgency: str = ""  # 特急 or 加急
    sealed: bool = True  # whether room is left for seals
    attendance: tuple[tuple[str, str], ...] = ()  # of 纪要: (("出席", "…"), ("请假", "…"), ("列席", "…"))
    office: str = ""  # 印发机关
    printed: date | None = None  # 印发日期
    both_sides: bool = True  # the imprint stands on an even page; False: on the last one


async def typeset_document(
    paper: Paper, *, at: str = NO_DATE, font_paths: Sequence[Path] | None = None, families: Families = FACES
) -> bytes:
    """The document as PDF/A-2b.

    Args:
        at: UTC text, the creation time written into the file; it belongs to the input.
        font_paths: folders with fonts; None: the system's.
        families: what stands for each face, as `ground.typeset.families_of(config.fonts)` says.
    Raises:
        MissingGlyphs: a character that no installed font can print.
    """
    return await typeset("document", _data(paper), at=at, font_paths=font_paths, families=families)


def day(value: date | None) -> str:
    """2026年3月8日: month and day without a zero (7.3.5.4); "" for none."""
    return f"{value.year}年{value.month}月{value.day}日" if value else ""


def _data(paper: Paper) -> dict[str, object]:
    """What the template reads."""
    blocks = [block for block in paper.body.blocks if not isinstance(block, Attachments | Note)]
    parties = paper.heads if paper.parties is None else paper.parties
    main = paper.main.strip().rstrip(":：").rstrip()
    last = _piece(blocks.pop()) if blocks and _short(blocks[-1]) else None
    return {
        "form": paper.form,
        "name": " ".join(paper.title.split()) or "".join(paper.heads),
        "copy_number": paper.copy_number,
        "urgency": paper.urgency,
        "heads": list(paper.heads),
        "mark": paper.mark if paper.form == "file" else "",
        "number": paper.number,
        "signers": list(paper.signers),
        "upward": paper.upward,
        "title": list(title_lines(paper.title)),
        "main": f"{main}：" if main else "",
        "main_listed": _stopped(main),
        "blocks": [_piece(block) for block in blocks],
        "last": last,
        "attachments": [name for block in paper.body.blocks if isinstance(block, Attachments) for name in block.names],
        "note": "；".join(block.text for block in paper.body.blocks if isinstance(block, Note)),
        "parties": [] if paper.form == "minutes" and paper.parties is None else list(parties),
        "dated": day(paper.dated),
        "sealed": paper.sealed,
        "attendance": [list(row) for row in paper.attendance],
        "copies": _stopped(paper.copies),
        "office": paper.office,
        "printed": f"{day(paper.printed)}印发" if paper.printed else "",
        "even": paper.both_sides,
    }


def _piece(block: Block) -> Mapping[str, object]:
    """One block for the template."""
    match block:
        case Heading(level, _, number, title, rest):
            # A number whose sentence is no heading is set like the sentence.
            return {"kind": "text", "level": level if title else 3, "title": number + title, "rest": rest}
        case Table(rows):
            return {"kind": "table", "rows": [list(row) for row in rows], "shares": _shares(rows)}
        case Paragraph(text):
            return {"kind": "text", "level": 3, "title": "", "rest": text}
        case _:
            raise TypeError(block)


def _short(block: Block) -> bool:
    """Whether a last block may be kept in one piece with the signature."""
    match block:
        case Paragraph(text):
            return len(text) <= SHORT
        case Heading(_, _, number, title, rest):
            return len(number + title + rest) <= SHORT
        case _:
            return False


def _shares(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column is, in parts: by its longest text, none less than 3 nor more than 20."""
    return [max(3, min(20, round(max(width(cell) for cell in column)))) for column in zip(*rows, strict=True)]


def _stopped(names: str) -> str:
    """A list of names with its full stop (7.4.2); nothing stays nothing."""
    names = names.strip().rstrip("。.：:")
    return f"{names}。" if names else ""
