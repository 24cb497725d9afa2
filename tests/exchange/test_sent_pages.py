"""发文 and the sender's page through the real app: figures that are lists, acts with their consequences, strangers."""

import io
import re

import pytest
from python_calamine import CalamineWorkbook

from exchange import recalling, sending
from ground.clock import FixedClock
from ground.db import Tx
from receipts import ledger
from receipts.receipt import State
from tests.exchange.sender_client import TITLE, Desk, plain, rows, wrong


async def page_of(desk: Desk, id: int, **query: str) -> str:
    """The sender's page."""
    answer = await desk.browser.get(f"/documents/{id}/progress", params=query)
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


def table(page: str) -> list[str]:
    """The units of the table, in order."""
    part = page[page.index('id="h-units"') :]
    return re.findall(r'<td class="t t1" role="cell">([^<]+?)(?: <span|</td>)', part)


# --- the list -------------------------------------------------------------------------------------------------------------


async def test_the_list_says_how_far_each_is_and_is_searched(desk: Desk) -> None:
    world = desk.clients.world
    assert "本单位还没有发过公文。" in plain((await desk.browser.get("/documents/sent")).text)
    first = await desk.send()
    await desk.send(kind="函", title="关于协助调查的函", series="0")
    await desk.sign(first, world.north_clerk)
    words = plain((await desk.browser.get("/documents/sent")).text)
    assert words.index("关于协助调查的函") < words.index(TITLE)
    assert "1/2" in words
    for query, found in (
        ({"q": "协助"}, ["关于协助调查的函"]), ({"q": "测政办发〔2026〕1"}, [TITLE]), ({"kind": "通知"}, [TITLE]),
        ({"year": "2026"}, ["关于协助调查的函", TITLE]), ({"q": "100%"}, []), ({"kind": "通知", "q": "协助"}, []),
        ({"before": str(first + 1)}, [TITLE]),
    ):  # fmt: skip
        page = (await desk.browser.get("/documents/sent", params=query)).text
        assert re.findall(r'progress">([^<]+)</a></span><p class="meta">', page) == found, query


async def test_the_list_is_paged_by_the_last_line(desk: Desk) -> None:
    for n in range(22):
        await desk.send(title=f"第{n}号通知", series="0")
    page = (await desk.browser.get("/documents/sent")).text
    older = re.findall(r'href="(/documents/sent\?before=\d+)"', page)
    assert len(re.findall(r'class="t1"', page)) == 20
    page = (await desk.browser.get(older[0])).text
    assert re.findall(r'progress">([^<]+)</a></span>', page) == ["第1号通知", "第0号通知"]


# --- one document ---------------------------------------------------------------------------------------------------------


async def test_every_figure_is_the_list_it_counts(desk: Desk) -> None:
    world = desk.clients.world
    id = await desk.send(unit=["6200000009"])
    await desk.sign(id, world.north_clerk)
    page = await page_of(desk, id)
    words = plain(page)
    assert "应签收 3 个单位；签收率 = 1 ÷ 3，按时 1 个。到 98% 还差 2 个单位。" in words
    figures = re.findall(r'show=(\w+)#h-units"(?: aria-current="true")?>([\d,]+)</a><svg class="bar"', page)
    assert figures == [("all", "3"), ("opened", "1"), ("signed", "1"), ("registered", "0"), ("answered", "0")]
    for show, figure in figures:
        assert len(table(await page_of(desk, id, show=show)) if figure != "0" else []) == int(figure)
    assert table(page) == ["市气象局", "南区政府"]
    assert table(await page_of(desk, id, show="all", q="nqzf")) == ["南区政府"]
    assert "没有找到“火星”" in (await page_of(desk, id, show="all", q="火星"))


async def test_who_is_stuck_where(desk: Desk) -> None:
    clients, world = desk.clients, desk.clients.world
    id = await desk.send(unit=["6200000009"])
    await clients.page(world.south_clerk)
    now = clients.house.clock.now()

    async def happen(tx: Tx) -> None:
        await tx.run("UPDATE people SET last_seen_at = :now WHERE id = :id", now=now, id=world.south_clerk.person_id)
        await tx.run("UPDATE people SET mobile_bad = 'UNDELIV' WHERE id = :id", id=world.outsider.person_id)
        await tx.run("UPDATE people SET last_seen_at = NULL WHERE id = :id", id=world.north_clerk.person_id)

    await clients.db.write(happen)
    page = await page_of(desk, id)
    causes = re.findall(r'show=cause_(\w+)#h-units">(\d+)<', page)
    assert causes == [("seen", "1"), ("absent", "1"), ("dead", "1")]
    assert table(await page_of(desk, id, show="cause_dead")) == ["市气象局"]
    assert table(await page_of(desk, id, show="cause_seen")) == ["南区政府"]
    answer = await desk.browser.press(f"/documents/{id}/chase", {"cause": "seen"}, page=f"/documents/{id}/progress")
    assert answer.status_code == 303
    chased = "SELECT unit_id FROM messages WHERE purpose = 'chase' AND channel = 'sms'"
    assert await rows(clients, chased) == [(world.south,)]
    answer = await desk.browser.press(f"/documents/{id}/chase", {"unit": ""}, page=f"/documents/{id}/progress")
    assert "已催 3 个单位" in plain((await desk.browser.get(answer.headers["location"])).text)


async def test_the_part_and_the_table_say_the_same(desk: Desk) -> None:
    id = await desk.send()
    part = (await desk.browser.get(f"/documents/{id}/progress/part")).text
    assert ("<html" in part, "签收率 = 0 ÷ 2" in plain(part)) == (False, True)
    whole = plain((await desk.browser.get(f"/documents/{id}/progress/table")).text)
    assert "发出 2，打开 0，签收 0" in whole
    assert "北区人民政府" in whole


async def test_the_workbook_has_a_row_a_unit(desk: Desk) -> None:
    id = await desk.send(title="=1+1 通知", series="0")
    answer = await desk.browser.get(f"/documents/{id}/units.xlsx")
    found = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert [row[:5] for row in found[1:]] == [
        [1, "620001", "北区人民政府", "主送", "待签收"], [2, "620002", "南区人民政府", "主送", "待签收"],
    ]  # fmt: skip


async def test_the_live_counts_are_those_of_the_page(desk: Desk) -> None:
    id = await desk.send()
    await desk.sign(id, desk.clients.world.north_clerk)
    event = await desk.clients.house.hub.event(f"subject:{id}")
    assert b'"rated": 1' in event
    assert b'"signed": 1' in event


# --- acts -----------------------------------------------------------------------------------------------------------------


async def test_supplement_through_the_page(desk: Desk) -> None:
    id = await desk.send()
    path = f"/documents/{id}/supplement"
    refused = await desk.browser.press(path, {"pasted": "没有这个局", "sign_by": "改天"}, page=path)
    assert wrong(refused.text) == ["main", "sign_by"]
    assert "没有这个局</textarea>" in refused.text
    empty = await desk.browser.press(path, {}, page=path)
    assert wrong(empty.text) == ["main"]
    named = {"unit": ["6200000009", "620001"], "sign_by": "2026-03-25T12:00"}
    words = plain((await desk.browser.press(f"{path}/checks", named, page=path)).text)
    assert "选的单位里有 1 个已经收到过，会跳过。" in words
    assert "1 个单位 7 天没人登录" in words
    assert "补发给 1 个单位" in words
    done = await desk.browser.press(path, named, page=path)
    assert "已补发给 1 个单位，另外 1 个早已收到" in plain((await desk.browser.get(done.headers["location"])).text)
    assert (await desk.clients.db.read(ledger.receipt_of, id, desk.clients.world.outside)).due_at == "2026-03-25T04:00:00.000Z"


async def test_recall_shows_how_far_it_has_gone_first(desk: Desk) -> None:
    world = desk.clients.world
    id = await desk.send()
    await desk.sign(id, world.north_clerk)
    path = f"/documents/{id}/recall"
    words = plain((await desk.browser.get(path)).text)
    assert "1 个单位没有签收，立即撤回。1 个单位已经签收，由对方决定是否同意。" in words
    assert "何淑珍" in words
    refused = await desk.browser.press(path, {"scope": "some", "units": str(world.south), "reason": ""}, page=path)
    assert (refused.status_code, wrong(refused.text)) == (422, ["reason"])
    assert re.search(rf'value="{world.south}"[^>]* checked', refused.text)
    some = {"scope": "some", "units": str(world.south), "reason": "有误"}
    done = await desk.browser.press(path, some, page=path)
    assert "已从 1 个单位撤回。" in plain((await desk.browser.get(done.headers["location"])).text)
    assert (await desk.clients.db.read(ledger.receipt_of, id, world.north)).state == State.SIGNED
    await desk.browser.press(f"{path}?unit={world.north}", {"reason": "有误"}, page=path)
    asked = await desk.clients.db.read(recalling.waiting, id, world.north)
    assert asked is not None
    page = plain(await page_of(desk, id))
    assert "应签收 1 个单位（发出 2，减去撤回 1）；签收率 = 1 ÷ 1" in page
    assert "1 个单位正在决定是否同意撤回。" in page


async def test_correcting_links_both_ways(desk: Desk) -> None:
    world = desk.clients.world
    id = await desk.send()
    form = (await desk.browser.get(f"/documents/new?corrects={id}&unit={world.north}")).text
    assert re.findall(r'name="unit" value="(\d+)"', form) == ["620001"]
    assert f'name="corrects" value="{id}"' in form
    new = await desk.send(group=[], unit=["620001"], corrects=str(id), title="更正后的通知")
    assert f'href="/documents/{new}/progress"' in await page_of(desk, id)
    assert f'href="/documents/{id}/progress"' in await page_of(desk, new)
    assert (await desk.clients.db.read(ledger.receipt_of, id, world.north)).state == State.SUPERSEDED


async def test_void_asks_for_the_reason_and_ends_all(desk: Desk) -> None:
    id = await desk.send()
    path = f"/documents/{id}/void"
    assert wrong((await desk.browser.press(path, {"reason": ""}, page=path)).text) == ["reason"]
    done = await desk.browser.press(path, {"reason": "重复发文"}, page=path)
    page = (await desk.browser.get(done.headers["location"])).text
    words = plain(page)
    assert "已作废，测政办发〔2026〕1号 不再使用。" in words
    assert "重复发文" in words
    assert "/supplement" not in page
    assert "已作废" in plain((await desk.browser.get("/documents/sent")).text)
    assert (await desk.browser.press(path, {"reason": "再来"}, page=path)).status_code == 409


@pytest.mark.parametrize(
    "path",
    ["progress", "progress/part", "progress/table", "units.xlsx", "chase", "supplement", "recall", "void"],
)  # fmt: skip
async def test_strangers_find_no_document(desk: Desk, path: str) -> None:
    id = await desk.send()
    outsider = await desk.clients.page(desk.clients.world.outsider)
    receiver = await desk.clients.page(desk.clients.world.north_clerk)
    for who in (outsider, receiver):
        answer = await who.get(f"/documents/{id}/{path}")
        assert (answer.status_code, TITLE in answer.text) == (404, False)
    for act in ("chase", "supplement", "supplement/checks", "recall", "void"):
        answer = await receiver.press(f"/documents/{id}/{act}", {"reason": "有误", "unit": "620001"}, page="/documents/new")
        assert answer.status_code == 404
    assert (await desk.clients.db.read(sending.find, id)).voided_at is None
    organiser = await desk.clients.page(desk.clients.world.organiser)
    assert (await organiser.get(f"/documents/{id}/{path}")).status_code == 403
    assert (await desk.browser.get(f"/documents/{id}/{path}")).status_code == 200
    assert (await desk.browser.get(f"/documents/99999/{path}")).status_code == 404


async def test_a_late_signature_counts_but_not_as_on_time(desk: Desk, clock: FixedClock) -> None:
    id = await desk.send()
    clock.move(days=2)
    await desk.sign(id, desk.clients.world.north_clerk)
    browser = await desk.clients.page(desk.clerk)
    words = plain((await browser.get(f"/documents/{id}/progress?show=late")).text)
    assert "签收率 = 1 ÷ 2，按时 0 个。" in words
    assert "逾期的2" in words
