"""What the sender's page shows of one document, in one snapshot: counts, causes, the units behind one of them, the curve, the acts."""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange import chasing, progress, recalling, reissuing, sending, telling
from exchange.document import Document
from exchange.progress import Counts, Curve, Event, Line
from exchange.recalling import Recall
from exchange.reissuing import Correction
from ground import config
from ground.db import Tx
from ground.directory import units
from ground.directory.directory import Actor, Contact
from ground.messages import outbox
from ground.messages.outbox import Estimate
from ground.messages.telling import Told, contacts_for
from receipts.ledger import SubjectFile
from receipts.receipt import State, Waits

ROWS = 50  # units a page
LISTS = (
    "all", "unsigned", "opened", "signed", "registered", "answered", "late", "returned", "recalled", "recall_asked", "superseded",
    "closed",
)  # fmt: skip
SHOWS = (*LISTS, *(f"cause_{name}" for name in progress.CAUSES))


class Row(NamedTuple):
    """One unit of the table."""

    line: Line
    cause: str
    seen: str
    chased: int
    failed: int
    signer: str
    clerk: Contact | None


class Page(NamedTuple):
    """Which units are shown, and where the next ones begin."""

    show: str
    words: str
    area: int
    rows: list[Row]
    found: int
    more: int  # the unit after which the next page goes on; 0: there is none
    first: bool


class Cause(NamedTuple):
    """Units that are stuck for one reason."""

    name: str
    lines: list[Line]


class Sheet(NamedTuple):
    """The sender's page."""

    document: Document
    counts: Counts
    causes: list[Cause]
    due: int  # units that a chase of all would reach
    owing: bool  # they owe an answer; else a signature
    estimate: Estimate
    reached: int
    curve: Curve
    page: Page
    areas: list[tuple[int, str]]
    events: list[Event]
    corrections: list[Correction]
    corrected: Document | None
    asked: list[Recall]
    files: list[SubjectFile]


class Ask(NamedTuple):
    """What the query asks for. `rows`: units a page, 0 for all."""

    show: str = "all"
    words: str = ""
    area: int = 0
    after: int = 0
    rows: int = ROWS


async def gather(tx: Tx, id: int, actor: Actor, ask: Ask, *, told: Told, sms: config.Sms, zone: ZoneInfo, now: str) -> Sheet:
    """The page of a document of the actor's unit. Raises NotFound for any other."""
    document = await sending.own(tx, id, actor)
    lines = await progress.lines_of(tx, id)
    contacts = await contacts_for(tx, [x.unit_id for x in lines])
    midnight = progress.midnight_before(now, zone)
    causes = {x.unit_id: progress.cause(x, contacts.get(x.unit_id, []), midnight) for x in lines}
    due = [] if document.voided_at else chasing.due(lines)
    owing = bool(due) and due[0].waits == Waits.ANSWER
    mobiles = sum(bool(c.mobile) for x in due for c in contacts.get(x.unit_id, ()))
    words = chasing.answer_text if owing else telling.chase_text
    counts = progress.count(lines)
    ask = ask._replace(show=ask.show if ask.show in SHOWS else "unsigned" if counts.base > counts.rated else "all")
    return Sheet(
        document=document,
        counts=counts,
        causes=[Cause(*one) for one in progress.by_cause(causes, lines)],
        due=len(due),
        owing=owing,
        estimate=outbox.estimate(words(document, told, now)[0], mobiles, sms),
        reached=mobiles,
        curve=progress.curve(lines, start=document.sent_at, due=document.sign_by, now=now),
        page=page_of(await _rows(tx, id, lines, causes, contacts), ask, now),
        areas=await _areas(tx, lines),
        events=await progress.events_of(tx, id),
        corrections=await reissuing.corrections_of(tx, id),
        corrected=await sending.find(tx, document.corrects) if document.corrects else None,
        asked=[r for r in await recalling.of_document(tx, id) if r.state == "asked"],
        files=await sending.files_of(tx, id),
    )


async def _rows(
    tx: Tx, id: int, lines: Sequence[Line], causes: dict[int, str], contacts: dict[int, list[Contact]]
) -> list[Row]:  # fmt: skip
    chased = await progress.chased_of(tx, id)
    signers = await progress.signers_of(tx, id)
    return [
        Row(
            x, causes[x.unit_id], progress.last_seen(contacts.get(x.unit_id, [])), *chased.get(x.unit_id, (0, 0)),
            signers.get(x.unit_id, ""), next(iter(contacts.get(x.unit_id, ())), None),
        )
        for x in lines
    ]  # fmt: skip


async def _areas(tx: Tx, lines: Sequence[Line]) -> list[tuple[int, str]]:
    """The areas (区划) below the top that the units lie in, by the tree's order."""
    inside = {id for x in lines for id in x.path.strip("/").split("/")[:-1]}
    everyone = await units.everyone(tx)
    return [(u.id, u.short_name) for u in everyone if u.kind == units.AREA and u.parent_id and str(u.id) in inside]


def page_of(rows: Sequence[Row], ask: Ask, now: str) -> Page:
    """The units of one list that come after the unit `ask.after`, as many as a page holds."""
    found = [row for row in rows if _shown(row, ask.show, now) and _matches(row.line, ask)]
    at = next((n + 1 for n, row in enumerate(found) if row.line.unit_id == ask.after), 0)
    here = found[at : at + ask.rows] if ask.rows else found
    more = here[-1].line.unit_id if ask.rows and at + ask.rows < len(found) else 0
    return Page(ask.show, ask.words, ask.area, here, len(found), more, at == 0)


def _shown(row: Row, show: str, now: str) -> bool:
    x = row.line
    if show.startswith("cause_"):
        return row.cause == show.removeprefix("cause_")
    return {
        "all": True,
        "unsigned": x.counts and not x.signed_at,
        "opened": x.step >= 2,
        "signed": x.step >= 3,
        "registered": bool(x.registered_at),
        "answered": bool(x.answered_at),
        "late": x.counts and (str(x.signed_at) > x.sign_by if x.signed_at else x.sign_by < now),
        "returned": x.state == State.RETURNED,
        "recalled": x.recalled,
        "recall_asked": x.state == State.RECALL_ASKED,
        "superseded": x.state == State.SUPERSEDED,
        "closed": x.closed_early and not x.recalled,
    }[show]


def _matches(x: Line, ask: Ask) -> bool:
    if ask.area and f"/{ask.area}/" not in x.path:
        return False
    words = ask.words
    named = words in x.name or words in x.short_name or x.code.startswith(words)
    return not words or named or x.initials.startswith(words.lower())
