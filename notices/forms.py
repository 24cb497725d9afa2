"""The organiser's page as it was typed, read into contents and back. Pure; no text raises.

    typed = read(lists)                         every field as typed, in a shape that the page shows again
    contents, errors = understand(typed, wall)  what it means, defaults filled in, and every field that cannot stand

What the page sent is a mapping of names to lists of texts, however it came: from a form, a draft, or an earlier notice.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ground import clock, wording
from ground.directory.recipients import Picked
from ground.errors import FieldError, Invalid
from ground.moments import NOT_A_TIME, Wall, local_text, moment
from ground.wording import tidy
from notices import notice as nouns
from notices.notice import Contents, Details, Field, Quota

Lists = Mapping[str, Sequence[str]]
TIMES = ("starts_at", "ends_at", "answer_by")
MULTILINE = {"body", "agenda", "pasted", "except_pasted"}
MOST_FIELDS = 12


class QuotaRow(NamedTuple):
    """One role's quota as typed."""

    role: str
    least: str
    most: str


class FieldRow(NamedTuple):
    """One field to fill in, as typed. `key` is '' for a new one; `need` is '1' when it is required."""

    key: str
    label: str
    type: str
    need: str
    choices: str


class Typed(NamedTuple):
    """The whole page as typed."""

    title: str
    urgency: str
    starts_at: str
    ends_at: str
    answer_by: str
    place: str
    seats: str
    groups: tuple[str, ...]
    units: tuple[str, ...]
    excepts: tuple[str, ...]
    pasted: str
    except_pasted: str
    quota: tuple[QuotaRow, ...]
    fields: tuple[FieldRow, ...]
    details: Details
    attachments: tuple[str, ...]

    @property
    def picked(self) -> Picked:
        """Whom the page names."""
        return Picked(self.groups, self.units, self.excepts, self.pasted, self.except_pasted)


# --- reading what was typed -----------------------------------------------------------------------------------------------


def read(form: Lists) -> Typed:
    """The fields of the page. Names that are missing are empty; a quota that was never shown has its default."""

    def one(name: str) -> str:
        return tidy(next(iter(form.get(name, ())), ""), lines=name in MULTILINE)

    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v.strip() for v in form.get(name, ()) if v.strip()))

    def lines(name: str) -> str:
        return "\n".join(t for v in form.get(name, ()) if (t := tidy(v, lines=True)))

    dropped = many("drop_attachment")
    return Typed(
        one("title"), one("urgency") or "normal", one("starts_at"), one("ends_at"), one("answer_by"), one("place"), one("seats"),
        many("group"), many("unit"), many("except"), lines("pasted"), lines("except_pasted"), _quota_rows(form),
        _field_rows(form), Details(**{name: one(name) for name in Details._fields}),
        tuple(id for id in many("attachment") if id not in dropped),
    )  # fmt: skip


def visible(form: Lists) -> dict[str, list[str]]:
    """The form without the characters that `check_contents` refuses: what the page shows again passes when sent again."""
    return {name: [wording.INVISIBLE.sub("", value) for value in values] for name, values in form.items()}


def _quota_rows(form: Lists) -> tuple[QuotaRow, ...]:
    if not any(f"quota_{role}_max" in form for role in nouns.ROLES):
        default = {q.role: (str(q.min), str(q.max)) for q in Contents("", "", "", "", "").quota}
        return tuple(QuotaRow(role, *default.get(role, ("", ""))) for role in nouns.ROLES)

    def one(role: str, end: str) -> str:
        return tidy(next(iter(form.get(f"quota_{role}_{end}", ())), ""))

    return tuple(QuotaRow(role, one(role, "min"), one(role, "max")) for role in nouns.ROLES)


def _field_rows(form: Lists) -> tuple[FieldRow, ...]:
    """The rows of fields to fill in; a row of which nothing was typed counts for nothing."""
    columns = [list(form.get(f"field_{part}", ())) for part in ("key", "label", "type", "need", "choices")]
    rows = []
    for at in range(len(columns[1])):
        key, label, type, need, choices = (tidy(column[at]) if at < len(column) else "" for column in columns)
        if label or choices:
            rows.append(FieldRow(key, label, type or "text", need, choices))
    return tuple(rows)


# --- what it means --------------------------------------------------------------------------------------------------------


def understand(typed: Typed, wall: Wall, *, published: bool = False) -> tuple[Contents, list[FieldError]]:
    """The contents, with defaults for the end and the deadline, and every field that cannot stand (none: it may be sent)."""
    errors: dict[str, str] = {}
    at = times(typed, wall)
    errors.update({name: NOT_A_TIME for name in TIMES if getattr(typed, name) and not at[name]})
    seats = _whole(typed.seats)
    if seats is None:
        errors["seats"] = "座位数请填数字，不知道可不填。"
    quota = _quota(typed.quota)
    if quota is None:
        errors["quota"] = "名额请填数字，例如最少 0、最多 2。"
    contents = Contents(
        typed.title, typed.place, at["starts_at"], at["ends_at"], at["answer_by"], typed.urgency, seats or 0, quota or (),
        _fields(typed.fields), typed.details,
    )  # fmt: skip
    try:
        nouns.check_contents(contents, now=wall.now, published=published)
    except Invalid as invalid:
        for error in invalid.errors:
            follows = error.field == "answer_by" and not typed.answer_by and not at["starts_at"]
            if not follows:
                errors.setdefault(error.field, error.detail)
    return contents, [FieldError(name, errors[name]) for name in sorted(errors, key=_reading_order)]


def _reading_order(name: str) -> int:
    order = ("title", "urgency", *TIMES, "place", "seats", "invited", "quota", *Details._fields, "attachments", "fields")
    return order.index(name) if name in order else len(order)


def times(typed: Typed, wall: Wall) -> dict[str, str]:
    """UTC text of each time, '' where none is understood; the end and the deadline have defaults once the start is known."""
    now = clock.local(wall.now, wall.zone)
    local = {name: moment(getattr(typed, name), now) for name in TIMES}
    start = local["starts_at"]
    if start is not None:
        if not typed.ends_at:
            local["ends_at"] = start + timedelta(hours=2)
        if not typed.answer_by:
            local["answer_by"] = default_deadline(start, now, wall.is_workday)
    return {name: clock.text(found) if found is not None else "" for name, found in local.items()}


def default_deadline(start: datetime, now: datetime, is_workday: Callable[[date], bool]) -> datetime:
    """12:00 on the working day before; when that has passed, two hours before the start, or the start itself."""
    day = start - timedelta(days=1)
    for _ in range(20):
        if is_workday(day.date()):
            break
        day -= timedelta(days=1)
    noon = day.replace(hour=12, minute=0, second=0, microsecond=0)
    return next((at for at in (noon, start - timedelta(hours=2)) if at > now), start)


def _whole(text: str) -> int | None:
    """A whole number of at most six digits, 0 for nothing, None for anything else."""
    text = unicodedata.normalize("NFKC", text)
    return int(text or "0") if re.fullmatch(r"[0-9]{0,6}", text) else None


def _quota(rows: Sequence[QuotaRow]) -> tuple[Quota, ...] | None:
    """The quota; a role without numbers is not asked for. A least without a most means exactly so many. None: no numbers."""
    found = []
    for row in rows:
        least, most = _whole(row.least), _whole(row.most)
        if least is None or most is None:
            return None
        if row.least or row.most:
            found.append(Quota(row.role, least, most if row.most else least))
    return tuple(q for q in found if q.max or q.min)


def _fields(rows: Sequence[FieldRow]) -> tuple[Field, ...]:
    """Rows with keys: old ones keep theirs (answers are kept under them), new ones get the next free one."""
    taken = {row.key for row in rows}
    found: list[Field] = []
    for row in rows:
        key = row.key
        if not key or key in {f.key for f in found}:
            key = next(k for n in range(1, len(rows) + len(taken) + 2) if (k := f"f{n}") not in taken)
            taken.add(key)
        choices = tuple(dict.fromkeys(c for c in (part.strip() for part in re.split(r"[、，,;；/|\n]", row.choices)) if c))
        found.append(Field(key, row.label, row.type, row.need == "1", choices if row.type == "choice" else ()))
    return tuple(found)


# --- back into the page ---------------------------------------------------------------------------------------------------


def written(contents: Contents, zone: ZoneInfo, *, whole: bool = True) -> dict[str, list[str]]:
    """The form that says these contents; without times when not `whole` (another meeting like this one)."""
    form = {name: [getattr(contents, name)] for name in ("title", "urgency", "place")}
    form["seats"] = [str(contents.seats or "")]
    if whole:
        form |= {name: [local_text(getattr(contents, name), zone)] for name in TIMES}
    quota = {q.role: q for q in contents.quota}
    for role in nouns.ROLES:
        form[f"quota_{role}_min"] = [str(quota[role].min) if role in quota else ""]
        form[f"quota_{role}_max"] = [str(quota[role].max) if role in quota else ""]
    for part in ("key", "label", "type"):
        form[f"field_{part}"] = [getattr(field, part) for field in contents.fields]
    form["field_need"] = ["1" if field.required else "" for field in contents.fields]
    form["field_choices"] = ["、".join(field.choices) for field in contents.fields]
    return form | {name: [text] for name, text in contents.details._asdict().items()}
