"""After the sending: more units under the same number (补发), a corrected issue in the place of this one, a number made void.

Each is one transaction: receipts, names, messages and the audit together.
"""

from typing import NamedTuple

from exchange import numbering, sending, telling
from exchange import queries as q
from exchange.document import Document
from ground import audit, wording
from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.errors import FieldError, Invalid, Refused
from ground.messages import outbox
from ground.messages.message import Purpose
from ground.messages.telling import Told
from receipts import ledger
from receipts.receipt import State, Step

VOIDED = "这份公文已经作废，不能再办。"


class Correction(NamedTuple):
    """A document that corrects another."""

    id: int
    title: str
    number: str
    sent_at: str


class Supplemented(NamedTuple):
    """What became of 补发: how many units were added, how many had it already."""

    batch: int
    receipts: int
    had: int
    messages: int


async def corrections_of(tx: Tx, id: int) -> list[Correction]:
    """The documents that correct this one, in the order of their sending."""
    return await tx.all(q.CORRECTIONS, Correction, document=id)


async def _note(tx: Tx, act: str, id: int, actor: Actor, now: str, detail: str = "") -> None:
    await audit.note(
        tx, act, f"document:{id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=detail, address=actor.address
    )


async def supersede(tx: Tx, actor: Actor, old: Document, new: int, *, now: str) -> int:
    """The old document's receipts of the units that the new one went to give way to it; how many. Recalled ones stay recalled."""
    if old.voided_at:
        raise Refused(VOIDED, code="voided")
    subject = await ledger.subject_of(tx, old.id)
    had = {r.unit_id for r in await sending.recipients_of(tx, old.id)}
    count = 0
    for unit in (r.unit_id for r in await sending.recipients_of(tx, new)):
        if unit in had and (await ledger.receipt_of(tx, old.id, unit)).state != State.RECALLED:
            count += (await ledger.take_step(tx, Step.SUPERSEDE, subject, unit, actor, at=now, note=str(new))).first
            await outbox.clear(tx, old.id, unit, purposes=(Purpose.PUBLISHED, Purpose.CHASE, Purpose.REMINDER), now=now)
    await _note(tx, "document_reissued", old.id, actor, now, f"{count} units, document {new}")
    return count


async def supplement(
    tx: Tx, actor: Actor, id: int, main: Wanted, copy: Wanted, *, sign_by: str, answer_by: str, told: Told, now: str, today: str
) -> Supplemented:
    """Send a document to more units under its number; they have their own times. Units that have it are left alone.

    Raises:
        NotFound. Invalid: times that have passed, names that are nobody's. Refused: void; everybody has it already.
    """
    document = await sending.own(tx, id, actor)
    _check_times(document, sign_by, answer_by, now)
    frozen = await sending.freeze(tx, main, copy, owner=actor.unit_id, today=today)
    batch = await tx.value(q.BATCH_TAKE, document=id)  # locks the document: two presses at once follow one another
    if batch is None:
        raise Refused(VOIDED, code="voided")
    had = {r.unit_id for r in await sending.recipients_of(tx, id)}
    fresh = sending.Frozen(tuple(u for u in frozen.main if u.id not in had), tuple(u for u in frozen.copy if u.id not in had))
    asked = len(frozen.main) + len(frozen.copy)
    units = [u.id for u, _ in fresh.parts]
    if not asked:
        raise Invalid.one("main", "请选补发给哪些单位。")
    if not units:
        raise Refused("选的单位都已经收到过这份公文，没有要补发的。", code="all_have_it")
    first_copy = int(await tx.value(q.COPY_LAST, document=id)) + 1
    await sending.deliver(tx, id, fresh, batch=int(batch), first_copy=first_copy, now=now, sign_by=sign_by, answer_by=answer_by)
    timed = document._replace(sign_by=sign_by)
    words = telling.sent_text(timed, told, now)
    count = await telling.tell_units(tx, timed, units, Purpose.PUBLISHED, words, told, now=now, step=f"batch-{batch}")
    await _note(tx, "document_supplemented", id, actor, now, f"{len(units)} units, {count.messages} messages")
    return Supplemented(int(batch), len(units), asked - len(units), count.messages)


def _check_times(document: Document, sign_by: str, answer_by: str, now: str) -> None:
    errors = []
    if sign_by <= now:
        errors.append(FieldError("sign_by", "签收时限已经过了，请改到以后。"))
    if answer_by and answer_by < sign_by:
        errors.append(FieldError("answer_by", "答复时限不能早于签收时限。"))
    elif document.answer_by and not answer_by:
        errors.append(FieldError("answer_by", "这份公文要答复，请填补发单位的答复时限。"))
    if errors:
        raise Invalid(errors)


async def void(tx: Tx, actor: Actor, id: int, reason: str, *, told: Told, now: str) -> Document:
    """Make a document and its number void; the number is never given again and keeps its reason.

    Raises:
        NotFound. Invalid: no reason, or one that may not be sent. Refused: it was void before.
    """
    document = await sending.own(tx, id, actor)
    reason = check_reason(reason)
    if await tx.run(q.DOCUMENT_VOID, document=id, at=now, reason=reason) != 1:
        raise Refused("这份公文已经作废了。", code="voided")
    if document.series_id and document.year and document.serial:
        await numbering.void(tx, document.series_id, document.year, document.serial, reason, by=actor, at=now)
    await ledger.close_subject(tx, id, now)
    await outbox.clear_subject(tx, id, now=now)
    units = [r.unit_id for r in await sending.recipients_of(tx, id)]
    number = f"（{document.number}）" if document.number else ""
    text = f"作废：{document.sender_name}的{document.title}{number}已作废，不用再办。原因：{reason}"
    words = (text, f"已作废：{document.title}")
    count = await telling.tell_units(tx, document, units, Purpose.CANCELLED, words, told, now=now)
    await _note(tx, "document_voided", id, actor, now, f"{len(units)} units, {count.messages} messages")
    return await sending.find(tx, id)


def check_reason(reason: str) -> str:
    """The reason tidied. Raises Invalid for none, one that is too long, or one that may not go out on this network."""
    reason = wording.tidy(reason)
    if not reason:
        raise Invalid.one("reason", "请写明原因，会告诉对方。")
    if len(reason) > 200:
        raise Invalid.one("reason", "原因太长，请不超过 200 字。")
    if wording.INVISIBLE.search(reason):
        raise Invalid.one("reason", wording.INVISIBLE_SENTENCE)
    if wording.CLASSIFIED.search(reason):
        raise Invalid.one("reason", wording.CLASSIFIED_SENTENCE)
    return reason
