"""What a unit does with a document it has received, and its registers, for programs: the same actions as the pages."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from exchange import answering, passing, receiving, registering, registers
from exchange.document import KINDS, RETURN_REASONS
from exchange.forward_pages import after_hours
from exchange.register_pages import asked_of, bounds
from exchange.registers import NEWEST, Received, SentLine
from ground.api import route
from ground.db import Tx
from ground.directory.api import after_of, cursor_of, limit_of
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.directory.policy import Act
from ground.form_pages import today, told
from ground.openapi import Call
from ground.shapes import PAGED, Id, Listed, Maybe, Page, Record, Shape, Shown, Text, Whole, query
from ground.visit import Visit
from receipts.receipt import State
from receipts.receipt_json import RECEIPT, STATE, TIME, receipt_json, subject_id

NAME = Text(80, 1, pattern=r"(unit|group):[^\s:]{1,60}", says="写成 unit:代码 或 group:编号。")
NUMBER = Text(20, 1)
RETURN = Record(
    "Return",
    {"codes": Listed(Text(2, choices=tuple(RETURN_REASONS)), 11, 1), "reason": Text(2000, 1, lines=True)},
    "codes reason",
)
REGISTRATION = Record("Registration", {"number": NUMBER})
ANSWER = Record("DocumentAnswer", {"text": Text(10_000, lines=True), "attachments": Listed(Text(40, 1), 20)})
FORWARDING = Record(
    "Forwarding",
    {"main": Listed(NAME, 2000, 1), "copy": Listed(NAME, 2000), "note": Text(200), "title": Text(300), "series": Id()},
    "main",
)
HANDOVER = Record("Handover", {"person": Id(), "note": Text(200)}, "person")
FORWARDED = Shown("Forwarded", {"id": Id(), "number": Text(60), "receipts": Whole(), "receipt": RECEIPT})
RECEIVED = Shown(
    "ReceivedLine",
    {
        "number": Text(40), "at": TIME, "person": Text(), "subject": Id(), "kind": Text(20), "title": Text(300), "sender": Text(),
        "sender_number": Text(60), "dated": Text(10), "state": STATE, "part": Text(10),
    },
)  # fmt: skip
SENT = Shown(
    "SentLine",
    {
        "number": Text(60), "serial": Whole(), "at": TIME, "person": Text(), "document": Maybe(Id()), "kind": Text(20),
        "title": Text(300), "issuer": Text(), "dated": Text(10), "total": Whole(), "signed": Whole(),
        "voided_at": Maybe(TIME), "void_reason": Maybe(Text(300)),
    },
)  # fmt: skip
YEAR: dict[str, Shape] = {"year": Text(4, pattern="[0-9]{4}"), "kind": Text(20, choices=KINDS), "q": Text(60)}


def wanted(names: list[str]) -> Wanted:
    """unit:CODE and group:ID, as the directory takes them."""
    groups = [name.partition(":")[2] for name in names if name.startswith("group:")]
    ids = tuple(int(g) for g in groups if g.isascii() and g.isdigit() and len(g) < 16)
    strange = tuple(f"group:{g}" for g in groups if not (g.isascii() and g.isdigit() and len(g) < 16))
    return Wanted(ids, (*(name.partition(":")[2] for name in names if name.startswith("unit:")), *strange))


# --- receipts -------------------------------------------------------------------------------------------------------------


async def give_back(visit: Visit) -> Response:
    """POST /receipts/{receipt}/return: before or after signing."""
    id, said = subject_id(visit), RETURN.body(visit.body)

    async def act(tx: Tx) -> dict[str, Any]:
        await receiving.give_back(tx, visit.actor, id, said["codes"], said["reason"], told=told(visit), now=visit.now)
        return await receipt_json(tx, id, visit.actor)

    return await visit.answer_once(200, act)


async def register(visit: Visit) -> Response:
    """POST /receipts/{receipt}/registration: the next 收文号; with `number`, only when it is that one."""
    id, said = subject_id(visit), REGISTRATION.body(visit.body)

    async def act(tx: Tx) -> dict[str, Any]:
        await receiving.received(tx, id, visit.actor)
        await registering.register(tx, visit.actor, id, now=visit.now, today=today(visit), number=said.get("number", ""))
        return await receipt_json(tx, id, visit.actor)

    return await visit.answer_once(200, act)


async def answer(visit: Visit) -> Response:
    """POST /receipts/{receipt}/answer: words and files to the sender, once."""
    id, said = subject_id(visit), ANSWER.body(visit.body)

    async def act(tx: Tx) -> dict[str, Any]:
        files = said.get("attachments", ())
        await answering.answer(tx, visit.actor, id, said.get("text", ""), files, told=told(visit), now=visit.now)
        return await receipt_json(tx, id, visit.actor)

    return await visit.answer_once(200, act)


async def forward(visit: Visit) -> Response:
    """POST /receipts/{receipt}/forwarding: the same files to other units, as a document of this unit."""
    id, said, day = subject_id(visit), FORWARDING.body(visit.body), today(visit)

    async def act(tx: Tx) -> dict[str, Any]:
        document = await receiving.received(tx, id, visit.actor)
        new = passing.contents_of(
            document, today=day, now=visit.now, after_hours=after_hours, note=said.get("note", ""), title=said.get("title", ""),
            series=said.get("series", 0),
        )  # fmt: skip
        done = await passing.forward(
            tx,
            visit.actor,
            id,
            new,
            wanted(said["main"]),
            wanted(said.get("copy", [])),
            told=told(visit),
            now=visit.now,
            today=day,
        )
        receipt = await receipt_json(tx, id, visit.actor)
        return {"id": str(done.id), "number": done.number, "receipts": done.receipts, "receipt": receipt}

    return await visit.answer_once(201, act)


async def hand_over(visit: Visit) -> Response:
    """POST /receipts/{receipt}/handover: shown to a colleague, who is told."""
    id, said = subject_id(visit), HANDOVER.body(visit.body)

    async def act(tx: Tx) -> dict[str, Any]:
        await passing.pass_on(tx, visit.actor, id, said["person"], said.get("note", ""), told=told(visit), now=visit.now)
        return await receipt_json(tx, id, visit.actor)

    return await visit.answer_once(200, act)


# --- registers ------------------------------------------------------------------------------------------------------------


def _received_json(r: Received) -> dict[str, Any]:
    return {
        "number": r.text, "at": r.at, "person": r.person, "subject": str(r.id), "kind": r.kind, "title": r.title,
        "sender": r.sender, "sender_number": r.number, "dated": r.dated, "state": State(r.state).name.lower(), "part": r.part,
    }  # fmt: skip


def _sent_json(s: SentLine) -> dict[str, Any]:
    return {
        "number": s.number, "serial": s.serial, "at": s.at, "person": s.person, "document": str(s.id) if s.id else None,
        "kind": s.kind, "title": s.title, "issuer": s.issuer, "dated": s.dated, "total": s.total, "signed": s.signed,
        "voided_at": s.voided_at, "void_reason": s.void_reason,
    }  # fmt: skip


async def _received(tx: Tx, actor: Actor, asked: registers.Asked) -> dict[str, Any]:
    lines = await registers.received(tx, actor.unit_id, asked)
    shown = lines[: asked.limit]
    last = registers.cursor(shown[-1], asked) if len(lines) > asked.limit else 0
    return {"items": [_received_json(r) for r in shown], "next": cursor_of(last) if last else None}


async def _sent(tx: Tx, actor: Actor, asked: registers.Asked, low: str, high: str) -> dict[str, Any]:
    lines = await registers.sent(tx, actor.unit_id, asked, low=low, high=high)
    shown = lines[: asked.limit]
    last = registers.cursor(shown[-1], asked) if len(lines) > asked.limit else 0
    return {"items": [_sent_json(s) for s in shown], "next": cursor_of(last) if last else None}


def _asked(visit: Visit, more: dict[str, Shape]) -> registers.Asked:
    query({**YEAR, **more}, visit.request.query_params)
    return asked_of(visit, limit=limit_of(visit))._replace(before=after_of(visit.query("cursor")) or NEWEST)


async def show_received(visit: Visit) -> Any:
    """GET /registers/received?year=&series=&kind=&q=: 收文登记簿 of a year, newest first."""
    return await visit.read(_received, visit.actor, _asked(visit, RECEIVED_QUERY))


async def show_sent(visit: Visit) -> Any:
    """GET /registers/sent?year=&series=ID: 发文登记簿 of a series, or of what has no number."""
    asked = _asked(visit, SENT_QUERY)
    low, high = bounds(visit, asked.year)
    return await visit.read(_sent, visit.actor, asked, low, high)


RECEIVED_QUERY: dict[str, Shape] = {"series": Text(12)}
SENT_QUERY: dict[str, Shape] = {"series": Id()}
ONE = "/receipts/{receipt}"
routes: list[Route] = [
    route("POST", f"{ONE}/return", give_back, Act.SIGN, Call("退回", RETURN, RECEIPT)),
    route("POST", f"{ONE}/registration", register, Act.REGISTER, Call("登记，取收文号", REGISTRATION, RECEIPT)),
    route("POST", f"{ONE}/answer", answer, Act.ANSWER, Call("答复公文", ANSWER, RECEIPT)),
    route("POST", f"{ONE}/forwarding", forward, Act.SIGN, Call("转发", FORWARDING, FORWARDED, 201)),
    route("POST", f"{ONE}/handover", hand_over, Act.SIGN, Call("转给同事", HANDOVER, RECEIPT)),
    route(
        "GET", "/registers/received", show_received, Act.REGISTER,
        Call("收文登记簿", answer=Page(RECEIVED), query={**YEAR, **RECEIVED_QUERY, **PAGED}),
    ),
    route(
        "GET", "/registers/sent", show_sent, Act.REGISTER,
        Call("发文登记簿", answer=Page(SENT), query={**YEAR, **SENT_QUERY, **PAGED}),
    ),
]  # fmt: skip
