"""Gateways that go away and come back; workers that die at any moment, or are stopped."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ground.clock import FixedClock
from ground.messages.message import Priority
from ground.messages.sending import Sender
from ground.messages.spool import Spool
from tests.carrier import Carrier, until
from tests.ground.messages.carriers import Deserted, Make, Odd, Receipts, http, nowhere, written
from tests.ground.messages.kit import Desk, message

pytestmark = pytest.mark.anyio

# --- gateways that go away ------------------------------------------------------------------------------------------------


async def test_the_second_gateway_takes_over_from_a_dead_first_and_gives_back(desk: Desk, make: Make, clock: FixedClock) -> None:
    async with Carrier() as carrier, Carrier() as spare:
        first = Odd("first", answer=None)
        dead, alive = http(nowhere(), "first"), http(carrier.url, "first", 10)
        first._answer = dead.send
        sender = make(first, http(spare.url, "second", 10))
        await desk.put(*(message(n) for n in range(1, 31)))
        for _ in range(20):
            await sender.turn()
        assert await desk.states() == ["accepted"] * 30
        assert (len(spare.received), len(carrier.received)) == (30, 0)
        assert sender.troubles() == ["first"]
        assert max(one.tries for one in await desk.seen()) == 0
        first._answer = alive.send
        clock.move(seconds=16)
        await desk.put(*(message(n) for n in range(31, 41)))
        while await sender.turn():
            pass
        assert (len(spare.received), len(carrier.received)) == (30, 10)
        assert sender.troubles() == []
        await dead.aclose()
        await alive.aclose()


async def test_a_black_hole_is_left_for_the_second_gateway(desk: Desk, make: Make) -> None:
    """What the first has swallowed stays unknown; all others arrive by the second."""
    async with Carrier() as carrier, Carrier() as spare:
        carrier.order("black_hole", times=1000)
        sender = make(http(carrier.url, "first", 0.5), http(spare.url, "second", 10))
        await desk.put(*(message(n) for n in range(1, 101)))
        while await sender.turn():
            pass
        lost = carrier.fired["black_hole"]
        assert Counter(await desk.states()) == {"unknown": lost, "accepted": 100 - lost}
        assert 0 < lost <= 20
        assert len(spare.received) == 100 - lost


async def test_a_dead_only_gateway_costs_no_tries(desk: Desk, make: Make, clock: FixedClock) -> None:
    async with Carrier() as carrier:
        only = Odd("only", answer=None)
        dead, alive = http(nowhere(), "only"), http(carrier.url, "only", 10)
        only._answer = dead.send
        sender = make(only, max_tries=1)
        await desk.put(*(message(n) for n in range(1, 41)), message(50, priority=Priority.IMMEDIATE))
        for _ in range(60):
            await sender.turn()
            clock.move(seconds=16)
        assert {one.tries for one in await desk.seen()} == {0}
        assert set(await desk.states()) <= {"ready", "retry_wait"}
        assert len(only.sent) < 120
        only._answer = alive.send
        clock.move(seconds=16)
        for _ in range(20):
            await sender.turn()
            clock.move(seconds=16)
        assert await desk.states() == ["accepted"] * 41
        await dead.aclose()
        await alive.aclose()


# --- workers that die -----------------------------------------------------------------------------------------------------


LEFT_AGAIN = "SELECT COUNT(*) FROM dispatches WHERE resend_of IS NOT NULL AND left_at IS NOT NULL AND address = :to"


async def live_and_die(sender: Sender, chance: random.Random, done: Callable[[], int]) -> bool:
    """Work until a few more messages are out, then do what kill -9 does: nothing more is written. Whether that cut any short."""
    enough = done() + chance.randrange(0, 15)
    for _ in range(1000):
        await sender.begin()
        if done() >= enough or not sender.under_way:
            break
        await asyncio.sleep(0.001)
    tasks = [task for line in sender._lines for task in line.tasks]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return bool(tasks)


async def test_a_spool_loses_and_doubles_nothing_however_often_its_worker_dies(
    desk: Desk, make: Make, clock: FixedClock, tmp_path: Path
) -> None:
    chance = random.Random(7)
    await desk.put(*(message(n) for n in range(1, 61)))
    deaths = 0
    while set(await desk.states()) != {"delivered"}:
        sender = make(Spool(tmp_path))
        await sender.tend()
        deaths += await live_and_die(sender, chance, lambda: len(written(tmp_path)))
        clock.move(seconds=61)
    files = [json.loads(path.read_text()) for path in written(tmp_path) if path.suffix == ".json"]
    assert sorted(one["mobile"] for one in files) == sorted(message(n).address for n in range(1, 61))
    assert deaths > 0


async def test_a_carrier_gets_nothing_twice_however_often_the_worker_dies(
    desk: Desk, make: Make, clock: FixedClock, receipts: Receipts
) -> None:
    """Each message arrived once, or stands on the operator's list; only what is urgent may come twice, and then says so."""
    chance = random.Random(8)
    async with Deserted() as carrier:
        carrier.report_url = receipts.url
        receipts.gateway = http(carrier.url)
        urgent = range(1, 21)
        await desk.put(*(message(n, priority=Priority.IMMEDIATE if n in urgent else Priority.NORMAL) for n in range(1, 61)))
        deaths = 0
        while {"ready", "claimed"} & set(await desk.states()):
            sender = make(http(carrier.url, timeout_s=10))
            await sender.tend()
            deaths += await live_and_die(sender, chance, lambda: len(carrier.received))
            await asyncio.sleep(0.1)  # receipts of what had left
            clock.move(seconds=61)
            if not {"ready", "claimed"} & set(await desk.states()):
                clock.move(seconds=900)
                await sender.tend()
        got = Counter(one.mobile for one in carrier.received if "补发" not in one.text)
        again = Counter(one.mobile for one in carrier.received if "补发" in one.text)
        assert (max(got.values()), max(again.values(), default=1)) == (1, 1)
        assert len(got) > 10
        for one, n in zip(await desk.seen(), range(1, 61), strict=True):
            assert one.state in ("delivered", "accepted", "unknown")
            repeated = await desk.value(LEFT_AGAIN, to=message(n).address)
            assert repeated <= (n in urgent)
            assert one.state != "unknown" or n not in urgent or repeated
            assert one.state == "unknown" or got[message(n).address] + again[message(n).address] > 0
        assert deaths > 0


async def test_stopping_cuts_short_and_says_what_was_cut(desk: Desk, make: Make) -> None:
    async with Carrier() as carrier:
        carrier.order("no_reply", mobile=message(1).address)
        carrier.order("slow", mobile=message(2).address)
        carrier.slow_s = 0.3
        sender = make(http(carrier.url, timeout_s=30), per_second=3)
        # More than a second's worth: the last ones wait for their turn, and nothing of them has left.
        await desk.put(message(1), message(2), *(message(n, text="会" * 300) for n in range(3, 6)))
        for _ in range(3):
            await sender.begin()
        await until(lambda: len(carrier.requests) >= 2)
        waiting = sender.under_way - len(carrier.requests)
        start = asyncio.get_running_loop().time()
        await sender.stop()
        assert asyncio.get_running_loop().time() - start < 2
        states = await desk.states()
        assert states[:2] == ["unknown", "accepted"]
        assert set(states[2:]) <= {"ready", "accepted"}
        assert states.count("ready") >= max(1, waiting)
        assert await sender.turn() == 0
        assert (await desk.seen())[0].code == "CUT"


async def test_stopping_closes_the_gateways(make: Make) -> None:
    odd = Odd()
    await make(odd).stop()
    assert odd.closed == 1
