"""Tables of values → an .xlsx that is ready to print. The same values give the same bytes.

Every text becomes a text cell: a mobile keeps its digits and `=1+1` stays what was typed. Only whole numbers are numbers.
"""

import io
from collections.abc import Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import xlsxwriter

from ground.clock import local

CELL_LIMIT = 32767  # characters in one Excel cell; a longer text is cut there

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Heads = tuple[tuple[str, int], ...]  # word and column width in figures
Row = tuple[str | int, ...]


class Sheet(NamedTuple):
    """One worksheet; `heads` has as many columns as each row has cells."""

    name: str  # at most 31 characters, none of []:*?/\\
    heads: Heads
    rows: Sequence[Sequence[str | int]]


def workbook(title: str, author: str, at: str, sheets: Sequence[Sheet]) -> bytes:
    """The finished .xlsx; `at` is UTC text, the creation time written into it. Runs long: call it on the press threads."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(file, options)
    created = local(at, ZoneInfo("UTC")).replace(tzinfo=None)
    book.set_properties({"title": _cell(title), "author": _cell(author), "created": created})
    for sheet in sheets:
        _add(book, sheet)
    book.close()
    return file.getvalue()


def _add(book: Any, content: Sheet) -> None:
    """One worksheet: a head row that stays in view and repeats in print, filter, A4 across, one page wide."""
    name, heads, rows = content
    line = {"border": 1, "valign": "vcenter", "font_name": "宋体", "font_size": 11}
    head = book.add_format(line | {"bold": True, "align": "center", "bg_color": "#E9EDF1"})
    text = book.add_format(line | {"text_wrap": True, "num_format": "@"})
    number = book.add_format(line | {"align": "center"})
    sheet = book.add_worksheet(name)
    for column, (word, width) in enumerate(heads):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, word, head)
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(at, column, value, number)
            else:
                sheet.write_string(at, column, _cell(value), text)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(rows), len(heads) - 1)
    sheet.repeat_rows(0)
    sheet.set_paper(9)  # A4
    sheet.set_landscape()
    sheet.set_margins(left=0.71, right=0.71, top=0.71, bottom=0.71)  # inches: 18 mm
    sheet.fit_to_pages(1, 0)
    sheet.set_header("", {"margin": 0.3})
    sheet.set_footer("&C第 &P 页，共 &N 页", {"margin": 0.3})


def _cell(text: str) -> str:
    """The text as a cell can hold it: at most 32,767 characters, half surrogate pairs as "?"."""
    return text[:CELL_LIMIT].encode("utf-8", "replace").decode()
