"""Every call of the API against whoever may not make it, and against values that nobody should send."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ground import openapi
from ground.api import described_routes
from ground.clock import FixedClock
from ground.directory.policy import ANYONE, may
from ground.openapi import Described
from ground.shapes import Record
from tests.programs import MA, Programs, open_programs, problem

HOSTILE: tuple[Any, ...] = (
    None, True, -1, 2**70, 1.5, "", " ", "\x00", "a\x1bb\u202ec", "长" * 10_000, "'; DROP TABLE people; --", "{title}", "%s%n",
    "../../etc/passwd", [], {}, [[[[]]]], ["unit:" + "9" * 60], {"a": {"b": {}}}, ["x"] * 6000, "9" * 400,
)  # fmt: skip
RAW = (
    b'{"title": 1e999}', b'{"title": NaN}', b'{"title": "\\ud800"}', b"{" * 100_000, b"null", b"\xff\xfe{}", b'"text"',
    b'{"title": 1', b'{"reason": "\\u0000"}', b'{"\\ud83d": 1}', b"[" * 100_000,
)  # fmt: skip
PLACES = (
    "0",
    "-1",
    "00",
    "1e3",
    "9" * 15,
    "9" * 16,
    "9" * 400,
    "%00",
    "%F0%9F%98%80",
    "..%2f..",
    "1-1",
    "1-",
    "x'--",
    "%E9%BB%91",
)


@pytest.fixture
async def programs(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Programs]:
    async with open_programs(where, clock, tmp_path) as found:
        yield found


def calls(programs: Programs) -> list[Described]:
    """Every call that takes a token."""
    found = described_routes(programs.clients.app.routes)
    return [call for call in found if call.endpoint.may not in ANYONE]


def at(call: Described, place: str = "1") -> str:
    return re.sub(r"{\w+}", place, call.path)


async def test_no_token_and_no_right_token(programs: Programs) -> None:
    stranger, liar, cookie = (programs.clients.stranger() for _ in range(3))
    liar.headers["authorization"] = "Bearer songda_" + "x" * 43
    cookie.cookies = (await programs.clients.page(programs.clients.world.organiser)).cookies
    for call in calls(programs):
        for client in (stranger, liar, cookie):
            answer = await client.request(call.method, at(call))
            problem(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_has_ended(programs: Programs) -> None:
    assert (await programs.office.get("/api/v1/notices")).status_code == 200
    programs.clock.move(days=31)
    problem(await programs.office.get("/api/v1/notices"), 401, "unauthorized")


async def test_every_post_is_kept_from_what_it_may_not(programs: Programs) -> None:
    world = programs.clients.world
    refused = 0
    for actor in (world.organiser, world.north_clerk, world.north_leader, world.operator, world.security):
        client = await programs.clients.api(actor)
        for call in calls(programs):
            if not may(actor.roles, call.endpoint.may):
                problem(await client.request(call.method, at(call)), 403, "forbidden")
                refused += 1
    assert refused > 50


async def test_hostile_places(programs: Programs) -> None:
    await programs.publish()
    for call in calls(programs):
        if "{" in call.path:
            for place in PLACES:
                for client in (programs.office, programs.north):
                    answer = await client.request(call.method, at(call, place), json={} if call.method != "GET" else None)
                    assert answer.status_code < 500, (call, place, answer.text)


async def test_hostile_queries(programs: Programs) -> None:
    for path in ("notices", "inbox", "messages", "units", "groups", "live"):
        for name in ("limit", "cursor", "state", "subject", "side", "q", "ticket", "notice"):
            for value in ("%00", "9" * 30, "-1", "长" * 1000, "%ff%fe", "²", "*", "YWZ0ZXI6", "YWZ0ZXI6OTk5OTk5OTk5OTk5OTk5"):
                answer = await programs.office.get(f"/api/v1/{path}?{name}={value}")
                assert answer.status_code < 500, (path, name, value, answer.text)


async def test_hostile_bodies(programs: Programs) -> None:
    """Each field of each call, one after the other, with each value."""
    id = await programs.publish()
    receipt, document = await programs.sign(id), await programs.document()
    sent = 0
    for call in calls(programs):
        said = openapi.call_of(call)
        if call.method == "GET" or said is None or said.upload or "/uploads" in call.path:  # tus speaks by headers
            continue
        path = at(call, document if "document" in call.path else receipt if "receipt" in call.path else id)
        client = programs.north if may(programs.clients.world.north_clerk.roles, call.endpoint.may) else programs.office
        good = good_body(programs, said.body)
        for field in said.body.fields:
            for value in HOSTILE:
                answer = await client.request(call.method, path, json=good | {field: value})
                assert answer.status_code < 500, (call, field, value, answer.text)
                sent += 1
        for raw in RAW:
            answer = await client.request(call.method, path, content=raw, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 404, 422), (call, raw, answer.text)
    assert sent > 500
    await alive(programs.office, id)


async def alive(client: httpx2.AsyncClient, id: str) -> None:
    assert (await client.get(f"/api/v1/notices/{id}/answers")).json()["counts"]["total"] == 2


def good_body(programs: Programs, body: Record) -> dict[str, Any]:
    """What is asked for, as it should be."""
    whole = programs.meeting() | {
        "version": 1, "people": [MA], "leaves": [], "reason": "原因", "person": "甲", "unit": "620001", "approve": True,
        "name": "各乡镇", "role": "principal", "main": ["unit:620002"], "agree": True, "codes": ["12"],
    }  # fmt: skip
    return {name: whole[name] for name in body.need.split()}
