"""Times as people write them, and the city's wall clock that gives them their meaning. Pure; no text raises.

at = moment("后天下午3点", local_now)        2026-03-20T15:00:00+08:00
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ground import clock

NOT_A_TIME = "没有看懂这个时间，请写成 3月20日 15:00 这样。"


class Wall(NamedTuple):
    """The city's clock: now (UTC text), its zone, and which days offices work."""

    now: str
    zone: ZoneInfo
    is_workday: Callable[[date], bool]


def local_text(at: str, zone: ZoneInfo) -> str:
    """2026-03-20T15:00, as a date-and-time input wants it; '' for ''."""
    return f"{clock.local(at, zone):%Y-%m-%dT%H:%M}" if at else ""


_DAYS = {"今": 0, "明": 1, "后": 2, "大后": 3}
_AFTERNOON = {"下午", "午后", "傍晚", "晚上", "晚", "夜里", "pm"}
_HOURS = {"早上": 8, "早晨": 8, "清晨": 8, "早": 8, "上午": 9, "am": 9, "中午": 12, "午间": 12, "下午": 15, "午后": 15, "pm": 15,
          "傍晚": 18, "晚上": 19, "晚": 19}  # fmt: skip
_WEEK = {"日": 6, "天": 6}
_DATE = (
    r"(?:(?P<y>[0-9]{4})[-/.年](?P<m>[0-9]{1,2})[-/.月](?P<d>[0-9]{1,2})[日号]?"
    r"|(?P<m2>[0-9]{1,2})[-/.月](?P<d2>[0-9]{1,2})[日号]?"
    r"|(?P<d3>[0-9]{1,2})[日号]"
    r"|(?P<near>大后|今|明|后)[天日]?"
    r"|(?P<which>下下|下|本|这)?个?(?:周|星期|礼拜)(?P<wd>[1-7日天]))"
)
_AGAIN = r"(?:[(（]?(?:周|星期|礼拜)[1-7日天][)）]?)?"
_PERIOD = r"(?P<period>凌晨|清晨|早上|早晨|上午|中午|午间|下午|午后|傍晚|晚上|夜里|早|晚|am|pm)"
_TIME = (
    r"(?:(?P<h>[0-9]{1,2}):(?P<min>[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"|(?P<h2>[0-9]{1,2})[点时](?:(?P<min2>[0-9]{1,2})分?|(?P<half>半)|(?P<quarter>[13])刻|[整钟])?)"
)
_WHEN = re.compile(rf"(?:{_DATE}{_AGAIN})?[t,\s]*{_PERIOD}?\s*{_TIME}?(?:之前|以前|前|开始|起)?")


def moment(text: str, now: datetime) -> datetime | None:
    """The moment that `text` names, or None when it is not understood or names no hour.

    Args:
        text: 2026-03-20T15:00, 3月20日 15:00, 明天中午, 后天下午3点半, 下周五上午九点, 15:00 (today).
        now: on the city's wall clock: what 明天 means, and which year a date without one lies in.
    """
    plain = _plain(text)
    found = _WHEN.fullmatch(plain) if plain else None
    if found is None:
        return None
    parts = found.groupdict()
    hour = _hour(parts)
    if hour is None:
        return None
    try:
        day = _day(parts, now.date())
        return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(hours=hour[0], minutes=hour[1])
    except (ValueError, OverflowError):
        return None


def _plain(text: str) -> str:
    """Half-width, Arabic numerals, spaces only where they part figures; '' for what is too long to be a time."""
    text = unicodedata.normalize("NFKC", text).strip().lower()
    if len(text) > 60:
        return ""
    text = re.sub(r"(?<=[\u4e00-\u9fff])\s+|\s+(?=[\u4e00-\u9fff])", "", text)
    return re.sub("[零〇一二两三四五六七八九十]+", lambda m: _arabic(m[0]), text)


def _arabic(numeral: str) -> str:
    """二〇二六 → 2026, 二十一 → 21, 十 → 10."""
    digits = {c: str(n) for n, c in enumerate("零一二三四五六七八九")} | {"〇": "0", "两": "2"}
    if "十" not in numeral:
        return "".join(digits[c] for c in numeral)
    tens, _, ones = numeral.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return numeral
    return str(10 * int(digits.get(tens, "1")) + int(digits.get(ones, "0")))


def _hour(parts: Mapping[str, str | None]) -> tuple[int, int] | None:
    """Hour and minute; None when neither a time nor a part of the day is named, or it is none."""
    period = parts["period"] or ""
    written = parts["h"] or parts["h2"]
    if written is None:
        return (_HOURS[period], 0) if period in _HOURS else None
    hour = int(written)
    minute = int(parts["min"] or parts["min2"] or 0) + 30 * bool(parts["half"]) + 15 * int(parts["quarter"] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    spoken = not period and parts["h2"] is not None and 1 <= hour <= 6  # “3点” of a meeting is in the afternoon
    if hour < 12 and (period in _AFTERNOON or spoken or (period in {"中午", "午间"} and hour < 3)):
        hour += 12
    elif hour == 12 and period in {"晚上", "晚", "夜里"}:
        hour = 24
    return hour, minute


def _day(parts: Mapping[str, str | None], today: date) -> date:
    """The date that is named; today when none is. Raises ValueError for one that does not exist or is far away."""
    if parts["near"]:
        return today + timedelta(days=_DAYS[parts["near"]])
    if parts["wd"]:
        weekday = _WEEK[parts["wd"]] if parts["wd"] in _WEEK else int(parts["wd"]) - 1
        found = today + timedelta(days=weekday - today.weekday() + 7 * {"下": 1, "下下": 2}.get(parts["which"] or "", 0))
        return found + timedelta(days=7) if found < today and not parts["which"] else found
    if parts["d3"]:
        found = today.replace(day=int(parts["d3"]))
        return found if found >= today else (found.replace(day=1) + timedelta(days=32)).replace(day=int(parts["d3"]))
    if not (parts["m"] or parts["m2"]):
        return today
    year = int(parts["y"] or today.year)
    if not 2000 <= year <= 2199:
        raise ValueError(f"no meeting is held in {year}")
    found = date(year, int(parts["m"] or parts["m2"] or 0), int(parts["d"] or parts["d2"] or 0))
    long_ago = not parts["y"] and (today - found).days > 180  # 1月5日, said in December
    return found.replace(year=year + 1) if long_ago else found
