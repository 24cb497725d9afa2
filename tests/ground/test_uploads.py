"""tus 1.0: pieces, broken lines, restarts, checksums; a finished upload is a FILE, and nobody else may go on with it."""

import asyncio
import base64
import hashlib
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from ground import fingerprints, upload_api, uploads
from ground.clock import FixedClock
from ground.db import Tx
from ground.uploads import Parts
from tests.app_client import BASE, Clients, open_app

PIECE = {"tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}
API, PAGE = "/api/v1/uploads", "/uploads"


@pytest.fixture
async def clients(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Clients]:
    async with open_app(where, clock, tmp_path, SONGDA_FILES_MAX_MB="8", SONGDA_FILES_ATTACHMENT_MB="2") as found:
        yield found


def b64(said: str | bytes) -> str:
    return base64.b64encode(said.encode() if isinstance(said, str) else said).decode()


async def begin(client: httpx2.AsyncClient, size: int, name: str = "通知.txt", at: str = API, **more: str) -> httpx2.Response:
    metadata = ",".join(f"{key} {b64(value)}" for key, value in {"filename": name, **more}.items())
    said = {"tus-resumable": "1.0.0", "upload-length": str(size), "upload-metadata": metadata}
    return await client.post(at, headers=said)


async def send(client: httpx2.AsyncClient, at: str, offset: int, data: bytes, **more: str) -> httpx2.Response:
    return await client.patch(at, headers={**PIECE, "upload-offset": str(offset), **more}, content=data)


async def offset_of(client: httpx2.AsyncClient, at: str) -> tuple[int, str | None]:
    answer = await client.head(at, headers={"tus-resumable": "1.0.0"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"]), answer.headers.get("songda-file")


def halves(clients: Clients) -> list[str]:
    return [path.name for path in (clients.house.config.folder / "files" / "new").iterdir()]


def text(size: int) -> bytes:
    return (os.urandom(size // 2 + 1).hex()).encode()[:size]


async def test_pieces_become_a_file(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    data = text(3_000_000)
    made = await begin(client, len(data))
    assert (made.status_code, made.headers["tus-resumable"]) == (201, "1.0.0")
    at = made.headers["location"]
    assert re.fullmatch(r"/api/v1/uploads/[\w-]{24}", at)
    assert await offset_of(client, at) == (0, None)
    for start in range(0, len(data), 1_000_000):
        answer = await send(client, at, start, data[start : start + 1_000_000])
        assert answer.status_code == 204
        assert answer.headers["upload-offset"] == str(start + 1_000_000)
    received, file = await offset_of(client, at)
    assert (received, file) == (len(data), answer.headers["songda-file"])
    shown = (await client.get(at)).json()
    assert shown["file"] == {
        "id": file, "name": "通知.txt", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "media_type": "text/plain",
    }  # fmt: skip
    assert (await client.get(f"/api/v1/files/{file}")).content == data
    assert halves(clients) == []
    again = await send(client, at, len(data), b"")
    assert (again.status_code, again.headers["songda-file"]) == (204, file)


async def test_a_restart_and_a_crash_in_the_middle(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    data = text(1_500_000)
    at = (await begin(client, len(data))).headers["location"]
    assert (await send(client, at, 0, data[:700_000])).status_code == 204
    part = clients.house.config.folder / "files" / "new" / halves(clients)[0]
    with part.open("ab") as file:  # written, but never counted: what a crash leaves
        file.write(b"garbage")
    clients.house.extra["parts"] = Parts(clients.house.files)  # the new process knows no hash
    assert await offset_of(client, at) == (700_000, None)
    file_id = (await send(client, at, 700_000, data[700_000:])).headers["songda-file"]
    assert (await client.get(f"/api/v1/files/{file_id}")).content == data


async def test_a_broken_line_keeps_what_came(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    data = text(1_300_000)
    at = (await begin(client, len(data))).headers["location"]
    answer = await send(client, at, 0, data[:1_200_000])  # a request that ends early: shorter than what is missing
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "1200000")
    wrong = await send(client, at, 5, data[5:])
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_offset")
    assert await offset_of(client, at) == (1_200_000, None)


async def test_a_checksum_keeps_a_piece_whole_or_not_at_all(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    data = text(900_000)
    at = (await begin(client, len(data))).headers["location"]
    right = {"upload-checksum": f"sha256 {b64(hashlib.sha256(data[:500_000]).digest())}"}
    altered = await send(client, at, 0, b"x" + data[1:500_000], **right)
    assert (altered.status_code, altered.json()["code"]) == (460, "checksum_mismatch")
    assert await offset_of(client, at) == (0, None)
    assert (await send(client, at, 0, data[:500_000], **right)).status_code == 204
    for wrong in ("md5 AAAA", "sha256 !!!", "sha256 AAAA"):
        assert (await send(client, at, 500_000, data[500_000:], **{"upload-checksum": wrong})).status_code == 400
    file = (await send(client, at, 500_000, data[500_000:])).headers["songda-file"]
    assert (await client.get(f"/api/v1/files/{file}")).content == data


async def test_only_its_owner_goes_on(clients: Clients) -> None:
    owner, other = await clients.api(clients.world.north_clerk), await clients.api(clients.world.outsider)
    colleague = await clients.api(clients.world.north_leader)
    at = (await begin(owner, 10)).headers["location"]
    for client in (other, colleague):
        assert (await client.head(at, headers={"tus-resumable": "1.0.0"})).status_code == 404
        assert (await client.get(at)).status_code == 404
        assert (await send(client, at, 0, b"0123456789")).status_code == 404
        assert (await client.delete(at, headers={"tus-resumable": "1.0.0"})).status_code == 404
    assert (await clients.stranger().head(at)).status_code == 401
    assert await offset_of(owner, at) == (0, None)
    assert (await owner.delete(at, headers={"tus-resumable": "1.0.0"})).status_code == 204
    assert (await owner.get(at)).status_code == 404
    assert halves(clients) == []


async def test_a_page_sends_with_its_session_and_token(clients: Clients) -> None:
    browser = await clients.page(clients.world.organiser)
    bare = await begin(browser, 5, at=PAGE)
    assert (bare.status_code, bare.json()["code"]) == (409, "stale_form")
    token = re.search(r'name="csrf" value="([^"]+)"', (await browser.get("/account")).text)
    assert token is not None
    browser.headers.update({"x-csrf-token": token[1], "origin": BASE})
    at = (await begin(browser, 5, at=PAGE)).headers["location"]
    assert at.startswith("/uploads/")
    answer = await send(browser, at, 0, b"hello")
    assert (await browser.get(f"/files/{answer.headers['songda-file']}")).content == b"hello"
    other = await clients.page(clients.world.outsider)
    assert (await other.get(f"/files/{answer.headers['songda-file']}")).status_code == 404


async def test_the_first_bytes_may_come_along(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    said = {**PIECE, "upload-length": "5", "upload-metadata": f"filename {b64('a.txt')}"}
    half = await client.post(API, headers=said, content=b"hel")
    assert (half.status_code, half.headers["upload-offset"]) == (201, "3")
    assert "songda-file" in (await send(client, half.headers["location"], 3, b"lo")).headers
    whole = await client.post(API, headers=said, content=b"hello")
    assert (whole.status_code, "songda-file" in whole.headers) == (201, True)


async def test_what_is_refused_says_why(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    assert (await begin(client, (8 << 20) + 1)).json()["detail"] == "文件超过 8 MB，请压缩或分成几个。"
    assert (await begin(client, 3 << 20, purpose="attachment")).status_code == 413
    assert (await begin(client, 3 << 20)).status_code == 201
    assert (await begin(client, 0)).status_code == 422
    assert (await begin(client, 5, name=" ")).status_code == 422
    assert (await begin(client, 5, name="setup.exe")).status_code == 422
    old = await client.post(API, headers={"upload-length": "5"})
    assert (old.status_code, old.headers["tus-version"]) == (412, "1.0.0")
    at = (await begin(client, 10, name="通知.pdf")).headers["location"]
    assert (await client.patch(at, headers={"tus-resumable": "1.0.0", "upload-offset": "0"}, content=b"x")).status_code == 415
    assert (await send(client, at, 0, b"01234567890")).status_code == 413
    assert await offset_of(client, at) == (0, None)
    no_pdf = await send(client, at, 0, b"MZ\0\0\0\0\0\0\0\0")
    assert (no_pdf.status_code, no_pdf.json()["detail"][:6]) == (422, "这是程序或脚")
    assert (await client.get(at)).status_code == 404
    assert len(halves(clients)) == 0
    said = (await clients.stranger().options(API)).headers
    assert (said["tus-version"], said["tus-max-size"], said["tus-checksum-algorithm"]) == ("1.0.0", str(8 << 20), "sha256")


async def test_no_room_and_too_many(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    actor = clients.world.organiser

    async def full(tx: Tx) -> None:
        for n in range(2):
            await uploads.begin(
                tx,
                f"{n}.txt",
                600,
                unit=actor.unit_id,
                person=actor.person_id,
                room=1000,
                keep_hours=1,
                at=clients.house.clock.now(),
            )

    with pytest.raises(Exception, match="磁盘放不下"):
        await clients.db.write(full)
    for _ in range(uploads.OPEN_AT_ONCE):
        assert (await begin(client, 5)).status_code == 201
    assert (await begin(client, 5)).json()["code"] == "too_many_uploads"


async def test_two_lines_at_once(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    at = (await begin(client, 6)).headers["location"]
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"abc"
        begun.set()
        await go.wait()
        yield b"def"

    sending = asyncio.create_task(client.patch(at, headers={**PIECE, "upload-offset": "0"}, content=slow()))
    upload = await clients.db.read(
        uploads.of, at.rpartition("/")[2], unit=clients.world.office, person=clients.world.organiser.person_id, now="2026"
    )
    with upload_api.parts_of(clients.house).locked(upload):
        busy = await send(client, at, 0, b"abcdef")
        assert (busy.status_code, busy.json()["code"]) == (423, "locked")
        go.set()
        await sending
    assert (await send(client, at, 0, b"abcdef")).status_code == 204


async def test_what_waits_too_long_is_swept(clients: Clients, clock: FixedClock) -> None:
    client = await clients.api(clients.world.organiser)
    old = (await begin(client, 10)).headers["location"]
    await send(client, old, 0, b"01234")
    clock.move(hours=23)
    young = (await begin(client, 10)).headers["location"]
    await send(client, young, 0, b"01234")
    clock.move(hours=2)
    assert (await client.get(old)).status_code == 404
    new = clients.house.config.folder / "files" / "new"
    for path in new.iterdir():
        os.utime(path, (time.time() - 5000, time.time() - 5000))
    assert await upload_api.sweep(clients.house, clock.now()) == 1
    assert [f"{young.rpartition('/')[2]}.part"] == halves(clients)
    assert await offset_of(client, young) == (5, None)


async def test_sm3_follows(clients: Clients) -> None:
    client = await clients.api(clients.world.organiser)
    file = (await client.post("/api/v1/files?name=a.txt", content=b"abc")).json()["id"]
    assert await clients.db.read(fingerprints.of, file) is None
    assert await fingerprints.fill(clients.db, clients.house.files) == 1
    # GB/T 32905-2016, A.1
    assert await clients.db.read(fingerprints.of, file) == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert await fingerprints.fill(clients.db, clients.house.files) == 0
