"""More than 300 hostile uploads: nothing outside the store, nothing inline without a sandbox, no memory beyond measure.

The same checks are shown a planted bug each: a store that believes the name, a frame without its sandbox.
"""

import io
import random
import re
import resource
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from ground import extract, reading
from ground.clock import FixedClock
from ground.files import Store
from ground.sniffing import DOCX, sniff
from tests.app_client import Browser, Clients, open_app

MOST_MEMORY = 300 * 2**20
NAMES = [
    "../../../../etc/cron.d/x", "..\\..\\windows\\x.pdf", "/etc/passwd", "a\x00.pdf", "\u202efdp.通知.pdf", ".", "..", "", "a" * 5000,
    "CON", "x/../../y.ofd", "%2e%2e%2fx.pdf", "\U0001f600.pdf", "通知.pdf\n.html", "<script>.pdf", "~root", "-rf", "a;b.pdf", "\ufeff",
    "nul.docx", "名" * 300 + ".pdf", "../new/x.part",
]  # fmt: skip
XXE = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r><p><t>&x;</t></p></r>'
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "' + b"ha" * 100 + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 50) for n in range(8)) + b"]><r><t>&i;</t></r>"
)  # fmt: skip


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def bomb(name: str, megabytes: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as member:
        member.write(b"<r>")
        for _ in range(megabytes):
            member.write(b'<p a="' + b" " * (2**20 - 20) + b'"/>')
    return out.getvalue()


def linked(name: str, target: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, target)
        archive.writestr("OFD.xml", "<r><DocRoot>../../../etc/passwd</DocRoot></r>")
    return out.getvalue()


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def pdf(box: str, extra: bytes = b"") -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox["
        + box.encode() + b"]>>endobj\n" + extra + b"trailer<</Root 1 0 R>>\n%%EOF\n"
    )  # fmt: skip


def hostile() -> Iterator[tuple[str, bytes]]:
    """Name and content of each upload."""
    deep = b"<r>" * 50_000 + b"</r>" * 50_000
    for part in ("word/document.xml", "OFD.xml", "xl/workbook.xml", "ppt/presentation.xml"):
        more = [("xl/worksheets/sheet1.xml", XXE), ("ppt/slides/slide1.xml", XXE), ("[Content_Types].xml", b"<a/>")]
        for data in (XXE, LAUGHS, deep, b"", b"\xff\xfe", b"<r", b"<r>" + b"<p/>" * 200_000 + b"</r>"):
            yield "通知.docx", zipped((part, data), *more)
        yield "炸弹.docx", bomb(part, 200)
        for name in ("../../x", "/etc/passwd", "a\\..\\b", "C:/x", "\u202ex"):
            yield "包.ofd", zipped((part, b"<r/>"), (name, b"evil"))
    for n in range(12):
        yield f"链接{n}.ofd", linked("Doc_0/Document.xml" if n % 2 else f"l{n}", "/etc/passwd")
        yield f"大图{n}.png", png(20_000 + n, 60_000)
        yield f"长页{n}.pdf", pdf(f"0 0 {10 ** (n % 9 + 1)} {10 ** ((n * 5) % 11 + 1)}")
        yield f"双面{n}.pdf", pdf("0 0 600 800") + zipped(("word/document.xml", b"<r/>"), ("x.html", b"<script>1</script>"))
        yield f"网页{n}.txt", b"<html><script>alert(%d)</script><svg onload=alert(1)>" % n
        yield f"程序{n}.pdf", b"MZ" + bytes(60 + n) + b"PE\0\0" + b"%PDF-1.7"
        yield f"图{n}.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(%d)</script></svg>' % n
        yield f"GIF{n}.gif", b"GIF89a/*" + b"\0" * n + b"*/=1;alert(1)"
    for name in NAMES:
        for data in (pdf("0 0 600 800"), "正文".encode(), zipped(("OFD.xml", b"<r/>"))):
            yield name, data
    chance = random.Random(16)
    word = zipped(("word/document.xml", b"<r><p><t>x</t></p></r>"))
    seeds = [pdf("0 0 600 800"), word, png(10, 10), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)]
    for n in range(90):
        bad = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 12)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        yield f"坏{n}.bin", bytes(bad[: chance.randrange(1, len(bad) + 1)])
    yield "空.pdf", b""
    yield "太大.pdf", b"%PDF-1.7" + bytes(3 * 2**20)


@pytest.fixture
async def clients(sqlite: object, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Clients]:
    async with open_app(f"{tmp_path}/songda.db", clock, tmp_path / "data", SONGDA_FILES_MAX_MB="2") as found:
        yield found


def outside(folder: Path) -> list[str]:
    """Whatever lies in the data folder where no upload may put anything."""
    store = re.compile(r"files/([0-9a-f]{2}/[0-9a-f]{62}|new/[0-9a-f]{32}|new/[\w-]{24}\.part)")
    kept = re.compile(
        r"previews/[0-9a-f]{2}/[0-9a-f]{64}/(\d+\.png|sheets\.json|words\.json)|keys/.*|spool/.*|songda\.[\w-]+|control\..*"
    )
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    return [name for name in found if not store.fullmatch(name) and not kept.fullmatch(name)]


def beside(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def unsandboxed(answer: httpx2.Response) -> bool:
    """Whether a browser might run what came with an answer."""
    return (
        "sandbox" not in answer.headers["content-security-policy"] or "allow-scripts" in answer.headers["content-security-policy"]
    )


async def looked_at(reader: Browser, id: str) -> list[str]:
    """Download and preview a file; what was wrong with the answers."""
    wrong = []
    whole = await reader.get(f"/files/{id}")
    if not whole.headers["content-disposition"].startswith("attachment") or unsandboxed(whole):
        wrong.append("inline")
    frame = await reader.get(f"/files/{id}/preview")
    if frame.status_code != 200 or unsandboxed(frame) or "<script" in frame.text or "root:" in frame.text:
        wrong.append(f"frame {frame.status_code}")
    for address in re.findall(r'<img src="([^"]+)"', frame.text)[:1]:
        picture = await reader.get(address)
        if picture.status_code != 404 and (
            picture.content[:4] != b"\x89PNG" or unsandboxed(picture) or len(picture.content) > 8 * 2**20
        ):
            wrong.append("picture")
    return wrong


@pytest.mark.slow
async def test_more_than_300_hostile_uploads(clients: Clients, tmp_path: Path) -> None:
    sender, reader = await clients.api(clients.world.organiser), await clients.page(clients.world.organiser)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sent = taken = refused = 0
    for name, data in hostile():
        answer = await sender.post("/api/v1/files", files={"file": (name, data, "application/pdf")})
        sent += 1
        assert answer.status_code in (201, 400, 413, 422), (name, answer.text)
        if answer.status_code == 201:
            taken += 1
            shown = answer.json()["name"]
            assert not re.search(r"[/\\\x00-\x1f\u202a-\u202e]", shown), shown
            if taken % 3 == 0:
                assert await looked_at(reader, answer.json()["id"]) == [], name
        else:
            refused += 1
    assert sent > 300
    assert taken > 150
    assert refused > 10
    assert outside(tmp_path / "data") == []
    assert [name for name in beside(tmp_path) if not name.startswith("songda.")] == ["data"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < MOST_MEMORY


async def test_planted_bugs_are_seen(clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sender, reader = await clients.api(clients.world.organiser), await clients.page(clients.world.organiser)
    id = (await sender.post("/api/v1/files?name=a.txt", content=b"hello")).json()["id"]
    assert await looked_at(reader, id) == []
    monkeypatch.setattr("receipts.preview_pages.CSP", "default-src 'none'")
    assert await looked_at(reader, id) == ["frame 200"]
    monkeypatch.setattr(Store, "path", lambda self, _: self._folder / "a" / "by-its-name.pdf")
    await sender.post("/api/v1/files?name=b.txt", content=b"hello again")
    assert outside(tmp_path / "data") == ["files/a/by-its-name.pdf"]


async def test_a_bomb_stops_early_and_an_entity_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bomb("word/document.xml", 200))
    assert sniff(path.read_bytes()[:8192], path) == DOCX
    with pytest.raises(extract.TooBig):
        extract.text(path, DOCX)
    assert await reading.text_of(path, DOCX) is None
    path.write_bytes(zipped(("word/document.xml", b"<r><p><t>\xe6\x9c\xba\xe5\xaf\x86\xe2\x98\x85</t></p></r>")))
    assert await reading.text_of(path, DOCX) == "机密★"
    path.write_bytes(zipped(("word/document.xml", XXE)))
    assert await reading.text_of(path, DOCX) is None


async def test_a_child_that_takes_too_long_or_too_much_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png(7_000, 8_000))
    with pytest.raises(reading.Unreadable):
        await reading.ask("picture", path, "image/png", "1", str(tmp_path / "o.png"), seconds=0.001)
    path.write_bytes(png(70_000, 80_000))
    with pytest.raises(reading.Unreadable):
        await reading.sheets(path, "image/png")
    assert beside(tmp_path) == ["x.png"]
