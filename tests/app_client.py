"""The real app without a socket: lifespan and all, and a client a person, signed in by a session of their own."""

import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from ground import config as settings
from ground.clock import FixedClock
from ground.db import Database
from ground.directory.directory import Actor
from ground.visit import House
from tests.world import World, make, sign_in, token_for

BASE = "http://songda.test"


class Browser(httpx2.AsyncClient):
    """A client that keeps cookies and knows how to press a button: it sends the page's form token along."""

    async def press(
        self, path: str, data: Mapping[str, Any] | None = None, *, page: str = "/account", **more: Any
    ) -> httpx2.Response:
        """POST a form as the page at `page` would: with its csrf token; a fresh `once` unless given."""
        shown = await self.get(page)
        found = re.search(r'name="csrf" value="([^"]+)"', shown.text)
        token = found.group(1) if found else ""
        return await self.post(path, data={"csrf": token, **(data or {})}, headers={"origin": BASE}, **more)


class Clients:
    """The cast, and a way in for each."""

    def __init__(self, app: Any, house: House, world: World) -> None:
        """Made by `open_app`."""
        self.app = app
        self.house = house
        self.db: Database = house.db
        self.world = world
        self._open: list[httpx2.AsyncClient] = []

    def stranger(self) -> Browser:
        """Somebody who is not signed in."""
        client = Browser(transport=httpx2.ASGITransport(app=self.app, raise_app_exceptions=False), base_url=BASE)
        self._open.append(client)
        return client

    async def page(self, actor: Actor) -> Browser:
        """A browser signed in as `actor`."""
        client = self.stranger()
        client.cookies.set(self.house.cookie, await sign_in(self.db, actor, now=self.house.clock.now()))
        return client

    async def api(self, actor: Actor) -> httpx2.AsyncClient:
        """A program with a token of `actor`."""
        client = self.stranger()
        client.headers["authorization"] = f"Bearer {await token_for(self.db, actor, now=self.house.clock.now())}"
        return client

    async def close(self) -> None:
        """Close every client."""
        for client in self._open:
            await client.aclose()


@contextlib.asynccontextmanager
async def open_app(where: str, clock: FixedClock, folder: Path | None = None, **environ: str) -> AsyncIterator[Clients]:
    """Start the app on the database at `where`, with the cast in it; no worker runs."""
    from app import build  # the whole house: only tests that open it pay for it

    data = folder or (Path(tempfile.mkdtemp(prefix="songda-")) if where.startswith("postgres") else Path(where).parent / "data")
    config = settings.load(None, {"SONGDA_DATABASE_URL": where, "SONGDA_DATA_DIR": str(data), **environ})
    app = build(config, clock, work=False)
    async with app.router.lifespan_context(app):
        house: House = app.state.house
        clients = Clients(app, house, await house.db.write(make))
        try:
            yield clients
        finally:
            await clients.close()
