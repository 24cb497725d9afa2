"""What the receiver's page shows of one document, gathered in one snapshot."""

from typing import NamedTuple

from exchange import answering, passing, receiving, registering, sending
from exchange import queries as q
from exchange.answering import Reply
from exchange.document import Document, Recipient
from exchange.passing import Forwarded, Pass
from exchange.receiving import Return
from exchange.registering import Incoming, Twin
from ground.db import Tx
from ground.directory.directory import Actor
from ground.files import File
from receipts import inbox, ledger
from receipts.ledger import SubjectFile
from receipts.receipt import Fact, Receipt, State, Subject


class Asked(NamedTuple):
    """A recall that the sender has asked the unit for."""

    id: int
    document_id: int
    unit_id: int
    reason: str
    state: str
    asked_at: str


class Correction(NamedTuple):
    """The document that takes this one's place."""

    id: int
    title: str
    number: str


class Place(NamedTuple):
    """Where this document stands among those that wait for the unit; 0 when it does not wait."""

    at: int
    of: int
    before: int  # ids of the neighbours, 0 for none
    after: int


class Sheet(NamedTuple):
    """Everything about one unit's share of one document."""

    document: Document
    subject: Subject
    receipt: Receipt
    recipient: Recipient
    parts: dict[str, list[str]]  # main, copy → names as they were
    files: list[SubjectFile]
    facts: list[Fact]
    incoming: Incoming | None
    next: Incoming
    twins: list[Twin]
    returned: Return | None
    reply: Reply | None
    reply_files: list[File]
    passes: list[Pass]
    forwarded: list[Forwarded]
    source: Document | None
    recall: Asked | None
    correction: Correction | None
    place: Place
    opened: bool

    @property
    def body(self) -> SubjectFile | None:
        """The body's file."""
        return next((f for f in self.files if f.part == "body"), None)

    @property
    def attachments(self) -> list[SubjectFile]:
        """The attachments, in order."""
        return [f for f in self.files if f.part == "attachment"]

    @property
    def signed(self) -> bool:
        """Whether the unit has signed."""
        return self.receipt.signed_at is not None

    @property
    def answer_by(self) -> str:
        """Until when the unit is asked to answer; ''."""
        return answering.due(self.subject, self.receipt)

    @property
    def sign_by(self) -> str:
        """Until when the unit is asked to sign."""
        return self.receipt.sign_by or self.subject.sign_by

    @property
    def phase(self) -> str:
        """What can be done: sign, answer, done, asked (a recall is to be decided), returned, recalled, superseded, voided."""
        ended = {
            State.RETURNED: "returned", State.RECALLED: "recalled", State.RECALL_ASKED: "asked", State.SUPERSEDED: "superseded",
        }  # fmt: skip
        state = State(self.receipt.state)
        if state in ended:
            return ended[state]
        if self.document.voided_at is not None or self.document.closed_at is not None:
            return "voided"
        if state in (State.ARRIVED, State.OPENED):
            return "sign"
        return "answer" if self.answer_by and self.reply is None and state != State.ANSWERED else "done"


async def gather(tx: Tx, id: int, actor: Actor, today: str) -> Sheet:
    """The sheet of the actor's unit. Raises NotFound when the document was not sent to it."""
    unit = actor.unit_id
    receipt = await ledger.receipt_of(tx, id, unit)
    document = await sending.find(tx, id)
    subject = await ledger.subject_of(tx, id)
    reply = await answering.reply_of(tx, id, unit)
    return Sheet(
        document=document,
        subject=subject,
        receipt=receipt,
        recipient=(await tx.all(q.RECIPIENT_OF, Recipient, document=id, unit=unit))[0],
        parts=await parts_of(tx, id),
        files=await ledger.files_of(tx, subject, unit=unit, person=actor.person_id),
        facts=await ledger.facts_of(tx, id, unit),
        incoming=await registering.of(tx, id, unit),
        next=await registering.next_of(tx, unit, today),
        twins=await registering.twins(tx, id, unit),
        returned=await receiving.return_of(tx, id, unit),
        reply=reply,
        reply_files=await answering.files_of(tx, reply) if reply else [],
        passes=await passing.passes_of(tx, id, unit),
        forwarded=await passing.forwarded_by(tx, id, unit),
        source=await passing.source_of(tx, document),
        recall=await tx.one(q.RECALL_ASKED, Asked, document=id, unit=unit),
        correction=await tx.one(q.CORRECTED_BY, Correction, document=id, unit=unit),
        place=await place_of(tx, id, unit),
        opened=await ledger.has_opened(tx, subject, actor),
    )


async def parts_of(tx: Tx, id: int) -> dict[str, list[str]]:
    """The names of main and copy recipients, as they were then."""
    parts: dict[str, list[str]] = {"main": [], "copy": []}
    for part, name in await tx.all(q.RECIPIENT_PARTS, lambda *c: c, document=id):
        parts[part].append(name)
    return parts


async def place_of(tx: Tx, id: int, unit: int) -> Place:
    """Its place among the documents that wait, and what comes before and after it."""
    ids = [item.subject_id for item in await inbox.waiting(tx, unit) if item.kind == "document"]
    if id not in ids:
        return Place(0, len(ids), 0, ids[0] if ids else 0)
    at = ids.index(id)
    return Place(at + 1, len(ids), ids[at - 1] if at else 0, ids[at + 1] if at + 1 < len(ids) else 0)
