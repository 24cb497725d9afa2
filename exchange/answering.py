"""答复: what a unit says to a document that asks for it, in words and files. A late answer is taken, and seen to be late."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from exchange import document as nouns
from exchange import incoming_telling as telling
from exchange import queries as q
from exchange import receiving
from ground import files, wording
from ground.db import Tx
from ground.directory.directory import Actor
from ground.directory.units import like
from ground.errors import FieldError, Invalid, NotFound
from ground.files import File
from ground.messages import outbox
from ground.messages.message import CLEARED_BY_ANSWER
from ground.messages.telling import Told
from receipts import ledger
from receipts.receipt import Receipt, Step, Subject

MOST_FILES = 20
MOST_TEXT = 10_000


class Reply(NamedTuple):
    """A unit's answer."""

    text: str
    files: tuple[str, ...]
    at: str
    person_id: int
    person: str

    @classmethod
    def of_row(cls, *row: Any) -> "Reply":
        """A row of `queries.REPLY_OF`: the ids of files are JSON there."""
        return cls._make((row[0], tuple(json.loads(row[1])), *row[2:]))


def due(subject: Subject, receipt: Receipt) -> str:
    """Until when this unit is asked to answer; '' when it is not asked."""
    return receipt.answer_by or subject.answer_by or ""


async def reply_of(tx: Tx, id: int, unit: int) -> Reply | None:
    """The unit's answer; None while there is none."""
    return await tx.one(q.REPLY_OF, Reply.of_row, subject=id, unit=unit)


async def files_of(tx: Tx, reply: Reply) -> list[File]:
    """The answer's files."""
    found = [await files.find(tx, id) for id in reply.files]
    return [row for row in found if row is not None]


async def file_seen(tx: Tx, file: str, unit: int) -> bool:
    """Whether the file came with an answer to one of the unit's documents."""
    return await tx.value(q.REPLY_FILE_SEEN, file=file, unit=unit, quoted=f'%"{like(file)}"%') is not None


async def answer(tx: Tx, actor: Actor, id: int, text: str, attached: Sequence[str], *, told: Told, now: str) -> Reply:
    """Answer for the unit, once; the sender is told. A repeat answers with the first answer.

    Raises:
        NotFound. Refused: not signed yet, returned, recalled, corrected. Invalid: nothing is said, or a file is not the unit's.
    """
    text, wanted = text.strip(), tuple(dict.fromkeys(attached))
    found = await receiving.received(tx, id, actor)
    known = await reply_of(tx, id, actor.unit_id)
    if known is not None:
        return known
    await _check(tx, actor, text, wanted)
    await receiving.usable(tx, id, actor)
    subject = await ledger.subject_of(tx, id)
    receipt = await ledger.receipt_of(tx, id, actor.unit_id)
    taken = await ledger.take_step(tx, Step.ANSWER, subject, actor.unit_id, actor, at=now)
    if taken.first:
        await tx.run(
            q.REPLY_INSERT, subject=id, unit=actor.unit_id, text=text, files=nouns.dumps(list(wanted)), at=now,
            person=actor.person_id,
        )  # fmt: skip
        await outbox.clear(tx, id, actor.unit_id, purposes=CLEARED_BY_ANSWER, now=now)
        await telling.answered(tx, found, actor, late="" < due(subject, receipt) < now, told=told, now=now)
    stands = await reply_of(tx, id, actor.unit_id)
    if stands is None:
        raise NotFound
    return stands


async def _check(tx: Tx, actor: Actor, text: str, wanted: Sequence[str]) -> None:
    errors: list[FieldError] = []
    if not text and not wanted:
        errors.append(FieldError("text", "请写答复，或附上文件。"))
    elif len(text) > MOST_TEXT:
        errors.append(FieldError("text", "答复请不超过 10000 字，长的请附文件。"))
    elif wording.INVISIBLE.search(text):
        errors.append(FieldError("text", wording.INVISIBLE_SENTENCE))
    elif wording.CLASSIFIED.search(text):
        errors.append(FieldError("text", wording.CLASSIFIED_SENTENCE))
    rows = [await files.find(tx, id) for id in wanted[: MOST_FILES + 1]]
    if len(wanted) > MOST_FILES:
        errors.append(FieldError("attachments", "最多附 20 个文件。"))
    elif any(row is None or row.unit_id != actor.unit_id for row in rows):
        errors.append(FieldError("attachments", "有一个文件没有找到，请重新上传。"))
    if errors:
        raise Invalid(errors)
