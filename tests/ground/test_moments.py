"""Times as people write them; no text raises."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.moments import moment

ZONE = ZoneInfo("Asia/Shanghai")
LOCAL = datetime(2026, 3, 18, 9, 42, tzinfo=ZONE)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-03-20T15:00", "2026-03-20 15:00"),
        ("2026-03-20 15:00:00", "2026-03-20 15:00"),
        ("2026/3/20 9:05", "2026-03-20 09:05"),
        ("3月20日 15:00", "2026-03-20 15:00"),
        ("3 月 20 日 15:00", "2026-03-20 15:00"),
        ("3月20日（星期五）下午3点", "2026-03-20 15:00"),
        ("３月２０日　１５：００", "2026-03-20 15:00"),
        ("二〇二六年三月二十日上午九点", "2026-03-20 09:00"),
        ("明天中午", "2026-03-19 12:00"),
        ("明天中午1点", "2026-03-19 13:00"),
        ("后天下午3点", "2026-03-20 15:00"),
        ("后天下午3点半", "2026-03-20 15:30"),
        ("大后天上午", "2026-03-21 09:00"),
        ("明天3点一刻", "2026-03-19 15:15"),
        ("今晚7点半", "2026-03-18 19:30"),
        ("明早", "2026-03-19 08:00"),
        ("今天凌晨3点", "2026-03-18 03:00"),
        ("周五15:00", "2026-03-20 15:00"),
        ("周一下午", "2026-03-23 15:00"),
        ("下周五上午九点", "2026-03-27 09:00"),
        ("本周日9点", "2026-03-22 09:00"),
        ("20日 15:00", "2026-03-20 15:00"),
        ("5日9点", "2026-04-05 09:00"),
        ("15:00", "2026-03-18 15:00"),
        ("3月19日12:00前", "2026-03-19 12:00"),
        ("晚上12点", "2026-03-19 00:00"),
        ("12月1日 9:00", "2026-12-01 09:00"),
    ],
)
def test_times_as_people_write_them(text: str, means: str) -> None:
    found = moment(text, LOCAL)
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M}" == means
    assert found.tzinfo is ZONE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3月20日",
        "明天",
        "3月32日 15:00",
        "2月30日9点",
        "明天25点",
        "明天24:30",
        "15:60",
        "1900-01-01 09:00",
        "胡说",
        "明天" * 99,
    ],
)
def test_what_names_no_moment_is_none(text: str) -> None:
    assert moment(text, LOCAL) is None


def test_a_date_without_a_year_that_is_long_past_lies_in_the_next_year() -> None:
    december = datetime(2026, 12, 20, 9, 0, tzinfo=ZONE)
    found = moment("1月5日 9:00", december)
    assert found is not None
    assert found.year == 2027
    assert moment("31日9点", datetime(2026, 1, 31, 9, 0, tzinfo=ZONE)) is not None
    assert moment("30日9点", datetime(2026, 1, 31, 9, 0, tzinfo=ZONE)) is None  # February has none


@given(st.text(max_size=80))
def test_no_text_is_a_time_that_raises(text: str) -> None:
    found = moment(text, LOCAL)
    assert found is None or 2000 <= found.year <= 2200


TIMELIKE = st.text(alphabet="0123456789年月日号点时分半刻上下午晚今明后天周星期一二三十〇:-/.T 前（）", max_size=24)


@given(TIMELIKE)
def test_no_text_that_looks_like_a_time_raises(text: str) -> None:
    found = moment(text, LOCAL)
    assert found is None or found.tzinfo is ZONE
