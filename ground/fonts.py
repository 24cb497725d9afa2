"""Fonts: the families that stand for each face of an official document, and which characters a font file can draw.

The reader knows nothing of typesetting: a file and a face in it → the code points that its own cmap table maps to a glyph.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

# Families in order of preference; those that are not installed are skipped. The faces that GB/T 9704 names are licensed: a city
# that owns them puts them into its font folder, and they are used; else free ones stand in (docs/decisions/0008-fonts.md).
# The Sans closes each list: it covers what a small face lacks.
_SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "FandolSong", "SimSun", "Noto Sans CJK SC", "Noto Sans SC")
TITLE = ("FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05", *_SERIF)
BODY = _SERIF
FACES: dict[str, tuple[str, ...]] = {
    "title": TITLE,  # 小标宋
    "body": BODY,  # 宋体
    "fang": (
        "FZFangSong-Z02S",
        "FZFangSong-Z02",
        "FangSong_GB2312",
        "FangSong",
        "STFangsong",
        "FandolFang R",
        "FandolFang",
        *_SERIF,
    ),
    "hei": ("FZHei-B01S", "FZHei-B01", "SimHei", "STHeiti", "FandolHei", "Noto Sans CJK SC", "Noto Sans SC", *_SERIF[:-2]),
    "kai": ("FZKai-Z03S", "FZKai-Z03", "KaiTi_GB2312", "KaiTi", "STKaiti", "FandolKai", "LXGW WenKai", *_SERIF),
}


class Coverage(NamedTuple):
    """The code points of one face: closed ranges `starts[i]…ends[i]`, ascending, not overlapping."""

    starts: list[int]
    ends: list[int]

    def has(self, code: int) -> bool:
        """Whether the face maps this code point to a glyph."""
        at = bisect_right(self.starts, code) - 1
        return at >= 0 and code <= self.ends[at]


def coverage(path: str, index: int) -> Coverage:
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
