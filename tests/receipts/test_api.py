"""Receipts, files and live counts for programs."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from ground.clock import FixedClock
from tests.programs import Programs, open_programs, problem

TEXT = "签到须知\n".encode() * 400


@pytest.fixture
async def programs(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Programs]:
    async with open_programs(where, clock, tmp_path, SONGDA_FILES_MAX_MB="1") as found:
        yield found


# --- receipts -------------------------------------------------------------------------------------------------------------


async def test_a_receipt_is_known_by_its_own_unit_alone(programs: Programs) -> None:
    id, north = await programs.publish(), programs.clients.world.north
    for other in (
        f"{id}-{north}",
        f"{id}-{programs.clients.world.outside}",
        f"0{id}-{north}",
        id,
        f"{id}-",
        "-",
        f"{id}-{north}-1",
    ):
        for method, path in (("GET", other), ("POST", f"{other}/opening"), ("POST", f"{other}/signature")):
            answer = await programs.south.request(method, f"/api/v1/receipts/{path}")
            assert problem(answer, 404, "not_found").startswith("没有找到")
    assert (await programs.north.get(f"/api/v1/receipts/{id}-{north}")).json()["state"] == "arrived"


async def test_a_repeat_answers_with_the_first_fact(programs: Programs) -> None:
    id = await programs.publish()
    receipt = await programs.sign(id)
    first = (await programs.north.get(f"/api/v1/receipts/{receipt}")).json()
    programs.clock.move(minutes=5)
    for act in ("opening", "signature"):
        again = await programs.north.post(f"/api/v1/receipts/{receipt}/{act}")
        assert (again.status_code, again.json()) == (200, first)
    await programs.leader.post(f"/api/v1/receipts/{receipt}/opening")
    facts = (await programs.north.get(f"/api/v1/receipts/{receipt}")).json()["facts"]
    assert [(f["fact"], f["by"]) for f in facts] == [
        ("arrived", None), ("opened", "何淑珍"), ("signed", "何淑珍"), ("opened", "马文斌"),
    ]  # fmt: skip


async def test_signing_under_a_key(programs: Programs) -> None:
    id = await programs.publish()
    path, key = f"/api/v1/receipts/{id}-{programs.clients.world.north}", {"idempotency-key": "k"}
    problem(await programs.north.post(f"{path}/signature", headers=key), 409, "not_opened")
    await programs.north.post(f"{path}/opening")
    first = await programs.north.post(f"{path}/signature", headers=key)
    again = await programs.north.post(f"{path}/signature", headers=key)
    assert (first.status_code, again.text) == (200, first.text)
    problem(await programs.north.post(f"{path}/signature", json={"waived": []}, headers=key), 409, "idempotency_key_reused")
    problem(await programs.north.post(f"{path}/opening", json={"x": 1}), 422)
    problem(await programs.north.post(f"{path}/signature", json={"waived": "all"}), 422)


async def test_the_lists_of_the_inbox(programs: Programs) -> None:
    first, second = await programs.publish(), await programs.publish()
    await programs.sign(first)

    async def listed(state: str) -> list[str]:
        answer = (await programs.north.get(f"/api/v1/inbox?state={state}")).json()
        return [item["subject"] for item in answer["items"]]

    assert await listed("all") == [second, first]
    assert await listed("unsigned") == [second]
    assert await listed("answer") == await listed("signed") == [first]
    assert await listed("confirm") == await listed("ended") == await listed("late") == []
    programs.clock.set("2026-03-19T05:00:00.000Z")
    assert await listed("late") == [second, first]
    assert (await programs.outsider.get("/api/v1/inbox")).json() == {"items": [], "next": None}
    problem(await programs.north.get("/api/v1/inbox?state=mine"), 422)


# --- files ----------------------------------------------------------------------------------------------------------------


def expected(name: str, data: bytes, media_type: str = "text/plain") -> dict[str, Any]:
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "media_type": media_type}


async def test_a_file_raw_or_in_a_form(programs: Programs) -> None:
    office, name = programs.office, "会议 须知.txt"
    wide = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    bare = {"content-disposition": f'attachment; filename="{name}"'.encode()}
    put = [
        await office.post("/api/v1/files", params={"name": name}, content=TEXT),
        await office.post("/api/v1/files", headers=wide, content=TEXT),
        await office.post("/api/v1/files", headers=[(b"content-disposition", bare["content-disposition"])], content=TEXT),
        await office.post("/api/v1/files", files={"file": (name, TEXT)}),
    ]
    for answer in put:
        assert answer.status_code == 201, answer.text
        assert {k: v for k, v in answer.json().items() if k != "id"} == expected(name, TEXT)
    assert len({answer.json()["id"] for answer in put}) == 4
    hostile = await office.post("/api/v1/files", params={"name": "../../etc/\u202epasswd\x00"}, content=b"x")
    assert hostile.json()["name"] == "passwd"


async def test_a_file_that_cannot_be_taken(programs: Programs) -> None:
    office = programs.office

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    assert "1 MB" in problem(await office.post("/api/v1/files?name=a", content=b"x" * (2**20 + 1)), 413, "too_large")
    problem(await office.post("/api/v1/files?name=a", content=endless()), 413, "too_large")
    problem(await office.post("/api/v1/files", files={"file": ("a", b"x" * (2**20 + 1))}), 413, "too_large")
    problem(await office.post("/api/v1/files", files={"file": ("a", b"x" * 2**22)}), 413, "too_large")
    problem(await office.post("/api/v1/files?name=a", content=b""), 422)
    problem(await office.post("/api/v1/files", content=b"x"), 422)
    problem(await office.post("/api/v1/files", files={"other": ("a", b"x")}), 422)
    problem(await office.post("/api/v1/files", files=[("file", ("a", b"x")), ("file", ("b", b"x"))]), 400)
    form = {"content-type": "multipart/form-data; boundary=x"}
    for cut in (b"--x\r\nrubbish", b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'):
        problem(await office.post("/api/v1/files", headers=form, content=cut), 400)
    problem(await office.post("/api/v1/files", headers=form, content=b"no boundary at all"), 400)
    problem(await office.post("/api/v1/files", headers={"content-type": "multipart/form-data"}, content=b"x"), 400)
    folder = programs.clients.house.config.folder / "files"
    assert [path for path in folder.glob("*/*") if path.is_file()] == []


async def test_a_file_put_under_a_key(programs: Programs) -> None:
    key, path = {"idempotency-key": "f1"}, "/api/v1/files?name=a.txt"
    problem(await programs.office.post(path, content=b"", headers=key), 422)
    first = await programs.office.post(path, content=b"one", headers=key)
    again = await programs.office.post(path, content=b"one", headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    problem(await programs.office.post(path, content=b"two", headers=key), 409, "idempotency_key_reused")


async def test_taking_a_file_whole_in_part_or_not_again(programs: Programs) -> None:
    id = (await programs.office.post("/api/v1/files?name=a.txt", content=TEXT)).json()["id"]
    path = f"/api/v1/files/{id}"
    whole = await programs.office.get(path)
    assert whole.content == TEXT
    assert whole.headers["content-disposition"].startswith("attachment;")
    tag = whole.headers["etag"]
    part = await programs.office.get(path, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, TEXT[10:20], f"bytes 10-19/{len(TEXT)}")
    stale = await programs.office.get(path, headers={"range": "bytes=10-19", "if-range": '"other"'})
    assert (stale.status_code, stale.content) == (200, TEXT)
    assert (await programs.office.get(path, headers={"range": f"bytes={len(TEXT)}-"})).status_code == 416
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        same = await programs.office.get(path, headers={"if-none-match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await programs.office.get(path, headers={"if-none-match": '"x"'})).status_code == 200


async def test_a_file_is_seen_by_those_it_was_sent_to(programs: Programs) -> None:
    id = (await programs.office.post("/api/v1/files?name=a.txt", content=TEXT)).json()["id"]
    path = f"/api/v1/files/{id}"
    for client in (programs.north, programs.outsider):
        problem(await client.get(path), 404, "not_found")
    await programs.publish(invited=["unit:620001"], attachments=[id])
    assert (await programs.north.get(path)).content == TEXT
    assert (await programs.leader.get(path)).status_code == 200
    refused = problem(await programs.south.get(path), 404, "not_found")
    assert refused == problem(await programs.south.get("/api/v1/files/no-such-file"), 404)
    operator = await programs.clients.api(programs.clients.world.operator)
    problem(await operator.get(path), 403, "forbidden")


# --- live -----------------------------------------------------------------------------------------------------------------


async def events(programs: Programs, query: str, number: int) -> tuple[int, list[str]]:
    """What the first `number` pieces of a stream say; the client goes away then."""
    status, said, gone = 0, list[str](), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        if body := message.get("body"):
            said.append(body.decode())
        if len(said) >= number or not message.get("more_body", True):
            gone.set()

    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/live", "raw_path": b"/api/v1/live", "query_string": query.encode(),
        "headers": [], "client": ("127.0.0.1", 1), "server": ("songda.test", 80), "scheme": "http", "http_version": "1.1",
        "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.4"},
    }  # fmt: skip
    await asyncio.wait_for(programs.clients.app(scope, receive, send), 10)
    return status, said


async def ticket(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/api/v1/live-tickets")
    assert answer.status_code == 201
    return str(answer.json()["ticket"])


async def test_a_ticket_opens_the_counts_of_ones_own_meeting(programs: Programs) -> None:
    id = await programs.publish()
    mine = await ticket(programs.office)
    stream = asyncio.create_task(events(programs, f"notice={id}&ticket={mine}", 2))
    await asyncio.sleep(0.3)
    await programs.north.post(f"/api/v1/receipts/{id}-{programs.clients.world.north}/opening")
    status, said = await stream
    assert status == 200
    assert "event: progress" in said[0]
    assert '"opened": 0' in said[0]
    assert '"opened": 1' in said[1]


async def test_a_ticket_is_bound_and_short(programs: Programs) -> None:
    id = await programs.publish()
    foreign, mine = await ticket(programs.north), await ticket(programs.office)
    stranger = programs.clients.stranger()
    for query in (f"notice={id}&ticket={foreign}", f"notice=987&ticket={mine}", f"ticket={mine}", f"notice=%00&ticket={mine}"):
        problem(await stranger.get(f"/api/v1/live?{query}"), 404, "not_found")
    sealed, _, mac = mine.partition(".")
    for bad in ("", mine[:-1], f"{sealed}.", f".{mac}", "长", f"{sealed}.{mac}x", "%ff.%ff"):
        problem(await stranger.get(f"/api/v1/live?notice={id}&ticket={bad}"), 401, "unauthorized")
    csrf = programs.clients.house.keys.seal("flash", '[1, 1, "9"]')
    problem(await stranger.get(f"/api/v1/live?notice={id}&ticket={csrf}"), 401, "unauthorized")
    programs.clock.move(seconds=60)
    problem(await stranger.get(f"/api/v1/live?notice={id}&ticket={mine}"), 401, "unauthorized")
