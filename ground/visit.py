"""One request: who, where, when, what was typed; and the ways to answer. `House` is what every request needs."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, ParamSpec, TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import structlog
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ground.clock import Clock
from ground.config import Config
from ground.db import Act, Database, Tx
from ground.directory.directory import Actor
from ground.errors import Forbidden, NotFound, Refused
from ground.files import Store
from ground.idempotency import once
from ground.keys import Keys
from ground.live import Hub
from ground.render import Renderer

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of the left navigation."""

    key: str
    word: str
    url: str
    icon: str
    count: int
    hot: bool


class Flash(NamedTuple):
    """The result of the last act, shown once at the top of the next page."""

    kind: str  # ok, warn, bad
    text: str
    link_text: str = ""
    link_url: str = ""


class Around(NamedTuple):
    """What the shell of a page shows beside the page itself: counts of the navigation, posts to switch to."""

    counts: Mapping[str, int]
    posts: Sequence[tuple[int, str, str, bool]]


@dataclass(slots=True)
class House:
    """What every request needs; made once by `app.py`."""

    config: Config
    db: Database
    clock: Clock
    zone: ZoneInfo
    keys: Keys
    files: Store
    renderer: Renderer
    hub: Hub
    around: Callable[[Tx, Actor, str], Awaitable[Around]]
    nav: "Callable[[Visit], list[NavItem]]"
    urls: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def secure(self) -> bool:
        """Whether people reach us by https."""
        return self.config.server.public_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The session cookie's name."""
        return "__Host-songda" if self.secure else "songda"

    def url(self, name: str, /, **params: object) -> str:
        """The path of a named route; parameters that are not in the path become its query."""
        path = self.urls[name]
        if not params:
            return path
        rest = {}
        for key, value in params.items():
            hole = f"{{{key}}}"
            if hole in path:
                path = path.replace(hole, str(value) if isinstance(value, int) else quote(str(value), safe=""))
            elif value not in (None, ""):
                rest[key] = value
        return f"{path}?{urlencode(rest, doseq=True)}" if rest else path

    def later(self, work: Awaitable[Any]) -> None:
        """Do something after the answer; a failure is logged, never shown."""

        async def run() -> None:
            try:
                await work
            except Refused as refused:
                log.warning("later", why=str(refused))

        task = asyncio.ensure_future(run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Visit:
    """One request: who, where, when, what was typed; and the ways to answer."""

    def __init__(self, request: Request, house: House) -> None:
        """Wrap a request; `page` and `api` fill in the rest."""
        self.request = request
        self.house = house
        self.now = house.clock.now()
        self.person: Actor | None = None
        self.token_hash = ""
        self.around: Around | None = None
        self.form: FormData = FormData()
        self.body: dict[str, Any] = {}
        self.raw = b""
        self.refused: Refused | None = None
        self.here = ""
        self.status = 200
        self._once = ""

    # --- who
    @property
    def actor(self) -> Actor:
        """The person who acts. Raises Forbidden when nobody is signed in (a route that allows that must not ask)."""
        if self.person is None:
            raise Forbidden("请先登录。")
        return self.person

    @property
    def address(self) -> str:
        """The client's address; a trusted proxy's X-Forwarded-For counts."""
        client = self.request.client
        address = client.host if client else ""
        proxies = {p.strip() for p in self.house.config.server.trusted_proxies.split(",")}
        forwarded = self.request.headers.get("x-forwarded-for", "")
        if address in proxies and forwarded:
            address = forwarded.rpartition(",")[2].strip()[:64]
        return address

    @property
    def language(self) -> str:
        """zh or en: the person's choice, else the cookie's."""
        if self.person is not None and self.person.language:
            return self.person.language
        return "en" if self.request.cookies.get("lang") == "en" else "zh"

    # --- what was asked
    def path(self, name: str) -> str:
        """A path parameter as text."""
        return str(self.request.path_params[name])

    def number(self, name: str) -> int:
        """A path parameter as a positive whole number. Raises NotFound for anything else."""
        text = self.path(name)
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise NotFound
        return int(text)

    def query(self, name: str, default: str = "") -> str:
        """A query parameter, trimmed, at most 400 characters, without control characters."""
        said = self.request.query_params.get(name, default)
        return "".join(c for c in said if c.isprintable())[:400].strip()

    def field(self, name: str, default: str = "") -> str:
        """A form field as typed, trimmed."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def fields(self, name: str) -> list[str]:
        """Every value of a repeated form field."""
        return [v.strip() for v in self.form.getlist(name) if isinstance(v, str)]

    def uploads(self, name: str) -> list[UploadFile]:
        """The files of a form field that were really chosen."""
        return [v for v in self.form.getlist(name) if isinstance(v, UploadFile) and v.filename]

    # --- doing
    async def read(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a read on a snapshot."""
        return await self.house.db.read(fn, *args, **kwargs)

    async def write(self, fn: Act[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an action; return after its commit."""
        return await self.house.db.write(fn, *args, **kwargs)

    async def write_once(self, fn: Act[P, str], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """Run a page's action at most once for this press (the form's `once` field); a second press gets the first's answer."""
        key = self.field("once")
        body_hash = hashlib.sha256(repr(sorted(self._typed())).encode()).hexdigest()
        actor = self.actor

        async def act(tx: Tx) -> str:
            kept = await once(
                tx, lambda t: fn(t, *args, **kwargs), person=actor.person_id, unit=actor.unit_id,
                key=f"page:{key[:80]}" if key else "", body_hash=body_hash, status=303, at=self.now,
            )  # fmt: skip
            return kept.answer

        return await self.house.db.write(act)

    def _typed(self) -> list[tuple[str, str]]:
        return [(k, v) for k, v in self.form.multi_items() if isinstance(v, str) and k not in {"csrf", "once"}]

    async def answer_once(self, status: int, fn: Act[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Response:
        """Run an API's action under its Idempotency-Key and answer its JSON."""
        key = self.request.headers.get("idempotency-key", "")[:200]
        actor = self.actor
        asked = f"{self.request.method} {self.request.url.path}\n".encode() + self.raw
        body_hash = hashlib.sha256(asked).hexdigest()

        async def act(tx: Tx) -> tuple[int, str]:
            async def inner(t: Tx) -> str:
                return json.dumps(await fn(t, *args, **kwargs), ensure_ascii=False)

            kept = await once(
                tx, inner, person=actor.person_id, unit=actor.unit_id, key=f"api:{key}" if key else "",
                body_hash=body_hash, status=status, at=self.now,
            )  # fmt: skip
            return kept.status, kept.answer

        code, text = await self.house.db.write(act)
        return Response(text, status_code=code, media_type="application/json")

    # --- answering
    def t(self, sentence: str, **holes: object) -> str:
        """A sentence in the visitor's language, holes filled."""
        said = self.house.renderer.translate(self.language, sentence)
        return said.format(**holes) if holes else said

    @property
    def csrf(self) -> str:
        """The form token of this session (or of this browser, before sign-in)."""
        return self.house.keys.sign("csrf", self.token_hash or self.request.cookies.get("visitor", ""))

    @property
    def once(self) -> str:
        """A fresh token for one press of a button."""
        if not self._once:
            self._once = secrets.token_urlsafe(12)
        return self._once

    def render(self, template: str, /, *, status: int = 0, **context: Any) -> Response:
        """A page from a template."""
        flash, took = self._take_flash()
        html = self.house.renderer.page(template, self, flash, context)
        answer = Response(html, status_code=status or self.status, media_type="text/html; charset=utf-8")
        answer.headers["cache-control"] = "no-store"
        if took:
            answer.delete_cookie("flash", path="/")
        if not self.request.cookies.get("visitor"):
            answer.set_cookie("visitor", secrets.token_urlsafe(12), httponly=True, samesite="lax", secure=self.house.secure)
        return answer

    def _take_flash(self) -> tuple[Flash | None, bool]:
        sealed = self.request.cookies.get("flash")
        if not sealed:
            return None, False
        said = self.house.keys.unseal("flash", sealed)
        try:
            return (Flash(*json.loads(said)) if said else None), True
        except (ValueError, TypeError):
            return None, True

    def see_other(self, name: str, /, *, flash: Flash | None = None, anchor: str = "", **params: object) -> Response:
        """303 to a named route, with what to say at the top of it."""
        return self.go(self.house.url(name, **params) + (f"#{anchor}" if anchor else ""), flash=flash)

    def go(self, path: str, *, flash: Flash | None = None) -> Response:
        """303 to a path of ours."""
        answer = RedirectResponse(path, status_code=303)
        if flash is not None:
            sealed = self.house.keys.seal("flash", json.dumps(flash, ensure_ascii=False))
            answer.set_cookie("flash", sealed, max_age=60, httponly=True, samesite="lax", secure=self.house.secure)
        return answer
