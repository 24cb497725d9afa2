"""Messages for programs: what became of them, and the carriers' calls about them.

A carrier's call is opened by its gateway's own secret in the query. An empty secret in the settings refuses all calls; a wrong
one answers like a gateway that is not there. What a carrier says is answered 200, readable or not: it would only call again.
"""

import hmac
import json
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from ground.api import route
from ground.db import Tx
from ground.directory.api import after_of, cursor_of, limit_of
from ground.directory.directory import Actor
from ground.directory.policy import Act, may
from ground.errors import Forbidden, NotFound, TooLarge
from ground.messages import inbound, looking, outbox
from ground.messages.gateway import Gateway
from ground.messages.message import Channel, Purpose, State
from ground.messages.sending import Gateways
from ground.openapi import Call
from ground.shapes import EMPTY, PAGED, Id, Maybe, Page, Shape, Shown, Text, Whole, query
from ground.visit import Visit

log = structlog.get_logger()

CALL_LIMIT = 64 * 1024
# Whose a subject is: the unit's id, or NotFound. The room that keeps subjects puts its answer here.
SENDERS: list[Callable[[Tx, int], Awaitable[int]]] = []

# --- looking --------------------------------------------------------------------------------------------------------------

TIME, MAYBE_TIME = Text(30), Maybe(Text(30))
ASKED: dict[str, Shape] = {"subject": Id(), "state": Text(20, choices=tuple(State))}
MESSAGE = Shown(
    "Message",
    {
        "id": Id(), "subject": Maybe(Id()), "purpose": Text(20, choices=tuple(Purpose)),
        "channel": Text(10, choices=tuple(Channel)), "person": Text(), "unit_name": Text(), "address": Text(), "title": Text(),
        "text": Text(4000), "state": Text(20, choices=tuple(State)), "code": Text(), "reason": Text(1000), "tries": Whole(),
        "gateway": Text(40), "created_at": TIME, "changed_at": TIME, "left_at": MAYBE_TIME,
    },
)  # fmt: skip


async def _list(tx: Tx, actor: Actor, subject: int, state: str, after: int, limit: int) -> dict[str, Any]:
    await _check_whose(tx, actor, subject)
    found = await looking.messages(tx, subject, state, after, limit + 1)
    last = found[limit - 1].id if len(found) > limit else 0
    return {"items": [_json(line) for line in found[:limit]], "next": cursor_of(last) if last else None}


def _json(message: looking.Message) -> dict[str, Any]:
    same = {k: getattr(message, k) for k in MESSAGE.fields if hasattr(message, k)}
    subject = str(message.subject_id) if message.subject_id else None
    return {**same, "id": str(message.id), "subject": subject, "unit_name": message.unit}


async def _check_whose(tx: Tx, actor: Actor, subject: int) -> None:
    """Operators see every message; organisers those about a subject of their unit. Raises Forbidden, NotFound."""
    if may(actor.roles, Act.MESSAGES):
        return
    if not may(actor.roles, Act.ORGANISE) or not subject:
        raise Forbidden("这个令牌的岗位不能做这件事。会务要写明 subject=会议的 id。")
    for sender in SENDERS:
        if await sender(tx, subject) == actor.unit_id:
            return
    raise NotFound


async def list_messages(visit: Visit) -> Any:
    """GET /messages?subject=&state=: newest first."""
    said = query(ASKED, visit.request.query_params)
    after, limit = after_of(visit.query("cursor")), limit_of(visit)
    return await visit.read(_list, visit.actor, said.get("subject", 0), said.get("state", ""), after, limit)


# --- the carriers' calls --------------------------------------------------------------------------------------------------


def gateway_of(visit: Visit) -> Gateway:
    """The gateway that calls. Raises NotFound: none of that name, no secret set, or a wrong one; all take the same way."""
    house, name = visit.house, visit.path("name")
    own = {"kannel": house.config.kannel.report_secret, "http": house.config.http_gateway.report_secret}.get(name, "")
    given = visit.request.query_params.get("secret", "")
    right = hmac.compare_digest(own.encode(), given.encode("utf-8", "surrogatepass"))
    gateways: Gateways = house.extra["gateways"]
    found = gateways.named(name)
    if found is None or not own or not right:
        raise NotFound
    return found


async def params_of(visit: Visit) -> Mapping[str, str]:
    """What the carrier says: the query, and a form or a JSON object in the body; without characters that no table takes."""
    chunks, size = [], 0
    async for chunk in visit.request.stream():
        size += len(chunk)
        if size > CALL_LIMIT:
            raise TooLarge("回执太大。")
        chunks.append(chunk)
    body = b"".join(chunks).decode("utf-8", "replace")
    said: dict[str, Any] = dict(visit.request.query_params)
    if "json" in visit.request.headers.get("content-type", ""):
        said |= _object(body)
    else:
        said |= dict(parse_qsl(body, keep_blank_values=True))
    return {_clean(k): _clean(str(v)) for k, v in said.items() if isinstance(v, str | int | float) and k != "secret"}


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _clean(text: str) -> str:
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text[:4000])


async def take_report(visit: Visit) -> Response:
    """GET or POST /gateway/{name}/report: what became of a message."""
    gateway = gateway_of(visit)
    try:
        said = gateway.report(await params_of(visit))
    except ClientDisconnect:
        return Response(status_code=400)
    if said is None:
        log.warning("report_unreadable", gateway=gateway.name)
    else:
        await visit.write(outbox.report, gateway.name, said, visit.now)
    return Response(media_type="text/plain")


async def take_inbound(visit: Visit) -> Response:
    """GET or POST /gateway/{name}/inbound: a text message from a person."""
    gateway = gateway_of(visit)
    try:
        said = gateway.inbound(await params_of(visit))
    except ClientDisconnect:
        return Response(status_code=400)
    if said is None:
        log.warning("inbound_unreadable", gateway=gateway.name)
    else:
        await visit.write(inbound.receive, gateway.name, said, visit.now, apply=visit.house.extra["apply_sms"])
    return Response(media_type="text/plain")


REPORT = Call("运营商的回执", EMPTY, media="text/plain", secret="secret", query={"secret": Text(200)})
INBOUND = REPORT._replace(summary="收到的短信")
routes: list[Route] = [
    route("GET", "/messages", list_messages, Act.SIGNED_IN, Call("短信和邮件", answer=Page(MESSAGE), query={**ASKED, **PAGED})),
    *(route(m, "/gateway/{name}/report", take_report, Act.CARRIER, REPORT) for m in ("GET", "POST")),
    *(route(m, "/gateway/{name}/inbound", take_inbound, Act.CARRIER, INBOUND) for m in ("GET", "POST")),
]
