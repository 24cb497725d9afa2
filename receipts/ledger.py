"""The ledger: subjects are opened to units, steps are taken, facts are written; the counts go with them.

    subject = await open_subject(tx, new)               one row
    await open_receipts(tx, subject, units, at=now)     a receipt, an "arrived" fact for each unit, the tally
    await take_step(tx, Step.SIGN, subject, unit, by)   one conditional UPDATE, one fact, one count

Every fact keeps who, on whose behalf, how they had signed in, from where, when, and the digest of exactly what was shown.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import rfc8785

from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import NotFound, Refused
from receipts import queries as q
from receipts.receipt import TABLE, Fact, Go, No, Receipt, Same, State, Step, Subject, Tally, Waits

# Rooms that keep files of their own beside a subject (an answer's) say here who may see them: (tx, file, unit).
ALSO_SEEN: list[Callable[[Tx, str, int], Awaitable[bool]]] = []


class NewSubject(NamedTuple):
    """What a room says of a subject it opens."""

    kind: str
    title: str
    urgency: str
    sender_unit: int
    sender_name: str
    sent_by: int
    sent_at: str
    sign_by: str
    answer_by: str | None
    digest: str
    number: str = ""


class Taken(NamedTuple):
    """What a step came to: whether it was the first of its kind, and the state now."""

    first: bool
    state: State


class SubjectFile(NamedTuple):
    """A file of a subject, as one person of one unit sees it."""

    id: str
    name: str
    size: int
    media_type: str
    sha256: str
    part: str
    opened: int


def digest(shown: Any) -> str:
    """SHA-256 of the RFC 8785 canonical JSON of what is shown: metadata, and every file's name and hash."""
    return hashed(rfc8785.dumps(shown))


def hashed(canonical: bytes) -> str:
    """SHA-256 of canonical JSON that is at hand already."""
    return hashlib.sha256(canonical).hexdigest()


async def open_subject(tx: Tx, new: NewSubject) -> int:
    """Write the subject; its id."""
    return int(await tx.value(q.SUBJECT_INSERT, **new._asdict()))


async def open_receipts(
    tx: Tx, subject: Subject, units: Sequence[tuple[int, str]], *, at: str, sign_by: str = "", answer_by: str = ""
) -> None:
    """Open a receipt for each (unit, main|copy). From now on it stands in their inboxes: that is what "arrived" means.

    Args:
        sign_by, answer_by: these units' own times (补发); '' for the subject's.
    """
    rows = [
        {
            "subject": subject.id, "unit": unit, "part": part, "due": sign_by or subject.sign_by, "at": at,
            "sign_by": sign_by or None, "answer_by": answer_by or None,
        }
        for unit, part in units
    ]  # fmt: skip
    await tx.many(q.RECEIPT_INSERT, rows)
    facts = [
        {"subject": subject.id, "unit": unit, "version": subject.version, "at": at, "digest": subject.digest} for unit, _ in units
    ]
    await tx.many(q.ARRIVED_INSERT, facts)
    await tx.run(q.TALLY_INSERT, subject=subject.id, total=len(units))
    tx.notify(f"subject:{subject.id}")
    for unit, _ in units:
        tx.notify(f"unit:{unit}")


async def subject_of(tx: Tx, subject: int) -> Subject:
    """The subject. Raises NotFound. (Whether the asker may see it is `receipt_of`'s question.)"""
    found = await tx.one(q.SUBJECT_BY_ID, Subject, id=subject)
    if found is None:
        raise NotFound
    return found


async def receipt_of(tx: Tx, subject: int, unit: int) -> Receipt:
    """The unit's receipt. Raises NotFound: another unit's subject answers like one that is not there."""
    found = await tx.one(q.RECEIPT_ONE, Receipt, subject=subject, unit=unit)
    if found is None:
        raise NotFound
    return found


async def facts_of(tx: Tx, subject: int, unit: int) -> list[Fact]:
    """Every fact of a receipt, in the order they were written."""
    return await tx.all(q.FACTS_OF_RECEIPT, Fact, subject=subject, unit=unit)


async def tally_of(tx: Tx, subject: int) -> Tally:
    """The subject's counts."""
    return await tx.one(q.TALLY, Tally, subject=subject) or Tally(0, 0, 0, 0, 0, 0, 0)


async def files_of(tx: Tx, subject: Subject, *, unit: int = 0, person: int = 0, version: int = 0) -> list[SubjectFile]:
    """The files of a version (the newest, unless said), and which this person of this unit has opened."""
    return await tx.all(
        q.FILES_OF_SUBJECT, SubjectFile, subject=subject.id, version=version or subject.version, unit=unit, person=person
    )


async def put_files(tx: Tx, subject: int, version: int, files: Sequence[tuple[str, str]]) -> None:
    """Attach (file id, body|attachment) to a version, in order."""
    rows = [{"subject": subject, "version": version, "sort": n, "part": part, "file": id} for n, (id, part) in enumerate(files)]
    await tx.many(q.FILE_PUT, rows)


async def open_file(tx: Tx, file: str, actor: Actor, at: str) -> None:
    """Note that this person has opened a file, for every subject of the unit that carries it."""
    for subject in await tx.all(q.FILE_SUBJECTS, int, file=file, unit=actor.unit_id):
        await tx.run(q.FILE_OPENED, subject=subject, unit=actor.unit_id, person=actor.person_id, file=file, at=at)


async def may_see_file(tx: Tx, file: str, unit: int) -> bool:
    """Whether a subject that the unit sent or received carries the file, or something that came with one."""
    if await tx.value(q.FILE_VISIBLE, file=file, unit=unit) is not None:
        return True
    return any([await seen(tx, file, unit) for seen in ALSO_SEEN])


async def has_opened(tx: Tx, subject: Subject, actor: Actor) -> bool:
    """Whether the newest version was shown to this very person."""
    found = await tx.value(
        q.FACT_EXISTS_VERSION, subject=subject.id, unit=actor.unit_id, fact=Step.OPEN, person=actor.person_id,
        version=subject.version,
    )  # fmt: skip
    return found is not None


async def take_step(tx: Tx, step: Step, subject: Subject, unit: int, by: Actor, *, at: str, note: str = "") -> Taken:
    """Take a step on a unit's receipt, or answer with the first fact when it was taken before.

    Raises:
        NotFound: the subject was not sent to the unit. Refused: the table does not allow the step in this state.
    """
    for _ in range(10):
        receipt = await receipt_of(tx, subject.id, unit)
        before = State(receipt.state)
        outcome = TABLE[before, step]
        if isinstance(outcome, No):
            raise Refused(outcome.sentence, code=f"{before.name}_{step.name}".lower())
        if isinstance(outcome, Same):
            if step is Step.OPEN:
                await write_fact(tx, step, subject, unit, by, at=at, note=note)
            return Taken(first=False, state=before)
        after = await _after(tx, outcome, step, subject.id, unit, receipt)
        waits, due = _next(after, subject, receipt)
        changed = await tx.run(
            q.STEP, subject=subject.id, unit=unit, before=before, after=after, waits=waits, due=due,
            opened=at if step is Step.OPEN else None, signed=at if step is Step.SIGN else None,
            answered=at if step is Step.ANSWER else None,
        )  # fmt: skip
        if changed == 1:
            await write_fact(tx, step, subject, unit, by, at=at, note=note)
            await _count(tx, step, subject.id, receipt)
            tx.notify(f"subject:{subject.id}")
            return Taken(first=True, state=after)
    raise Refused("同时办这一件的人太多，请再按一次。", code="busy")


async def _after(tx: Tx, go: Go, step: Step, subject: int, unit: int, receipt: Receipt) -> State:
    """The state to go to. A refused recall goes back to the highest fact; a unit answered for (代报) becomes answered."""
    if step is Step.REFUSE_RECALL:
        return State(await tx.value(q.HIGHEST_FACT, subject=subject, unit=unit) or State.SIGNED)
    if step is Step.SIGN and receipt.answered_at is not None:
        return State.ANSWERED
    return go.state


def _next(after: State, subject: Subject, receipt: Receipt) -> tuple[str | None, str | None]:
    """What the unit has to do next, and until when."""
    answer_by = receipt.answer_by or subject.answer_by
    if after in (State.ARRIVED, State.OPENED):
        return Waits.SIGN, receipt.sign_by or subject.sign_by
    if after in (State.SIGNED, State.REGISTERED) and answer_by and receipt.answered_at is None and not subject.closed_at:
        return Waits.ANSWER, answer_by
    return None, None


async def write_fact(tx: Tx, step: Step, subject: Subject, unit: int, by: Actor, *, at: str, note: str = "") -> None:
    """Write a fact once for this person and version."""
    await tx.run(
        q.FACT_INSERT, subject=subject.id, unit=unit, version=subject.version, fact=str(step), at=at, person=by.person_id,
        for_person=by.for_person, how=by.how, address=by.address, digest=subject.digest, note=note,
    )  # fmt: skip


async def late_fact(tx: Tx, step: Step, subject: Subject, unit: int, by: Actor, *, at: str, note: str = "") -> None:
    """Write and count a fact below one that stands already (registered after answering); the state stays."""
    receipt = await receipt_of(tx, subject.id, unit)
    await write_fact(tx, step, subject, unit, by, at=at, note=note)
    await _count(tx, step, subject.id, receipt)


async def _count(tx: Tx, step: Step, subject: int, receipt: Receipt) -> None:
    """Add to the subject's counts what this step counts for."""
    add = {
        "opened": int(step is Step.OPEN),
        "signed": int(step is Step.SIGN),
        "registered": int(step is Step.REGISTER),
        "answered": int(step is Step.ANSWER and receipt.answered_at is None),
        "returned": int(step is Step.RETURN),
        "recalled": int(step in (Step.RECALL, Step.AGREE_RECALL)),
    }
    if any(add.values()):
        await tx.run(q.TALLY_ADD, subject=subject, **add)


async def answer_for(tx: Tx, subject: Subject, unit: int, by: Actor, *, at: str, note: str) -> None:
    """The sender answers for a unit (代报): an unsigned receipt stays unsigned, but has its answer."""
    receipt = await receipt_of(tx, subject.id, unit)
    if receipt.state >= State.SIGNED:
        await take_step(tx, Step.ANSWER, subject, unit, by, at=at, note=note)
        return
    if await tx.run(q.ANSWERED_FOR, subject=subject.id, unit=unit, at=at) == 1:
        await write_fact(tx, Step.ANSWER, subject, unit, by, at=at, note=note)
        await _count(tx, Step.ANSWER, subject.id, receipt)
    tx.notify(f"subject:{subject.id}")


async def wait(tx: Tx, subject: int, unit: int, waits: Waits | None, due: str | None) -> None:
    """Set what a unit has to do next (None: nothing)."""
    await tx.run(q.WAIT, subject=subject, unit=unit, waits=waits, due=due)


async def done_waiting(tx: Tx, subject: int, unit: int, waits: Waits) -> None:
    """The unit has done what it was waiting for."""
    await tx.run(q.WAIT_DONE, subject=subject, unit=unit, waits=waits)


async def new_version(tx: Tx, subject: Subject, *, title: str, digest: str, sign_by: str, answer_by: str | None) -> Subject:
    """Count the subject's version up. Raises Refused when somebody else changed it first."""
    after = subject._replace(version=subject.version + 1, title=title, digest=digest, sign_by=sign_by, answer_by=answer_by)
    changed = await tx.run(
        q.SUBJECT_VERSION, id=subject.id, before=subject.version, version=after.version, title=title, digest=digest,
        sign_by=sign_by, answer_by=answer_by,
    )  # fmt: skip
    if changed != 1:
        raise Refused("这件事刚被别人改过，请刷新后再改。您填的内容还在本页。", code="changed_meanwhile")
    for waits, due in ((Waits.SIGN, sign_by), (Waits.ANSWER, answer_by)):
        if due is not None:
            await tx.run(q.WAIT_DUE, subject=subject.id, waits=waits, due=due)
    tx.notify(f"subject:{subject.id}")
    return after


async def close_subject(tx: Tx, subject: int, at: str) -> None:
    """Nothing more is to be done for this subject. Raises Refused when it was closed before."""
    if await tx.run(q.SUBJECT_CLOSE, id=subject, at=at) != 1:
        raise Refused("这件事已经取消了。", code="closed")
    await tx.run(q.WAIT_NONE, subject=subject)
    tx.notify(f"subject:{subject}")
