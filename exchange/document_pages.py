"""The receiver's page of a document: read, sign and register; what follows from it stands in document_act_pages.py.

GET  /documents/{id}                  the page; showing it is the opening, written once for each person
POST /documents/{id}/signature        签收, with 同时登记
POST /documents/{id}/registration     登记 later
POST /inbox/signatures                签收 of several that were opened
"""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from exchange import document_sheet, receiving, registering, sending
from exchange.document import RETURN_REASONS
from exchange.document_sheet import Sheet
from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.policy import Act, may
from ground.errors import NotFound, Refused
from ground.form_pages import id_of, shell, today
from ground.visit import Flash, Visit
from ground.web import Handler, page
from receipts import inbox

MOST_AT_ONCE = 50


async def look(tx: Tx, id: int, actor: Actor, today: str) -> Sheet | str:
    """The sheet, or the name of the route that a sender belongs to. Raises NotFound."""
    try:
        return await document_sheet.gather(tx, id, actor, today)
    except NotFound:
        if (await sending.find(tx, id)).sender_unit == actor.unit_id:
            return "document_progress"
        raise


async def show(visit: Visit) -> Response:
    """GET /documents/{id}: the document of the own unit; its sender goes to the progress page."""
    id, actor = visit.number("id"), visit.actor
    found = await visit.read(look, id, actor, today(visit))
    if isinstance(found, str):
        if found not in visit.house.urls:
            raise NotFound
        return visit.see_other(found, id=id)
    if found.phase != "recalled" and visit.request.method != "HEAD" and not found.opened:
        await visit.write(inbox.open_item, id, actor, visit.now)
        found = await visit.read(document_sheet.gather, id, actor, today(visit))
    await shell(visit)
    return visit.render("exchange/document.html", **around(visit, found))


def around(visit: Visit, sheet: Sheet) -> dict[str, Any]:
    """What every face of the sheet shows."""
    signs, urls = may(visit.actor.roles, Act.SIGN), visit.house.urls
    return {
        "sheet": sheet, "d": sheet.document, "phase": sheet.phase, "signs": signs, "reasons": RETURN_REASONS,
        "shown_at": next((f.at for f in sheet.facts if f.fact == "opened" and f.person_id == visit.actor.person_id), visit.now),
        "preview": "file_preview" in urls, "registers": may(visit.actor.roles, Act.REGISTER),
        "waived": visit.fields("waived"), "register": not visit.form or bool(visit.field("register")),
        "late": sheet.sign_by < visit.now, "dated": long_date(sheet.document.dated),
    }  # fmt: skip


def long_date(dated: str) -> str:
    """2026年3月18日 of a local date."""
    year, month, day = dated.split("-")
    return f"{year}年{int(month)}月{int(day)}日"


# --- signing --------------------------------------------------------------------------------------------------------------


async def _sign(tx: Tx, visit: Visit, id: int, day: str) -> tuple[receiving.Signed, int]:
    """Sign; and what waits next."""
    done = await receiving.sign(
        tx, visit.actor, id, waived=visit.fields("waived"), register=bool(visit.field("register")), now=visit.now, today=day
    )
    return done, (await document_sheet.place_of(tx, id, visit.actor.unit_id)).after


async def sign(visit: Visit) -> Response:
    """POST /documents/{id}/signature: signed, and registered with it; the next one is one key away."""
    id = visit.number("id")
    done, after = await visit.write(_sign, visit, id, today(visit))
    said = visit.t("已签收，收文号 {number}。", number=done.incoming.text) if done.incoming else visit.t("已签收。")
    if not done.first:
        said = visit.t("本单位已经签收过了。") + (
            visit.t("收文号 {number}。", number=done.incoming.text) if done.incoming else ""
        )
    link = (visit.t("下一件"), visit.house.url("document", id=after)) if after and after != id else ("", "")
    return visit.see_other("document", id=id, flash=Flash("ok", said, *link))


async def register(visit: Visit) -> Response:
    """POST /documents/{id}/registration: a 收文号 for what was signed before."""
    id = visit.number("id")
    done = await visit.write(registering.register, visit.actor, id, now=visit.now, today=today(visit))
    said = visit.t("已登记，收文号 {number}。", number=done.incoming.text)
    return visit.see_other("document", id=id, flash=Flash("ok", said))


async def sign_many(visit: Visit) -> Response:
    """POST /inbox/signatures: what was ticked in 收文, as far as this person has opened it."""
    ids = [id_of(text) for text in visit.fields("item")][:MOST_AT_ONCE]
    if not ids or 0 in ids:
        raise Refused("请先勾选要签收的公文。", code="nothing_chosen")
    done = await visit.write(receiving.sign_many, visit.actor, ids, now=visit.now, today=today(visit))
    said = []
    if done.signed:
        first, last = done.signed[0].text, done.signed[-1].text
        numbers = first if first == last else visit.t("{first} 至 {last}", first=first, last=last)
        said.append(visit.t("已签收 {n} 份，收文号 {numbers}。", n=len(done.signed), numbers=numbers))
    said += [visit.t("“{title}”没有签收：{why}", title=left.title[:30], why=visit.t(left.why)) for left in done.left[:5]]
    if len(done.left) > 5:
        said.append(visit.t("另有 {n} 份也没有签收，请一份一份打开。", n=len(done.left) - 5))
    text = "".join(said) or visit.t("这些公文本单位都已经签收过了。")
    return visit.see_other("inbox", state=visit.field("state"), flash=Flash("warn" if done.left else "ok", text))


async def back(visit: Visit) -> Response:
    """GET on an address that only takes forms (a reload, a bookmark): the page."""
    return visit.see_other("document", id=visit.number("id"))


async def back_to_inbox(visit: Visit) -> Response:
    """The same for the inbox."""
    return visit.see_other("inbox")


def form(path: str, handler: Handler, name: str, act: Act) -> list[Route]:
    """A form of the document's page: its POST, and a GET that leads back."""
    post = page(handler, may=act, again=show, here="inbox")
    return [
        Route(path, post, methods=["POST"], name=name),
        Route(path, page(back, may=Act.READ), methods=["GET"], name=name),
    ]


routes = [
    Route("/inbox/signatures", page(sign_many, may=Act.SIGN, here="inbox"), methods=["POST"], name="inbox_sign"),
    Route("/inbox/signatures", page(back_to_inbox, may=Act.READ), methods=["GET"], name="inbox_sign"),
    *form("/documents/{id}/signature", sign, "document_sign", Act.SIGN),
    *form("/documents/{id}/registration", register, "document_register", Act.REGISTER),
    Route("/documents/{id}", page(show, may=Act.READ, here="inbox"), methods=["GET"], name="document"),
]
