"""What a unit does with a document besides signing: each a page of its own, or a dialog over the document's page.

GET, POST /documents/{id}/return             退回, with the checklist      GET /documents/{id}/return-notice
GET, POST /documents/{id}/handover           转给同事
GET, POST /documents/{id}/answer             答复
GET, POST /documents/{id}/recall-decision    同意或不同意撤回
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from exchange import answering, document_sheet, passing, recalling, receiving
from exchange import queries as q
from exchange.document import RETURN_GROUPS, RETURN_REASONS, Document
from exchange.document_pages import long_date
from exchange.document_sheet import Asked, Sheet
from exchange.receiving import Return
from ground.db import Tx
from ground.directory.directory import Actor, Contact
from ground.directory.policy import ROLE_WORDS, Act, Role
from ground.errors import NotFound
from ground.files import File
from ground.form_pages import (
    act_once,
    id_of,
    keep_files,
    keep_files_again,
    own_files,
    shell,
    today,
    told,
)
from ground.visit import Flash, Visit
from ground.web import page

# --- 退回 -----------------------------------------------------------------------------------------------------------------


def checklist() -> list[tuple[str, list[tuple[str, str]]]]:
    """The reasons by group: (格式, [(11, 主送单位有误), …])."""
    return [(word, [r for r in RETURN_REASONS.items() if r[0][0] == digit]) for digit, word in RETURN_GROUPS.items()]


async def show_return(visit: Visit) -> Response:
    """GET /documents/{id}/return: the checklist."""
    sheet = await visit.read(document_sheet.gather, visit.number("id"), visit.actor, today(visit))
    if sheet.phase == "recalled":
        raise NotFound
    await shell(visit)
    return visit.render(
        "exchange/return.html", d=sheet.document, groups=checklist(), codes=visit.fields("codes"), reason=visit.field("reason"),
        signed=sheet.signed, printed=not visit.form or bool(visit.field("print")),
    )  # fmt: skip


async def give_back(visit: Visit) -> Response:
    """POST /documents/{id}/return: returned, before or after signing; the sender is told at once."""
    id = visit.number("id")
    await visit.write(
        receiving.give_back, visit.actor, id, visit.fields("codes"), visit.field("reason"), told=told(visit), now=visit.now
    )
    flash = Flash("ok", visit.t("已退回，发文单位马上收到通知。"))
    return visit.see_other("document_return_notice" if visit.field("print") else "document", id=id, flash=flash)


async def _notice(tx: Tx, id: int, actor: Actor, day: str) -> tuple[Sheet, Return]:
    sheet = await document_sheet.gather(tx, id, actor, day)
    if sheet.returned is None:
        raise NotFound
    return sheet, sheet.returned


async def show_notice(visit: Visit) -> Response:
    """GET /documents/{id}/return-notice: 退文告知单, to print."""
    sheet, returned = await visit.read(_notice, visit.number("id"), visit.actor, today(visit))
    d = sheet.document
    return visit.render(
        "exchange/return_notice.html", d=d, returned=returned, groups=checklist(), unit=sheet.recipient.name,
        dated=long_date(d.dated), part=sheet.recipient.part, copy_no=sheet.recipient.copy_no,
    )  # fmt: skip


# --- 转给同事 --------------------------------------------------------------------------------------------------------------


async def _colleagues(tx: Tx, id: int, actor: Actor) -> tuple[Document, list[Contact], int]:
    document = await receiving.received(tx, id, actor)
    return document, await passing.colleagues(tx, actor), len(await passing.passes_of(tx, id, actor.unit_id))


async def show_pass(visit: Visit) -> Response:
    """GET /documents/{id}/handover: to whom."""
    document, found, passed = await visit.read(_colleagues, visit.number("id"), visit.actor)
    await shell(visit)
    people = [(str(c.person_id), f"{c.name}　{c.position or visit.t(ROLE_WORDS[Role(c.role)])}") for c in found]
    return visit.render(
        "exchange/pass.html", d=document, people=people, chosen=visit.field("person"), text=visit.field("note"), passed=passed
    )


async def _pass(tx: Tx, visit: Visit, id: int) -> str:
    return await passing.pass_on(
        tx, visit.actor, id, id_of(visit.field("person")), visit.field("note"), told=told(visit), now=visit.now
    )


async def pass_on(visit: Visit) -> Response:
    """POST /documents/{id}/handover: the colleague is told, and finds it in 今日."""
    id = visit.number("id")
    name = await visit.write_once(_pass, visit, id)
    return visit.see_other("document", id=id, flash=Flash("ok", visit.t("已转给{name}，短信已发。", name=name)))


# --- 答复 -----------------------------------------------------------------------------------------------------------------


class AnswerSheet(NamedTuple):
    """What the page for an answer shows."""

    sheet: Sheet
    files: Sequence[File]


async def _answer_sheet(tx: Tx, id: int, actor: Actor, day: str, ids: Sequence[str]) -> AnswerSheet:
    return AnswerSheet(await document_sheet.gather(tx, id, actor, day), await own_files(tx, ids, actor))


async def show_answer(visit: Visit) -> Response:
    """GET /documents/{id}/answer: what is asked, and a place to write."""
    id = visit.number("id")
    kept = [one for one in visit.fields("attachment") if one and one not in visit.fields("drop_attachment")]
    found = await visit.read(_answer_sheet, id, visit.actor, today(visit), kept)
    sheet = found.sheet
    if visit.request.method == "GET" and (sheet.reply or not sheet.signed or sheet.phase not in ("answer", "done")):
        return visit.see_other("document", id=id)
    await shell(visit)
    return visit.render(
        "exchange/answer.html", sheet=sheet, d=sheet.document, files=found.files, text=visit.field("text"),
        late="" < sheet.answer_by < visit.now, most_mb=visit.house.config.files.max_mb,
    )  # fmt: skip


async def show_answer_again(visit: Visit) -> Response:
    """The page as it was sent: after a refusal."""
    await keep_files_again(visit)
    return await show_answer(visit)


async def answer(visit: Visit) -> Response:
    """POST /documents/{id}/answer: words and files to the sender; a late answer is taken."""
    sent, id = visit.form, visit.number("id")
    await visit.read(receiving.received, id, visit.actor)
    await keep_files(visit)
    dropped = visit.fields("drop_attachment")
    kept = [one for one in visit.fields("attachment") if one and one not in dropped]
    text = visit.field("text").replace("\r\n", "\n")

    async def act(tx: Tx) -> dict[str, Any]:
        before = await answering.reply_of(tx, id, visit.actor.unit_id)
        done = await answering.answer(tx, visit.actor, id, text, kept, told=told(visit), now=visit.now)
        return {"first": before is None, "who": done.person}

    done = await act_once(visit, sent, act)
    said = visit.t("已答复，发文单位马上收到通知。") if done["first"] else visit.t("{who}已经答复过了。", who=done["who"])
    return visit.see_other("document", id=id, flash=Flash("ok" if done["first"] else "warn", said))


# --- 对方请求撤回 ----------------------------------------------------------------------------------------------------------


async def _asked(tx: Tx, id: int, actor: Actor) -> tuple[Document, Asked]:
    document = await receiving.received(tx, id, actor)
    found = await tx.one(q.RECALL_NEWEST, Asked, document=id, unit=actor.unit_id)
    if found is None:
        raise NotFound
    return document, found


async def show_decision(visit: Visit) -> Response:
    """GET /documents/{id}/recall-decision: why not."""
    document, asked = await visit.read(_asked, visit.number("id"), visit.actor)
    if asked.state != "asked" and visit.request.method == "GET":
        return visit.see_other("document", id=document.id)
    await shell(visit)
    return visit.render("exchange/recall_decision.html", d=document, recall=asked, reason=visit.field("reason"))


async def _decide(tx: Tx, visit: Visit, id: int) -> None:
    _document, asked = await _asked(tx, id, visit.actor)
    agree = visit.field("agree") == "1"
    await recalling.decide(tx, visit.actor, asked.id, agree=agree, reason=visit.field("reason"), told=told(visit), now=visit.now)


async def decide(visit: Visit) -> Response:
    """POST /documents/{id}/recall-decision: the document goes back, or stays."""
    id = visit.number("id")
    await visit.write(_decide, visit, id)
    if visit.field("agree") == "1":
        return visit.see_other("document", id=id, flash=Flash("ok", visit.t("已同意撤回，公文已从本单位撤走。")))
    return visit.see_other("document", id=id, flash=Flash("ok", visit.t("已答复发文单位：不同意撤回。")))


def _both(path: str, name: str, act: Act, show: Any, press: Any, again: Any = None) -> list[Route]:
    return [
        Route(path, page(show, may=act, here="inbox"), methods=["GET"], name=name),
        Route(path, page(press, may=act, again=again or show, here="inbox"), methods=["POST"], name=name),
    ]


routes = [
    *_both("/documents/{id}/return", "document_return", Act.SIGN, show_return, give_back),
    Route(
        "/documents/{id}/return-notice", page(show_notice, may=Act.READ, here="inbox"), methods=["GET"],
        name="document_return_notice",
    ),
    *_both("/documents/{id}/handover", "document_pass", Act.SIGN, show_pass, pass_on),
    *_both("/documents/{id}/answer", "document_answer", Act.ANSWER, show_answer, answer, show_answer_again),
    *_both("/documents/{id}/recall-decision", "document_recall_decide", Act.SIGN, show_decision, decide),
]  # fmt: skip
