"""The sender's half of the documents API: one call for each thing, warnings before consequences, nothing for strangers."""

from typing import Any

import httpx2
import pytest

from exchange import numbering, recalling, sending
from ground.db import Tx
from ground.directory import units
from ground.directory.units import NewUnit
from receipts import ledger
from tests.exchange.sender_client import TITLE, Desk, rows
from tests.programs import problem
from tests.world import NOW

BY = "2026-03-19T12:00:00+08:00"
ALL = ["silent", "nobody", "leader", "mobile"]
Said = dict[str, Any]


@pytest.fixture
async def office(desk: Desk) -> httpx2.AsyncClient:
    """A program of the clerk at 市府办."""
    return await desk.clients.api(desk.clerk)


async def whole(desk: Desk, **more: Any) -> Said:
    """A document to both districts, warnings accepted."""
    return {
        "kind": "通知", "title": TITLE, "urgency": "urgent", "main": [f"group:{desk.clients.world.districts}"],
        "body": (await desk.file()).id, "sign_by": BY, "warnings_accepted": ALL, **more,
    }  # fmt: skip


async def sent(desk: Desk, office: httpx2.AsyncClient, **more: Any) -> str:
    """A document that is out; its id."""
    answer = await office.post("/api/v1/documents", json=await whole(desk, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_document_is_sent_and_read_again(desk: Desk, office: httpx2.AsyncClient) -> None:
    attachment = (await desk.file("附件.pdf", b"%PDF-1.4 x")).id
    answer = await office.post(
        "/api/v1/documents",
        json=await whole(desk, copy=["unit:6200000009"], attachments=[attachment], issuer="马文斌", joint=["620001"]),
    )
    said = answer.json()
    assert (answer.status_code, said["number"], said["receipts"], said["draft"]) == (201, "测政办发〔2026〕1号", 3, False)
    found = (await office.get(f"/api/v1/documents/{said['id']}")).json()
    assert [(r["unit"], r["part"]) for r in found["recipients"]] == [
        ("620001", "main"), ("620002", "main"), ("6200000009", "copy"),
    ]  # fmt: skip
    assert [f["part"] for f in found["files"]] == ["body", "attachment"]
    assert (found["sign_by"], found["joint"], found["issuer"]) == ("2026-03-19T04:00:00.000Z", ["北区人民政府"], "马文斌")
    listed = (await office.get("/api/v1/documents?q=清明&kind=通知&year=2026")).json()
    assert [(line["id"], line["signed"], line["total"]) for line in listed["items"]] == [(said["id"], 0, 3)]
    assert (await office.get("/api/v1/documents?kind=函")).json()["items"] == []


async def test_warnings_stop_it_until_they_are_accepted(desk: Desk, office: httpx2.AsyncClient) -> None:
    async def add(tx: Tx) -> None:
        below = NewUnit("62000101", "北区气象站", "北区气象站", desk.clients.world.north, "政府", 3)
        await units.open_unit(tx, below, today="2025-01-01", at=NOW)

    await desk.clients.db.write(add)
    said = await whole(desk, main=["unit:62000101", "unit:620002"], warnings_accepted=["silent"])
    answer = await office.post("/api/v1/documents", json=said, headers={"idempotency-key": "k1"})
    problem(answer, 409, "warnings")
    assert answer.json()["warnings"] == [
        {"code": "nobody", "units": ["62000101"], "ways": ["send_anyway", "leave_out", "send_above"]}
    ]
    assert await rows(desk.clients, "SELECT serial FROM numbers") == []
    accepted = said | {"warnings_accepted": ["silent", "nobody"]}
    first = await office.post("/api/v1/documents", json=accepted, headers={"idempotency-key": "k1"})
    again = await office.post("/api/v1/documents", json=accepted, headers={"idempotency-key": "k1"})
    assert (first.status_code, first.json()) == (201, again.json())
    assert await rows(desk.clients, "SELECT serial FROM numbers") == [(1,)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "【绝密】通知"}, "title"), ({"main": []}, "main"), ({"main": ["unit:999"]}, "main"), ({"body": ""}, "body"),
        ({"kind": "请示"}, "main"), ({"sign_by": "2026-01-01T00:00:00Z"}, "sign_by"), ({"series": "平政发"}, "series"),
        ({"joint": ["999"]}, "joint-0"), ({"dated": "2027-01-01"}, "dated"), ({"urgency": "soon"}, "urgency"),
        ({"attachments": ["nosuchfile"]}, "attachments"),
    ],
)  # fmt: skip
async def test_what_cannot_stand_is_named(desk: Desk, office: httpx2.AsyncClient, change: Said, field: str) -> None:
    answer = await office.post("/api/v1/documents", json=await whole(desk, **change))
    problem(answer, 422, "invalid")
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert await rows(desk.clients, "SELECT serial FROM numbers") == []


async def test_a_draft_is_written_changed_and_sent_once(desk: Desk, office: httpx2.AsyncClient) -> None:
    said = await whole(desk, draft=True, title="草稿")
    del said["warnings_accepted"]
    draft = (await office.post("/api/v1/documents", json=said)).json()
    assert (draft["draft"], draft["number"]) == (True, "")
    path = f"/api/v1/documents/{draft['id']}"
    assert (await office.patch(path, json={"title": TITLE, "series": "0"})).status_code == 200
    shown = (await office.get(path)).json()
    assert (shown["title"], shown["draft"], [f["part"] for f in shown["files"]]) == (TITLE, True, ["body"])
    problem(await office.post(f"{path}/sending", json={}), 409, "warnings")
    done = await office.post(f"{path}/sending", json={"warnings_accepted": ALL})
    assert (done.status_code, done.json()["number"], done.json()["receipts"]) == (201, "", 2)
    for method, where in (("GET", path), ("PATCH", path)):
        problem(await office.request(method, where, json={}), 404)
    problem(await office.post(f"{path}/sending", json={"warnings_accepted": ALL}), 409, "sent_already")
    assert len(await rows(desk.clients, "SELECT id FROM documents")) == 1


async def test_progress_prints_both_numbers_of_a_rate(desk: Desk, office: httpx2.AsyncClient) -> None:
    id = await sent(desk, office)
    await desk.sign(int(id), desk.clients.world.north_clerk)
    said = (await office.get(f"/api/v1/documents/{id}/progress")).json()
    assert {k: said[k] for k in ("total", "arrived", "opened", "signed", "numerator", "denominator", "rate", "on_time_rate")} == {
        "total": 2, "arrived": 2, "opened": 1, "signed": 1, "numerator": 1, "denominator": 2, "rate": 0.5, "on_time_rate": 0.5,
    }  # fmt: skip
    assert [(u["unit"], u["state"], u["by"]) for u in said["units"]] == [
        ("620001", "signed", "何淑珍"), ("620002", "arrived", None),
    ]  # fmt: skip


async def test_recall_and_the_receivers_decision(desk: Desk, office: httpx2.AsyncClient) -> None:
    world = desk.clients.world
    id = await sent(desk, office)
    await desk.sign(int(id), world.north_clerk)
    done = await office.post(f"/api/v1/documents/{id}/recall", json={"reason": "有误"})
    assert done.json() == {"done": 1, "asked": 1, "left": 0}
    asked = await desk.clients.db.read(recalling.waiting, int(id), world.north)
    assert asked is not None
    north, south = await desk.clients.api(world.north_clerk), await desk.clients.api(world.south_clerk)
    path = f"/api/v1/recalls/{asked.id}/decision"
    for stranger in (south, office):
        problem(await stranger.post(path, json={"agree": True}), 404)
    problem(await north.post(path, json={"agree": False}), 422)
    said = (await north.post(path, json={"agree": False, "reason": "已印发"})).json()
    assert (said["state"], said["decision_reason"], said["document"]) == ("refused", "已印发", id)
    problem(await north.post(path, json={"agree": True}), 409, "decided")
    problem(await south.get(f"/api/v1/documents/{id}"), 404)
    assert (await north.get(f"/api/v1/documents/{id}")).json()["title"] == TITLE


async def test_supplement_reissue_chase_and_void(desk: Desk, office: httpx2.AsyncClient) -> None:
    world = desk.clients.world
    id = await sent(desk, office)
    more = {"main": ["unit:6200000009"], "sign_by": "2026-03-25T04:00:00Z", "warnings_accepted": ALL}
    said = (await office.post(f"/api/v1/documents/{id}/supplement", json=more)).json()
    assert (said["number"], said["batch"], said["receipts"]) == ("测政办发〔2026〕1号", 1, 1)
    chased = (await office.post(f"/api/v1/documents/{id}/chase", json={"units": ["unit:620001"]})).json()
    assert (chased["units"], chased["messages"]) == (1, 2)
    fixed = await office.post(
        f"/api/v1/documents/{id}/reissue", json={"title": "更正件", "sign_by": BY, "warnings_accepted": ALL}
    )
    assert fixed.json()["receipts"] == 3
    new = (await office.get(f"/api/v1/documents/{fixed.json()['id']}")).json()
    assert (new["corrects"], new["title"]) == (id, "更正件")
    assert (await office.get(f"/api/v1/documents/{id}")).json()["corrected_by"] == [new["id"]]
    assert (await desk.clients.db.read(ledger.receipt_of, int(id), world.north)).state == 9
    gone = (await office.post(f"/api/v1/documents/{new['id']}/void", json={"reason": "重复"})).json()
    assert (gone["number"], gone["void_reason"]) == ("测政办发〔2026〕2号", "重复")
    problem(await office.post(f"/api/v1/documents/{new['id']}/void", json={"reason": "重复"}), 409, "voided")
    assert await desk.clients.db.read(numbering.next_of, desk.series, 2026) == 3


async def test_strangers_find_nothing(desk: Desk, office: httpx2.AsyncClient) -> None:
    world = desk.clients.world
    id = await sent(desk, office)
    draft = (await office.post("/api/v1/documents", json={"title": "草稿", "draft": True})).json()["id"]
    north, outsider = await desk.clients.api(world.north_clerk), await desk.clients.api(world.outsider)
    calls = [
        ("GET", f"{id}/progress", {}), ("POST", f"{id}/recall", {"reason": "有误"}), ("POST", f"{id}/void", {"reason": "有误"}),
        ("POST", f"{id}/supplement", {"main": ["unit:6200000009"]}), ("POST", f"{id}/reissue", {}), ("POST", f"{id}/chase", {}),
        ("GET", draft, {}), ("PATCH", draft, {"title": "改"}), ("POST", f"{draft}/sending", {}),
    ]  # fmt: skip
    for client in (north, outsider):
        for method, path, body in calls:
            problem(await client.request(method, f"/api/v1/documents/{path}", json=body), 404)
    problem(await outsider.get(f"/api/v1/documents/{id}"), 404)
    assert (await north.get("/api/v1/documents")).json()["items"] == []
    assert (await desk.clients.db.read(sending.find, int(id))).voided_at is None
