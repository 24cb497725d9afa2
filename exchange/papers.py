"""Sheets about documents: 退文告知单, 签收回执, and the registers of sent and received documents, on paper and as a workbook.

Pure: values in, file bytes out, the same bytes for the same values. All of it raises MissingGlyphs as `ground.typeset` does.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ground.clock import local
from ground.fonts import FACES
from ground.typeset import Families, at_press, typeset
from ground.workbook import Heads, Sheet, workbook

# Why a document is returned, as Nanchang's return notice groups it.
REASON_WORDS = {"format": "格式不规范", "content": "内容不符合要求", "other": "其他"}

SENT_HEADS: Heads = (
    *(("序号", 6), ("发文字号", 24), ("标题", 50), ("主送单位", 32), ("紧急程度", 9), ("签发人", 10)),
    *(("成文日期", 15), ("发出时间", 17), ("签收情况", 12), ("备注", 18)),
)
RECEIVED_HEADS: Heads = (
    *(("收文号", 12), ("收到时间", 17), ("来文单位", 26), ("来文字号", 22), ("标题", 50), ("紧急程度", 9)),
    *(("签收人", 10), ("签收时间", 17), ("承办", 16), ("备注", 18)),
)


class Printing(NamedTuple):
    """Who prints a sheet and when, and on whose wall clock its times are shown."""

    by: str  # unit and name: 市府办　王芳
    at: str  # UTC text; also the creation time inside the file
    zone: str = "Asia/Shanghai"


class Reason(NamedTuple):
    """One reason why a document went back."""

    kind: str  # format | content | other; another word prints as it is
    words: str


class ReturnNotice(NamedTuple):
    """What a 退文告知单 says."""

    title: str
    number: str
    issuer: str  # who had sent the document
    receiver: str  # who returns it
    reasons: tuple[Reason, ...]
    returned_by: str  # the person
    returned_at: str  # UTC text
    advice: str = ""  # what is to be done; empty leaves the row out
    phone: str = ""


class Receipt(NamedTuple):
    """What a 签收回执 says. Empty texts leave their row out."""

    title: str
    number: str
    issuer: str
    receiver: str
    signed_by: str  # the person
    signed_at: str  # UTC text
    arrived_at: str = ""
    opened_at: str = ""
    copy_number: str = ""
    how: str = ""  # how the person had signed in: 口令登录
    fingerprint: str = ""  # of the document's content
    entry: str = ""  # where the ledger keeps it: 第 1024 条
    foot: str = ""  # how to check it


class Register(NamedTuple):
    """A register to print: cells as they are to be read, one text a head."""

    kind: str  # 发文登记簿 or 收文登记簿
    unit: str
    span: str  # 2026年1月1日 至 2026年3月18日
    heads: Heads  # SENT_HEADS, RECEIVED_HEADS, or others
    rows: Sequence[Sequence[str]]


async def return_notice_pdf(
    notice: ReturnNotice, printing: Printing, *, font_paths: Sequence[Path] | None = None, families: Families = FACES
) -> bytes:
    """退文告知单 as PDF/A: which document of whom goes back, why, by whom and when."""
    when = _local(notice.returned_at, printing)
    facts = [
        *(("退文单位", notice.receiver), ("来文单位", notice.issuer), ("文件标题", notice.title), ("发文字号", notice.number)),
        *(("退文原因", reasons_text(notice.reasons)), ("处理意见", notice.advice)),
        *(("退文人", notice.returned_by), ("联系电话", notice.phone), ("退文时间", when)),
    ]
    data = _facts("退文告知单", notice.title, facts, [notice.receiver, when.partition(" ")[0]], printing)
    return await typeset("facts", data, at=printing.at, font_paths=font_paths, families=families)


async def receipt_pdf(
    receipt: Receipt, printing: Printing, *, font_paths: Sequence[Path] | None = None, families: Families = FACES
) -> bytes:
    """签收回执 as PDF/A: who has taken which document, and when."""
    when = _local(receipt.signed_at, printing)
    facts = [
        *(("来文单位", receipt.issuer), ("文件标题", receipt.title), ("发文字号", receipt.number), ("份号", receipt.copy_number)),
        *(("收文单位", receipt.receiver), ("到达时间", _local(receipt.arrived_at, printing))),
        *(("打开时间", _local(receipt.opened_at, printing)), ("签收人", receipt.signed_by), ("签收时间", when)),
        *(("登录方式", receipt.how), ("内容指纹", receipt.fingerprint), ("存证位置", receipt.entry)),
    ]
    data = _facts("签收回执", receipt.title, facts, [receipt.receiver, when.partition(" ")[0]], printing) | {"foot": receipt.foot}
    return await typeset("facts", data, at=printing.at, font_paths=font_paths, families=families)


async def register_pdf(
    register: Register, printing: Printing, *, font_paths: Sequence[Path] | None = None, families: Families = FACES
) -> bytes:
    """A register as PDF/A, A4 across; its head row repeats on each page.

    Raises:
        ValueError: a row has more or fewer cells than there are heads.
    """
    _check(register)
    data = {
        "title": f"{register.unit}　{register.kind}",
        "kind": register.kind,
        "unit": register.unit,
        "span": register.span,
        "printed": _printed(register.kind, printing),
        "heads": [word for word, _ in register.heads],
        "shares": [share for _, share in register.heads],
        "rows": [list(row) for row in register.rows],
    }
    return await typeset("register", data, at=printing.at, font_paths=font_paths, families=families)


async def register_xlsx(register: Register, printing: Printing) -> bytes:
    """The same register as a workbook of one sheet; every cell is text. Raises ValueError like `register_pdf`."""
    _check(register)
    sheet = Sheet(register.kind, register.heads, register.rows)
    return await at_press(partial(workbook, f"{register.unit}　{register.kind}", printing.by, printing.at, [sheet]))


def reasons_text(reasons: Sequence[Reason]) -> str:
    """格式不规范：没有签发人；没有发文字号 — a line for each kind, in the order of their first reason."""
    kinds = dict.fromkeys(reason.kind for reason in reasons)
    lines = ((kind, [reason.words for reason in reasons if reason.kind == kind]) for kind in kinds)
    return "\n".join(f"{REASON_WORDS.get(kind, kind)}：{'；'.join(said)}" for kind, said in lines)


def _facts(
    kind: str, title: str, facts: Sequence[tuple[str, str]], closing: Sequence[str], printing: Printing
) -> dict[str, object]:
    """What templates/pdf/facts.typ reads; a fact of several lines has a paragraph for each."""
    return {
        "title": title,
        "kind": kind,
        "printed": _printed(kind, printing),
        "facts": [[label, said.split("\n")] for label, said in facts if said],
        "closing": list(closing),
        "foot": "",
    }


def _printed(kind: str, printing: Printing) -> str:
    """The line on top of each page."""
    return f"送达　{kind}　{printing.by}　{_local(printing.at, printing)} 打印"


def _local(at: str, printing: Printing) -> str:
    """A UTC text on the wall clock, to the minute; "" stays ""."""
    return f"{local(at, ZoneInfo(printing.zone)):%Y-%m-%d %H:%M}" if at else ""


def _check(register: Register) -> None:
    """Every row has a cell for each head."""
    for at, row in enumerate(register.rows, 1):
        if len(row) != len(register.heads):
            raise ValueError(f"row {at} has {len(row)} cells, {len(register.heads)} expected")
