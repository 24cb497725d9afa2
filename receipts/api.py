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
from ground.directory.policy import Act, may
from ground.errors import Forbidden, Invalid, NotFound
from ground.live import Stream
from ground.messages.api import SENDERS
from ground.openapi import Call
from ground.shapes import EMPTY, PAGED, Either, Flag, Id, Listed, Page, Record, Shape, Text, query
from ground.visit import Visit
from receipts import inbox, ledger
from receipts.inbox import NEWEST, Item
from receipts.pages import send_file
from receipts.receipt import State, Waits, receipt_id
from receipts.receipt_json import COMMON, ITEM, RECEIPT, receipt_json, subject_id

# What the API calls a list, and what `inbox.items` calls it.
LISTS = {
    "all": "all", "unsigned": Waits.SIGN, "answer": Waits.ANSWER, "confirm": Waits.CONFIRM, "late": "late", "signed": "signed",
    "ended": "ended",
}  # fmt: skip
WHICH: dict[str, Shape] = {"state": Text(20, choices=tuple(LISTS)), "kind": Text(20, choices=("notice", "document"))}
REGISTER = Record("RegisterAs", {"number": Text(20, 1)}, need="number")
SIGNATURE = Record("Signature", {"waived": Listed(Text(40, 1), 30), "register": Either(Flag(), REGISTER)})


async def _list(tx: Tx, actor: Actor, which: str, kind: str, after: int, limit: int, now: str) -> dict[str, Any]:
    found = await inbox.items(tx, actor.unit_id, which, before=after or NEWEST, limit=limit, now=now, kind=kind)
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
    asked = query(WHICH, visit.request.query_params)
    which, kind = LISTS[asked.get("state", "all")], asked.get("kind", "")
    after, limit = after_of(visit.query("cursor")), limit_of(visit)
    return await visit.read(_list, visit.actor, str(which), kind, after, limit, visit.now)


# --- one receipt ----------------------------------------------------------------------------------------------------------


async def show(visit: Visit) -> Any:
    """GET /receipts/{receipt}: looked at from outside; this does not open it."""
    return await visit.read(receipt_json, subject_id(visit), visit.actor)


async def open_receipt(visit: Visit) -> Response:
    """POST /receipts/{receipt}/opening: the newest version is shown to this person now."""
    EMPTY.body(visit.body)
    subject = subject_id(visit)

    async def act(tx: Tx) -> dict[str, Any]:
        await inbox.open_item(tx, subject, visit.actor, visit.now)
        return await receipt_json(tx, subject, visit.actor)

    return await visit.answer_once(200, act)


async def sign(visit: Visit) -> Response:
    """POST /receipts/{receipt}/signature: signed for the unit; attachments are opened before, or waived."""
    subject, said = subject_id(visit), SIGNATURE.body(visit.body)

    async def act(tx: Tx) -> dict[str, Any]:
        await inbox.sign(tx, subject, visit.actor, waived=said.get("waived", ()), at=visit.now)
        if said.get("register"):
            await _register(tx, visit, subject, said["register"])
        return await receipt_json(tx, subject, visit.actor)

    return await visit.answer_once(200, act)


async def _register(tx: Tx, visit: Visit, subject: int, wish: Any) -> None:
    """What signing does besides, in the room that owns the subject. Raises Invalid when it has no register."""
    register = inbox.KINDS[(await ledger.subject_of(tx, subject)).kind].register
    if register is None:
        raise Invalid.one("register", "会议通知不用登记收文号。")
    if not may(visit.actor.roles, Act.REGISTER):
        raise Forbidden("这个令牌的岗位不能做这件事。")
    number = wish["number"] if isinstance(wish, dict) else ""
    await register(tx, visit.actor, subject, number, visit.now, units.today_of(visit.now, visit.house.zone))


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
