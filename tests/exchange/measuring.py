"""What is on a page, in millimetres from its upper left corner: characters, rules, ink."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

MM = 72 / 25.4


class Char(NamedTuple):
    """One character: its ink, and the size and family that it is set in."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    x: float  # where it begins
    y: float  # its baseline
    size: float  # pt
    family: str
    red: bool


class Rule(NamedTuple):
    """A drawn line or filled bar."""

    left: float
    top: float
    right: float
    bottom: float
    thickness: float
    red: bool


class Page(NamedTuple):
    """All of one page."""

    width: float
    height: float
    chars: list[Char]
    rules: list[Rule]
    blank: list[str]  # characters whose box holds no ink

    @property
    def text(self) -> str:
        """The characters, in the order they were set."""
        return "".join(char.text for char in self.chars)

    def find(self, words: str) -> list[Char]:
        """The characters of the first place where `words` stand."""
        at = self.text.index(words)
        return self.chars[at : at + len(words)]

    def lines(self) -> list[list[Char]]:
        """Characters by baseline, from above; each from the left."""
        found: dict[float, list[Char]] = {}
        for char in self.chars:
            near = next((y for y in found if abs(y - char.y) < 1), char.y)
            found.setdefault(near, []).append(char)
        return [sorted(found[y], key=lambda char: char.x) for y in sorted(found)]


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """The document, closed at the end."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        yield document
    finally:
        document.close()


def pages_of(pdf: bytes, *, ink: bool = False) -> list[Page]:
    """Every page measured; with `ink`, also rendered to find characters that came out blank."""
    with opened(pdf) as document:
        return [_page(document[at], ink=ink) for at in range(len(document))]


def blank_among(pdf: bytes, at: int, chars: list[Char]) -> list[str]:
    """Those of `chars` where page `at` has no ink."""
    with opened(pdf) as document:
        return _blank(document[at], chars)


def _page(page: pypdfium2.PdfPage, *, ink: bool) -> Page:
    width, height = page.get_size()
    text = page.get_textpage()
    chars = [char for at in range(text.count_chars()) for char in _char(text, at, height)]
    return Page(width / MM, height / MM, chars, list(_rules(page, height)), _blank(page, chars) if ink else [])


def _char(text: pypdfium2.PdfTextPage, at: int, height: float) -> Iterator[Char]:
    code = pdfium.FPDFText_GetUnicode(text.raw, at)
    if pdfium.FPDFText_IsGenerated(text.raw, at) == 1 or re.match(r"[\s\u200b\ufffe\uffff]", chr(code)):
        return
    left, bottom, right, top = text.get_charbox(at)
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(text.raw, at, x, y)
    name = ctypes.create_string_buffer(200)
    pdfium.FPDFText_GetFontInfo(text.raw, at, name, 200, ctypes.c_int())
    colour = [ctypes.c_uint() for _ in range(4)]
    pdfium.FPDFText_GetFillColor(text.raw, at, *colour)
    family = name.value.decode().partition("+")[2]
    yield Char(
        chr(code),
        *(left / MM, (height - top) / MM, right / MM, (height - bottom) / MM),
        *(x.value / MM, (height - y.value) / MM),
        pdfium.FPDFText_GetFontSize(text.raw, at),
        family,
        colour[0].value > 200 and colour[1].value < 60 and colour[2].value < 60,
    )


def _rules(page: pypdfium2.PdfPage, height: float) -> Iterator[Rule]:
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=5):
        left, bottom, right, top = item.get_bounds()
        stroke = ctypes.c_float()
        pdfium.FPDFPageObj_GetStrokeWidth(item.raw, stroke)
        mode, stroked = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(item.raw, mode, stroked)
        colour = [ctypes.c_uint() for _ in range(4)]
        getter = pdfium.FPDFPageObj_GetStrokeColor if stroked.value else pdfium.FPDFPageObj_GetFillColor
        getter(item.raw, *colour)
        red = colour[0].value > 200 and colour[1].value < 60
        # pdfium's bounds of a stroke reach beyond it; its middle is exact.
        middle, thick = (height - (top + bottom) / 2) / MM, (stroke.value if stroked.value else top - bottom) / MM
        slack = stroke.value / 2 / MM if stroked.value else 0.0
        yield Rule(left / MM + slack, middle - thick / 2, right / MM - slack, middle + thick / 2, thick, red)


def _blank(page: pypdfium2.PdfPage, chars: list[Char]) -> list[str]:
    """Characters that have no box, or in whose box nothing darker than light grey was drawn."""
    scale = 3
    picture = page.render(scale=scale, grayscale=True)
    data, stride = bytes(picture.buffer), picture.stride
    return [char.text for char in chars if not _inked(data, stride, picture.height, [value * MM * scale for value in char[1:5]])]


def _inked(data: bytes, stride: int, height: int, box: list[float]) -> bool:
    left, top, right, bottom = int(box[0]), int(box[1]), int(box[2]) + 1, int(box[3]) + 1
    return any(
        min(data[y * stride + left : y * stride + right], default=255) < 200 for y in range(max(0, top), min(height, bottom))
    )
