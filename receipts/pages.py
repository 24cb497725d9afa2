"""今日 and 收文: what waits for this unit, and everything that has come."""

from datetime import timedelta
from typing import NamedTuple

from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ground import clock, files
from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.policy import Act, may
from ground.errors import NotFound
from ground.live import Stream
from ground.say import Say
from ground.search import Found
from ground.visit import Visit
from ground.web import page
from receipts import finding, inbox, ledger, today
from receipts.inbox import KINDS, NEWEST, Hint, Item, SentItem, WaitCount
from receipts.receipt import Subject

PAGE = 20
TABS = (
    ("all", "全部"),
    ("sign", "待签收"),
    ("answer", "待答复"),
    ("confirm", "待确认"),
    ("signed", "已签收"),
    ("ended", "已退回和撤回"),
)


class TodayView(NamedTuple):
    """Everything that 今日 shows."""

    now: list[Item]
    later: list[Item]
    hints: dict[int, Hint]
    counts: list[WaitCount]
    sent: list[SentItem]
    meetings: list[today.Meeting]
    passed: list[today.Passed]


async def _today(tx: Tx, actor: Actor, now: str, midnight: str) -> TodayView:
    waiting = await inbox.waiting(tx, actor.unit_id)
    hints = await inbox.hints(tx, waiting, now)
    pressing = [i for i in waiting if i.urgency == "immediate" or (i.due_at and i.due_at < midnight)]
    rest = [i for i in waiting if i not in pressing]
    sent = [s for s in (await inbox.sent(tx, actor.unit_id, limit=3))[:3] if not s.closed_at]
    meetings = await today.meetings(tx, actor.unit_id, now, clock.after(midnight, hours=24))
    passed = [p for p in await today.passed(tx, actor.person_id, actor.unit_id) if not p.seen]
    return TodayView(pressing, rest, hints, await inbox.counts(tx, actor.unit_id, now), sent, meetings, passed)


def midnight_after(visit: Visit) -> str:
    """The end of today on the city's wall clock, as UTC text."""
    local = clock.local(visit.now, visit.house.zone)
    return clock.text((local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0))


async def show_today(visit: Visit) -> Response:
    """GET /: the thing that needs this person first. Whoever has no inbox goes to the first page of the navigation."""
    actor = visit.actor
    if not may(actor.roles, Act.READ):
        first = visit.house.nav(visit)
        return visit.go(first[0].url if first else visit.house.url("account"))
    view = await visit.read(_today, actor, visit.now, midnight_after(visit))
    view = view._replace(sent=[s for s in view.sent if KINDS[s.kind].sent_route in visit.house.urls])
    return visit.render("receipts/today.html", view=view, kinds=KINDS)


async def today_part(visit: Visit) -> Response:
    """GET /today/part: the queue alone, for the live page."""
    view = await visit.read(_today, visit.actor, visit.now, midnight_after(visit))
    return visit.render("receipts/today_part.html", view=view, kinds=KINDS)


class Row(NamedTuple):
    """One line of the inbox as the template writes it, in words."""

    read: bool
    state: int  # of the receipt; 0: look at `mark`
    mark: str  # closed, confirm, answer, answer_document
    urgency: str
    url: str
    title: str
    number: str
    word: str
    starts: str
    place: str
    sender: str
    due: str
    due_mark: str  # late, today, later, or '' for nothing due
    arrived: str
    picked: str  # the id to tick for signing several at once; '' nothing to tick; '-' the list has no such column


class InboxView(NamedTuple):
    """A page of the inbox."""

    items: list[Item]
    more: bool
    hints: dict[int, Hint]
    counts: dict[str, int]
    passed: list[today.Passed]


class Asked(NamedTuple):
    """Which page of the inbox is asked for."""

    which: str
    before: int
    words: str
    kind: str
    limit: int


async def _inbox(tx: Tx, actor: Actor, asked: Asked, now: str) -> InboxView:
    limit = asked.limit
    passed = await today.passed(tx, actor.person_id, actor.unit_id, limit=50) if asked.before == NEWEST else []
    found = (
        []
        if asked.which == "passed"
        else await inbox.items(
            tx, actor.unit_id, asked.which, before=asked.before, limit=limit, words=asked.words, now=now, kind=asked.kind
        )
    )
    counts: dict[str, int] = {}
    for line in await inbox.counts(tx, actor.unit_id, now):
        counts[line.waits] = counts.get(line.waits, 0) + line.number
    return InboxView(found[:limit], len(found) > limit, await inbox.hints(tx, found[:limit], now), counts, passed)


def _row(visit: Visit, say: Say, item: Item, hint: Hint | None, *, bulk: bool) -> Row:
    kind, now, due = KINDS[item.kind], visit.now, item.due_at if item.waits else None
    mark = "closed" if item.closed_at else item.waits or ""
    if mark == "answer" and item.kind != "notice":
        mark = "answer_document"
    starts, place = (say.meeting(hint.meta[0], now), hint.meta[1]) if hint and hint.meta else ("", "")
    picked = str(item.subject_id) if item.kind == "document" and item.waits == "sign" else ""
    due_mark = "" if not due else "late" if due < now else "today" if say.is_today(due, now) else "later"
    return Row(
        not item.waits, item.state if mark in ("", "sign") else 0, mark, item.urgency,
        visit.house.url(kind.route, id=item.subject_id), item.title, item.number, visit.t(kind.word), starts, place, item.sender,
        say.when(due, now) if due else "", due_mark, say.when(item.arrived_at, now), picked if bulk else "-",
    )  # fmt: skip


async def show_inbox(visit: Visit) -> Response:
    """GET /inbox?state=&kind=&before=&q=: everything that came, newest first, cut by state."""
    which = visit.query("state", "all")
    which = which if which in {*dict(TABS), "late", "passed"} else "all"
    before = visit.query("before")
    cursor = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else NEWEST
    kind = visit.query("kind") if visit.query("kind") in KINDS else ""
    asked = Asked(which, cursor, visit.query("q")[:60], kind, 50 if visit.query("rows") == "50" else PAGE)
    view = await visit.read(_inbox, visit.actor, asked, visit.now)
    tabs = (*TABS, ("passed", "转给我的")) if view.passed or which == "passed" else TABS
    bulk = "inbox_sign" in visit.house.urls and may(visit.actor.roles, Act.SIGN)
    bulk = bulk and any(i.kind == "document" and i.waits == "sign" for i in view.items)
    renderer = visit.house.renderer
    say, line = renderer.words(visit.language), renderer.kept("receipts/inbox_line.html", visit.language)
    lines = [line(_row(visit, say, item, view.hints.get(item.subject_id), bulk=bulk)) for item in view.items]
    return visit.render(
        "receipts/inbox.html", view=view, lines=lines, tabs=tabs, which=which, kinds=KINDS, words=asked.words, limit=asked.limit,
        kind=kind, first=cursor == NEWEST, bulk=bulk,
    )  # fmt: skip


async def new_items(visit: Visit) -> Response:
    """GET /inbox/new?after=12: how many items have come after that one."""
    after = visit.query("after")
    newest = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
    return JSONResponse({"count": await visit.read(inbox.newer, visit.actor.unit_id, newest)})


class Hit(NamedTuple):
    """One line of what was found, in words."""

    url: str
    urgency: str
    title: str
    number: str
    word: str
    sender: str
    sent: str
    before: str
    hit: str
    after: str


async def _search(tx: Tx, unit: int, words: str, before: int) -> list[tuple[Found, Subject]]:
    found = await finding.find(tx, unit, words, before=before, limit=PAGE + 1)
    return [(one, await ledger.subject_of(tx, one.subject_id)) for one in found]


def _hit(visit: Visit, found: Found, subject: Subject) -> Hit:
    kind = KINDS[subject.kind]
    route = kind.sent_route if subject.sender_unit == visit.actor.unit_id else kind.route
    sent = visit.house.renderer.words(visit.language).date(subject.sent_at, visit.now)
    return Hit(
        visit.house.url(route, id=subject.id), subject.urgency, subject.title, subject.number, visit.t(kind.word),
        subject.sender_name, sent, found.before, found.hit, found.after,
    )  # fmt: skip


async def search(visit: Visit) -> Response:
    """GET /search?q=&before=: what the unit has sent and received, by any words in it."""
    words, said = visit.query("q")[:60], visit.query("before")
    before = int(said) if said.isascii() and said.isdigit() and len(said) < 16 else NEWEST
    found = await visit.read(_search, visit.actor.unit_id, words, before) if words else []
    shown = found[:PAGE]
    older = visit.house.url("search", q=words, before=shown[-1][1].id) if len(found) > PAGE else ""
    hits = [_hit(visit, *one) for one in shown]
    return visit.render("receipts/search.html", words=words, hits=hits, older=older, first=before == NEWEST)


async def may_download(tx: Tx, id: str, actor: Actor) -> files.File:
    """The file's row, if a subject that the unit sent or received carries it, or the unit uploaded it. Raises NotFound."""
    row = await files.find(tx, id)
    if row is None or (row.unit_id != actor.unit_id and not await ledger.may_see_file(tx, id, actor.unit_id)):
        raise NotFound("没有这个文件，或者没有发给贵单位。")
    return row


async def download(visit: Visit) -> Response:
    """GET /files/{file}: the bytes, always as an attachment; the first opening by each person is noted."""
    row = await visit.read(may_download, visit.path("file"), visit.actor)
    await visit.write(ledger.open_file, row.id, visit.actor, visit.now)
    return send_file(visit, row)


def send_file(visit: Visit, row: files.File) -> Response:
    """A stored file as a download, with Range and ETag; never inline from our origin. 304 when the reader has it already."""
    etag = f'"{row.sha256}"'
    if etag in [tag.strip().removeprefix("W/") for tag in visit.request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers={"etag": etag, "cache-control": "private, no-cache"})
    answer = FileResponse(visit.house.files.path(row.sha256), media_type=row.media_type, filename=row.name)
    answer.chunk_size = files.CHUNK
    answer.headers["etag"] = etag
    answer.headers["cache-control"] = "private, no-cache"
    answer.headers["content-security-policy"] = "default-src 'none'; sandbox"
    return answer


async def live(visit: Visit) -> Response:
    """GET /live?notice=12: how far a subject of ours is; without it, what waits in our unit. Server-sent events."""
    subject = visit.query("notice") or visit.query("document")
    if not subject:
        return Stream(visit.house.hub, f"unit:{visit.actor.unit_id}")
    if not (subject.isascii() and subject.isdigit() and len(subject) < 16):
        raise NotFound
    found = await visit.read(ledger.subject_of, int(subject))
    if found.sender_unit != visit.actor.unit_id:
        raise NotFound
    return Stream(visit.house.hub, f"subject:{found.id}")


routes = [
    Route("/", page(show_today, may=Act.SIGNED_IN, here="today"), methods=["GET"], name="today"),
    Route("/today/part", page(today_part, may=Act.READ, part=True), methods=["GET"], name="today_part"),
    Route("/inbox/new", page(new_items, may=Act.READ, part=True), methods=["GET"], name="inbox_new"),
    Route("/inbox", page(show_inbox, may=Act.READ, here="inbox"), methods=["GET"], name="inbox"),
    Route("/search", page(search, may=Act.READ, here="inbox"), methods=["GET"], name="search"),
    Route("/files/{file}", page(download, may=Act.READ, part=True), methods=["GET"], name="file"),
    Route("/live", page(live, may=Act.READ, part=True), methods=["GET"], name="live"),
]
