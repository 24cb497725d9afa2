"""Workbooks for tests: honest ones by XlsxWriter, and hand-made ones that no spreadsheet would write."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import xlsxwriter

from ground.directory.tables import BadTable, Table, read_table

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    """An XLSX with one sheet; "" and missing cells are left empty."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as out:
        sheet = out.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell != "":
                    sheet.write(number, column, cell)
    return book.getvalue()


def hand_made(sheet_data: str, shared: str = "", more: Mapping[str, bytes] | None = None, head: str = "") -> bytes:
    """An XLSX with this XML inside `<sheetData>` and inside `<sst>`, `head` before each root, and further parts."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE.replace("relationships", "content-types")}"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
        "xl/sharedStrings.xml": f'{head}<sst xmlns="{MAIN}">{shared}</sst>',
        "xl/worksheets/sheet1.xml": f'{head}<worksheet xmlns="{MAIN}"><sheetData>{sheet_data}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return out.getvalue()


def table_or_sentence(data: bytes) -> Table | str:
    """What `read_table` makes of `data`: a table with rows, or the whole sentence of its refusal. Else the test fails."""
    try:
        table = read_table(data)
    except BadTable as error:
        sentence = str(error)
        assert sentence.endswith("。"), sentence
        return sentence
    assert table.rows
    return table
