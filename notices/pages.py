"""会议: the list of meetings, and what everybody of an invited or sending unit may take away from one.

The unit's own page is unit_pages.py, the organiser's organiser_pages.py; `routes` joins the former.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

import segno
from starlette.responses import Response
from starlette.routing import Route

from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.policy import Act, may
from ground.errors import NotFound
from ground.messages.telling import Told
from ground.visit import Visit
from ground.web import page
from notices import attendance, calendar, organising, publishing, telling, unit_pages
from notices.notice import ROLES, Notice
from notices.organising import Invited, Organised
from notices.signups import Attendee
from receipts import inbox, ledger
from receipts.inbox import NEWEST, Hint, Item
from receipts.ledger import SubjectFile
from receipts.receipt import Fact, State

PAGE = 20
TABS = {"todo": "待办", "invited": "受邀", "organised": "我们组织的"}


class DraftLine(NamedTuple):
    """A draft in the list."""

    id: int
    title: str
    saved_at: str


class MeetingsView(NamedTuple):
    """A page of the list; only the tab that is shown is filled."""

    tab: str
    tabs: Sequence[tuple[str, str, int | None, bool]]
    waiting: list[Item]
    hints: dict[int, Hint]
    invited: list[Invited]
    organised: list[Organised]
    drafts: list[DraftLine]
    more: bool
    first: bool


class _Found(NamedTuple):
    tab: str
    waiting: list[Item]
    hints: dict[int, Hint]
    invited: list[Invited]
    organised: list[Organised]
    drafts: list[DraftLine]
    ours: bool


async def _meetings(tx: Tx, actor: Actor, tab: str, before: int, now: str) -> _Found:
    waiting = [item for item in await inbox.waiting(tx, actor.unit_id) if item.kind == "notice"]
    composes = may(actor.roles, Act.COMPOSE)
    ours = composes or bool(await organising.organised(tx, actor.unit_id, limit=1))
    if tab not in TABS or (tab == "organised" and not ours):
        tab = "organised" if composes and not waiting else "todo"
    found = _Found(tab, waiting, {}, [], [], [], ours)
    if tab == "todo":
        return found._replace(hints=await inbox.hints(tx, waiting, now))
    if tab == "invited":
        return found._replace(invited=await organising.invited(tx, actor.unit_id, before=before, limit=PAGE))
    kept = await publishing.drafts(tx, actor) if composes and before == NEWEST else []
    drafts = [DraftLine(d.id, _title(d.form), d.saved_at) for d in kept]
    return found._replace(drafts=drafts, organised=await organising.organised(tx, actor.unit_id, before=before, limit=PAGE))


def _title(form: dict[str, object]) -> str:
    """The title that was typed into a draft."""
    said = form.get("title", "")
    if isinstance(said, list):
        said = said[0] if said else ""
    return str(said)[:80]


def cursor_of(visit: Visit, name: str = "before") -> int:
    """A position in a list from the query; the newest end for anything else."""
    text = visit.query(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else NEWEST


async def show_meetings(visit: Visit) -> Response:
    """GET /meetings?tab=&before=: what waits, what we are invited to, what we organise."""
    before = cursor_of(visit)
    found = await visit.read(_meetings, visit.actor, visit.query("tab"), before, visit.now)
    url, t = visit.house.url, visit.t
    shown = [key for key in TABS if key != "organised" or found.ours]
    count = {"todo": len(found.waiting)}
    tabs = [(t(TABS[key]), url("meetings", tab=key), count.get(key), key == found.tab) for key in shown]
    more = len(found.invited) > PAGE or len(found.organised) > PAGE
    view = MeetingsView(
        found.tab, tabs, found.waiting, found.hints, found.invited[:PAGE], found.organised[:PAGE], found.drafts, more,
        before == NEWEST,
    )  # fmt: skip
    compose = may(visit.actor.roles, Act.COMPOSE) and "meeting_new" in visit.house.urls
    return visit.render("notices/meetings.html", view=view, compose=compose)


# --- what is taken away ---------------------------------------------------------------------------------------------------


async def readable(tx: Tx, id: int, actor: Actor) -> Notice:
    """A notice that the actor's unit has sent, or has been invited by. Raises NotFound (a recalled one is not there)."""
    notice = await publishing.find(tx, id)
    if notice.sender_unit != actor.unit_id and (await ledger.receipt_of(tx, id, actor.unit_id)).state == State.RECALLED:
        raise NotFound
    return notice


def attachment(name: str) -> str:
    """The Content-Disposition of a download with a Chinese name."""
    clean = "".join(c for c in name if c.isprintable() and c not in '/\\:*?"<>|')[:100] or "meeting"
    return f"attachment; filename*=UTF-8''{quote(clean)}"


async def ics(visit: Visit) -> Response:
    """GET /meetings/{id}.ics: the meeting for a calendar; a cancelled one strikes itself out."""
    notice = await visit.read(readable, visit.number("id"), visit.actor)
    told: Told = visit.house.extra["told"]
    method: calendar.Method = "CANCEL" if notice.cancelled_at else "REQUEST"
    url = f"{told.url}{visit.house.url('meeting', id=notice.id)}" if told.url else ""
    text = calendar.ics(telling.event(notice, visit.now, told, url), method)
    headers = {"content-disposition": attachment(f"{notice.title}.ics"), "cache-control": "no-store"}
    return Response(text, headers=headers, media_type=f"text/calendar; charset=utf-8; method={method}")


async def _text(tx: Tx, id: int, actor: Actor) -> tuple[Notice, list[SubjectFile]]:
    notice = await readable(tx, id, actor)
    files = await ledger.files_of(tx, await ledger.subject_of(tx, id))
    return notice, [file for file in files if file.part != "minutes"]


async def show_text(visit: Visit) -> Response:
    """GET /meetings/{id}/text: the notice as it reads on paper."""
    notice, files = await visit.read(_text, visit.number("id"), visit.actor)
    organises = notice.sender_unit == visit.actor.unit_id and may(visit.actor.roles, Act.ORGANISE)
    back = "meeting_progress" if organises else "meeting" if notice.sender_unit != visit.actor.unit_id else "meetings"
    return visit.render("notices/text.html", notice=notice, files=files, roles=ROLES, back=back)


async def _facts(tx: Tx, id: int, actor: Actor) -> tuple[Notice, list[Fact]]:
    await ledger.receipt_of(tx, id, actor.unit_id)
    return await publishing.find(tx, id), await ledger.facts_of(tx, id, actor.unit_id)


async def show_receipt(visit: Visit) -> Response:
    """GET /meetings/{id}/receipt: what the own unit has done, fact by fact."""
    notice, facts = await visit.read(_facts, visit.number("id"), visit.actor)
    own = notice.sender_unit == visit.actor.unit_id
    return visit.render("notices/receipt.html", notice=notice, facts=facts, unit=visit.actor.unit_name, own=own)


async def _attendee(tx: Tx, id: int, attendee: int, actor: Actor) -> Attendee:
    notice = await readable(tx, id, actor)
    found = await attendance.find(tx, id, attendee)
    if actor.unit_id not in (notice.sender_unit, found.unit_id):
        raise NotFound
    return found


def code_text(visit: Visit, attendee: Attendee) -> str:
    """What a person's code says: the door's page with the code filled in, where the service has an address."""
    told: Told = visit.house.extra["told"]
    path = visit.house.url("meeting_door", id=attendee.notice_id, code=attendee.token)
    return f"{told.url}{path}" if told.url else attendee.token


async def code(visit: Visit) -> Response:
    """GET /meetings/{id}/people/{attendee}/code.svg: a person's code for the door."""
    found = await visit.read(_attendee, visit.number("id"), visit.number("attendee"), visit.actor)
    out = io.BytesIO()
    segno.make_qr(code_text(visit, found), error="m").save(out, kind="svg", scale=8, border=4, light="#fff")
    headers = {"cache-control": "no-store", "content-security-policy": "default-src 'none'; sandbox"}
    return Response(out.getvalue(), headers=headers, media_type="image/svg+xml")


routes = [
    Route("/meetings", page(show_meetings, may=Act.READ, here="meetings"), methods=["GET"], name="meetings"),
    Route("/meetings/{id}.ics", page(ics, may=Act.READ), methods=["GET"], name="meeting_ics"),
    Route("/meetings/{id}/text", page(show_text, may=Act.READ, here="meetings"), methods=["GET"], name="meeting_text"),
    Route("/meetings/{id}/receipt", page(show_receipt, may=Act.READ, here="meetings"), methods=["GET"], name="meeting_receipt"),
    Route("/meetings/{id}/people/{attendee}/code.svg", page(code, may=Act.READ), methods=["GET"], name="attendee_code"),
    *unit_pages.routes,
]
