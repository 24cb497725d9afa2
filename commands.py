"""The console script `songda`. Commands that write take the database's lock; while the service runs they go through its socket.

Fixed by API.md; add freely, change only with a decision record.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from ground import config as settings
from ground.config import BadConfig, Config
from ground.errors import Refused

cli = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="送达: documents and meeting notices"
)
say = Console(highlight=False, soft_wrap=True)
DEFAULT_CONFIG = Path(__file__).resolve().parent / "config.toml"

ConfigOption = Annotated[Path | None, typer.Option("--config", help="config.toml; default: the one beside the program")]
DataOption = Annotated[Path | None, typer.Option("--data", help="the data folder")]


def load(path: Path | None, data: Path | None = None) -> Config:
    """The settings; ends the program with a sentence when they cannot be used."""
    environ = dict(os.environ)
    if data is not None:
        environ["SONGDA_DATA_DIR"] = str(data)
    try:
        return settings.load(path or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None), environ)
    except BadConfig as bad:
        stop(str(bad))


def stop(sentence: str, code: int = 1) -> Any:
    """Say why, and end."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(sentence, markup=False)
    raise typer.Exit(code)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run an async command; a refusal ends it with its sentence."""
    try:
        asyncio.run(work())  # type: ignore[arg-type]
    except Refused as refused:
        stop(refused.text())


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; ends with a sentence when the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        stop(f"cannot listen on {host}:{port}: {error.strerror}. Choose another port with --port.")
    listener.listen(2048)
    return listener


class Server(uvicorn.Server):
    """uvicorn, which says where it is when it is ready."""

    def __init__(self, config: uvicorn.Config, greeting: str, app: Starlette) -> None:
        """`greeting` is printed once the app has started."""
        super().__init__(config)
        self._greeting = greeting
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            say.print(self._greeting, markup=False)
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the open streams first, or the server would wait for them; then as usual."""
        self._app.state.house.hub.close()
        await super().shutdown(sockets)


def serve_app(config: Config, *, host: str, port: int, work: bool, greeting: str = "") -> None:
    """Serve until SIGTERM; ends within ten seconds, open streams included."""
    from app import build

    listener = bound(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    try:
        app = build(config, work=work)
    except RuntimeError as broken:
        stop(str(broken))
    options = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=config.server.stop_seconds,
        server_header=False, proxy_headers=False, h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
    server = Server(options, f"{greeting}送达 {address}", app)
    server.run(sockets=[listener])
    if not server.started:
        raise typer.Exit(1)


@cli.callback()
def songda() -> None:
    """送达: official documents and meeting notices for a government."""


@cli.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port; 0 picks a free one")] = None,
    data: DataOption = None,
    work: Annotated[bool, typer.Option("--work/--no-work", help="run the worker in this process")] = True,
) -> None:
    """Serve pages, API and the worker; a new database gets its tables."""
    found = load(config, data)
    serve_app(found, host=host or found.server.host, port=found.server.port if port is None else port, work=work)


def main() -> None:
    """Run the command line."""
    cli()
