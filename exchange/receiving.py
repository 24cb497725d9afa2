"""The receiver's half of a document: opened, signed and registered in one press, returned with the coded checklist.

    done = await sign(tx, actor, id, waived=…, register=True, now=…, today=…)
    await give_back(tx, actor, id, codes, reason, told=…, now=…)
    done = await sign_many(tx, actor, ids, now=…, today=…)       only what this person has opened

Opening itself is `receipts.inbox.open_item`: what is shown is a subject like any other.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from exchange import document as nouns
from exchange import incoming_telling as telling
from exchange import queries as q
from exchange import registering, sending
from exchange.document import Document
from exchange.registering import Incoming
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import NotFound, Refused
from ground.messages import outbox
from ground.messages.message import CLEARED_BY_ANSWER
from ground.messages.telling import Told
from receipts import inbox, ledger
from receipts.receipt import State, Step


class Signed(NamedTuple):
    """What a press of 签收 came to; `incoming` None when it was not registered."""

    first: bool
    incoming: Incoming | None


class Return(NamedTuple):
    """Why a unit has returned a document."""

    codes: tuple[str, ...]
    reason: str
    at: str
    person_id: int
    person: str

    @classmethod
    def of_row(cls, *row: Any) -> "Return":
        """A row of `queries.RETURN_OF`: the codes are JSON there."""
        return cls._make((tuple(json.loads(row[0])), *row[1:]))


class Unsigned(NamedTuple):
    """A document that a bulk signing left alone, and why."""

    id: int
    title: str
    why: str


class SignedMany(NamedTuple):
    """What a bulk signing came to."""

    signed: list[Incoming]
    left: list[Unsigned]


async def received(tx: Tx, id: int, actor: Actor) -> Document:
    """A document that was sent to the actor's unit. Raises NotFound for any other."""
    await ledger.receipt_of(tx, id, actor.unit_id)
    return await sending.find(tx, id)


async def usable(tx: Tx, id: int, actor: Actor) -> Document:
    """The same, when there is something to do with it. Raises Refused for one that its sender has voided."""
    found = await received(tx, id, actor)
    if found.voided_at is not None or found.closed_at is not None:
        raise Refused("发文单位已经作废这份公文，不用再办。", code="voided")
    return found


async def sign(
    tx: Tx, actor: Actor, id: int, *, waived: Collection[str], register: bool, now: str, today: str, number: str = ""
) -> Signed:
    """Sign for the unit and, in the same press, register; a repeat answers with what stands.

    Args:
        waived: ids of attachments that the person expressly leaves unopened.
        number: the 收文号 that is expected; '' for the next one.
    Raises:
        NotFound. Refused: not shown to this person, attachments unopened, returned, recalled, voided. Invalid: the number.
    """
    await usable(tx, id, actor)
    taken = await inbox.sign(tx, id, actor, waived=waived, at=now)
    await outbox.clear(tx, id, actor.unit_id, purposes=CLEARED_BY_ANSWER, now=now)
    if register and taken.state is not State.RECALL_ASKED:
        done = await registering.register(tx, actor, id, now=now, today=today, number=number)
        return Signed(taken.first, done.incoming)
    return Signed(taken.first, await registering.of(tx, id, actor.unit_id))


async def sign_many(tx: Tx, actor: Actor, ids: Sequence[int], *, now: str, today: str) -> SignedMany:
    """Sign and register each document that this person has opened; of the others it is said why they could not be."""
    signed: list[Incoming] = []
    left: list[Unsigned] = []
    for id in dict.fromkeys(ids):
        receipt = await ledger.receipt_of(tx, id, actor.unit_id)
        subject = await ledger.subject_of(tx, id)
        if subject.kind != "document":
            left.append(Unsigned(id, subject.title, "会议通知请到会议里报名。"))
            continue
        if receipt.state > State.OPENED:
            continue
        why = await _why_not(tx, id, actor)
        if why:
            left.append(Unsigned(id, subject.title, why))
            continue
        done = await sign(tx, actor, id, waived=(), register=True, now=now, today=today)
        if done.incoming is not None:
            signed.append(done.incoming)
    return SignedMany(signed, left)


async def _why_not(tx: Tx, id: int, actor: Actor) -> str:
    """Why this document cannot be signed unseen; '' when it can."""
    found = await sending.find(tx, id)
    subject = await ledger.subject_of(tx, id)
    if found.voided_at is not None or found.closed_at is not None:
        return "发文单位已经作废。"
    if not await ledger.has_opened(tx, subject, actor):
        return "您还没有打开看过。"
    files = await ledger.files_of(tx, subject, unit=actor.unit_id, person=actor.person_id)
    if any(f.part == "attachment" and not f.opened for f in files):
        return "还有附件没有打开。"
    return ""


# --- returning ------------------------------------------------------------------------------------------------------------


async def return_of(tx: Tx, id: int, unit: int) -> Return | None:
    """The unit's return of a document; None when it has not returned it."""
    return await tx.one(q.RETURN_OF, Return.of_row, subject=id, unit=unit)


async def give_back(tx: Tx, actor: Actor, id: int, codes: Sequence[str], reason: str, *, told: Told, now: str) -> Return:
    """Return a document, before or after signing; its sender is told. A repeat answers with the first return.

    Raises:
        NotFound. Refused: not opened, answered, recalled or corrected meanwhile. Invalid: no reason was ticked or written.
    """
    wanted = tuple(code for code in nouns.RETURN_REASONS if code in codes)
    reason = reason.strip()
    found = await received(tx, id, actor)
    known = await return_of(tx, id, actor.unit_id)
    if known is not None:
        return known
    nouns.check_return(wanted if len(wanted) == len(set(codes)) else (), reason)
    await usable(tx, id, actor)
    subject = await ledger.subject_of(tx, id)
    note = "、".join(wanted)
    taken = await ledger.take_step(tx, Step.RETURN, subject, actor.unit_id, actor, at=now, note=note)
    if taken.first:
        await tx.run(
            q.RETURN_INSERT, subject=id, unit=actor.unit_id, codes=nouns.dumps(list(wanted)), reason=reason, at=now,
            person=actor.person_id,
        )  # fmt: skip
        await outbox.clear(tx, id, actor.unit_id, purposes=CLEARED_BY_ANSWER, now=now)
        await telling.returned(tx, found, actor, wanted, reason, told, now=now)
    stands = await return_of(tx, id, actor.unit_id)
    if stands is None:
        raise NotFound
    return stands
