"""What a meeting needs on paper: name list, sign-in sheet, table cards, the QR page for the door, and the workbook.

Pure: values in, file bytes out, the same bytes for the same values. Rows print in the order given; where a unit's people do not
stand together they are brought to its first place, so the order of units is the order in which they first appear.
The work runs on the press threads (`ground.typeset`), never in the event loop.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import segno

from ground.clock import local
from ground.typeset import typeset
from ground.workbooks import Heads, Sheet, workbook

ROLE_WORDS = {"principal": "主要负责同志", "deputy": "分管负责同志", "staff": "工作人员", "driver": "司机"}

PEOPLE_HEADS: Heads = (
    *(("序号", 6), ("单位", 30), ("姓名", 14), ("职务", 20), ("手机", 14)),
    *(("身份", 14), ("替会", 16), ("签到时间", 17), ("备注", 24)),
)
ANSWER_HEADS: Heads = (("序号", 6), ("单位", 34), ("答复情况", 14), ("答复时间", 17), ("人数", 8), ("理由", 50))


class Attendee(NamedTuple):
    """One person who comes for a unit. Empty text where nothing is known."""

    unit: str
    name: str
    position: str
    mobile: str
    role: str  # principal | deputy | staff | driver; another word prints as it is
    stand_in_for: str = ""  # whose place the person takes 替会
    checked_in_at: str = ""  # UTC text
    note: str = ""


class Meeting(NamedTuple):
    """What the head of each sheet says."""

    title: str
    time_text: str  # as people read it: 2026年3月20日（星期五）9:00
    place: str
    organiser: str
    printed_by: str  # unit and name: 市府办　王芳
    printed_at: str  # UTC text; also the creation time inside the file
    zone: str = "Asia/Shanghai"  # whose wall clock the sheets show


class Answer(NamedTuple):
    """How one invited unit has answered."""

    unit: str
    state: str  # the word as the screen shows it: 已报名, 未答复, 请假待批 …
    answered_at: str = ""  # UTC text, "" while there is no answer
    people: int = 0
    reason: str = ""


async def name_list_pdf(meeting: Meeting, people: Sequence[Attendee], *, font_paths: Sequence[Path] | None = None) -> bytes:
    """会议名单 as PDF/A: everybody who comes, by unit, with mobile, role, stand-ins and notes.

    Raises:
        MissingGlyphs: a character in a name, unit or the head that no installed font can print.
    """
    ordered = _by_unit(people)
    rows = [[str(n), p.unit, p.name, p.position, p.mobile, role_word(p.role), _remark(p)] for n, p in enumerate(ordered, 1)]
    return await _people_sheet("name_list", "会议名单", meeting, ordered, rows, font_paths)


async def sign_in_pdf(meeting: Meeting, people: Sequence[Attendee], *, font_paths: Sequence[Path] | None = None) -> bytes:
    """签到表 as PDF/A: the same people, with an empty column to sign in. Raises MissingGlyphs like `name_list_pdf`."""
    ordered = _by_unit(people)
    rows = [[str(n), p.unit, p.name, p.position, p.mobile, ""] for n, p in enumerate(ordered, 1)]
    return await _people_sheet("sign_in_sheet", "签到表", meeting, ordered, rows, font_paths)


async def cards_pdf(meeting: Meeting, people: Sequence[Attendee], *, font_paths: Sequence[Path] | None = None) -> bytes:
    """桌签 as PDF/A: one A4 page across for each person given, to fold along the middle; the caller leaves out drivers.

    No one at all gives one empty page. Raises MissingGlyphs like `name_list_pdf`.
    """
    data = {"title": meeting.title, "names": [card_name(person.name) for person in _by_unit(people)]}
    return await typeset("table_cards", data, at=meeting.printed_at, font_paths=font_paths)


async def check_in_pdf(meeting: Meeting, url: str, *, font_paths: Sequence[Path] | None = None) -> bytes:
    """The page for the door as PDF/A: title, time, place and `url` as a large QR code, error level M or better.

    Raises:
        ValueError: `url` is empty or too long for a QR code (over about 2,300 letters).
        MissingGlyphs: like `name_list_pdf`.
    """
    if not url:
        raise ValueError("a QR code without a URL")
    modules = segno.make_qr(url, error="m").matrix
    data = _head(meeting, "签到码", "") | {"url": url, "modules": ["".join(map(str, row)) for row in modules]}
    return await typeset("check_in", data, at=meeting.printed_at, font_paths=font_paths)


async def people_xlsx(meeting: Meeting, people: Sequence[Attendee], answers: Sequence[Answer]) -> bytes:
    """The workbook: sheet 名单 (one row a person) and sheet 各单位答复 (one row a unit, in the order given).

    Every text is a text cell: a mobile keeps its digits and `=1+1` stays what was typed. Only 序号 and 人数 are numbers.
    """
    return await workbook(meeting.title, meeting.printed_by, meeting.printed_at, _workbook(meeting, _by_unit(people), answers))


def role_word(role: str) -> str:
    """The Chinese word of a quota role's code; a code that is not in the table comes back as it is."""
    return ROLE_WORDS.get(role, role)


def stand_in_words(person: Attendee) -> str:
    """替会（某某） for a stand-in, else ""."""
    return f"替会（{person.stand_in_for}）" if person.stand_in_for else ""


def card_name(name: str) -> str:
    """The name as a table card shows it: two characters stand apart (张　三), any other is left alone."""
    name = name.strip()
    return "　".join(name) if len(name) == 2 else name


# ---- paper --------------------------------------------------------------------------------------------------------------------


async def _people_sheet(
    template: str,
    kind: str,
    meeting: Meeting,
    people: Sequence[Attendee],
    rows: list[list[str]],
    font_paths: Sequence[Path] | None,
) -> bytes:
    """The PDF of a sheet with one row a person; a line above a row whose unit differs from the row before."""
    total = f"{len({person.unit for person in people})} 个单位，{len(people)} 人"
    groups = [False, *(before.unit != after.unit for before, after in pairwise(people))]
    data = _head(meeting, kind, total) | {"rows": rows, "groups": groups}
    return await typeset(template, data, at=meeting.printed_at, font_paths=font_paths)


def _head(meeting: Meeting, kind: str, total: str) -> dict[str, object]:
    """What every sheet says above its table, and the line with who printed it and when."""
    return {
        "title": meeting.title,
        "time": meeting.time_text,
        "place": meeting.place,
        "organiser": meeting.organiser,
        "total": total,
        "printed": f"送达　{kind}　{meeting.printed_by}　{_local(meeting.printed_at, meeting)} 打印",
    }


def _by_unit(people: Sequence[Attendee]) -> list[Attendee]:
    """The same people with each unit's standing together; otherwise in the order given."""
    first = {unit: at for at, unit in enumerate(dict.fromkeys(person.unit for person in people))}
    return sorted(people, key=lambda person: first[person.unit])


def _remark(person: Attendee) -> str:
    """The 备注 cell: 替会（某某） first, then the note."""
    return "；".join(part for part in (stand_in_words(person), person.note) if part)


def _local(at: str, meeting: Meeting) -> str:
    """A UTC text on the meeting's wall clock, to the minute; "" stays ""."""
    return f"{local(at, ZoneInfo(meeting.zone)):%Y-%m-%d %H:%M}" if at else ""


# ---- workbook -----------------------------------------------------------------------------------------------------------------


def _workbook(meeting: Meeting, people: Sequence[Attendee], answers: Sequence[Answer]) -> list[Sheet]:
    """The sheets of the workbook."""
    rows = [(n, a.unit, a.state, _local(a.answered_at, meeting), a.people, a.reason) for n, a in enumerate(answers, 1)]
    return [
        Sheet("名单", PEOPLE_HEADS, [_people_row(n, person, meeting) for n, person in enumerate(people, 1)]),
        Sheet("各单位答复", ANSWER_HEADS, rows),
    ]


def _people_row(n: int, person: Attendee, meeting: Meeting) -> tuple[str | int, ...]:
    """The cells of one person, under PEOPLE_HEADS."""
    who = (person.unit, person.name, person.position, person.mobile, role_word(person.role))
    return (n, *who, stand_in_words(person), _local(person.checked_in_at, meeting), person.note)
