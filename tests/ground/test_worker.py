"""The worker: woken by a commit, untroubled by jobs that raise or hang, seen by its pulse, stopped within a second or two."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ground.clock import FixedClock, SystemClock, seconds_between
from ground.config import Config
from ground.db import Database, Tx
from ground.messages import outbox
from ground.messages.message import Priority
from ground.messages.sending import Gateways, Sender
from ground.messages.spool import Spool
from ground.worker import Worker
from tests.carrier import Carrier, until
from tests.ground.messages.carriers import Odd, http, reaches, well
from tests.ground.messages.kit import Desk, message

pytestmark = pytest.mark.anyio
Start = Callable[..., Awaitable[Worker]]


@pytest.fixture
def desk(db: Database, clock: FixedClock) -> Desk:
    """An empty outbox by day."""
    return Desk(db, clock)


@pytest.fixture
async def start(db: Database, clock: FixedClock) -> AsyncIterator[Start]:
    """Starts workers, with jobs by name; stops them at the end."""
    running: list[tuple[Worker, asyncio.Task[None]]] = []

    async def begin(*sms: Any, jobs: dict[str, Any] | None = None, tend_every_s: float = 30, **rules: Any) -> Worker:
        base = Config()
        config = replace(base, outbox=replace(base.outbox, **rules))
        worker = Worker(db, clock, Sender(config, db, clock, Gateways(sms)), tend_every_s=tend_every_s)
        for name, job in (jobs or {}).items():
            worker.add_job(name, 0.05, job)
        task = asyncio.create_task(worker.run())
        running.append((worker, task))
        await asyncio.sleep(0)
        return worker

    yield begin
    for worker, task in running:
        await worker.stop()
        await task


async def pulse(desk: Desk, name: str) -> tuple[str, str] | None:
    """When a loop last said that it lives, and what else it said."""

    async def read(tx: Tx) -> tuple[str, str] | None:
        return await tx.one("SELECT at, note FROM pulses WHERE name = :name", lambda at, note: (at, note), name=name)

    return await desk.db.read(read)


async def comes(read: Callable[[], Awaitable[Any]], wanted: Any, within_s: float = 5.0) -> None:
    """Wait for a value in the database."""
    found = await read()
    for _ in range(int(within_s * 50)):
        if found == wanted:
            break
        await asyncio.sleep(0.02)
        found = await read()
    assert found == wanted


async def test_a_commit_wakes_it_at_once(desk: Desk, start: Start, tmp_path: Path) -> None:
    await start(Spool(tmp_path))
    await asyncio.sleep(0.3)  # it has found nothing and sleeps for a second
    took = []
    for n in range(1, 4):
        before = asyncio.get_running_loop().time()
        await desk.put(message(n))
        await reaches(desk, *["delivered"] * n)
        took.append(asyncio.get_running_loop().time() - before)
    assert min(took) < 0.5


async def test_a_backlog_is_worked_off_without_pauses(desk: Desk, start: Start) -> None:
    await desk.put(*(message(n) for n in range(1, 201)))
    odd = Odd(answer=well)
    before = asyncio.get_running_loop().time()
    await start(odd)
    await until(lambda: len(odd.sent) == 200, 20)
    assert asyncio.get_running_loop().time() - before < 15  # 200 parts at 50 a second, 50 at once: at least 3
    await reaches(desk, *["accepted"] * 200)


async def test_what_comes_due_without_a_commit_is_found(desk: Desk, start: Start, clock: FixedClock) -> None:
    clock.set("2026-03-18T14:00:00.000Z")
    odd = Odd(answer=well)
    await start(odd, tend_every_s=0.05)
    await desk.put(message(1), message(2, priority=Priority.IMMEDIATE))
    await reaches(desk, "held", "accepted")
    clock.set("2026-03-18T23:00:00.000Z")
    await reaches(desk, "accepted", "accepted")


async def test_it_tends_leases_unknown_ones_and_old_keys(desk: Desk, start: Start, clock: FixedClock) -> None:
    await desk.put(message(1), message(2, priority=Priority.IMMEDIATE))
    for dispatch in await desk.claim(2):
        if dispatch.address == message(2).address:
            await desk.leave(dispatch)
    await desk.db.write(_old_key)
    clock.move(seconds=61)
    odd = Odd(answer=well)
    await start(odd, tend_every_s=0.05)
    await reaches(desk, "accepted", "unknown")
    await comes(lambda: desk.value("SELECT COUNT(*) FROM idempotency"), 0)
    clock.move(minutes=15)
    await reaches(desk, "accepted", "accepted")
    assert ["补发" in one.text for one in odd.sent] == [False, True]


async def _old_key(tx: Tx) -> None:
    await tx.run(
        "INSERT INTO idempotency (person_id, unit_id, key, body_hash, status, answer, at) "
        "VALUES (1, 1, 'k', '', 200, '', '2026-03-01T00:00:00.000Z')"
    )


async def test_jobs_run_again_and_again_and_get_the_time(desk: Desk, start: Start, clock: FixedClock) -> None:
    times: list[str] = []

    async def job(now: str) -> None:
        times.append(now)

    await start(Odd(), jobs={"reminders": job})
    await until(lambda: len(times) >= 3)
    assert set(times) == {clock.now()}
    await comes(lambda: pulse(desk, "reminders"), (clock.now(), ""))


async def test_one_job_that_raises_and_one_that_hangs_end_nothing(desk: Desk, start: Start, clock: FixedClock) -> None:
    runs = {"good": 0, "bad": 0, "hangs": 0}

    async def good(now: str) -> None:
        runs["good"] += 1

    async def bad(now: str) -> None:
        runs["bad"] += 1
        raise ZeroDivisionError("on purpose")

    async def hangs(now: str) -> None:
        runs["hangs"] += 1
        await asyncio.sleep(3600)

    with capture_logs() as logs:
        worker = await start(Odd(answer=well), jobs={"good": good, "bad": bad, "hangs": hangs})
        await until(lambda: runs["good"] >= 3 and runs["bad"] >= 3)
        await comes(lambda: pulse(desk, "bad"), (clock.now(), "ZeroDivisionError: on purpose"))
        await desk.put(message(1))
        await reaches(desk, "accepted")
        await worker.stop()
    assert {(one["event"], one["job"]) for one in logs if one["log_level"] == "error"} == {("job_failed", "bad")}
    assert (runs["hangs"], await pulse(desk, "hangs")) == (1, None)
    assert await pulse(desk, "good") == (clock.now(), "")


async def test_a_pulse_comes_with_time_and_stops_with_the_worker(desk: Desk, start: Start, clock: FixedClock) -> None:
    worker = await start(Odd())
    first = clock.now()
    await comes(lambda: pulse(desk, "worker"), (first, ""))
    clock.move(seconds=4)
    await desk.put(message(3))
    await asyncio.sleep(0.2)
    assert await pulse(desk, "worker") == (first, "")  # too soon for another commit
    clock.move(seconds=1)
    await desk.put(message(4))
    await comes(lambda: pulse(desk, "worker"), (clock.now(), ""))
    await worker.stop()
    last = clock.now()
    clock.move(minutes=5)
    await asyncio.sleep(0.1)
    assert await pulse(desk, "worker") == (last, "")


async def test_a_turn_that_fails_is_said_by_the_pulse_and_tried_again(
    desk: Desk, start: Start, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = Sender.begin, [3]

    async def begin(sender: Sender) -> int:
        if faults[0]:
            faults[0] -= 1
            raise OSError("the disk")
        return await real(sender)

    monkeypatch.setattr(Sender, "begin", begin)
    await desk.put(message(1))
    with capture_logs() as logs:
        await start(Odd(answer=well))
        await comes(lambda: pulse(desk, "worker"), (clock.now(), "OSError: the disk"))
        await reaches(desk, "accepted")
        await comes(lambda: pulse(desk, "worker"), (clock.now(), ""))
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["turn_failed"] * 3


async def test_it_stops_within_two_seconds_with_sends_in_flight(desk: Desk, start: Start) -> None:
    async with Carrier() as carrier:
        carrier.order("no_reply", mobile=message(1).address)
        await desk.put(message(1), message(2))
        worker = await start(http(carrier.url, timeout_s=30))
        await reaches(desk, "claimed", "accepted")
        before = asyncio.get_running_loop().time()
        await worker.stop()
        assert asyncio.get_running_loop().time() - before < 2.5
        assert await desk.states() == ["unknown", "accepted"]
        assert dict(carrier.fired) == {"no_reply": 1}


async def test_stopping_twice_or_before_the_start_is_no_fault(db: Database, clock: FixedClock) -> None:
    worker = Worker(db, clock, Sender(Config(), db, clock, Gateways()))
    await worker.stop()
    await worker.run()
    await worker.stop()


async def test_two_workers_send_everything_once(desk: Desk, start: Start, db: Database) -> None:
    odd = Odd(answer=well)
    await start(odd, tend_every_s=0.02)
    await start(odd, tend_every_s=0.02)
    for n in range(1, 61):
        await desk.put(message(n))
    await reaches(desk, *["accepted"] * 60, within_s=20)
    assert sorted(one.mobile for one in odd.sent) == sorted(message(n).address for n in range(1, 61))


async def test_the_clock_of_the_machine_does_too(db: Database, tmp_path: Path) -> None:
    clock = SystemClock()
    worker = Worker(db, clock, Sender(Config(), db, clock, Gateways((Spool(tmp_path),))))
    task = asyncio.create_task(worker.run())
    by_hand = Desk(db, FixedClock())
    # Urgent: whoever runs the tests may do so at night.
    await db.write(outbox.put, [message(1, priority=Priority.IMMEDIATE)], now=clock.now())
    try:
        await reaches(by_hand, "delivered")
    finally:
        await worker.stop()
        await task
    found = await pulse(by_hand, "worker")
    assert found is not None
    assert abs(seconds_between(found[0], clock.now())) < 30
