"""The sender's page through the real app: write, check, keep, send; what is refused loses nothing."""

import asyncio
import re

import pytest

from exchange import sending
from ground.db import Tx
from ground.directory import people, units
from ground.directory.units import NewUnit
from tests.app_client import BASE
from tests.exchange.sender_client import NEW, PDF, TITLE, Desk, hire, plain, rows, value, wrong
from tests.world import NOW, TODAY


async def test_the_empty_page_offers_the_next_number_and_asks_for_what_is_missing(desk: Desk) -> None:
    page = (await desk.browser.get(NEW)).text
    assert "测政办发〔2026〕1号" in plain(page)
    assert 'data-text="各区政府" data-n="2"' in page
    checks = page[page.index('id="checks"') :]
    assert re.findall(r'href="#(\w+)"', checks) == ["title", "main", "body"]
    assert value(page, "dated") == TODAY
    assert wrong(page) == []
    assert page.count("btn primary") == 1


async def test_a_document_is_numbered_and_reaches_main_and_copy(desk: Desk) -> None:
    world = desk.clients.world
    id = await desk.send(cc_unit=["6200000009", "620002"], **{"except": ["620002"]})
    listed = await desk.clients.db.read(sending.recipients_of, id)
    assert [(r.unit_id, r.part) for r in listed] == [(world.north, "main"), (world.outside, "copy"), (world.south, "copy")]
    document = await desk.clients.db.read(sending.find, id)
    assert (document.number, document.urgency, document.title) == ("测政办发〔2026〕1号", "urgent", TITLE)
    assert (document.sign_by, document.dated) == ("2026-03-19T04:00:00.000Z", TODAY)
    assert "测政办发〔2026〕2号" in plain((await desk.browser.get(NEW)).text)


async def test_the_time_to_sign_by_has_a_default_in_working_hours(desk: Desk) -> None:
    typed = await desk.typed(sign_by="")
    for urgency, until in (("immediate", "2026-03-18T03:42"), ("urgent", "2026-03-19T02:42"), ("normal", "2026-03-23T07:12")):
        id = await desk.send(**typed | {"urgency": urgency})
        document = await desk.clients.db.read(sending.find, id)
        assert (urgency, document.sign_by[:16]) == (urgency, until)


async def test_a_refused_form_comes_back_with_everything_that_was_typed(desk: Desk) -> None:
    typed = await desk.typed(
        kind="请示", title="", sign_by="改天", answer_by="明天中午", dated="不知道", issuer="", note="（联系人：田志强）",
        unit=["6200000009"], pasted="南区政府\n没有这个局\n区人民政府", cc_except_pasted="也没有这个局", joint="市政府\n市委",
    )  # fmt: skip
    answer = await desk.browser.press("/documents/sending", typed, page=NEW)
    page = answer.text
    assert answer.status_code == 422
    assert wrong(page) == ["title", "main", "sign_by", "dated"]
    assert "“没有这个局”没有对上" in page
    assert "“区人民政府”可能是北区政府、南区政府" in page
    assert re.search(r'name="pasted"[^>]*>\n没有这个局\n区人民政府</textarea>', page)
    assert re.search(r'name="cc_except_pasted"[^>]*>\n也没有这个局</textarea>', page)
    assert re.findall(r'name="unit" value="(\d+)"', page) == ["6200000009", "620002"]
    assert (value(page, "sign_by"), value(page, "answer_by")) == ("改天", "2026-03-19T12:00")
    assert (value(page, "dated"), value(page, "note")) == ("不知道", "（联系人：田志强）")
    assert re.search(r'name="joint"[^>]*>\n市政府\n市委</textarea>', page)
    assert '<option value="请示" selected>' in page
    assert value(page, "body") == typed["body"]
    assert await rows(desk.clients, "SELECT id FROM documents") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "请示", "issuer": "马"}, "请示只能主送一个上级机关，现在是 2 个。"),
        ({"kind": "报告", "title": "关于增拨经费的报告，妥否，请批示"}, "报告里不得夹带请示事项。"),
        ({"title": "【机密】安全工作"}, "密级标志"),
        ({"answer_by": "2026-03-19T09:00"}, "答复时限不能早于签收时限。"),
        ({"body": "nosuchfile123456"}, "有一个文件没有找到"),
        ({"group": "999"}, "没有找到：999"),
    ],
)
async def test_what_may_not_be_sent_says_why(desk: Desk, change: dict[str, str], said: str) -> None:
    answer = await desk.browser.press("/documents/sending", await desk.typed(**change), page=NEW)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert wrong(answer.text) != []
    assert await rows(desk.clients, "SELECT serial FROM numbers") == []


async def test_pressed_twice_it_is_one_document(desk: Desk) -> None:
    typed = await desk.typed(once="same-press")
    first, second = await asyncio.gather(
        *(desk.browser.press("/documents/sending", typed, page=NEW) for _ in range(2))
    )  # fmt: skip
    assert first.headers["location"] == second.headers["location"]
    assert await rows(desk.clients, "SELECT serial FROM numbers") == [(1,)]


async def test_files_that_travel_with_the_form_are_kept_when_it_is_refused(desk: Desk) -> None:
    typed = await desk.typed(title="")
    del typed["body"]
    files = [("body_file", ("正文.pdf", PDF, "application/pdf")), ("files", ("附件.txt", "值班表".encode(), "application/x"))]
    page = (await desk.browser.press("/documents/sending", typed, page=NEW, files=files)).text
    assert wrong(page) == ["title"]
    kept = {"body": value(page, "body"), "attachment": value(page, "attachment")}
    id = await desk.send(**kept)
    listed = await desk.clients.db.read(sending.files_of, id)
    assert [(f.name, f.part) for f in listed] == [("正文.pdf", "body"), ("附件.txt", "attachment")]


async def test_a_new_body_takes_the_place_of_the_old_one(desk: Desk) -> None:
    files = [("body_file", ("新正文.pdf", PDF + b"new", "application/pdf"))]
    page = (await desk.browser.press("/documents/checks", await desk.typed(), page=NEW, files=files)).text
    assert "新正文.pdf" in page
    assert len(re.findall(r'name="body" value="[^"]+"', page)) == 1


# --- checks ---------------------------------------------------------------------------------------------------------------


async def test_every_warning_has_its_ways_out(desk: Desk) -> None:
    clients = desk.clients

    async def add(tx: Tx) -> None:
        below = NewUnit("62000101", "北区气象站", "北区气象站", clients.world.north, "政府", 3)
        await units.open_unit(tx, below, today="2025-01-01", at=NOW)

    await clients.db.write(add)
    typed = await desk.typed(group=[], unit=["62000101", "620002"])
    page = (await desk.browser.press("/documents/checks", typed, page=NEW)).text
    words = plain(page)
    assert "1 个单位没有能通知的人" in words
    assert "1 个单位 7 天没人登录" in words
    assert "62000101&gt;620001" in page
    above = (await desk.browser.press("/documents/checks", typed | {"instead": "62000101>620001"}, page=NEW)).text
    assert re.findall(r'name="(unit|except)" value="(\d+)"', above) == [
        ("unit", "620002"), ("unit", "620001"), ("except", "62000101"),
    ]  # fmt: skip
    out = (await desk.browser.press("/documents/checks", typed | {"leave_out": "62000101"}, page=NEW)).text
    assert "没有能通知的人" not in plain(out)
    anyway = (await desk.browser.press("/documents/checks", typed | {"accept": "nobody"}, page=NEW)).text
    assert "1 个单位没有能通知的人，照样发" in plain(anyway)
    assert 'name="accept" value="nobody"' in anyway


async def test_the_panel_counts_units_once_and_says_what_it_costs(desk: Desk) -> None:
    typed = await desk.typed(unit=["620001"], cc_unit=["620002", "6200000009"])
    answer = await desk.browser.press("/documents/checks", typed, page=NEW)
    words = plain(answer.text)
    assert "发往3 个单位，主送 2，抄送 1" in words
    assert "重复的 2 个已合并" in words
    assert "短信3 人，每人 1 条，约 1 秒发完，约 0.12 元" in words


async def test_a_unit_that_closes_between_draft_and_sending_gets_nothing(desk: Desk) -> None:
    world, operator = desk.clients.world, desk.clients.world.operator
    page = (await desk.browser.press("/documents/drafts", await desk.typed(), page=NEW)).headers["location"]
    draft = int(re.findall(r"draft=(\d+)", page)[0])
    south = await desk.clients.db.read(units.by_id, world.south)
    await desk.clients.db.write(
        units.close, south, on=TODAY, today=TODAY, reason="撤并", into=world.north, by=operator, at=NOW
    )  # fmt: skip
    checked = plain((await desk.browser.get(f"{NEW}?draft={draft}")).text)
    assert "1 个单位已停用或撤并，不会发" in checked
    id = await desk.send(draft=draft)
    assert [r.unit_id for r in await desk.clients.db.read(sending.recipients_of, id)] == [world.north]


# --- drafts ---------------------------------------------------------------------------------------------------------------


async def test_a_draft_keeps_all_and_goes_when_it_is_sent(desk: Desk) -> None:
    typed = await desk.typed(issuer="马文斌", cc_unit=["6200000009"])
    saved = await desk.browser.press("/documents/drafts", typed, page=NEW)
    location = saved.headers["location"]
    page = (await desk.browser.get(location)).text
    assert (value(page, "title"), value(page, "issuer"), value(page, "body")) == (TITLE, "马文斌", typed["body"])
    draft = re.findall(r"draft=(\d+)", location)[0]
    looked = await desk.browser.get(f"/documents/drafts/{draft}/preview")
    assert "北区人民政府、南区人民政府" in plain(looked.text)
    assert 'id="h-d"' in (await desk.browser.get("/documents/sent")).text
    await desk.send(draft=draft)
    assert (await desk.browser.get(location)).headers["location"].startswith("/documents/")
    assert 'id="h-d"' not in (await desk.browser.get("/documents/sent")).text
    again = await desk.browser.press("/documents/sending", typed | {"draft": draft}, page=NEW)
    assert (again.status_code, "这份草稿已经发出了" in again.text) == (409, True)


async def test_a_script_saves_and_is_told_where(desk: Desk) -> None:
    shown = await desk.browser.get(NEW)
    csrf = re.findall(r'name="csrf" value="([^"]+)"', shown.text)[0]
    headers = {"origin": BASE, "x-requested-with": "fetch"}
    answer = await desk.browser.post("/documents/drafts", data={"csrf": csrf, "title": "半份"}, headers=headers)
    said = answer.json()
    assert said["url"] == f"/documents/new?draft={said['id']}"
    part = await desk.browser.post("/documents/checks", data={"csrf": csrf, "title": "半份"}, headers=headers)
    assert ("<html" in part.text, "data-units" in part.text) == (False, True)


async def test_copying_an_earlier_document(desk: Desk) -> None:
    id = await desk.send(unit=["6200000009"], issuer="马文斌")
    page = (await desk.browser.get(f"{NEW}?copy={id}")).text
    assert (value(page, "title"), value(page, "issuer")) == (TITLE, "马文斌")
    assert re.search(rf'name="group" value="{desk.clients.world.districts}"[^>]* checked', page)
    assert re.findall(r'name="unit" value="(\d+)"', page) == ["6200000009"]
    assert re.findall(r'name="body" value="([^"]+)"', page) == []


async def test_strangers_find_nothing(desk: Desk) -> None:
    id = await desk.send()
    draft = re.findall(
        r"draft=(\d+)", (await desk.browser.press("/documents/drafts", await desk.typed(), page=NEW)).headers["location"]
    )[0]  # fmt: skip
    other = await desk.clients.page(desk.clients.world.outsider)
    for path in (f"{NEW}?draft={draft}", f"{NEW}?copy={id}", f"{NEW}?corrects={id}", f"/documents/drafts/{draft}/preview"):
        assert (await other.get(path)).status_code == 404, path
    assert (await other.press(f"/documents/drafts/{draft}/removal", page=NEW)).status_code == 404
    assert TITLE not in (await other.get("/documents/sent")).text
    stolen = await other.press("/documents/sending", await desk.typed(series="0", unit=["620001"], corrects=str(id)), page=NEW)
    assert stolen.status_code in (404, 422)
    organiser = await desk.clients.page(desk.clients.world.organiser)
    assert (await organiser.get(NEW)).status_code == 403
    leader = await hire(desk.clients, "lead", "领导", desk.clients.world.office, "leader")
    assert (await (await desk.clients.page(leader)).get("/documents/sent")).status_code == 403
    assert await desk.clients.db.read(people.posts_of, leader.person_id) != []
