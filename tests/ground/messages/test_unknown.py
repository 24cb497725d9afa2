"""Outcomes that nobody knows: waited for, sent once more and marked, counted as sent, or left to the operator."""

from typing import Any

import pytest

from ground.clock import FixedClock
from ground.errors import Refused
from ground.messages import claiming, outbox
from ground.messages.message import Channel, Priority, Purpose
from tests.ground.messages.kit import BUSY, LOST, TEXT, Desk, mail, message

pytestmark = pytest.mark.anyio
SIGNED = f"【送达】{TEXT}"


# --- unknown --------------------------------------------------------------------------------------------------------------


async def _unknown(desk: Desk, clock: FixedClock, **more: Any) -> Any:
    found = await desk.left(message(1, **more))
    await desk.record(found[0], LOST)
    clock.move(seconds=899)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 0, 0)
    assert await desk.states() == ["unknown"]
    clock.move(seconds=1)
    return found[0]


async def test_an_urgent_one_goes_once_more_and_says_so(desk: Desk, clock: FixedClock) -> None:
    first = await _unknown(desk, clock, priority=Priority.IMMEDIATE)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (1, 0, 0)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 0, 0)
    await desk.put(message(1, subject_id=8))
    again, other = await desk.claim()
    assert (again.text, again.resend_of) == (f"【送达】（补发）{TEXT}", first.id)
    assert (other.text, other.resend_of) == (SIGNED, None)
    await desk.leave(again)
    await desk.record(again, LOST)
    clock.move(seconds=900)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 0, 1)
    assert await desk.states() == ["unknown", "claimed"]
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 0, 0)
    assert await desk.dispatch_states() == ["resent", "unknown", "claimed"]


async def test_a_reminder_counts_as_sent(desk: Desk, clock: FixedClock) -> None:
    dispatch = await _unknown(desk, clock, purpose=Purpose.REMINDER, priority=Priority.REMINDER)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 1, 0)
    assert [(one.state, one.code) for one in await desk.seen()] == [("accepted", "ASSUMED")]
    assert await desk.claim() == []
    await desk.report(dispatch, "undelivered", "UNDELIV")
    assert await desk.states() == ["undelivered"]


async def test_others_stay_on_the_operators_list(desk: Desk, clock: FixedClock) -> None:
    await _unknown(desk, clock)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 0, 1)
    clock.move(days=3)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (0, 0, 0)
    assert (await desk.states(), await desk.claim()) == (["unknown"], [])


async def test_each_message_of_a_merged_one_is_decided_by_itself(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(
        message(1),
        message(1, subject_id=8, purpose=Purpose.CANCELLED, priority=Priority.IMMEDIATE, text="防汛会议取消。"),
        message(1, subject_id=9, purpose=Purpose.CHASE),
    )
    await desk.record(dispatch, LOST)
    clock.move(seconds=900)
    assert await desk.db.write(claiming.settle, clock.now(), 900) == (1, 1, 1)
    assert await desk.states() == ["unknown", "ready", "accepted"]
    (again,) = await desk.claim()
    assert again.text == "【送达】（补发）防汛会议取消。"
    assert await desk.report(dispatch, "delivered", "DELIVRD")
    assert await desk.states() == ["delivered"] * 3


@pytest.mark.parametrize("late", ["accepted", "delivered"])
async def test_a_late_report_stops_the_repeat(desk: Desk, clock: FixedClock, late: str) -> None:
    dispatch = await _unknown(desk, clock, priority=Priority.IMMEDIATE)
    await desk.db.write(claiming.settle, clock.now(), 900)
    assert await desk.report(dispatch, late)
    assert (await desk.states(), await desk.claim()) == ([late], [])


async def test_news_of_the_first_try_while_the_repeat_is_under_way(desk: Desk, clock: FixedClock) -> None:
    dispatch = await _unknown(desk, clock, priority=Priority.IMMEDIATE)
    await desk.db.write(claiming.settle, clock.now(), 900)
    (again,) = await desk.claim()
    await desk.leave(again)
    assert await desk.report(dispatch, "undelivered", "UNDELIV")
    assert await desk.states() == ["claimed"]
    assert await desk.report(dispatch, "delivered")
    assert await desk.states() == ["delivered"]
    await desk.record(again, BUSY)
    assert await desk.states() == ["delivered"]


async def test_a_repeat_whose_worker_dies_is_still_a_repeat(desk: Desk, clock: FixedClock) -> None:
    dispatch = await _unknown(desk, clock, priority=Priority.IMMEDIATE)
    await desk.db.write(claiming.settle, clock.now(), 900)
    await desk.claim()
    clock.move(seconds=60)
    await desk.db.write(claiming.release, clock.now())
    (again,) = await desk.claim()
    assert again.resend_of == dispatch.id
    assert "补发" in again.text


async def test_an_email_goes_once_more_with_a_mark_in_its_subject(desk: Desk, clock: FixedClock) -> None:
    await desk.put(mail(1, priority=Priority.IMMEDIATE))
    (dispatch,) = await desk.claim(channel=Channel.EMAIL)
    await desk.leave(dispatch)
    await desk.record(dispatch, LOST)
    clock.move(seconds=900)
    await desk.db.write(claiming.settle, clock.now(), 900)
    (again,) = await desk.claim(channel=Channel.EMAIL)
    assert (again.title, again.text, again.resend_of) == ("（补发）安全生产会议", TEXT, dispatch.id)


async def test_the_operator_decides(desk: Desk, clock: FixedClock) -> None:
    found = await desk.left(message(1), message(2), message(3))
    for dispatch in found[:2]:
        await desk.record(dispatch, LOST)
    now = clock.now()
    await desk.db.write(outbox.resend, 1, by=5, now=now)
    await desk.db.write(outbox.give_up, 2, by=5, now=now)
    for act in (outbox.resend, outbox.give_up):
        for id in (1, 2, 3, 99):
            with pytest.raises(Refused, match="已经有了结果"):
                await desk.db.write(act, id, by=5, now=now)
    assert [(one.state, one.code) for one in await desk.seen()][1] == ("undelivered", "GIVEN_UP")
    (again,) = await desk.claim()
    assert (again.address, again.resend_of) == (message(1).address, found[0].id)
    assert await desk.value("SELECT COUNT(*) FROM audit WHERE person_id = 5") == 2
    assert await desk.report(found[1], "delivered")
    assert await desk.states() == ["claimed", "delivered", "claimed"]
