"""发文字号: read generously, written one way, taken without gaps.

    written("平政办发", 2026, 12)                 平政办发〔2026〕12号
    read("平政办发[2026] 第012 号")               Number("平政办发", 2026, 12)
    number = await take(tx, series, year, …)     in the transaction of the sending: a sending that fails gives it back

Source: GB/T 9704-2012, 7.2.5: the year in full inside 〔〕, no 第, no leading zeros.
"""

import re
import unicodedata
from typing import NamedTuple

from exchange import queries as q
from ground import audit
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Invalid, NotFound, Refused

_BRACKETS = str.maketrans(dict.fromkeys("[【(（﹝〔〈《", "〔") | dict.fromkeys("]】)）﹞〕〉》", "〕"))
_NUMBER = re.compile(r"(?P<code>[^\d〔〕][^〔〕]*?)〔(?P<year>\d{4})年?〕(?:第)?(?P<serial>\d{1,6})(?:号)?")
_YEAR_LINE = re.compile(r"(?P<code>[^\d〔〕][^〔〕]*?)(?P<year>(?:19|20)\d\d)年第?(?P<serial>\d{1,6})号")  # 公告2015年第80号
_ORDER = re.compile(r"(?P<code>[^\d〔〕][^〔〕]*?)第?(?P<serial>\d{1,6})号")  # 省政府令第28号
_CODE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffffA-Za-z·（）]{1,20}")


class Number(NamedTuple):
    """A number's parts; `year` 0 when it names none (令第28号)."""

    code: str
    year: int
    serial: int


class Series(NamedTuple):
    """One of a unit's own series."""

    id: int
    unit_id: int
    code: str
    head: str
    sort: int
    closed_at: str | None


class Taken(NamedTuple):
    """One line of a series: what became of the number."""

    year: int
    serial: int
    document_id: int | None
    taken_at: str
    voided_at: str | None
    void_reason: str | None


def written(code: str, year: int, serial: int) -> str:
    """The number as it stands on paper."""
    return f"{code}〔{year}〕{serial}号"


def read(text: str) -> Number | None:
    """The number that `text` means, however its brackets, digits and spaces are written; None when it is none."""
    plain = unicodedata.normalize("NFKC", "".join(c for c in text if unicodedata.category(c) != "Cf"))
    plain = re.sub(r"\s+", "", plain.translate(_BRACKETS))
    if len(plain) > 80:
        return None
    for pattern in (_NUMBER, _YEAR_LINE, _ORDER):
        found = pattern.fullmatch(plain)
        if found:
            parts = found.groupdict()
            return Number(parts["code"], int(parts.get("year") or 0), int(parts["serial"]))
    return None


def tidy(text: str) -> str:
    """A number in the one way of writing; what is no number stays as it is, without its invisible characters."""
    found = read(text)
    if found is not None and found.year and "〔" in text.translate(_BRACKETS):
        return written(*found)
    return "".join(c for c in text if unicodedata.category(c) != "Cf").strip()


async def of_unit(tx: Tx, unit: int) -> list[Series]:
    """The series that a unit may use now."""
    return await tx.all(q.SERIES_OF_UNIT, Series, unit=unit)


async def find(tx: Tx, id: int, unit: int) -> Series:
    """One of the unit's open series. Raises NotFound."""
    found = await tx.one(q.SERIES_BY_ID, Series, id=id, unit=unit)
    if found is None:
        raise NotFound("没有这个字号系列。")
    return found


async def open_series(tx: Tx, code: str, head: str, *, unit: int, by: Actor | None, at: str, sort: int = 100) -> int:
    """Begin a series of numbers; its id. Raises Invalid for a code that is none or is there already."""
    code, head = code.strip(), head.strip()
    if not _CODE.fullmatch(code):
        raise Invalid.one("code", "机关代字是 1 到 20 个字，例如 平政办发。")
    if len(head) > 120:
        raise Invalid.one("head", "发文机关标志请不超过 120 字。")
    if any(s.code == code for s in await of_unit(tx, unit)):
        raise Invalid.one("code", "本单位已有这个代字。")
    id = await tx.value(q.SERIES_INSERT, unit=unit, code=code, head=head, sort=sort, at=at)
    await audit.note(tx, "series_opened", f"series:{id}", at=at, person=by.person_id if by else 0, unit=unit, detail=code)
    return int(id)


async def close_series(tx: Tx, id: int, *, by: Actor, at: str) -> None:
    """Use a series no more; its numbers stay. Raises NotFound."""
    if await tx.run(q.SERIES_CLOSE, id=id, unit=by.unit_id, at=at) != 1:
        raise NotFound("没有这个字号系列。")
    await audit.note(tx, "series_closed", f"series:{id}", at=at, person=by.person_id, unit=by.unit_id)


async def next_of(tx: Tx, id: int, year: int) -> int:
    """The serial that the next sending would take: shown in the page, not taken."""
    return int(await tx.value(q.YEAR_LAST, series=id, year=year) or 0) + 1


async def take(tx: Tx, series: Series, year: int, document: int | None, *, by: int, at: str) -> Number:
    """The next number of the series and year, for good: the counter's row is locked until the commit, so there is no gap."""
    serial = int(await tx.value(q.YEAR_TAKE, series=series.id, year=year))
    await tx.run(q.NUMBER_INSERT, series=series.id, year=year, serial=serial, document=document, at=at, person=by)
    return Number(series.code, year, serial)


async def void(tx: Tx, series: int, year: int, serial: int, reason: str, *, by: Actor, at: str) -> None:
    """Mark a number as void; it is never given again and keeps its reason. Raises Invalid, Refused."""
    if not reason.strip() or len(reason) > 300:
        raise Invalid.one("reason", "请写作废的原因，不超过 300 字。")
    if await tx.run(q.NUMBER_VOID, series=series, year=year, serial=serial, reason=reason.strip(), at=at) != 1:
        raise Refused("这个字号已经作废了。", code="voided")
    await audit.note(
        tx, "number_voided", f"series:{series}", at=at, person=by.person_id, unit=by.unit_id, detail=f"{year} {serial}"
    )
