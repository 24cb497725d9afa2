"""What commands share: how they end with a sentence, and serving the app: a socket of ours first, one line when it is ready."""

import asyncio
import contextlib
import dataclasses
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import typer
import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from ground.config import BadConfig, Config
from ground.errors import Invalid, Refused

say = Console(highlight=False, soft_wrap=True)
T = TypeVar("T")


def stop(sentence: str, code: int = 1) -> NoReturn:
    """Say why, and end."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(sentence, markup=False)
    raise typer.Exit(code)


def run(work: Coroutine[Any, Any, T], *, loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run an async command; a refusal ends it with its sentence, or with every field's."""
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work)
    except Invalid as invalid:
        stop("\n".join(f"{error.field}: {error.detail}" for error in invalid.errors) or invalid.text())
    except (Refused, BadConfig) as refused:
        stop(refused.text() if isinstance(refused, Refused) else str(refused))


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; ends with a sentence when the port is taken."""
    try:
        # IPPROTO_TCP said aloud: asyncio switches Nagle off only for sockets that name it, and each answer would wait 40 ms.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        stop(f"cannot listen on {host}:{port}: {error.strerror}. Choose another address with --host, another port with --port.")
    listener.listen(2048)
    return listener


class Server(uvicorn.Server):
    """uvicorn, which says where it is when it is ready, and whose app's failure to start is an exception and not a log line."""

    def __init__(self, config: uvicorn.Config, greeting: str, app: Starlette) -> None:
        """`greeting` is printed once the app has started."""
        super().__init__(config)
        self._greeting = greeting
        self._app = app
        self._open = contextlib.AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, then listen, then say so."""
        await self._open.enter_async_context(self._app.router.lifespan_context(self._app))
        await super().startup(sockets)
        if self.started:
            say.print(self._greeting, markup=False)
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the open streams first, or the server would wait for them; the app last."""
        self._app.state.house.hub.close()
        await super().shutdown(sockets)
        await self._open.aclose()


def serve_app(config: Config, *, host: str, port: int, work: bool, greeting: str = "") -> None:
    """Serve until SIGTERM; ends within ten seconds, open streams included."""
    from app import build

    listener = bound(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    if not config.server.port:  # links and callbacks must know it
        config = dataclasses.replace(config, server=dataclasses.replace(config.server, port=listener.getsockname()[1]))
    try:
        app = build(config, work=work)
    except RuntimeError as broken:
        stop(str(broken))
    options = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=config.server.stop_seconds,
        server_header=False, proxy_headers=False, h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them once more at its end: ended as asked is no failure
        signal.signal(number, lambda *_: None)
    run(Server(options, f"{greeting}送达 {address}", app).serve(sockets=[listener]), loop=options.get_loop_factory())
