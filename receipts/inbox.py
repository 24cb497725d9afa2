"""A unit's inbox: what needs action first, everything by arrival, one item opened, signed."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.units import like
from ground.errors import Refused
from receipts import ledger
from receipts import queries as q
from receipts.receipt import Receipt, State, Step, Subject

NEWEST = 2**53


class Item(NamedTuple):
    """One line of an inbox."""

    subject_id: int
    unit_id: int
    state: int
    waits: str | None
    due_at: str | None
    arrived_at: str
    signed_at: str | None
    answered_at: str | None
    kind: str
    title: str
    number: str
    urgency: str
    sender: str
    version: int
    closed_at: str | None


class SentItem(NamedTuple):
    """One line of what a unit has sent."""

    id: int
    kind: str
    title: str
    urgency: str
    sent_at: str
    answer_by: str | None
    closed_at: str | None
    total: int
    opened: int
    signed: int
    answered: int


class WaitCount(NamedTuple):
    """How many items wait for one verb, and how many of them are overdue."""

    waits: str
    kind: str
    number: int
    late: int


class Hint(NamedTuple):
    """What the room that owns a subject adds to its line: words for the meta row, more words, and how many may come."""

    meta: tuple[str, ...]
    extra: str = ""
    heads: tuple[int, int] | None = None


class Kind(NamedTuple):
    """What a room says of its subjects; `app.py` fills the table at the start, so that the inbox needs to know no room."""

    word: str
    route: str  # the receiver's page: url(route, id=subject)
    sent_route: str  # the sender's page
    verbs: Mapping[str, str]  # waits → the button's word
    hints: Callable[[Tx, Sequence[int], str], Awaitable[dict[int, Hint]]]
    # What signing does besides, when the asker wants a register's number: (tx, actor, subject, number or '', now, today).
    register: Callable[[Tx, Actor, int, str, str, str], Awaitable[None]] | None = None


KINDS: dict[str, Kind] = {}


async def waiting(tx: Tx, unit: int, *, limit: int = 100) -> list[Item]:
    """What the unit has to do, the most pressing first: 特急, then by deadline."""
    return await tx.all(q.WAITING, Item, unit=unit, limit=limit)


LISTS = {"all": q.INBOX_ALL, "signed": q.INBOX_SIGNED, "ended": q.INBOX_ENDED}


async def newer(tx: Tx, unit: int, after: int) -> int:
    """How many items have come to the unit after the one with this id; at most 100 are counted."""
    return int(await tx.value(q.INBOX_NEWER, unit=unit, after=after))


async def items(
    tx: Tx, unit: int, which: str, *, before: int = NEWEST, limit: int = 20, words: str = "", now: str = "", kind: str = ""
) -> list[Item]:
    """A page of the inbox, newest first, one more than `limit` when there is an older page.

    Args:
        which: all, signed, ended, late (by `now`), or a verb that is waited for (sign, answer, confirm).
        before: the id of the last line of the page before.
        words: part of a title, number or sender's name; '' for everything.
        kind: notice, document; '' for both.
    """
    page = {"unit": unit, "before": before, "limit": limit + 1, "kind": kind}
    if words:
        return await tx.all(q.INBOX_FIND, Item, words=f"%{like(words)}%", **page)
    if which == "late":
        return await tx.all(q.INBOX_LATE, Item, now=now, **page)
    if which in LISTS:
        return await tx.all(LISTS[which], Item, **page)
    return await tx.all(q.INBOX_WAITS, Item, waits=which, **page)


async def sent(tx: Tx, unit: int, *, before: int = NEWEST, limit: int = 20) -> list[SentItem]:
    """What the unit has sent, newest first, one more than `limit` when there is more."""
    return await tx.all(q.SENT, SentItem, unit=unit, before=before, limit=limit + 1)


async def counts(tx: Tx, unit: int, now: str) -> list[WaitCount]:
    """How many items wait in the unit, by verb and kind."""
    return await tx.all(q.WAIT_COUNTS, WaitCount, unit=unit, now=now)


async def hints(tx: Tx, lines: Sequence[Item], now: str) -> dict[int, Hint]:
    """What the owning rooms add to these lines."""
    found: dict[int, Hint] = {}
    for name, kind in KINDS.items():
        ids = [line.subject_id for line in lines if line.kind == name]
        if ids:
            found.update(await kind.hints(tx, ids, now))
    return found


class Opened(NamedTuple):
    """A receipt that was just shown."""

    subject: Subject
    receipt: Receipt


async def look(tx: Tx, subject: int, actor: Actor) -> Opened:
    """The unit's receipt, without opening it. Raises NotFound (also for a recalled one)."""
    receipt = await ledger.receipt_of(tx, subject, actor.unit_id)
    return Opened(await ledger.subject_of(tx, subject), receipt)


async def needs_opening(tx: Tx, subject: int, actor: Actor) -> bool:
    """Whether showing it to this person writes a fact: only the first showing of a version does."""
    return not await ledger.has_opened(tx, await ledger.subject_of(tx, subject), actor)


async def open_item(tx: Tx, subject: int, actor: Actor, at: str) -> None:
    """Note that the newest version was shown to this person. Raises NotFound."""
    found = await look(tx, subject, actor)
    await ledger.take_step(tx, Step.OPEN, found.subject, actor.unit_id, actor, at=at)


async def sign(tx: Tx, subject: int, actor: Actor, *, waived: Collection[str], at: str) -> ledger.Taken:
    """Sign for the unit.

    Args:
        waived: ids of attachments that the person expressly leaves unopened.
    Raises:
        NotFound, Refused: not shown to this person yet, an attachment neither opened nor waived, or the state does not allow it.
    """
    found = await look(tx, subject, actor)
    if found.receipt.state in (State.ARRIVED, State.OPENED):
        if not await ledger.has_opened(tx, found.subject, actor):
            raise Refused("请先打开文件阅读，再签收。", code="not_opened")
        files = await ledger.files_of(tx, found.subject, unit=actor.unit_id, person=actor.person_id)
        unopened = [f for f in files if f.part == "attachment" and not f.opened and f.id not in waived]
        if unopened:
            names = "、".join(f.name for f in unopened[:3])
            raise Refused(
                "附件还没有打开：{names}。请打开看一看，或勾选“附件稍后再看”。", names=names, code="attachments_unopened"
            )
    return await ledger.take_step(tx, Step.SIGN, found.subject, actor.unit_id, actor, at=at)
