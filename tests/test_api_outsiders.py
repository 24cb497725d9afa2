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
from tests.programs import MA, SUN, Programs, open_programs, problem


class Line(NamedTuple):
    """A call, and whose thing stands in its path."""

    call: str  # method and path
    id: str  # what the id is
    by: str  # whose it is, and who makes the call with the same body: a program's name
    body: Mapping[str, Any] = MappingProxyType({})


ANSWER, REASON = {"people": [MA]}, {"reason": "原因"}
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
)
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


@pytest.fixture
async def stage(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Stage]:
    """A notice to both districts, the north's answer and leave, one past its deadline, a file that nobody was sent."""
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
    return await client.request(call.method, re.sub(r"{\w+}", id, call.path), json=None if call.method == "GET" else body)


async def test_every_call_with_an_id_stands_in_the_table(stage: Stage) -> None:
    known = {line.call for line in LINES} | OF_THE_CITY
    assert set(calls(stage.programs)) - known == set(), "give it a line in LINES: what its id is, whose it is, a body that works"
    assert known - set(calls(stage.programs)) == set()


async def test_an_outsider_is_told_what_is_told_of_nothing(stage: Stage) -> None:
    made = set()
    for line in LINES:
        call = calls(stage.programs)[line.call]
        assert call.endpoint.may not in ANYONE
        missing = f"{MISSING}-1" if line.id == "receipt" else MISSING
        for actor, client in stage.outsiders:
            if not may(actor.roles, call.endpoint.may):
                continue
            there, gone = [await make(client, call, id, line, stage.ids) for id in (stage.ids[line.id], missing)]
            problem(there, 404, "not_found")
            assert there.json() == gone.json(), (line.call, actor.roles)
            made.add(line.call)
    assert {line.call for line in LINES} - made == set(), "a call that no outsider may make proves nothing"


async def test_whose_it_is_may(stage: Stage) -> None:
    closed = []
    for line in LINES:
        client = getattr(stage.programs, line.by)
        answer = await make(client, calls(stage.programs)[line.call], stage.ids[line.id], line, stage.ids)
        if answer.status_code not in (200, 201):
            closed.append((line.call, answer.status_code, answer.text[:300]))
    assert closed == [], "\n".join(map(str, closed))
