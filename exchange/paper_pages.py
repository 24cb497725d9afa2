"""Sheets of paper of the exchange room, typeset as PDF: 退文告知单, 签收回执, both registers."""

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from exchange import document_sheet, papers, register_pages
from exchange.document import RETURN_REASONS
from exchange.document_sheet import Sheet
from exchange.papers import Printing, Reason, Receipt, Register, ReturnNotice
from exchange.register_pages import RECEIVED_HEADS, SENT_HEADS, View
from ground.directory.policy import Act
from ground.errors import NotFound
from ground.form_pages import today
from ground.typeset import fonts_of
from ground.visit import Visit
from ground.web import page
from ground.workbook import Heads, Row
from receipts.receipt import Step

GROUP_KINDS = {"1": "format", "2": "content", "9": "other"}  # by the first digit of a reason's code


def printing(visit: Visit) -> Printing:
    """Who prints, and when."""
    actor = visit.actor
    return Printing(f"{actor.unit_short}　{actor.name}", visit.now, str(visit.house.zone))


def as_pdf(data: bytes, name: str) -> Response:
    """The sheet as a download."""
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}.pdf", "cache-control": "no-store"}
    return Response(data, headers=headers, media_type="application/pdf")


async def _sheet(visit: Visit) -> Sheet:
    return await visit.read(document_sheet.gather, visit.number("id"), visit.actor, today(visit))


async def return_notice(visit: Visit) -> Response:
    """GET /documents/{id}/return-notice.pdf."""
    sheet = await _sheet(visit)
    document, returned = sheet.document, sheet.returned
    if returned is None:
        raise NotFound
    reasons = [Reason(GROUP_KINDS[code[0]], f"{code} {RETURN_REASONS[code]}") for code in returned.codes]
    notice = ReturnNotice(
        document.title, document.number, document.sender_name, sheet.recipient.name, tuple(reasons), returned.person, returned.at,
        returned.reason,
    )  # fmt: skip
    data = await papers.return_notice_pdf(notice, printing(visit), **fonts_of(visit.house.config.fonts))
    return as_pdf(data, f"{document.title}退文告知单")


async def receipt(visit: Visit) -> Response:
    """GET /documents/{id}/receipt.pdf: 签收回执, once the unit has signed."""
    sheet = await _sheet(visit)
    document = sheet.document
    first = {fact.fact: fact for fact in reversed(sheet.facts)}
    signed = first.get(Step.SIGN)
    if signed is None:
        raise NotFound
    opened = first.get(Step.OPEN)
    paper = Receipt(
        document.title, document.number, document.sender_name, sheet.recipient.name, signed.person, signed.at,
        first["arrived"].at, opened.at if opened else "", f"{sheet.recipient.copy_no:06}", fingerprint=document.sha256,
    )  # fmt: skip
    data = await papers.receipt_pdf(paper, printing(visit), **fonts_of(visit.house.config.fonts))
    return as_pdf(data, f"{document.title}签收回执")


async def _register(visit: Visit, kind: str, heads: Heads, view: View, rows: list[Row]) -> Response:
    span = f"{view.asked.year}年"
    register = Register(kind, view.owner.name, span, heads, [[str(cell) for cell in row] for row in rows])
    data = await papers.register_pdf(register, printing(visit), **fonts_of(visit.house.config.fonts))
    return as_pdf(data, f"{kind} {view.asked.year}")


async def received(visit: Visit) -> Response:
    """GET /registers/received.pdf: every line of the filter."""
    return await _register(visit, "收文登记簿", RECEIVED_HEADS, *await register_pages.received_rows(visit))


async def sent(visit: Visit) -> Response:
    """GET /registers/sent.pdf: every line of the filter."""
    return await _register(visit, "发文登记簿", SENT_HEADS, *await register_pages.sent_rows(visit))


routes = [
    Route(
        "/documents/{id}/return-notice.pdf", page(return_notice, may=Act.READ, here="inbox"), methods=["GET"],
        name="document_return_pdf",
    ),
    Route("/documents/{id}/receipt.pdf", page(receipt, may=Act.READ, here="inbox"), methods=["GET"], name="document_receipt_pdf"),
    Route(
        "/registers/received.pdf", page(received, may=Act.REGISTER, here="registers"), methods=["GET"],
        name="register_received_pdf",
    ),
    Route("/registers/sent.pdf", page(sent, may=Act.REGISTER, here="registers"), methods=["GET"], name="register_sent_pdf"),
]  # fmt: skip
