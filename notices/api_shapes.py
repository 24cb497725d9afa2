"""What programs say to the notices room and what it answers, as shapes; and the ways between them and the room's nouns. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ground.directory.groups import Wanted
from ground.errors import FieldError, Invalid
from ground.shapes import Flag, Id, Listed, Maybe, Moment, Page, Pairs, Record, Shape, Shown, Text, Whole
from ground.wording import URGENCIES
from notices import notice as nouns
from notices.notice import FIELD_TYPES, ROLES, Answer, Change, Contents, Details, Field, LeaveAsked, Notice, Person
from notices.notice import Quota as QuotaOf
from notices.notice import StandIn as StandInOf
from notices.organising import Invited, Line, Named, Organised
from notices.signups import Attendee, Leave
from receipts.receipt import State, receipt_id

# --- what is sent ---------------------------------------------------------------------------------------------------------

ROLE = Text(20, choices=tuple(ROLES))
CODE = r"(unit:)?[^\s:]{1,40}"
ONE_UNIT = Text(60, pattern=CODE, says="这里写单位代码，如 unit:620001。")
ANY_UNITS = Text(60, pattern=r"unit:[^\s:]{1,40}|group:[0-9]{1,15}", says="请写 unit:单位代码 或 group:编号。")
QUOTA = Record("Quota", {"role": ROLE, "min": Whole(0, 500), "max": Whole(0, 500)}, need="role min max")
FIELD = Record(
    "Field",
    {
        "key": Text(40, pattern="[a-z0-9_]{1,40}", says="key 只用小写字母、数字和下划线，不超过 40 个。"), "label": Text(40, 1),
        "type": Text(20, choices=tuple(FIELD_TYPES)), "required": Flag(), "choices": Listed(Text(40, 1), 30),
    },
    need="key label",
)  # fmt: skip
DETAILS: dict[str, Shape] = {
    "body": Text(20_000, lines=True), "agenda": Text(20_000, lines=True), "dress": Text(300, lines=True),
    "vehicle": Text(300, lines=True), "bring": Text(300, lines=True), "contact": Text(300), "contact_phone": Text(300),
}  # fmt: skip
CONTENTS: dict[str, Shape] = {
    "title": Text(200, 1), "place": Text(120, 1), "starts_at": Moment(), "ends_at": Moment(empty=True), "answer_by": Moment(),
    "urgency": Text(20, choices=tuple(URGENCIES)), "seats": Whole(0, 100_000), "quota": Listed(QUOTA, 4, 1),
    "fields": Listed(FIELD, 12), **DETAILS, "attachments": Listed(Text(40, 1), 30),
}  # fmt: skip
NEW_NOTICE = Record(
    "NewNotice",
    {**CONTENTS, "invited": Listed(ANY_UNITS, 5000, 1), "except": Listed(ONE_UNIT, 5000)},
    need="title place starts_at answer_by invited",
)
NEW_VERSION = Record("NewVersion", {"version": Whole(1), **CONTENTS}, need="version")
CANCELLATION = Record("Cancellation", {"reason": Text(200, 1)}, need="reason")
COMING = Record(
    "Coming",
    {"name": Text(40, 1), "position": Text(60), "mobile": Text(40), "role": ROLE, "fields": Pairs()},
    need="name role",
)
STAND_IN = Record("StandIn", {"name": Text(40, 1), "position": Text(60), "mobile": Text(40)}, need="name")
ASKED: dict[str, Shape] = {
    "person": Text(40, 1), "position": Text(60), "role": ROLE, "reason": Text(300, 1), "stand_in": Maybe(STAND_IN),
}  # fmt: skip
LEAVE_ASKED = Record("LeaveAsked", ASKED, need="person role reason")
ONE_LEAVE = Record("OneLeave", ASKED, need="person reason")
WHOLE: dict[str, Shape] = {"people": Listed(COMING, 500), "leaves": Listed(LEAVE_ASKED, 500)}
ANSWER = Record("Answer", {**WHOLE, "waived": Listed(Text(40, 1), 30)}, need="people")
ANSWER_FOR = Record("AnswerFor", {"unit": ONE_UNIT, **WHOLE}, need="unit people")
LATE = Record("LateWish", {**WHOLE, "reason": Text(300, 1)}, need="people reason")
DECISION = Record("Decision", {"approve": Flag(), "reason": Text(300)}, need="approve")
CONFIRMATION = Record("Confirmation", {"version": Whole(1)}, need="version")
CHASE = Record("Chase", {"units": Listed(ONE_UNIT, 5000, 1)})
ATTENDANCE = Record("Attendance", {"token": Text(40, 1), "attendee": Id()})
SIDE: Mapping[str, Shape] = {"side": Text(10, choices=("sent", "received"))}

# --- what is answered -----------------------------------------------------------------------------------------------------

TIME, MAYBE_TIME = Text(30), Maybe(Text(30))
PUBLISHED = Shown("Published", {"id": Id(), "version": Whole(1), "receipts": Whole()})
CHANGE = Shown("Change", {"field": Text(40), "old": Text(40_000), "new": Text(40_000)})
CHANGED = Shown("Changed", {"id": Id(), "version": Whole(1), "changes": Listed(CHANGE)})
CANCELLED = Shown("Cancelled", {"id": Id(), "version": Whole(1), "cancelled_at": TIME})
FILE = Shown(
    "NoticeFile",
    {"id": Text(40), "name": Text(), "size": Whole(), "sha256": Text(64), "media_type": Text(), "part": Text(20)},
)
LEAVE = Shown(
    "Leave",
    {
        "id": Id(), "notice": Id(), "role": ROLE, "person": Text(), "position": Text(), "reason": Text(300),
        "stand_in": Maybe(STAND_IN), "state": Text(20, choices=("asked", "approved", "refused", "withdrawn")),
        "asked_at": TIME, "decided_at": MAYBE_TIME, "decision_reason": Text(300),
    },
)  # fmt: skip
PERSON = Shown(
    "Attendee",
    {
        "id": Id(), "name": Text(), "position": Text(), "mobile": Text(20), "role": ROLE, "fields": Pairs(),
        "token": Text(40), "checked_in_at": MAYBE_TIME,
    },
)  # fmt: skip
STATE = Text(20, choices=("none", "coming", "asked", "absent"))
LATE_SHOWN = Shown(
    "LateChange",
    {"id": Id(), "notice": Id(), "state": Text(20), "reason": Text(300), "asked_at": TIME, "decision_reason": Text(300)},
)
OWN_ANSWER = Shown(
    "OwnAnswer",
    {
        "notice": Id(), "unit": Text(40), "state": STATE, "people": Listed(PERSON, 500), "leaves": Listed(LEAVE, 500),
        "late_change": Maybe(LATE_SHOWN), "at": MAYBE_TIME, "by_organiser": Flag(), "confirmed": Whole(),
    },
)  # fmt: skip
NOTICE = Shown(
    "Notice",
    {
        "id": Id(), "version": Whole(1), "sender": Text(40), "sender_name": Text(), "sent_at": TIME, **CONTENTS, "cancelled_at": MAYBE_TIME,
        "cancel_reason": Maybe(Text(200)), "attachments": Listed(FILE), "receipt": Maybe(Text(40)), "answer": Maybe(OWN_ANSWER),
    },
)  # fmt: skip
LINE = Shown(
    "NoticeLine",
    {
        "id": Id(), "title": Text(), "urgency": Text(20), "starts_at": TIME, "place": Text(), "answer_by": TIME,
        "cancelled_at": MAYBE_TIME, "receipt": Maybe(Text(40)),
    },
)  # fmt: skip
UNIT_ANSWER = Shown(
    "UnitAnswer",
    {
        "unit": Text(40), "name": Text(), "state": STATE, "people": Listed(PERSON, 500), "leaves": Listed(LEAVE, 500),
        "late_change": Maybe(LATE_SHOWN), "at": MAYBE_TIME, "by_organiser": Flag(), "confirmed": Whole(), "receipt": Text(40),
        "receipt_state": Text(20), "opened_at": MAYBE_TIME, "signed_at": MAYBE_TIME,
    },
)  # fmt: skip
COUNTS = Shown("Counts", {key: Whole() for key in ("total", "coming", "none", "asked", "absent", "people")})
ANSWERS = Shown("Answers", {"items": Listed(UNIT_ANSWER, 100_000), "next": Maybe(Text()), "counts": COUNTS})
CHASED = Shown("Chased", {"at": TIME, "units": Whole(), "messages": Whole()})
CHECKED_IN = Shown("CheckedIn", {"attendee": PERSON, "first": Flag()})
LINES = Page(LINE)

# --- from what is sent to nouns -------------------------------------------------------------------------------------------

BLANK = Contents("", "", "", "", "")
FILE_ID = re.compile(r"[A-Za-z0-9_-]{16}")
BODY_STAYS = "通知发出后正文文件不能换。请把新文件放进 attachments，或在 body 里写文字。"


def body_file(said: Mapping[str, Any]) -> str:
    """The id of the file that is the body, or '': `body` is text unless it looks just like a file's id."""
    body = str(said.get("body", ""))
    return body if FILE_ID.fullmatch(body) else ""


def contents_of(said: Mapping[str, Any], base: Contents = BLANK) -> Contents:
    """The contents `base` with everything that was said put in its place."""
    plain = {k: said[k] for k in ("title", "place", "starts_at", "ends_at", "answer_by", "urgency", "seats") if k in said}
    if "quota" in said:
        plain["quota"] = tuple(QuotaOf(**q) for q in said["quota"])
    if "fields" in said:
        plain["fields"] = tuple(Field(**{**f, "choices": tuple(f.get("choices", ()))}) for f in said["fields"])
    details = {k: said[k] for k in Details._fields if k in said}
    if body_file(said):
        details["body"] = ""
    return base._replace(**plain, details=base.details._replace(**details))


def wanted_of(said: Mapping[str, Any]) -> Wanted:
    """Who is invited."""
    groups = tuple(int(w.removeprefix("group:")) for w in said["invited"] if w.startswith("group:"))
    units = tuple(w.removeprefix("unit:") for w in said["invited"] if w.startswith("unit:"))
    return Wanted(groups, units, tuple(bare(w) for w in said.get("except", ())))


def bare(code: str) -> str:
    """A unit's code with or without its `unit:`."""
    return code.removeprefix("unit:")


def leave_of(said: Mapping[str, Any], role: str = "") -> LeaveAsked:
    """One request for leave."""
    stand = said.get("stand_in")
    found = StandInOf(stand["name"], stand.get("position", ""), stand.get("mobile", "")) if stand else None
    return LeaveAsked(said.get("role") or role, said["person"], said.get("position", ""), said["reason"], found)


def answer_of(said: Mapping[str, Any]) -> Answer:
    """A unit's whole answer."""
    people = (
        Person(p["name"], p.get("position", ""), p.get("mobile", ""), p["role"], p.get("fields", {})) for p in said["people"]
    )
    return Answer(tuple(people), tuple(leave_of(x) for x in said.get("leaves", ())))


def one_of(said: Mapping[str, Any]) -> None:
    """Raise Invalid unless exactly one of token and attendee is there."""
    if ("token" in said) == ("attendee" in said):
        raise Invalid([FieldError("token", "token（二维码）和 attendee（名单里的编号）请给一个，且只给一个。")])


# --- from nouns to what is answered ---------------------------------------------------------------------------------------


def notice_json(notice: Notice, sender: str, files: Sequence[Any], *, receipt: str | None, answer: Any) -> dict[str, Any]:
    """A notice as its sender or an invited unit sees it."""
    c = notice.contents
    listed = [{k: getattr(f, k) for k in FILE.fields} for f in files]
    return {
        "id": str(notice.id), "version": notice.version, "sender": sender, "sender_name": notice.sender_name,
        "sent_at": notice.sent_at, "title": c.title, "place": c.place, "starts_at": c.starts_at, "ends_at": c.ends_at, "answer_by": c.answer_by, "urgency": c.urgency,
        "seats": c.seats, "quota": nouns.plain(c.quota), "fields": nouns.plain(c.fields), **c.details._asdict(),
        "cancelled_at": notice.cancelled_at, "cancel_reason": notice.cancel_reason, "attachments": listed, "receipt": receipt,
        "answer": answer,
    }  # fmt: skip


def changes_json(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Old → new."""
    return [change._asdict() for change in changes]


def person_json(person: Attendee | Named) -> dict[str, Any]:
    """Somebody on the list."""
    fields = person.fields if isinstance(person.fields, dict) else json.loads(person.fields)
    return {
        "id": str(person.id), "name": person.name, "position": person.position, "mobile": person.mobile, "role": person.role,
        "fields": fields, "token": person.token, "checked_in_at": person.checked_in_at or None,
    }  # fmt: skip


def leave_json(leave: Leave) -> dict[str, Any]:
    """A request for leave."""
    stand_in = leave.stand_in._asdict() if leave.stand_in else None
    return {
        "id": str(leave.id), "notice": str(leave.notice_id), "role": leave.role, "person": leave.person,
        "position": leave.position, "reason": leave.reason, "stand_in": stand_in, "state": leave.state,
        "asked_at": leave.asked_at, "decided_at": leave.decided_at, "decision_reason": leave.decision_reason,
    }  # fmt: skip


def late_json(late: Any) -> dict[str, Any] | None:
    """A late change (`leaves.LateChange`), or null."""
    if late is None:
        return None
    return {
        "id": str(late.id), "notice": str(late.notice_id), "state": late.state, "reason": late.reason, "asked_at": late.asked_at,
        "decision_reason": late.decision_reason, "wish": nouns.plain(late.wish),
    }  # fmt: skip


def line_json(line: Organised | Invited, unit: int) -> dict[str, Any]:
    """A line of the unit's own meetings, or of those it is invited to."""
    said = line._asdict()
    received = isinstance(line, Invited)
    if received:
        said["receipt_state"] = State(said["receipt"]).name.lower()
    return {**said, "id": str(line.id), "receipt": receipt_id(line.id, unit) if received else None}


def unit_answer_json(notice: int, line: Line, people: Sequence[Named], leaves: Sequence[Leave], late: Any) -> dict[str, Any]:
    """Where one unit's answer stands, for the organiser."""
    return {
        "unit": line.code, "name": line.name, "state": line.state, "people": [person_json(p) for p in people],
        "leaves": [leave_json(x) for x in leaves], "late_change": late_json(late), "at": line.at,
        "by_organiser": bool(line.by_organiser), "confirmed": line.confirmed, "receipt": receipt_id(notice, line.unit_id),
        "receipt_state": State(line.receipt).name.lower(), "opened_at": line.opened_at, "signed_at": line.signed_at,
    }  # fmt: skip
