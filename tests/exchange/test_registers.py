"""登记簿: pages of numbers in order, filters, voided numbers, merged units, the workbook, and strangers."""

import io

from python_calamine import CalamineWorkbook

from exchange import numbering, registers
from exchange.registers import Asked
from ground.db import Tx
from ground.directory import units
from tests.app_client import Clients
from tests.exchange.document_client import TITLE, arrive, sign
from tests.world import NOW, TODAY

YEAR = 2026


async def test_received_in_order_page_by_page(clients: Clients) -> None:
    north = await clients.page(clients.world.north_clerk)
    assert "没有登记过的收文" in (await north.get("/registers/received")).text
    for n in range(5):
        id = await arrive(clients, title=f"第{n}件通知", kind="意见" if n == 3 else "通知")
        assert (await sign(north, id)).status_code == 303
    unit = clients.world.north
    first = await clients.db.read(registers.received, unit, Asked(YEAR, limit=2))
    assert [r.text for r in first] == ["2026-0005", "2026-0004", "2026-0003"]
    second = await clients.db.read(registers.received, unit, Asked(YEAR, limit=2, before=first[1].serial))
    assert [r.text for r in second] == ["2026-0003", "2026-0002", "2026-0001"]
    assert [r.title for r in await clients.db.read(registers.received, unit, Asked(YEAR, kind="意见"))] == ["第3件通知"]
    assert [r.title for r in await clients.db.read(registers.received, unit, Asked(YEAR, words="第2件"))] == ["第2件通知"]
    assert await clients.db.read(registers.received, unit, Asked(YEAR, words="100%")) == []
    assert await clients.db.read(registers.received, unit, Asked(YEAR - 1)) == []
    assert await clients.db.read(registers.received, clients.world.south, Asked(YEAR)) == []
    page = (await north.get("/registers/received?q=第2件")).text
    assert ("第2件通知" in page, "第1件通知" in page) == (True, False)
    south = await clients.page(clients.world.south_clerk)
    assert "第2件通知" not in (await south.get("/registers/received")).text
    leader = await clients.page(clients.world.north_leader)
    assert (await leader.get("/registers/received")).status_code == 403


async def test_sent_with_voided_numbers_and_the_workbook(clients: Clients) -> None:
    sender = clients.world.organiser

    async def begin(tx: Tx) -> int:
        await tx.run("UPDATE posts SET role = 'secretary' WHERE person_id = :id", id=sender.person_id)
        return await numbering.open_series(tx, "测政办发", "", unit=sender.unit_id, by=None, at=NOW)

    series = await clients.db.write(begin)
    await arrive(clients, series=series)
    await arrive(clients, title="没有字号的函")

    async def void(tx: Tx) -> None:
        one = await numbering.find(tx, series, sender.unit_id)
        taken = await numbering.take(tx, one, YEAR, None, by=sender.person_id, at=NOW)
        await numbering.void(tx, series, YEAR, taken.serial, "打印作废", by=sender, at=NOW)

    await clients.db.write(void)
    office = await clients.page(sender)
    page = (await office.get("/registers/sent")).text
    for words in ("测政办发〔2026〕1号", TITLE, "测政办发〔2026〕2号", "作废：打印作废"):
        assert words in page
    assert "没有字号的函" not in page
    plain = (await office.get("/registers/sent?series=")).text
    assert ("没有字号的函" in plain, TITLE in plain) == (True, False)
    answer = await office.get("/registers/sent.xlsx")
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["发文字号", "测政办发〔2026〕2号", "测政办发〔2026〕1号"]
    assert rows[1][9] == "打印作废"
    north = await clients.page(clients.world.north_clerk)
    assert (await north.get(f"/registers/sent?series={series}")).status_code == 404
    assert "测政办发" not in (await north.get("/registers/sent")).text


async def test_a_merged_unit_is_read_by_its_heir_under_its_old_name(clients: Clients) -> None:
    world = clients.world
    north, south, out = [await clients.page(who) for who in (world.north_clerk, world.south_clerk, world.outsider)]
    await sign(north, await arrive(clients, title="并入以前的通知"))
    assert (await south.get("/registers/received?unit=620001")).status_code == 404

    async def close(tx: Tx) -> None:
        unit = await units.by_id(tx, world.north)
        await units.close(tx, unit, on=TODAY, today=TODAY, reason="合并", into=world.south, by=world.operator, at=NOW)

    await clients.db.write(close)
    page = (await south.get("/registers/received?unit=620001")).text
    assert ("并入以前的通知" in page, "北区人民政府" in page) == (True, True)
    assert (await out.get("/registers/received?unit=620001")).status_code == 404
    answer = await south.get("/registers/received.xlsx?unit=620001")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["收文号", "2026-0001"]
