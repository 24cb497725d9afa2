"""Every call of the API with an id in its path, made by the right role of the wrong unit: it answers like one that is not there.

A new call with an id fails here until it has a line in `LINES`, or stands in `OF_THE_CITY` with the reason. Each line is also
made by the one whose thing it is, with the same body: a door that is closed to everybody proves nothing.
"""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx2
import pytest

from ground.api import described_routes
from ground.clock import FixedClock
from ground.directory import people
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.directory.policy import ANYONE, Role, may
from ground.openapi import Described
from tests.programs import MA, STARTS, SUN, Programs, open_programs, problem


class Line(NamedTuple):
    """A call, and whose thing stands in its path."""

    call: str  # method and path
    id: str  # what the id is
    by: str  # whose it is, and who makes the call with the same body: a program's name
    body: Mapping[str, Any] = MappingProxyType({})


ANSWER, REASON = {"people": [MA]}, {"reason": "原因"}
LOOKED = {"warnings_accepted": ["nobody", "leader", "mobile", "silent"]}
TUS = {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream"}
LINES = (
    Line("GET /files/{file}", "file", "office"),
    Line("GET /receipts/{receipt}", "receipt", "north"),
    Line("POST /receipts/{receipt}/opening", "receipt", "north"),
    Line("POST /receipts/{receipt}/signature", "receipt", "north"),
    Line("GET /notices/{id}", "notice", "north"),
    Line("GET /notices/{id}.ics", "notice", "north"),
    Line("POST /leaves/{id}/decision", "leave", "office", {"approve": True}),
    Line("POST /notices/{id}/answer", "notice", "north", ANSWER),
    Line("POST /notices/{id}/leave", "notice", "north", {"person": "孙立民", "reason": "病"}),
    Line("GET /notices/{id}/answers", "notice", "office"),
    Line("POST /notices/{id}/answers", "notice", "office", ANSWER | {"unit": "620001"}),
    Line("POST /notices/{id}/chase", "notice", "office"),
    Line("POST /notices/{id}/attendance", "notice", "office", {"attendee": "{attendee}"}),
    Line("GET /notices/{id}/people.xlsx", "notice", "office"),
    Line("GET /notices/{id}/people.pdf", "notice", "office"),
    Line("PATCH /notices/{id}", "notice", "office", {"version": 1, "place": "别处"}),
    Line("POST /notices/{id}/confirmation", "notice", "north", {"version": 2}),
    Line("POST /notices/{id}/cancellation", "notice", "office", REASON),
    Line("POST /late-changes/{id}/decision", "late", "office", {"approve": True}),
    Line("POST /notices/{id}/late-changes", "late_notice", "north", REASON | {"people": [MA, SUN]}),
    Line("GET /uploads/{upload}", "upload", "office"),
    Line("PATCH /uploads/{upload}", "upload", "office"),
    Line("DELETE /uploads/{upload}", "upload", "office"),
    Line("GET /documents/{document}", "document", "north"),
    Line("GET /documents/{document}", "document", "south"),
    Line("GET /documents/{document}", "draft", "north"),
    Line("PATCH /documents/{document}", "draft", "north", {"note": "请尽快"}),
    Line("POST /documents/{document}/sending", "draft", "north", LOOKED),
    Line("GET /documents/{id}/progress", "document", "north"),
    Line("POST /documents/{id}/chase", "document", "north"),
    Line("POST /documents/{id}/supplement", "document", "north", {"main": ["unit:6200000001"], "sign_by": STARTS} | LOOKED),
    Line("POST /documents/{id}/recall", "document", "north", REASON),
    Line("POST /documents/{id}/reissue", "document", "north", {"main": ["unit:620002"]} | LOOKED),
    Line("POST /documents/{id}/void", "document", "north", REASON),
    Line("POST /recalls/{id}/decision", "recall", "south", {"agree": True}),
    Line("POST /receipts/{receipt}/return", "back", "south", {"codes": ["12"], "reason": "附件2只有表头"}),
    Line("POST /receipts/{receipt}/registration", "held", "south"),
    Line("POST /receipts/{receipt}/answer", "held", "south", {"text": "已办"}),
    Line("POST /receipts/{receipt}/forwarding", "held", "south", {"main": ["unit:6200000001"]}),
    Line("POST /receipts/{receipt}/handover", "held", "south", {"person": "{colleague}"}),
)
TWO_SIDED = {"document", "draft", "recall", "back", "held"}
# Everybody who is signed in may look a unit up by its code; the gateways' calls are entered by the gateway's own secret.
OF_THE_CITY = {
    "GET /units/{code}",
    *(f"{method} /gateway/{{name}}/{what}" for method in ("GET", "POST") for what in ("report", "inbound")),
}
MISSING = "987654321"
BASE = "/api/v1"


class Stage(NamedTuple):
    """The programs of the cast, ids by name, and programs of a unit that was sent nothing."""

    programs: Programs
    ids: dict[str, str]
    outsiders: list[tuple[Actor, httpx2.AsyncClient]]


async def outsiders(programs: Programs) -> list[tuple[Actor, httpx2.AsyncClient]]:
    """Programs of every role that has a unit's things, in the outsiders' unit."""
    world, found = programs.clients.world, []
    for number, role in enumerate((Role.ORGANISER, Role.SECRETARY, Role.LEADER, Role.UNIT_ADMIN)):
        new = NewPerson(f"rival{number}", "旁人", f"1370000010{number}", "", role, "")
        id = await programs.clients.db.write(people.add, new, world.outside, by=None, joined=False, at=programs.clock.now())
        actor = world.outsider._replace(person_id=id, login=new.login, roles=frozenset({role}))
        found.append((actor, await programs.clients.api(actor)))
    return found


async def exchanged(programs: Programs) -> dict[str, str]:
    """Documents of 北区 to 南区: unopened, held, one to go back, one whose recall is asked for; a draft, a colleague, an upload."""
    north, south, world = programs.north, programs.south, programs.clients.world
    document, held, back, asked = [await programs.document() for _ in range(4)]
    receipts = [await programs.sign(id, south, world.south) for id in (held, back, asked)]
    assert (await north.post(f"{BASE}/documents/{asked}/recall", json=REASON)).json()["asked"] == 1
    body = (await north.post(f"{BASE}/files?name=body.pdf", content=b"%PDF-1.4 page")).json()["id"]
    draft = {"title": "关于协助调查的函", "kind": "函", "main": ["unit:620002"], "body": body, "draft": True}
    drafted = await north.post(f"{BASE}/documents", json=draft)
    begun = await programs.office.post(
        f"{BASE}/uploads", headers={"tus-resumable": "1.0.0", "upload-length": "10", "upload-metadata": "filename YS50eHQ="}
    )
    assert (drafted.status_code, begun.status_code) == (201, 201), drafted.text + begun.text
    new = NewPerson("colleague", "同事", "13700000200", "", Role.LEADER, "区长")
    colleague = await programs.clients.db.write(people.add, new, world.south, by=None, joined=False, at=programs.clock.now())
    (recall,) = await programs.clients.db.read(lambda tx: tx.all("SELECT id FROM recalls WHERE state = 'asked'", str))
    return {
        "document": document, "held": receipts[0], "back": receipts[1], "recall": recall, "draft": drafted.json()["id"],
        "upload": begun.headers["location"].rpartition("/")[2], "colleague": str(colleague),
    }  # fmt: skip


@pytest.fixture
async def stage(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Stage]:
    """A notice to both districts, the north's answer and leave, one past its deadline, a file nobody was sent; documents."""
    async with open_programs(where, clock, tmp_path) as programs:
        office, north = programs.office, programs.north
        uploaded = await office.post(f"{BASE}/files", files={"file": ("方案.pdf", b"%PDF-1.4\n" * 40, "application/pdf")})
        late = await programs.publish(invited=["unit:620001"], answer_by="2026-03-18T10:00:00+08:00")
        notice = await programs.publish()
        receipts = [await programs.sign(id) for id in (late, notice)]
        answered = await north.post(f"{BASE}/notices/{notice}/answer", json=ANSWER)
        asked = await north.post(f"{BASE}/notices/{notice}/leave", json={"person": "高建国", "reason": "病"})
        assert (uploaded.status_code, answered.status_code, asked.status_code) == (201, 200, 201), asked.text
        ids = {
            "file": uploaded.json()["id"], "notice": notice, "late_notice": late, "receipt": receipts[1],
            "leave": asked.json()["id"], "attendee": answered.json()["people"][0]["id"],
        }  # fmt: skip
        ids |= await exchanged(programs)
        found = await outsiders(programs)
        clock.move(minutes=30)
        wished = await north.post(f"{BASE}/notices/{late}/late-changes", json=ANSWER | {"reason": "换人"})
        assert wished.status_code == 201, wished.text
        yield Stage(programs, ids | {"late": wished.json()["id"]}, found)


def calls(programs: Programs) -> dict[str, Described]:
    """Every call with an id in its path."""
    found = described_routes(programs.clients.app.routes)
    return {f"{call.method} {call.path.removeprefix(BASE)}": call for call in found if "{" in call.path}


async def make(client: httpx2.AsyncClient, call: Described, id: str, line: Line, ids: Mapping[str, str]) -> httpx2.Response:
    """Make the call about `id`."""
    body = {k: v.format(**ids) if isinstance(v, str) else v for k, v in line.body.items()}
    path = re.sub(r"{\w+}", id, call.path)
    if line.id == "upload":
        return await client.request(call.method, path, headers=TUS, content=b"bytes" if call.method == "PATCH" else b"")
    return await client.request(call.method, path, json=None if call.method == "GET" else body)


def askings(stage: Stage, line: Line, actor: Actor) -> list[tuple[str, str]]:
    """What is there, as an outsider may name it, each with the same of nothing."""
    id = stage.ids[line.id]
    if "{receipt}" not in line.call:
        return [(id, f"d{MISSING}" if line.id == "draft" else MISSING)]
    return [
        (id, f"{MISSING}-1"), (f"{id.partition('-')[0]}-{actor.unit_id}", f"{MISSING}-{actor.unit_id}"),
    ]  # fmt: skip


async def test_every_call_with_an_id_stands_in_the_table(stage: Stage) -> None:
    known = {line.call for line in LINES} | OF_THE_CITY
    assert set(calls(stage.programs)) - known == set(), "give it a line in LINES: what its id is, whose it is, a body that works"
    assert known - set(calls(stage.programs)) == set()


async def test_an_outsider_is_told_what_is_told_of_nothing(stage: Stage) -> None:
    made = set()
    for line in LINES:
        call = calls(stage.programs)[line.call]
        assert call.endpoint.may not in ANYONE
        for actor, client in stage.outsiders:
            if not may(actor.roles, call.endpoint.may):
                continue
            for pair in askings(stage, line, actor):
                there, gone = [await make(client, call, id, line, stage.ids) for id in pair]
                problem(there, 404, "not_found")
                assert there.json() == gone.json(), (line.call, actor.roles)
            made.add(line.call)
    assert {line.call for line in LINES} - made == set(), "a call that no outsider may make proves nothing"


async def test_the_other_side_of_a_document_is_an_outsider_too(stage: Stage) -> None:
    """Who received it may do nothing of its sender's, and the other way round; both may look at it."""
    world, programs, made = stage.programs.clients.world, stage.programs, 0
    for line in LINES:
        if line.id not in TWO_SIDED or (line.call, line.id) == ("GET /documents/{document}", "document"):
            continue
        actor, client = (world.south_clerk, programs.south) if line.by == "north" else (world.north_clerk, programs.north)
        for pair in askings(stage, line, actor):
            there, gone = [await make(client, calls(programs)[line.call], id, line, stage.ids) for id in pair]
            problem(there, 404, "not_found")
            assert there.json() == gone.json(), (line.call, line.by)
            made += 1
    assert made > 15


async def test_whose_it_is_may(stage: Stage) -> None:
    closed = []
    for line in LINES:
        client = getattr(stage.programs, line.by)
        answer = await make(client, calls(stage.programs)[line.call], stage.ids[line.id], line, stage.ids)
        if answer.status_code not in (200, 201, 204):
            closed.append((line.call, answer.status_code, answer.text[:300]))
    assert closed == [], "\n".join(map(str, closed))
