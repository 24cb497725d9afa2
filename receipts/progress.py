"""How far a subject has come: counts, and the unit behind each of them."""

from typing import NamedTuple

from ground.db import Tx
from receipts import ledger
from receipts import queries as q
from receipts.receipt import Subject, Tally


class UnitProgress(NamedTuple):
    """Where one unit stands."""

    unit_id: int
    code: str
    name: str
    short_name: str
    state: int
    waits: str | None
    opened_at: str | None
    signed_at: str | None
    answered_at: str | None


async def units(tx: Tx, subject: int) -> list[UnitProgress]:
    """Every unit of a subject, in the tree's order."""
    return await tx.all(q.PROGRESS_UNITS, UnitProgress, subject=subject)


def rate(tally: Tally) -> tuple[int, int]:
    """Signed, and out of how many: sent less recalled."""
    return tally.signed, tally.total - tally.recalled


async def counts(tx: Tx, subject: int) -> tuple[Subject, Tally]:
    """The subject and its counts."""
    return await ledger.subject_of(tx, subject), await ledger.tally_of(tx, subject)
