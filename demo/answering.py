"""How the units took a meeting: who opened, signed, answered, sent whom, asked leave; as rows for the tables. Pure.

    taken = take(meeting, invited, …)      one `Taken` a unit, with the moments (seconds since 1970) or None
    rows(meeting, taken, …)                the rows of receipts, facts, answers and attendees; counts fit by construction

What would happen after `now`, or after the meeting was cancelled, has not happened.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from demo import topics
from demo.meetings import FIELDS, HOUR, Meeting
from demo.worktime import WorkTime, text
from notices.notice import Quota

Row = dict[str, Any]


class Member(NamedTuple):
    """Somebody of a unit who may be sent to a meeting; `id` 0: not in the directory."""

    id: int
    name: str
    position: str
    mobile: str


class Office(NamedTuple):
    """A unit as far as meetings are concerned."""

    id: int
    code: str
    clerk: Member | None  # who opens, signs and answers
    people: Mapping[str, tuple[Member, ...]]  # by role in a quota
    speed: float  # above 1: slow
    misses: float  # how often it does not sign at all
    address: str


class LeaveTaken(NamedTuple):
    """A request for leave; `decided` None: it waits."""

    role: str
    who: Member
    reason: str
    stand_in: Member | None
    decided: float | None
    approved: bool


class Taken(NamedTuple):
    """What one unit has done."""

    office: Office
    opened: float | None = None
    signed: float | None = None
    answered: float | None = None
    for_them: bool = False  # 代报: entered by the organiser
    confirmed: float | None = None  # has seen the second version
    people: tuple[tuple[str, Member], ...] = ()  # (role, who)
    leaves: tuple[LeaveTaken, ...] = ()

    @property
    def coming(self) -> int:
        """How many are on the list, stand-ins included."""
        return len(self.people) + sum(leave.approved and leave.stand_in is not None for leave in self.leaves)

    @property
    def asks(self) -> bool:
        """Whether a request waits for the organiser."""
        return any(leave.decided is None for leave in self.leaves)


class Scene(NamedTuple):
    """What the play needs besides the meeting."""

    random: Random
    work: WorkTime
    now: float


def take(meeting: Meeting, invited: Iterable[Office], scene: Scene) -> list[Taken]:
    """How each unit took it."""
    found = []
    for office in invited:
        moments = _held(meeting, office, scene.now) or _moments(meeting, office, scene)
        found.append(_answer(meeting, _cut(meeting, moments, scene.now), scene))
    return found


# --- when ---------------------------------------------------------------------------------------------------------------


def _held(meeting: Meeting, office: Office, now: float) -> Taken | None:
    """The units of the printed accounts stand where the demo wants them."""
    held = meeting.held.get(office.code, "")
    if not held:
        return None
    begin, end = meeting.sent, min(now, meeting.answer_by, meeting.changed[0] if meeting.changed else now)
    opened, signed, answered = (begin + share * (end - begin) * 0.5 for share in (0.3, 0.5, 0.8))
    return {
        "new": Taken(office),
        "opened": Taken(office, opened=opened),
        "signed": Taken(office, opened=opened, signed=signed),
    }.get(held) or Taken(office, opened=opened, signed=signed, answered=answered)


def _moments(meeting: Meeting, office: Office, scene: Scene) -> Taken:
    random = scene.random

    def later(start: float, minutes: float) -> float:
        return start + minutes * 60 if meeting.current else scene.work.after(start, minutes)

    if office.clerk is None:
        return Taken(office)
    opened = later(meeting.sent, 2 + random.lognormvariate(0, 0.9) * meeting.pace * 0.4 * office.speed)
    if random.random() < office.misses:
        return Taken(office, opened=opened if random.random() < 0.4 else None)
    signed = later(opened, random.uniform(1, 12))
    answered = signed + random.uniform(20, 150)
    if random.random() < 0.35:
        answered = later(signed, random.lognormvariate(0, 0.8) * meeting.pace)
    for_them = False
    if answered > meeting.answer_by:
        if signed < meeting.answer_by and random.random() < 0.93:
            answered = random.uniform(signed, meeting.answer_by)
        else:
            for_them, answered = True, max(signed, meeting.answer_by) + random.uniform(600, 5400)
    confirmed = None
    if meeting.changed and answered < meeting.changed[0]:
        confirmed = later(meeting.changed[0], 3 + random.lognormvariate(0, 1) * (500 if meeting.current else 60))
    return Taken(office, opened, signed, answered, for_them, confirmed)


def _cut(meeting: Meeting, taken: Taken, now: float) -> Taken:
    """Without what lies after now, or after the cancellation."""
    end = min(now, meeting.cancelled[0] if meeting.cancelled else now)
    kept = [moment if moment is not None and moment <= end else None for moment in taken[1:4]]
    opened, signed, answered = kept
    confirmed = taken.confirmed if taken.confirmed is not None and taken.confirmed <= end else None
    return Taken(taken.office, opened, signed, answered, taken.for_them and answered is not None, confirmed)


# --- what ---------------------------------------------------------------------------------------------------------------


def _answer(meeting: Meeting, taken: Taken, scene: Scene) -> Taken:
    """Whom the unit sends: somebody of each role in the quota, or a request for leave for the one who must come."""
    if taken.answered is None:
        return taken
    random, office = scene.random, taken.office
    asked = meeting.held.get(office.code) == "asked"
    people: list[tuple[str, Member]] = []
    leaves: list[LeaveTaken] = []
    for quota in meeting.contents.quota:
        some = office.people.get(quota.role, ())[: _number(random, quota)]
        if quota.min and some and (asked or random.random() < (0.12 if meeting.current else 0.055)) and not leaves:
            leaves.append(_leave(meeting, quota.role, some[0], taken, scene, waits=asked))
            some = some[1:]
        people += [(quota.role, member) for member in some]
    stand_ins = {leave.stand_in.name for leave in leaves if leave.stand_in}
    people = [(role, member) for role, member in people if member.name not in stand_ins]
    return taken._replace(people=tuple(people), leaves=tuple(leaves))


def _number(random: Random, quota: Quota) -> int:
    if quota.min:
        return quota.min if random.random() < 0.7 else random.randint(quota.min, quota.max)
    return random.choices((0, 1, quota.max), (55, 35, 10))[0]


def _leave(meeting: Meeting, role: str, who: Member, taken: Taken, scene: Scene, *, waits: bool) -> LeaveTaken:
    """One request; the organiser decides within hours, of the newest ones some wait."""
    random = scene.random
    others = [m for m in (*taken.office.people.get("deputy", ()), *taken.office.people.get("staff", ())) if m.name != who.name]
    stand_in = others[0] if others and (waits or random.random() < 0.65) else None
    asked = taken.answered or meeting.sent
    decided: float | None = asked + random.uniform(0.5, 5) * HOUR
    closed = min(scene.now, meeting.cancelled[0] if meeting.cancelled else scene.now)
    if waits or decided is None or decided > closed or (meeting.current and random.random() < 0.3):
        decided = None
    return LeaveTaken(role, who, random.choice(topics.REASONS), stand_in, decided, decided is not None)


# --- rows ---------------------------------------------------------------------------------------------------------------


class Ids(NamedTuple):
    """What the rows of a meeting refer to."""

    notice: int
    organiser: int
    organiser_address: str
    digests: tuple[str, ...]  # by version


def receipt_rows(meeting: Meeting, taken: Iterable[Taken], ids: Ids) -> list[Row]:
    """Rows of `receipts`."""
    return [_receipt(meeting, one, ids) for one in taken]


def _receipt(meeting: Meeting, one: Taken, ids: Ids) -> Row:
    state = 5 if one.answered else 3 if one.signed else 2 if one.opened else 1
    waits, due = ("sign", meeting.answer_by) if state < 3 else ("answer", meeting.answer_by) if state == 3 else (None, 0.0)
    if meeting.changed and one.answered and one.answered < meeting.changed[0] and not one.confirmed:
        waits, due = "confirm", meeting.starts
    if meeting.cancelled:
        waits = None
    return {
        "subject": ids.notice, "unit": one.office.id, "state": state, "waits": waits, "due": text(due) if waits else None,
        "arrived": text(meeting.sent), "opened": _text(one.opened), "signed": _text(one.signed), "answered": _text(one.answered),
    }  # fmt: skip


def _text(moment: float | None) -> str | None:
    return None if moment is None else text(moment)


def fact_rows(meeting: Meeting, taken: Iterable[Taken], ids: Ids) -> list[Row]:
    """Rows of `facts` but for "arrived", in the order they happened."""
    found = [fact for one in taken for fact in _facts(meeting, one, ids)]
    return sorted(found, key=lambda fact: str(fact["at"]))


def _facts(meeting: Meeting, one: Taken, ids: Ids) -> Iterator[Row]:
    clerk = one.office.clerk.id if one.office.clerk else 0
    steps = [("opened", one.opened), ("signed", one.signed), ("answered", one.answered), ("opened", one.confirmed)]
    for fact, moment in steps:
        if moment is None:
            continue
        version = 2 if meeting.changed and moment >= meeting.changed[0] else 1
        entered = one.for_them and fact == "answered"
        yield {
            "subject": ids.notice, "unit": one.office.id, "version": version, "fact": fact, "at": text(moment),
            "person": ids.organiser if entered else clerk, "for_person": 0, "how": "password",
            "address": ids.organiser_address if entered else one.office.address, "digest": ids.digests[version - 1],
            "note": "代报" if entered else "",
        }  # fmt: skip


def answer_rows(meeting: Meeting, taken: Iterable[Taken], ids: Ids) -> list[Row]:
    """Rows of `answers`."""
    found = []
    for one in taken:
        state, people = "none", 0
        if one.answered is not None:
            people = one.coming
            state = "asked" if one.asks else "coming" if people else "absent"
        newest = meeting.changed is not None and one.answered is not None
        seen_newest = newest and (one.confirmed is not None or (one.answered or 0) >= (meeting.changed or (0,))[0])
        clerk = one.office.clerk.id if one.office.clerk else 0
        found.append({
            "notice": ids.notice, "unit": one.office.id, "state": state, "people": people, "at": _text(one.answered),
            "person": 0 if one.answered is None else ids.organiser if one.for_them else clerk,
            "by_organiser": int(one.for_them), "confirmed": 2 if seen_newest else 1,
        })  # fmt: skip
    return found


def attendee_rows(meeting: Meeting, taken: Iterable[Taken], ids: Ids, scene: Scene) -> list[Row]:
    """Rows of `attendees` but for stand-ins; of a meeting that is over, most were checked in at the door."""
    found = []
    for one in taken:
        for sort, (role, member) in enumerate(one.people):
            found.append(attendee(meeting, one.office, role, member, ids, scene, sort=sort, leave=None))
    return found


def attendee(
    meeting: Meeting, office: Office, role: str, member: Member, ids: Ids, scene: Scene, *, sort: int, leave: int | None
) -> Row:
    """One row of `attendees`."""
    came = None
    if meeting.starts < scene.now and not meeting.cancelled and role != "driver" and scene.random.random() < 0.93:
        came = meeting.starts - scene.random.uniform(-5, 35) * 60
    wanted = meeting.contents.fields
    plate = f"云Y{scene.random.randrange(10000, 99999)}"
    values = {field.key: plate if field.type == "text" else "是" for field in FIELDS if field in wanted}
    return {
        "notice": ids.notice, "unit": office.id, "role": role, "name": member.name, "position": member.position,
        "mobile": member.mobile, "fields": json.dumps(values, ensure_ascii=False), "leave": leave, "sort": sort,
        "token": secrets.token_urlsafe(9), "came": _text(came), "by": ids.organiser if came else None,
    }  # fmt: skip


def tally(taken: Iterable[Taken]) -> Row:
    """The row of `tallies`, without its subject."""
    all_of = list(taken)
    return {
        "total": len(all_of), "opened": sum(one.opened is not None for one in all_of),
        "signed": sum(one.signed is not None for one in all_of), "answered": sum(one.answered is not None for one in all_of),
    }  # fmt: skip
