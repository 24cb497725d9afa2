"""The sign-up form as it was typed, read into rows and into an `Answer`. Pure; no text raises.

    filled = read(notice, visit.fields)      every role's rows as typed, in a shape that the page shows again
    filled.answer                            what it means; `answering.tidy` says what cannot stand, naming `people-0-name`, …
    filled = of_answer(notice, answer)       the same shape, from an answer that stands

Names: {role}_go (come, stand, none); {role}_name _position _mobile _f_KEY once for each row; {role}_who _who_position _reason
_stand_name _stand_position _stand_mobile once for each leave. A row of which nothing was typed counts for nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count, zip_longest
from types import MappingProxyType
from typing import NamedTuple

from ground.wording import INVISIBLE
from notices.notice import Answer, LeaveAsked, Notice, Person, Quota, StandIn

Typed = Callable[[str], Sequence[str]]
COME, STAND, NONE = "come", "stand", "none"
MOST_ROWS = 600
LONGEST = 2000
NOTHING: Mapping[str, str] = MappingProxyType({})


class Row(NamedTuple):
    """One person as typed. `n`: the place in the answer's people, which errors name; -1: not in the answer."""

    name: str = ""
    position: str = ""
    mobile: str = ""
    fields: Mapping[str, str] = NOTHING
    n: int = -1


class LeaveRow(NamedTuple):
    """One leave as typed. `n`: the place in the answer's leaves; -1: not in the answer."""

    person: str = ""
    position: str = ""
    reason: str = ""
    stand_in: Row = Row()
    n: int = -1


class RoleForm(NamedTuple):
    """One role's part of the form. `blanks`: empty rows to show besides."""

    role: str
    min: int
    max: int
    choice: str = COME
    rows: tuple[Row, ...] = ()
    leaves: tuple[LeaveRow, ...] = ()
    blanks: int = 0

    @property
    def asks(self) -> bool:
        """Whether the role must be sent, so that the form asks: coming, a stand-in, or nobody."""
        return self.min > 0 or bool(self.leaves)

    @property
    def rows_count(self) -> bool:
        """Whether the rows belong to the answer: whoever is on leave from the only place sends nobody else."""
        return self.choice == COME or self.max > 1

    @property
    def coming(self) -> int:
        """How many people the role's rows and stand-ins name."""
        standing = sum(bool(x.stand_in.name) for x in self.leaves) if self.choice == STAND else 0
        return standing + (sum(bool(row.name) for row in self.rows) if self.rows_count else 0)


class Filled(NamedTuple):
    """The whole form."""

    roles: tuple[RoleForm, ...]

    @property
    def answer(self) -> Answer:
        """What the form means."""
        people = [Person(r.name, r.position, r.mobile, form.role, r.fields) for form in self.roles for r in form.rows if r.n >= 0]
        leaves = [_leave_of(form, x) for form in self.roles for x in form.leaves if x.n >= 0]
        return Answer(tuple(people), tuple(leaves))

    @property
    def coming(self) -> int:
        """How many people come, stand-ins included."""
        return sum(form.coming for form in self.roles)

    @property
    def on_leave(self) -> tuple[tuple[str, str], ...]:
        """Who is on leave, and who stands in ('' for nobody)."""
        asked = self.answer.leaves
        return tuple((x.person, x.stand_in.name if x.stand_in else "") for x in asked if x.person)


def _leave_of(form: RoleForm, leave: LeaveRow) -> LeaveAsked:
    """The request; the first leave of a role that sends a stand-in must name one."""
    stand = leave.stand_in
    wanted = form.choice == STAND and (leave is form.leaves[0] or stand.name or stand.position or stand.mobile)
    stand_in = StandIn(stand.name, stand.position, stand.mobile) if wanted else None
    return LeaveAsked(form.role, leave.person, leave.position, leave.reason, stand_in)


# --- reading what was typed -----------------------------------------------------------------------------------------------


def line(text: str) -> str:
    """The text in one line, trimmed, without characters that nobody can see."""
    return INVISIBLE.sub("", re.sub(r"\s*[\r\n\t\v\f\u2028\u2029]+\s*", " ", text[:LONGEST])).strip()


def read(notice: Notice, typed: Typed) -> Filled:
    """The form of the roles that the notice asks for.

    Args:
        typed: every value of a repeated form field, in order; an unknown name has none.
    """
    people, leaves = count(), count()
    return Filled(tuple(_read_role(notice, quota, typed, people, leaves) for quota in notice.quota if quota.max))


def _read_role(notice: Notice, quota: Quota, typed: Typed, people: "count[int]", leaves: "count[int]") -> RoleForm:
    role = quota.role
    choice = next(iter(typed(f"{role}_go")), COME)
    choice = choice if choice in (STAND, NONE) else COME
    empty = RoleForm(role, quota.min, quota.max, choice)
    rows = [row for row in _read_rows(notice, role, typed) if any((row.name, row.position, row.mobile, *row.fields.values()))]
    asked = list(_read_leaves(role, typed))
    on_leave = choice != COME
    kept = [x for at, x in enumerate(asked) if at == 0 or any((x.person, x.reason, x.stand_in.name))]
    if on_leave and not kept:
        kept = [LeaveRow()]
    return empty._replace(
        rows=tuple(row._replace(n=next(people)) if empty.rows_count else row for row in rows),
        leaves=tuple(x._replace(n=next(leaves)) if on_leave else x for x in kept if on_leave or x.reason),
    )


def _columns(typed: Typed, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The repeated fields side by side, a line each; a column that is too short is filled with ''."""
    columns = [[line(text) for text in list(typed(name))[:MOST_ROWS]] for name in names]
    return list(zip_longest(*columns, fillvalue=""))


def _read_rows(notice: Notice, role: str, typed: Typed) -> list[Row]:
    keys = [field.key for field in notice.fields]
    names = [f"{role}_name", f"{role}_position", f"{role}_mobile", *(f"{role}_f_{key}" for key in keys)]
    found = []
    for name, position, mobile, *rest in _columns(typed, names):
        fields = {key: value for key, value in zip(keys, rest, strict=True) if value}
        found.append(Row(name, position, mobile, fields))
    return found


def _read_leaves(role: str, typed: Typed) -> list[LeaveRow]:
    parts = ("who", "who_position", "reason", "stand_name", "stand_position", "stand_mobile")
    found = []
    for who, position, reason, name, stand_position, mobile in _columns(typed, [f"{role}_{part}" for part in parts]):
        found.append(LeaveRow(who, position, reason, Row(name, stand_position, mobile)))
    return found


# --- an answer that stands, as the form ----------------------------------------------------------------------------------


def of_answer(notice: Notice, answer: Answer) -> Filled:
    """The form that would give this answer; people in roles that the notice does not ask for any more are left out."""
    people, leaves = count(), count()
    forms = []
    for quota in notice.quota:
        if not quota.max:
            continue
        asked = sorted((x for x in answer.leaves if x.role == quota.role), key=lambda x: x.stand_in is None)
        choice = COME if not asked else STAND if asked[0].stand_in else NONE
        rows = tuple(
            Row(p.name, p.position, p.mobile, dict(p.fields), next(people)) for p in answer.people if p.role == quota.role
        )
        on_leave = tuple(
            LeaveRow(x.person, x.position, x.reason, Row(*x.stand_in) if x.stand_in else Row(), next(leaves)) for x in asked
        )
        forms.append(RoleForm(quota.role, quota.min, quota.max, choice, rows, on_leave))
    return Filled(tuple(forms))


# --- what the form's own buttons do ---------------------------------------------------------------------------------------


def with_blank(filled: Filled, role: str) -> Filled:
    """One more empty row for a role, or (`leave:ROLE`) one more leave; anything else changes nothing."""
    leave = role.removeprefix("leave:")
    forms = []
    for form in filled.roles:
        changed = form
        if form.role == role:
            changed = form._replace(blanks=form.blanks + 1)
        elif leave != role and form.role == leave:
            changed = form._replace(leaves=(*form.leaves, LeaveRow()))
        forms.append(changed)
    return Filled(tuple(forms))


def with_people(filled: Filled, last: Sequence[Person]) -> Filled:
    """People of an earlier meeting put into the roles that name nobody yet, as many as the role takes, nobody twice."""
    taken = {row.name for form in filled.roles for row in form.rows}
    forms = []
    for form in filled.roles:
        new = [Row(p.name, p.position, p.mobile) for p in last if p.role == form.role and p.name not in taken][: form.max]
        untouched = form.choice == COME and not any(row.name for row in form.rows)
        forms.append(form._replace(rows=tuple(new)) if new and untouched else form)
    return Filled(tuple(forms))
