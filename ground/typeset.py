"""Paper: a mapping of values → typst template → PDF/A-2b bytes.

    name_list_pdf(meeting, people) → typeset("name_list", {…}) → templates/pdf/name_list.typ → b"%PDF-1.7 …"

The contract:
* What a user typed travels as one JSON text in `sys.inputs` and is only ever inserted as a string: `#panic()`, `*x*`, `$` and
  `=1+1` come out as they were typed. Nothing is evaluated, no markup is put together from data, no package is fetched.
* The same input gives the same bytes: the creation time is an argument, and the fonts are those of the configured folders only.
* No character is lost silently: one without a glyph refuses the whole print and is named (`MissingGlyphs`).
* At most two prints run at a time, in threads of their own (typst works without the interpreter's lock).
"""

import asyncio
import json
import os
import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import structlog
import typst

from ground.clock import parse
from ground.errors import Refused

T = TypeVar("T")

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "pdf"
SYSTEM_FONTS = Path("/usr/share/fonts")
LARGE = 300_000  # bytes of PDF; after a larger one typst's memory is swept
NO_DATE = "2000-01-01T00:00:00.000Z"

# Families in order of preference; those that are not installed are skipped. 小标宋 is licensed: a city that owns it puts it into
# its font folder, and titles use it; else the bold serif stands in. The Sans closes the list: it covers what a small serif lacks.
_SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "FandolSong", "SimSun", "Noto Sans CJK SC", "Noto Sans SC")
TITLE = ("FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", *_SERIF)
BODY = _SERIF

_press = ThreadPoolExecutor(max_workers=2, thread_name_prefix="press")
_log = structlog.get_logger(__name__)


class MissingGlyphs(Refused):
    """Characters that no configured font can draw; `glyphs` holds them all, the sentence names the first twenty."""

    code = "missing_glyphs"

    def __init__(self, glyphs: str) -> None:
        """Name the characters; one that a screen cannot show either (private use, half a pair) is written as U+XXXX."""
        named = "、".join(_shown(char) for char in glyphs[:20])
        if len(glyphs) > 20:
            named += f" 等 {len(glyphs)} 个"
        super().__init__(
            "这些字没有字形：{glyphs}，请装字体后再打印（请信息办把含有这些字的字体放进字体文件夹，不用重启）。", glyphs=named
        )
        self.glyphs = glyphs


async def typeset(
    template: str, data: Mapping[str, object], *, at: str = NO_DATE, font_paths: Sequence[Path] | None = None
) -> bytes:
    """The PDF/A-2b of `templates/pdf/<template>.typ` filled with `data`.

    Args:
        template: a name from the folder's listing, without ".typ"; names that begin with "_" are shared parts, not templates.
        data: what JSON can hold: text, whole numbers, true, false, None, lists, mappings. Control characters in texts
            print as a space, invisible format characters (zero-width, text direction) are dropped.
        at: UTC text, the creation time written into the file. It belongs to the input: the same input, the same bytes.
        font_paths: folders with fonts, searched with their sub-folders. None: `default_font_paths()`.
    Raises:
        LookupError: no such template.
        MissingGlyphs: a character that no font of the list covers.
        TypeError, ValueError: `data` holds something that JSON cannot, or `at` is not a UTC text.
    """
    folders = default_font_paths() if font_paths is None else tuple(font_paths)
    return await at_press(partial(_print, _source(template), data, int(parse(at).timestamp()), folders))


async def at_press(work: Callable[[], T]) -> T:
    """What `work()` returns, run on one of the two press threads: for all that makes files and takes more than a moment."""
    return await asyncio.get_running_loop().run_in_executor(_press, work)


def default_font_paths(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders of SONGDA_FONTS_DIR (separated by ":"), then the system's /usr/share/fonts."""
    said = (os.environ if environ is None else environ).get("SONGDA_FONTS_DIR", "")
    return tuple(dict.fromkeys([*(Path(part) for part in said.split(":") if part), SYSTEM_FONTS]))


def uncovered(text: str, families: Sequence[str] = BODY, *, font_paths: Sequence[Path] | None = None) -> str:
    """The characters of `text` that none of `families` covers, each once, in order of appearance; "" when all can be printed.

    A family counts with both the faces that the templates use (nearest to 400 and to 700). Spaces, control and format
    characters and variation selectors need no glyph. Reads the fonts' own cmap tables, once per list of folders.
    """
    return _uncovered(_library(default_font_paths() if font_paths is None else tuple(font_paths)), text, families)


def _shown(char: str) -> str:
    """The character itself, or U+XXXX when it has no look of its own."""
    return char if char.isprintable() else f"U+{ord(char):04X}"


# ---- one print ----------------------------------------------------------------------------------------------------------------


def _source(template: str) -> Path:
    """The template's file, found by looking `template` up in the folder's listing: a name never becomes a path."""
    known = {path.stem: path for path in TEMPLATES.glob("*.typ") if not path.name.startswith("_")}
    if template not in known:
        raise LookupError(f"no PDF template {template!r}; known are: {', '.join(sorted(known))}")
    return known[template]


def _print(source: Path, data: Mapping[str, object], timestamp: int, folders: tuple[Path, ...]) -> bytes:
    """One compilation, on the calling thread. `timestamp` in UNIX seconds."""
    cleaned = _cleaned(data)
    texts = "".join(dict.fromkeys("".join(_texts(cleaned))))
    library = _library(folders)
    if _missing(library, texts):
        _library.cache_clear()  # perhaps the font has been installed since the folders were read
        library = _library(folders)
        if lost := _missing(library, texts):
            raise MissingGlyphs(lost)
    inputs = {
        "data": json.dumps(cleaned, allow_nan=False),
        "fonts": json.dumps({"title": library.present(TITLE), "body": library.present(BODY)}),
    }
    try:
        pdf, warnings = typst.compile_with_warnings(
            source,
            root=TEMPLATES,
            font_paths=library.fonts,
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-2b"],
            timestamp=timestamp,
        )
    except typst.TypstError as error:
        # PDF/A forbids a missing glyph, so typst refuses it too; this net holds the templates' own words and odd sequences.
        if lost := _refused(error.diagnostic):
            raise MissingGlyphs(lost) from error
        raise
    for warning in warnings:
        _log.warning("typeset", template=source.stem, warning=warning.message)
    if len(pdf) > LARGE:
        _press.submit(_forget, library)
    return pdf


def _cleaned(value: object) -> object:
    """The same value with only printable characters in its texts; a tuple becomes a list."""
    if isinstance(value, str):
        return "".join(_printable(char) for char in value) if not value.isprintable() else value
    if isinstance(value, Mapping):
        return {str(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_cleaned(item) for item in value]
    return value


def _printable(char: str) -> str:
    """The character, a space for a control character or line separator, nothing for an invisible format character."""
    kind = unicodedata.category(char)
    return " " if kind in {"Cc", "Zl", "Zp"} else "" if kind == "Cf" else char


def _texts(value: object) -> Iterator[str]:
    """All texts inside a value that `_cleaned` made."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


# ---- what the fonts cover -----------------------------------------------------------------------------------------------------


class Coverage(NamedTuple):
    """The code points of one face: closed ranges `starts[i]…ends[i]`, ascending, not overlapping."""

    starts: list[int]
    ends: list[int]

    def has(self, code: int) -> bool:
        """Whether the face maps this code point to a glyph."""
        at = bisect_right(self.starts, code) - 1
        return at >= 0 and code <= self.ends[at]


class Library(NamedTuple):
    """The fonts of some folders: typst's own handle, and what each family covers in the weights that templates use."""

    fonts: typst.Fonts
    families: dict[str, list[Coverage]]

    def present(self, families: Iterable[str]) -> list[str]:
        """Those of `families` that are installed, in the same order."""
        return [family for family in families if family in self.families]


def _refused(diagnostic: str) -> str:
    """The characters in typst's "the text … could not be displayed", each once; it writes unseen ones as \\u{1680}."""
    texts = "".join(re.findall(r'the text `"(.+?)"` could not be displayed', diagnostic))
    return "".join(dict.fromkeys(re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), texts)))


def _forget(library: Library) -> None:
    """Give back the memory that typst keeps for the next print: 100 MB after a list of 1,053 people.

    It drops what the last ten compilations have not used; so compile nothing until then. Takes a fifth of a second.
    """
    for _ in range(11):
        typst.compile(b"", font_paths=library.fonts, ignore_system_fonts=True, format="svg")


def _missing(library: Library, text: str) -> str:
    """The characters that the title list or the body list of families cannot draw."""
    return "".join(dict.fromkeys(_uncovered(library, text, TITLE) + _uncovered(library, text, BODY)))


def _uncovered(library: Library, text: str, families: Sequence[str]) -> str:
    """See `uncovered`. Composed first, as the shaper does: a letter and its accent count as the one letter they print as."""
    known = [library.families[family] for family in families if family in library.families]
    return "".join(
        char
        for char in dict.fromkeys(unicodedata.normalize("NFC", text))
        if not _needs_no_glyph(char) and not any(all(face.has(ord(char)) for face in faces) for faces in known)
    )


def _needs_no_glyph(char: str) -> bool:
    """Whether nothing is drawn for it: spaces, control and format characters, variation selectors."""
    return (
        unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


@lru_cache(maxsize=4)
def _library(folders: tuple[Path, ...]) -> Library:
    """Read the font folders (a third of a second for Noto CJK); folders that do not exist are skipped."""
    there = [str(folder) for folder in folders if folder.is_dir()]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=there)
    upright: dict[str, list[typst.FontInfo]] = {}
    for info in fonts.fonts():
        if info.style == "normal" and info.path and (info.family in TITLE or info.family in BODY):
            upright.setdefault(info.family, []).append(info)
    return Library(fonts, {family: _faces(infos) for family, infos in upright.items()})


def _faces(infos: Sequence[typst.FontInfo]) -> list[Coverage]:
    """What the faces nearest to weight 400 and to weight 700 cover."""
    nearest = {
        (info.path or "", info.index)
        for weight in (400, 700)
        for info in [min(infos, key=lambda i: (abs(i.stretch - 1), abs(i.weight - weight)))]
    }
    return [_coverage(path, index) for path, index in sorted(nearest)]


def _coverage(path: str, index: int) -> Coverage:
    """The code points of face `index` of a font file; none when the file is not one we can read.

    Source: OpenType 1.9 "cmap": sub-table format 12 (all of Unicode) if there is one, else format 4 (the first plane).
    """
    try:
        with Path(path).open("rb") as file:
            formats = dict(_subtables(_cmap(file, index)))
        codes = _groups(formats[12]) if 12 in formats else _segments(formats[4])
        starts, ends = zip(*_joined(codes), strict=True)
    except (OSError, struct.error, KeyError, ValueError):
        return Coverage([], [])
    return Coverage(list(starts), list(ends))


def _cmap(file: BinaryIO, index: int) -> bytes:
    """The cmap table of face `index` of a font or font collection. Raises KeyError when it has none."""
    offset = 0
    if file.read(4) == b"ttcf":
        file.seek(12 + 4 * index)
        (offset,) = struct.unpack(">I", file.read(4))
    file.seek(offset + 4)
    (count,) = struct.unpack(">H6x", file.read(8))
    tables = {tag: (start, size) for tag, _, start, size in struct.iter_unpack(">4sIII", file.read(16 * count))}
    start, size = tables[b"cmap"]
    file.seek(start)
    return file.read(size)


def _subtables(cmap: bytes) -> Iterator[tuple[int, bytes]]:
    """(format, bytes from its start) of each Unicode sub-table (platform 0, or 3 with encoding 1 or 10)."""
    (count,) = struct.unpack_from(">2xH", cmap)
    for platform, encoding, offset in struct.iter_unpack(">HHI", cmap[4 : 4 + 8 * count]):
        if platform == 0 or (platform == 3 and encoding in {1, 10}):
            yield struct.unpack_from(">H", cmap, offset)[0], cmap[offset:]


def _groups(table: bytes) -> Iterator[tuple[int, int]]:
    """The ranges of a format 12 sub-table, without code points that map to glyph 0."""
    (count,) = struct.unpack_from(">12xI", table)
    for start, end, glyph in struct.iter_unpack(">III", table[16 : 16 + 12 * count]):
        if start + (glyph == 0) <= end:
            yield start + (glyph == 0), end


def _segments(table: bytes) -> Iterator[tuple[int, int]]:
    """The code points of a format 4 sub-table as ranges of one, without those that map to glyph 0."""
    (double,) = struct.unpack_from(">6xH", table)
    count = double // 2
    words = struct.unpack_from(f">{len(table) // 2 - 7}H", table, 14)
    ends, starts = words[:count], words[count + 1 : 2 * count + 1]
    deltas, offsets = words[2 * count + 1 : 3 * count + 1], words[3 * count + 1 : 4 * count + 1]
    for at, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            where = 3 * count + 1 + at + offset // 2 + code - start
            listed = words[where] if offset and where < len(words) else 0
            if (code + delta) & 0xFFFF if offset == 0 else listed:
                yield code, code


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same code points as ascending ranges that do not touch. Raises ValueError for none at all."""
    todo = sorted(ranges)
    if not todo:
        raise ValueError("no code points")
    start, end = todo[0]
    for low, high in todo[1:]:
        if low > end + 1:
            yield start, end
            start, end = low, high
        end = max(end, high)
    yield start, end
