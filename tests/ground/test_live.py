"""The hub: one computation a change for all listeners, no change missed, everything ends when the service stops."""

import asyncio
from collections.abc import Callable

from ground.live import Hub, Stream


async def compute(topic: str) -> str:
    return f'"{topic}"'


async def collect(stream: Stream, into: list[bytes], gone: asyncio.Event) -> None:
    async def receive() -> dict[str, object]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        into.append(body)

    await stream({}, receive, send)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")


async def test_each_listener_hears_and_the_answer_is_computed_once() -> None:
    computed: list[str] = []

    async def counted(topic: str) -> str:
        computed.append(topic)
        return "1"

    hub = Hub(counted)
    heard: list[list[bytes]] = [[] for _ in range(50)]
    gone = asyncio.Event()
    tasks = [asyncio.create_task(collect(Stream(hub, "subject:1"), into, gone)) for into in heard]
    await until(lambda: all(len(h) >= 2 for h in heard) and hub.listeners == 50)
    computed.clear()
    for _ in range(20):
        hub.changed(frozenset({"subject:1", "subject:2"}))
    await until(lambda: all(len(h) >= 3 for h in heard))
    assert computed == ["subject:1"]
    gone.set()
    await asyncio.gather(*tasks)
    assert hub.listeners == 0
    assert hub._open == {}


async def test_a_change_between_two_waits_is_not_missed() -> None:
    hub = Hub(compute)
    with hub.opened("subject:1"):
        seen = hub.changes("subject:1")
        hub.changed(frozenset({"subject:1"}))
        await asyncio.sleep(0.05)
        assert b"event: progress" in await hub.next("subject:1", seen, 1.0)


async def test_nothing_is_kept_for_topics_nobody_hears() -> None:
    hub = Hub(compute)
    hub.changed(frozenset(f"unit:{n}" for n in range(1000)))
    assert (hub._changes, hub._dirty) == ({}, set())


async def test_quiet_time_ends_in_a_beat_and_closing_ends_all() -> None:
    hub = Hub(compute)
    with hub.opened("t"):
        assert await hub.next("t", hub.changes("t"), 0.01) == b""
    heard: list[bytes] = []
    task = asyncio.create_task(collect(Stream(hub, "t"), heard, asyncio.Event()))
    await until(lambda: hub.listeners == 1)
    hub.close()
    async with asyncio.timeout(2):
        await task
    assert heard[-1] == b""
