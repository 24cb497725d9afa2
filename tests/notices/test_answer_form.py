"""The sign-up form, read: rows and choices become an answer, and an answer becomes the same form again."""

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import Refused
from notices import answer_form, answering
from notices.answer_form import Filled, line
from notices.notice import Answer, Details, Field, LeaveAsked, Notice, Person, Quota, StandIn

FIELDS = (Field("car", "车牌"), Field("meal", "清真餐", "yesno", True))
PART = ("go", "name", "position", "mobile", "f_car", "f_meal", "who", "who_position", "reason")
NAMES = [f"{role}_{part}" for role in ("principal", "deputy", "staff") for part in (*PART, "stand_name", "stand_mobile")]


def notice(*quota: Quota, fields: Sequence[Field] = ()) -> Notice:
    """A notice with this quota."""
    return Notice(
        1, "会", "normal", 1, "市府办", 1, "", 1, "u", "", "", "", "", 0, quota, tuple(fields), Details(), "", None, None
    )


PLAIN = notice(Quota("principal", 1, 1), Quota("staff", 0, 2))


def read(typed: dict[str, list[str]], of: Notice = PLAIN) -> Filled:
    return answer_form.read(of, lambda name: typed.get(name, []))


def test_rows_become_people_in_the_order_of_the_roles() -> None:
    filled = read({"staff_name": ["孙立民", ""], "principal_name": ["马文斌"], "staff_mobile": ["139", ""]})
    assert filled.answer == Answer((Person("马文斌", "", "", "principal", {}), Person("孙立民", "", "139", "staff", {})), ())
    assert [row.n for form in filled.roles for row in form.rows] == [0, 1]
    assert filled.coming == 2


def test_an_empty_row_between_others_counts_for_nothing_and_a_row_without_a_name_is_named() -> None:
    filled = read({"staff_name": ["甲", "", "", "乙"], "staff_position": ["", "", "科长", ""]})
    assert [p.name for p in filled.answer.people] == ["甲", "", "乙"]
    with pytest.raises(Refused) as refused:
        answering.tidy(PLAIN, filled.answer)
    assert [e.field for e in getattr(refused.value, "errors", ())] == ["people-1-name"]


def test_custom_fields_stay_with_their_row() -> None:
    of = notice(Quota("staff", 0, 3), fields=FIELDS)
    filled = read({"staff_name": ["甲", "", "乙"], "staff_f_car": ["1", "", "2"], "staff_f_meal": ["是", "", "否"]}, of)
    assert [(p.name, p.fields) for p in filled.answer.people] == [
        ("甲", {"car": "1", "meal": "是"}), ("乙", {"car": "2", "meal": "否"}),
    ]  # fmt: skip


def test_leave_with_a_stand_in_and_without() -> None:
    leave = {"principal_who": ["马文斌"], "principal_who_position": ["区长"], "principal_reason": ["出差"]}
    stand = leave | {"principal_stand_name": ["杜晓燕"], "principal_stand_mobile": ["138"]}
    said = LeaveAsked("principal", "马文斌", "区长", "出差", StandIn("杜晓燕", "", "138"))
    assert read(stand | {"principal_go": ["stand"]}).answer.leaves == (said,)
    assert read(stand | {"principal_go": ["none"]}).answer.leaves == (said._replace(stand_in=None),)
    assert read(stand | {"principal_go": ["come"]}).answer == Answer()
    assert read(stand | {"principal_go": ["stand"]}).on_leave == (("马文斌", "杜晓燕"),)


def test_a_stand_in_that_is_not_named_is_asked_for() -> None:
    filled = read({"principal_go": ["stand"], "principal_who": ["马文斌"], "principal_reason": ["出差"]})
    with pytest.raises(Refused) as refused:
        answering.tidy(PLAIN, filled.answer)
    assert [e.field for e in getattr(refused.value, "errors", ())] == ["leaves-0-stand_in-name"]


def test_whoever_is_on_leave_from_the_only_place_sends_nobody_else_but_the_rows_are_kept() -> None:
    filled = read({"principal_go": ["none"], "principal_name": ["甲"], "principal_who": ["马"], "principal_reason": ["x"]})
    assert filled.answer.people == ()
    assert filled.roles[0].rows[0].name == "甲"
    two = notice(Quota("deputy", 2, 2))
    filled = read({"deputy_go": ["none"], "deputy_name": ["甲"], "deputy_who": ["乙"], "deputy_reason": ["x"]}, two)
    assert ([p.name for p in filled.answer.people], [x.person for x in filled.answer.leaves]) == (["甲"], ["乙"])


def test_an_answer_becomes_the_form_that_gives_it() -> None:
    of = notice(Quota("principal", 1, 2), Quota("staff", 0, 2), fields=FIELDS)
    whole = Answer(
        (Person("甲", "局长", "138", "principal", {"car": "1"}), Person("乙", "", "", "staff", {})),
        (LeaveAsked("principal", "丙", "", "病", StandIn("丁", "", "")), LeaveAsked("principal", "戊", "", "差", None)),
    )
    assert answer_form.of_answer(of, whole).answer == whole
    assert answer_form.of_answer(PLAIN, Answer((Person("司", "", "", "driver"),))).answer == Answer()


def test_one_more_row_and_one_more_leave() -> None:
    filled = read({"staff_name": ["甲"]})
    assert [form.blanks for form in answer_form.with_blank(filled, "staff").roles] == [0, 1]
    assert [len(form.leaves) for form in answer_form.with_blank(filled, "leave:principal").roles] == [1, 0]
    assert answer_form.with_blank(filled, "king") == filled


def test_last_meetings_people_fill_the_roles_that_name_nobody() -> None:
    last = [Person(n, "", "", r) for n, r in (("马", "principal"), ("甲", "staff"), ("乙", "staff"), ("丙", "staff"))]
    filled = answer_form.with_people(read({"staff_name": ["丁"]}), last)
    assert [[row.name for row in form.rows] for form in filled.roles] == [["马"], ["丁"]]
    filled = answer_form.with_people(read({}), last)
    assert [[row.name for row in form.rows] for form in filled.roles] == [["马"], ["甲", "乙"]]


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("  马文斌\u202e ", "马文斌"),
        ("赴兰州\r\n开会", "赴兰州 开会"),
        ("\x00", ""),
        ("张　三", "张　三"),
        ("x" * 5000, "x" * answer_form.LONGEST),
    ],
)
def test_a_line_is_one_line_that_can_be_seen(typed: str, read_as: str) -> None:
    assert line(typed) == read_as


@given(
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.text(max_size=60) | st.sampled_from(["come", "stand", "none", "甲"]), max_size=6)),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.text(max_size=12),
)  # fmt: skip
def test_nothing_that_is_typed_raises_and_nothing_is_lost(typed: dict[str, list[str]], numbers: list[int], add: str) -> None:
    roles = ("principal", "deputy", "staff")
    quota = [Quota(role, min(numbers[n], numbers[n + 3]), max(numbers[n], numbers[n + 3])) for n, role in enumerate(roles)]
    of = notice(*quota, fields=FIELDS)
    filled = answer_form.with_blank(read(typed, of), add)
    whole = filled.answer
    assert [row.n for form in filled.roles for row in form.rows if row.n >= 0] == list(range(len(whole.people)))
    assert [x.n for form in filled.roles for x in form.leaves if x.n >= 0] == list(range(len(whole.leaves)))
    named = {row.name for form in filled.roles for row in form.rows}
    assert all(line(name) in named for q in quota if q.max for name in typed.get(f"{q.role}_name", []) if line(name))
    with contextlib.suppress(Refused):
        answering.check_quota(of, answering.tidy(of, whole))
