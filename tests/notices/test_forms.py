"""What an organiser types, read: times, quota, fields, defaults; no text raises."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.moments import NOT_A_TIME, Wall, moment
from notices import forms
from notices.forms import FieldRow, QuotaRow
from notices.notice import Contents, Details, Field, Quota
from tests.world import NOW

ZONE = ZoneInfo("Asia/Shanghai")
LOCAL = datetime(2026, 3, 18, 9, 42, tzinfo=ZONE)  # a Wednesday
HOLIDAY = date(2026, 3, 19)
WALL = Wall(NOW, ZONE, lambda day: day.weekday() < 5 and day != HOLIDAY)
WHOLE = {"title": ["会"], "place": ["四楼"], "starts_at": ["2026-03-20T15:00"]}


TIMELIKE = st.text(alphabet="0123456789年月日号点时分半刻上下午晚今明后天周星期一二三十〇:-/.T 前（）", max_size=24)
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
    at = moment(start, LOCAL)
    assert at is not None
    assert f"{forms.default_deadline(at, LOCAL, WALL.is_workday):%Y-%m-%d %H:%M}" == deadline


def test_what_is_wrong_is_said_in_the_order_of_the_page() -> None:
    wrong = WHOLE | {
        "title": [""], "starts_at": ["大概周五"], "seats": ["很多"], "quota_principal_min": ["两个"],
        "quota_principal_max": ["3"], "field_label": ["住宿"], "field_type": ["choice"], "field_choices": [""], "body": ["绝密★"],
    }  # fmt: skip
    contents, errors = forms.understand(forms.read(wrong), WALL)
    assert [e.field for e in errors] == ["title", "starts_at", "seats", "quota", "body", "fields"]
    assert {e.field: e.detail for e in errors}["starts_at"] == NOT_A_TIME
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
