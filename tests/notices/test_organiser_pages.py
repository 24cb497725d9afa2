"""The organiser's page: counts that are lists, chasing, decisions, 代报, live; on the real app and both engines."""

import asyncio
import re
import time

import pytest

from ground.clock import FixedClock
from ground.db import Tx
from ground.directory import people, units
from ground.directory.people import NewPerson
from ground.directory.units import NewUnit
from ground.live import Hub
from notices import leaves, organising, publishing, signups
from notices.organising import Counts
from receipts import inbox
from tests.app_client import BASE, Clients
from tests.notices.meeting_client import (
    BY,
    LEAVE,
    MA,
    MEETING,
    STARTS,
    SUN,
    answer,
    change,
    coming,
    errors,
    hire,
    press,
    publish,
    shown,
)
from tests.world import NOW, TODAY, told

GET = (
    "progress",
    "progress/part",
    "names",
    "door",
    "door/part",
    "minutes",
    "people.xlsx",
    "people.pdf",
    "sign-in.pdf",
    "cards.pdf",
    "door.pdf",
)
POST = ("chase", "attendance", "minutes")


async def first_leave(clients: Clients, id: int) -> int:
    """The id of the meeting's first request for leave."""
    return (await clients.db.read(leaves.of_notice, id))[0].id


async def texts(tx: Tx, notice: int, purpose: str) -> list[str]:
    """Who is told by SMS."""
    sql = "SELECT address FROM messages WHERE subject_id = :n AND purpose = :p AND channel = 'sms' ORDER BY address"
    return await tx.all(sql, str, n=notice, p=purpose)


# --- who may --------------------------------------------------------------------------------------------------------------


async def test_only_the_organiser_of_the_sending_unit(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north = await clients.page(world.north_clerk)
    await answer(north, id, LEAVE)
    leave = await first_leave(clients, id)
    person = 1
    paths = [f"/meetings/{id}/{end}" for end in GET] + [f"/meetings/{id}/answers/{world.north}", f"/leaves/{leave}/decision"]
    posts = [f"/meetings/{id}/{end}" for end in POST]
    posts += [f"/meetings/{id}/answers/{world.north}", f"/leaves/{leave}/decision", f"/meetings/{id}/attendance/{person}/removal"]
    other = await clients.page(await hire(clients, "qita", "别家会务", world.outside, "organiser"))
    for path in paths:
        assert (await north.get(path)).status_code == 403, path
        assert (await other.get(path)).status_code == 404, path
        assert (await clients.stranger().get(path)).status_code in (303, 401), path
    for path in posts:
        data = {"approve": "1", "reason": "x", "unit": "", "attendee": "1", "version": "1", "answered_at": "", **MA}
        assert (await north.press(path, data)).status_code == 403, path
        got = await other.press(path, data)
        assert (got.status_code, "马文斌" in got.text) == (404, False), path
        assert (await clients.stranger().post(path, headers={"origin": BASE})).status_code == 303, path
    assert (await clients.db.read(leaves.of_notice, id))[0].state == "asked"
    assert (await other.get(f"/live?notice={id}")).status_code == 404


# --- the page -------------------------------------------------------------------------------------------------------------


async def test_four_counts_are_lists(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients, to=("6200000009",)), clients.world
    north, south = await clients.page(world.north_clerk), await clients.page(world.south_clerk)
    await answer(north, id, MA | SUN)
    await south.get(f"/meetings/{id}")
    organiser = await clients.page(world.organiser)
    page = (await organiser.get(f"/meetings/{id}/progress")).text
    counts = re.findall(r'show=(\w+)#h-\w+"[^>]*>(\d+)</a> <span class="small muted">/ (\d+)', page)
    assert counts == [("coming", "1", "3"), ("none", "2", "3"), ("asked", "0", "3"), ("absent", "0", "3")]
    assert "打开了" in page
    assert "没有打开" in page
    assert "138 0000 1932" in page
    assert "催办 2 个单位" in page
    assert "短信 6 条" in page or re.search(r"短信 \d+ 条，约 1 秒发完", page)
    assert f'data-live="/live?notice={id}"' in page
    assert page.count("btn primary") == 1

    async def rows(show: str) -> list[str]:
        text = (await organiser.get(f"/meetings/{id}/progress/part?show={show}")).text
        assert "<html" not in text
        return re.findall(r'class="t t1" role="cell">([^<]+)<', text)

    assert await rows("none") == ["市气象局", "南区政府"]
    assert await rows("coming") == ["北区政府"]
    assert await rows("asked") == []
    assert await rows("all") == ["市气象局", "北区政府", "南区政府"]
    assert await rows("unconfirmed") == []
    assert await rows("all&q=南区") == ["南区政府"]
    assert await rows("all&q=<b>") == []
    assert await rows("x&after=abc") == ["市气象局", "南区政府"]
    clock.move(minutes=1)
    await change(clients, id, 1, MEETING._replace(place="二号楼"))
    assert await rows("unconfirmed") == ["北区政府"]
    assert "1 个单位没有确认" in (await organiser.get(f"/meetings/{id}/progress")).text


async def test_the_part_is_true_after_each_change_and_the_stream_says_when(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    organiser, north = await clients.page(world.organiser), await clients.page(world.north_clerk)
    part = f"/meetings/{id}/progress/part?show=coming"
    before = (await organiser.get(part)).text
    hub: Hub = clients.house.hub
    with hub.opened(f"subject:{id}"):
        seen = hub.changes(f"subject:{id}")
        await answer(north, id, MA)
        event = await hub.next(f"subject:{id}", seen, 5.0)
    assert b'"coming": 1' in event
    after = (await organiser.get(part)).text
    assert ("马文斌" in before, "马文斌" in after) == (False, True)


# --- chasing --------------------------------------------------------------------------------------------------------------


async def test_chase_one_and_chase_all(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    organiser = await clients.page(world.organiser)
    page = f"/meetings/{id}/progress"
    done = await organiser.press(f"/meetings/{id}/chase", {"unit": str(world.south)}, page=page)
    assert (done.status_code, done.headers["location"]) == (303, page)
    assert await clients.db.read(texts, id, "chase") == ["13800001932"]
    assert "已催 1 个单位，发出 1 条提醒。" in (await organiser.get(page)).text
    seen = await shown(organiser, page)
    twice = [(await press(organiser, f"/meetings/{id}/chase", {"unit": ""}, seen)).status_code for _ in range(2)]
    assert twice == [303, 303]
    assert await clients.db.read(texts, id, "chase") == ["13800001932", "13800001932", "13900003158"]
    assert "催过 2 次" in (await organiser.get(page)).text
    for unit in (world.north, world.south):
        seen = await shown(organiser, f"/meetings/{id}/answers/{unit}")
        assert (await press(organiser, f"/meetings/{id}/answers/{unit}", MA, seen)).status_code == 303
    refused = await organiser.press(f"/meetings/{id}/chase", {"unit": ""}, page=page)
    assert (refused.status_code, "都已答复，没有要催的单位" in refused.text) == (409, True)
    for odd in ("abc", "9" * 40, "-1", "\x00"):
        assert (await organiser.press(f"/meetings/{id}/chase", {"unit": odd}, page=page)).status_code == 409


# --- decisions ------------------------------------------------------------------------------------------------------------


async def test_leave_is_decided_once(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north, organiser = await clients.page(world.north_clerk), await clients.page(world.organiser)
    await answer(north, id, LEAVE | SUN)
    leave = await first_leave(clients, id)
    page = (await organiser.get(f"/meetings/{id}/progress")).text
    assert "赴兰州参加全省文旅工作会" in page
    assert "杜晓燕　副区长" in page
    asks = await organiser.get(f"/leaves/{leave}/decision?reason=请派一位同志替会")
    assert "data-dialog-part" in asks.text
    assert "请派一位同志替会" in asks.text
    empty = await organiser.press(f"/leaves/{leave}/decision", {"approve": "0", "reason": " "})
    assert (empty.status_code, errors(empty.text)) == (422, {"reason": "请写不同意的原因，会告诉对方。"})
    both = await asyncio.gather(*(organiser.press(f"/leaves/{leave}/decision", {"approve": "1"}) for _ in range(2)))
    assert sorted(r.status_code for r in both) == [303, 409]
    again = await organiser.press(f"/leaves/{leave}/decision", {"approve": "0", "reason": "不行"})
    assert (again.status_code, "这个请假已经同意了" in again.text, "报名情况" in again.text) == (409, True, True)
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["杜晓燕", "孙立民"]
    mine = (await north.get(f"/meetings/{id}")).text
    assert "已同意" in mine
    assert (await answer(north, id, LEAVE)).status_code == 303
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["杜晓燕"], "an approved leave stays approved"


async def test_a_refused_leave_is_told_with_its_reason_and_asked_again(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north, organiser = await clients.page(world.north_clerk), await clients.page(world.organiser)
    await answer(north, id, LEAVE)
    leave = await first_leave(clients, id)
    done = await organiser.press(f"/leaves/{leave}/decision", {"approve": "0", "reason": "主要领导须到会"})
    assert done.status_code == 303
    mine = (await north.get(f"/meetings/{id}")).text
    assert "会务说：主要领导须到会" in mine
    assert "没有报名" in mine
    assert (await answer(north, id, MA)).status_code == 303
    assert (await clients.db.read(organising.counts, id)) == Counts(2, 1, 1, 0, 0, 1)
    for odd in ("x" * 400, "a\x00b"):
        assert (await organiser.press(f"/leaves/{leave}/decision", {"approve": "0", "reason": odd})).status_code in (409, 422)


async def test_a_late_change_is_decided_beside_what_stands(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients), clients.world
    north = await clients.page(world.north_clerk)
    await answer(north, id, MA)
    clock.set("2026-03-19T05:00:00.000Z")
    north, organiser = await clients.page(world.north_clerk), await clients.page(world.organiser)
    page = f"/meetings/{id}"
    wish = MA | SUN | {"late_reason": "增加一人"}
    assert (await press(north, f"{page}/late-change", wish, await shown(north, page))).status_code == 303
    late = (await clients.db.read(leaves.late_waiting, id))[0].id
    text = (await organiser.get(f"{page}/progress")).text
    assert '<span class="was">马文斌</span> 改为 <b>马文斌、孙立民</b>' in text
    assert "增加一人" in (await organiser.get(f"/late-changes/{late}/decision")).text
    empty = await organiser.press(f"/late-changes/{late}/decision", {"approve": "0", "reason": ""})
    assert errors(empty.text) == {"reason": "请写不同意的原因，会告诉对方。"}
    assert (await organiser.press(f"/late-changes/{late}/decision", {"approve": "0", "reason": "名额已满"})).status_code == 303
    mine = (await north.get(page)).text
    assert "名额已满" in mine
    assert "孙立民" in mine, "the refused wish is still in the form"
    assert (await press(north, f"{page}/late-change", wish, await shown(north, page))).status_code == 303
    late = (await clients.db.read(leaves.late_waiting, id))[0].id
    done = [(await organiser.press(f"/late-changes/{late}/decision", {"approve": "1"})).status_code for _ in range(2)]
    assert done == [303, 409]
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["马文斌", "孙立民"]


# --- 代报 ------------------------------------------------------------------------------------------------------------------


async def test_the_organiser_answers_for_a_unit_even_after_the_deadline(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients), clients.world
    clock.set("2026-03-19T05:00:00.000Z")
    organiser = await clients.page(world.organiser)
    page = f"/meetings/{id}/answers/{world.south}"
    shown_page = (await organiser.get(page)).text
    assert "替南区政府报名" in shown_page
    assert "13800001932" in shown_page
    bad = await press(organiser, page, {"principal_name": "李四", "principal_mobile": "1"}, await shown(organiser, page))
    assert errors(bad.text) == {"people-0-mobile": "少了 10 位，请填 11 位手机号。"}
    more = await press(organiser, page, {"staff_name": "甲", "add": "staff"}, await shown(organiser, page))
    assert (more.status_code, 'value="甲"' in more.text) == (200, True)
    assert (await press(organiser, page, {"principal_name": "李四"}, await shown(organiser, page))).status_code == 303
    found = await clients.db.read(signups.answer_of, id, world.south)
    assert (found.state, found.by_organiser) == ("coming", 1)
    assert "代报" in (await organiser.get(f"/meetings/{id}/progress?show=coming")).text
    assert [i.waits for i in await clients.db.read(inbox.waiting, world.south)] == ["sign"]
    assert (await organiser.get(f"/meetings/{id}/answers/{world.outside}")).status_code == 404
    clock.set(STARTS)
    organiser = await clients.page(world.organiser)
    late = await press(organiser, page, {"principal_name": "王五"}, await shown(organiser, page))
    assert (late.status_code, "会议已经开始" in late.text) == (409, True)


async def test_the_organiser_does_not_overwrite_what_the_unit_has_just_said(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    organiser, north = await clients.page(world.organiser), await clients.page(world.north_clerk)
    page = f"/meetings/{id}/answers/{world.north}"
    seen = await shown(organiser, page)
    await answer(north, id, MA)
    refused = await press(organiser, page, {"principal_name": "李四"}, seen)
    assert (refused.status_code, "刚才已由别人替这个单位报过" in refused.text) == (409, True)
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["马文斌"]


# --- the size of a city ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1053])
async def test_1053_units_are_shown_in_pages_without_slowness(clients: Clients, many: int) -> None:
    world = clients.world

    async def grow(tx: Tx) -> list[str]:
        codes = [f"63{n:06d}" for n in range(many - 2)]
        for n, code in enumerate(codes):
            new = NewUnit(code, f"测试市第{n}局", f"市第{n}局", world.city, "政府", 2)
            unit = await units.open_unit(tx, new, today=TODAY, at=NOW)
            person = NewPerson(f"u{n}", "王芳", f"139{n:08d}", "", "secretary", "文书")
            await people.add(tx, person, unit, by=None, joined=False, at=NOW)
        return codes

    codes = await clients.db.write(grow)
    id = await publish(clients, to=codes)
    answered = [line.unit_id for line in await clients.db.read(organising.lines, id)][: many // 2]

    async def enter(tx: Tx) -> None:
        from notices.notice import Answer, Person

        for unit in answered:
            coming = (Person("甲", "局长", "", "principal"), Person("乙", "科长", "", "staff"))
            await signups.enter(tx, world.organiser, id, unit, Answer(coming), now=NOW, by_organiser=True)

    await clients.db.write(enter)
    organiser = await clients.page(world.organiser)
    took = []
    for path in ("progress", "progress?show=all", "progress/part"):
        best = 9.0
        for _ in range(4):
            began = time.perf_counter()
            page = await organiser.get(f"/meetings/{id}/{path}")
            best = min(best, time.perf_counter() - began)
        assert page.text.count('class="t t1"') == 50
        took.append(best)
    assert max(took) < 0.4, took
    units_seen, after = 0, ""
    while True:
        page = await organiser.get(f"/meetings/{id}/progress/part?show=all{after}")
        units_seen += page.text.count('class="t t1"')
        found = re.search(r"after=(\d+)", page.text)
        if not found:
            break
        after = f"&after={found[1]}"
    assert units_seen == many
    assert f"催办 {many - len(answered)} 个单位" in (await organiser.get(f"/meetings/{id}/progress")).text


async def test_a_cancelled_meeting_is_not_chased(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north, organiser = await clients.page(world.north_clerk), await clients.page(world.organiser)
    await answer(north, id, LEAVE)
    leave = await first_leave(clients, id)
    await clients.db.write(publishing.cancel, world.organiser, id, "与省上会议冲突", told=told(), now=BY)
    page = (await organiser.get(f"/meetings/{id}/progress")).text
    assert "会议已取消" in page
    assert "催办" not in page
    assert "/decision" not in page
    for path, data in ((f"/meetings/{id}/chase", {"unit": ""}), (f"/leaves/{leave}/decision", {"approve": "1"})):
        refused = await organiser.press(path, data, page=f"/meetings/{id}/minutes")
        assert (refused.status_code, "会议已取消" in refused.text) == (409, True)
