"""What the operator and the API see: what waits, what failed, why somebody was not told."""

from zoneinfo import ZoneInfo

import pytest

from ground.clock import FixedClock, after
from ground.db import Tx
from ground.messages import claiming, looking, outbox
from ground.messages.looking import Backlog, Failure, Line
from ground.messages.message import CLEARED_BY_ANSWER, Channel, Priority, Purpose, State
from ground.say import Say
from tests.ground.messages.kit import BUSY, LOST, MORNING, NIGHT, QUIET, WELL, Desk, add_person, mail, message

pytestmark = pytest.mark.anyio
SAY = Say(ZoneInfo("Asia/Shanghai"), str, "zh")
START = "2026-03-18T01:42:00.000Z"


async def why(desk: Desk, person: int | str = 1, subject: int = 7) -> list[Line]:
    """Why was X not told?"""
    return await desk.db.read(looking.why, person, subject, say=SAY, now=desk.clock.now())


async def texts(desk: Desk, person: int | str = 1) -> list[str]:
    """The answers in words."""
    return [line.text() for line in await why(desk, person)]


# --- why ------------------------------------------------------------------------------------------------------------------


async def test_no_mobile_and_no_address(desk: Desk) -> None:
    await desk.put(message(1, address=""), mail(1, address=""))
    assert await texts(desk) == [
        "没有手机号，发不了短信。请在通讯录里补上，或打电话通知。",
        "没有邮箱地址，发不了邮件。请在通讯录里补上，或打电话通知。",
    ]
    assert [(line.told, line.state) for line in await why(desk)] == [(False, "未送达")] * 2


async def test_quiet_hours_until_seven(desk: Desk, clock: FixedClock) -> None:
    clock.set(NIGHT)
    await desk.put(message(1))
    assert await texts(desk) == ["现在是免打扰时段，明天 07:00发送。"]
    clock.set(MORNING)
    await desk.db.write(claiming.by_the_clock, MORNING, QUIET)
    assert await texts(desk) == ["正在排队，马上发送。"]
    clock.move(minutes=10)
    assert await texts(desk) == ["从今天 07:00等到现在还没有发出：网关不通，或者排队的消息很多。"]


async def test_cleared_because_the_unit_answered_or_the_meeting_was_cancelled(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1, purpose=Purpose.REMINDER), message(1))
    clock.move(minutes=18)
    await desk.db.write(outbox.clear, 7, 1, purposes=CLEARED_BY_ANSWER, now=clock.now())
    clock.move(minutes=5)
    await desk.db.write(outbox.clear_subject, 7, now=clock.now())
    assert await texts(desk) == ["单位已于今天 10:00答复，没有再发。", "事情已于今天 10:05取消，没有再发。"]


async def test_a_dead_number(desk: Desk) -> None:
    (dispatch,) = await desk.left(message(1))
    await desk.report(dispatch, "undelivered", "UNDELIV")
    assert await texts(desk) == ["对方手机收不到短信（停机、空号或信号不通）。请核对号码或打电话通知。"]


async def test_a_gateway_that_is_down(desk: Desk) -> None:
    (dispatch,) = await desk.left(message(1))
    await desk.record(dispatch, BUSY)
    assert await texts(desk) == ["短信网关忙，稍后自动重试。已试 1 次，今天 09:43再试。"]


async def test_merged_into_one_and_sent_again(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1, priority=Priority.IMMEDIATE), message(1, subject_id=8), message(1, subject_id=9))
    await desk.record(dispatch, WELL)
    assert await texts(desk) == ["今天 09:42已交给运营商，还没有收到送达的回执。与另外 2 件合成一条短信。"]
    await desk.report(dispatch, "delivered", "DELIVRD")
    assert await texts(desk) == ["今天 09:42已送达。与另外 2 件合成一条短信。"]
    assert [line.told for line in await why(desk)] == [True]


async def test_unknown_then_sent_once_more(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1, priority=Priority.IMMEDIATE))
    await desk.record(dispatch, LOST)
    assert await texts(desk) == ["短信已交出，但没有收到运营商的答复。"]
    clock.move(minutes=15)
    await desk.db.write(claiming.settle, clock.now(), 900)
    assert await texts(desk) == ["上一次不知是否发出，正等待补发。"]
    (again,) = await desk.claim()
    assert await texts(desk) == ["正在发送，请稍候。这是补发。"]
    await desk.leave(again)
    await desk.record(again, WELL)
    assert await texts(desk) == ["今天 09:57已交给运营商，还没有收到送达的回执。这是补发。"]


async def test_a_reminder_that_counts_as_sent(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1, purpose=Purpose.REMINDER))
    await desk.record(dispatch, LOST)
    clock.move(minutes=15)
    await desk.db.write(claiming.settle, clock.now(), 900)
    assert await texts(desk) == ["今天 09:42交出后没有收到答复，也没有收到回执，按已发出处理。"]


async def test_too_late_switched_off_and_on_the_screen(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1, expires_at=after(START, minutes=1)), mail(1), message(1, channel=Channel.SCREEN))
    clock.move(minutes=1)
    await desk.db.write(claiming.by_the_clock, clock.now(), QUIET, [Channel.EMAIL])
    assert await texts(desk) == [
        "到了失效的时间还没有发出，没有再发。请改用电话通知。",
        "系统设置里没有开通这种发送方式，没有发出。",
        "等待本人登录后查看。",
    ]


async def test_by_name_by_number_and_of_no_other(desk: Desk) -> None:
    await desk.db.write(add_person, 1, "何淑珍", "13900003158")
    await desk.db.write(add_person, 2, "何淑珍", "13900003159")
    await desk.db.write(add_person, 3, "高明", "13900003160")
    await desk.put(message(1), message(2), message(3), message(1, subject_id=8), message(4, person_id=0))
    assert [line.message.person_id for line in await why(desk, "何淑珍")] == [1, 2]
    assert [line.message.person_id for line in await why(desk, 3)] == [3]
    assert [line.message.address for line in await why(desk, message(4).address)] == [message(4).address]
    assert await why(desk, "无名") == []
    assert await why(desk, 1, 9) == []


async def test_every_state_has_its_words(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1))
    for state in State:
        await desk.db.write(_set, state)
        (line,) = await why(desk)
        assert line.state
        assert "{" not in line.text()
        assert line.text().endswith("。")


async def _set(tx: Tx, state: str) -> None:
    await tx.run("UPDATE messages SET state = :state", state=state)


def test_every_purpose_and_channel_has_its_word() -> None:
    assert set(looking.PURPOSE_WORDS) == set(Purpose)
    assert set(looking.CHANNEL_WORDS) == set(Channel)
    assert set(looking.STATE_WORDS) == set(State)


# --- lists ----------------------------------------------------------------------------------------------------------------


async def test_the_backlog_by_channel_and_state(desk: Desk, clock: FixedClock) -> None:
    assert await desk.db.read(looking.backlog) == []
    (first, second) = await desk.left(message(1), message(2))
    await desk.record(first, LOST)
    await desk.record(second, WELL)
    clock.move(minutes=1)
    await desk.put(message(3), mail(3))
    clock.move(minutes=1)
    await desk.put(message(4), message(5, channel=Channel.SCREEN))
    clock.set(NIGHT)
    await desk.put(message(6))
    assert await desk.db.read(looking.backlog) == [
        Backlog("email", "ready", 1, after(START, minutes=1), after(START, minutes=1)),
        Backlog("sms", "held", 1, NIGHT, MORNING),
        Backlog("sms", "ready", 2, after(START, minutes=1), after(START, minutes=1)),
        Backlog("sms", "unknown", 1, START, START),
    ]


async def test_failures_by_code_in_plain_words(desk: Desk, clock: FixedClock) -> None:
    found = await desk.left(*(message(n) for n in range(1, 5)))
    for dispatch, code in zip(found, ("UNDELIV", "UNDELIV", "MA:0001", "XY:9"), strict=True):
        await desk.report(dispatch, "undelivered", code)
    await desk.put(message(9, address=""))
    assert await desk.db.read(looking.failures, START) == [
        Failure(
            "sms", "undelivered", "UNDELIV", 2, START, "对方手机收不到短信（停机、空号或信号不通）。请核对号码或打电话通知。"
        ),
        Failure(
            "sms", "undelivered", "MA:0001", 1, START, "运营商短信中心报错，未送达。请改用电话通知，并请运维人员凭代码查询。"
        ),
        Failure("sms", "undelivered", "NO_ADDRESS", 1, START, "没有手机号，发不了短信。请在通讯录里补上，或打电话通知。"),
        Failure("sms", "undelivered", "XY:9", 1, START, "运营商未能送达（代码 XY:9）。请改用电话通知，并请运维人员凭代码查询。"),
    ]
    assert await desk.db.read(looking.failures, after(START, seconds=1)) == []


async def test_the_list_of_unknown_ones(desk: Desk, clock: FixedClock) -> None:
    found = await desk.left(message(1), message(2, priority=Priority.IMMEDIATE), message(3))
    for dispatch in found[:2]:
        await desk.record(dispatch, LOST)
    listed = await desk.db.read(looking.unknown)
    assert [(one.person_id, one.gateway, one.left_at, one.reason) for one in listed] == [
        (2, "test", START, LOST.reason),
        (1, "test", START, LOST.reason),
    ]
    await desk.db.write(outbox.give_up, listed[0].id, by=1, now=clock.now())
    assert len(await desk.db.read(looking.unknown)) == 1


async def test_messages_in_pages(desk: Desk) -> None:
    await desk.put(*(message(n, subject_id=7 + n % 2) for n in range(1, 11)), message(11, address=""))
    first = await desk.db.read(looking.messages, limit=4)
    assert [one.id for one in first] == [11, 10, 9, 8]
    assert [one.id for one in await desk.db.read(looking.messages, before=first[-1].id, limit=4)] == [7, 6, 5, 4]
    assert [one.id for one in await desk.db.read(looking.messages, 8)] == [9, 7, 5, 3, 1]
    assert [one.id for one in await desk.db.read(looking.messages, 7, "undelivered")] == [11]
    assert [one.id for one in await desk.db.read(looking.messages, 0, "undelivered")] == [11]
    assert await desk.db.read(looking.messages, 99) == []
    assert [one.id for one in await desk.db.read(looking.newest, 2)] == [11, 10]
    assert (first[0].title, first[0].state, first[0].merged) == ("安全生产会议", "undelivered", 0)
