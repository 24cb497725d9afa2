"""The receiver's half for programs: the same acts, the same rules, keys that make a repeat one act, and strangers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ground.clock import FixedClock
from tests.exchange.document_client import LATER, TITLE, arrive, put_file
from tests.programs import Programs, open_programs, problem

V1 = "/api/v1"


@pytest.fixture
async def programs(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Programs]:
    """A program for each of the cast."""
    async with open_programs(where, clock, tmp_path) as found:
        yield found


async def received(programs: Programs, **more: Any) -> str:
    """A document that the north has opened; the path of its receipt."""
    id = await arrive(programs.clients, **more)
    path = f"{V1}/receipts/{id}-{programs.clients.world.north}"
    assert (await programs.north.post(f"{path}/opening")).status_code == 200
    return path


async def test_signed_and_registered_by_one_call(programs: Programs) -> None:
    path = await received(programs)
    said = {"register": {"number": "2026-0009"}}
    assert "2026-0001" in problem(await programs.north.post(f"{path}/signature", json=said), 422)
    assert (await programs.north.get(path)).json()["state"] == "opened"
    answer = await programs.north.post(f"{path}/signature", json={"register": True})
    assert answer.json()["state"] == "registered"
    assert [(f["fact"], f["note"]) for f in answer.json()["facts"]][-2:] == [("signed", ""), ("registered", "2026-0001")]
    assert (await programs.north.post(f"{path}/signature", json={"register": True})).json() == answer.json()
    other = await received(programs)
    assert (await programs.north.post(f"{other}/signature", json={"register": False})).json()["state"] == "signed"
    done = await programs.north.post(f"{other}/registration", json={"number": "2026-0002"})
    assert done.json()["state"] == "registered"


async def test_a_notice_has_no_register(programs: Programs) -> None:
    id = await programs.publish()
    path = f"{V1}/receipts/{id}-{programs.clients.world.north}"
    await programs.north.post(f"{path}/opening")
    problem(await programs.north.post(f"{path}/signature", json={"register": True}), 422)
    assert (await programs.north.get(path)).json()["state"] == "opened"
    for act, body in (("return", {"codes": ["11"], "reason": "错"}), ("registration", {}), ("answer", {"text": "好"})):
        problem(await programs.north.post(f"{path}/{act}", json=body), 404)


async def test_returned_answered_passed_and_forwarded(programs: Programs) -> None:
    world = programs.clients.world
    back = await received(programs)
    problem(await programs.north.post(f"{back}/return", json={"codes": ["77"], "reason": "错"}), 422)
    done = await programs.north.post(f"{back}/return", json={"codes": ["11"], "reason": "不是我们的"})
    assert (done.status_code, done.json()["state"]) == (200, "returned")
    path = await received(programs, answer_by=LATER)
    problem(await programs.north.post(f"{path}/answer", json={"text": "好"}), 409)
    await programs.north.post(f"{path}/signature", json={"register": True})
    theirs = await put_file(programs.clients, world.south_clerk, "别人的.pdf", b"%PDF-1.4 south")
    problem(await programs.north.post(f"{path}/answer", json={"text": "好", "attachments": [theirs]}), 422)
    assert (await programs.north.post(f"{path}/answer", json={"text": "好"})).json()["state"] == "answered"
    problem(await programs.north.post(f"{path}/handover", json={"person": str(world.south_clerk.person_id)}), 422)
    leader = {"person": str(world.north_leader.person_id), "note": "请阅"}
    assert (await programs.north.post(f"{path}/handover", json=leader)).status_code == 200
    sent = {"main": ["unit:6200000009"], "note": "请遵照执行"}
    key = {"Idempotency-Key": "one"}
    one = await programs.north.post(f"{path}/forwarding", json=sent, headers=key)
    assert (one.status_code, one.json()["receipts"]) == (201, 1)
    assert (await programs.north.post(f"{path}/forwarding", json=sent, headers=key)).json() == one.json()
    items = (await programs.outsider.get(f"{V1}/inbox?kind=document")).json()["items"]
    assert [i["title"] for i in items] == [f"转发市政府办公室《{TITLE}》的通知"]
    assert (await programs.outsider.get(f"{V1}/inbox?kind=notice")).json()["items"] == []


async def test_registers_by_pages(programs: Programs) -> None:
    for _ in range(3):
        path = await received(programs)
        await programs.north.post(f"{path}/signature", json={"register": True})
    first = (await programs.north.get(f"{V1}/registers/received?limit=2")).json()
    assert [line["number"] for line in first["items"]] == ["2026-0003", "2026-0002"]
    second = (await programs.north.get(f"{V1}/registers/received?limit=2&cursor={first['next']}")).json()
    assert ([line["number"] for line in second["items"]], second["next"]) == (["2026-0001"], None)
    assert (await programs.south.get(f"{V1}/registers/received")).json()["items"] == []
    assert (await programs.north.get(f"{V1}/registers/sent")).json()["items"] == []
    problem(await programs.leader.get(f"{V1}/registers/received"), 403)


async def test_a_stranger_finds_no_receipt(programs: Programs) -> None:
    path = await received(programs)
    bodies: dict[str, dict[str, Any]] = {
        "return": {"codes": ["11"], "reason": "错"}, "registration": {}, "answer": {"text": "好"},
        "forwarding": {"main": ["unit:6200000009"]}, "handover": {"person": "1"}, "signature": {"register": True},
    }  # fmt: skip
    for act, body in bodies.items():
        for client in (programs.outsider, programs.south):
            problem(await client.post(f"{path}/{act}", json=body), 404, "not_found")
    assert (await programs.north.get(path)).json()["state"] == "opened"
