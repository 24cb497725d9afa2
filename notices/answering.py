"""What a unit may answer: rows that can be read, the quota, nobody twice. Pure: no database, no clock."""

import re

from ground import wording
from ground.errors import FieldError, Invalid, Refused
from ground.mobile import normal_mobile
from notices import notice as nouns
from notices.notice import ROLES, Answer, LeaveAsked, Notice, Person


def tidy(notice: Notice, answer: Answer) -> Answer:
    """The answer with mobiles in one form. Raises Invalid naming each row that is wrong (fields `people-0-mobile`, …)."""
    errors: list[FieldError] = []
    people = tuple(_tidy_person(notice, person, f"people-{n}", errors) for n, person in enumerate(answer.people))
    leaves = tuple(_tidy_leave(leave, f"leaves-{n}", errors) for n, leave in enumerate(answer.leaves))
    if errors:
        raise Invalid(errors)
    return Answer(people, leaves)


def _tidy_name(name: str, position: str, where: str, errors: list[FieldError]) -> None:
    if not name:
        errors.append(FieldError(f"{where}-name", "请填姓名。"))
    elif len(name) > 40 or not name.isprintable():
        errors.append(FieldError(f"{where}-name", "姓名请不超过 40 个字。"))
    if len(position) > 60 or not position.isprintable():
        errors.append(FieldError(f"{where}-position", "职务请不超过 60 个字。"))


def _tidy_mobile(mobile: str, where: str, errors: list[FieldError]) -> str:
    try:
        return normal_mobile(mobile) if mobile else ""
    except ValueError as wrong:
        errors.append(FieldError(f"{where}-mobile", str(wrong)))
        return mobile


def _tidy_person(notice: Notice, person: Person, where: str, errors: list[FieldError]) -> Person:
    _tidy_name(person.name, person.position, where, errors)
    if person.role not in {quota.role for quota in notice.quota if quota.max}:
        errors.append(FieldError(f"{where}-role", f"这次会议不请{ROLES.get(person.role, '这种身份')}，请改一下身份。"))
    fields: dict[str, str] = {}
    for field in notice.fields:
        value = str(person.fields.get(field.key, "")).strip()
        wrong = _wrong_field(field, value)
        if wrong:
            errors.append(FieldError(f"{where}-{field.key}", wrong))
        if value:
            fields[field.key] = value
    return person._replace(mobile=_tidy_mobile(person.mobile, where, errors), fields=fields)


def _wrong_field(field: nouns.Field, value: str) -> str:
    if not value:
        return f"请填{field.label}。" if field.required else ""
    if len(value) > 200 or not value.isprintable():
        return f"{field.label}请不超过 200 字。"
    if field.type == "choice" and value not in field.choices:
        return f"{field.label}请从给出的几项里选。"
    if field.type == "number" and not re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", value):
        return f"{field.label}请填数字。"
    if field.type == "yesno" and value not in ("是", "否"):
        return f"{field.label}请选是或否。"
    if field.type == "mobile":
        try:
            normal_mobile(value)
        except ValueError as wrong:
            return str(wrong)
    return ""


def _tidy_leave(leave: LeaveAsked, where: str, errors: list[FieldError]) -> LeaveAsked:
    _tidy_name(leave.person, leave.position, where, errors)
    if not leave.reason:
        errors.append(FieldError(f"{where}-reason", "请写请假的原因。"))
    elif len(leave.reason) > 300 or wording.INVISIBLE.search(leave.reason):
        errors.append(FieldError(f"{where}-reason", "请假原因请不超过 300 字。"))
    if leave.stand_in is None:
        return leave
    _tidy_name(leave.stand_in.name, leave.stand_in.position, f"{where}-stand_in", errors)
    mobile = _tidy_mobile(leave.stand_in.mobile, f"{where}-stand_in", errors)
    if leave.stand_in.name == leave.person:
        errors.append(FieldError(f"{where}-stand_in-name", "替会人和请假人是同一个人，请换一位。"))
    return leave._replace(stand_in=leave.stand_in._replace(mobile=mobile))


def check_quota(notice: Notice, answer: Answer) -> None:
    """Refuse too few, too many, or somebody twice. Raises Refused with the sentence (409)."""
    nobody = not answer.people and not answer.leaves
    for quota in notice.quota:
        coming = sum(p.role == quota.role for p in answer.people)
        leaving = sum(leave.role == quota.role for leave in answer.leaves)
        standing = sum(leave.role == quota.role and leave.stand_in is not None for leave in answer.leaves)
        word = ROLES[quota.role]
        if coming + standing > quota.max:
            raise Refused(
                "{role}最多 {max} 人，现在填了 {n} 人。请去掉几位。", role=word, max=quota.max, n=coming + standing, code="quota"
            )
        if coming + leaving < quota.min:
            need = "不派人要先请假。" if nobody else ""
            raise Refused(
                "{role}须 {min} 人，现在填了 {n} 人。来不了请选请假。{need}",
                role=word,
                min=quota.min,
                n=coming,
                need=need,
                code="quota",
            )
    names = [(p.name, p.mobile) for p in answer.people]
    twice = next((name for n, (name, mobile) in enumerate(names) if (name, mobile) in names[:n]), "")
    if twice:
        raise Refused("{name}填了两次，请去掉一行。", name=twice, code="twice")
    coming_names = {p.name for p in answer.people}
    for leave in answer.leaves:
        if leave.stand_in is not None and leave.stand_in.name in coming_names:
            raise Refused(
                "{name}已在报名名单里，不能再替会。请换一位，或从名单里去掉。", name=leave.stand_in.name, code="stand_in_coming"
            )
        if leave.person in coming_names:
            raise Refused("{name}既报了名又请假，请去掉一处。", name=leave.person, code="leave_and_coming")
    stand_ins = [leave.stand_in.name for leave in answer.leaves if leave.stand_in]
    if len(set(stand_ins)) != len(stand_ins):
        raise Refused("同一个人不能替两个人参会。", code="stand_in_twice")


def check_open(notice: Notice, now: str) -> None:
    """Refuse an answer to a cancelled meeting, or after the deadline."""
    if notice.cancelled_at:
        raise Refused("会议已取消，不用再报名。", code="cancelled")
    if now > notice.answer_by:
        raise Refused("报名已经截止。需要改动，请写明原因申请晚改，由会务决定。", code="deadline")
