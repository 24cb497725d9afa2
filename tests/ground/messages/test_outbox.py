"""Putting into the outbox and clearing; what gateways answer and carriers report, late, doubled and out of order."""

from itertools import permutations
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.clock import FixedClock, after
from ground.config import Config, Sms
from ground.db import Tx
from ground.errors import Refused
from ground.messages import claiming, outbox
from ground.messages.gateway import Report
from ground.messages.message import CLEARED_BY_ANSWER, RANK, Channel, Priority, Purpose, State
from ground.messages.outbox import Content, Estimate, QuietHours
from tests.ground.messages.kit import BUSY, GONE, LOST, MORNING, NEVER, NIGHT, QUIET, WELL, Desk, add_person, mail, message

pytestmark = pytest.mark.anyio


# --- put ------------------------------------------------------------------------------------------------------------------


async def test_the_same_news_twice_is_one_message(desk: Desk) -> None:
    assert await desk.put(message(1), message(2), message(1)) == 2
    assert await desk.put(message(1), message(3)) == 1
    assert await desk.put(message(1, step="24"), message(1, version=2), message(1, purpose=Purpose.REMINDER), mail(1)) == 4
    assert await desk.put(message(1, person_id=0, address="13900000001")) == 1
    assert await desk.put(message(1, person_id=0, address="13900000002")) == 1
    assert await desk.put() == 0
    assert await desk.states() == ["ready"] * 9


async def test_a_broadcast_says_its_words_once(desk: Desk) -> None:
    assert await desk.put(*(message(n, line="报名：安全生产会议") for n in range(1, 1054))) == 1053
    assert await desk.value("SELECT COUNT(*) FROM contents") == 1
    assert await desk.put(*(message(n, line="报名：安全生产会议", subject_id=8) for n in range(1, 4))) == 3
    assert await desk.value("SELECT COUNT(*) FROM contents") == 1


async def test_quiet_hours_hold_all_but_what_is_urgent(desk: Desk, clock: FixedClock) -> None:
    clock.set(NIGHT)
    await desk.put(
        message(1),
        message(2, priority=Priority.IMMEDIATE),
        message(3, priority=Priority.REMINDER),
        message(4, channel=Channel.SCREEN),
        mail(5),
    )
    assert [(one.state, one.not_before) for one in await desk.seen()] == [
        ("held", MORNING),
        ("ready", NIGHT),
        ("held", MORNING),
        ("ready", NIGHT),
        ("held", MORNING),
    ]
    assert [one.address for one in await desk.claim()] == [message(2).address]
    clock.set(MORNING)
    assert [one.address for one in await desk.claim()] == [message(1).address, message(3).address]
    assert len(await desk.claim(channel=Channel.EMAIL)) == 1


async def test_quiet_hours_come_from_the_settings() -> None:
    assert QuietHours.of(Config()) == QUIET
    assert QUIET.until(NIGHT) == MORNING
    assert QUIET.until(MORNING) == MORNING
    assert QUIET.until("2026-03-18T22:59:59.999Z") == MORNING
    assert QUIET.until("2026-03-18T12:59:59.999Z") == "2026-03-18T12:59:59.999Z"


async def test_what_was_ready_before_the_quiet_hours_waits_too(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1), message(2, priority=Priority.IMMEDIATE), message(3, channel=Channel.SCREEN))
    clock.set(NIGHT)
    assert [one.address for one in await desk.claim(urgent_only=True)] == [message(2).address]
    assert await desk.db.write(claiming.by_the_clock, NIGHT, QUIET) == 1
    assert await desk.states() == ["held", "claimed", "ready"]
    assert await desk.db.write(claiming.by_the_clock, NIGHT, QUIET) == 0
    assert await desk.db.write(claiming.by_the_clock, MORNING, QUIET) == 1
    assert await desk.states() == ["ready", "claimed", "ready"]


async def test_who_has_no_address_is_told_of_at_once(desk: Desk) -> None:
    await desk.put(message(1, address=""), mail(2, address=" "), message(3, channel=Channel.SCREEN, address=""))
    assert [(one.state, one.code) for one in await desk.seen()] == [
        ("undelivered", "NO_ADDRESS"),
        ("undelivered", "NO_ADDRESS"),
        ("ready", ""),
    ]
    assert "请在通讯录里补上" in await desk.value("SELECT reason FROM messages WHERE id = 1")
    assert await desk.claim() == []


async def test_a_put_that_is_rolled_back_leaves_nothing(desk: Desk) -> None:
    async def fails(tx: Tx) -> None:
        await outbox.put(tx, [message(1)], now=desk.clock.now())
        raise Refused("不行。")

    with pytest.raises(Refused):
        await desk.db.write(fails)
    assert await desk.states() == []


async def test_putting_wakes_the_worker(desk: Desk) -> None:
    heard: list[frozenset[str]] = []
    desk.db.listen(heard.append)
    await desk.put(message(1))
    assert heard == [frozenset({"outbox"})]


def test_contents_are_told_apart_by_every_field() -> None:
    contents = [
        Content("a", "b"),
        Content("ab", ""),
        Content("", "ab"),
        Content("a", "b", "c"),
        Content("a", "b", "", "c"),
        Content("a", "b", "", "", "c"),
        Content("a", "b", "", ""),
        Content("a", "1:b"),
    ]
    assert len({one.digest for one in contents}) == len(contents)


def test_the_estimate_counts_the_signature() -> None:
    sms = Sms(price_fen=5, parts_per_second=50)
    assert outbox.estimate("会" * 66, 1053, sms) == Estimate(1053, 5265, 22)
    assert outbox.estimate("会" * 67, 1053, sms) == Estimate(2106, 10530, 43)
    assert outbox.estimate("会", 0, sms) == Estimate(0, 0, 0)


# --- clear ----------------------------------------------------------------------------------------------------------------


async def test_an_answer_clears_what_the_unit_would_be_reminded_of(desk: Desk, clock: FixedClock) -> None:
    await desk.put(
        message(1),
        message(1, purpose=Purpose.REMINDER),
        mail(1, purpose=Purpose.REMINDER),
        message(1, purpose=Purpose.CHASE, person_id=9),
        message(2, purpose=Purpose.REMINDER),
        message(1, purpose=Purpose.REMINDER, subject_id=8),
    )
    now = clock.now()
    assert await desk.db.write(outbox.clear, 7, 1, purposes=CLEARED_BY_ANSWER, now=now) == 3
    assert await desk.states() == ["ready", "cleared", "cleared", "cleared", "ready", "ready"]
    assert await desk.db.write(outbox.clear, 7, 1, purposes=CLEARED_BY_ANSWER, now=now) == 0


async def test_what_has_left_is_not_cleared(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1, purpose=Purpose.REMINDER))
    await desk.put(message(2, purpose=Purpose.REMINDER))
    assert await desk.db.write(outbox.clear, 7, 1, purposes=CLEARED_BY_ANSWER, now=clock.now()) == 0
    await desk.record(dispatch, BUSY)
    assert await desk.states() == ["retry_wait", "ready"]
    assert await desk.db.write(outbox.clear, 7, 1, purposes=CLEARED_BY_ANSWER, now=clock.now()) == 1


async def test_a_cancellation_clears_all_but_its_own_news(desk: Desk, clock: FixedClock) -> None:
    await desk.put(
        message(1), message(1, purpose=Purpose.REMINDER), message(1, purpose=Purpose.CANCELLED), message(2, subject_id=8)
    )
    await desk.put(message(3, purpose=Purpose.REPLY))
    assert await desk.db.write(outbox.clear_subject, 7, now=clock.now()) == 2
    assert await desk.states() == ["cleared", "cleared", "ready", "ready", "ready"]


async def test_the_screen_is_seen_once_and_by_its_person(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1, channel=Channel.SCREEN), message(2))
    assert [await desk.db.write(outbox.seen, id, 1, clock.now()) for id in (1, 1, 2)] == [True, False, False]
    assert await desk.states() == ["delivered", "ready"]


# --- what the gateway answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "state", "dispatch"),
    [
        (WELL, "accepted", "accepted"),
        (GONE, "delivered", "delivered"),
        (NEVER, "undelivered", "undelivered"),
        (BUSY, "retry_wait", "retry_wait"),
        (LOST, "unknown", "unknown"),
    ],
)
async def test_an_answer_is_the_state_of_every_message(desk: Desk, outcome: Any, state: str, dispatch: str) -> None:
    (left,) = await desk.left(message(1), message(1, subject_id=8))
    await desk.record(left, outcome)
    assert (await desk.states(), await desk.dispatch_states()) == ([state] * 2, [dispatch])
    assert [one.code for one in await desk.seen()] == [outcome.code] * 2


async def test_not_now_is_tried_again_after_twice_the_time(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1))
    waits = []
    for _ in range(4):
        (dispatch,) = await desk.claim()
        await desk.leave(dispatch)
        await desk.record(dispatch, BUSY, first_wait_s=60, max_tries=4)
        (seen,) = await desk.seen()
        waits.append((seen.state, seen.tries, seen.not_before))
        assert await desk.claim() == []
        clock.set(seen.not_before)
    start = "2026-03-18T01:42:00.000Z"
    assert waits == [
        ("retry_wait", 1, after(start, seconds=60)),
        ("retry_wait", 2, after(start, seconds=180)),
        ("retry_wait", 3, after(start, seconds=420)),
        ("undelivered", 4, after(start, seconds=900)),
    ]
    assert await desk.claim() == []


async def test_waits_have_an_end(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1))
    await desk.db.write(_set_tries, 28)
    await desk.record(dispatch, BUSY, first_wait_s=3600, max_tries=30)
    assert (await desk.seen())[0].not_before == after(clock.now(), hours=6)


async def _set_tries(tx: Tx, tries: int) -> None:
    await tx.run("UPDATE messages SET tries = :tries", tries=tries)


async def test_the_gateways_fault_costs_no_try(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1))
    await desk.record(dispatch, BUSY, free_wait_s=0.0, max_tries=1)
    assert [(one.state, one.tries) for one in await desk.seen()] == [("retry_wait", 0)]
    (again,) = await desk.claim(gateway="second")
    assert (again.gateway, again.resend_of) == ("second", None)


async def test_a_slow_not_now_ends_the_doubt(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1))
    clock.move(seconds=60)
    await desk.db.write(claiming.lose_overdue, clock.now())
    await desk.record(dispatch, BUSY)
    assert (await desk.states(), await desk.dispatch_states()) == (["retry_wait"], ["retry_wait"])


@pytest.mark.parametrize("outcome", [WELL, NEVER, BUSY, LOST])
async def test_a_report_that_overtakes_the_answer_stands(desk: Desk, outcome: Any) -> None:
    (dispatch,) = await desk.left(message(1))
    assert await desk.report(dispatch, "delivered", "DELIVRD")
    await desk.record(dispatch, outcome)
    assert (await desk.states(), await desk.dispatch_states()) == (["delivered"], ["delivered"])
    assert await desk.value("SELECT carrier_id FROM dispatches") == "c1"


async def test_an_answer_comes_once(desk: Desk) -> None:
    (dispatch,) = await desk.left(message(1))
    await desk.record(dispatch, BUSY)
    await desk.record(dispatch, BUSY)
    await desk.record(dispatch, LOST)
    assert [(one.state, one.tries) for one in await desk.seen()] == [("retry_wait", 1)]


async def test_nothing_is_recorded_for_what_never_left(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1))
    (dispatch,) = await desk.claim()
    for outcome in (WELL, GONE, NEVER, BUSY, LOST):
        await desk.record(dispatch, outcome)
    assert await desk.states() == ["claimed"]
    clock.move(seconds=60)
    await desk.db.write(claiming.release, clock.now())
    for outcome in (WELL, GONE, NEVER, BUSY, LOST):
        await desk.record(dispatch, outcome)
    assert (await desk.states(), await desk.dispatch_states()) == (["ready"], ["released"])


# --- reports --------------------------------------------------------------------------------------------------------------

STATES = get_args(Report.__annotations__["state"])


async def test_reports_in_every_order_come_to_the_same(desk: Desk) -> None:
    orders = [order for n in (1, 2, 3) for order in permutations(("accepted", "undelivered", "delivered"), n)]
    found = await desk.left(*(message(n) for n in range(1, len(orders) + 1)))
    for dispatch, order in zip(found, orders, strict=True):
        said = [await desk.report(dispatch, state, "UNDELIV") for state in order for _ in (1, 2)]
        ranks = [0, *(RANK[State(state)] for state in order)]
        higher = [ranks[n] > max(ranks[:n]) for n in range(1, len(ranks))]
        assert said == [flag for new in higher for flag in (new, False)]
    highest = [max(order, key=lambda state: RANK[State(state)]) for order in orders]
    assert await desk.states() == highest == await desk.dispatch_states()


@given(st.lists(st.sampled_from(["accepted", "delivered", "undelivered", "answer", "lost", "lease", "settle"]), max_size=9))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_and_number_of_reports_ends_right(desk: Desk, events: list[str]) -> None:
    """Whatever comes, however often: what is known only rises, and the highest that was said stands at the end."""
    clock = desk.clock
    assert isinstance(clock, FixedClock)
    number = int(await desk.value("SELECT COUNT(*) FROM messages")) + 1
    await desk.put(message(number, purpose=Purpose.REMINDER))
    (dispatch,) = await desk.claim()
    await desk.leave(dispatch)
    highest = 0
    for event in events:
        if event in STATES:
            await desk.report(dispatch, event, "UNDELIV")
            highest = max(highest, RANK[State(event)])
        elif event == "answer":
            await desk.record(dispatch, WELL)
            highest = max(highest, RANK[State.ACCEPTED])
        elif event == "lost":
            await desk.record(dispatch, LOST)
            highest = max(highest, RANK[State.UNKNOWN])
        elif event == "lease":
            clock.move(seconds=61)
            await desk.db.write(claiming.lose_overdue, clock.now())
            highest = max(highest, RANK[State.UNKNOWN])
        elif highest == RANK[State.UNKNOWN]:
            clock.move(seconds=900)
            await desk.db.write(claiming.settle, clock.now(), 900)
            highest = RANK[State.ACCEPTED]
    words = {0: "claimed", 2: "unknown", 3: "accepted", 4: "undelivered", 5: "delivered"}
    assert (await desk.states())[-1] == words[highest]
    assert (await desk.dispatch_states())[-1] == {0: "leaving"}.get(highest, words[highest])


async def test_a_report_that_is_not_ours_is_ignored(desk: Desk) -> None:
    (dispatch,) = await desk.left(message(1))
    assert not await desk.report(dispatch, "delivered", mobile="13900000009")
    assert not await desk.report(dispatch, "delivered", gateway="other")
    assert not await desk.report(dispatch, "delivered", token="t" * 32)
    assert await desk.states() == ["claimed"]
    assert await desk.report(dispatch, "delivered", mobile="")
    assert await desk.states() == ["delivered"]


async def test_a_report_says_it_of_every_merged_message(desk: Desk) -> None:
    (dispatch,) = await desk.left(message(1), message(1, subject_id=8), message(1, subject_id=9))
    await desk.record(dispatch, WELL)
    await desk.report(dispatch, "undelivered", "UNDELIV")
    assert [(one.state, one.code) for one in await desk.seen()] == [("undelivered", "UNDELIV")] * 3
    assert "停机" in await desk.value("SELECT reason FROM messages WHERE id = 3")


async def test_a_report_ends_the_wait_for_another_try(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1))
    await desk.record(dispatch, BUSY)
    assert await desk.report(dispatch, "delivered")
    clock.move(hours=1)
    assert (await desk.states(), await desk.claim()) == (["delivered"], [])


async def test_a_message_that_arrived_is_never_called_cleared(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1, purpose=Purpose.REMINDER))
    await desk.record(dispatch, BUSY)
    await desk.db.write(outbox.clear, 7, 1, purposes=CLEARED_BY_ANSWER, now=clock.now())
    assert await desk.report(dispatch, "accepted")
    assert await desk.states() == ["cleared"]
    assert await desk.report(dispatch, "delivered")
    assert await desk.states() == ["delivered"]


async def test_a_dead_number_stands_beside_the_person_until_a_message_arrives(desk: Desk) -> None:
    await desk.db.write(add_person, 1, "何淑珍", message(1).address)
    await desk.db.write(add_person, 2, "高明", message(2).address)
    bad = "SELECT COALESCE(mobile_bad, '') FROM people WHERE id = 1"
    first, second, third = await desk.left(message(1), message(2), message(1, person_id=0))
    await desk.report(first, "undelivered", "EXPIRED")
    assert await desk.value(bad) == ""
    await desk.report(second, "delivered", "DELIVRD")
    (fourth,) = await desk.left(message(1, subject_id=8))
    await desk.report(fourth, "undelivered", "UNDELIV")
    assert "停机" in await desk.value(bad)
    assert await desk.value("SELECT COALESCE(mobile_bad, '') FROM people WHERE id = 2") == ""
    await desk.report(fourth, "accepted", "ACCEPTD")
    assert "停机" in await desk.value(bad)
    await desk.report(third, "delivered", "DELIVRD")
    assert await desk.value(bad) == ""
