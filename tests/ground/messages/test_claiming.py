"""What leaves, in which order, merged how; leases, and what a worker that dies leaves behind."""

import asyncio
from typing import Any

import pytest

from ground.clock import FixedClock, after
from ground.db import Database, Tx, opened
from ground.messages import claiming
from ground.messages import queries as q
from ground.messages.message import Channel, Priority, Purpose
from tests.engines import Engine
from tests.ground.messages.kit import GONE, NIGHT, QUIET, TEXT, Desk, add_person, mail, message

pytestmark = pytest.mark.anyio
SIGNED = f"【送达】{TEXT}"


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


# --- speed ----------------------------------------------------------------------------------------------------------------

PLANS: dict[str, tuple[str, dict[str, Any]]] = {
    "messages_due": (q.claim_due("sqlite"), {"channel": "sms", "priority": 2, "now": NIGHT, "limit": 20}),
    "messages_person": (q.claim_companions("sqlite"), {"priority": 3, "now": NIGHT}),
    "messages_doubt": (q.CLAIMED, {}),
    "messages_unit": (q.CLEAR, {"now": NIGHT, "unit": 1, "subject": 7, "purpose": "reminder"}),
    "messages_dispatch": (q.STILL_UNKNOWN, {"dispatch": 1}),
    "messages_failed": (q.FAILURES, {"since": NIGHT}),
    "dispatches_open": (q.LOST, {"now": NIGHT}),
    "dispatches_unknown": (q.DOUBTFUL, {"before": NIGHT}),
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # the other engine plans by what it has counted
@pytest.mark.parametrize("index", PLANS)
async def test_no_question_of_every_second_reads_a_whole_table(desk: Desk, index: str) -> None:
    """Millions of old rows stand beside the few that matter: each question has its small index, and SQLite uses it."""
    sql, values = PLANS[index]

    async def plan(tx: Tx) -> list[str]:
        return await tx.all(f"EXPLAIN QUERY PLAN {sql}", lambda *columns: str(columns[3]), **values)

    steps = await desk.db.write(plan)
    assert any(step.startswith("SEARCH") and f"INDEX {index} " in step for step in steps), steps
    assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN due"]
