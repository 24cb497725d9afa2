"""Working time: which days a government office works, and minutes counted within its hours.

    overrides (the operator's table) → chinesecalendar (State Council arrangements of past years) → Monday to Friday

A year that neither table knows is guessed by the weekday; `guessed_years()` names the years for which that has happened, so that
`doctor` can warn. Moments are UTC text as in clock.py; days and hours are the city's.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import chinese_calendar

from ground import clock

HOURS = ("08:30-12:00", "14:30-18:00")
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_LONGEST_HOLIDAY = 400  # days without a working minute, after which a search gives up


class Arrangement(NamedTuple):
    """One or more years' days off and make-up days."""

    days: dict[date, bool]  # True: worked, False: off; only days that differ from, or confirm, the weekday rule
    years: frozenset[int]  # years for which `days` is the official table, and no guess


def read_arrangement(written: str) -> Arrangement:
    """The arrangement in a JSON text `{"year": 2027, "days": [{"date": "2027-01-01", "isOffDay": true}]}`.

    A year counts as known when at least one of its days is listed: the file of a year not yet announced is empty.
    Raises ValueError with a Chinese sentence. Source: the format of NateScarlet/holiday-cn.
    """
    try:
        table = json.loads(written)
        days = {date.fromisoformat(day["date"]): not _is_off(day["isOffDay"]) for day in table["days"]}
        year = int(table["year"]) if days and "year" in table else 0
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(
            '节假日文件应是 {"year": 2027, "days": [{"date": "2027-01-01", "isOffDay": true}]} 这样的 JSON。'
        ) from error
    return Arrangement(days, frozenset({year}) if year else frozenset(day.year for day in days))


def _is_off(value: object) -> bool:
    """`value` if it is a JSON true or false; "false" in quotes would count as true."""
    if not isinstance(value, bool):
        raise TypeError("isOffDay")
    return value


class Calendar:
    """The working days and hours of one city."""

    def __init__(
        self,
        overrides: Mapping[date, bool] | None = None,
        *,
        known_years: Collection[int] = (),
        hours: Sequence[str] = HOURS,
        zone: ZoneInfo | None = None,
    ) -> None:
        """Build a calendar.

        Args:
            overrides: day → worked (True) or off (False); wins over everything else.
            known_years: years for which `overrides` is complete, so that other days go by the weekday without a warning.
            hours: spans like "08:30-12:00" on the city's wall clock, in order, at least one; "24:00" may end the last.
            zone: the city's; Asia/Shanghai unless told otherwise.
        Raises:
            ValueError: hours that are malformed, empty, out of order or overlapping; the sentence is Chinese.
        """
        self._overrides = dict(overrides or {})
        self._known = frozenset(known_years)
        self._zone = zone or ZoneInfo("Asia/Shanghai")
        self._hours = _spans(hours)
        self._guessed: set[int] = set()

    def is_workday(self, day: date) -> bool:
        """Whether offices work on `day`; a guess by the weekday in years that no table knows."""
        if day in self._overrides:
            return self._overrides[day]
        if day.year not in self._known:
            try:
                return bool(chinese_calendar.is_workday(day))
            except NotImplementedError:
                self._guessed.add(day.year)
        return day.weekday() < 5

    def guessed_years(self) -> set[int]:
        """The years for which `is_workday` has had to guess so far, directly or in counting."""
        return set(self._guessed)

    def working_minutes(self, start: str, end: str) -> int:
        """Whole working minutes from `start` to `end` (UTC text), rounded down; 0 when `end` is not later."""
        begin, finish = clock.parse(start), clock.parse(end)
        if finish <= begin:
            return 0
        total = timedelta()
        for opens, closes in self._working(begin):
            if opens >= finish:
                break
            total += min(closes, finish) - max(opens, begin)
        return total // _MINUTE

    def add_working_minutes(self, start: str, minutes: int) -> str:
        """The first moment by which `minutes` of working time have passed since `start` (UTC text).

        0 gives `start` itself; a span that is used up exactly ends at its closing time, not at the next opening.
        Raises ValueError for negative minutes, and when no work is left to count within the calendar's reach.
        """
        if minutes < 0:
            raise ValueError("working minutes to add must not be negative")
        begin = clock.parse(start)
        if minutes == 0:
            return clock.text(begin)
        try:
            left = minutes * _MINUTE
            for opens, closes in self._working(begin):
                span = closes - max(opens, begin)
                if span >= left:
                    return clock.text(max(opens, begin) + left)
                left -= span
        except OverflowError:
            pass
        raise ValueError("the calendar has no working time left to add")

    def is_quiet(self, at: str, start: str = "21:00", end: str = "07:00") -> bool:
        """Whether `at` (UTC text) falls within quiet hours, from `start` until just before `end`; never when they are equal."""
        now = clock.local(at, self._zone).time()
        begins, ends = _clock_time(start), _clock_time(end)
        if begins <= ends:
            return begins <= now < ends
        return now >= begins or now < ends

    def end_of_quiet(self, at: str, start: str = "21:00", end: str = "07:00") -> str:
        """When what comes up at `at` may be sent: the end of the quiet hours that `at` falls into, else `at` (UTC text)."""
        if not self.is_quiet(at, start, end):
            return at
        local = clock.local(at, self._zone)
        ends = _clock_time(end)
        day = local.date() + _DAY if local.time() >= ends else local.date()
        return clock.text(datetime.combine(day, ends, self._zone))

    def _working(self, begin: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The working spans that end after `begin`, in order, in UTC; ends after a year and more without any."""
        day = begin.astimezone(self._zone).date()
        idle = 0
        while idle < _LONGEST_HOLIDAY:
            idle += 1
            if self.is_workday(day):
                midnight = datetime.combine(day, time(), self._zone)
                for opens, closes in self._hours:
                    # Adding to a zoned time moves the wall clock: right also on the day that summer time begins.
                    span = (midnight + opens * _MINUTE).astimezone(UTC), (midnight + closes * _MINUTE).astimezone(UTC)
                    if span[1] > begin:
                        idle = 0
                        yield span
            if day == date.max:
                return
            day += _DAY


def _clock_time(written: str) -> time:
    """`"21:00"` as a time. Raises ValueError with a Chinese sentence."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", written):
        raise ValueError(f"时间“{written}”应写成 21:00 这样。")
    return time.fromisoformat(written)


def _spans(hours: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Minutes since midnight, (opens, closes), of spans like "08:30-12:00"."""
    spans = []
    last = 0
    for written in hours:
        found = re.fullmatch(r"\s*(\d\d):([0-5]\d)\s*[-–—~]\s*(\d\d):([0-5]\d)\s*", written)
        opens, closes = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
        if not last <= opens < closes <= 24 * 60:
            raise ValueError(f"工作时间“{written}”应写成 08:30-12:00 这样，从早到晚，互不重叠。")
        spans.append((opens, closes))
        last = closes
    if not spans:
        raise ValueError("至少要有一段工作时间，例如 08:30-12:00。")
    return tuple(spans)
