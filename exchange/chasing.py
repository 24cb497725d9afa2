"""Chasing (催办): an SMS to the units that have not signed, or, when all have, that owe an answer."""

from collections.abc import Sequence
from typing import NamedTuple

from exchange import queries as q
from exchange import sending, telling
from exchange.document import Document
from exchange.progress import Line, lines_of
from exchange.reissuing import VOIDED
from ground import audit
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Refused
from ground.messages.message import Purpose
from ground.messages.telling import Told
from receipts.receipt import Waits


class Chase(NamedTuple):
    """One press of 催办."""

    at: str
    units: int
    messages: int


def due(lines: Sequence[Line]) -> list[Line]:
    """Whom a chase of all would reach: those who have not signed; when all have, those who owe an answer."""
    unsigned = [x for x in lines if x.waits == Waits.SIGN]
    return unsigned or [x for x in lines if x.waits == Waits.ANSWER]


def answer_text(document: Document, told: Told, now: str) -> tuple[str, str]:
    """The SMS to a unit that has signed and owes an answer."""
    until = told.say.when(document.answer_by or document.sign_by, now)
    text = (
        f"催办：{document.sender_name}的{document.title}还没有答复，时限{until}。请登录送达答复。{telling.link(document, told)}"
    )
    return text, f"还没有答复：{document.title}（{until}）"


async def chase(tx: Tx, actor: Actor, id: int, units: Sequence[int] | None, *, told: Told, now: str) -> Chase:
    """Remind the units that still have something to do (all, or those of `units`). Who has done it is not told anything.

    Raises:
        NotFound. Refused: void, or nobody is left to chase.
    """
    document = await sending.own(tx, id, actor)
    if document.voided_at:
        raise Refused(VOIDED, code="voided")
    lines = await lines_of(tx, id)
    left = due(lines) if units is None else [x for x in lines if x.unit_id in units and x.waits]
    if not left:
        raise Refused("没有要催的单位：都已经办好了。", code="nobody")
    number = int(await tx.value(q.CHASE_COUNT, document=id)) + 1
    messages = 0
    for waits, words in ((Waits.SIGN, telling.chase_text), (Waits.ANSWER, answer_text)):
        some = [x.unit_id for x in left if x.waits == waits]
        if some:
            count = await telling.tell_units(
                tx, document, some, Purpose.CHASE, words(document, told, now), told, now=now, step=f"chase-{number}"
            )
            messages += count.messages
    await tx.run(q.CHASE_INSERT, document=id, at=now, person=actor.person_id, units=len(left), messages=messages)
    await audit.note(
        tx, "document_chased", f"document:{id}", at=now, person=actor.person_id, unit=actor.unit_id, address=actor.address,
        detail=f"{len(left)} units, {messages} messages",
    )  # fmt: skip
    tx.notify(f"subject:{id}")
    return Chase(now, len(left), messages)
