"""The outbox on both engines: what is put, held, cleared, claimed, merged, answered, reported, lost, and what a crash leaves."""

import asyncio
from itertools import permutations
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.clock import FixedClock, after
from ground.config import Config, Sms
from ground.db import Database, Tx, opened
from ground.errors import Refused
from ground.messages import claiming, outbox
from ground.messages.gateway import Report
from ground.messages.message import CLEARED_BY_ANSWER, RANK, Channel, Priority, Purpose, State
from ground.messages.outbox import Content, Estimate, QuietHours
from tests.engines import Engine
from tests.ground.messages.kit import (
    BUSY,
    GONE,
    LOST,
    MORNING,
    NEVER,
    NIGHT,
    QUIET,
    TEXT,
    WELL,
    Desk,
    add_person,
    mail,
    message,
)

pytestmark = pytest.mark.anyio
SIGNED = f"【送达】{TEXT}"


@pytest.fixture
def desk(db: Database, clock: FixedClock) -> Desk:
    """An empty outbox by day."""
    return Desk(db, clock)


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


# --- claim ----------------------------------------------------------------------------------------------------------------


async def test_the_urgent_and_the_old_go_first(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1, priority=Priority.REMINDER), message(2))
    clock.move(seconds=1)
    await desk.put(message(3), message(4, priority=Priority.IMMEDIATE), message(5, priority=Priority.URGENT))
    assert [one.address[-1] for one in await desk.claim(3)] == ["4", "5", "2"]
    assert [one.address[-1] for one in await desk.claim(3)] == ["3", "1"]
    assert await desk.claim(3) == []


async def test_a_claim_says_all_that_a_gateway_needs(desk: Desk) -> None:
    await desk.db.write(add_person, 1, "何淑珍", message(1).address)
    await desk.put(message(1), mail(1, ics="BEGIN:VCALENDAR", ics_method="REQUEST"))
    (sms,) = await desk.claim()
    assert (sms.channel, sms.address, sms.text, sms.parts, sms.gateway) == ("sms", "13800000001", SIGNED, 1, "test")
    (email,) = await desk.claim(channel=Channel.EMAIL, gateway="smtp")
    assert (email.address, email.name, email.title, email.text) == ("p1@example.cn", "何淑珍", "安全生产会议", TEXT)
    assert (email.ics, email.ics_method, email.gateway) == ("BEGIN:VCALENDAR", "REQUEST", "smtp")
    assert sms.token != email.token
    assert len(sms.token) == 32


async def test_one_persons_messages_leave_as_one(desk: Desk) -> None:
    await desk.put(
        message(1),
        message(2),
        message(1, subject_id=8, line="取消：防汛会议。", priority=Priority.IMMEDIATE),
        message(1, subject_id=9, line="还没有报名：消防会议"),
        message(1, subject_id=9, step="3", line="还没有报名：消防会议"),
        message(1, person_id=0, subject_id=9, line="同一个号码，另一个人"),
        mail(1, subject_id=8),
    )
    found = await desk.claim(2)
    assert [one.text for one in found] == [
        "【送达】您有 3 件事：1.取消：防汛会议；2.报名：安全生产会议1；3.还没有报名：消防会议。登录送达办理。"
    ]
    assert await desk.states() == ["claimed", "ready", "claimed", "claimed", "claimed", "ready", "ready"]
    assert await desk.value("SELECT COUNT(*) FROM messages WHERE dispatch_id = :id", id=found[0].id) == 4
    assert [one.text for one in await desk.claim()] == [SIGNED, SIGNED]


async def test_what_is_not_due_does_not_come_along(desk: Desk, clock: FixedClock) -> None:
    clock.set(NIGHT)
    await desk.put(message(1), message(1, subject_id=8, priority=Priority.IMMEDIATE))
    assert [one.text for one in await desk.claim()] == [SIGNED]
    assert await desk.states() == ["held", "claimed"]


async def test_ready_ones_stay_behind_in_quiet_hours(desk: Desk) -> None:
    await desk.put(message(1), message(1, subject_id=8, priority=Priority.IMMEDIATE))
    assert [one.text for one in await desk.claim(urgent_only=True)] == [SIGNED]
    assert await desk.states() == ["ready", "claimed"]


async def test_echoes_go_by_themselves(desk: Desk) -> None:
    echo = message(1, purpose=Purpose.REPLY, subject_id=0, text="已收到：参加。", priority=Priority.IMMEDIATE)
    await desk.put(message(1), message(1, subject_id=8, line="消防会议"), echo)
    texts = [one.text for one in await desk.claim()]
    assert len(texts) == 2
    assert texts[0] == "【送达】已收到：参加。"
    assert texts[1].startswith("【送达】您有 ")


async def test_too_much_for_one_sms_goes_as_two(desk: Desk) -> None:
    await desk.put(*(message(1, subject_id=n, line=f"第{n}件") for n in range(1, 20)))
    assert [one.text.count("件；") + one.text.count("件。") for one in await desk.claim(1)] == [8, 8, 3]
    await desk.put(*(message(2, subject_id=n, line=f"{n}" + "会" * 150) for n in range(1, 5)))
    assert [one.parts for one in await desk.claim(1)] == [5, 5]


async def test_what_has_expired_is_not_sent(desk: Desk, clock: FixedClock) -> None:
    soon = after(clock.now(), minutes=5)
    await desk.put(message(1, purpose=Purpose.REMINDER, expires_at=soon), message(2, expires_at=soon), message(1, subject_id=8))
    clock.move(minutes=5)
    assert [one.text for one in await desk.claim()] == [SIGNED]
    assert await desk.db.write(claiming.by_the_clock, clock.now(), QUIET) == 2
    assert [(one.state, one.code) for one in await desk.seen()] == [
        ("expired", "EXPIRED"),
        ("expired", "EXPIRED"),
        ("claimed", ""),
    ]


async def test_a_channel_without_a_gateway_says_so(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1), mail(2), message(3, channel=Channel.SCREEN))
    assert await desk.db.write(claiming.by_the_clock, clock.now(), QUIET, [Channel.EMAIL]) == 1
    assert [(one.state, one.code) for one in await desk.seen()] == [("ready", ""), ("undelivered", "CHANNEL_OFF"), ("ready", "")]


async def test_claimers_at_once_never_claim_one_message_twice(engine: Engine, clock: FixedClock) -> None:
    """Several workers, each with its own connections where the engine has them; merging people's rows besides."""
    where = engine.migrated()
    async with opened(where) as one, opened(where) if one.kind == "postgres" else _same(one) as other:
        desk = Desk(one, clock)
        for subject in (7, 8, 9):
            await desk.put(*(message(n, subject_id=subject, line=f"第{subject}件") for n in range(1, 101)))
        desks = [desk, Desk(other, clock)]

        async def work(mine: Desk) -> list[str]:
            texts = []
            while found := await mine.claim(7):
                texts += [f"{d.address} {d.text}" for d in found]
                assert await asyncio.gather(*(mine.leave(d) for d in found)) == [True] * len(found)
            return texts

        texts = [text for some in await asyncio.gather(*(work(mine) for mine in desks * 3)) for text in some]
        assert await desk.states() == ["claimed"] * 300
        assert await desk.value("SELECT COUNT(*) FROM messages WHERE dispatch_id IS NULL") == 0
        assert await desk.value("SELECT COUNT(*) FROM dispatches") == len(texts)
        said = [line for text in texts for line in _lines(text)]
        assert len(said) == 300 - len([text for text in texts if TEXT in text])
        assert len(set(said)) == len(said)
        assert len(texts) < 300
    engine.drop(where)


def _lines(text: str) -> list[str]:
    """Person and line of each message merged into a text."""
    return [f"{text[:11]} {n}" for n in (7, 8, 9) if f"第{n}件" in text]


class _same:  # noqa: N801 - reads as a function
    def __init__(self, db: Database) -> None:
        self.db = db

    async def __aenter__(self) -> Database:
        return self.db

    async def __aexit__(self, *_: object) -> None:
        pass


# --- two steps and leases -------------------------------------------------------------------------------------------------


async def test_a_worker_that_dies_before_sending_has_sent_nothing(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1), message(1, subject_id=8))
    (first,) = await desk.claim()
    clock.move(seconds=59)
    assert await desk.db.write(claiming.release, clock.now()) == 0
    clock.move(seconds=1)
    assert await desk.db.write(claiming.release, clock.now()) == 1
    assert not await desk.leave(first)
    assert [(one.state, one.tries) for one in await desk.seen()] == [("ready", 0), ("ready", 0)]
    (second,) = await desk.claim()
    assert (second.text, second.resend_of) == (first.text, None)
    assert second.token != first.token
    assert await desk.leave(second)
    assert not await desk.leave(second)
    assert await desk.dispatch_states() == ["released", "leaving"]


async def test_a_lease_that_is_over_lets_nothing_leave(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1))
    (dispatch,) = await desk.claim()
    clock.move(seconds=60)
    assert not await desk.leave(dispatch)


async def test_a_worker_that_dies_while_sending_leaves_an_unknown_outcome(desk: Desk, clock: FixedClock) -> None:
    (dispatch,) = await desk.left(message(1))
    clock.move(seconds=59)
    assert await desk.db.write(claiming.lose_overdue, clock.now()) == 0
    clock.move(seconds=1)
    assert await desk.db.write(claiming.release, clock.now()) == 0
    assert await desk.db.write(claiming.lose_overdue, clock.now()) == 1
    assert [(one.state, one.code) for one in await desk.seen()] == [("unknown", "LEASE")]
    assert await desk.claim() == []
    assert await desk.report(dispatch, "delivered", "DELIVRD")
    assert await desk.states() == ["delivered"]


async def test_an_idempotent_gateway_gets_the_same_token_again(desk: Desk, clock: FixedClock) -> None:
    (first,) = await desk.left(message(1))
    assert await desk.db.write(claiming.take_over, "test", clock.now(), desk.claimer) == []
    clock.move(seconds=60)
    assert await desk.db.write(claiming.take_over, "other", clock.now(), desk.claimer) == []
    (again,) = await desk.db.write(claiming.take_over, "test", clock.now(), desk.claimer)
    assert (again.id, again.token, again.text) == (first.id, first.token, first.text)
    assert again.by != first.by
    assert await desk.db.write(claiming.lose_overdue, clock.now()) == 0
    await desk.record(again, GONE)
    assert (await desk.states(), await desk.dispatch_states()) == (["delivered"], ["delivered"])


async def test_what_has_not_left_is_given_back(desk: Desk, clock: FixedClock) -> None:
    await desk.put(message(1), message(2))
    one, other = await desk.claim()
    await desk.leave(other)
    stranger = other._replace(by="somebody/else")
    assert await desk.db.write(claiming.give_back, [stranger], clock.now()) == 0
    assert await desk.db.write(claiming.give_back, [one, other], clock.now()) == 2
    assert (await desk.states(), await desk.dispatch_states()) == (["ready", "ready"], ["released", "released"])


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
