"""The unit table of a document as a workbook: every text a text cell, so that a code keeps its zeros and `=1+1` stays text."""

import io
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from exchange.document import Document
from exchange.progress_sheet import Row
from ground import clock
from receipts.receipt import STATE_WORDS, State

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADS = (
    ("份号", 6), ("单位代码", 14), ("单位", 36), ("主送或抄送", 10), ("状态", 12), ("到达", 17), ("打开", 17), ("签收", 17), ("签收人", 10),
    ("登记", 17), ("答复", 17), ("签收时限", 17), ("退回原因", 30), ("催办短信", 9),
)  # fmt: skip
CELL = 32_767  # characters of a cell


def unit_table(document: Document, rows: Sequence[Row], zone: ZoneInfo) -> bytes:
    """The workbook: one row a unit, in the order given."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(file, options)
    book.set_properties({"title": document.title[:200], "comments": document.number})
    _fill(book, [_cells(row, zone) for row in rows])
    book.close()
    return file.getvalue()


def _cells(row: Row, zone: ZoneInfo) -> list[str | int]:
    x = row.line

    def at(moment: str | None) -> str:
        return f"{clock.local(moment, zone):%Y-%m-%d %H:%M}" if moment else ""

    why = "；".join(part for part in (x.why, x.reason) if part)
    return [
        x.copy_no, x.code, x.name, "主送" if x.part == "main" else "抄送", STATE_WORDS[State(x.state)], at(x.arrived_at),
        at(x.opened_at), at(x.signed_at), row.signer, at(x.registered_at), at(x.answered_at), at(x.sign_by), why, row.chased,
    ]  # fmt: skip


def _fill(book: Any, rows: Sequence[Sequence[str | int]]) -> None:
    line = {"border": 1, "valign": "vcenter", "font_name": "宋体", "font_size": 11}
    head = book.add_format(line | {"bold": True, "align": "center", "bg_color": "#E9EDF1"})
    text = book.add_format(line | {"text_wrap": True, "num_format": "@"})
    number = book.add_format(line | {"align": "center"})
    sheet = book.add_worksheet("单位")
    for column, (word, width) in enumerate(HEADS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, word, head)
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(at, column, value, number)
            else:
                sheet.write_string(at, column, value[:CELL], text)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows), len(HEADS) - 1)
    sheet.repeat_rows(0)
    sheet.set_paper(9)  # A4
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C第 &P 页，共 &N 页")
