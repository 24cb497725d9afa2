"""A meeting's lists, for the unit that called it: on paper, as a workbook, and whole on the screen.

    GET /meetings/{id}/people.xlsx people.pdf sign-in.pdf cards.pdf door.pdf      files; a character without a glyph is a sentence
    GET /meetings/{id}/names                                                      everybody who comes, to read and to print

Any unit but the one that called the meeting gets 404.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.messages.telling import Told
from ground.typeset import fonts_of
from ground.visit import Visit
from ground.web import page
from notices import leaves, lists, organising, publishing
from notices.notice import ANSWER_WORDS, ROLES, Field, Notice
from notices.organising import Line, Named
from notices.pages import attachment
from notices.signups import Leave

LEAVE_WORDS = {"asked": "待批", "approved": "已同意", "refused": "不同意"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"


class Sheets(NamedTuple):
    """What the lists are made of."""

    notice: Notice
    names: list[Named]
    lines: list[Line]
    leaves: list[Leave]


async def _gather(tx: Tx, id: int, actor: Actor) -> Sheets:
    notice = await publishing.own(tx, id, actor)
    return Sheets(notice, await organising.names(tx, id), await organising.lines(tx, id), await leaves.of_notice(tx, id))


async def _sheets(visit: Visit) -> Sheets:
    return await visit.read(_gather, visit.number("id"), visit.actor)


def head_of(visit: Visit, notice: Notice) -> lists.Meeting:
    """What the head of each sheet says."""
    say = visit.house.renderer.words("zh")
    day, _, hour = say.long(notice.starts_at).partition(" ")
    return lists.Meeting(
        title=notice.title,
        time_text=f"{day}（{say.week(notice.starts_at)}）{hour}",
        place=notice.place,
        organiser=notice.sender_name,
        printed_by=f"{visit.actor.unit_short}　{visit.actor.name}",
        printed_at=visit.now,
        zone=visit.house.config.city.timezone,
    )


def person_of(named: Named, fields: Sequence[Field]) -> lists.Attendee:
    """A line of the name list, with what else was asked as the note."""
    said: dict[str, Any] = json.loads(named.fields)
    note = "；".join(f"{field.label}：{said[field.key]}" for field in fields if said.get(field.key))
    return lists.Attendee(
        named.unit_short, named.name, named.position, named.mobile, named.role, named.stands_for, named.checked_in_at, note
    )


def answers_of(sheets: Sheets) -> list[lists.Answer]:
    """How every invited unit has answered, with the reasons of its leaves."""
    why: dict[int, list[str]] = {}
    for leave in sheets.leaves:
        stand_in = f"，{leave.stand_in.name}替会" if leave.stand_in else ""
        said = f"{leave.person}请假（{LEAVE_WORDS.get(leave.state, leave.state)}{stand_in}）：{leave.reason}"
        why.setdefault(leave.unit_id, []).append(said)
    return [
        lists.Answer(x.short_name, ANSWER_WORDS[x.state], x.at or "", x.people, "；".join(why.get(x.unit_id, ())))
        for x in sheets.lines
    ]


def people_of(sheets: Sheets) -> list[lists.Attendee]:
    """Everybody who comes."""
    return [person_of(named, sheets.notice.fields) for named in sheets.names]


async def people_xlsx(visit: Visit) -> Response:
    """GET /meetings/{id}/people.xlsx: names, and every unit's answer."""
    sheets = await _sheets(visit)
    data = await lists.people_xlsx(head_of(visit, sheets.notice), people_of(sheets), answers_of(sheets))
    return _download(data, f"{sheets.notice.title}　名单.xlsx", XLSX)


def _download(data: bytes, name: str, media_type: str) -> Response:
    return Response(data, headers={"content-disposition": attachment(name), "cache-control": "no-store"}, media_type=media_type)


def _pdf(word: str, make: Callable[..., Awaitable[bytes]], *, seated: bool = False) -> Callable[[Visit], Awaitable[Response]]:
    """A handler that typesets one sheet. `seated`: only those who sit at the table: no drivers."""

    async def handler(visit: Visit) -> Response:
        sheets = await _sheets(visit)
        people = [person for person in people_of(sheets) if not (seated and person.role == "driver")]
        data = await make(head_of(visit, sheets.notice), people, **fonts_of(visit.house.config.fonts))
        return _download(data, f"{sheets.notice.title}　{word}.pdf", PDF)

    handler.__doc__ = f"{word} as PDF."
    return handler


async def door_pdf(visit: Visit) -> Response:
    """GET /meetings/{id}/door.pdf: the page for the door, whose code leads people to check in by themselves."""
    notice = await visit.read(publishing.own, visit.number("id"), visit.actor)
    told: Told = visit.house.extra["told"]
    base = told.url or str(visit.request.base_url).rstrip("/")
    url = f"{base}{visit.house.url('meeting_check_in', id=notice.id, secret=notice.check_in)}"
    data = await lists.check_in_pdf(head_of(visit, notice), url, **fonts_of(visit.house.config.fonts))
    return _download(data, f"{notice.title}　签到码.pdf", PDF)


async def show_names(visit: Visit) -> Response:
    """GET /meetings/{id}/names: the whole name list."""
    sheets = await _sheets(visit)
    people = people_of(sheets)
    units = len({named.unit_id for named in sheets.names})
    return visit.render("notices/names.html", notice=sheets.notice, people=people, units=units, roles=ROLES)


def _route(path: str, handler: Callable[[Visit], Awaitable[Response]], name: str) -> Route:
    endpoint = page(handler, may=Act.ORGANISE, here="meetings")
    return Route(f"/meetings/{{id}}/{path}", endpoint, methods=["GET"], name=name)


routes = [
    _route("people.xlsx", people_xlsx, "people_xlsx"),
    _route("people.pdf", _pdf("名单", lists.name_list_pdf), "people_pdf"),
    _route("sign-in.pdf", _pdf("签到表", lists.sign_in_pdf), "sign_in_pdf"),
    _route("cards.pdf", _pdf("桌签", lists.cards_pdf, seated=True), "cards_pdf"),
    _route("door.pdf", door_pdf, "door_pdf"),
    _route("names", show_names, "meeting_names"),
]
