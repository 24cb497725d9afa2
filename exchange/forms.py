"""The sender's page as it was typed, read into contents and back. Pure; no text raises.

    typed = read(lists)                                        every field as typed, in a shape that the page shows again
    contents, errors = understand(typed, wall, due, main=3)    what it means, defaults filled in, and every field that cannot stand

What the page sent is a mapping of names to lists of texts, however it came: from a form, a draft, an earlier document, a program.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange import document as nouns
from exchange.document import Contents, Document
from ground import clock
from ground.directory.recipients import Picked
from ground.errors import FieldError
from ground.moments import NOT_A_TIME, Wall, local_text, moment
from ground.wording import INVISIBLE, tidy

Lists = Mapping[str, Sequence[str]]
Due = Callable[[str, int], str]  # (UTC text, working minutes) → UTC text
TIMES = ("sign_by", "answer_by")
ORDER = (
    "kind", "series", "urgency", "title", "main", "body", "attachments", "sign_by", "answer_by", "issuer", "dated", "joint", "note",
)  # fmt: skip
NOT_A_DATE = "没有看懂这个日期，请写成 2026-03-18 或 3月18日 这样。"
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Typed(NamedTuple):
    """The whole page as typed."""

    kind: str
    series: str
    urgency: str
    title: str
    main: Picked
    copy: Picked
    sign_by: str
    answer_by: str
    issuer: str
    dated: str
    joint: str
    note: str
    body: str
    attachments: tuple[str, ...]
    corrects: str
    accepted: tuple[str, ...]


def read(form: Lists) -> Typed:
    """The fields of the page. Names that are missing are empty, or have their default."""

    def one(name: str, *, lines: bool = False) -> str:
        return tidy(next(iter(form.get(name, ())), ""), lines=lines)

    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v.strip() for v in form.get(name, ()) if v.strip()))

    def lines(name: str) -> str:
        return "\n".join(t for v in form.get(name, ()) if (t := tidy(v, lines=True)))

    def picked(prefix: str) -> Picked:
        groups, units, excepts = (many(f"{prefix}{name}") for name in ("group", "unit", "except"))
        return Picked(groups, units, excepts, lines(f"{prefix}pasted"), lines(f"{prefix}except_pasted"))

    dropped = {*many("drop_attachment"), *many("drop_body")}
    body = next((id for id in reversed(many("body")) if id not in dropped), "")
    return Typed(
        one("kind") or "通知", one("series"), one("urgency") or "normal", one("title"), picked(""), picked("cc_"), one("sign_by"),
        one("answer_by"), one("issuer"), one("dated"), lines("joint"), one("note"), body,
        tuple(id for id in many("attachment") if id not in dropped), one("corrects"), many("accept"),
    )  # fmt: skip


def visible(form: Lists) -> dict[str, list[str]]:
    """The form without the characters that are refused: what the page shows again passes when sent again."""
    return {name: [INVISIBLE.sub("", value) for value in values] for name, values in form.items()}


def times(typed: Typed, wall: Wall, due: Due) -> dict[str, str]:
    """UTC text of each time, '' where none is understood; the time to sign by has a default."""
    now = clock.local(wall.now, wall.zone)
    at = {}
    for name in TIMES:
        text = getattr(typed, name)
        found = moment(text, now) if text and not _UTC.fullmatch(text) else None
        at[name] = text if _UTC.fullmatch(text) else clock.text(found) if found else ""
    if not typed.sign_by:
        at["sign_by"] = due(wall.now, nouns.SIGN_HOURS.get(typed.urgency, nouns.SIGN_HOURS["normal"]) * 60)
    return at


def day(text: str, wall: Wall) -> str:
    """The local date that is meant: today for nothing, '' for what is not understood."""
    now = clock.local(wall.now, wall.zone)
    if not text:
        return f"{now:%Y-%m-%d}"
    found = moment(f"{text} 0:00", now)
    return f"{found:%Y-%m-%d}" if found else ""


def understand(typed: Typed, wall: Wall, due: Due, *, main: int) -> tuple[Contents, list[FieldError]]:
    """The contents with their defaults, and every field that cannot stand, in the order of the page.

    Args:
        main: how many units it is addressed to.
    """
    at, dated = times(typed, wall, due), day(typed.dated, wall)
    errors = {name: NOT_A_TIME for name in TIMES if getattr(typed, name) and not at[name]}
    if typed.dated and not dated:
        errors["dated"] = NOT_A_DATE
    series = int(typed.series) if re.fullmatch("[0-9]{1,15}", typed.series) else 0
    contents = Contents(
        typed.kind, typed.title, typed.urgency, series, typed.issuer, dated, tuple(typed.joint.split("\n")) if typed.joint else (),
        typed.note, at["sign_by"], at["answer_by"],
    )  # fmt: skip
    for error in nouns.check_contents(contents, now=wall.now, today=day("", wall), main=main):
        errors.setdefault(error.field, error.detail)
    if not typed.body:
        errors["body"] = "请上传正文。"
    return contents, [FieldError(name, errors[name]) for name in sorted(errors, key=_reading_order)]


def _reading_order(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def written(document: Document, zone: ZoneInfo, *, again: bool) -> dict[str, list[str]]:
    """The form that says what a document says.

    Args:
        again: it is to be corrected: its dates stay too, as far as they may.
    """
    form = {name: [str(getattr(document, name))] for name in ("kind", "title", "urgency", "issuer", "note")}
    form["series"] = [str(document.series_id or 0)]
    form["joint"] = list(document.joint)
    if again:
        form["answer_by"] = [local_text(document.answer_by or "", zone)]
    return form
