"""转给同事: a document is shown to a person of the same unit; 转发: it goes on to other units as a document of this one's own."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from exchange import incoming_telling as telling
from exchange import queries as q
from exchange import receiving, sending
from exchange.document import SIGN_HOURS, Contents, Document
from exchange.sending import Attached, Sent
from ground import files, search, wording
from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor, Contact
from ground.directory.groups import Wanted
from ground.directory.policy import Act, may
from ground.errors import Invalid, Refused
from ground.files import Stored
from ground.messages.telling import Told
from receipts import ledger
from receipts.inbox import Hint
from receipts.receipt import State
from receipts.today import Passed

CLOSED = (State.ARRIVED, State.RETURNED, State.RECALLED, State.RECALL_ASKED, State.SUPERSEDED)


class Pass(NamedTuple):
    """One passing on inside the unit; `seen_at` None while that person has not opened it."""

    to_person: int
    to: str
    by: str
    note: str
    at: str
    seen_at: str | None


class Forwarded(NamedTuple):
    """A document of ours that passes another one on."""

    id: int
    title: str
    number: str
    sent_at: str
    units: int


async def colleagues(tx: Tx, actor: Actor) -> list[Contact]:
    """Whom the actor may pass something to: everybody else of the unit who may read, each once."""
    found = await people.contacts_of(tx, actor.unit_id)
    able = [c for c in found if may(frozenset({c.role}), Act.READ) and c.person_id != actor.person_id]
    return list({c.person_id: c for c in reversed(able)}.values())[::-1]


async def passes_of(tx: Tx, id: int, unit: int) -> list[Pass]:
    """To whom the unit has passed a document on, in order."""
    return await tx.all(q.PASSES_OF, Pass, subject=id, unit=unit)


async def passed_to(tx: Tx, person: int, unit: int, limit: int = 20) -> list[Passed]:
    """What was passed to a person, the newest first."""
    return await tx.all(q.PASSED_TO, Passed, person=person, unit=unit, limit=limit)


async def hints(_tx: Tx, _ids: Sequence[int], _now: str) -> dict[int, Hint]:
    """For the inbox: a document's line says all there is to say."""
    return {}


async def pass_on(tx: Tx, actor: Actor, id: int, to: int, note: str, *, told: Told, now: str) -> str:
    """Pass a document to a colleague, who is told; the colleague's name.

    Raises:
        NotFound. Refused: it was recalled. Invalid: nobody of this unit, or a note that is too long.
    """
    found = await receiving.received(tx, id, actor)
    note = note.strip()
    known = {c.person_id: c for c in await colleagues(tx, actor)}
    if to not in known:
        raise Invalid.one("person", "请选本单位的一位同事。")
    if len(note) > 200 or wording.INVISIBLE.search(note):
        raise Invalid.one("note", "附言请不超过 200 字。")
    if (await ledger.receipt_of(tx, id, actor.unit_id)).state == State.RECALLED:
        raise Refused("发出单位已经撤回，不用再办。", code="recalled")
    made = await tx.value(
        q.PASS_INSERT, subject=id, unit=actor.unit_id, to_person=to, by_person=actor.person_id, note=note, at=now
    )
    await telling.passed(tx, found, actor, to, note, int(made), told, now=now)
    return known[to].name


# --- forwarding -----------------------------------------------------------------------------------------------------------


async def forwarded_by(tx: Tx, id: int, unit: int) -> list[Forwarded]:
    """The documents by which a unit has passed this one on to others."""
    return await tx.all(q.FORWARDED_BY, Forwarded, document=id, unit=unit)


async def source_of(tx: Tx, document: Document) -> Document | None:
    """The document that this one passes on; None for one that passes nothing on."""
    return await sending.find(tx, document.forwards) if document.forwards else None


def title_of(document: Document) -> str:
    """The title that forwarding offers."""
    return f"转发{document.sender_name}《{document.title}》的通知"[:300]


def contents_of(
    document: Document, *, today: str, now: str, after_hours: Callable[[str, int], str], note: str = "", title: str = "",
    series: int = 0, sign_by: str = "",
) -> Contents:  # fmt: skip
    """What the new document says: a 通知 of today, as urgent as the one it passes on.

    Args:
        after_hours: the moment so many working hours after another, for the time to sign by.
    """
    hours = SIGN_HOURS[document.urgency]
    return Contents(
        "通知", title or title_of(document), document.urgency, series, dated=today, note=note,
        sign_by=sign_by or after_hours(now, hours),
    )  # fmt: skip


async def forward(
    tx: Tx, actor: Actor, id: int, new: Contents, main: Wanted, copy: Wanted, *, told: Told, now: str, today: str
) -> Sent:
    """Send the same files to other units as a document of this unit; `forwards` keeps where it came from.

    Raises:
        NotFound. Refused: it is not open, or was returned, recalled or corrected. Invalid: contents or recipients.
    """
    await receiving.usable(tx, id, actor)
    if (await ledger.receipt_of(tx, id, actor.unit_id)).state in CLOSED:
        raise Refused("这份公文现在不能转发。请先打开；已退回、撤回或更正的不转发。", code="not_forwardable")
    attached = await _copied(tx, id, actor, now)
    return await sending.send(
        tx, actor, new, main, copy, attached=attached, told=told, now=now, today=today, forwards=id,
        words=await search.text_of(tx, id),
    )  # fmt: skip


async def _copied(tx: Tx, id: int, actor: Actor, now: str) -> Attached:
    """The files as this unit's own: new rows, the same bytes."""
    body, attachments = "", []
    for file in await ledger.files_of(tx, await ledger.subject_of(tx, id)):
        stored = Stored(file.sha256, file.size, file.media_type)
        row = await files.record(tx, stored, file.name, unit=actor.unit_id, person=actor.person_id, at=now)
        if file.part == "body":
            body = row.id
        else:
            attachments.append(row.id)
    return Attached(body, tuple(attachments))
