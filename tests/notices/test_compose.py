"""The organiser's pages through the real app: write, check, send, change, cancel; what is refused loses nothing."""

import asyncio
import html
import re
from typing import Any

import httpx2
import pytest

from ground.clock import FixedClock
from ground.db import Tx
from ground.directory import people, units
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.directory.units import NewUnit
from notices import organising, publishing
from receipts import ledger
from tests.app_client import BASE, Browser, Clients
from tests.world import NOW, TODAY

NEW = "/meetings/new"
TITLE = "全市文物保护与旅游安全工作会议"
Data = dict[str, Any]


def meeting(clients: Clients, **more: Any) -> Data:
    """What is typed for a meeting of both districts."""
    return {
        "title": TITLE, "urgency": "urgent", "starts_at": "2026-03-20T15:00", "ends_at": "", "answer_by": "",
        "place": "市政府四楼会议室", "seats": "180", "group": [str(clients.world.districts)],
        "quota_principal_min": "1", "quota_principal_max": "1",
        "quota_staff_min": "0", "quota_staff_max": "2", "quota_deputy_max": "", "quota_driver_max": "",
        "field_key": ["", ""],
        "field_label": ["住宿", ""], "field_type": ["choice", "text"], "field_need": ["1", ""], "field_choices": ["住、不住", ""],
        "body": "请准时参加。", "dress": "正装", **more,
    }  # fmt: skip


def hidden(page: str, name: str) -> list[str]:
    """The values of the hidden inputs of a name."""
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)


def value(page: str, name: str) -> str:
    """What stands in the text input of a name."""
    found = re.search(rf'<input class="in[^>]* name="{name}" [^>]*value="([^"]*)"', page) or re.search(
        rf'<input class="in[^>]* name="{name}" value="([^"]*)"', page
    )
    assert found is not None, name
    return html.unescape(found.group(1))


def wrong(page: str) -> list[str]:
    """The fields that the summary on top leads to, in its order."""
    found = re.search(r'<div class="sumerr".*?</div>', page, re.DOTALL)
    return re.findall(r'href="#(\w+)"', found.group(0)) if found else []


async def count(clients: Clients, table: str) -> int:
    async def ask(tx: Tx) -> int:
        return int(await tx.value(f"SELECT COUNT(*) FROM {table}"))

    return await clients.db.read(ask)


async def colleague(clients: Clients, at: int, login: str) -> Actor:
    """Another organiser, in the unit `at`."""

    async def add(tx: Tx) -> Actor:
        mobile = f"139{len(login):08d}"
        id = await people.add(
            tx, NewPerson(login, "郑会务", mobile, "", "organiser", "科员"), at, by=None, joined=False, at=NOW
        )  # fmt: skip
        u = await units.by_id(tx, at)
        return Actor(id, "郑会务", login, at, u.code, u.name, u.short_name, u.path, frozenset({"organiser"}))

    return await clients.db.write(add)


async def publish(clients: Clients, **more: Any) -> int:
    """A notice that is out; its id."""
    browser = await clients.page(clients.world.organiser)
    answer = await browser.press("/meetings/publication", meeting(clients, **more), page=NEW)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].split("/")[2].split("?")[0])


@pytest.fixture
async def browser(clients: Clients) -> Browser:
    """The organiser's browser."""
    return await clients.page(clients.world.organiser)


# --- a new notice ---------------------------------------------------------------------------------------------------------


async def test_the_empty_page_offers_groups_and_asks_for_what_is_missing(clients: Clients, browser: Browser) -> None:
    page = (await browser.get(NEW)).text
    assert 'data-text="各区政府" data-n="2"' in page
    assert value(page, "contact") == "吴佳"
    assert re.search(r'发送给 <span data-count="total">0</span> 个单位', page)
    assert re.findall(r'href="#(title|starts_at|place|answer_by|invited)"', page) == ["title", "starts_at", "place", "invited"]
    assert wrong(page) == []
    assert page.count("btn primary") == 1


async def test_a_notice_to_two_groups_but_one_unit_opens_exactly_these_receipts(clients: Clients, browser: Browser) -> None:
    world = clients.world
    sent = meeting(clients, unit=["6200000009"], **{"except": ["620002"]})
    answer = await browser.press("/meetings/publication", sent, page=NEW)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/meetings/")
    id = int(answer.headers["location"].split("/")[2])
    lines = await clients.db.read(organising.lines, id)
    assert {line.unit_id for line in lines} == {world.north, world.outside}
    notice = await clients.db.read(publishing.find, id)
    assert (notice.title, notice.urgency, notice.seats) == (TITLE, "urgent", 180)
    assert (notice.starts_at, notice.ends_at) == ("2026-03-20T07:00:00.000Z", "2026-03-20T09:00:00.000Z")
    assert notice.answer_by == "2026-03-19T04:00:00.000Z"
    assert [(f.key, f.label, f.required, f.choices) for f in notice.fields] == [("f1", "住宿", True, ("住", "不住"))]
    assert [(q.role, q.min, q.max) for q in notice.quota] == [("principal", 1, 1), ("staff", 0, 2)]
    shown = await browser.get(answer.headers["location"])
    assert "已发给 2 个单位，短信 2 条。" in shown.text


async def test_typed_chinese_times_are_understood_and_echoed(clients: Clients, browser: Browser) -> None:
    typed = meeting(clients, starts_at="后天下午3点", answer_by="明天中午", place="")
    page = (await browser.press("/meetings/publication", typed, page=NEW)).text
    assert wrong(page) == ["place"]
    assert (value(page, "starts_at"), value(page, "answer_by")) == ("2026-03-20T15:00", "2026-03-19T12:00")
    assert "3月20日 星期五 15:00" in page
    page = (await browser.press("/meetings/publication", typed | {"starts_at": "大概周五"}, page=NEW)).text
    assert wrong(page) == ["starts_at", "place"]
    assert value(page, "starts_at") == "大概周五"


async def test_a_refused_form_comes_back_with_everything_that_was_typed(clients: Clients, browser: Browser) -> None:
    typed = meeting(
        clients, title="", unit=["6200000009"], pasted="南区政府\n没有这个局\n区人民政府", except_pasted="也没有这个局\n北区政府",
        quota_driver_min="5", quota_driver_max="1",
    )  # fmt: skip
    answer = await browser.press("/meetings/publication", typed, page=NEW)
    page = answer.text
    assert answer.status_code == 422
    assert wrong(page) == ["title", "invited", "quota"]
    assert "“没有这个局”没有对上" in page
    assert "“区人民政府”可能是北区政府、南区政府" in page
    assert re.search(r'name="pasted"[^>]*>\n没有这个局\n区人民政府</textarea>', page)
    assert re.search(r'name="except_pasted"[^>]*>\n也没有这个局</textarea>', page)
    assert re.findall(r'name="(unit|except)" value="(\d+)"', page) == [
        ("unit", "6200000009"), ("unit", "620002"), ("except", "620001"),
    ]  # fmt: skip
    assert re.search(rf'name="group" value="{clients.world.districts}"[^>]* checked', page)
    assert (value(page, "quota_driver_min"), value(page, "quota_driver_max")) == ("5", "1")
    assert (value(page, "field_label"), value(page, "field_choices")) == ("住宿", "住、不住")
    assert (value(page, "seats"), value(page, "dress")) == ("180", "正装")
    assert "请准时参加。</textarea>" in page
    assert await count(clients, "notices") == 0


@pytest.mark.parametrize("field", ["title", "body", "dress", "agenda"])
async def test_classified_marks_are_refused_with_the_sentence(clients: Clients, browser: Browser, field: str) -> None:
    answer = await browser.press("/meetings/publication", meeting(clients, **{field: "关于某事 机密★"}), page=NEW)
    assert answer.status_code == 422
    assert wrong(answer.text) == [field]
    assert "标题或内容里有密级标志。本网不得传送国家秘密" in answer.text
    assert await count(clients, "notices") == 0


HOSTILE = {
    "long": "长" * 10_000,
    "null": "会\x00议",
    "escape": "\x1b[31m会议",
    "turned": "会\u202e议",
    "isolate": "会\u2066议",
}
FIELDS = ["title", "place", "body", "dress", "contact_phone", "field_label", "seats", "starts_at", "quota_staff_max"]


@pytest.mark.parametrize("field", FIELDS)
async def test_hostile_values_get_a_page_with_a_sentence(clients: Clients, browser: Browser, field: str) -> None:
    for name, text in HOSTILE.items():
        bad = ["住宿" + text] if field == "field_label" else text
        answer = await browser.press("/meetings/publication", meeting(clients, **{field: bad}), page=NEW)
        fits = name == "long" and field == "body"  # 10,000 characters are a long text, and allowed
        assert answer.status_code == (303 if fits else 422), (field, name)
        if not fits:
            shown = {"field_label": "fields", "quota_staff_max": "quota"}.get(field, field)
            assert wrong(answer.text) == [shown], (field, name)


async def test_hostile_recipients_are_refused_by_name(clients: Clients, browser: Browser) -> None:
    several: list[Data] = [
        {"group": ["999"]}, {"group": ["٣"]}, {"unit": ["nope\x00"]}, {"group": [], "pasted": "\u202e\x00"}, {"group": []},
    ]  # fmt: skip
    for bad in several:
        answer = await browser.press("/meetings/publication", meeting(clients, **bad), page=NEW)
        assert answer.status_code == 422
        assert wrong(answer.text) == ["invited"]
    urgency = await browser.press("/meetings/publication", meeting(clients, urgency="<b>"), page=NEW)
    assert (urgency.status_code, wrong(urgency.text)) == (422, ["urgency"])
    assert await count(clients, "notices") == 0


async def test_emoji_and_rare_characters_are_only_text(clients: Clients) -> None:
    id = await publish(clients, title="𠮷县🎉会议 <b>&amp;")
    notice = await clients.db.read(publishing.find, id)
    assert notice.title == "𠮷县🎉会议 <b>&amp;"


async def test_a_double_press_is_one_notice(clients: Clients, browser: Browser) -> None:
    page = (await browser.get(NEW)).text
    data = meeting(clients, once=hidden(page, "once")[0])
    first, second = await asyncio.gather(
        browser.press("/meetings/publication", data, page=NEW), browser.press("/meetings/publication", data, page=NEW)
    )
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert await count(clients, "notices") == 1


async def test_files_that_came_with_a_refused_form_are_kept(clients: Clients, browser: Browser) -> None:
    files = [("files", ("议程.pdf", b"%PDF-1.4 a", "application/pdf")), ("files", ("空.txt", b"", "text/plain"))]
    answer = await browser.press("/meetings/publication", meeting(clients, title=""), page=NEW, files=files)
    assert answer.status_code == 422
    assert wrong(answer.text) == ["attachments"]
    assert "“空.txt”没有存上：文件是空的，请重新选择。" in answer.text
    kept = [id for id in hidden(answer.text, "attachment") if id]
    assert len(kept) == 1
    once = hidden(answer.text, "once")[0]
    more = [("files", ("座次.pdf", b"%PDF-1.4 b", "application/pdf"))]
    data = meeting(clients, attachment=kept, once=once)
    sent = [await browser.press("/meetings/publication", data, page=NEW, files=more) for _ in range(2)]
    assert [a.status_code for a in sent] == [303, 303]  # the second press is the first one again, files and all
    assert sent[0].headers["location"] == sent[1].headers["location"]
    id = int(sent[0].headers["location"].split("/")[2])
    subject = await clients.db.read(ledger.subject_of, id)
    assert [f.name for f in await clients.db.read(ledger.files_of, subject)] == ["议程.pdf", "座次.pdf"]


async def test_another_units_file_cannot_be_attached(clients: Clients, browser: Browser) -> None:
    theirs = await clients.page(clients.world.outsider)
    up = await theirs.press("/files/upload", files=[("file", ("密.pdf", b"%PDF-1.4", "application/pdf"))])
    stolen = up.json()["id"]
    answer = await browser.press("/meetings/publication", meeting(clients, attachment=[stolen]), page=NEW)
    assert (answer.status_code, wrong(answer.text)) == (422, ["attachments"])
    id = await publish(clients)
    answer = await browser.press(
        f"/meetings/{id}/versions", meeting(clients, attachment=[stolen], version="1", place="三楼"), page=NEW
    )
    assert (answer.status_code, wrong(answer.text)) == (422, ["attachments"])
    assert "密.pdf" not in answer.text


# --- checks ---------------------------------------------------------------------------------------------------------------


async def test_the_panel_names_whom_it_will_not_reach_and_blocks_nothing(clients: Clients, browser: Browser) -> None:
    world = clients.world

    async def worsen(tx: Tx) -> None:
        await tx.run("UPDATE people SET mobile_bad = '空号' WHERE id = :id", id=world.south_clerk.person_id)
        await tx.run("UPDATE people SET last_seen_at = :at WHERE id = :id", at=NOW, id=world.outsider.person_id)
        empty = NewUnit("6200000010", "测试市档案馆", "市档案馆", world.city, "事业", 1)
        await units.open_unit(tx, empty, today="2025-01-01", at=NOW)
        gone = NewUnit("6200000011", "测试市旧局", "市旧局", world.city, "政府", 1)
        old = await units.by_id(tx, await units.open_unit(tx, gone, today="2025-01-01", at=NOW))
        await units.close(tx, old, on=TODAY, today=TODAY, reason="撤并", into=None, by=world.operator, at=NOW)

    await clients.db.write(worsen)
    typed = meeting(clients, unit=["6200000009", "6200000010", "6200000011", "620001"])
    page = (await browser.press("/meetings/checks", typed, page=NEW)).text
    for sentence in (
        "1 个单位没有能通知的人", "1 个单位没有能用的手机号", "1 个单位 7 天没人登录", "1 个单位已停用，不会发",
        "重复的 1 个已合并", "标题、内容未见密级标志", "有 4 处请看一下。",
    ):  # fmt: skip
        assert sentence in page, sentence
    assert 'data-units="4"' in page
    assert "<b>3</b> 人，每人 2 条，约 1 秒发完，约 0.24 元" in page
    assert wrong(page) == []
    without = (await browser.press("/meetings/checks", typed | {"leave_out": "6200000010"}, page=NEW)).text
    assert 'data-units="3"' in without
    assert "没有能通知的人" not in without
    assert 'name="except" value="6200000010"' in without
    sent = await browser.press("/meetings/publication", typed, page=NEW)
    assert sent.status_code == 303


async def test_a_script_is_answered_the_panel_alone(clients: Clients, browser: Browser) -> None:
    token = hidden((await browser.get(NEW)).text, "csrf")[0]
    answer = await browser.post(
        "/meetings/checks", data={"csrf": token} | meeting(clients, title="绝密★"),
        headers={"origin": BASE, "x-requested-with": "fetch"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert answer.text.startswith('<div data-units="2"><span data-echo')
    assert "<html" not in answer.text
    assert "标题或内容里有密级标志" in answer.text


async def test_quiet_hours_are_said_before_sending(clients: Clients, clock: FixedClock) -> None:
    clock.set("2026-03-18T14:30:00.000Z")
    browser = await clients.page(clients.world.organiser)
    page = (await browser.press("/meetings/checks", meeting(clients), page=NEW)).text
    assert "现在是免打扰时间，明天 07:00 起发" in page
    page = (await browser.press("/meetings/checks", meeting(clients, urgency="immediate"), page=NEW)).text
    assert "免打扰" not in page


# --- drafts ---------------------------------------------------------------------------------------------------------------


async def test_a_draft_keeps_what_is_typed_and_ends_with_the_sending(clients: Clients, browser: Browser) -> None:
    typed = meeting(clients, starts_at="随便", pasted="没有这个局", quota_driver_max="一")
    kept = await browser.press("/meetings/drafts", typed, page=NEW)
    assert kept.status_code == 303
    page = (await browser.get(kept.headers["location"])).text
    draft = hidden(page, "draft")[0]
    assert (value(page, "starts_at"), value(page, "quota_driver_max"), value(page, "field_label")) == ("随便", "一", "住宿")
    assert re.search(r'name="pasted"[^>]*>\n没有这个局</textarea>', page)
    assert TITLE[:10] in (await browser.get(NEW)).text  # offered on the empty page
    seen = await browser.get(f"/meetings/drafts/{draft}/preview")
    assert seen.status_code == 200
    assert TITLE in seen.text
    sent = await browser.press("/meetings/publication", meeting(clients, draft=draft), page=NEW)
    assert sent.status_code == 303
    again = await browser.press("/meetings/publication", meeting(clients, draft=draft), page=NEW)
    assert again.status_code == 409
    assert "这份草稿已经发出了" in again.text
    assert (await browser.get(f"{NEW}?draft={draft}")).headers["location"] == sent.headers["location"]
    assert await count(clients, "notices") == 1


async def test_a_script_saves_the_same_draft_over_and_over(clients: Clients, browser: Browser) -> None:
    token = hidden((await browser.get(NEW)).text, "csrf")[0]
    headers = {"origin": BASE, "x-requested-with": "fetch"}
    first = await browser.post("/meetings/drafts", data={"csrf": token, "title": "会"}, headers=headers)
    assert (first.status_code, sorted(first.json())) == (200, ["id", "saved", "url"])
    assert first.json()["saved"] == "草稿，09:42 已自动保存"
    id = first.json()["id"]
    second = await browser.post("/meetings/drafts", data={"csrf": token, "title": "会议", "draft": str(id)}, headers=headers)
    assert second.json()["id"] == id
    assert value((await browser.get(f"{NEW}?draft={id}")).text, "title") == "会议"
    long = await browser.post("/meetings/drafts", data={"csrf": token, "body": "x" * 200_001}, headers=headers)
    assert (long.status_code, long.json()["detail"]) == (409, "草稿太长，没有存上。请把长文字放进附件。")
    assert await count(clients, "drafts") == 1


async def test_a_draft_can_be_thrown_away(clients: Clients, browser: Browser) -> None:
    kept = await browser.press("/meetings/drafts", meeting(clients), page=NEW)
    draft = hidden((await browser.get(kept.headers["location"])).text, "draft")[0]
    gone = await browser.press(f"/meetings/drafts/{draft}/removal", page=NEW)
    assert gone.status_code == 303
    assert (await browser.get(f"{NEW}?draft={draft}")).status_code == 404
    sent = await browser.press("/meetings/publication", meeting(clients, draft=draft), page=NEW)
    assert sent.status_code == 303  # what was typed in another window can still be sent


async def test_an_earlier_meeting_is_copied_without_its_times(clients: Clients, browser: Browser) -> None:
    id = await publish(clients, unit=["6200000009"])
    page = (await browser.get(f"{NEW}?copy={id}")).text
    assert (value(page, "title"), value(page, "starts_at"), value(page, "seats")) == (TITLE, "", "180")
    assert re.search(rf'name="group" value="{clients.world.districts}"[^>]* checked', page)
    assert re.findall(r'name="unit" value="(\d+)"', page) == ["6200000009"]
    assert value(page, "field_label") == "住宿"


# --- changing and cancelling ----------------------------------------------------------------------------------------------


async def test_a_change_says_what_will_happen_and_then_does_it(clients: Clients, browser: Browser) -> None:
    id = await publish(clients)
    path = f"/meetings/{id}/change"
    page = (await browser.get(path)).text
    assert (value(page, "starts_at"), value(page, "answer_by"), hidden(page, "version")) == (
        "2026-03-20T15:00", "2026-03-19T12:00", ["1"],
    )  # fmt: skip
    assert "还没有改动。" in page
    assert "北区政府、南区政府" in page

    async def answered(tx: Tx) -> None:
        await tx.run("UPDATE answers SET state = 'coming' WHERE notice_id = :n AND unit_id = :u", n=id, u=clients.world.north)

    await clients.db.write(answered)
    typed = meeting(clients, version="1", answer_by="2026-03-19T12:00", place="市政府三楼", field_key=["f1", ""])
    page = (await browser.press(path, typed, page=path)).text
    assert "改了 1 处" in page
    assert "2 个单位会收到旧→新的短信" in page
    assert "时间或地点变了，已答复的 1 个单位要再确认" in page
    sent = await browser.press(f"/meetings/{id}/versions", typed, page=path)
    assert sent.status_code == 303
    shown = (await browser.get(sent.headers["location"])).text
    assert "第 2 版已发给 2 个单位。已答复的 1 个单位要再确认。" in shown
    notice = await clients.db.read(publishing.find, id)
    assert (notice.version, notice.place) == (2, "市政府三楼")
    same = await browser.press(f"/meetings/{id}/versions", typed | {"version": "2"}, page=path)
    assert same.status_code == 409
    assert "没有改动，不用发新版。" in same.text


async def test_of_two_organisers_the_second_is_refused_and_keeps_the_text(clients: Clients, browser: Browser) -> None:
    id = await publish(clients)
    path = f"/meetings/{id}/change"
    other = await clients.page(await colleague(clients, clients.world.office, "zheng"))
    theirs = meeting(clients, version="1", place="市政府三楼", field_key=["f1", ""])
    ours = meeting(clients, version="1", place="市政府五楼", body="请提前十分钟到场。", field_key=["f1", ""])
    assert (await other.press(f"/meetings/{id}/versions", theirs, page=path)).status_code == 303
    refused = await browser.press(f"/meetings/{id}/versions", ours, page=path)
    page = refused.text
    assert refused.status_code == 409
    assert "这个通知刚被别人改成了第 2 版" in page
    assert "郑会务 今天 09:42 改成了第 2 版" in page
    assert value(page, "place") == "市政府五楼"
    assert "请提前十分钟到场。</textarea>" in page
    assert hidden(page, "version") == ["2"]  # having seen it, a second press is about the newest
    assert (await clients.db.read(publishing.find, id)).place == "市政府三楼"
    assert (await browser.press(f"/meetings/{id}/versions", ours | {"version": "2"}, page=path)).status_code == 303
    assert (await clients.db.read(publishing.find, id)).place == "市政府五楼"


async def test_checking_does_not_make_an_old_version_look_new(clients: Clients, browser: Browser) -> None:
    id = await publish(clients)
    path = f"/meetings/{id}/change"
    other = await clients.page(await colleague(clients, clients.world.office, "zheng"))
    await other.press(f"/meetings/{id}/versions", meeting(clients, version="1", place="三楼"), page=path)
    page = (await browser.press(path, meeting(clients, version="1", place="五楼"), page=path)).text
    assert hidden(page, "version") == ["1"]


async def test_a_cancellation_says_who_is_told_and_happens_once(clients: Clients, browser: Browser) -> None:
    id = await publish(clients)
    path = f"/meetings/{id}/cancellation"
    page = (await browser.get(path)).text
    assert "2 个单位、2 人马上收到取消的短信，其中 0 个单位已报名。取消后不能恢复" in page
    assert "btn danger fill" in page
    for bad in ("", "长" * 201, "会\x00议", "绝密★"):
        answer = await browser.press(path, {"reason": bad}, page=path)
        assert answer.status_code == 422
        assert wrong(answer.text) == ["reason"]
    data = {"reason": "与省里的会冲突。", "once": hidden(page, "once")[0]}
    sent = [await browser.press(path, data, page=NEW) for _ in range(2)]
    assert [a.status_code for a in sent] == [303, 303]
    notice = await clients.db.read(publishing.find, id)
    assert notice.cancel_reason == "与省里的会冲突。"
    assert (await browser.get(path)).status_code == 409
    late = await browser.press(f"/meetings/{id}/versions", meeting(clients, version="1", place="三楼"), page=NEW)
    assert late.status_code == 409
    assert "会议已取消，不能再改" in late.text


# --- strangers ------------------------------------------------------------------------------------------------------------


async def every_route(browser: Browser, id: int, draft: str) -> list[httpx2.Response]:
    """Every route that names a thing of the unit's."""
    gets = [f"{NEW}?draft={draft}", f"{NEW}?copy={id}", f"/meetings/drafts/{draft}/preview", f"/meetings/{id}/change"]
    gets.append(f"/meetings/{id}/cancellation")
    posts = [f"/meetings/{id}/change", f"/meetings/{id}/versions", f"/meetings/{id}/cancellation"]
    posts.append(f"/meetings/drafts/{draft}/removal")
    data = {"version": "1", "title": "改", "place": "别处", "starts_at": "2026-03-20T15:00", "reason": "不开了"}
    return [await browser.get(path) for path in gets] + [await browser.press(path, data) for path in posts]


async def test_another_units_organiser_finds_nothing(clients: Clients, browser: Browser) -> None:
    id = await publish(clients)
    kept = await browser.press("/meetings/drafts", meeting(clients), page=NEW)
    draft = kept.headers["location"].split("draft=")[1]
    stranger = await clients.page(await colleague(clients, clients.world.north, "stranger"))
    for n, answer in enumerate(await every_route(stranger, id, draft)):
        assert answer.status_code == 404, n
        assert TITLE not in answer.text
    unknown = await every_route(stranger, 999_999, "999999")
    assert [a.status_code for a in unknown] == [404] * len(unknown)
    notice = await clients.db.read(publishing.find, id)
    assert (notice.version, notice.cancelled_at) == (1, None)
    assert (await browser.get(f"{NEW}?draft={draft}")).status_code == 200


async def test_a_post_that_does_not_compose_may_not(clients: Clients, browser: Browser) -> None:
    id = await publish(clients)
    clerk = await clients.page(clients.world.north_clerk)
    answers = [*await every_route(clerk, id, "1"), await clerk.get(NEW)]
    answers += [
        await clerk.press(path, meeting(clients)) for path in ("/meetings/checks", "/meetings/drafts", "/meetings/publication")
    ]
    assert {a.status_code for a in answers} == {403}
    nobody = clients.stranger()
    assert [(await nobody.get(path)).status_code for path in (NEW, f"/meetings/{id}/change")] == [303, 303]
    assert await count(clients, "notices") == 1


@pytest.mark.parametrize("query", ["draft=x", "draft=-1", "copy=99999999999999999", "copy=%30", "draft=999"])
async def test_a_number_that_is_none_is_not_found(browser: Browser, query: str) -> None:
    assert (await browser.get(f"{NEW}?{query}")).status_code == 404


async def test_a_page_that_lay_too_long_keeps_its_text(clients: Clients, browser: Browser) -> None:
    answer = await browser.post("/meetings/publication", data=meeting(clients, csrf="old"), headers={"origin": BASE})
    assert answer.status_code == 409
    assert "这一页放得太久了" in answer.text
    assert value(answer.text, "title") == TITLE
    assert await count(clients, "notices") == 0
