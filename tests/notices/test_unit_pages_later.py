"""A unit's pages when the meeting changes, is cancelled, is over; what is taken away; the list; hostile values."""

import pytest

from ground.clock import FixedClock
from ground.db import Tx
from notices import publishing, signups
from notices.notice import Field
from receipts import inbox, ledger
from receipts.receipt import Step
from tests.app_client import Clients
from tests.notices.meeting_client import (
    BY,
    MA,
    MEETING,
    STARTS,
    SUN,
    answer,
    change,
    coming,
    errors,
    facts,
    press,
    publish,
    shown,
    value,
)
from tests.world import NOW, told

POST = ("/answer", "/late-change", "/confirmation", "/signature")
SECOND_LATE = "2026-03-19T04:00:01.000Z"


# --- what happens to the meeting -----------------------------------------------------------------------------------------


async def test_a_new_time_is_confirmed_once(clients: Clients, clock: FixedClock) -> None:
    id = await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    await answer(north, id, MA)
    clock.move(minutes=5)
    await change(clients, id, 1, MEETING._replace(starts_at="2026-03-20T06:30:00.000Z"))
    page = (await north.get(f"/meetings/{id}")).text
    for word in (
        "时间有变动：",
        '<span class="was num">3月20日 15:00</span>',
        "3月20日 14:30",
        "地点不变。",
        "今天 09:47更改，第 2 版",
    ):
        assert word in page
    assert page.count("btn primary") == 1
    assert "确认，报名不变" in page
    seen = await shown(north, f"/meetings/{id}")
    await change(clients, id, 2, MEETING._replace(starts_at="2026-03-20T06:40:00.000Z"))
    refused = await press(north, f"/meetings/{id}/confirmation", {}, seen)
    assert (refused.status_code, "又有了新的变动" in refused.text) == (409, True)
    done = await press(north, f"/meetings/{id}/confirmation", {}, await shown(north, f"/meetings/{id}"))
    assert done.status_code == 303
    page = (await north.get(f"/meetings/{id}")).text
    assert "已确认第 3 版，报名不变。" in page
    assert "确认，报名不变" not in page


async def test_a_cancelled_meeting_is_shown_and_struck_out_of_the_calendar(clients: Clients) -> None:
    id = await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    await answer(north, id, MA)
    seen = await shown(north, f"/meetings/{id}")
    before = (await north.get(f"/meetings/{id}.ics")).text
    await clients.db.write(publishing.cancel, clients.world.organiser, id, "与省上会议冲突", told=told(), now=NOW)
    page = (await north.get(f"/meetings/{id}")).text
    assert "会议已取消。</b>与省上会议冲突" in page
    assert 'name="principal_name"' not in page
    refused = await press(north, f"/meetings/{id}/answer", MA | SUN, seen)
    assert (refused.status_code, "会议已取消" in refused.text) == (409, True)
    got = await north.get(f"/meetings/{id}.ics")
    assert got.headers["content-type"] == "text/calendar; charset=utf-8; method=CANCEL"
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    uid = [line for line in before.splitlines() if line.startswith("UID")]
    assert [line for line in got.text.splitlines() if line.startswith("UID")] == uid
    assert "SEQUENCE:0" in before
    assert "METHOD:REQUEST" in before
    assert "SEQUENCE:1" in got.text


async def test_a_returned_notice_says_so(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north = await clients.page(world.north_clerk)
    await north.get(f"/meetings/{id}")

    async def give_back(tx: Tx) -> None:
        await ledger.take_step(tx, Step.RETURN, await ledger.subject_of(tx, id), world.north, world.north_clerk, at=NOW)

    await clients.db.write(give_back)
    page = await north.get(f"/meetings/{id}")
    assert (page.status_code, "已退回" in page.text, "principal_name" in page.text) == (200, True, False)
    refused = await north.press(f"/meetings/{id}/answer", {"version": "1", "answered_at": "", **MA})
    assert refused.status_code == 409


async def test_one_second_late_becomes_a_request(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients), clients.world
    clock.set(BY)
    north = await clients.page(world.north_clerk)
    assert (await answer(north, id, MA)).status_code == 303
    seen = await shown(north, f"/meetings/{id}")
    clock.set(SECOND_LATE)
    late = await press(north, f"/meetings/{id}/answer", MA | SUN, seen)
    assert (late.status_code, "报名已经截止" in late.text, "申请晚改" in late.text) == (409, True, True)
    assert value(late.text, "staff_name") == ["孙立民"]
    assert f'action="/meetings/{id}/late-change"' in late.text
    page = await press(north, f"/meetings/{id}/late-change", MA | SUN, await shown(north, f"/meetings/{id}"))
    assert errors(page.text) == {"reason": "请写晚改的原因，不超过 300 字。"}
    asked = MA | SUN | {"late_reason": "临时换人"}
    assert (await press(north, f"/meetings/{id}/late-change", asked, await shown(north, f"/meetings/{id}"))).status_code == 303
    page = await north.get(f"/meetings/{id}")
    assert "已申请晚改，等会务决定" in page.text
    assert "想改成：马文斌、孙立民" in page.text
    again = await north.press(f"/meetings/{id}/late-change", asked)
    assert (again.status_code, "已经申请过" in again.text) == (409, True)
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["马文斌"]


async def test_a_unit_that_never_answered_signs_with_its_late_request(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients), clients.world
    clock.set(SECOND_LATE)
    north = await clients.page(world.north_clerk)
    assert "签收并申请晚报" in (await north.get(f"/meetings/{id}")).text
    done = await north.press(f"/meetings/{id}/late-change", MA | {"late_reason": "下乡刚回"}, page=f"/meetings/{id}")
    assert done.status_code == 303
    assert [f[0] for f in await facts(clients, id, world.north)] == ["arrived", "opened", "signed"]


async def test_after_the_start_it_is_signed_and_leaves_the_queue(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients), clients.world
    north = await clients.page(world.north_clerk)
    await north.get(f"/meetings/{id}")
    early = await north.press(f"/meetings/{id}/signature", {})
    assert (early.status_code, "会议还没有开始" in early.text) == (409, True)
    clock.set(STARTS)
    north = await clients.page(world.north_clerk)
    page = (await north.get(f"/meetings/{id}")).text
    assert "会议已经开始" in page
    assert 'name="principal_name"' not in page
    assert (await north.press(f"/meetings/{id}/signature", {}, page=f"/meetings/{id}")).status_code == 303
    assert await clients.db.read(inbox.waiting, world.north) == []


# --- what is taken away, and the list -------------------------------------------------------------------------------------


async def test_text_receipt_and_each_persons_code(clients: Clients) -> None:
    details = MEETING.details._replace(
        body="各区政府：\n请准时参加。", agenda="一、讲话\n二、讨论", contact="吴佳", contact_phone="8210 233"
    )
    id, world = await publish(clients, MEETING._replace(details=details)), clients.world
    north, south = await clients.page(world.north_clerk), await clients.page(world.south_clerk)
    organiser = await clients.page(world.organiser)
    await answer(north, id, MA)
    for client in (north, organiser):
        text = (await client.get(f"/meetings/{id}/text")).text
        for word in ("<p>请准时参加。</p>", "一、讲话<br>二、讨论", "吴佳", "2026年3月20日 15:00", "主要负责同志 1 人"):
            assert word in text
    receipt = (await north.get(f"/meetings/{id}/receipt")).text
    assert [word for word in ("到达", "打开", "签收", "答复") if f"</svg>{word}</span>" in receipt] == [
        "到达",
        "打开",
        "签收",
        "答复",
    ]
    person = (await clients.db.read(signups.people_of, id, world.north))[0]
    code = f"/meetings/{id}/people/{person.id}/code.svg"
    assert f'href="{code}"' in (await north.get(f"/meetings/{id}")).text
    assert [(await c.get(code)).status_code for c in (north, organiser, south)] == [200, 200, 404]
    got = await north.get(code)
    assert got.headers["content-type"] == "image/svg+xml"
    assert person.token not in (await south.get(f"/meetings/{id}")).text


async def test_the_list_and_its_tabs(clients: Clients, clock: FixedClock) -> None:
    world = clients.world
    north, organiser = await clients.page(world.north_clerk), await clients.page(world.organiser)
    empty = (await north.get("/meetings")).text
    assert "没有要报名的会议" in empty
    assert "我们组织的" not in empty
    first = await publish(clients)
    second = await publish(clients, MEETING._replace(title="全市防汛工作会议", urgency="immediate"))
    todo = (await north.get("/meetings")).text
    assert todo.index("全市防汛工作会议") < todo.index("全市文物保护与旅游安全工作会议")
    await answer(north, first, MA)
    todo = (await north.get("/meetings?tab=todo")).text
    assert (f'href="/meetings/{first}"' in todo, f'href="/meetings/{second}"' in todo) == (False, True)
    invited = (await north.get("/meetings?tab=invited")).text
    assert "已报名，1 人" in invited
    assert "待报名" in invited
    ours = (await organiser.get("/meetings")).text
    assert "1/2" in ours
    assert "发会议通知" in ours
    assert "我们组织的" in ours
    draft = await clients.db.write(publishing.save_draft, world.organiser, {"title": ["半份<b>通知"]}, draft=0, now=NOW)
    drafts = (await organiser.get("/meetings?tab=organised")).text
    assert "半份&lt;b&gt;通知" in drafts
    assert f'href="/meetings/new?draft={draft}"' in drafts
    for odd in ("tab=x", "tab=organised&before=abc", "tab=invited&before=%00", "before=-1"):
        assert (await north.get(f"/meetings?{odd}")).status_code == 200


async def test_the_list_goes_on_by_position(clients: Clients) -> None:
    world = clients.world
    ids = [await publish(clients, MEETING._replace(title=f"第{n}次会议")) for n in range(23)]
    for actor, tab in ((world.north_clerk, "invited"), (world.organiser, "organised")):
        client = await clients.page(actor)
        page = (await client.get(f"/meetings?tab={tab}")).text
        assert page.count('class="t1"') == 20
        assert f"before={ids[3]}" in page
        older = (await client.get(f"/meetings?tab={tab}&before={ids[3]}")).text
        assert older.count('class="t1"') == 3
        assert "回到最新" in older


# --- hostile --------------------------------------------------------------------------------------------------------------

EVIL = ['"><script>alert(1)</script>', "a\x00b", "\u202eedoc", "{{7*7}}", "' OR 1=1 --", "𠮷" * 50, "x" * 9000, "{0.__class__}"]


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
async def test_hostile_values_are_text(clients: Clients, evil: str) -> None:
    id = await publish(clients, MEETING._replace(fields=(Field("car", "车牌"),)))
    north = await clients.page(clients.world.north_clerk)
    names = ("principal_go", "principal_name", "principal_f_car", "principal_who", "principal_reason", "principal_stand_name")
    for typed in (
        dict.fromkeys(names, evil) | {"principal_go": "stand"},
        {"principal_name": evil, "principal_position": evil, "principal_f_car": evil},
        {"principal_go": evil, "version": evil, "answered_at": evil, "late_reason": evil, "waive": evil},
        {"add": evil}, {"add": "leave:principal", "staff_name": [evil] * 40},
    ):  # fmt: skip
        for end in POST:
            got = await north.press(f"/meetings/{id}{end}", {"version": "1", "answered_at": "", **typed})
            assert got.status_code in (200, 303, 409, 422), got.text[:300]
            assert "<script>alert" not in got.text
    page = (await north.get(f"/meetings/{id}")).text
    assert "<script>alert" not in page
    assert "49" not in value(page, "principal_name")
