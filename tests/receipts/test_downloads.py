"""Downloads: whole, in part, gone on with, and not at all when the reader has them; the bytes are always those that were asked for."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ground.clock import FixedClock
from tests.app_client import Clients, open_app

DATA = bytes(range(256)) * 12_000  # 3 MB, more than one chunk


@pytest.fixture
async def clients(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Clients]:
    async with open_app(where, clock, tmp_path) as found:
        yield found


async def test_ranges_and_tags(clients: Clients) -> None:
    sender = await clients.api(clients.world.organiser)
    id = (await sender.post("/api/v1/files?name=a.bin", content=DATA)).json()["id"]
    page = await clients.page(clients.world.organiser)
    tag = f'"{hashlib.sha256(DATA).hexdigest()}"'
    for client, at in ((sender, f"/api/v1/files/{id}"), (page, f"/files/{id}")):
        whole = await client.get(at)
        assert (whole.status_code, whole.content == DATA, whole.headers["etag"]) == (200, True, tag)
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["content-disposition"].startswith("attachment")
        part = await client.get(at, headers={"range": "bytes=1000000-2000001"})
        assert (part.status_code, part.content == DATA[1_000_000:2_000_002]) == (206, True)
        assert part.headers["content-range"] == f"bytes 1000000-2000001/{len(DATA)}"
        end = await client.get(at, headers={"range": "bytes=-10"})
        assert (end.status_code, end.content) == (206, DATA[-10:])
        same = await client.get(at, headers={"range": "bytes=5-9", "if-range": tag})
        assert (same.status_code, same.content) == (206, DATA[5:10])
        other = await client.get(at, headers={"range": "bytes=5-9", "if-range": '"another"'})
        assert (other.status_code, other.content == DATA) == (200, True)
        for beyond in ("bytes=99999999-", f"bytes={len(DATA)}-"):
            assert (await client.get(at, headers={"range": beyond})).status_code == 416
        for had in (tag, f'"x", {tag}', f"W/{tag}"):
            known = await client.get(at, headers={"if-none-match": had})
            assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
        assert (await client.get(at, headers={"if-none-match": '"x"'})).status_code == 200


async def test_a_known_tag_opens_nothing_for_a_stranger(clients: Clients) -> None:
    sender, outsider = await clients.api(clients.world.organiser), await clients.api(clients.world.outsider)
    id = (await sender.post("/api/v1/files?name=a.bin", content=DATA)).json()["id"]
    tag = f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert (await sender.get(f"/api/v1/files/{id}", headers={"if-none-match": tag})).status_code == 304
    assert (await outsider.get(f"/api/v1/files/{id}", headers={"if-none-match": tag})).status_code == 404
