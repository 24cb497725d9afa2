"""The door: who has come, for the desk of the unit that called the meeting, and for those who scan the code on the door; minutes.

    GET  /meetings/{id}/door?q=&who=                   the desk: search, a field for the scanner, one press a person; live
    POST /meetings/{id}/attendance                     `code` (what a scanner typed) or `attendee`
    POST /meetings/{id}/attendance/{attendee}/removal  a press by mistake
    …/meetings/{id}/check-in/{secret}                  for people's own phones: name and the mobile's last digits
    …/meetings/{id}/minutes                            minutes to those who came

All but the check-in by oneself answer 404 to any unit but the one that called the meeting.
"""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory import pinyin
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.errors import Invalid, NotFound, Refused
from ground.messages.telling import Told
from ground.pages import keep_upload
from ground.visit import Flash, Visit
from ground.web import page
from notices import answer_form, attendance, minutes, organising, publishing
from notices.notice import ROLES, Notice
from notices.organising import Named
from receipts import ledger
from receipts.ledger import SubjectFile

ROWS = 60
CODE = re.compile(r"[?&]code=([\w-]+)")


class Door(NamedTuple):
    """What the desk shows."""

    notice: Notice
    people: list[Named]
    found: int
    total: int
    came: int
    who: Named | None
    words: str


def matches(named: Named, words: str) -> bool:
    """Whether a person is meant: part of the name or unit, the mobile's end, or the name's initials."""
    if words in named.name or words in named.unit_short or words in named.unit:
        return True
    if words.isascii() and words.isdigit():
        return len(words) >= 3 and named.mobile.endswith(words)
    return words.isascii() and pinyin.initials(named.name, surname=True).startswith(words.lower())


async def _door(tx: Tx, id: int, actor: Actor, words: str, who: str) -> Door:
    notice = await publishing.own(tx, id, actor)
    names = await organising.names(tx, id)
    found = [n for n in names if matches(n, words)] if words else sorted(names, key=lambda n: bool(n.checked_in_at))
    last = next((n for n in names if str(n.id) == who), None)
    came = sum(bool(n.checked_in_at) for n in names)
    return Door(notice, found[:ROWS], len(found), len(names), came, last, words)


async def _view(visit: Visit) -> Door:
    words = visit.query("q")[:40]
    return await visit.read(_door, visit.number("id"), visit.actor, words, visit.query("who"))


async def show_door(visit: Visit) -> Response:
    """GET /meetings/{id}/door: the desk."""
    code = code_of(visit.query("code"))  # never what was just refused: the next scan would be typed behind it
    return visit.render("notices/door.html", view=await _view(visit), roles=ROLES, again=visit.query("again") == "1", code=code)


async def show_part(visit: Visit) -> Response:
    """GET /meetings/{id}/door/part: counts and list alone, for the live page."""
    return visit.render("notices/door_part.html", view=await _view(visit), roles=ROLES)


def code_of(typed: str) -> str:
    """A person's code out of what a scanner typed: the code alone, or an address that carries it."""
    found = CODE.search(typed)
    return answer_form.line(found[1] if found else typed)[:100]


async def check_in(visit: Visit) -> Response:
    """POST /meetings/{id}/attendance: somebody has come."""
    id, actor = visit.number("id"), visit.actor
    attendee, code = visit.field("attendee"), code_of(visit.field("code"))
    await visit.read(publishing.own, id, actor)
    try:
        if attendee.isascii() and attendee.isdigit() and len(attendee) < 16:
            done = await visit.write(attendance.by_id, actor, id, int(attendee), now=visit.now)
        elif code:
            done = await visit.write(attendance.by_token, actor, id, code, now=visit.now)
        else:
            raise Refused("请扫码，或按姓名查找。", code="no_code")
    except NotFound as unknown:  # at a desk with a queue the page must stay
        raise Refused(unknown.sentence, code="not_on_list") from None
    return visit.see_other("meeting_door", id=id, who=done.attendee.id, again="" if done.first else "1")


async def take_back(visit: Visit) -> Response:
    """POST /meetings/{id}/attendance/{attendee}/removal: the person has not come after all."""
    id = visit.number("id")
    await visit.write(attendance.take_back, visit.actor, id, visit.number("attendee"))
    return visit.see_other("meeting_door", id=id, flash=Flash("ok", visit.t("已取消这一次签到。")))


# --- people's own phones --------------------------------------------------------------------------------------------------


async def show_check_in(visit: Visit) -> Response:
    """GET /meetings/{id}/check-in/{secret}: what somebody who scanned the door's code sees."""
    notice = await visit.read(attendance.at_door, visit.number("id"), visit.path("secret"))
    return visit.render("notices/check_in.html", notice=notice)


async def check_in_self(visit: Visit) -> Response:
    """POST /meetings/{id}/check-in/{secret}: name and the last digits of the mobile."""
    id, secret = visit.number("id"), visit.path("secret")
    name, digits = answer_form.line(visit.field("name")), answer_form.line(visit.field("digits"))
    if not name:
        raise Invalid.one("name", "请填姓名。")
    if not re.fullmatch(r"[0-9]{4}", digits):
        raise Invalid.one("digits", "请填报名时手机号的末 4 位。")
    done = await visit.write(attendance.by_self, id, secret, name, digits, now=visit.now)
    said = "{who}，已签到。请入场。" if done.first else "{who}，早先已经签到了。请入场。"
    flash = Flash("ok", visit.t(said, who=done.attendee.name))
    return visit.see_other("meeting_check_in", id=id, secret=secret, flash=flash)


# --- minutes --------------------------------------------------------------------------------------------------------------


async def _minutes(tx: Tx, id: int, actor: Actor) -> tuple[Notice, int, int, list[SubjectFile]]:
    notice = await publishing.own(tx, id, actor)
    names = await organising.names(tx, id)
    sent = [file for file in await ledger.files_of(tx, await ledger.subject_of(tx, id)) if file.part == minutes.PART]
    return notice, len(minutes.units_that_came(names)), sum(bool(n.checked_in_at) for n in names), sent


async def show_minutes(visit: Visit) -> Response:
    """GET /meetings/{id}/minutes: the form for the minutes, and those that went out."""
    notice, units, came, sent = await visit.read(_minutes, visit.number("id"), visit.actor)
    return visit.render(
        "notices/minutes.html", notice=notice, units=units, came=came, sent=sent, text=visit.field("text"),
        started=visit.now >= notice.starts_at,
    )  # fmt: skip


async def _send(tx: Tx, visit: Visit, id: int, uploaded: list[str], text: str) -> str:
    told: Told = visit.house.extra["told"]
    done = await minutes.send(tx, visit.actor, id, uploaded, text, told=told, now=visit.now)
    return str(done.messages)


async def send_minutes(visit: Visit) -> Response:
    """POST /meetings/{id}/minutes: keep the file, tell those who came."""
    id = visit.number("id")
    await visit.read(publishing.own, id, visit.actor)
    uploaded = [file for file in visit.fields("attachment") if file]
    uploaded += [(await keep_upload(visit, upload)).id for upload in visit.uploads("files")]
    told = await visit.write_once(_send, visit, id, uploaded, answer_form.line(visit.field("text")))
    text = visit.t("会议纪要已发，通知了 {n} 次。", n=told)
    return visit.see_other("meeting_progress", id=id, flash=Flash("ok", text))


Handler = Callable[[Visit], Awaitable[Response]]


def _get(path: str, handler: Handler, name: str, *, may: Act = Act.ORGANISE, part: bool = False) -> Route:
    return Route(path, page(handler, may=may, here="meetings", part=part), methods=["GET"], name=name)


def _post(path: str, handler: Handler, name: str, again: Handler, *, may: Act = Act.ORGANISE) -> Route:
    return Route(path, page(handler, may=may, here="meetings", again=again), methods=["POST"], name=name)


routes = [
    _get("/meetings/{id}/door", show_door, "meeting_door"),
    _get("/meetings/{id}/door/part", show_part, "meeting_door_part", part=True),
    _get("/meetings/{id}/attendance", show_door, "meeting_attendance"),
    _post("/meetings/{id}/attendance", check_in, "meeting_attendance", show_door),
    _post("/meetings/{id}/attendance/{attendee}/removal", take_back, "attendance_removal", show_door),
    _get("/meetings/{id}/check-in/{secret}", show_check_in, "meeting_check_in", may=Act.PUBLIC),
    _post("/meetings/{id}/check-in/{secret}", check_in_self, "meeting_check_in", show_check_in, may=Act.PUBLIC),
    _get("/meetings/{id}/minutes", show_minutes, "meeting_minutes"),
    _post("/meetings/{id}/minutes", send_minutes, "meeting_minutes", show_minutes),
]
