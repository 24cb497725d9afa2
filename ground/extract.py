"""The text of a file. Runs in the child of `ground/reading.py`, and streams: a ZIP or an XML that grows without end is stopped.

No entity, no DTD, no name from inside a ZIP ever becomes a path: members are read into memory, a bounded number of bytes of them.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from defusedxml.ElementTree import iterparse

from ground.sniffing import DOCX, PPTX, XLSX, encoding_of, zip_names

MOST_TEXT = 2_000_000
MOST_MEMBER = 48 * 2**20
MOST_ALL = 160 * 2**20
MOST_PARTS = 500


class TooBig(Exception):
    """More inside than may be unpacked."""

    word = "size"


class Package:
    """A ZIP whose members are read within limits."""

    def __init__(self, path: Path) -> None:
        """Look at the directory. Raises TooBig."""
        names = zip_names(path)
        if names is None:
            raise TooBig
        self._archive = zipfile.ZipFile(path)
        self.names = names
        self._left = MOST_ALL

    def open(self, name: str) -> "Bounded":
        """A member, as a stream that stops with TooBig."""
        return Bounded(self._archive.open(name), self)

    def read(self, name: str) -> bytes:
        """A small member."""
        with self.open(name) as stream:
            return stream.read(MOST_MEMBER)

    def spend(self, size: int) -> None:
        """Count unpacked bytes."""
        self._left -= size
        if self._left < 0:
            raise TooBig


class Bounded:
    """A stream of a member, counted."""

    def __init__(self, stream: IO[bytes], package: Package) -> None:
        """Wrap `stream`."""
        self._stream, self._package, self._left = stream, package, MOST_MEMBER

    def read(self, size: int = -1) -> bytes:
        """At most 64 KiB at a time. Raises TooBig."""
        wanted = 65_536 if size < 0 else min(size, MOST_MEMBER)
        data = self._stream.read(wanted)
        self._left -= len(data)
        self._package.spend(len(data))
        if self._left < 0:
            raise TooBig
        return data

    def __enter__(self) -> "Bounded":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def elements(package: Package, name: str) -> Iterator[tuple[str, Any]]:
    """Every element of an XML member as it ends, by its local name; forgotten when the next one comes."""
    with package.open(name) as stream:
        depth = 0
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > 200:
                raise TooBig
            if event == "end":
                yield str(element.tag).rpartition("}")[2], element


def text(path: Path, media_type: str) -> str:
    """The file's text, '' for a kind that has none."""
    read = READERS.get(media_type)
    if read is None:
        return ""
    found, size = [], 0
    for line in read(path):
        found.append(line)
        size += len(line) + 1
        if size > MOST_TEXT:
            break
    return "\n".join(found)[:MOST_TEXT]


def _plain(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        data = file.read(4 * MOST_TEXT)
    yield data.decode(encoding_of(data[:4000]) or "utf-8", "replace")


def _pdf(path: Path) -> Iterator[str]:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        for number in range(min(len(document), 2000)):
            page = document[number]
            yield page.get_textpage().get_text_bounded().replace("\r\n", "\n").replace("\ufffe", "")
            page.close()


def _word(path: Path) -> Iterator[str]:
    package = Package(path)
    names = [n for n in package.names if re.fullmatch(r"word/(header|footer|footnotes|endnotes|comments)\d*\.xml", n)]
    for name in ["word/document.xml", *sorted(names)[:MOST_PARTS]]:
        line: list[str] = []
        for tag, element in elements(package, name):
            if tag == "t":
                line.append(element.text or "")
            elif tag in {"tab", "br", "cr"}:
                line.append("\t" if tag == "tab" else "\n")
            elif tag == "p":
                yield "".join(line)
                line.clear()
                element.clear()
            elif tag == "tbl":
                element.clear()


def _shared(package: Package) -> list[str]:
    if "xl/sharedStrings.xml" not in package.names:
        return []
    found: list[str] = []
    size, said = 0, []
    for tag, element in elements(package, "xl/sharedStrings.xml"):
        if tag == "t":
            said.append(element.text or "")
        elif tag == "si":
            found.append("".join(said))
            size += len(found[-1])
            said.clear()
            element.clear()
            if size > 4 * MOST_TEXT:
                raise TooBig
    return found


def _sheets(path: Path) -> Iterator[str]:
    package = Package(path)
    shared = _shared(package)
    names = [n for n in package.names if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)]
    for name in sorted(names, key=_number)[:MOST_PARTS]:
        row: list[str] = []
        for tag, element in elements(package, name):
            if tag == "c":
                row.append(_cell(element, shared))
            elif tag == "row":
                line = "\t".join(row).rstrip("\t")
                if line:
                    yield line
                row.clear()
                element.clear()


def _cell(cell: Any, shared: list[str]) -> str:
    parts = [e.text or "" for e in cell.iter() if str(e.tag).rpartition("}")[2] in {"v", "t"}]
    said = "".join(parts).replace("\t", " ").replace("\n", " ")
    if cell.get("t") == "s" and said.isascii() and said.isdigit() and int(said[:9]) < len(shared):
        return shared[int(said[:9])].replace("\t", " ").replace("\n", " ")
    return said


def _slides(path: Path) -> Iterator[str]:
    package = Package(path)
    names = [n for n in package.names if re.fullmatch(r"ppt/(slides/slide|notesSlides/notesSlide)\d+\.xml", n)]
    for name in sorted(names, key=_number)[:MOST_PARTS]:
        line: list[str] = []
        for tag, element in elements(package, name):
            if tag == "t":
                line.append(element.text or "")
            elif tag == "p":
                yield "".join(line)
                line.clear()
                element.clear()


def _number(name: str) -> tuple[str, int]:
    digits = re.search(r"(\d+)\.xml$", name)
    return name.rpartition("/")[0], int(digits[1][:9]) if digits else 0


def ofd_pages(package: Package) -> list[str]:
    """The members that hold an OFD's pages, in order."""
    roots = [e.text or "" for tag, e in elements(package, "OFD.xml") if tag == "DocRoot"]
    found: list[str] = []
    for root in roots:
        document = inside("OFD.xml", root)
        if document in package.names:
            pages = [e.get("BaseLoc") or "" for tag, e in elements(package, document) if tag == "Page"]
            found += [inside(document, page) for page in pages]
    return [name for name in found if name in package.names][:MOST_PARTS]


def inside(base: str, said: str) -> str:
    """A member's name as another member says it: relative to that one, or from the root of the ZIP."""
    path = PurePosixPath("/" + said.lstrip("/") if said.startswith("/") else f"/{PurePosixPath(base).parent}/{said}")
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)


def _ofd(path: Path) -> Iterator[str]:
    package = Package(path)
    for name in ofd_pages(package):
        line: list[str] = []
        height = ""
        for tag, element in elements(package, name):
            if tag == "TextCode":
                line.append(element.text or "")
            elif tag == "TextObject":
                top = " ".join((element.get("Boundary") or "").split()[1:2])
                if top != height and len(line) > 1:
                    yield "".join(line[:-1]).strip()
                    line = line[-1:]
                height = top
                element.clear()
        yield "".join(line).strip()


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "text/plain": _plain,
    "application/pdf": _pdf,
    "application/ofd": _ofd,
    DOCX: _word,
    XLSX: _sheets,
    PPTX: _slides,
}
