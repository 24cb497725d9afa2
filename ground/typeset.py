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
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, TypedDict, TypeVar

import structlog
import typst

from ground import config
from ground.clock import parse
from ground.errors import Refused
from ground.fonts import BODY, FACES, Coverage, coverage

T = TypeVar("T")
Families = Mapping[str, Sequence[str]]  # face → families to try, in order

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "pdf"
SYSTEM_FONTS = Path("/usr/share/fonts")
LOCAL_FONTS = Path("/usr/local/share/fonts")  # what did not come in a package of its own
LARGE = 300_000  # bytes of PDF; after a larger one typst's memory is swept
NO_DATE = "2000-01-01T00:00:00.000Z"

_press = ThreadPoolExecutor(max_workers=2, thread_name_prefix="press")
_log = structlog.get_logger(__name__)


class Fonts(TypedDict):
    """The fonts to print with, as everything that typesets takes them: `**fonts_of(config.fonts)`."""

    font_paths: Sequence[Path]
    families: Families


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
    template: str,
    data: Mapping[str, object],
    *,
    at: str = NO_DATE,
    font_paths: Sequence[Path] | None = None,
    families: Families = FACES,
) -> bytes:
    """The PDF/A-2b of `templates/pdf/<template>.typ` filled with `data`.

    Args:
        template: a name from the folder's listing, without ".typ"; names that begin with "_" are shared parts, not templates.
        data: what JSON can hold: text, whole numbers, true, false, None, lists, mappings. Control characters in texts
            print as a space, invisible format characters (zero-width, text direction) are dropped.
        at: UTC text, the creation time written into the file. It belongs to the input: the same input, the same bytes.
        font_paths: folders with fonts, searched with their sub-folders. None: `default_font_paths()`.
        families: what stands for each face, as `families_of` says; a face that is not named has its families of `FACES`.
    Raises:
        LookupError: no such template.
        MissingGlyphs: a character that no font of the list covers.
        TypeError, ValueError: `data` holds something that JSON cannot, or `at` is not a UTC text.
    """
    folders = default_font_paths() if font_paths is None else tuple(font_paths)
    return await at_press(partial(_print, _source(template), data, int(parse(at).timestamp()), folders, {**FACES, **families}))


async def at_press(work: Callable[[], T]) -> T:
    """What `work()` returns, run on one of the two press threads: for all that makes files and takes more than a moment."""
    return await asyncio.get_running_loop().run_in_executor(_press, work)


def default_font_paths(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders of SONGDA_FONTS_DIR (separated by ":"), then the system's two."""
    said = (os.environ if environ is None else environ).get("SONGDA_FONTS_DIR", "")
    return tuple(dict.fromkeys([*(Path(part) for part in said.split(":") if part), SYSTEM_FONTS, LOCAL_FONTS]))


def fonts_of(fonts: config.Fonts) -> Fonts:
    """The folders and families that the settings name."""
    return {"font_paths": [Path(part) for part in fonts.dirs.split(":") if part], "families": families_of(fonts)}


def families_of(fonts: config.Fonts) -> Families:
    """What stands for each face: the families that the settings name, then those of `FACES`."""
    return {
        face: tuple(dict.fromkeys([*(name.strip() for name in getattr(fonts, face).split(",") if name.strip()), *known]))
        for face, known in FACES.items()
    }


def uncovered(text: str, families: Sequence[str] = BODY, *, font_paths: Sequence[Path] | None = None) -> str:
    """The characters of `text` that none of `families` covers, each once, in order of appearance; "" when all can be printed.

    A family counts with both the faces that the templates use (nearest to 400 and to 700). Spaces, control and format
    characters and variation selectors need no glyph. Reads the fonts' own cmap tables, once per list of folders.
    """
    folders = default_font_paths() if font_paths is None else tuple(font_paths)
    return _uncovered(_library(folders, frozenset(families)), text, families)


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


def _print(source: Path, data: Mapping[str, object], timestamp: int, folders: tuple[Path, ...], families: Families) -> bytes:
    """One compilation, on the calling thread. `timestamp` in UNIX seconds."""
    cleaned = _cleaned(data)
    texts = "".join(dict.fromkeys("".join(_texts(cleaned))))
    library = _covering(texts, folders, families)
    inputs = {
        "data": json.dumps(cleaned, allow_nan=False),
        "fonts": json.dumps({face: library.present(names) for face, names in families.items()}),
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


def _covering(texts: str, folders: tuple[Path, ...], families: Families) -> "Library":
    """The fonts of the folders, read once more before they are said to lack a character. Raises MissingGlyphs."""
    names = frozenset(name for names in families.values() for name in names)
    library = _library(folders, names)
    if _missing(library, texts, families):
        _library.cache_clear()  # perhaps the font has been installed since the folders were read
        library = _library(folders, names)
        if lost := _missing(library, texts, families):
            raise MissingGlyphs(lost)
    return library


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


def _missing(library: Library, text: str, families: Families) -> str:
    """The characters that some face's list of families cannot draw, in order of appearance."""
    lost = {char for names in set(map(tuple, families.values())) for char in _uncovered(library, text, names)}
    return "".join(char for char in dict.fromkeys(unicodedata.normalize("NFC", text)) if char in lost)


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
def _library(folders: tuple[Path, ...], names: frozenset[str]) -> Library:
    """Read the font folders (a third of a second for Noto CJK) and what the families of these names cover.

    Folders that do not exist are skipped.
    """
    there = [str(folder) for folder in folders if folder.is_dir()]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=there)
    upright: dict[str, list[typst.FontInfo]] = {}
    for info in fonts.fonts():
        if info.style == "normal" and info.path and info.family in names:
            upright.setdefault(info.family, []).append(info)
    return Library(fonts, {family: _faces(infos) for family, infos in upright.items()})


def _faces(infos: Sequence[typst.FontInfo]) -> list[Coverage]:
    """What the faces nearest to weight 400 and to weight 700 cover."""
    nearest = {
        (info.path or "", info.index)
        for weight in (400, 700)
        for info in [min(infos, key=lambda i: (abs(i.stretch - 1), abs(i.weight - weight)))]
    }
    return [coverage(path, index) for path, index in sorted(nearest)]
