"""Documents for programs, the sender's half: the same actions as the pages, JSON in and out. Shapes stand in api_shapes.py.

A draft's id is `d12`: it may be looked at, changed and sent; what is sent has an id of its own.
"""

import re
from typing import Any

from starlette.responses import Response

from exchange import api_shapes as s
from exchange import (
    chasing,
    checking,
    composing,
    drafting,
    file_words,
    forms,
    numbering,
    progress,
    recalling,
    reissuing,
    sending,
    sent_list,
)
from exchange.compose_pages import setting
from exchange.sent_list import Wish
from ground.api import route
from ground.db import Tx
from ground.directory import units
from ground.directory.api import after_of, cursor_of, limit_of
from ground.directory.directory import Actor, Unit
from ground.directory.policy import Act
from ground.errors import FieldError, Invalid, NotFound
from ground.form_pages import today, told
from ground.openapi import Call
from ground.shapes import query
from ground.visit import Visit
from receipts import ledger
from receipts.inbox import NEWEST
from receipts.receipt import State

Said = dict[str, Any]
Form = dict[str, list[str]]


async def ids_of(tx: Tx, field: str, codes: list[str]) -> list[int]:
    """The ids of units by code. Raises Invalid naming those that are not there."""
    return [unit.id for unit in await _units(tx, field, codes)]


async def _units(tx: Tx, field: str, codes: list[str]) -> list[Unit]:
    known = {unit.code: unit for unit in await units.everyone(tx)}
    unknown = [FieldError(f"{field}-{n}", "没有这个单位代码。") for n, code in enumerate(codes) if s.bare(code) not in known]
    if unknown:
        raise Invalid(unknown[:100])
    return [known[s.bare(code)] for code in codes]


async def _form(tx: Tx, actor: Actor, said: Said) -> Form:
    """The page's form that says the same: `series` by id or code, the joint issuers by their names."""
    form = s.form_of(said)
    if "joint" in said:
        form["joint"] = [unit.name for unit in await _units(tx, "joint", said["joint"])]
    if said.get("series"):
        own = await numbering.of_unit(tx, actor.unit_id)
        found = next((x.id for x in own if said["series"] in (str(x.id), x.code)), 0)
        if not found and said["series"] != "0":
            raise Invalid.one("series", "没有这个字号系列；不编号请写 0。")
        form["series"] = [str(found)]
    elif "series" in said:
        form["series"] = ["0"]
    return form


async def _words(visit: Visit, form: Form) -> str:
    """What the files of the form say. Raises Invalid for a mark of secrecy."""
    typed = forms.read(form)
    return await file_words.of_files(visit.house.db, visit.house.files, visit.actor, typed.body, typed.attachments)


async def _send(tx: Tx, visit: Visit, form: Form, accepted: list[str], words: str, *, draft: int = 0) -> Said:
    """Send what the form says, unless something should be looked at first."""
    actor = visit.actor
    form = {"series": [await composing.first_series(tx, actor)]} | form
    typed = forms.read(form)
    found = await checking.addressees(tx, typed.main, typed.copy, owner=actor.unit_id, today=today(visit))
    done = await composing.send_form(tx, actor, form, setting(visit), draft=draft, words=words)
    await _look(tx, found, visit.now, accepted)
    return s.sent_json(done)


async def _look(tx: Tx, found: checking.Addressees, now: str, accepted: list[str]) -> None:
    """Raise Unaccepted for warnings that nobody has accepted: the transaction is undone with the rest."""
    left = [w for w in await checking.warnings(tx, found.both, now) if w.kind not in accepted]
    if left:
        raise s.Unaccepted(left)


# --- composing ------------------------------------------------------------------------------------------------------------


async def create(visit: Visit) -> Response:
    """POST /documents."""
    said = s.NEW_DOCUMENT.body(visit.body)
    words = "" if said.get("draft") else await _words(visit, s.form_of(said))

    async def act(tx: Tx) -> Said:
        form = await _form(tx, visit.actor, said)
        if said.get("draft"):
            return _draft_json(await drafting.save(tx, visit.actor, form, draft=0, now=visit.now))
        return await _send(tx, visit, form, said.get("warnings_accepted", []), words)

    return await visit.answer_once(201, act)


def _draft_json(id: int) -> Said:
    return {"id": f"d{id}", "number": "", "receipts": 0, "draft": True}


def _draft_id(visit: Visit) -> int:
    """The draft that the path names. Raises NotFound for anything else."""
    found = re.fullmatch("d([0-9]{1,15})", visit.path("document"))
    if found is None:
        raise NotFound
    return int(found[1])


async def change_draft(visit: Visit) -> Response:
    """PATCH /documents/{document}: what is given is put in the place of what stood in the draft."""
    id, said = _draft_id(visit), s.DRAFT_CHANGE.body(visit.body)

    async def act(tx: Tx) -> Said:
        old = await drafting.find(tx, id, visit.actor)
        if old.sent_as is not None:
            raise NotFound
        form = old.form | await _form(tx, visit.actor, said)
        return _draft_json(await drafting.save(tx, visit.actor, form, draft=id, now=visit.now))

    return await visit.answer_once(200, act)


async def send_draft(visit: Visit) -> Response:
    """POST /documents/{document}/sending."""
    id, said = _draft_id(visit), s.DRAFT_SENDING.body(visit.body)
    form = (await visit.read(drafting.find, id, visit.actor)).form
    words = await _words(visit, form)

    async def act(tx: Tx) -> Said:
        form = (await drafting.find(tx, id, visit.actor)).form
        return await _send(tx, visit, form, said.get("warnings_accepted", []), words, draft=id)

    return await visit.answer_once(201, act)


# --- reading --------------------------------------------------------------------------------------------------------------


async def _list(tx: Tx, visit: Visit, wish: Wish, after: int, limit: int) -> Said:
    lines = await sent_list.of_unit(tx, visit.actor.unit_id, wish, visit.house.zone, before=after or NEWEST, limit=limit)
    shown = [s.line_json(line) for line in lines[:limit]]
    return {"items": shown, "next": cursor_of(lines[limit - 1].id) if len(lines) > limit else None}


async def list_documents(visit: Visit) -> Any:
    """GET /documents?q=&kind=&year=: what the unit has sent, newest first."""
    asked = query(s.LISTING, {name: said for name, said in visit.request.query_params.items() if name in ("q", "kind")})
    year = visit.query("year")
    if year and not re.fullmatch("20[0-9]{2}", year):
        raise Invalid.one("year", "year 是 2000 至 2099 的整数。")
    wish = Wish(asked.get("q", ""), asked.get("kind", ""), int(year or 0))
    return await visit.read(_list, visit, wish, after_of(visit.query("cursor")), limit_of(visit))


async def _document(tx: Tx, id: int, actor: Actor) -> Said:
    """A document that the actor's unit has sent or holds. Raises NotFound for any other."""
    document = await sending.find(tx, id)
    if document.sender_unit != actor.unit_id and (await ledger.receipt_of(tx, id, actor.unit_id)).state == State.RECALLED:
        raise NotFound
    codes = {unit.id: unit.code for unit in await units.everyone(tx)}
    listed = [(r, codes[r.unit_id]) for r in await sending.recipients_of(tx, id)]
    corrections = [c.id for c in await reissuing.corrections_of(tx, id)]
    return s.document_json(document, codes[document.sender_unit], listed, await sending.files_of(tx, id), corrections)


async def _draft(tx: Tx, visit: Visit, id: int) -> Said:
    """A draft as the document that it would become."""
    found = await drafting.find(tx, id, visit.actor)
    if found.sent_as is not None:
        raise NotFound
    sheet = await composing.gather(tx, visit.actor, found.form, setting(visit), visit.house.config.sms)
    new, document = sheet.contents, checking.as_document(visit.actor, sheet.contents, visit.now)
    said = s.document_json(document._replace(number="", sign_by=new.sign_by), visit.actor.unit_code, [], [], [])
    listed = ([(sheet.body, "body")] if sheet.body else []) + [(f, "attachment") for f in sheet.files]
    said["files"] = [
        {**{k: getattr(f, k) for k in ("id", "name", "size", "sha256", "media_type")}, "part": part} for f, part in listed
    ]
    return said | {"id": f"d{id}", "draft": True, "sent_at": None, "sign_by": new.sign_by or None}


async def show(visit: Visit) -> Any:
    """GET /documents/{document}: for the sender and the units that hold it. Reading it here signs nothing and opens nothing."""
    said = visit.path("document")
    if re.fullmatch("d[0-9]{1,15}", said):
        return await visit.read(_draft, visit, _draft_id(visit))
    return await visit.read(_document, visit.number("document"), visit.actor)


async def _progress(tx: Tx, id: int, actor: Actor) -> Said:
    await sending.own(tx, id, actor)
    lines = await progress.lines_of(tx, id)
    return s.progress_json(progress.count(lines), lines, await progress.signers_of(tx, id))


async def show_progress(visit: Visit) -> Any:
    """GET /documents/{id}/progress: every unit, in the tree's order, all at once."""
    return await visit.read(_progress, visit.number("id"), visit.actor)


# --- afterwards -----------------------------------------------------------------------------------------------------------


async def recall(visit: Visit) -> Response:
    """POST /documents/{id}/recall: from all units, or from `units`."""
    id, said = visit.number("id"), s.RECALL_ASKED.body(visit.body)

    async def act(tx: Tx) -> Said:
        await sending.own(tx, id, visit.actor)
        wanted = await ids_of(tx, "units", said["units"]) if "units" in said else None
        done = await recalling.recall(tx, visit.actor, id, said["reason"], wanted, told=told(visit), now=visit.now)
        return done._asdict()

    return await visit.answer_once(200, act)


async def supplement(visit: Visit) -> Response:
    """POST /documents/{id}/supplement: more units under the same number, with their own times."""
    id, said = visit.number("id"), s.SUPPLEMENT.body(visit.body)

    async def act(tx: Tx) -> Said:
        document, actor = await sending.own(tx, id, visit.actor), visit.actor
        typed = forms.read(s.form_of(said))._replace(urgency=document.urgency)
        found = await checking.addressees(tx, typed.main, typed.copy, owner=actor.unit_id, today=today(visit))
        at = forms.times(typed, setting(visit).wall, setting(visit).due)
        done = await reissuing.supplement(
            tx, actor, id, s.wanted_of(said, "main"), s.wanted_of(said, "copy"), sign_by=at["sign_by"],
            answer_by=at["answer_by"], told=told(visit), now=visit.now, today=today(visit),
        )  # fmt: skip
        await _look(tx, found, visit.now, said.get("warnings_accepted", []))
        return {"id": str(id), "number": document.number, **done._asdict()}

    return await visit.answer_once(201, act)


async def _reissued(tx: Tx, visit: Visit, id: int, said: Said) -> Form:
    """The old document's form with what is said put in its place."""
    actor = visit.actor
    old = await sending.own(tx, id, actor)
    form = forms.written(old, visit.house.zone, again=True)
    listed = await sending.files_of(tx, id)
    form |= {"body": [f.id for f in listed if f.part == "body"], "attachment": [f.id for f in listed if f.part != "body"]}
    if not said.keys() & {"main", "copy"}:
        form |= await checking.addressed_again(tx, id, owner=actor.unit_id, today=today(visit))
    return form | await _form(tx, actor, said) | {"corrects": [str(id)]}


async def reissue(visit: Visit) -> Response:
    """POST /documents/{id}/reissue: a corrected issue; what is not given is as in the old one, its recipients included."""
    id, said = visit.number("id"), s.REISSUE.body(visit.body)
    words = await _words(visit, await visit.read(_reissued, visit, id, said))

    async def act(tx: Tx) -> Said:
        return await _send(tx, visit, await _reissued(tx, visit, id, said), said.get("warnings_accepted", []), words)

    return await visit.answer_once(201, act)


async def void(visit: Visit) -> Response:
    """POST /documents/{id}/void: the document and its number; the number keeps the reason."""
    id, said = visit.number("id"), s.VOIDING.body(visit.body)

    async def act(tx: Tx) -> Said:
        done = await reissuing.void(tx, visit.actor, id, said["reason"], told=told(visit), now=visit.now)
        return {"id": str(id), "number": done.number, "voided_at": done.voided_at, "void_reason": done.void_reason}

    return await visit.answer_once(200, act)


async def chase(visit: Visit) -> Response:
    """POST /documents/{id}/chase: remind who is due, or those of `units` that are."""
    id, said = visit.number("id"), s.CHASE.body(visit.body)

    async def act(tx: Tx) -> Said:
        await sending.own(tx, id, visit.actor)
        wanted = await ids_of(tx, "units", said["units"]) if "units" in said else None
        return (await chasing.chase(tx, visit.actor, id, wanted, told=told(visit), now=visit.now))._asdict()

    return await visit.answer_once(200, act)


async def decide(visit: Visit) -> Response:
    """POST /recalls/{id}/decision: the receiving unit agrees, or refuses with a reason."""
    id, said = visit.number("id"), s.RECALL_DECISION.body(visit.body)

    async def act(tx: Tx) -> Said:
        reason = said.get("reason", "")
        return s.recall_json(
            await recalling.decide(tx, visit.actor, id, agree=said["agree"], reason=reason, told=told(visit), now=visit.now)
        )

    return await visit.answer_once(200, act)


# --- the table ------------------------------------------------------------------------------------------------------------

routes = [
    route("POST", "/documents", create, Act.SEND, Call("发公文，或存草稿", s.NEW_DOCUMENT, s.SENT, 201)),
    route("GET", "/documents", list_documents, Act.SEND, Call("发出的公文", answer=s.LINES, query=s.LISTING)),
    route("GET", "/documents/{document}", show, Act.READ, Call("一份公文或草稿", answer=s.DOCUMENT)),
    route("PATCH", "/documents/{document}", change_draft, Act.SEND, Call("改草稿", s.DRAFT_CHANGE, s.SENT)),
    route("POST", "/documents/{document}/sending", send_draft, Act.SEND, Call("发出草稿", s.DRAFT_SENDING, s.SENT, 201)),
    route("GET", "/documents/{id}/progress", show_progress, Act.SEND, Call("签收情况", answer=s.PROGRESS)),
    route("POST", "/documents/{id}/recall", recall, Act.SEND, Call("撤回", s.RECALL_ASKED, s.RECALLED)),
    route("POST", "/documents/{id}/supplement", supplement, Act.SEND, Call("补发", s.SUPPLEMENT, s.SUPPLEMENTED, 201)),
    route("POST", "/documents/{id}/reissue", reissue, Act.SEND, Call("更正重发", s.REISSUE, s.SENT, 201)),
    route("POST", "/documents/{id}/void", void, Act.SEND, Call("作废", s.VOIDING, s.VOIDED)),
    route("POST", "/documents/{id}/chase", chase, Act.SEND, Call("催办", s.CHASE, s.CHASED)),
    route("POST", "/recalls/{id}/decision", decide, Act.SIGN, Call("决定是否同意撤回", s.RECALL_DECISION, s.RECALL)),
]
