"""What a meeting notice is, and the rules for its contents. Pure: no database, no clock.

A notice asks units to send people: how many of each role, by when to answer. An answer names people; a leave names who cannot
come, why, and who stands in. Times are UTC text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from ground.classified import CLASSIFIED
from ground.errors import FieldError, Invalid

URGENCIES = {"normal": "平件", "urgent": "加急", "immediate": "特急"}
ROLES = {"principal": "主要负责同志", "deputy": "分管负责同志", "staff": "工作人员", "driver": "司机"}
FIELD_TYPES = {"text": "文字", "choice": "选一项", "yesno": "是或否", "mobile": "手机号", "number": "数字"}
CLASSIFIED_SENTENCE = "标题或内容里有密级标志。本网不得传送国家秘密，请按保密规定办理。"
# Characters that nobody can see: controls (not tab and line ends), marks that turn the direction of writing, half characters.
INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
INVISIBLE_SENTENCE = "这一项里有看不见的控制字符，请重新输入后再发。"


class AnswerState(StrEnum):
    """Where a unit's answer stands: every invited unit is in exactly one."""

    NONE = "none"
    COMING = "coming"
    ASKED = "asked"
    ABSENT = "absent"


ANSWER_WORDS = {"none": "没有答复", "coming": "已报名", "asked": "请假待批", "absent": "不参加"}


class Quota(NamedTuple):
    """How many of a role each unit may send."""

    role: str
    min: int
    max: int


class Field(NamedTuple):
    """Something more to fill in for each person."""

    key: str
    label: str
    type: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


class Details(NamedTuple):
    """What else the notice says."""

    body: str = ""
    agenda: str = ""
    dress: str = ""
    vehicle: str = ""
    bring: str = ""
    contact: str = ""
    contact_phone: str = ""


DETAIL_WORDS = {"agenda": "议程", "dress": "着装", "vehicle": "停车", "bring": "材料"}


class Contents(NamedTuple):
    """Everything that a version of a notice says."""

    title: str
    place: str
    starts_at: str
    ends_at: str
    answer_by: str
    urgency: str = "normal"
    seats: int = 0
    quota: tuple[Quota, ...] = (Quota("principal", 1, 1), Quota("staff", 0, 2))
    fields: tuple[Field, ...] = ()
    details: Details = Details()


class Notice(NamedTuple):
    """A published notice, joined with its subject."""

    id: int
    title: str
    urgency: str
    sender_unit: int
    sender_name: str
    sent_by: int
    sent_at: str
    version: int
    uid: str
    starts_at: str
    ends_at: str
    answer_by: str
    place: str
    seats: int
    quota: tuple[Quota, ...]
    fields: tuple[Field, ...]
    details: Details
    check_in: str
    cancelled_at: str | None
    cancel_reason: str | None

    @classmethod
    def of_row(cls, *row: Any) -> "Notice":
        """A row of `queries.NOTICE`: quota, fields and details are JSON there."""
        return cls._make((*row[:14], quota_of(row[14]), fields_of(row[15]), Details(**json.loads(row[16])), *row[17:]))

    @property
    def contents(self) -> Contents:
        """What this version says."""
        return Contents(
            self.title, self.place, self.starts_at, self.ends_at, self.answer_by, self.urgency, self.seats, self.quota,
            self.fields, self.details,
        )  # fmt: skip


class Person(NamedTuple):
    """Somebody who is to come."""

    name: str
    position: str
    mobile: str
    role: str
    fields: Mapping[str, str] = MappingProxyType({})


class StandIn(NamedTuple):
    """Who comes instead (替会)."""

    name: str
    position: str
    mobile: str


class LeaveAsked(NamedTuple):
    """One request: who cannot come, why, and who stands in (or nobody)."""

    role: str
    person: str
    position: str
    reason: str
    stand_in: StandIn | None


class Answer(NamedTuple):
    """A unit's whole answer. No people and no leaves means 不派人."""

    people: tuple[Person, ...] = ()
    leaves: tuple[LeaveAsked, ...] = ()


class Change(NamedTuple):
    """One thing that a new version says otherwise."""

    field: str
    old: str
    new: str


MATERIAL = {"starts_at", "ends_at", "place"}
CHANGE_WORDS = {
    "title": "标题", "place": "地点", "starts_at": "开始时间", "ends_at": "结束时间", "answer_by": "答复时限", "quota": "名额",
    "details": "通知内容", "fields": "填报项目", "seats": "座位数", "urgency": "缓急", "files": "附件",
}  # fmt: skip


def quota_of(text: str) -> tuple[Quota, ...]:
    """Quota from its stored JSON."""
    return tuple(Quota(q["role"], q["min"], q["max"]) for q in json.loads(text))


def fields_of(text: str) -> tuple[Field, ...]:
    """Fields from their stored JSON."""
    return tuple(Field(f["key"], f["label"], f["type"], f["required"], tuple(f["choices"])) for f in json.loads(text))


def dumps(value: Any) -> str:
    """JSON as it is stored: named tuples become objects."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Named tuples as dicts, all the way down."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {k: plain(v) for k, v in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    return value


def check_contents(new: Contents, *, now: str, published: bool = False) -> None:
    """Refuse contents that cannot stand.

    Args:
        published: a change of a notice that is out: a deadline that has passed may stay as it is.
    Raises:
        Invalid: every wrong field with its sentence; `classified` marks are refused here too.
    """
    errors: list[FieldError] = []

    def wrong(field: str, sentence: str) -> None:
        errors.append(FieldError(field, sentence))

    _check_text(new, wrong)
    if not new.starts_at:
        wrong("starts_at", "请填会议开始的时间。")
    elif new.starts_at <= now:
        wrong("starts_at", "开始时间已经过了，请改到以后。")
    if new.ends_at and new.starts_at and new.ends_at <= new.starts_at:
        wrong("ends_at", "结束时间要晚于开始时间。")
    if not new.answer_by:
        wrong("answer_by", "请填答复时限。")
    elif new.starts_at and new.answer_by > new.starts_at:
        wrong("answer_by", "答复时限要在会议开始之前。")
    elif new.answer_by <= now and not published:
        wrong("answer_by", "答复时限已经过了，请改到以后。")
    if not 0 <= new.seats <= 100_000:
        wrong("seats", "座位数是 0 到 100000 的整数，不知道可不填。")
    _check_quota(new.quota, wrong)
    _check_fields(new.fields, wrong)
    if errors:
        raise Invalid(errors)


def _check_text(new: Contents, wrong: Any) -> None:
    if not new.title:
        wrong("title", "请填会议名称。")
    elif len(new.title) > 200:
        wrong("title", f"会议名称太长（{len(new.title)} 字），请不超过 200 字。")
    elif CLASSIFIED.search(new.title):
        wrong("title", CLASSIFIED_SENTENCE)
    elif INVISIBLE.search(new.title):
        wrong("title", INVISIBLE_SENTENCE)
    if not new.place:
        wrong("place", "请填开会的地点。")
    elif len(new.place) > 120:
        wrong("place", "地点太长，请不超过 120 字。")
    elif INVISIBLE.search(new.place):
        wrong("place", INVISIBLE_SENTENCE)
    if new.urgency not in URGENCIES:
        wrong("urgency", "缓急是平件、加急或特急。")
    for key, text in new.details._asdict().items():
        limit = 20_000 if key in ("body", "agenda") else 300
        if len(text) > limit:
            wrong(key, f"这一项太长，请不超过 {limit} 字。")
        elif CLASSIFIED.search(text):
            wrong(key, CLASSIFIED_SENTENCE)
        elif INVISIBLE.search(text):
            wrong(key, INVISIBLE_SENTENCE)


def _check_quota(quota: Sequence[Quota], wrong: Any) -> None:
    roles = [q.role for q in quota]
    if not quota:
        wrong("quota", "请写明每个单位来几个人。")
    elif len(set(roles)) != len(roles) or set(roles) - ROLES.keys():
        wrong("quota", "名额里的身份只能是主要负责同志、分管负责同志、工作人员、司机，每种一次。")
    elif any(not 0 <= q.min <= q.max <= 500 for q in quota):
        wrong("quota", "名额的下限不能大于上限，上限不超过 500 人。")
    elif not any(q.max for q in quota):
        wrong("quota", "至少有一种身份的名额要大于 0。")


def _check_fields(fields: Sequence[Field], wrong: Any) -> None:
    keys = [f.key for f in fields]
    if len(fields) > 12 or len(set(keys)) != len(keys):
        wrong("fields", "填报项目最多 12 个，名称不能重复。")
    for field in fields:
        if not re.fullmatch(r"[a-z0-9_]{1,40}", field.key) or not field.label or len(field.label) > 40:
            wrong("fields", "填报项目的名称请不超过 40 字。")
        elif field.type not in FIELD_TYPES:
            wrong("fields", "填报项目的类型是文字、选一项、是或否、手机号、数字之一。")
        elif field.type == "choice" and not field.choices:
            wrong("fields", f"“{field.label}”要写出可选的几项。")
        elif len(field.choices) > 30 or any(len(choice) > 40 for choice in field.choices):
            wrong("fields", "一个填报项目最多 30 个选项，每个不超过 40 字。")
        elif INVISIBLE.search("".join((field.label, *field.choices))):
            wrong("fields", INVISIBLE_SENTENCE)


def changes(old: Contents, new: Contents) -> tuple[Change, ...]:
    """What the new contents say otherwise, in the order people read it."""
    found = []
    for key in ("title", "starts_at", "ends_at", "place", "answer_by", "quota", "fields", "details", "seats", "urgency"):
        before, after = getattr(old, key), getattr(new, key)
        if before != after:
            found.append(
                Change(
                    key, before if isinstance(before, str) else dumps(before), after if isinstance(after, str) else dumps(after)
                )
            )
    return tuple(found)


def is_material(found: Sequence[Change]) -> bool:
    """Whether units must confirm again: the time or the place has changed."""
    return any(change.field in MATERIAL for change in found)
