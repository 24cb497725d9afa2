"""Messages for programs, and the carriers' calls."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ground.clock import FixedClock
from ground.db import Tx
from tests.programs import Programs, open_programs, other_organiser, problem

SECRET = "s/ecret 秘&密"
KANNEL = {"SONGDA_SMS_FIRST": "kannel", "SONGDA_KANNEL_REPORT_SECRET": SECRET}


@pytest.fixture
async def programs(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Programs]:
    async with open_programs(
        where, clock, tmp_path, **KANNEL, SONGDA_SMS_SECOND="http", SONGDA_HTTP_GATEWAY_URL="http://127.0.0.1:9/"
    ) as found:
        yield found


async def left(tx: Tx, subject: int) -> tuple[str, str]:
    """Let the first message of a subject leave through Kannel; its token and number."""
    id, mobile, content = await tx.one(  # type: ignore[misc]
        "SELECT id, address, content_id FROM messages WHERE subject_id = :s AND channel = 'sms' ORDER BY id LIMIT 1",
        lambda *c: c, s=subject,
    )  # fmt: skip
    await tx.run(
        "INSERT INTO dispatches (token, channel, address, name, content_id, parts, gateway, state, claimed_by, claimed_until, "
        "carrier_id, code, reason, created_at) VALUES ('tok-1', 'sms', :mobile, '', :content, 1, 'kannel', 'accepted', '', '', "
        "'', '', '', '2026-03-18T01:42:00.000Z')",
        mobile=mobile, content=content,
    )  # fmt: skip
    await tx.run(
        "UPDATE messages SET state = 'accepted', dispatch_id = (SELECT id FROM dispatches WHERE token = 'tok-1') WHERE id = :id",
        id=id,
    )
    return "tok-1", str(mobile)


def said(secret: str = SECRET, **params: str) -> dict[str, Any]:
    return {"secret": secret, **params}


async def states(programs: Programs, notice: str) -> list[str]:
    operator = await programs.clients.api(programs.clients.world.operator)
    found = (await operator.get(f"/api/v1/messages?subject={notice}")).json()["items"]
    return sorted({item["state"] for item in found})


async def test_a_report_is_taken_by_get_and_by_post(programs: Programs) -> None:
    id = await programs.publish()
    token, mobile = await programs.clients.db.write(left, int(id))
    stranger = programs.clients.stranger()
    report = {"token": token, "mobile": mobile, "to": mobile, "state": "1"}
    path = "/api/v1/gateway/kannel/report"
    assert await states(programs, id) == ["accepted", "ready"]
    for wrong in (report | {"to": "13899999999"}, report | {"token": "other"}, report | {"state": "99"}, {}):
        assert (await stranger.get(path, params=said(**wrong))).status_code == 200
    assert await states(programs, id) == ["accepted", "ready"]
    answer = await stranger.get(path, params=said(**report))
    assert (answer.status_code, answer.text) == (200, "")
    assert await states(programs, id) == ["delivered", "ready"]
    again = await stranger.post(path, params=said(), data=report | {"state": "2"})
    assert again.status_code == 200
    assert await states(programs, id) == ["delivered", "ready"]


async def test_a_wrong_secret_is_like_no_gateway(programs: Programs) -> None:
    stranger = programs.clients.stranger()
    for what in ("report", "inbound"):
        nobody = await stranger.get(f"/api/v1/gateway/nobody/{what}", params=said())
        for secret in ("", "x", SECRET[:-1], SECRET + "x", "\x00"):
            for method in ("GET", "POST"):
                wrong = await stranger.request(method, f"/api/v1/gateway/kannel/{what}", params=said(secret))
                problem(wrong, 404, "not_found")
                assert wrong.json() == nobody.json()
        problem(await stranger.get(f"/api/v1/gateway/kannel/{what}"), 404)
        for name, secret in (("http", ""), ("http", SECRET), ("spool", ""), ("%00", SECRET)):
            problem(await stranger.get(f"/api/v1/gateway/{name}/{what}", params=said(secret)), 404)


async def test_a_person_answers_by_text_message(programs: Programs) -> None:
    id = await programs.publish()
    stranger, path = programs.clients.stranger(), "/api/v1/gateway/kannel/inbound"
    message = {"from": "+8613900003158", "to": "106500", "text": "1 参加", "id": "mo-1"}
    for _ in range(2):
        answer = await stranger.get(path, params=said(**message))
        assert (answer.status_code, answer.text) == (200, "")
    told = (await programs.office.get(f"/api/v1/notices/{id}/answers")).json()
    [north] = [x for x in told["items"] if x["unit"] == "620001"]
    assert (north["state"], [p["name"] for p in north["people"]], north["receipt_state"]) == ("coming", ["马文斌"], "arrived")
    operator = await programs.clients.api(programs.clients.world.operator)
    echoes = [m for m in (await operator.get("/api/v1/messages")).json()["items"] if m["purpose"] == "reply"]
    assert [(m["address"], m["subject"]) for m in echoes] == [("13900003158", None)]


async def test_hostile_calls_of_a_carrier(programs: Programs) -> None:
    stranger = programs.clients.stranger()
    hostile = ("\x00", "长" * 5000, "'; DROP TABLE messages; --", "\ud83d\ude00", "", "1" * 300)
    for what in ("report", "inbound"):
        path = f"/api/v1/gateway/kannel/{what}"
        for value in hostile:
            for field in ("token", "mobile", "to", "state", "from", "text", "id", "answer"):
                good = {
                    "token": "t",
                    "mobile": "13900003158",
                    "to": "13900003158",
                    "state": "1",
                    "from": "13900003158",
                    "text": "x",
                    "id": "1",
                }
                form = await stranger.post(
                    path, params=said(), data=good | {field: value.encode("utf-16", "surrogatepass").decode("utf-16")}
                )
                assert form.status_code == 200, form.text
        for body in (
            b'{"token": "\\ud800", "text": "\\ud800", "from": "1\\u0000", "id": "\\ud800"}',
            b"[" * 9999,
            b"\xff\xfe",
            b"[1]",
            b'{"id": [1]}',
        ):
            raw = await stranger.post(path, params=said(), content=body, headers={"content-type": "application/json"})
            assert raw.status_code == 200, raw.text
        problem(await stranger.post(path, params=said(), content=b"x" * 70_000), 413)


async def test_messages_for_operators_and_for_the_sender(programs: Programs) -> None:
    first, second = await programs.publish(), await programs.publish(title="第二次会议")
    operator = await programs.clients.api(programs.clients.world.operator)
    found = (await operator.get("/api/v1/messages?limit=200")).json()["items"]
    assert {m["subject"] for m in found} == {first, second}
    assert [int(m["id"]) for m in found] == sorted((int(m["id"]) for m in found), reverse=True)
    own = (await programs.office.get(f"/api/v1/messages?subject={first}&state=ready")).json()["items"]
    assert {(m["subject"], m["channel"], m["unit_name"]) for m in own} >= {(first, "sms", "北区政府"), (first, "sms", "南区政府")}
    page = (await programs.office.get(f"/api/v1/messages?subject={first}&limit=1")).json()
    more = (await programs.office.get("/api/v1/messages", params={"subject": first, "limit": 200, "cursor": page["next"]})).json()
    assert len(page["items"] + more["items"]) == len(own)
    assert more["next"] is None
    problem(await programs.office.get("/api/v1/messages"), 403, "forbidden")
    other = await other_organiser(programs)
    for id in (first, "987654"):
        problem(await other.get(f"/api/v1/messages?subject={id}"), 404, "not_found")
    for client in (programs.north, programs.leader):
        problem(await client.get(f"/api/v1/messages?subject={first}"), 403, "forbidden")
    for bad in ("subject=x", "state=gone", "limit=0"):
        problem(await operator.get(f"/api/v1/messages?{bad}"), 422)


async def test_an_empty_secret_refuses_all(where: str, clock: FixedClock, tmp_path: Path) -> None:
    async with open_programs(where, clock, tmp_path, SONGDA_SMS_FIRST="kannel") as programs:
        stranger: httpx2.AsyncClient = programs.clients.stranger()
        for query in ("", "?secret=", "?secret=x"):
            problem(await stranger.get(f"/api/v1/gateway/kannel/report{query}"), 404)
