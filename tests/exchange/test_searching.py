"""A document is found by any two characters of its body, by those who may see it; a body with a mark of secrecy is not sent."""

import io
import zipfile

from ground.db import Tx
from receipts import finding
from tests.exchange.sender_client import NEW, Desk

WORD = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:body></w:document>'


def docx(text: str) -> bytes:
    """A document of one paragraph."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", WORD.format(text))
    return file.getvalue()


async def test_a_word_of_the_body_finds_the_document_for_those_who_may_see_it(desk: Desk) -> None:
    world = desk.clients.world
    body = await desk.file("正文.docx", docx("请各单位加强镕喆水库的巡查，落实值班制度。"))
    id = await desk.send(body=body.id)

    async def found(tx: Tx, unit: int, words: str) -> list[int]:
        return [one.subject_id for one in await finding.find(tx, unit, words)]

    for unit, words, ids in (
        (world.office, "镕喆", [id]), (world.north, "巡查", [id]), (world.north, "清明节", [id]), (world.north, "防火", []),
        (world.outside, "镕喆", []),
    ):  # fmt: skip
        assert await desk.clients.db.read(found, unit, words) == ids, (unit, words)
    page = (await desk.browser.get("/search?q=镕喆")).text
    assert "<mark>镕喆</mark>" in page
    assert f"/documents/{id}/progress" in page
    assert "没有找到" in (await desk.browser.get("/search?q=火星")).text


async def test_a_body_with_a_mark_of_secrecy_is_not_sent_and_nothing_is_lost(desk: Desk) -> None:
    body = await desk.file("正文.docx", docx("机密★10年"))
    answer = await desk.browser.press("/documents/sending", await desk.typed(body=body.id), page=NEW)
    assert answer.status_code == 422
    assert "里有密级标志" in answer.text
    assert "关于做好清明节假期安全工作的通知" in answer.text
    assert await desk.clients.db.read(lambda tx: tx.value("SELECT COUNT(*) FROM documents")) == 0
