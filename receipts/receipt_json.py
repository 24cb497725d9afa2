"""How programs see a receipt: its shape and its JSON, for every room that answers with one."""

import re
from typing import Any

from ground.db import Tx
from ground.directory import units
from ground.directory.directory import Actor
from ground.errors import NotFound
from ground.shapes import Flag, Id, Listed, Maybe, Shape, Shown, Text, Whole
from ground.visit import Visit
from receipts import inbox, ledger
from receipts.receipt import State, receipt_id

TIME, MAYBE_TIME = Text(30), Maybe(Text(30))
STATE = Text(20, choices=tuple(state.name.lower() for state in State))
COMMON: dict[str, Shape] = {
    "id": Text(40), "subject": Id(), "unit": Text(40), "state": STATE, "kind": Text(20), "title": Text(), "number": Text(60),
    "urgency": Text(20), "sender_name": Text(), "version": Whole(1), "waits": Maybe(Text(20)), "due_at": MAYBE_TIME,
    "arrived_at": TIME, "signed_at": MAYBE_TIME, "answered_at": MAYBE_TIME, "closed_at": MAYBE_TIME,
}  # fmt: skip
ITEM = Shown("InboxItem", COMMON)
FACT = Shown(
    "Fact", {"fact": Text(40), "at": TIME, "by": Maybe(Text()), "for": Maybe(Text()), "version": Whole(1), "note": Text(2000)}
)
FILE = Shown(
    "ReceiptFile",
    {
        "id": Text(40), "name": Text(), "size": Whole(), "sha256": Text(64), "media_type": Text(), "part": Text(20),
        "opened": Flag(),
    },
)  # fmt: skip
RECEIPT = Shown("Receipt", {**COMMON, "sender": Text(40), "facts": Listed(FACT, 1000), "files": Listed(FILE)})


def subject_id(visit: Visit) -> int:
    """The subject behind a receipt's id. Raises NotFound for another unit's receipt, and for what is no id."""
    found = re.fullmatch("([0-9]{1,15})-([0-9]{1,15})", visit.path("receipt"))
    if found is None or visit.path("receipt") != receipt_id(int(found[1]), visit.actor.unit_id):
        raise NotFound
    return int(found[1])


async def receipt_json(tx: Tx, subject_id: int, actor: Actor) -> dict[str, Any]:
    """The unit's receipt of a subject, its facts and files; looking opens nothing. Raises NotFound."""
    found = await inbox.look(tx, subject_id, actor)
    subject, receipt = found.subject, found.receipt
    facts = await ledger.facts_of(tx, subject_id, actor.unit_id)
    listed = await ledger.files_of(tx, subject, unit=actor.unit_id, person=actor.person_id)
    return {
        "id": receipt_id(subject_id, actor.unit_id), "subject": str(subject_id), "unit": actor.unit_code,
        "state": State(receipt.state).name.lower(), "kind": subject.kind, "title": subject.title, "number": subject.number,
        "urgency": subject.urgency, "sender": (await units.by_id(tx, subject.sender_unit)).code,
        "sender_name": subject.sender_name, "version": subject.version, "waits": receipt.waits, "due_at": receipt.due_at,
        "arrived_at": receipt.arrived_at, "signed_at": receipt.signed_at, "answered_at": receipt.answered_at,
        "closed_at": subject.closed_at,
        "facts": [
            {"fact": f.fact, "at": f.at, "by": f.person or None, "for": f.for_person or None, "version": f.version, "note": f.note}
            for f in facts
        ],
        "files": [{**f._asdict(), "opened": bool(f.opened)} for f in listed],
    }  # fmt: skip
