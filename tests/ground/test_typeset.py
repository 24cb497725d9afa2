"""Typesetting: what was typed comes out as typed, nothing is lost silently, the same input gives the same bytes."""

import asyncio
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pypdfium2
import pytest
from structlog.testing import capture_logs

from ground import config
from ground.errors import Refused
from ground.fonts import BODY, FACES, TITLE, coverage
from ground.typeset import (
    LOCAL_FONTS,
    NO_DATE,
    SYSTEM_FONTS,
    MissingGlyphs,
    default_font_paths,
    families_of,
    fonts_of,
    typeset,
    uncovered,
)

RARE = "镕喆堃垚昇珺玥𠮷"
pytestmark = pytest.mark.skipif(bool(uncovered("国")), reason="needs a Chinese font (Debian: fonts-noto-cjk)")


def text_of(pdf: bytes) -> str:
    """All text of a PDF without white space."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [document[at].get_textpage().get_text_range() for at in range(len(document))]
    finally:
        document.close()
    return re.sub(r"[\s\u200b\u00ad\ufffe\uffff]+", "", "".join(pages))


def font_file(name: str) -> Path:
    """The installed font file of this name; the test is skipped without it."""
    for path in SYSTEM_FONTS.rglob(name):
        return path
    pytest.skip(f"needs {name}")


def cards(*names: str) -> dict[str, object]:
    """Data for the plainest template."""
    return {"title": "会议", "names": list(names)}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "typed",
    [
        "#panic()",
        "*x*",
        "_y_",
        "$x^2$",
        "=1+1",
        "= 标题",
        "- 项",
        "// 注",
        "@ref",
        "<label>",
        "`raw`",
        "\\u{41}",
        "a~b--c...",
        "[#x]",
        '"引"',
    ],
)
async def test_markup_in_a_text_is_only_text(typed: str) -> None:
    assert text_of(await typeset("table_cards", cards(typed))) == re.sub(r"\s", "", typed) * 2


@pytest.mark.anyio
async def test_the_same_input_gives_the_same_bytes_and_another_time_does_not() -> None:
    first, second = await typeset("table_cards", cards("王芳")), await typeset("table_cards", cards("王芳"))
    assert first == second
    assert first.startswith(b"%PDF-1.7")
    assert b"pdfaid:part>2<" in first
    assert b"pdfaid:conformance>B<" in first
    later = await typeset("table_cards", cards("王芳"), at="2026-03-18T01:42:07.123Z")
    assert b"D:20260318014207Z" in later
    assert later != first


@pytest.mark.anyio
async def test_the_same_bytes_also_from_two_threads_and_after_other_prints() -> None:
    alone = await typeset("table_cards", cards("李强"))
    crowd = await asyncio.gather(*(typeset("table_cards", cards("李强" if n % 2 else f"第{n}位")) for n in range(12)))
    assert [pdf for n, pdf in enumerate(crowd) if n % 2] == [alone] * 6


@pytest.mark.anyio
async def test_rare_characters_print() -> None:
    assert uncovered(RARE, TITLE) == uncovered(RARE, BODY) == ""
    assert text_of(await typeset("table_cards", cards(RARE))) == RARE * 2


@pytest.mark.anyio
async def test_a_missing_glyph_refuses_the_print_and_is_named() -> None:
    with pytest.raises(MissingGlyphs) as caught:
        await typeset("table_cards", cards("王😀芳", "\ue123", "half \ud842", "王😀"))
    assert caught.value.glyphs == "😀\ue123\ud842"
    assert isinstance(caught.value, Refused)
    assert caught.value.code == "missing_glyphs"
    assert caught.value.text().startswith("这些字没有字形：😀、U+E123、U+D842，请装字体")
    assert caught.value.text().encode()  # a sentence that can be sent


def test_a_long_list_of_missing_glyphs_is_cut_in_the_sentence_only() -> None:
    glyphs = "".join(chr(0xE000 + n) for n in range(30))
    refusal = MissingGlyphs(glyphs)
    assert refusal.glyphs == glyphs
    assert "U+E013 等 30 个，" in refusal.text()
    assert "U+E014" not in refusal.text()


@pytest.mark.anyio
async def test_no_fonts_at_all_refuses_by_name(tmp_path: Path) -> None:
    assert uncovered("王 芳", font_paths=[tmp_path]) == "王芳"
    with pytest.raises(MissingGlyphs):
        await typeset("table_cards", cards("王芳"), font_paths=[tmp_path, tmp_path / "none"])


@pytest.mark.anyio
async def test_a_font_that_is_installed_after_a_refusal_is_found_without_a_restart(tmp_path: Path) -> None:
    with pytest.raises(MissingGlyphs):
        await typeset("table_cards", cards("王芳"), font_paths=[tmp_path])
    bold = font_file("NotoSerifCJK-Bold.ttc")
    (tmp_path / bold.name).symlink_to(bold)
    assert text_of(await typeset("table_cards", cards("王芳"), font_paths=[tmp_path])) == "王芳" * 2


@pytest.mark.anyio
async def test_typst_itself_refuses_what_the_check_lets_through() -> None:
    assert uncovered("王\u1680") == ""  # by its category a space; yet it is drawn, and the fonts cannot
    with pytest.raises(MissingGlyphs) as caught:
        await typeset("table_cards", cards("王\u1680芳"))
    assert caught.value.glyphs == "\u1680"
    assert "没有字形：U+1680，" in caught.value.text()


@pytest.mark.anyio
async def test_control_and_invisible_characters_neither_print_nor_stop_the_print() -> None:
    odd = "王\u202e\u200b\ufeff芳\x01\x07甲\n乙\u2028丙\x85丁葛\U000e0100"
    assert uncovered(odd) == ""
    assert text_of(await typeset("table_cards", cards(odd))).replace("\U000e0100", "") == "王芳甲乙丙丁葛" * 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name", ["", "nothing", "../pdf/name_list", "name_list.typ", "_sheet", "/etc/passwd", "*", "name_list\x00"]
)
async def test_a_template_name_is_looked_up_never_a_path(name: str) -> None:
    with pytest.raises(LookupError, match="no PDF template"):
        await typeset(name, {})


@pytest.mark.anyio
async def test_values_that_are_not_json_are_refused() -> None:
    with pytest.raises(TypeError):
        await typeset("table_cards", cards("王芳") | {"more": object()})
    with pytest.raises(ValueError, match="JSON"):
        await typeset("table_cards", cards("王芳") | {"more": float("nan")})
    with pytest.raises(ValueError, match="zone"):
        await typeset("table_cards", cards("王芳"), at="2026-03-18T01:42:07")


@pytest.mark.anyio
async def test_templates_compile_without_a_warning() -> None:
    head = dict.fromkeys(("title", "time", "place", "organiser", "total", "printed", "url"), "字")
    row = ["1", "单位", "姓名", "职务", "139", "身份", "备注"]
    data = head | {"names": ["王"], "modules": ["10", "01"], "groups": [False]}
    with capture_logs() as logs:
        for template in ("name_list", "sign_in_sheet", "table_cards", "check_in"):
            await typeset(template, data | {"rows": [row[:6] if template == "sign_in_sheet" else row]}, at=NO_DATE)
    assert logs == []


def test_font_folders_come_from_the_environment_then_the_system() -> None:
    system = (SYSTEM_FONTS, LOCAL_FONTS)
    assert default_font_paths({}) == system
    assert default_font_paths({"SONGDA_FONTS_DIR": "/a:/b:"}) == (Path("/a"), Path("/b"), *system)
    assert default_font_paths({"SONGDA_FONTS_DIR": "/usr/share/fonts"}) == system


def test_the_settings_name_families_that_come_first() -> None:
    chosen = families_of(config.Fonts(fang=" FangSong_GB2312, 仿宋X,", kai="FandolKai"))
    assert chosen["fang"][:3] == ("FangSong_GB2312", "仿宋X", "FZFangSong-Z02S")
    assert chosen["fang"].count("FangSong_GB2312") == 1
    assert chosen["kai"][0] == "FandolKai"
    assert fonts_of(config.Fonts(dirs="/a::/b")) == {
        "font_paths": [Path("/a"), Path("/b")],
        "families": families_of(config.Fonts()),
    }
    assert {face: chosen[face] for face in ("title", "body", "hei")} == {face: FACES[face] for face in ("title", "body", "hei")}


def test_every_face_prints_rare_characters() -> None:
    assert {face: uncovered(RARE, names) for face, names in FACES.items()} == dict.fromkeys(FACES, "")


# ---- the cmap reader ------------------------------------------------------------------------------------------------


def font(subtable: bytes, *, platform: int = 3, encoding: int = 1) -> bytes:
    """A font file with nothing but a cmap of one sub-table."""
    cmap = struct.pack(">HHHHI", 0, 1, platform, encoding, 12) + subtable
    return struct.pack(">IHHHH4sIII", 0x00010000, 1, 0, 0, 0, b"cmap", 0, 28, len(cmap)) + cmap


def format_4(segments: list[tuple[int, int, int, int]], glyphs: list[int]) -> bytes:
    """A format 4 sub-table: (start, end, delta, range offset) a segment, then the glyph array."""
    segments = [*segments, (0xFFFF, 0xFFFF, 1, 0)]
    starts, ends, deltas, offsets = zip(*segments, strict=True)
    words = [len(segments) * 2, 0, 0, 0, *ends, 0, *starts, *deltas, *offsets, *glyphs]
    return struct.pack(f">HHH{len(words)}H", 4, 6 + 2 * len(words), 0, *words)


def covered(tmp_path: Path, content: bytes, index: int = 0) -> list[tuple[int, int]]:
    """The ranges that the reader finds in a file with this content."""
    path = tmp_path / "font.ttf"
    path.write_bytes(content)
    found = coverage(str(path), index)
    return list(zip(found.starts, found.ends, strict=True))


def test_format_4_leaves_out_what_maps_to_glyph_0(tmp_path: Path) -> None:
    # A–C by delta, of which B → 0; a–d through the array: 5, 0, 7, 8. Offset from its own word: 1 segment and the end follow.
    table = format_4(
        [(0x41, 0x41, 10, 0), (0x42, 0x42, 0x10000 - 0x42, 0), (0x43, 0x43, 10, 0), (0x61, 0x64, 0, 4)], [5, 0, 7, 8]
    )
    assert covered(tmp_path, font(table)) == [(0x41, 0x41), (0x43, 0x43), (0x61, 0x61), (0x63, 0x64)]


def test_format_12_wins_and_leaves_out_glyph_0(tmp_path: Path) -> None:
    groups = [(0x4E00, 0x4E05, 0), (0x20BB7, 0x20BB7, 9), (0x4E06, 0x4E07, 20), (0x30, 0x30, 0)]
    table = struct.pack(">HHIII", 12, 0, 16 + 12 * len(groups), 0, len(groups)) + b"".join(
        struct.pack(">III", *g) for g in groups
    )
    assert covered(tmp_path, font(table, encoding=10)) == [(0x4E01, 0x4E07), (0x20BB7, 0x20BB7)]
    assert covered(tmp_path, font(table, platform=1)) == []


@pytest.mark.parametrize("content", [b"", b"OTTO", b"ttcf\x00\x01", b"\x00\x01\x00\x00\x00\x01" + bytes(6), b"x" * 400])
def test_a_broken_font_file_covers_nothing(tmp_path: Path, content: bytes) -> None:
    assert covered(tmp_path, content) == []


def test_the_reader_agrees_with_fontconfig_about_noto() -> None:
    """Every code point: what we call covered, fontconfig calls covered too, and the other way round."""
    query, path = shutil.which("fc-query"), font_file("NotoSerifCJK-Regular.ttc")
    if query is None:
        pytest.skip("needs fc-query")
    command = [query, "--index=2", "--format=%{charset}", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    theirs = [(int(low, 16), int(high or low, 16)) for low, _, high in (part.partition("-") for part in said)]
    ours = coverage(str(path), 2)
    wide = {code for low, high in theirs for code in range(low, high + 1)}
    assert len(wide) > 30000
    read = {code for low, high in zip(ours.starts, ours.ends, strict=True) for code in range(low, high + 1)}
    assert {code for code in read ^ wide if code > 0x20} == set()
