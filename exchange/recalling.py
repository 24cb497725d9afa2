"""A recall that was asked for after signing: the receiver decides."""

from typing import NamedTuple

from exchange import queries as q
from exchange import sending, telling
from ground import audit, wording
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Invalid, NotFound, Refused
from ground.messages.message import Purpose
from ground.messages.telling import Told
from receipts import ledger
from receipts.receipt import Step


class Recall(NamedTuple):
    """A sender's wish to have a document back from one unit."""

    id: int
    document_id: int
    unit_id: int
    reason: str
    state: str  # done, asked, agreed, refused
    asked_at: str


async def decide(tx: Tx, actor: Actor, recall_id: int, agree: bool, reason: str, *, told: Told, now: str) -> Recall:
    """Give the document back, or keep it; its sender is told.

    Raises:
        NotFound: no recall was asked of the actor's unit. Refused: decided before. Invalid: a refusal without a reason.
    """
    found = await tx.one(q.RECALL_BY_ID, Recall, id=recall_id)
    if found is None or found.unit_id != actor.unit_id or found.state == "done":
        raise NotFound
    reason = reason.strip()
    if not agree and not reason:
        raise Invalid.one("reason", "请写不同意的原因，会告诉对方。")
    if len(reason) > 300 or wording.INVISIBLE.search(reason):
        raise Invalid.one("reason", "原因请不超过 300 字。")
    state = "agreed" if agree else "refused"
    if await tx.run(q.RECALL_DECIDE, id=recall_id, state=state, at=now, person=actor.person_id, reason=reason) != 1:
        raise Refused("这个撤回申请已经决定过了。", code="decided")
    subject = await ledger.subject_of(tx, found.document_id)
    step = Step.AGREE_RECALL if agree else Step.REFUSE_RECALL
    await ledger.take_step(tx, step, subject, actor.unit_id, actor, at=now, note=reason)
    document = await sending.find(tx, found.document_id)
    text = f"{actor.unit_short}{'同意' if agree else '不同意'}撤回{document.title}。{reason}"
    await telling.tell_units(
        tx, document, [document.sender_unit], Purpose.RECALL_DECIDED, (text, text), told, now=now, step=f"recall-{recall_id}"
    )
    await audit.note(
        tx, f"recall_{state}", f"document:{document.id}", at=now, person=actor.person_id, unit=actor.unit_id,
        address=actor.address,
    )  # fmt: skip
    return found._replace(state=state)
