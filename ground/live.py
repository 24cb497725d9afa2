"""Live pages: one hub a process tells every open stream that a topic changed.

The answer for a topic is computed once for all its listeners, at most ten times a second, however many acts commit meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Compute = Callable[[str], Awaitable[str]]
PAUSE_S = 0.1
BEAT_S = 20.0


class Hub:
    """Topics, and who listens to each."""

    def __init__(self, compute: Compute) -> None:
        """`compute(topic)` gives the text of the newest event; it is awaited once a change, not once a listener."""
        self._compute = compute
        self._open: dict[str, int] = {}  # how many streams each topic has
        self._changes: dict[str, int] = {}  # how often an open topic has changed
        self._waiting: dict[str, set[asyncio.Future[bytes]]] = {}
        self._dirty: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._number = 0
        self.closing = asyncio.Event()

    def changed(self, topics: frozenset[str]) -> None:
        """Topics have changed (called after a commit, in the event loop)."""
        for topic in topics:
            if topic in self._open:
                self._changes[topic] += 1
                self._dirty.add(topic)
        if self._dirty and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._spread(), name="live")

    @contextlib.contextmanager
    def opened(self, topic: str) -> Iterator[None]:
        """Count a stream of `topic` in, and out at the end."""
        self._open[topic] = self._open.get(topic, 0) + 1
        self._changes.setdefault(topic, 0)
        try:
            yield
        finally:
            self._open[topic] -= 1
            if not self._open[topic]:
                del self._open[topic], self._changes[topic]

    def changes(self, topic: str) -> int:
        """How often an open topic has changed."""
        return self._changes[topic]

    async def _spread(self) -> None:
        while self._dirty:
            topics, self._dirty = self._dirty, set()
            for topic in topics:
                event = await self.event(topic)
                for future in self._waiting.pop(topic, set()):
                    if not future.done():
                        future.set_result(event)
            await asyncio.sleep(PAUSE_S)

    async def event(self, topic: str) -> bytes:
        """The newest event of a topic as SSE bytes."""
        self._number += 1
        text = await self._compute(topic)
        return f"id: {self._number}\nevent: progress\ndata: {text}\n\n".encode()

    async def next(self, topic: str, seen: int, seconds: float) -> bytes:
        """The next event of an open topic after its change number `seen`; b'' when nothing changed in that time."""
        if self._changes[topic] != seen and topic not in self._dirty:
            return await self.event(topic)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(topic, set()).add(future)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return b""
        finally:
            left = self._waiting.get(topic)
            if left is not None:
                left.discard(future)
                if not left:
                    del self._waiting[topic]

    def close(self) -> None:
        """End every stream: the service stops."""
        self.closing.set()
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(b"")

    @property
    def listeners(self) -> int:
        """How many streams wait now."""
        return sum(len(futures) for futures in self._waiting.values())


class Stream(Response):
    """A server-sent event stream of one topic; light: no task group, no queue, one future a stream."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, topic: str) -> None:
        """Stream `topic`."""
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._topic = topic

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the present state, then each change, until the client or the service goes."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        gone = asyncio.create_task(_until_gone(receive))
        pump = asyncio.create_task(self._pump(send))
        try:
            await asyncio.wait({gone, pump}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, pump):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await task

    async def _pump(self, send: Callable[[Any], Awaitable[None]]) -> None:
        async for chunk in self._events():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self) -> AsyncIterator[bytes]:
        hub, topic = self._hub, self._topic
        with hub.opened(topic):
            seen = hub.changes(topic)
            yield b"retry: 3000\n\n" + await hub.event(topic)
            while not hub.closing.is_set():
                event = await hub.next(topic, seen, BEAT_S)
                seen = hub.changes(topic)
                if hub.closing.is_set():
                    return
                yield event or b": beat\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
