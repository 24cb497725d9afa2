"""The sender against a carrier that does everything wrong once; one message among many; its pace."""

import asyncio
from collections import Counter

import pytest

from ground.clock import FixedClock
from ground.messages.gateway import Outcome, Sms
from ground.messages.message import Priority, Purpose
from tests.carrier import Carrier, Fault, until
from tests.ground.messages.carriers import Make, Odd, Receipts, Smsbox, http, kannel, reaches, well
from tests.ground.messages.kit import NIGHT, Desk, message

pytestmark = pytest.mark.anyio

# --- every fault of a carrier ---------------------------------------------------------------------------------------------

# fault, state after the turn (before any receipt may have come), state in the end, how many the carrier took
FAULTS: list[tuple[Fault | None, set[str], str, int]] = [
    (None, {"accepted", "delivered"}, "delivered", 1),
    ("refuse", {"undelivered"}, "undelivered", 0),
    ("busy", {"retry_wait"}, "retry_wait", 0),
    ("fail", {"accepted", "undelivered"}, "undelivered", 1),
    ("lose_receipt", {"accepted"}, "accepted", 1),
    ("double_receipt", {"accepted", "delivered"}, "delivered", 1),
    ("swap_receipts", {"accepted", "delivered"}, "delivered", 1),
    ("early_receipt", {"delivered"}, "delivered", 1),
    ("late_receipt", {"accepted"}, "delivered", 1),
    ("no_reply", {"delivered", "unknown"}, "delivered", 1),
    ("cut_reply", {"delivered", "unknown"}, "delivered", 1),
    ("black_hole", {"unknown"}, "unknown", 0),
    ("reset", {"unknown"}, "unknown", 0),
    ("slow", {"accepted", "delivered"}, "delivered", 1),
]


@pytest.mark.parametrize("through", ["http", "kannel"])
@pytest.mark.parametrize(("fault", "first", "last", "taken"), FAULTS)
async def test_every_fault_ends_in_its_state(
    desk: Desk, make: Make, receipts: Receipts, through: str, fault: Fault | None, first: set[str], last: str, taken: int
) -> None:
    async with Smsbox() if through == "kannel" else Carrier() as carrier:
        carrier.report_url, carrier.slow_s, carrier.late_s = receipts.url, 0.1, 0.3
        receipts.gateway = kannel(carrier.url, receipts.url) if through == "kannel" else http(carrier.url)
        sender = make(receipts.gateway)
        if fault:
            carrier.order(fault, mobile=message(1).address)
        await desk.put(message(1), message(2))
        assert await sender.turn() == 2
        assert (await desk.states())[0] in first
        await reaches(desk, last, "delivered")
        await until(lambda: len(carrier.reports) >= Counter(double_receipt=3, swap_receipts=3)[str(fault)])
        assert await desk.states() == [last, "delivered"]
        assert dict(carrier.fired) == ({fault: 1} if fault else {})
        assert [one.mobile for one in carrier.received].count(message(1).address) == taken
        assert await sender.turn() == 0


async def test_not_now_goes_a_minute_later(desk: Desk, make: Make, clock: FixedClock, receipts: Receipts) -> None:
    async with Carrier() as carrier:
        carrier.report_url = receipts.url
        receipts.gateway = http(carrier.url)
        sender = make(receipts.gateway)
        carrier.order("busy", times=2)
        await desk.put(message(1))
        await sender.turn()
        clock.move(seconds=59)
        assert await sender.turn() == 0
        clock.move(seconds=1)
        assert await sender.turn() == 1
        clock.move(seconds=120)
        assert await sender.turn() == 1
        await reaches(desk, "delivered")
        assert (len(carrier.received), carrier.fired["busy"]) == (1, 2)


async def test_what_nobody_knows_goes_by_the_clock(desk: Desk, make: Make, clock: FixedClock) -> None:
    """No receipts at all: what is urgent once more and marked, a reminder counts as sent, the rest waits for the operator."""
    async with Carrier() as carrier:
        sender = make(http(carrier.url))
        carrier.order("black_hole", times=3)
        await desk.put(
            message(1, priority=Priority.IMMEDIATE), message(2, purpose=Purpose.REMINDER, priority=Priority.REMINDER), message(3)
        )
        await sender.turn()
        assert await desk.states() == ["unknown"] * 3
        clock.move(seconds=899)
        await sender.tend()
        assert await desk.states() == ["unknown"] * 3
        clock.move(seconds=1)
        await sender.tend()
        assert await desk.states() == ["ready", "accepted", "unknown"]
        assert await sender.turn() == 1
        assert [(one.mobile, "（补发）" in one.text) for one in carrier.received] == [(message(1).address, True)]
        assert dict(carrier.fired) == {"black_hole": 3}


# --- one among many -------------------------------------------------------------------------------------------------------


async def test_one_that_raises_or_hangs_holds_up_no_other(desk: Desk, make: Make) -> None:
    odd = Odd()
    sender = make(odd, lease_s=1)
    await desk.put(*(message(n) for n in range(1, 10)))
    started = await sender.begin()
    await reaches(desk, "unknown", "claimed", *["accepted"] * 7)
    assert started == 9
    await desk.put(message(10))
    assert await sender.begin() == 1
    await reaches(desk, "unknown", "claimed", *["accepted"] * 8)
    await sender.drain()
    assert [(one.state, one.code) for one in (await desk.seen())[:2]] == [
        ("unknown", "ZeroDivisionError"),
        ("unknown", "timeout"),
    ]


async def test_no_transaction_is_open_while_sending(desk: Desk, make: Make) -> None:
    async with Carrier() as carrier:
        carrier.order("slow")
        sender = make(http(carrier.url, timeout_s=5))
        await desk.put(message(1))
        await sender.begin()
        await until(lambda: carrier.requests)
        assert (await desk.dispatch_states(), await desk.put(message(2))) == (["leaving"], 1)
        assert await desk.states() == ["claimed", "ready"]
        await sender.drain()
        assert dict(carrier.fired) == {"slow": 1}


async def test_a_message_leaves_only_when_that_is_on_the_disk(desk: Desk, make: Make) -> None:
    seen: list[list[str]] = []

    async def answer(sms: Sms) -> Outcome:
        seen.append(await desk.dispatch_states())
        return Outcome("accepted", "0", "")

    sender = make(Odd(answer=answer))
    await desk.put(message(1))
    await sender.turn()
    assert seen == [["leaving"]]


async def test_the_line_is_bounded_and_the_urgent_overtake(desk: Desk, make: Make) -> None:
    gate = asyncio.Event()
    under_way = [0, 0]

    async def answer(sms: Sms) -> Outcome:
        under_way[0] += 1
        under_way[1] = max(under_way)
        await gate.wait()
        under_way[0] -= 1
        return Outcome("accepted", "0", "")

    odd = Odd(answer=answer)
    sender = make(odd)
    await desk.put(*(message(n) for n in range(1, 101)))
    while await sender.begin():
        pass
    await until(lambda: under_way[0] == 20)
    await desk.put(message(200, priority=Priority.IMMEDIATE))
    gate.set()
    await sender.drain()
    while await sender.turn():
        pass
    assert await desk.states() == ["accepted"] * 101
    assert (under_way[1], len(odd.sent)) == (20, 101)
    assert odd.sent.index(next(one for one in odd.sent if one.mobile == message(200).address)) < 40


async def test_parts_a_second(desk: Desk, make: Make) -> None:
    odd = Odd(answer=well)
    sender = make(odd, per_second=40)
    await desk.put(*(message(n, text="会" * 80) for n in range(1, 41)))
    start = asyncio.get_running_loop().time()
    while len(odd.sent) < 40:
        await sender.turn()
        await asyncio.sleep(0.01)
    took = asyncio.get_running_loop().time() - start
    assert 0.9 < took < 2.5  # 80 parts at 40 a second, of which 40 at once


async def test_quiet_hours_let_only_the_urgent_out(desk: Desk, make: Make, clock: FixedClock) -> None:
    odd = Odd(answer=well)
    sender = make(odd)
    await desk.put(message(1), message(2, priority=Priority.IMMEDIATE))
    clock.set(NIGHT)
    assert await sender.turn() == 1
    await sender.tend()
    assert await desk.states() == ["held", "accepted"]
