"""The worker: what happens without a click. Messages leave, leases run out, the jobs of rooms run; each loop leaves a pulse.

    turns ── woken by "outbox" after a commit, by a finished send, or each second     tending ── each half lease, at most a minute
    jobs  ── each in its own time; one that raises or hangs holds up no other         pulses  ── a stopped loop shows by its age

Where several processes share one PostgreSQL each may run a worker: claims and jobs are made so that twice does no harm.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from ground import idempotency
from ground.clock import Clock, seconds_between
from ground.db import Database, Tx
from ground.messages.sending import Sender

log = structlog.get_logger()

Job = Callable[[str], Awaitable[None]]

PULSE = """
INSERT INTO pulses (name, at, note) VALUES (:name, :at, :note)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, note = excluded.note"""
PULSE_S = 5.0  # a pulse is a commit: once in so many seconds is often enough to see that the heart beats
IDLE_S = 1.0


async def beat(tx: Tx, name: str, now: str, note: str = "") -> None:
    """Write the pulse of a loop. `note`: empty when all is well, else what went wrong."""
    await tx.run(PULSE, name=name, at=now, note=note)


class Worker:
    """Runs until it is stopped; nothing that a job or a gateway does ends it."""

    def __init__(self, db: Database, clock: Clock, sender: Sender, *, tend_every_s: float = 30.0) -> None:
        """`tend_every_s`: how often leases and unknown outcomes are looked at; half a lease is a good measure."""
        self._db, self._clock, self._sender = db, clock, sender
        self._jobs: list[tuple[str, float, Job]] = [("tending", min(60.0, tend_every_s), self._tend)]
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._beats: dict[str, tuple[str, str]] = {}
        db.listen(self._notified)

    def add_job(self, name: str, every_s: float, fn: Job) -> None:
        """Run `fn(now)` at once and then each `every_s` seconds, whatever became of the last time. Call it before `run`."""
        self._jobs.append((name, every_s, fn))

    def _notified(self, topics: frozenset[str]) -> None:
        if "outbox" in topics:
            self._sender.wake.set()

    async def run(self) -> None:
        """Work until `stop`, then let what is being sent end, within a second or two."""
        self._ended.clear()
        jobs = [asyncio.create_task(self._repeat(*job), name=f"job {job[0]}") for job in self._jobs]
        try:
            await self._turns()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            try:
                await self._sender.stop()
            except Exception:
                # The database is gone: leases run out by themselves, and the next start decides by what is written.
                log.exception("sender_not_stopped")
            self._ended.set()

    async def stop(self) -> None:
        """Stop working; return when all has ended."""
        self._stopping.set()
        self._sender.wake.set()
        await self._ended.wait()

    async def _turns(self) -> None:
        while not self._stopping.is_set():
            self._sender.wake.clear()
            started = 0
            fault = ""
            try:
                started = await self._sender.begin()
            except Exception as error:
                log.exception("turn_failed")
                fault = f"{type(error).__name__}: {error}"
            await self._beat("worker", fault)
            if not started and not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._sender.wake.wait(), IDLE_S)

    async def _repeat(self, name: str, every_s: float, fn: Job) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            fault = ""
            try:
                await fn(self._clock.now())
            except Exception as error:
                log.exception("job_failed", job=name)
                fault = f"{type(error).__name__}: {error}"
            await self._beat(name, fault)
            due = max(due + every_s, loop.time())  # one that took too long is not made up for
            await asyncio.sleep(due - loop.time())

    async def _beat(self, name: str, note: str) -> None:
        """Write a pulse when the last one is old or said something else."""
        now = self._clock.now()
        at, said = self._beats.get(name, ("", ""))
        if at and said == note and 0 <= seconds_between(at, now) < PULSE_S:
            return
        try:
            await self._db.write(beat, name, now, note)
        except Exception:
            log.exception("no_pulse", loop=name)
        else:
            self._beats[name] = (now, note)

    async def _tend(self, now: str) -> None:
        await self._sender.tend()
        await self._db.write(idempotency.sweep, now)
