"""A file in the page: every real file shows its first page within 2 s or says why not; strangers get 404; the opening is noted."""

import re
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ground import files
from ground.clock import FixedClock
from ground.db import Tx
from ground.files import File
from receipts import ledger
from receipts.ledger import NewSubject
from tests.app_client import Browser, Clients, open_app
from tests.shared import SHARED, shared_data

REAL = sorted(path.relative_to(SHARED).as_posix() for path in (SHARED / "files").rglob("*") if path.is_file())
WHY_NOT = "文件打不开：有密码，或者已经损坏。请下载后打开，或与发文单位联系。"


@pytest.fixture
async def clients(where: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Clients]:
    async with open_app(where, clock, tmp_path) as found:
        yield found


async def sent(clients: Clients, data: bytes, name: str) -> File:
    """A file that 市府办 has sent to the north."""
    stored = await clients.house.files.put_bytes(data)
    world = clients.world

    async def send(tx: Tx) -> File:
        now = clients.house.clock.now()
        row = await files.record(tx, stored, name, unit=world.office, person=world.organiser.person_id, at=now)
        new = NewSubject(
            "notice", "通知", "normal", world.office, "市政府办公室", world.organiser.person_id, now, now, None, "0" * 64
        )
        subject = await ledger.subject_of(tx, await ledger.open_subject(tx, new))
        await ledger.put_files(tx, subject.id, 1, [(row.id, "body")])
        await ledger.open_receipts(tx, subject, [(world.north, "main")], at=now)
        return row

    return await clients.db.write(send)


def pictures(html: str) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', html)


def work() -> float:
    """Seconds that this process and its children have worked: what a wait comes to on a machine that is not shared."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in each)


async def first_page(browser: Browser, row: File) -> tuple[str, bytes]:
    """The frame's HTML and its first picture."""
    frame = await browser.get(f"/files/{row.id}/preview")
    assert frame.status_code == 200
    found = pictures(frame.text)
    return frame.text, (await browser.get(found[0])).content if found else b""


@pytest.mark.parametrize("name", REAL or [pytest.param("files", id="absent")])
async def test_every_real_file_shows_or_says_why_not(sqlite: object, clock: FixedClock, tmp_path: Path, name: str) -> None:
    path = shared_data(name)
    async with open_app(f"{tmp_path}/songda.db", clock, tmp_path) as clients:
        row = await sent(clients, path.read_bytes(), path.name)
        reader = await clients.page(clients.world.north_clerk)
        before = work()
        html, picture = await first_page(reader, row)
        took = work() - before
    if path.suffix == ".pdf" and "password" not in path.name:
        assert picture.startswith(b"\x89PNG")
    elif "password" in path.name:
        assert WHY_NOT in html
    else:
        shown = re.sub(r"<[^>]+>", "", html.split("<body", 1)[1])
        assert len(re.findall(r"[\u4e00-\u9fff]", shown)) > 24
    assert took < 2, took


async def test_strangers_and_what_is_noted(clients: Clients) -> None:
    row = await sent(clients, shared_data("files/pdf/pdflatex-4-pages.pdf").read_bytes(), "四页.pdf")
    reader, outsider = await clients.page(clients.world.north_clerk), await clients.page(clients.world.outsider)
    south = await clients.page(clients.world.south_clerk)
    paths = [f"/files/{row.id}/preview", f"/files/{row.id}/preview/1.png", f"/files/{row.id}"]
    for path in paths:
        for stranger in (outsider, south):
            assert (await stranger.get(path)).status_code == 404
        assert (await clients.stranger().get(path)).status_code == 401

    async def opened(tx: Tx) -> list[int]:
        return await tx.all("SELECT person_id FROM file_openings WHERE file_id = :file", int, file=row.id)

    assert await clients.db.read(opened) == []
    frame = await reader.get(paths[0])
    assert await clients.db.read(opened) == [clients.world.north_clerk.person_id]
    assert len(pictures(frame.text)) == 4
    csp = frame.headers["content-security-policy"]
    assert "sandbox allow-same-origin" in csp
    assert "script-src" not in csp
    assert "frame-ancestors 'self'" in csp
    assert frame.headers["x-frame-options"] == "SAMEORIGIN"
    one = await reader.get(paths[1])
    assert (one.headers["content-type"], one.headers["cache-control"]) == ("image/png", "private, no-cache")
    assert (await reader.get(paths[1], headers={"if-none-match": one.headers["etag"]})).status_code in (200, 304)
    for page in ("0", "5", "99999", "x", "../1", "%00"):
        assert (await reader.get(f"/files/{row.id}/preview/{page}.png")).status_code == 404
    for id in ("x", "%00", "..", "é"):
        assert (await reader.get(f"/files/{id}/preview")).status_code == 404


async def test_html_stays_text(clients: Clients) -> None:
    row = await sent(clients, b"<script>alert(1)</script>\n<img src=x onerror=alert(1)>", "<b>坏</b>.html")
    frame = await (await clients.page(clients.world.north_clerk)).get(f"/files/{row.id}/preview")
    assert "&lt;script&gt;alert(1)" in frame.text
    assert "<script" not in frame.text
    assert "<b>坏" not in frame.text
    assert pictures(frame.text) == []


async def test_what_cannot_be_shown_says_so_and_costs_the_child_once(clients: Clients) -> None:
    reader = await clients.page(clients.world.north_clerk)
    unknown = await sent(clients, b"\0\1\2" * 100, "数据.bin")
    assert "这种文件网页里显示不了" in (await reader.get(f"/files/{unknown.id}/preview")).text
    broken = await sent(clients, b"%PDF-1.7\nnothing", "坏.pdf")
    for _ in range(2):
        assert WHY_NOT in (await reader.get(f"/files/{broken.id}/preview")).text
    kept = clients.house.config.folder / "previews" / broken.sha256[:2]
    assert [path.name for path in kept.rglob("*.json")] == ["sheets.json"]


async def test_more_pages_follow_and_old_previews_go(clients: Clients) -> None:
    from PIL import Image

    many = clients.house.config.folder / "many.tiff"
    Image.new("RGB", (40, 30), "red").save(many, save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")] * 11)
    row = await sent(clients, many.read_bytes(), "扫描.tiff")
    reader = await clients.page(clients.world.north_clerk)
    html, picture = await first_page(reader, row)
    assert (len(pictures(html)), "下面还有 2 页" in html, picture[:4]) == (10, True, b"\x89PNG")
    rest = (await reader.get(f"/files/{row.id}/preview?from=11")).text
    assert len(pictures(rest)) == 2
    last = (await reader.get(pictures(rest)[-1])).content
    assert last != picture
    previews = clients.house.extra["previews"]
    assert previews.sweep() == 0
    previews._most = 0
    assert previews.sweep() == 1
    assert (await reader.get(pictures(rest)[-1])).content == last
