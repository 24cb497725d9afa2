"""What the notices API refuses: a key used twice, bodies that cannot be read, other units' meetings, other posts' acts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ground.clock import FixedClock
from tests.programs import MA, Programs, open_programs, other_organiser, problem


@pytest.fixture
async def programs(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Programs]:
    async with open_programs(where, clock, tmp_path) as found:
        yield found


async def test_a_key_makes_one_act_of_many(programs: Programs) -> None:
    office, key = programs.office, {"idempotency-key": "会议-1".encode().hex()}
    wrong = programs.meeting(place="")
    problem(await office.post("/api/v1/notices", json=wrong, headers=key), 422)
    problem(await office.post("/api/v1/notices", json=programs.meeting(invited=["group:999"]), headers=key), 422)
    first = await office.post("/api/v1/notices", json=programs.meeting(), headers=key)
    again = await office.post("/api/v1/notices", json=programs.meeting(), headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    problem(
        await office.post("/api/v1/notices", json=programs.meeting(title="另一个"), headers=key), 409, "idempotency_key_reused"
    )
    assert len((await office.get("/api/v1/notices")).json()["items"]) == 1
    other = f"/api/v1/notices/{first.json()['id']}/chase"
    problem(await office.post(other, json=programs.meeting(), headers=key), 422)
    problem(await office.post(other, headers=key), 409, "idempotency_key_reused")
    await programs.sign(first.json()["id"])  # another unit's key is another key
    path, body = f"/api/v1/notices/{first.json()['id']}/leave", {"person": "马文斌", "reason": "病"}
    made = [await programs.north.post(path, json=body, headers=key) for _ in range(2)]
    assert made[0].json() == made[1].json()
    assert made[0].status_code == made[1].status_code == 201


async def test_a_key_used_ten_times_at_once(programs: Programs) -> None:
    key, body = {"idempotency-key": "k"}, programs.meeting()
    answers = await asyncio.gather(*(programs.office.post("/api/v1/notices", json=body, headers=key) for _ in range(10)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert len((await programs.office.get("/api/v1/notices")).json()["items"]) == 1


async def test_what_is_missing_wrong_or_unknown_is_named(programs: Programs) -> None:
    bad: dict[str, Any] = {
        "title": 7, "place": "a\x00b", "starts_at": "明天", "answer_by": "2026-03-19T12:00:00", "seats": True,
        "quota": [{"role": "king", "min": 1.5}],
        "fields": {}, "urgency": "soon", "invited": ["各区"], "colour": "red", "agenda": "长" * 20_001,
    }  # fmt: skip
    answer = await programs.office.post("/api/v1/notices", json=bad)
    problem(answer, 422, "invalid")
    said = {e["field"]: e["detail"] for e in answer.json()["errors"]}
    assert said.keys() == {
        "title", "place", "starts_at", "answer_by", "seats", "quota-0-role", "quota-0-min", "quota-0-max", "fields", "urgency",
        "invited-0", "colour", "agenda",
    }  # fmt: skip
    assert "可用的是：title、place" in said["colour"]
    assert "控制字符" in said["place"]
    assert "20001 字" in said["agenda"]
    assert said["quota-0-max"] == "缺少这一项，请补上。"
    empty = await programs.office.post("/api/v1/notices")
    assert {e["field"] for e in empty.json()["errors"]} == {"title", "place", "starts_at", "answer_by", "invited"}
    problem(await programs.office.post("/api/v1/notices", json=programs.meeting(title="【秘密】某会")), 422)
    problem(await programs.office.post("/api/v1/notices", content=b'{"title": "\xff"}'), 400, "bad_json")
    problem(await programs.office.post("/api/v1/notices", content=b"[1]"), 422)


NO_TIMES = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "2026-03-20T24:00:01Z",
    "2026-03-20T09:00:60Z", "2026-W12-5T09:00:00Z", 5, None, "", "٢٠26-03-20T09:00:00Z", "2026-03-20T09:00:00", "明天",
)  # fmt: skip


async def test_a_time_that_is_none(programs: Programs) -> None:
    for moment in NO_TIMES:
        answer = await programs.office.post("/api/v1/notices", json=programs.meeting(starts_at=moment))
        problem(answer, 422)
        assert "starts_at" in {e["field"] for e in answer.json()["errors"]}, moment


async def test_what_is_not_ones_own_is_not_there(programs: Programs) -> None:
    id = await programs.publish(invited=["unit:620001"])
    receipt = await programs.sign(id)
    leave = (await programs.north.post(f"/api/v1/notices/{id}/leave", json={"person": "马文斌", "reason": "病"})).json()["id"]
    stranger = await other_organiser(programs)
    south, answer = programs.south, {"people": [MA]}
    asked: list[tuple[httpx2.AsyncClient, str, str, Any]] = [
        (south, "GET", f"notices/{id}", None), (south, "GET", f"notices/{id}.ics", None),
        (south, "GET", f"receipts/{receipt}", None),
        (south, "POST", f"receipts/{receipt}/opening", {}), (south, "POST", f"receipts/{receipt}/signature", {}),
        (south, "POST", f"notices/{id}/answer", answer), (south, "POST", f"notices/{id}/leave", {"person": "甲", "reason": "病"}),
        (south, "POST", f"notices/{id}/confirmation", {"version": 1}),
        (south, "POST", f"notices/{id}/late-changes", answer | {"reason": "换"}),
        (stranger, "PATCH", f"notices/{id}", {"version": 1, "place": "x"}),
        (stranger, "POST", f"notices/{id}/cancellation", {"reason": "x"}),
        (stranger, "GET", f"notices/{id}/answers", None),
        (stranger, "POST", f"notices/{id}/answers", {"unit": "620001", **answer}),
        (stranger, "POST", f"leaves/{leave}/decision", {"approve": True}), (stranger, "POST", f"notices/{id}/chase", {}),
        (stranger, "POST", f"notices/{id}/attendance", {"attendee": "1"}),
        (stranger, "GET", f"notices/{id}/people.xlsx", None),
        (stranger, "GET", f"notices/{id}/people.pdf", None), (stranger, "GET", f"notices/{id}", None),
    ]  # fmt: skip
    for client, method, path, body in asked:
        foreign = await client.request(method, f"/api/v1/{path}", json=body)
        absent = await client.request(
            method, f"/api/v1/{path.replace(id, '987654', 1).replace(f'leaves/{leave}', 'leaves/987654')}", json=body
        )
        problem(foreign, 404, "not_found")
        assert foreign.json() == absent.json(), path
    untouched = (await programs.north.get(f"/api/v1/receipts/{receipt}")).json()
    assert untouched["state"] == "answered"


async def test_a_post_does_only_what_it_may(programs: Programs) -> None:
    id = await programs.publish()
    for client, method, path, body in (
        (programs.north, "POST", "notices", programs.meeting()), (programs.north, "GET", f"notices/{id}/answers", None),
        (programs.north, "POST", f"notices/{id}/chase", {}), (programs.office, "POST", f"notices/{id}/answer", {"people": [MA]}),
        (programs.leader, "POST", f"receipts/{id}-{programs.clients.world.north}/signature", {}),
        (programs.leader, "POST", f"notices/{id}/confirmation", {"version": 1}),
    ):  # fmt: skip
        problem(await client.request(method, f"/api/v1/{path}", json=body), 403, "forbidden")
