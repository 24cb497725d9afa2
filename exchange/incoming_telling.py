"""Who is told of what a receiver does: the sender of a return or an answer, a colleague of what is passed on."""

from collections.abc import Sequence

from exchange import telling
from exchange.document import RETURN_REASONS, Document
from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor
from ground.messages import outbox
from ground.messages.message import Channel, NewMessage, Purpose
from ground.messages.telling import Count, Told


async def returned(
    tx: Tx, document: Document, by: Actor, codes: Sequence[str], reason: str, told: Told, *, now: str
) -> Count:  # fmt: skip
    """Tell the sender that a unit has returned it, and why."""
    words = "、".join(RETURN_REASONS[code] for code in codes)
    text = f"{by.unit_short}退回了{_name(document)}：{words}。{reason[:60]}{_progress(document, told)}"
    line = f"{by.unit_short}退回：{document.title}"
    return await telling.tell_units(
        tx, document, [document.sender_unit], Purpose.RETURNED, (text, line), told, now=now, step=f"unit-{by.unit_id}"
    )


async def answered(tx: Tx, document: Document, by: Actor, *, late: bool, told: Told, now: str) -> Count:
    """Tell the sender that a unit has answered."""
    text = f"{by.unit_short}{'逾期' if late else ''}答复了{_name(document)}。{_progress(document, told)}"
    line = f"{by.unit_short}已答复：{document.title}"
    return await telling.tell_units(
        tx, document, [document.sender_unit], Purpose.ANSWERED, (text, line), told, now=now, step=f"unit-{by.unit_id}"
    )


async def passed(tx: Tx, document: Document, by: Actor, to: int, note: str, pass_id: int, told: Told, *, now: str) -> None:
    """Tell one colleague what was passed on to them."""
    person = await people.by_id(tx, to)
    said = f"，附言：{note}" if note else ""
    text = f"{by.name}转给您{document.sender_name}的{_name(document)}{said}。{telling.link(document, told)}"
    message = NewMessage(
        document.id, document.version, Purpose.PASSED, Channel.SMS, to, by.unit_id, person.mobile, document.title, text,
        f"{by.name}转来：{document.title}", telling.priority(document, Purpose.PASSED), f"pass-{pass_id}",
    )  # fmt: skip
    both = [message, message._replace(channel=Channel.EMAIL, address=person.email)] if person.email else [message]
    await outbox.put(tx, both, now=now, quiet=told.quiet)


def _name(document: Document) -> str:
    """Title and number, as a sentence names them."""
    return f"{document.title}（{document.number}）" if document.number else document.title


def _progress(document: Document, told: Told) -> str:
    return f"{told.url}/documents/{document.id}/progress" if told.url else ""
