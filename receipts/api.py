"""The inbox, receipts, files and live counts for programs: the same actions as the pages."""

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ground import files
from ground.api import route, ticket_unit
from ground.db import Tx
from ground.directory import units
from ground.directory.api import after_of, cursor_of, limit_of
from ground.directory.directory import Actor
from ground.directory.policy import Act
from ground.errors import NotFound
from ground.live import Stream
from ground.messages.api import SENDERS
from ground.openapi import Call
from ground.shapes import EMPTY, PAGED, Flag, Id, Listed, Maybe, Page, Record, Shape, Shown, Text, Whole, query
from ground.visit import Visit
from receipts import inbox, ledger
from receipts.inbox import NEWEST, Item
from receipts.pages import send_file
from receipts.receipt import State, Waits, receipt_id

# What the API calls a list, and what `inbox.items` calls it.
LISTS = {
    "all": "all", "unsigned": Waits.SIGN, "answer": Waits.ANSWER, "confirm": Waits.CONFIRM, "late": "late", "signed": "signed",
    "ended": "ended",
}  # fmt: skip
WHICH: dict[str, Shape] = {"state": Text(20, choices=tuple(LISTS))}
TIME, MAYBE_TIME = Text(30), Maybe(Text(30))
STATE = Text(20, choices=tuple(state.name.lower() for state in State))
COMMON: dict[str, Shape] = {
    "id": Text(40), "subject": Id(), "unit": Text(40), "state": STATE, "kind": Text(20), "title": Text(), "number": Text(60),
    "urgency": Text(20), "sender_name": Text(), "version": Whole(1), "waits": Maybe(Text(20)), "due_at": MAYBE_TIME,
    "arrived_at": TIME, "signed_at": MAYBE_TIME, "answered_at": MAYBE_TIME, "closed_at": MAYBE_TIME,
}  # fmt: skip
ITEM = Shown("InboxItem", COMMON)
FACT = Shown("Fact", {"fact": Text(40), "at": TIME, "by": Maybe(Text()), "for": Maybe(Text()), "version": Whole(1)})
FILE = Shown(
    "ReceiptFile",
    {
        "id": Text(40), "name": Text(), "size": Whole(), "sha256": Text(64), "media_type": Text(), "part": Text(20),
        "opened": Flag(),
    },
)  # fmt: skip
RECEIPT = Shown("Receipt", {**COMMON, "sender": Text(40), "facts": Listed(FACT, 1000), "files": Listed(FILE)})
SIGNATURE = Record("Signature", {"waived": Listed(Text(40, 1), 30)})


async def _list(tx: Tx, actor: Actor, which: str, after: int, limit: int, now: str) -> dict[str, Any]:
    found = await inbox.items(tx, actor.unit_id, which, before=after or NEWEST, limit=limit, now=now)
    last = found[limit - 1].subject_id if len(found) > limit else 0
    return {"items": [_item_json(i, actor.unit_code) for i in found[:limit]], "next": cursor_of(last) if last else None}


def _item_json(item: Item, unit: str) -> dict[str, Any]:
    kept = {k: getattr(item, k) for k in COMMON if hasattr(item, k)}
    return {
        **kept, "id": receipt_id(item.subject_id, item.unit_id), "subject": str(item.subject_id), "unit": unit,
        "state": State(item.state).name.lower(), "sender_name": item.sender,
    }  # fmt: skip


async def show_inbox(visit: Visit) -> Any:
    """GET /inbox?state=unsigned|all: what came to the unit, newest first."""
    which = LISTS[query(WHICH, visit.request.query_params).get("state", "all")]
    after, limit = after_of(visit.query("cursor")), limit_of(visit)
    return await visit.read(_list, visit.actor, str(which), after, limit, visit.now)


# --- one receipt ----------------------------------------------------------------------------------------------------------


def subject_id(visit: Visit) -> int:
    """The subject behind a receipt's id. Raises NotFound for another unit's receipt, and for what is no id."""
    found = re.fullmatch("([0-9]{1,15})-([0-9]{1,15})", visit.path("receipt"))
    if found is None or visit.path("receipt") != receipt_id(int(found[1]), visit.actor.unit_id):
        raise NotFound
    return int(found[1])


async def _receipt(tx: Tx, subject_id: int, actor: Actor) -> dict[str, Any]:
    found = await inbox.look(tx, subject_id, actor)
    subject, receipt = found.subject, found.receipt
    facts = await ledger.facts_of(tx, subject_id, actor.unit_id)
    listed = await ledger.files_of(tx, subject, unit=actor.unit_id, person=actor.person_id)
    return {
        "id": receipt_id(subject_id, actor.unit_id), "subject": str(subject_id), "unit": actor.unit_code,
        "state": State(receipt.state).name.lower(), "kind": subject.kind, "title": subject.title, "number": subject.number,
        "urgency": subject.urgency, "sender": (await units.by_id(tx, subject.sender_unit)).code,
        "sender_name": subject.sender_name, "version": subject.version, "waits": receipt.waits, "due_at": receipt.due_at,
        "arrived_at": receipt.arrived_at, "signed_at": receipt.signed_at, "answered_at": receipt.answered_at,
        "closed_at": subject.closed_at,
        "facts": [
            {"fact": f.fact, "at": f.at, "by": f.person or None, "for": f.for_person or None, "version": f.version} for f in facts
        ],
        "files": [{**f._asdict(), "opened": bool(f.opened)} for f in listed],
    }  # fmt: skip


async def show(visit: Visit) -> Any:
    """GET /receipts/{receipt}: looked at from outside; this does not open it."""
    return await visit.read(_receipt, subject_id(visit), visit.actor)


async def open_receipt(visit: Visit) -> Response:
    """POST /receipts/{receipt}/opening: the newest version is shown to this person now."""
    EMPTY.body(visit.body)
    subject = subject_id(visit)

    async def act(tx: Tx) -> dict[str, Any]:
        await inbox.open_item(tx, subject, visit.actor, visit.now)
        return await _receipt(tx, subject, visit.actor)

    return await visit.answer_once(200, act)


async def sign(visit: Visit) -> Response:
    """POST /receipts/{receipt}/signature: signed for the unit; attachments are opened before, or waived."""
    subject, said = subject_id(visit), SIGNATURE.body(visit.body)

    async def act(tx: Tx) -> dict[str, Any]:
        await inbox.sign(tx, subject, visit.actor, waived=said.get("waived", ()), at=visit.now)
        return await _receipt(tx, subject, visit.actor)

    return await visit.answer_once(200, act)


# --- files and live counts ------------------------------------------------------------------------------------------------


async def _file(tx: Tx, id: str, actor: Actor) -> files.File:
    row = await files.find(tx, id)
    if row is None or (row.unit_id != actor.unit_id and not await ledger.may_see_file(tx, id, actor.unit_id)):
        raise NotFound
    return row


async def download(visit: Visit) -> Response:
    """GET /files/{file}: the bytes, with Range and ETag; the first by each person is noted as an opening."""
    id = visit.path("file")
    if not re.fullmatch("[A-Za-z0-9_-]{1,40}", id):
        raise NotFound
    row = await visit.read(_file, id, visit.actor)
    if visit.request.method == "GET":
        await visit.write(ledger.open_file, row.id, visit.actor, visit.now)
    answer = send_file(visit, row)
    known = {tag.strip().removeprefix("W/") for tag in visit.request.headers.get("if-none-match", "").split(",")}
    if known & {"*", answer.headers["etag"]}:
        kept = {name: answer.headers[name] for name in ("etag", "cache-control")}
        return Response(status_code=304, headers=kept)
    return answer


async def sender_of(tx: Tx, subject: int) -> int:
    """The unit that has sent a subject. Raises NotFound."""
    return (await ledger.subject_of(tx, subject)).sender_unit


SENDERS.append(sender_of)  # the messages room asks whose a subject is


async def _topic(tx: Tx, id: int, unit: int) -> str:
    if await sender_of(tx, id) != unit:
        raise NotFound
    return f"subject:{id}"


async def live(visit: Visit) -> Response:
    """GET /live?notice=ID&ticket=…: how far a subject of ours is, as server-sent events; opened by a ticket of a minute."""
    unit = ticket_unit(visit)
    said = visit.query("notice") or visit.query("document")
    if not re.fullmatch("[0-9]{1,15}", said):
        raise NotFound
    return Stream(visit.house.hub, await visit.read(_topic, int(said), unit))


LIVE: dict[str, Shape] = {"notice": Id(), "document": Id(), "ticket": Text(400, 1)}
BYTES, EVENTS = "application/octet-stream", "text/event-stream"
routes: list[Route] = [
    route("GET", "/inbox", show_inbox, Act.READ, Call("收文", answer=Page(ITEM), query={**WHICH, **PAGED})),
    route("GET", "/receipts/{receipt}", show, Act.READ, Call("一份签收（看，不算打开）", answer=RECEIPT)),
    route("POST", "/receipts/{receipt}/opening", open_receipt, Act.READ, Call("打开", answer=RECEIPT)),
    route("POST", "/receipts/{receipt}/signature", sign, Act.SIGN, Call("签收", SIGNATURE, RECEIPT)),
    route("GET", "/files/{file}", download, Act.READ, Call("取一个文件", media=BYTES)),
    route("GET", "/live", live, Act.PUBLIC, Call("进展，随变随发", media=EVENTS, query=LIVE, secret="ticket")),
]
