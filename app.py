"""The roof: joins the rooms into one Starlette app. The console script's commands stand in `commands.py`.

build(config) → Starlette     every room's routes and the House they need; its lifespan opens the database and closes it
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from zoneinfo import ZoneInfo

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import exchange.api
import exchange.compose_pages
import exchange.document_act_pages
import exchange.document_pages
import exchange.forward_pages
import exchange.incoming_api
import exchange.paper_pages
import exchange.register_pages
import exchange.sent_pages
import ground.api
import ground.audit_pages
import ground.directory.api
import ground.directory.pages
import ground.messages.api
import ground.messages.pages
import ground.pages
import ground.upload_api
import notices.api
import notices.compose_pages
import notices.organiser_pages
import notices.pages
import receipts.api
import receipts.pages
import receipts.preview_pages
from exchange import answering, ordering, passing, progress, registering
from ground import control, fingerprints, web
from ground.clock import Clock, SystemClock
from ground.config import Config
from ground.db import Database, Tx, open_database
from ground.directory import people
from ground.directory import queries as directory_queries
from ground.directory.directory import Actor
from ground.directory.policy import ROLE_WORDS, Act, Role, may
from ground.errors import Unavailable
from ground.files import Store
from ground.headers import SecurityHeaders
from ground.keys import open_keys
from ground.live import Hub
from ground.messages.outbox import QuietHours
from ground.messages.sending import Gateways, Sender, gateways_of
from ground.messages.telling import Told
from ground.migrating import migrate, pending
from ground.previews import Previews
from ground.render import STATIC, Renderer
from ground.routing import Sorted
from ground.uploads import Parts
from ground.visit import Around, House, NavItem, Visit
from ground.worker import Worker
from notices import by_sms, organising, reminders
from receipts import inbox, ledger, today

log = structlog.get_logger()

ROOMS: tuple[Sequence[Route], ...] = (
    ground.pages.routes,
    ground.directory.pages.routes,
    receipts.pages.routes,
    receipts.preview_pages.routes,
    ground.audit_pages.routes,
    ground.messages.pages.routes,
    exchange.compose_pages.routes,
    exchange.sent_pages.routes,
    notices.compose_pages.routes,
    notices.organiser_pages.routes,
    notices.pages.routes,
    exchange.forward_pages.routes,
    exchange.document_act_pages.routes,
    exchange.document_pages.routes,
    exchange.register_pages.routes,
    exchange.paper_pages.routes,
    ground.api.routes,
    ground.upload_api.routes,
    ground.directory.api.routes,
    ground.messages.api.routes,
    receipts.api.routes,
    exchange.api.routes,
    exchange.incoming_api.routes,
    notices.api.routes,
)

control.ORDERS["send"] = ordering.send
inbox.KINDS["notice"] = inbox.Kind(
    word="会议",
    route="meeting",
    sent_route="meeting_progress",
    verbs={"sign": "去报名", "answer": "去报名", "confirm": "去确认"},
    hints=organising.hints,
)
inbox.KINDS["document"] = inbox.Kind(
    word="公文",
    route="document",
    sent_route="document_progress",
    verbs={"sign": "打开签收", "answer": "去答复"},
    hints=passing.hints,
    register=registering.register_signed,
)
ledger.ALSO_SEEN.append(answering.file_seen)
today.PASSED["document"] = passing.passed_to
today.MEETINGS["notice"] = organising.coming_up


# --- what stands around every page ----------------------------------------------------------------------------------------


async def around(tx: Tx, actor: Actor, now: str) -> Around:
    """Counts for the navigation, and the units that the person may switch to."""
    counts: dict[str, int] = {}
    if may(actor.roles, Act.READ):
        waiting = await inbox.counts(tx, actor.unit_id, now)
        counts["inbox"] = sum(w.number for w in waiting)
        counts["meetings"] = sum(w.number for w in waiting if w.kind == "notice")
    words: dict[int, tuple[str, list[str]]] = {}
    for post in await people.posts_of(tx, actor.person_id):
        words.setdefault(post.unit_id, (post.unit_short, []))[1].append(ROLE_WORDS[Role(post.role)])
    lent = await tx.all(directory_queries.DELEGATED_UNITS, lambda *c: c, person=actor.person_id, now=now)
    for unit, _code, short, role in lent:
        words.setdefault(unit, (short, []))[1].append(f"代{ROLE_WORDS[Role(role)]}")
    posts = [(unit, short, "、".join(dict.fromkeys(roles)), unit == actor.unit_id) for unit, (short, roles) in words.items()]
    return Around(counts, posts)


NAV = (
    ("today", "今日", "today", "today", Act.READ),
    ("inbox", "收文", "inbox", "inbox", Act.READ),
    ("sent", "发文", "sent", "send", Act.SEND),
    ("meetings", "会议", "meetings", "meet", Act.READ),
    ("registers", "登记簿", "register_received", "book", Act.REGISTER),
    ("units", "单位人员", "units", "units", Act.PEOPLE),
    ("groups", "发文范围", "groups", "book", Act.GROUPS),
    ("messages", "短信邮件", "messages", "bell", Act.MESSAGES),
    ("audit", "审计", "audit", "seal", Act.AUDIT),
)


def nav(visit: Visit) -> list[NavItem]:
    """The lines of the left navigation that this post may use."""
    counts: Mapping[str, int] = visit.around.counts if visit.around else {}
    return [
        NavItem(key, visit.t(word), visit.house.url(route), icon, counts.get(key, 0), hot=bool(counts.get(key)))
        for key, word, route, icon, act in NAV
        if route in visit.house.urls and may(visit.actor.roles, act)
    ]


# --- live -----------------------------------------------------------------------------------------------------------------


async def answers(tx: Tx, notice: int) -> dict[str, object]:
    """What the live page of a meeting adds to the counts."""
    return {"answers": (await organising.counts(tx, notice))._asdict()}


# What a room adds to the live counts of its subjects.
LIVE: Mapping[str, Callable[[Tx, int], Awaitable[Mapping[str, object]]]] = {"notice": answers, "document": progress.live}


def live_hub(db: Database, clock: Clock) -> Hub:
    """The hub whose events say how far a subject is (`subject:12`), or what waits in a unit (`unit:7`)."""

    async def counts(tx: Tx, topic: str) -> dict[str, object]:
        kind, _, number = topic.partition(":")
        if kind == "unit":
            waiting = await inbox.counts(tx, int(number), clock.now())
            return {"waiting": sum(w.number for w in waiting), "late": sum(w.late for w in waiting)}
        subject = await ledger.subject_of(tx, int(number))
        return {**(await ledger.tally_of(tx, subject.id))._asdict(), **await LIVE[subject.kind](tx, subject.id)}

    async def compute(topic: str) -> str:
        return json.dumps(await db.read(counts, topic))

    return Hub(compute)


# --- the house ------------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def open_house(config: Config, clock: Clock) -> AsyncIterator[House]:
    """Open the database (a new one gets its tables), the files and the keys; close them at the end.

    Raises:
        Unavailable: another process has the database, or it lacks a migration: `songda migrate` brings it up to date.
    """
    zone = ZoneInfo(config.city.timezone)
    db = await open_database(config.database, batching=config.data.batching, pool_size=config.data.pool_size)
    try:
        await ready(db, clock)
        hub = live_hub(db, clock)
        db.listen(hub.changed)
        store = Store(config.folder / "files", max_bytes=config.files.max_mb << 20, min_free=config.files.min_free_mb << 20)
        renderer = Renderer(zone, config.city.name, config.city.duty_phone)
        house = House(config, db, clock, zone, open_keys(config.folder), store, renderer, hub, around, nav)
        house.extra["parts"] = Parts(store)
        house.extra["previews"] = Previews(config.folder / "previews", store, config.files.preview_mb << 20)
        yield house
        hub.close()
        for task in tuple(house.tasks):
            await task
    finally:
        await db.close()


async def ready(db: Database, clock: Clock) -> None:
    """Make the tables of a new database; refuse one that lacks a migration."""
    missing = await pending(db)
    if missing and missing[0].number == 1:
        await migrate(db, clock)
    elif missing:
        raise Unavailable("数据库还缺 {n} 个迁移。请先备份，再运行 songda migrate。", n=len(missing))


def told_of(house: House) -> Told:
    """How the notices room speaks in this house."""
    url = house.config.server.public_url.rstrip("/")
    return Told(house.renderer.words("zh"), url, QuietHours.of(house.config), "")


def worker_of(house: House) -> Worker:
    """The worker of this process, with the rooms' jobs."""
    config, db = house.config, house.db
    gateways: Gateways = house.extra["gateways"]
    worker = Worker(db, house.clock, Sender(config, db, house.clock, gateways), tend_every_s=config.outbox.lease_s / 2)

    async def remind(now: str) -> None:
        await db.write(reminders.put_due, config.notices, house.extra["told"], now)

    async def sweep(now: str) -> None:
        await ground.upload_api.sweep(house, now)
        await asyncio.to_thread(house.extra["previews"].sweep)

    async def fingerprint(_now: str) -> None:
        await fingerprints.fill(db, house.files)

    worker.add_job("reminders", 60, remind)
    worker.add_job("uploads", 600, sweep)
    worker.add_job("fingerprints", 10, fingerprint)
    return worker


@contextlib.asynccontextmanager
async def working(house: House, *, work: bool) -> AsyncIterator[None]:
    """Run the worker beside the pages; without it only close the gateways at the end."""
    if not work:
        yield
        await house.extra["gateways"].aclose()
        return
    worker = worker_of(house)
    task = asyncio.create_task(worker.run(), name="worker")
    try:
        yield
    finally:
        await worker.stop()
        await task


def build(config: Config, clock: Clock | None = None, *, work: bool = True) -> Starlette:
    """The whole app; with `work` the worker runs in it. Raises RuntimeError when a route declares no policy."""
    routes = [route for room in ROOMS for route in room]
    urls = web.check_routes(routes)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_house(config, clock or SystemClock()) as house:
            house.urls.update(urls)
            house.renderer.url_for(house.url)
            house.extra["told"] = told_of(house)
            house.extra["gateways"] = gateways_of(config, config.folder)
            house.extra["apply_sms"] = partial(by_sms.apply, say=house.renderer.words("zh"))
            app.state.house = house
            async with working(house, work=work), control.listening(control.Desk(config, house.db, house.clock)):
                yield

    static = Mount("/static", StaticFiles(directory=STATIC), name="static")
    return Starlette(
        routes=[Sorted(routes), static],
        middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)],
        exception_handlers=web.EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )


def main() -> None:
    """The console script."""
    from commands import main as run

    run()


if __name__ == "__main__":
    main()
