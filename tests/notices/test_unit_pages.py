"""The invited unit's pages, pressed as people press them, on the real app and both engines."""

import asyncio

import pytest

from ground import files
from ground.clock import FixedClock
from notices import signups
from notices.notice import Field, Quota
from receipts import ledger
from tests.app_client import BASE, Clients
from tests.notices.meeting_client import (
    LEAVE,
    MA,
    MEETING,
    SUN,
    answer,
    change,
    coming,
    errors,
    facts,
    hire,
    press,
    publish,
    shown,
    value,
)
from tests.world import NOW

GET = ("", ".ics", "/text", "/receipt")
POST = ("/answer", "/late-change", "/confirmation", "/signature")


# --- who may see it -------------------------------------------------------------------------------------------------------


async def test_a_stranger_goes_to_sign_in_and_comes_back(clients: Clients) -> None:
    id = await publish(clients)
    stranger = clients.stranger()
    for path in [f"/meetings/{id}{end}" for end in GET] + ["/meetings"]:
        got = await stranger.get(path)
        assert (got.status_code, got.headers["location"]) == (303, f"/sign-in?to={path.replace('/', '%2F')}")
    for end in POST:
        assert (await stranger.post(f"/meetings/{id}{end}", headers={"origin": BASE})).status_code == 303


async def test_another_units_meeting_answers_like_one_that_is_not_there(clients: Clients) -> None:
    id = await publish(clients)
    north, outsider = await clients.page(clients.world.north_clerk), await clients.page(clients.world.outsider)
    await answer(north, id, MA)
    person = (await clients.db.read(signups.people_of, id, clients.world.north))[0].id
    for end in (*GET, f"/people/{person}/code.svg"):
        there, gone = await outsider.get(f"/meetings/{id}{end}"), await outsider.get(f"/meetings/{id + 99}{end}")
        assert (there.status_code, gone.status_code) == (404, 404)
        assert there.text.replace(f"/meetings/{id}", "") == gone.text.replace(f"/meetings/{id + 99}", "")
    for end in POST:
        got = await outsider.press(f"/meetings/{id}{end}", {"version": "1", "answered_at": "", "late_reason": "x", **MA})
        assert (got.status_code, "马文斌" in got.text) == (404, False)
    for odd in ("0", "-1", "abc", "9" * 30, "１", "%00"):
        assert (await outsider.get(f"/meetings/{odd}")).status_code == 404
    assert await facts(clients, id, clients.world.south) == [("arrived", "", 1)]


async def test_a_leader_reads_a_card_and_may_not_answer(clients: Clients) -> None:
    id = await publish(clients, MEETING._replace(details=MEETING.details._replace(dress="正装")))
    leader = await clients.page(clients.world.north_leader)
    page = (await leader.get(f"/meetings/{id}")).text
    assert 'class="card"' in page
    assert "文书还没有报名" in page
    assert "13900003158" in page
    assert "principal_name" not in page
    clerk = await clients.page(clients.world.north_clerk)
    for path in ("/", "/meetings"):
        seen, clerks = (await leader.get(path)).text, (await clerk.get(path)).text
        assert ("去报名" in seen, "查看" in seen, "去报名" in clerks) == (False, True, True), path
    got = await leader.press(f"/meetings/{id}/answer", {"version": "1", "answered_at": "", **MA})
    assert got.status_code == 403
    assert await coming(clients, id, clients.world.north) == []
    await answer(await clients.page(clients.world.north_clerk), id, MA)
    assert "马文斌　区长" in (await leader.get(f"/meetings/{id}")).text


async def test_the_senders_organiser_goes_to_progress_and_a_colleague_reads_the_text(clients: Clients) -> None:
    id = await publish(clients, to=("6200000001",))
    organiser = await clients.page(clients.world.organiser)
    assert (await organiser.get(f"/meetings/{id}")).headers["location"] == f"/meetings/{id}/progress"
    assert "谁参加" not in (await organiser.get(f"/meetings/{id}?as=unit")).text
    clerk = await clients.page(await hire(clients, "wenshu", "文书甲", clients.world.office, "secretary"))
    assert "签收并报名" in (await clerk.get(f"/meetings/{id}")).text
    other = await publish(clients)
    assert (await clerk.get(f"/meetings/{other}")).headers["location"] == f"/meetings/{other}/text"


# --- opening --------------------------------------------------------------------------------------------------------------


async def test_how_many_may_come_is_said_in_the_readers_language(clients: Clients) -> None:
    await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    few, most = sum(q.min for q in MEETING.quota), sum(q.max for q in MEETING.quota)
    for path in ("/", "/meetings"):
        assert f"{few} 至 {most} 人" in (await north.get(path)).text
    await clients.db.write(lambda tx: tx.run("UPDATE people SET language = 'en' WHERE login = 'hesz'"))
    for path in ("/", "/meetings"):
        page = (await north.get(path)).text
        assert (f"{few} to {most} people" in page, "至" in page) == (True, False), path


async def test_showing_it_is_the_opening_once_for_each_person_and_version(clients: Clients, clock: FixedClock) -> None:
    id, world = await publish(clients), clients.world
    north, leader = await clients.page(world.north_clerk), await clients.page(world.north_leader)
    await north.head(f"/meetings/{id}")
    assert await facts(clients, id, world.north) == [("arrived", "", 1)]
    for _ in range(3):
        await north.get(f"/meetings/{id}")
    await leader.get(f"/meetings/{id}")
    assert await facts(clients, id, world.north) == [("arrived", "", 1), ("opened", "何淑珍", 1), ("opened", "马文斌", 1)]
    await change(clients, id, 1, MEETING._replace(place="二号楼"))
    page = await north.get(f"/meetings/{id}")
    await north.get(f"/meetings/{id}")
    assert (await facts(clients, id, world.north))[3:] == [("opened", "何淑珍", 2)]
    assert "市政府四楼会议室" in page.text
    assert (await clients.db.read(ledger.tally_of, id)).opened == 1


# --- answering ------------------------------------------------------------------------------------------------------------


async def test_sign_and_answer_in_one_press_and_change_it_later(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north = await clients.page(world.north_clerk)
    done = await answer(north, id, MA | SUN)
    assert (done.status_code, done.headers["location"]) == (303, f"/meetings/{id}")
    assert await coming(clients, id, world.north) == [
        ("principal", "马文斌", "13800006012"), ("staff", "孙立民", "13900002206"),
    ]  # fmt: skip
    page = (await north.get(f"/meetings/{id}")).text
    assert "已报名，2 人参加。截止前可以随时改。" in page
    assert "保存修改" in page
    assert value(page, "staff_name") == ["孙立民"]
    assert (await answer(north, id, MA)).status_code == 303
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["马文斌"]
    assert [f[0] for f in await facts(clients, id, world.north)] == ["arrived", "opened", "signed", "answered"]


async def test_attachments_are_opened_or_expressly_left_for_later(clients: Clients) -> None:
    world, house = clients.world, clients.house
    stored = await house.files.put_bytes(b"%PDF-1.4 agenda")
    row = await clients.db.write(
        files.record, stored, "会议议程.pdf", unit=world.office, person=world.organiser.person_id, at=NOW
    )
    id = await publish(clients, attachments=[row.id])
    north, south = await clients.page(world.north_clerk), await clients.page(world.south_clerk)
    refused = await answer(north, id, MA)
    assert (refused.status_code, "附件还没有打开：会议议程.pdf" in refused.text) == (409, True)
    assert value(refused.text, "principal_name") == ["马文斌"]
    assert (await answer(north, id, MA | {"waive": "1"})).status_code == 303
    assert (await south.get(f"/files/{row.id}")).status_code == 200
    assert "附件稍后再看" not in (await south.get(f"/meetings/{id}")).text
    assert (await answer(south, id, MA)).status_code == 303


async def test_what_was_typed_comes_back_with_the_error_beside_its_row(clients: Clients) -> None:
    fields = (Field("meal", "清真餐", "yesno", True),)
    id = await publish(clients, MEETING._replace(fields=fields))
    north = await clients.page(clients.world.north_clerk)
    typed = MA | LEAVE | {
        "principal_go": "come", "principal_f_meal": "否", "staff_name": ["甲", ""], "staff_position": ["", "科长"],
        "staff_mobile": ["1380000", ""], "staff_f_meal": ["是", ""],
    }  # fmt: skip
    page = await answer(north, id, typed)
    assert page.status_code == 422
    assert errors(page.text) == {
        "people-1-mobile": "少了 4 位，请填 11 位手机号。", "people-2-name": "请填姓名。", "people-2-meal": "请填清真餐。",
    }  # fmt: skip
    assert value(page.text, "staff_mobile") == ["1380000", ""]
    assert value(page.text, "principal_reason") == ["赴兰州参加全省文旅工作会"]
    assert 'id="people-1-mobile-e"' in page.text
    assert await facts(clients, id, clients.world.north) == [("arrived", "", 1), ("opened", "何淑珍", 1)]


BROKEN = [
    ({}, "主要负责同志须 1 人"),
    (MA | {"staff_name": ["甲", "乙", "丙"]}, "工作人员最多 2 人，现在填了 3 人"),
    (LEAVE | {"staff_name": "杜晓燕"}, "杜晓燕已在报名名单里，不能再替会"),
    (LEAVE | {"staff_name": "马文斌"}, "马文斌既报了名又请假"),
    (LEAVE | {"principal_stand_name": "马文斌"}, "替会人和请假人是同一个人"),
    (LEAVE | {"principal_stand_name": ""}, "请填姓名"),
    (LEAVE | {"principal_reason": ""}, "请写请假的原因"),
]


@pytest.mark.parametrize(("typed", "sentence"), BROKEN, ids=[s for _, s in BROKEN])
async def test_quota_and_doubles_are_refused_and_nothing_is_signed(
    clients: Clients, typed: dict[str, str], sentence: str
) -> None:
    id = await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    page = await answer(north, id, typed)
    assert page.status_code in (409, 422)
    assert sentence in page.text
    assert value(page.text, "principal_stand_name") == [typed.get("principal_stand_name", "")]
    assert await facts(clients, id, clients.world.north) == [("arrived", "", 1), ("opened", "何淑珍", 1)]


async def test_leave_with_a_stand_in_waits_and_nobody_may_be_sent_where_nobody_must(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    north = await clients.page(world.north_clerk)
    assert (await answer(north, id, LEAVE)).status_code == 303
    page = (await north.get(f"/meetings/{id}")).text
    assert "请假待批，批了短信告诉您" in page
    assert "马文斌，由杜晓燕替会" in page
    none = await publish(clients, MEETING._replace(quota=(Quota("staff", 0, 2),)))
    assert (await answer(north, none, {})).status_code == 303
    assert (await clients.db.read(signups.answer_of, none, world.north)).state == "absent"
    assert "不派人参加" in (await north.get(f"/meetings/{none}")).text


async def test_without_scripts_a_row_more_and_the_last_meetings_people(clients: Clients) -> None:
    first = await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    await answer(north, first, MA | SUN)
    id = await publish(clients)
    seen = await shown(north, f"/meetings/{id}")
    page = await press(north, f"/meetings/{id}/answer", {"staff_name": "甲", "add": "staff"}, seen)
    assert (page.status_code, value(page.text, "staff_name")) == (200, ["甲", ""])
    page = await press(north, f"/meetings/{id}/answer", {"staff_name": "甲", "fill": "last"}, seen)
    assert value(page.text, "principal_name") == ["马文斌"]
    assert value(page.text, "staff_name") == ["甲"]
    assert await coming(clients, id, clients.world.north) == []
    assert "何淑珍" in page.text, "the shell of the page is there"
    assert (await north.get(f"/meetings/{id}/answer")).headers["location"] == f"/meetings/{id}"


async def test_a_second_press_of_the_same_form_is_the_first(clients: Clients) -> None:
    id = await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    seen = await shown(north, f"/meetings/{id}")
    done = await asyncio.gather(*(press(north, f"/meetings/{id}/answer", MA, seen) for _ in range(4)))
    assert [d.status_code for d in done].count(303) >= 1
    assert {d.status_code for d in done} <= {303, 409}
    assert (await press(north, f"/meetings/{id}/answer", MA, seen)).status_code == 303
    assert len(await coming(clients, id, clients.world.north)) == 1


async def test_two_clerks_of_one_unit_do_not_overwrite_each_other_unseen(clients: Clients) -> None:
    id, world = await publish(clients), clients.world
    one = await clients.page(world.north_clerk)
    two = await clients.page(await hire(clients, "er", "文书乙", world.north, "secretary"))
    seen_one, seen_two = await shown(one, f"/meetings/{id}"), await shown(two, f"/meetings/{id}")
    assert (await press(one, f"/meetings/{id}/answer", MA, seen_one)).status_code == 303
    refused = await press(two, f"/meetings/{id}/answer", {"principal_name": "李四"}, seen_two)
    assert (refused.status_code, "刚才已由别人替这个单位报过" in refused.text) == (409, True)
    assert value(refused.text, "principal_name") == ["李四"]
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["马文斌"]
    assert (await answer(two, id, {"principal_name": "李四"})).status_code == 303
    assert [name for _, name, _ in await coming(clients, id, world.north)] == ["李四"]


async def test_a_page_of_an_old_version_is_not_taken(clients: Clients) -> None:
    id = await publish(clients)
    north = await clients.page(clients.world.north_clerk)
    seen = await shown(north, f"/meetings/{id}")
    await change(clients, id, 1, MEETING._replace(starts_at="2026-03-20T08:00:00.000Z"))
    page = await press(north, f"/meetings/{id}/answer", MA, seen)
    assert (page.status_code, "通知刚改成第 2 版" in page.text) == (409, True)
    assert "3月20日 16:00" in page.text
    assert value(page.text, "principal_name") == ["马文斌"]
    assert (await answer(north, id, MA)).status_code == 303
