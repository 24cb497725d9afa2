"""The organiser's page as it was typed, read into contents and back. Pure; no text raises.

    typed = read(lists)                         every field as typed, in a shape that the page shows again
    contents, errors = understand(typed, wall)  what it means, defaults filled in, and every field that cannot stand
    at = moment("后天下午3点", local_now)        a time as people write it

What the page sent is a mapping of names to lists of texts, however it came: from a form, a draft, or an earlier notice.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ground import clock
from ground.errors import FieldError, Invalid
from notices import notice as nouns
from notices.notice import Contents, Details, Field, Quota

Lists = Mapping[str, Sequence[str]]
TIMES = ("starts_at", "ends_at", "answer_by")
MULTILINE = {"body", "agenda", "pasted", "except_pasted"}
MOST_FIELDS = 12
NOT_A_TIME = "没有看懂这个时间，请写成 3月20日 15:00 这样。"


class Wall(NamedTuple):
    """The city's clock: now (UTC text), its zone, and which days offices work."""

    now: str
    zone: ZoneInfo
    is_workday: Callable[[date], bool]


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


def tidy(text: str, *, lines: bool = False) -> str:
    """The text trimmed, its line ends made one kind, without the marks of invisible width that come along when copying."""
    text = re.sub("[\ufeff\u200b\u200e\u200f\u2060]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.strip() if lines else re.sub(r"[\n\t\v\f\u2028\u2029]+", " ", text).strip()


def visible(form: Lists) -> dict[str, list[str]]:
    """The form without the characters that `check_contents` refuses: what the page shows again passes when sent again."""
    return {name: [nouns.INVISIBLE.sub("", value) for value in values] for name, values in form.items()}


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


def local_text(at: str, zone: ZoneInfo) -> str:
    """2026-03-20T15:00, as a date-and-time input wants it; '' for ''."""
    return f"{clock.local(at, zone):%Y-%m-%dT%H:%M}" if at else ""


# --- times as people write them -------------------------------------------------------------------------------------------

_DAYS = {"今": 0, "明": 1, "后": 2, "大后": 3}
_AFTERNOON = {"下午", "午后", "傍晚", "晚上", "晚", "夜里", "pm"}
_HOURS = {"早上": 8, "早晨": 8, "清晨": 8, "早": 8, "上午": 9, "am": 9, "中午": 12, "午间": 12, "下午": 15, "午后": 15, "pm": 15,
          "傍晚": 18, "晚上": 19, "晚": 19}  # fmt: skip
_WEEK = {"日": 6, "天": 6}
_DATE = (
    r"(?:(?P<y>[0-9]{4})[-/.年](?P<m>[0-9]{1,2})[-/.月](?P<d>[0-9]{1,2})[日号]?"
    r"|(?P<m2>[0-9]{1,2})[-/.月](?P<d2>[0-9]{1,2})[日号]?"
    r"|(?P<d3>[0-9]{1,2})[日号]"
    r"|(?P<near>大后|今|明|后)[天日]?"
    r"|(?P<which>下下|下|本|这)?个?(?:周|星期|礼拜)(?P<wd>[1-7日天]))"
)
_AGAIN = r"(?:[(（]?(?:周|星期|礼拜)[1-7日天][)）]?)?"
_PERIOD = r"(?P<period>凌晨|清晨|早上|早晨|上午|中午|午间|下午|午后|傍晚|晚上|夜里|早|晚|am|pm)"
_TIME = (
    r"(?:(?P<h>[0-9]{1,2}):(?P<min>[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"|(?P<h2>[0-9]{1,2})[点时](?:(?P<min2>[0-9]{1,2})分?|(?P<half>半)|(?P<quarter>[13])刻|[整钟])?)"
)
_WHEN = re.compile(rf"(?:{_DATE}{_AGAIN})?[t,\s]*{_PERIOD}?\s*{_TIME}?(?:之前|以前|前|开始|起)?")


def moment(text: str, now: datetime) -> datetime | None:
    """The moment that `text` names, or None when it is not understood or names no hour.

    Args:
        text: 2026-03-20T15:00, 3月20日 15:00, 明天中午, 后天下午3点半, 下周五上午九点, 15:00 (today).
        now: on the city's wall clock: what 明天 means, and which year a date without one lies in.
    """
    plain = _plain(text)
    found = _WHEN.fullmatch(plain) if plain else None
    if found is None:
        return None
    parts = found.groupdict()
    hour = _hour(parts)
    if hour is None:
        return None
    try:
        day = _day(parts, now.date())
        return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + timedelta(hours=hour[0], minutes=hour[1])
    except (ValueError, OverflowError):
        return None


def _plain(text: str) -> str:
    """Half-width, Arabic numerals, spaces only where they part figures; '' for what is too long to be a time."""
    text = unicodedata.normalize("NFKC", text).strip().lower()
    if len(text) > 60:
        return ""
    text = re.sub(r"(?<=[\u4e00-\u9fff])\s+|\s+(?=[\u4e00-\u9fff])", "", text)
    return re.sub("[零〇一二两三四五六七八九十]+", lambda m: _arabic(m[0]), text)


def _arabic(numeral: str) -> str:
    """二〇二六 → 2026, 二十一 → 21, 十 → 10."""
    digits = {c: str(n) for n, c in enumerate("零一二三四五六七八九")} | {"〇": "0", "两": "2"}
    if "十" not in numeral:
        return "".join(digits[c] for c in numeral)
    tens, _, ones = numeral.partition("十")
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return numeral
    return str(10 * int(digits.get(tens, "1")) + int(digits.get(ones, "0")))


def _hour(parts: Mapping[str, str | None]) -> tuple[int, int] | None:
    """Hour and minute; None when neither a time nor a part of the day is named, or it is none."""
    period = parts["period"] or ""
    written = parts["h"] or parts["h2"]
    if written is None:
        return (_HOURS[period], 0) if period in _HOURS else None
    hour = int(written)
    minute = int(parts["min"] or parts["min2"] or 0) + 30 * bool(parts["half"]) + 15 * int(parts["quarter"] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    spoken = not period and parts["h2"] is not None and 1 <= hour <= 6  # “3点” of a meeting is in the afternoon
    if hour < 12 and (period in _AFTERNOON or spoken or (period in {"中午", "午间"} and hour < 3)):
        hour += 12
    elif hour == 12 and period in {"晚上", "晚", "夜里"}:
        hour = 24
    return hour, minute


def _day(parts: Mapping[str, str | None], today: date) -> date:
    """The date that is named; today when none is. Raises ValueError for one that does not exist or is far away."""
    if parts["near"]:
        return today + timedelta(days=_DAYS[parts["near"]])
    if parts["wd"]:
        weekday = _WEEK[parts["wd"]] if parts["wd"] in _WEEK else int(parts["wd"]) - 1
        found = today + timedelta(days=weekday - today.weekday() + 7 * {"下": 1, "下下": 2}.get(parts["which"] or "", 0))
        return found + timedelta(days=7) if found < today and not parts["which"] else found
    if parts["d3"]:
        found = today.replace(day=int(parts["d3"]))
        return found if found >= today else (found.replace(day=1) + timedelta(days=32)).replace(day=int(parts["d3"]))
    if not (parts["m"] or parts["m2"]):
        return today
    year = int(parts["y"] or today.year)
    if not 2000 <= year <= 2199:
        raise ValueError(f"no meeting is held in {year}")
    found = date(year, int(parts["m"] or parts["m2"] or 0), int(parts["d"] or parts["d2"] or 0))
    long_ago = not parts["y"] and (today - found).days > 180  # 1月5日, said in December
    return found.replace(year=year + 1) if long_ago else found
