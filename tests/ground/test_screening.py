"""What may be kept: told from the content, with a sentence for whoever uploads."""

from pathlib import Path

import pytest

from ground import extract, reading, screening
from ground.errors import Invalid
from ground.files import Store
from ground.screening import PASSWORD, check_ending, screen
from tests.ground.test_hostile_files import zipped
from tests.shared import shared_data

KINDS = "pdf,ofd,office,text,image,archive,media,other"
DIFFERENT = "文件名的后缀和内容不一样，收文单位会打不开。请用原来的软件重新保存，再传。"
PROGRAM = "这是程序或脚本，不能上传。请换成 PDF、OFD 或 Word 文件。"
NOT_TAKEN = "这种文件不能上传。请换成 PDF、OFD 或 Word 文件。"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "files", max_bytes=3 << 20, min_free=0)


async def said(store: Store, data: bytes, name: str, kinds: str = KINDS) -> str:
    """The sentence, '' when the file is taken."""
    try:
        await screen(store, await store.put_bytes(data), name, kinds)
    except Invalid as refused:
        return refused.text()
    return ""


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"MZ" + bytes(100), "通知.pdf", PROGRAM),
        (b"\x7fELF" + bytes(100), "a", PROGRAM),
        (b"#!/bin/sh\n", "a.txt", PROGRAM),
        ("正文".encode(), "setup.EXE", PROGRAM),
        ("正文".encode(), "通知.pdf", DIFFERENT),
        (b"%PDF-1.7\n", "通知.ofd", DIFFERENT),
        (b"%PDF-1.7\n", "通知.pdf", ""),
        (b"%PDF-1.7\n", "通知", ""),
        (zipped(("word/document.xml", b"<r/>")), "通知.docx", ""),
        (zipped(("word/document.xml", b"<r/>")), "通知.wps", ""),
        (zipped(("word/document.xml", b"<r/>")), "表.xlsx", DIFFERENT),
        (zipped(("OFD.xml", b"<r/>")), "通知.ofd", ""),
        ("单位,代码".encode("gb18030"), "名录.csv", ""),
        ("单位,代码".encode("utf-16"), "名录.csv", ""),
        (bytes(range(256)), "底稿.ceb", ""),
    ],
)
async def test_each_is_told(store: Store, data: bytes, name: str, sentence: str) -> None:
    assert await said(store, data, name) == sentence


async def test_a_city_may_take_less(store: Store) -> None:
    assert await said(store, bytes(range(256)), "底稿.ceb", "pdf,ofd") == NOT_TAKEN
    assert await said(store, zipped(("a.txt", b"x")), "包.zip", "pdf, ofd") == NOT_TAKEN
    assert await said(store, b"%PDF-1.7\n", "通知.pdf", "pdf, ofd") == ""


async def test_a_password_is_told_at_once(store: Store) -> None:
    folder = shared_data("files/pdf")
    assert await said(store, (folder / "libreoffice-writer-password.pdf").read_bytes(), "加密.pdf") == PASSWORD
    for path in sorted(folder.glob("*.pdf")):
        if "password" not in path.name:
            assert await said(store, path.read_bytes(), path.name) == ""


async def test_every_real_file_is_taken_and_read(store: Store) -> None:
    read = 0
    for path in sorted(shared_data("files").rglob("*")):
        if path.is_file() and "password" not in path.name:
            stored = await store.put_bytes(path.read_bytes())
            await screen(store, stored, path.name, KINDS)
            read += len(await reading.text_of(store.path(stored.sha256), stored.media_type) or "")
    assert read > 200_000


@pytest.mark.parametrize("name", ["a.lnk", "通知.pdf.js", "x.VBS", "a.hta ", "a.jar"])
def test_endings_that_a_pc_would_run(name: str) -> None:
    with pytest.raises(Invalid, match="程序或脚本"):
        check_ending(name)


def test_members_are_named_from_the_root_or_beside() -> None:
    assert extract.inside("Doc_0/Document.xml", "Pages/Page_0/Content.xml") == "Doc_0/Pages/Page_0/Content.xml"
    assert extract.inside("Doc_0/Document.xml", "/Doc_1/a.xml") == "Doc_1/a.xml"
    assert extract.inside("OFD.xml", "../../../etc/passwd") == "etc/passwd"
    assert screening.ending("a.b.PDF") == "pdf"
