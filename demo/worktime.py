"""Office hours over some years, laid out once, so that a hundred thousand delays in working minutes are quick to place. Pure.

The rules are those of `ground.workdays`; here they are only unrolled.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ground import clock
from ground.workdays import Calendar

SPANS = ((8 * 60 + 30, 12 * 60), (14 * 60 + 30, 18 * 60))


class WorkTime:
    """The working spans from one date to another, in a city."""

    def __init__(self, zone: ZoneInfo, first: date, last: date) -> None:
        """Unroll the days from `first` to `last`."""
        calendar = Calendar(zone=zone)
        self._zone = zone
        self.days = [day for n in range((last - first).days + 1) if calendar.is_workday(day := first + timedelta(days=n))]
        self._starts: list[float] = []
        self._before: list[float] = []  # working seconds before each span
        total = 0.0
        for day in self.days:
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            for opens, closes in SPANS:
                self._starts.append((midnight + timedelta(minutes=opens)).timestamp())
                self._before.append(total)
                total += (closes - opens) * 60

    def after(self, start: float, minutes: float) -> float:
        """The moment (seconds since 1970) by which so many working minutes have passed since `start`."""
        at = max(0, bisect_right(self._starts, start) - 1)
        length = self._length(at)
        done = self._before[at] + min(max(0.0, start - self._starts[at]), length)
        wanted = done + minutes * 60
        span = min(bisect_right(self._before, wanted) - 1, len(self._starts) - 1)
        return self._starts[span] + (wanted - self._before[span])

    def _length(self, span: int) -> float:
        opens, closes = SPANS[span % 2]
        return (closes - opens) * 60.0

    def day(self, moment: float, away: int) -> date:
        """The working day `away` days after (or, negative, before) the day of `moment`."""
        here = datetime.fromtimestamp(moment, self._zone).date()
        at = bisect_left(self.days, here)
        return self.days[min(max(0, at + away), len(self.days) - 1)]

    def on(self, moment: float, hour: int, minute: int = 0) -> float:
        """A time of the day of `moment` on the city's clock, as seconds since 1970."""
        return self.at(datetime.fromtimestamp(moment, self._zone).date(), hour, minute)

    def at(self, day: date, hour: int, minute: int = 0) -> float:
        """A time of a day on the city's clock, as seconds since 1970."""
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone).timestamp()


def text(moment: float) -> str:
    """Seconds since 1970 as the service's UTC text."""
    return clock.text(datetime.fromtimestamp(moment, UTC))
