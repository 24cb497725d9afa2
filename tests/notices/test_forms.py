"""What an organiser types, read: times as people write them, quota, fields, defaults; no text raises."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notices import forms
from notices.forms import FieldRow, QuotaRow, Wall
from notices.notice import Contents, Details, Field, Quota
from tests.world import NOW

ZONE = ZoneInfo("Asia/Shanghai")
LOCAL = datetime(2026, 3, 18, 9, 42, tzinfo=ZONE)  # a Wednesday
HOLIDAY = date(2026, 3, 19)
WALL = Wall(NOW, ZONE, lambda day: day.weekday() < 5 and day != HOLIDAY)
WHOLE = {"title": ["会"], "place": ["四楼"], "starts_at": ["2026-03-20T15:00"]}


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
    found = forms.moment(text, LOCAL)
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
    assert forms.moment(text, LOCAL) is None


def test_a_date_without_a_year_that_is_long_past_lies_in_the_next_year() -> None:
    december = datetime(2026, 12, 20, 9, 0, tzinfo=ZONE)
    found = forms.moment("1月5日 9:00", december)
    assert found is not None
    assert found.year == 2027
    assert forms.moment("31日9点", datetime(2026, 1, 31, 9, 0, tzinfo=ZONE)) is not None
    assert forms.moment("30日9点", datetime(2026, 1, 31, 9, 0, tzinfo=ZONE)) is None  # February has none


@given(st.text(max_size=80))
def test_no_text_is_a_time_that_raises(text: str) -> None:
    found = forms.moment(text, LOCAL)
    assert found is None or 2000 <= found.year <= 2200


TIMELIKE = st.text(alphabet="0123456789年月日号点时分半刻上下午晚今明后天周星期一二三十〇:-/.T 前（）", max_size=24)


@given(TIMELIKE)
def test_no_text_that_looks_like_a_time_raises(text: str) -> None:
    found = forms.moment(text, LOCAL)
    assert found is None or found.tzinfo is ZONE


NAMES = [
    "title", "urgency", "starts_at", "ends_at", "answer_by", "place", "seats", "group", "unit", "except", "pasted",
    "except_pasted", "quota_principal_min", "quota_principal_max", "quota_staff_min", "quota_staff_max", "field_key",
    "field_label", "field_type", "field_need", "field_choices", "body", "agenda", "contact_phone", "attachment",
    "drop_attachment", "strange",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.one_of(st.text(max_size=40), TIMELIKE), max_size=4), max_size=12))
def test_no_form_raises(form: dict[str, list[str]]) -> None:
    typed = forms.read(forms.visible(form))
    contents, errors = forms.understand(typed, WALL)
    assert errors or contents.starts_at
    forms.understand(forms.read(form), WALL, published=True)


def test_an_empty_page_names_every_field_that_is_missing_once() -> None:
    _, errors = forms.understand(forms.read({}), WALL)
    assert [e.field for e in errors] == ["title", "starts_at", "place"]


def test_the_end_and_the_deadline_have_defaults() -> None:
    contents, errors = forms.understand(forms.read(WHOLE), WALL)
    assert errors == []
    assert contents == Contents(
        "会", "四楼", "2026-03-20T07:00:00.000Z", "2026-03-20T09:00:00.000Z", "2026-03-18T04:00:00.000Z",
        quota=(Quota("principal", 1, 1), Quota("staff", 0, 2)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "deadline"),
    [
        ("3月23日 9:00", "2026-03-20 12:00"),  # a Monday: the Friday before
        ("3月20日 9:00", "2026-03-18 12:00"),  # the day before is a holiday
        ("今天 15:00", "2026-03-18 13:00"),  # noon of the day before has passed
        ("今天 10:30", "2026-03-18 10:30"),  # two hours before has passed too
    ],
)
def test_the_default_deadline_can_still_be_kept(start: str, deadline: str) -> None:
    at = forms.moment(start, LOCAL)
    assert at is not None
    assert f"{forms.default_deadline(at, LOCAL, WALL.is_workday):%Y-%m-%d %H:%M}" == deadline


def test_what_is_wrong_is_said_in_the_order_of_the_page() -> None:
    wrong = WHOLE | {
        "title": [""], "starts_at": ["大概周五"], "seats": ["很多"], "quota_principal_min": ["两个"],
        "quota_principal_max": ["3"], "field_label": ["住宿"], "field_type": ["choice"], "field_choices": [""], "body": ["绝密★"],
    }  # fmt: skip
    contents, errors = forms.understand(forms.read(wrong), WALL)
    assert [e.field for e in errors] == ["title", "starts_at", "seats", "quota", "body", "fields"]
    assert {e.field: e.detail for e in errors}["starts_at"] == forms.NOT_A_TIME
    assert contents.starts_at == ""


@pytest.mark.parametrize(
    ("rows", "quota"),
    [
        ([("principal", "1", "1"), ("staff", "", "2")], (Quota("principal", 1, 1), Quota("staff", 0, 2))),
        ([("principal", "1", ""), ("driver", "0", "0")], (Quota("principal", 1, 1),)),
        ([("principal", "２", "３")], (Quota("principal", 2, 3),)),
    ],
)
def test_quota(rows: list[tuple[str, str, str]], quota: tuple[Quota, ...]) -> None:
    form = dict(WHOLE)
    for role, least, most in rows:
        form |= {f"quota_{role}_min": [least], f"quota_{role}_max": [most]}
    contents, errors = forms.understand(forms.read(form), WALL)
    assert (contents.quota, errors) == (quota, [])


def test_a_least_above_the_most_is_refused_and_stays_on_the_page() -> None:
    typed = forms.read(WHOLE | {"quota_staff_min": ["3"], "quota_staff_max": ["2"]})
    _, errors = forms.understand(typed, WALL)
    assert [e.field for e in errors] == ["quota"]
    assert QuotaRow("staff", "3", "2") in typed.quota


def test_fields_keep_their_keys_and_new_ones_get_a_free_one() -> None:
    form = WHOLE | {
        "field_key": ["f2", "", "", "f2"], "field_label": ["住宿", "车牌", "", "又一个"],
        "field_type": ["choice", "text", "text", "yesno"], "field_need": ["1", "", "", ""],
        "field_choices": ["住，不住、住；", "不用", "", ""],
    }  # fmt: skip
    typed = forms.read(form)
    assert typed.fields[1] == FieldRow("", "车牌", "text", "", "不用")
    contents, errors = forms.understand(typed, WALL)
    assert errors == []
    assert contents.fields == (
        Field("f2", "住宿", "choice", True, ("住", "不住")), Field("f1", "车牌"), Field("f3", "又一个", "yesno"),
    )  # fmt: skip


def test_contents_survive_the_page() -> None:
    contents = Contents(
        "会", "四楼", "2026-03-20T07:00:00.000Z", "2026-03-20T09:30:00.000Z", "2026-03-18T04:00:00.000Z", "urgent", 180,
        (Quota("principal", 1, 1), Quota("driver", 0, 1)),
        (Field("f1", "住宿", "choice", True, ("住", "不住")), Field("f7", "车牌")),
        Details("第一段\n第二段", "一、汇报", "正装", "地下车库", "汇报材料", "吴佳", "8210 233"),
    )  # fmt: skip
    assert forms.understand(forms.read(forms.written(contents, ZONE)), WALL) == (contents, [])
    again = forms.read(forms.written(contents, ZONE, whole=False))
    assert (again.starts_at, again.ends_at, again.answer_by) == ("", "", "")
    assert (again.title, again.quota[3]) == ("会", QuotaRow("driver", "0", "1"))


@pytest.mark.parametrize(
    ("typed", "kept", "refused"),
    [
        ("会\u200b议\ufeff", "会议", False),
        ("会\r\n议", "会 议", False),
        ("会🎉议", "会🎉议", False),
        ("会\x00议", "会议", True),
        ("会\u202e议", "会议", True),
        ("会\x1b[31m议", "会[31m议", True),
    ],
)
def test_what_nobody_can_see_is_refused_once_and_gone_from_the_page(typed: str, kept: str, refused: bool) -> None:
    form: dict[str, Any] = WHOLE | {"title": [typed]}
    _, errors = forms.understand(forms.read(form), WALL)
    assert [e.field for e in errors] == (["title"] if refused else [])
    again = forms.read(forms.visible(form))
    assert again.title == kept
    assert forms.understand(again, WALL)[1] == []


def test_files_that_are_dropped_are_not_attached() -> None:
    typed = forms.read({"attachment": ["a", "b", "a"], "drop_attachment": ["b"]})
    assert typed.attachments == ("a",)
