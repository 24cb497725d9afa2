"""Sending a document: checked, numbered, frozen, its receipts opened and its messages queued, in one transaction.

    done = await send(tx, actor, contents, main, copy, files=…, told=…, now=…, today=…)

A crash before the commit leaves nothing, the number included; after it, everything. Pressed twice it is one document: the face's
idempotency key stands in the same transaction.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import rfc8785
from cryptography.hazmat.primitives import hashes

from exchange import document as nouns
from exchange import numbering, telling
from exchange import queries as q
from exchange.document import Contents, Document, Recipient
from ground import audit, files, search
from ground.db import Tx
from ground.directory import groups
from ground.directory.directory import Actor, Unit
from ground.directory.groups import Wanted
from ground.errors import FieldError, Invalid, NotFound, Refused
from ground.messages.message import Purpose
from ground.messages.telling import Told
from receipts import ledger
from receipts.ledger import NewSubject


class Attached(NamedTuple):
    """Ids of a document's files: the body, and attachments in their order."""

    body: str
    attachments: tuple[str, ...] = ()


class Sent(NamedTuple):
    """What became of a press of the button."""

    id: int
    number: str
    receipts: int
    messages: int
    unreachable: tuple[int, ...]


class Frozen(NamedTuple):
    """Recipients as they are now: open units, each once; a unit named in both lists is a main recipient."""

    main: tuple[Unit, ...]
    copy: tuple[Unit, ...]

    @property
    def parts(self) -> list[tuple[Unit, str]]:
        """(unit, main | copy), main first."""
        return [(u, "main") for u in self.main] + [(u, "copy") for u in self.copy]


async def find(tx: Tx, id: int) -> Document:
    """The document, whoever asks. Raises NotFound. Callers check first that the asker may see it."""
    found = await tx.one(q.DOCUMENT_BY_ID, Document.of_row, id=id)
    if found is None:
        raise NotFound
    return found


async def own(tx: Tx, id: int, actor: Actor) -> Document:
    """A document that the actor's unit has sent. Raises NotFound for any other."""
    found = await find(tx, id)
    if found.sender_unit != actor.unit_id:
        raise NotFound
    return found


async def recipients_of(tx: Tx, id: int) -> list[Recipient]:
    """Whom it was sent to, by copy number."""
    return await tx.all(q.RECIPIENTS, Recipient, document=id)


async def files_of(tx: Tx, id: int) -> list[ledger.SubjectFile]:
    """The files of a document, the body first."""
    return await ledger.files_of(tx, await ledger.subject_of(tx, id))


async def freeze(tx: Tx, main: Wanted, copy: Wanted, *, owner: int, today: str) -> Frozen:
    """The units that both lists mean now. Raises Invalid for names that are nobody's."""
    errors, lists = [], []
    for field, wanted in (("main", main), ("copy", copy)):
        addressed = await groups.resolve(tx, wanted, owner=owner, today=today)
        if addressed.unknown:
            names = "、".join(addressed.unknown[:5])
            errors.append(FieldError(field, f"这些单位或发文范围没有找到：{names}。请改正后再发。"))
        lists.append(addressed.units)
    if errors:
        raise Invalid(errors)
    first = {u.id for u in lists[0]}
    return Frozen(tuple(lists[0]), tuple(u for u in lists[1] if u.id not in first))


async def file_rows(tx: Tx, attached: Attached, actor: Actor) -> list[tuple[files.File, str]]:
    """The rows of the files with their part. Raises Invalid without a body, and for a file that is another unit's."""
    if not attached.body:
        raise Invalid.one("body", "请上传正文。")
    found = []
    for id, part in [(attached.body, "body"), *((a, "attachment") for a in dict.fromkeys(attached.attachments))]:
        row = await files.find(tx, id)
        if row is None or row.unit_id != actor.unit_id:
            raise Invalid.one("body" if part == "body" else "attachments", "有一个文件没有找到，请重新上传。")
        found.append((row, part))
    return found


def manifest(new: Contents, number: str, sender: str, attached: Sequence[tuple[files.File, str]]) -> bytes:
    """Exactly what a unit is shown, as RFC 8785 canonical JSON: metadata, and every file's name, size and digest."""
    shown = new._replace(series=0, text="")._asdict() | {"joint": list(new.joint), "number": number, "sender": sender}
    listed: list[Any] = [{"name": f.name, "part": part, "sha256": f.sha256, "size": f.size} for f, part in attached]
    return rfc8785.dumps({"kind": "document", "contents": shown, "files": listed})


def sm3(data: bytes) -> str:
    """SM3 in hexadecimal (GB/T 32905-2016)."""
    hasher = hashes.Hash(hashes.SM3())
    hasher.update(data)
    return hasher.finalize().hex()


async def send(
    tx: Tx, actor: Actor, new: Contents, main: Wanted, copy: Wanted, *, attached: Attached, told: Told, now: str, today: str,
    draft: int = 0, corrects: int | None = None, forwards: int | None = None, words: str = "",
) -> Sent:  # fmt: skip
    """Send a document to every unit that the two lists mean now.

    Args:
        words: what its files say, for the search.
    Raises:
        Invalid: contents, files or recipients that cannot stand. NotFound: a series that is not the unit's.
        Refused: the draft was sent by somebody else meanwhile.
    """
    frozen = await freeze(tx, main, copy, owner=actor.unit_id, today=today)
    errors = nouns.check_contents(new, now=now, today=today, main=len(frozen.main))
    if errors:
        raise Invalid(errors)
    rows = await file_rows(tx, attached, actor)
    id = await ledger.open_subject(
        tx, NewSubject("document", new.title, new.urgency, actor.unit_id, actor.unit_short, actor.person_id, now, new.sign_by,
                       new.answer_by or None, ""),
    )  # fmt: skip
    await _write(tx, id, actor, new, rows, now, today, corrects, forwards)
    await ledger.put_files(tx, id, 1, [(f.id, part) for f, part in rows])
    await deliver(tx, id, frozen, batch=0, first_copy=1, now=now)
    found = await find(tx, id)
    units = [u.id for u, _ in frozen.parts]
    count = await telling.tell_units(tx, found, units, Purpose.PUBLISHED, telling.sent_text(found, told, now), told, now=now)
    await search.put(tx, id, "\n".join((new.title, found.number, actor.unit_name, new.issuer, words)))
    if draft and await tx.run(q.DRAFT_DONE, id=draft, unit=actor.unit_id, document=id) != 1:
        raise Refused("这份草稿已经发出了，请到“发文”里看。", code="sent_already")
    await audit.note(
        tx, "document_sent", f"document:{id}", at=now, person=actor.person_id, unit=actor.unit_id, address=actor.address,
        detail=f"{len(units)} units, {count.messages} messages",
    )  # fmt: skip
    return Sent(id, found.number, len(units), count.messages, count.unreachable)


async def _write(
    tx: Tx, id: int, actor: Actor, new: Contents, rows: Sequence[tuple[files.File, str]], now: str, today: str,
    corrects: int | None, forwards: int | None,
) -> None:  # fmt: skip
    """Take the number, write the manifest and the document's row."""
    series = await numbering.find(tx, new.series, actor.unit_id) if new.series else None
    year, serial, number = None, None, ""
    if series is not None:
        taken = await numbering.take(tx, series, int(today[:4]), id, by=actor.person_id, at=now)
        year, serial, number = taken.year, taken.serial, numbering.written(*taken)
    shown = manifest(new, number, actor.unit_name, rows)
    digest = ledger.hashed(shown)
    await tx.run(q.SUBJECT_NUMBER, id=id, number=number, digest=digest)
    await tx.run(
        q.DOCUMENT_INSERT, id=id, kind=new.kind, series=new.series or None, year=year, serial=serial, issuer=new.issuer,
        dated=new.dated, joint=nouns.dumps(list(new.joint)), note=new.note, manifest=shown.decode(), sha256=digest,
        sm3=sm3(shown), corrects=corrects, forwards=forwards,
    )  # fmt: skip


async def deliver(
    tx: Tx, id: int, frozen: Frozen, *, batch: int, first_copy: int, now: str, sign_by: str = "", answer_by: str = ""
) -> None:
    """Freeze the recipients with their names of now and their 份号, and open their receipts.

    Args:
        sign_by, answer_by: these units' own times (补发); '' for the document's.
    """
    rows = [
        {"document": id, "unit": u.id, "part": part, "name": u.name, "copy_no": n, "batch": batch, "at": now}
        for n, (u, part) in enumerate(frozen.parts, first_copy)
    ]
    await tx.many(q.RECIPIENT_INSERT, rows)
    subject = await ledger.subject_of(tx, id)
    await ledger.open_receipts(
        tx, subject, [(u.id, part) for u, part in frozen.parts], at=now, sign_by=sign_by, answer_by=answer_by
    )
