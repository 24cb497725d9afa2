"""Sending a document: one transaction, a number without a gap, recipients frozen."""

import asyncio
import json
from typing import Any

import pytest

from exchange import sending
from exchange.document import Contents
from exchange.sending import Attached, Sent
from ground.db import Database, Tx
from ground.directory.groups import Wanted
from ground.errors import Invalid, NotFound
from ground.messages.telling import Told
from receipts import inbox, ledger
from receipts.receipt import Waits
from tests.exchange.conftest import Office
from tests.world import NOW, TODAY, World

BY, LATER = "2026-03-19T04:00:00.000Z", "2026-03-25T04:00:00.000Z"
NOBODY = Wanted()


def contents(office: Office, **more: Any) -> Contents:
    """A 通知 that may be sent."""
    base = Contents("通知", "关于做好清明节假期安全工作的通知", "urgent", office.series, "马文斌", TODAY, sign_by=BY)
    return base._replace(**more)


async def send(office: Office, tell: Told, new: Contents, main: Wanted, copy: Wanted = NOBODY, files: int = 1) -> Sent:
    """Send with a body and attachments."""
    rows = [await office.file(f"附件{n}.pdf" if n else "正文.pdf", b"%PDF-1.4\n" + str(n).encode() * 99) for n in range(files)]
    attached = Attached(rows[0].id if rows else "", tuple(row.id for row in rows[1:]))
    return await office.db.write(
        sending.send, office.sender, new, main, copy, attached=attached, told=tell, now=NOW, today=TODAY
    )  # fmt: skip


async def lines(tx: Tx, sql: str) -> list[tuple[object, ...]]:
    """Rows of a query of this file."""
    return await tx.all(sql, lambda *columns: columns)


async def test_a_document_reaches_main_and_copy_once_each(db: Database, world: World, office: Office, tell: Told) -> None:
    done = await send(office, tell, contents(office), Wanted((world.districts,)), Wanted(units=("620002", "6200000009")), files=3)
    assert (done.number, done.receipts, done.unreachable) == ("测政办发〔2026〕1号", 3, ())
    listed = await db.read(sending.recipients_of, done.id)
    assert [(r.unit_id, r.part, r.name, r.copy_no) for r in listed] == [
        (world.north, "main", "北区人民政府", 1), (world.south, "main", "南区人民政府", 2),
        (world.outside, "copy", "测试市气象局", 3),
    ]  # fmt: skip
    waiting = await db.read(inbox.waiting, world.north)
    assert [(i.subject_id, i.kind, i.number, i.waits, i.due_at) for i in waiting] == [
        (done.id, "document", "测政办发〔2026〕1号", Waits.SIGN, BY)
    ]  # fmt: skip
    document = await db.read(sending.find, done.id)
    shown = json.loads(str(await db.read(lambda tx: tx.value("SELECT manifest FROM documents"))))
    assert shown["contents"]["number"] == "测政办发〔2026〕1号"
    assert [f["part"] for f in shown["files"]] == ["body", "attachment", "attachment"]
    assert (document.digest, len(document.sm3)) == (document.sha256, 64)
    assert document.digest == ledger.digest(shown)
    told_of = await db.read(lines, "SELECT DISTINCT unit_id FROM messages WHERE channel = 'sms' ORDER BY unit_id")
    assert told_of == [(world.north,), (world.south,), (world.outside,)]


async def test_numbers_have_no_gap_when_a_sending_fails(db: Database, world: World, office: Office, tell: Told) -> None:
    first = await send(office, tell, contents(office), Wanted((world.districts,)))
    with pytest.raises(Invalid):
        await send(office, tell, contents(office), Wanted((world.districts,)), files=0)
    with pytest.raises(Invalid):
        await send(office, tell, contents(office), NOBODY)
    second = await send(office, tell, contents(office), Wanted((world.districts,)))
    assert (first.number, second.number) == ("测政办发〔2026〕1号", "测政办发〔2026〕2号")
    assert await db.read(lines, "SELECT serial, document_id FROM numbers ORDER BY serial") == [(1, first.id), (2, second.id)]


async def test_two_clerks_send_at_once_and_each_has_a_number(world: World, office: Office, tell: Told) -> None:
    wanted = Wanted((world.districts,))
    found = await asyncio.gather(*(send(office, tell, contents(office), wanted) for _ in range(8)))
    assert sorted(one.number for one in found) == sorted(f"测政办发〔2026〕{n}号" for n in range(1, 9))


async def test_a_series_or_a_file_of_another_unit_is_not_there(world: World, office: Office, tell: Told) -> None:
    theirs = Attached((await office.file(by=world.outsider)).id)
    new, send_it = contents(office), office.db.write
    with pytest.raises(Invalid, match="没有找到"):
        await send_it(
            sending.send, office.sender, new, Wanted((world.districts,)), NOBODY, attached=theirs, told=tell, now=NOW, today=TODAY
        )
    with pytest.raises(NotFound):
        await send_it(
            sending.send, world.outsider, new, Wanted(units=("620001",)), NOBODY, attached=theirs, told=tell, now=NOW, today=TODAY
        )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "【机密】关于安全工作的通知"}, "title"),
        ({"title": "安" * 301}, "title"),
        ({"kind": "请示"}, "main"),
        ({"kind": "报告", "title": "关于增拨经费的报告，妥否，请批示"}, "title"),
        ({"kind": "公文"}, "kind"),
        ({"urgency": "soon"}, "urgency"),
        ({"dated": "2026-03-19"}, "dated"),
        ({"dated": ""}, "dated"),
        ({"sign_by": NOW}, "sign_by"),
        ({"answer_by": "2026-03-19T03:00:00.000Z"}, "answer_by"),
        ({"issuer": "马\u202e文斌"}, "issuer"),
        ({"note": "长" * 201}, "note"),
        ({"joint": ("市" * 121,)}, "joint"),
    ],
)
async def test_what_cannot_stand_is_named(
    world: World, office: Office, tell: Told, change: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await send(office, tell, contents(office, **change), Wanted((world.districts,)))
    assert [e.field for e in refused.value.errors] == [field]


async def test_an_answer_is_awaited_after_the_signature(db: Database, world: World, office: Office, tell: Told) -> None:
    done = await send(office, tell, contents(office, answer_by=LATER), Wanted((world.districts,)))
    await db.write(inbox.open_item, done.id, world.north_clerk, NOW)
    await db.write(inbox.sign, done.id, world.north_clerk, waived=(), at=NOW)
    receipt = await db.read(ledger.receipt_of, done.id, world.north)
    assert (receipt.waits, receipt.due_at) == (Waits.ANSWER, LATER)
