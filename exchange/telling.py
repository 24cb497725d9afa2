"""Who is told of a document, and in which words: everything that the exchange room puts into the outbox; each person once a channel."""

from collections.abc import Sequence

from exchange.document import Document
from ground.db import Tx
from ground.messages import outbox
from ground.messages.message import Channel, NewMessage, Priority, Purpose
from ground.messages.telling import Count, Told, contacts_for


def priority(document: Document, purpose: Purpose) -> Priority:
    """特急 first, chases last."""
    if document.urgency == "immediate" or purpose is Purpose.CANCELLED:
        return Priority.IMMEDIATE
    if purpose is Purpose.CHASE:
        return Priority.REMINDER
    return Priority.URGENT if document.urgency == "urgent" else Priority.NORMAL


def link(document: Document, told: Told) -> str:
    """Where an SMS leads; '' when links make no sense."""
    return f"{told.url}/documents/{document.id}" if told.url else ""


def sent_text(document: Document, told: Told, now: str) -> tuple[str, str]:
    """The SMS of a new document, and its short line."""
    urgency = {"immediate": "【特急】", "urgent": "【加急】"}.get(document.urgency, "")
    until = told.say.when(document.sign_by, now)
    number = f"（{document.number}）" if document.number else ""
    text = f"{urgency}{document.sender_name}发来{document.title}{number}，请于{until}前登录送达签收。{link(document, told)}"
    return text, f"签收：{document.title}（{until}前）"


def chase_text(document: Document, told: Told, now: str) -> tuple[str, str]:
    """The SMS to a unit that has not signed."""
    until = told.say.when(document.sign_by, now)
    text = f"催办：{document.sender_name}的{document.title}还没有签收，时限{until}。请登录送达签收。{link(document, told)}"
    return text, f"还没有签收：{document.title}（{until}）"


async def tell_units(
    tx: Tx, document: Document, units: Sequence[int], purpose: Purpose, words: tuple[str, str], told: Told, *, now: str,
    step: str = "",
) -> Count:  # fmt: skip
    """Put one SMS (and, with an address, one e-mail) for each contact of each unit into the outbox."""
    text, line = words
    contacts = await contacts_for(tx, units)
    rank = priority(document, purpose)
    messages: list[NewMessage] = []
    for unit in units:
        for contact in contacts.get(unit, ()):
            common = NewMessage(
                document.id, document.version, purpose, Channel.SMS, contact.person_id, unit, contact.mobile, document.title,
                text, line, rank, step,
            )  # fmt: skip
            messages.append(common)
            if contact.email:
                messages.append(common._replace(channel=Channel.EMAIL, address=contact.email))
    await outbox.put(tx, messages, now=now, quiet=told.quiet)
    return Count(len(messages), tuple(unit for unit in units if not contacts.get(unit)))
