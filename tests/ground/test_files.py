"""The store: by content, whole or not at all, told from the content and never from the name."""

import hashlib
import os
import time
import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from ground.errors import DiskFull, Invalid, NotFound, TooLarge
from ground.files import Store, clean_name
from tests.shared import shared_data

OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "files", max_bytes=3 << 20, min_free=0)


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_stored_once_under_its_hash(store: Store) -> None:
    data = os.urandom(2_500_000)
    first = await store.put(pieces(data[:7], data[7:2_000_000], data[2_000_000:]))
    again = await store.put_bytes(data)
    assert first == again
    assert first.sha256 == hashlib.sha256(data).hexdigest()
    assert (first.size, store.path(first.sha256).read_bytes()) == (len(data), data)
    assert not store.wrong(first.sha256)


async def test_what_does_not_fit_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="3 MB"):
        await store.put(pieces(bytes(2 << 20), bytes(2 << 20)))
    with pytest.raises(Invalid, match="空的"):
        await store.put(pieces())
    assert list((tmp_path / "files" / "new").iterdir()) == []


async def test_a_cut_upload_leaves_nothing(store: Store, tmp_path: Path) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield bytes(100)
        raise ConnectionError

    with pytest.raises(DiskFull):
        await store.put(cut())
    assert list((tmp_path / "files" / "new").iterdir()) == []


async def test_no_room(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="磁盘快满"):
        await Store(tmp_path / "f", max_bytes=10, min_free=2**60).put_bytes(b"x")


async def test_an_altered_file_is_found(store: Store) -> None:
    stored = await store.put_bytes(b"official")
    store.path(stored.sha256).chmod(0o600)
    store.path(stored.sha256).write_bytes(b"altered!")
    assert store.wrong(stored.sha256)
    assert store.wrong("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "/x"])
def test_only_a_hash_becomes_a_path(store: Store, name: str) -> None:
    with pytest.raises(NotFound):
        store.path(name)


async def test_orphans_are_swept_when_they_are_old(store: Store, tmp_path: Path) -> None:
    kept, orphan = await store.put_bytes(b"kept"), await store.put_bytes(b"orphan")
    (tmp_path / "files" / "new" / "x").write_bytes(b"half")
    assert store.sweep({kept.sha256}, older_than=time.time() - 3600) == 0
    assert store.sweep({kept.sha256}, older_than=time.time() + 5) == 2
    assert store.wrong(orphan.sha256)
    assert not store.wrong(kept.sha256)


def packed(*names: str) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n...", "application/pdf"),
        (packed("OFD.xml", "Doc_0/Document.xml"), "application/ofd"),
        (
            packed("[Content_Types].xml", "word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (packed("[Content_Types].xml", "xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (packed("a.txt"), "application/zip"),
        ("会议须知".encode(), "text/plain"),
        (b"\x00\x01\x02" * 50, "application/octet-stream"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/msword"),
        (b"<html><script>alert(1)</script>", "text/plain"),
    ],
)
async def test_told_from_the_content(store: Store, data: bytes, kind: str) -> None:
    assert (await store.put_bytes(data)).media_type == kind


async def test_real_files_are_told(store: Store) -> None:
    kinds = set()
    for path in sorted(shared_data("files").rglob("*")):
        if path.is_file() and path.stat().st_size < 3 << 20:
            kinds.add((path.suffix, (await store.put_bytes(path.read_bytes())).media_type))
    assert {kind for suffix, kind in kinds if suffix == ".ofd"} == {"application/ofd"}
    assert {kind for suffix, kind in kinds if suffix == ".pdf"} == {"application/pdf"}
    assert {kind.rpartition(".")[2] for suffix, kind in kinds if suffix == ".docx"} == {"document"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../议程.pdf", "议程.pdf"),
        ("C:\\文件\\议程.pdf", "议程.pdf"),
        ("gpj.\u202efdp.exe", "gpj.fdp.exe"),
        ("a\x00b\n.pdf", "ab.pdf"),
        ("   ", "未命名"),
        ("长" * 300 + ".pdf", "长" * 146 + ".pdf"),
    ],
)
def test_names_are_for_people(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept
