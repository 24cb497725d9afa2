"""Times, dates and durations in words: 今天 12:00, 3月20日 星期五 15:00, 还剩 2 小时 18 分."""

import datetime
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ground import clock

WEEK = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
WEEK_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Say:
    """Words for moments, in one language, on the city's wall clock."""

    def __init__(self, zone: ZoneInfo, translate: Callable[[str], str], language: str) -> None:
        """`translate` turns a Chinese sentence into the language's."""
        self._zone = zone
        self._t = translate
        self._english = language == "en"
        # What is said depends on today's date only, and lists say the same moments again and again.
        self._dated = lru_cache(maxsize=8192)(self._date)
        self._said = lru_cache(maxsize=8192)(self._when)
        self._met = lru_cache(maxsize=8192)(self._meeting)

    def _today(self, now: str) -> datetime.date:
        return clock.local(now, self._zone).date()

    def date(self, at: str, now: str) -> str:
        """3月20日; with the year when it is not this one."""
        return self._dated(at, self._today(now))

    def _date(self, at: str, today: datetime.date) -> str:
        moment = clock.local(at, self._zone)
        if self._english:
            text = f"{moment.day} {MONTHS_EN[moment.month - 1]}"
            return text if moment.year == today.year else f"{text} {moment.year}"
        text = f"{moment.month}月{moment.day}日"
        return text if moment.year == today.year else f"{moment.year}年{text}"

    def day(self, at: str, now: str) -> str:
        """今天, 昨天, 明天, or the date."""
        return self._day(at, self._today(now))

    def _day(self, at: str, today: datetime.date) -> str:
        near = {-1: "昨天", 0: "今天", 1: "明天"}.get((clock.local(at, self._zone).date() - today).days)
        return self._t(near) if near else self._dated(at, today)

    def when(self, at: str, now: str) -> str:
        """今天 12:00, 昨天 18:00, 3月20日 18:00."""
        return self._said(at, self._today(now))

    def _when(self, at: str, today: datetime.date) -> str:
        return f"{self._day(at, today)} {clock.local(at, self._zone):%H:%M}"

    def week(self, at: str) -> str:
        """星期五."""
        weekday = clock.local(at, self._zone).weekday()
        return WEEK_EN[weekday] if self._english else WEEK[weekday]

    def meeting(self, at: str, now: str) -> str:
        """3月20日 星期五 15:00: a meeting's time, never "tomorrow"."""
        return self._met(at, self._today(now))

    def _meeting(self, at: str, today: datetime.date) -> str:
        return f"{self._dated(at, today)} {self.week(at)} {clock.local(at, self._zone):%H:%M}"

    def time(self, at: str) -> str:
        """15:00."""
        return f"{clock.local(at, self._zone):%H:%M}"

    def long(self, at: str) -> str:
        """2026年3月18日 09:42."""
        moment = clock.local(at, self._zone)
        if self._english:
            return f"{moment.day} {MONTHS_EN[moment.month - 1]} {moment.year} {moment:%H:%M}"
        return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}"

    def field(self, at: str | None) -> str:
        """2026-03-18T09:42, as a date-and-time input wants it; '' for None."""
        return f"{clock.local(at, self._zone):%Y-%m-%dT%H:%M}" if at else ""

    def left(self, at: str, now: str) -> str:
        """还剩 1 天 2 小时, 还剩 2 小时 18 分; or 已过 …."""
        span = clock.parse(at) - clock.parse(now)
        word = "还剩 {span}" if span > timedelta(0) else "已过 {span}"
        return self._t(word).format(span=self.span(abs(span)))

    def span(self, span: timedelta) -> str:
        """1 天 2 小时, 2 小时 18 分, 5 分."""
        minutes = int(span.total_seconds()) // 60
        days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
        if days:
            return self._t("{d} 天 {h} 小时").format(d=days, h=hours)
        if hours:
            return self._t("{h} 小时 {m} 分").format(h=hours, m=rest)
        return self._t("{m} 分").format(m=rest)

    def is_today(self, at: str, now: str) -> bool:
        """Whether a moment lies on today's date, or before it."""
        return clock.local(at, self._zone).date() <= clock.local(now, self._zone).date()

    def late(self, at: str, now: str) -> bool:
        """Whether a moment has passed."""
        return at < now
