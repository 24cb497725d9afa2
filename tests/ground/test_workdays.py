"""Working days against the State Council's arrangements, and working time as arithmetic."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground import clock
from ground.workdays import Calendar, read_arrangement
from tests.shared import shared_data

CALENDAR = Calendar()


def at(local: str) -> str:
    """UTC text of a moment on Pingliang's wall clock, `2026-03-18 09:00`."""
    return clock.text(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai")))


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_of_the_year_is_as_the_state_council_arranged(year: int) -> None:
    written = shared_data("vectors", "holiday_cn", f"{year}.json").read_text(encoding="utf-8")
    listed = {date.fromisoformat(d["date"]): not d["isOffDay"] for d in json.loads(written)["days"]}
    days = [date(year, 1, 1) + timedelta(n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    calendar = Calendar()
    wrong = [day for day in days if calendar.is_workday(day) != listed.get(day, day.weekday() < 5)]
    assert (wrong, len(listed) > 25, calendar.guessed_years()) == ([], True, set())


def test_a_year_without_an_arrangement_is_guessed_and_named() -> None:
    empty = read_arrangement(shared_data("vectors", "holiday_cn", "2027.json").read_text(encoding="utf-8"))
    assert (empty.days, empty.years) == ({}, frozenset())
    calendar = Calendar(empty.days, known_years=empty.years)
    assert calendar.guessed_years() == set()
    assert [calendar.is_workday(date(2027, 1, day)) for day in (1, 2, 3, 4)] == [True, False, False, True]
    assert calendar.guessed_years() == {2027}


def test_an_arrangement_read_from_json_wins_and_ends_the_guessing() -> None:
    days = [{"date": "2027-01-01", "isOffDay": True}, {"date": "2027-01-02", "isOffDay": False}]
    days.append({"date": "2026-12-31", "isOffDay": True})
    new_year = read_arrangement(json.dumps({"year": 2027, "days": days}))
    calendar = Calendar(new_year.days, known_years=new_year.years)
    assert [calendar.is_workday(date(2027, 1, day)) for day in (1, 2, 3, 4)] == [False, True, False, True]
    assert not calendar.is_workday(date(2026, 12, 31))
    assert calendar.guessed_years() == set()


def test_one_override_does_not_make_a_year_known() -> None:
    calendar = Calendar({date(2027, 3, 3): False})
    assert not calendar.is_workday(date(2027, 3, 3))
    assert calendar.is_workday(date(2027, 3, 4))
    assert calendar.guessed_years() == {2027}


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[]",
        "{}",
        '{"days": 3}',
        '{"days": [{"date": "1 Jan", "isOffDay": true}]}',
        "[" * 100_000,
        '{"year": 2027, "days": [{"date": "2027-01-01", "isOffDay": "false"}]}',
        '{"days": [{"date": "2027-01-01"}]}',
    ],
)
def test_a_broken_arrangement_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(ValueError, match="节假日文件应是"):
        read_arrangement(written)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-03-18 09:00", "2026-03-18 10:00", 60),
        ("2026-03-18 11:00", "2026-03-18 15:00", 90),  # over lunch
        ("2026-03-18 12:00", "2026-03-18 14:30", 0),
        ("2026-03-18 00:00", "2026-03-19 00:00", 420),
        ("2026-03-20 17:00", "2026-03-23 09:00", 90),  # over a weekend
        ("2026-02-13 17:30", "2026-02-14 09:00", 60),  # Saturday before the Spring Festival is worked
        ("2026-02-14 18:00", "2026-02-24 09:00", 30),  # nine days off
        ("2026-03-18 10:00", "2026-03-18 09:00", 0),
        ("2026-03-18 09:00:59", "2026-03-18 09:02:58", 1),
    ],
)
def test_working_minutes(start: str, end: str, minutes: int) -> None:
    assert CALENDAR.working_minutes(at(start), at(end)) == minutes


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-18 09:00", 0, "2026-03-18 09:00"),
        ("2026-03-21 09:00", 0, "2026-03-21 09:00"),
        ("2026-03-18 09:00", 180, "2026-03-18 12:00"),  # closing time, not the next opening
        ("2026-03-18 09:00", 181, "2026-03-18 14:31"),
        ("2026-03-18 22:00", 1, "2026-03-19 08:31"),
        ("2026-03-20 17:00", 120, "2026-03-23 09:30"),
        ("2026-02-14 18:00", 1, "2026-02-24 08:31"),
        ("2026-09-30 18:00", 420, "2026-10-08 18:00"),
    ],
)
def test_add_working_minutes(start: str, minutes: int, end: str) -> None:
    assert CALENDAR.add_working_minutes(at(start), minutes) == at(end)


_START_OF_2004 = datetime(2004, 1, 1, tzinfo=UTC)
STARTS = st.integers(0, 31 * 366 * 86_400_000).map(lambda ms: clock.text(_START_OF_2004 + timedelta(milliseconds=ms)))


@given(STARTS, st.integers(0, 20_000))
def test_adding_and_counting_are_inverse(start: str, minutes: int) -> None:
    end = CALENDAR.add_working_minutes(start, minutes)
    assert end >= start
    assert CALENDAR.working_minutes(start, end) == minutes
    if minutes:
        assert CALENDAR.working_minutes(start, clock.after(end, milliseconds=-1)) == minutes - 1


@given(STARTS, st.integers(0, 5_000), st.integers(0, 5_000))
def test_adding_twice_is_adding_the_sum(start: str, first: int, second: int) -> None:
    middle = CALENDAR.add_working_minutes(start, first)
    assert CALENDAR.add_working_minutes(middle, second) == CALENDAR.add_working_minutes(start, first + second)


def test_adding_refuses_what_has_no_answer() -> None:
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.add_working_minutes(at("2026-03-18 09:00"), -1)
    with pytest.raises(ValueError, match="no working time left"):
        CALENDAR.add_working_minutes(at("2026-03-18 09:00"), 10**20)
    closed = Calendar({date(2026, 1, 1) + timedelta(n): False for n in range(1500)})
    with pytest.raises(ValueError, match="no working time left"):
        closed.add_working_minutes(at("2026-03-18 09:00"), 1)
    assert closed.working_minutes(at("2026-03-18 09:00"), at("2026-05-18 09:00")) == 0


def test_hours_and_zone_are_settings() -> None:
    all_day = Calendar(hours=["00:00-24:00"], zone=ZoneInfo("Asia/Urumqi"))
    assert all_day.working_minutes("2026-03-17T18:00:00.000Z", "2026-03-18T18:00:00.000Z") == 1440
    summer = Calendar(hours=["00:00-24:00"], zone=ZoneInfo("Europe/Paris"))  # 2026-03-29 is a Sunday of 23 hours
    assert summer.working_minutes("2026-03-27T23:00:00.000Z", "2026-03-30T22:00:00.000Z") == 1440


@pytest.mark.parametrize(
    "hours", [[], ["9-12"], ["12:00-08:30"], ["08:30-12:00", "11:00-18:00"], ["08:00-25:00"], ["08:60-12:00"]]
)
def test_hours_that_make_no_sense_are_refused(hours: list[str]) -> None:
    with pytest.raises(ValueError, match="工作时间"):
        Calendar(hours=hours)


@pytest.mark.parametrize(
    ("now", "quiet", "end"),
    [
        ("2026-03-18 20:59", False, "2026-03-18 20:59"),
        ("2026-03-18 21:00", True, "2026-03-19 07:00"),
        ("2026-03-18 23:59", True, "2026-03-19 07:00"),
        ("2026-03-19 00:00", True, "2026-03-19 07:00"),
        ("2026-03-19 06:59", True, "2026-03-19 07:00"),
        ("2026-03-19 07:00", False, "2026-03-19 07:00"),
    ],
)
def test_quiet_hours_go_over_midnight(now: str, quiet: bool, end: str) -> None:
    assert (CALENDAR.is_quiet(at(now)), CALENDAR.end_of_quiet(at(now))) == (quiet, at(end))


def test_quiet_hours_within_a_day_and_none_at_all() -> None:
    noon = at("2026-03-18 12:30")
    assert CALENDAR.is_quiet(noon, "12:00", "14:00")
    assert CALENDAR.end_of_quiet(noon, "12:00", "14:00") == at("2026-03-18 14:00")
    assert not CALENDAR.is_quiet(at("2026-03-18 14:00"), "12:00", "14:00")
    assert not CALENDAR.is_quiet(noon, "12:30", "12:30")
    with pytest.raises(ValueError, match="21:00"):
        CALENDAR.is_quiet(noon, "9pm", "07:00")
