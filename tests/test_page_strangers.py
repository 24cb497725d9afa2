"""Every page route with an id in it, walked by the right role of the wrong unit: it answers like one that does not exist.

A new route with an id fails here until it has a line in `ROWS`, or stands in `OF_THE_CITY` with the reason.

Outsiders belong to a unit that was invited to nothing, guests to one that was invited to the same meetings. Each line is also
walked by the one whose thing it is, with the same form: a door that is closed to everybody proves nothing.
"""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx2
import pytest
from starlette.routing import Route

from app import ROOMS, build
from ground import config as settings
from ground import uploads
from ground.clock import FixedClock
from ground.db import Tx
from ground.directory import groups, people, units
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.directory.policy import ANYONE, may
from ground.directory.units import NewUnit
from ground.files import record
from ground.visit import House
from tests.app_client import BASE, Browser
from tests.browser.furnished import furnish
from tests.browser.house import local, now
from tests.world import sign_in

Form = Mapping[str, str | list[str]]


class Row(NamedTuple):
    """A route, and whose thing stands in its path."""

    name: str
    ids: dict[str, str]  # what each id in the path is; `beside`, the outsider's own, and `first` stay when the others go
    by: str = ""  # whose it is, and who opens it with the same form; nobody: two ids that do not belong together
    form: Form = MappingProxyType({})
    guests: bool = False  # the other units that were invited may enter as well


OPEN, FRESH, LATE, BEGUN = {"id": "open"}, {"id": "fresh"}, {"id": "late"}, {"id": "begun"}
PERSON, BESIDE = {"unit": "unit", "person": "person"}, {"unit": "beside", "person": "person"}
MEETING = {
    "title": "全市文物保护会议", "place": "三楼会议室", "starts_at": local(6, "09:00"), "answer_by": local(4, "09:00"), "version": "2",
}  # fmt: skip
MA = {"principal_name": "马文斌", "principal_position": "区长", "principal_mobile": "13800006012", "version": "1", "waive": "1"}
SELF = {"name": "新人", "login": "xinren", "mobile": "13700009999", "role": "secretary", "position": "文书"}
HE = {"name": "何淑珍", "mobile": "13900003158", "email": ""}
OUT, TO_SIGN = {"id": "document"}, {"id": "doc_correction"}
MORE = {"unit": "6200000999", "sign_by": local(3, "12:00")}

ROWS = (
    Row("token_revocation", {"token": "token"}, "north_clerk"),
    Row("delegation_revocation", {"delegation": "delegation"}, "north_clerk"),
    Row("group", {"group": "own_group"}, "organiser", {"name": "新名单", "unit": ["620001"]}),
    Row("group_closing", {"group": "own_group"}, "organiser"),
    Row("file", {"file": "loose_file"}, "organiser"),
    Row("file", {"file": "file"}, "north_clerk", guests=True),
    Row("file_preview", {"file": "loose_file"}, "organiser"),
    Row("file_preview", {"file": "file"}, "north_clerk", guests=True),
    Row("file_picture", {"file": "loose_file", "page": "first"}, "organiser"),
    Row("meeting_preview", {"draft": "draft"}, "organiser"),
    Row("meeting_new", {"draft": "draft"}, "organiser"),
    Row("meeting_new", {"copy": "open"}, "organiser"),
    Row("meeting_draft_removal", {"draft": "draft"}, "organiser"),
    Row("meeting_progress", OPEN, "organiser"),
    Row("meeting_part", OPEN, "organiser"),
    Row("meeting_chase", OPEN, "organiser"),
    Row("people_xlsx", OPEN, "organiser"),
    Row("people_pdf", OPEN, "organiser"),
    Row("sign_in_pdf", OPEN, "organiser"),
    Row("cards_pdf", OPEN, "organiser"),
    Row("door_pdf", OPEN, "organiser"),
    Row("meeting_names", OPEN, "organiser"),
    Row("meeting_door", BEGUN, "organiser"),
    Row("meeting_door_part", BEGUN, "organiser"),
    Row("meeting_attendance", BEGUN, "organiser", {"attendee": "{present}"}),
    Row("attendance_removal", BEGUN | {"attendee": "present"}, "organiser"),
    Row("meeting_minutes", BEGUN, "organiser", {"attachment": "{loose_file}"}),
    Row("leave_decision", {"id": "leave"}, "organiser", {"approve": "1"}),
    Row("late_decision", {"id": "late_change"}, "organiser", {"approve": "1"}),
    Row("meeting_answer_for", FRESH | {"unit": "unit_id"}, "organiser", MA),
    Row("meeting", OPEN, "north_clerk", guests=True),
    Row("meeting", FRESH, "north_clerk", guests=True),
    Row("meeting", LATE, "south_clerk", guests=True),
    Row("meeting_text", OPEN, "north_clerk", guests=True),
    Row("meeting_receipt", OPEN, "north_clerk", guests=True),
    Row("meeting_ics", OPEN, "north_clerk", guests=True),
    Row("attendee_code", OPEN | {"attendee": "attendee"}, "north_clerk"),
    Row("meeting_confirm", OPEN, "north_clerk", {"version": "2"}, guests=True),
    Row("meeting_answer", FRESH, "north_clerk", MA, guests=True),
    Row("meeting_late", LATE, "south_clerk", MA | {"late_reason": "换人"}, guests=True),
    Row("meeting_sign", BEGUN, "south_clerk", guests=True),
    Row("meeting_change", OPEN, "organiser", MEETING),
    Row("meeting_versions", OPEN, "organiser", MEETING),
    Row("meeting_cancellation", OPEN, "organiser", {"reason": "主要领导另有安排"}),
    Row("document_new", {"draft": "paper"}, "sender"),
    Row("document_new", {"copy": "document"}, "sender"),
    Row("document_new", {"corrects": "document"}, "sender"),
    Row("document_preview", {"draft": "paper"}, "sender"),
    Row("document_draft_removal", {"draft": "paper"}, "sender"),
    Row("document_progress", OUT, "sender"),
    Row("document_part", OUT, "sender"),
    Row("document_table", OUT, "sender"),
    Row("document_xlsx", OUT, "sender"),
    Row("document_chase", OUT, "sender"),
    Row("document_supplement", OUT, "sender", MORE),
    Row("document_supplement_checks", OUT, "sender", MORE),
    Row("document_recall", OUT, "sender", {"reason": "附件有误"}),
    Row("document_void", {"id": "wrong"}, "sender", {"reason": "重复发文"}),
    Row("document", {"id": "doc"}, "north_clerk", guests=True),
    Row("document", TO_SIGN, "north_clerk", guests=True),
    Row("document_sign", TO_SIGN, "north_clerk", guests=True),
    Row("document_register", TO_SIGN, "north_clerk", guests=True),
    Row("document_receipt_pdf", {"id": "doc_done"}, "north_clerk"),
    Row("document_forward", {"id": "doc_done"}, "north_clerk", {"unit": "6200000999"}, guests=True),
    Row("document_pass", {"id": "doc"}, "north_clerk", {"person": "{colleague}"}, guests=True),
    Row("document_return", {"id": "doc"}, "north_clerk", {"codes": ["12"], "reason": "附件2只有表头"}, guests=True),
    Row("document_return_notice", {"id": "doc_returned"}, "north_clerk"),
    Row("document_return_pdf", {"id": "doc_returned"}, "north_clerk"),
    Row("document_answer", {"id": "doc_answer"}, "north_clerk", {"text": "已排查"}, guests=True),
    Row("document_recall_decide", {"id": "doc_asked"}, "north_clerk", {"agree": "1"}),
    Row("upload_part", {"upload": "upload"}, "organiser"),
    Row("session_end", {"session": "session"}, "north_clerk"),
    Row("unit", {"unit": "unit"}, "unit_admin"),
    Row("person_new", {"unit": "unit"}, "unit_admin", SELF),
    Row("person", PERSON, "unit_admin", HE),
    Row("person", BESIDE, "", HE),
    Row("person_posts", PERSON, "unit_admin", {"role": "organiser", "position": "科员"}),
    Row("person_posts", BESIDE, "", {"role": "organiser", "position": "科员"}),
    Row("person_password", PERSON, "unit_admin"),
    Row("person_password", BESIDE),
    Row("person_totp_removal", PERSON, "unit_admin"),
    Row("person_totp_removal", BESIDE),
    Row("person_sessions_end", PERSON, "unit_admin"),
    Row("person_sessions_end", BESIDE),
    Row("post_ending", PERSON | {"post": "post"}, "unit_admin"),
    Row("post_ending", BESIDE | {"post": "post"}),
    Row("person_disabling", PERSON, "unit_admin"),
    Row("person_disabling", BESIDE),
    Row("person_enabling", PERSON, "unit_admin"),
    Row("person_enabling", BESIDE),
)
# Who has the role has all of them: units as such and messages are the operators' of the whole city.
# A check-in's secret is the right to it: see below.
OF_THE_CITY = {
    "unit_data", "unit_change", "unit_name", "unit_merging", "unit_closing", "message_resend", "message_end", "meeting_check_in",
}  # fmt: skip
MISSING, STAYS = "987654321", {"beside", "first"}
PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
ROUTES = [route for room in ROOMS for route in room if "/api/" not in route.path]


def test_every_route_with_an_id_stands_in_the_table() -> None:
    names = {route.name for route in ROUTES if "{" in route.path}
    walked = {row.name for row in ROWS}
    assert names - walked - OF_THE_CITY == set(), "give it a line in ROWS: what its ids are, whose they are, a form that works"
    assert (walked | OF_THE_CITY) - {route.name for route in ROUTES} == set()


# --- the stage --------------------------------------------------------------------------------------------------------------


class Stage(NamedTuple):
    """The app, what its city holds, the session of each of the cast, and people who own nothing of it."""

    app: Any
    house: House
    ids: dict[str, str]
    tokens: dict[str, str]
    outsiders: list[Actor]
    guests: list[Actor]

    def browser(self, token: str) -> Browser:
        """A browser signed in with a session."""
        client = Browser(transport=httpx2.ASGITransport(app=self.app, raise_app_exceptions=False), base_url=BASE)
        client.cookies.set(self.house.cookie, token)
        return client


async def staff(tx: Tx, unit: int) -> list[Actor]:
    """Somebody of every role that has a unit's things, in `unit`."""
    at, found = await units.by_id(tx, unit), []
    for number, role in enumerate(("organiser", "secretary", "leader", "unit_admin")):
        login, mobile = f"rival{unit}.{number}", f"1370{unit:03}990{number}"
        id = await people.add(tx, NewPerson(login, "旁人", mobile, "", role, ""), unit, by=None, joined=False, at=now())
        found.append(Actor(id, "旁人", login, unit, at.code, at.name, at.short_name, at.path, frozenset({role})))
    return found


async def _under_way(tx: Tx, unit: int, person: int) -> str:
    """An upload that has begun: its first bytes are still to come."""
    begun = await uploads.begin(tx, "附表.txt", 10, unit=unit, person=person, room=1 << 30, keep_hours=24, at=now())
    return begun.id


async def _set_up(tx: Tx, sha256: Any) -> tuple[dict[str, str], list[Actor], list[Actor]]:
    """What the furnished city lacks: things of single persons, a file that nobody was sent, outsiders and guests."""
    new = NewUnit("6200000999", "测试市史志办公室", "市史志办", 1, "政府", 1)
    outsiders = await staff(tx, await units.open_unit(tx, new, today="2025-01-01", at=now()))
    guests = await staff(tx, (await units.exactly(tx, "6200000012", "unit")).id)
    clerk, owner, office = [
        await tx.value("SELECT id FROM people WHERE login = 'hesz'"),
        *(await tx.all("SELECT person_id, unit_id FROM posts WHERE role = 'organiser' ORDER BY id", lambda *c: c))[0],
    ]
    texts = {
        "session": await tx.value("SELECT public_id FROM sessions WHERE person_id = :clerk", clerk=clerk),
        "token": await tx.value("SELECT public_id FROM tokens WHERE person_id = :clerk", clerk=clerk),
        "delegation": await tx.value("SELECT id FROM delegations"),
        "colleague": await tx.value("SELECT id FROM people WHERE login = 'mawb'"),
        "upload": await _under_way(tx, office, owner),
        "present": await tx.value("SELECT id FROM attendees WHERE checked_in_at IS NOT NULL"),
        "own_group": await groups.open_group(tx, "办内名单", owner=office, by=None, at=now()),
        "loose_file": (await record(tx, sha256, "纪要.pdf", unit=office, person=owner, at=now())).id,
    }
    return {name: str(value) for name, value in texts.items()} | {"beside": new.code, "first": "1"}, outsiders, guests


@pytest.fixture
async def stage(where: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The furnished city with outsiders and guests in it; its clock stands, so that two answers show the same time."""
    config = settings.load(None, {"SONGDA_DATABASE_URL": where, "SONGDA_DATA_DIR": str(tmp_path / "data")})
    app = build(config, FixedClock(now()), work=False)
    async with app.router.lifespan_context(app):
        house: House = app.state.house
        made = await furnish(house.db, house.files)
        stored = await house.files.put_bytes(PDF)
        ids, outsiders, guests = await house.db.write(_set_up, stored)
        yield Stage(app, house, made.ids | ids, made.tokens, outsiders, guests)


async def everything(tx: Tx, where: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    catalogue = (
        ("pg_tables WHERE schemaname = 'public'", "tablename")
        if "://" in where
        else ("sqlite_master WHERE type = 'table' AND sql NOT LIKE '%fts5%'", "name")  # cannot be read; the tables below it are
    )
    names = await tx.all(f"SELECT {catalogue[1]} FROM {catalogue[0]}", str)
    return {name: sorted(map(repr, await tx.all(f"SELECT * FROM {name}", lambda *c: c))) for name in names}


# --- the walk ---------------------------------------------------------------------------------------------------------------


def at(route: Route, ids: Mapping[str, str]) -> str:
    """The route's path with ids in it; those that it has no place for stand in its query."""
    path = re.sub(r"{(\w+)(?::\w+)?}", lambda found: ids[found[1]], route.path)
    query = "&".join(f"{name}={value}" for name, value in ids.items() if f"{{{name}" not in route.path)
    return f"{path}?{query}" if query else path


async def walk(client: Browser, route: Route, path: str, row: Row, ids: Mapping[str, str]) -> httpx2.Response:
    """Open the page, press its button, or send what its script would."""
    (method,) = (route.methods or set()) - {"HEAD"}
    if method == "GET":
        return await client.get(path)
    if method != "POST":
        return await piece(client, method, path)
    form = {k: v.format(**ids) if isinstance(v, str) else v for k, v in row.form.items()}
    return await client.press(path, form)


async def piece(client: Browser, method: str, path: str) -> httpx2.Response:
    """The first bytes of an upload, or its end, as the page's script sends them."""
    token = re.search(r'name="csrf" value="([^"]+)"', (await client.get("/account")).text)
    said = {"x-csrf-token": token[1] if token else "", "origin": BASE, "tus-resumable": "1.0.0", "upload-offset": "0"}
    type = {"content-type": "application/offset+octet-stream"} if method == "PATCH" else {}
    return await client.request(method, path, headers=said | type, content=b"bytes" if method == "PATCH" else b"")


def seen(answer: httpx2.Response, ids: Mapping[str, str]) -> tuple[int, str, str]:
    """The answer without what the asker said himself (the ids) and the mark of one press."""
    text = re.sub(r'name="once" value="[^"]*"', "", answer.text)
    said = "|".join(rf"(?:(?<=/)|(?<=%2F)){re.escape(id)}(?![\w-])" for id in ids.values())
    return answer.status_code, re.sub(said, "", answer.headers.get("location", "")), re.sub(said, "", text)


def may_enter(actor: Actor, route: Route) -> bool:
    """Whether the role is right."""
    act = route.endpoint.may  # type: ignore[attr-defined]
    return act not in ANYONE and may(actor.roles, act)


def pairs(rows: tuple[Row, ...]) -> list[tuple[Row, Route]]:
    """Each line with each of its routes, in the table's order, what only looks first."""
    found = [(row, route) for row in rows for route in ROUTES if route.name == row.name]
    return sorted(found, key=lambda pair: "GET" not in (pair[1].methods or ()))


async def compared(stage: Stage, actor: Actor, client: Browser, rows: tuple[Row, ...]) -> tuple[set[str], list[Any]]:
    """Walk the lines as somebody who owns nothing in them: what was walked, and where there and missing differ."""
    walked, wrong = set(), []
    for row, route in pairs(rows):
        if not may_enter(actor, route):
            continue
        real = {name: stage.ids[key] for name, key in row.ids.items()}
        gone = {name: real[name] if key in STAYS else MISSING for name, key in row.ids.items()}
        there, missing = [seen(await walk(client, route, at(route, ids), row, stage.ids), ids) for ids in (real, gone)]
        bare = route.name in SENT_BACK and "GET" in (route.methods or ())
        if there != missing or there[0] != (303 if bare else 404):
            wrong.append((*actor.roles, route.name, sorted(route.methods or ()), there[:2], missing[:2]))
        walked.add(row.name)
    return walked, wrong


# A reload of an address that only takes forms leads to the page of the thing, whatever the id: there the answer is 404.
SENT_BACK = {"meeting_answer", "meeting_late", "meeting_confirm", "meeting_sign", "document_sign", "document_register"}


async def test_an_outsider_sees_what_is_not_there(stage: Stage, where: str) -> None:
    tokens = {who: await sign_in(stage.house.db, who, now=stage.house.clock.now()) for who in stage.outsiders + stage.guests}
    before = await stage.house.db.read(everything, where)
    walked, wrong = set[str](), list[Any]()
    for actor, token in tokens.items():
        rows = ROWS if actor in stage.outsiders else tuple(row for row in ROWS if not row.guests)
        names, found = await compared(stage, actor, stage.browser(token), rows)
        walked |= names
        wrong += found
    assert wrong == []
    assert {row.name for row in ROWS} - walked == set(), "a route that no outsider may enter proves nothing"
    after = await stage.house.db.read(everything, where)
    assert {name for name in before if before[name] != after[name]} == set(), "what was refused changed something"


async def test_a_door_that_stands_open_is_noticed(stage: Stage) -> None:
    """Guests walk the lines that are theirs too: to them there and missing differ, and the walk must say so."""
    rows = tuple(row for row in ROWS if row.guests and row.name not in SENT_BACK)
    entered = set[str]()
    for guest in stage.guests:
        client = stage.browser(await sign_in(stage.house.db, guest, now=stage.house.clock.now()))
        walked, wrong = await compared(stage, guest, client, rows)
        assert {found[len(guest.roles)] for found in wrong} == walked
        entered |= walked
    assert entered == {row.name for row in rows}


async def test_whose_it_is_opens_it(stage: Stage) -> None:
    closed = []
    for row, route in pairs(tuple(row for row in ROWS if row.by)):
        ids = {name: stage.ids[key] for name, key in row.ids.items()}
        client = stage.browser(stage.tokens[row.by])
        answer = await walk(client, route, at(route, ids), row, stage.ids)
        if answer.status_code not in (200, 204, 303) or "sign-in" in answer.headers.get("location", ""):
            closed.append(
                (row.name, sorted(route.methods or ()), answer.status_code, re.findall('role="alert".*?</', answer.text))
            )
    assert closed == [], "\n".join(map(str, closed))


async def test_a_check_in_is_entered_by_its_secret_alone(stage: Stage) -> None:
    client = stage.browser("")
    ids = stage.ids
    assert (await client.get(f"/meetings/{ids['begun']}/check-in/{ids['begun_secret']}")).status_code == 200
    for place in (ids["fresh_secret"], "x", ids["begun_secret"][:-1]):
        real, gone = {"id": ids["begun"], "secret": place}, {"id": MISSING, "secret": place}
        for method in ("GET", "POST"):
            answers = []
            for one in (real, gone):
                path = f"/meetings/{one['id']}/check-in/{place}"
                form = {"name": "马文斌", "digits": "6012"}
                got = await (client.get(path) if method == "GET" else client.press(path, form, page="/sign-in"))
                answers.append(seen(got, one))
            assert answers[0] == answers[1], (method, place)
            assert answers[0][0] == 404, (method, place)
