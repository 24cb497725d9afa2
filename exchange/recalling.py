"""Recalling a document: at once where nobody has signed, asked for where somebody has; the receiver decides.

touched = await radius(tx, id, actor)                who has opened, downloaded, passed on: shown before anything is done
done = await recall(tx, actor, id, reason, units, …)
await decide(tx, actor, recall, agree=…, …)          the receiver's word on a recall that was asked for
"""

from collections.abc import Sequence
from typing import NamedTuple

from exchange import queries as q
from exchange import sending, telling
from exchange.document import Document
from exchange.progress import lines_of
from exchange.reissuing import VOIDED, check_reason
from ground import audit
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Invalid, NotFound, Refused
from ground.messages import outbox
from ground.messages.message import Purpose
from ground.messages.telling import Told
from receipts import ledger
from receipts.receipt import State, Step, Subject

TOLD = (Purpose.PUBLISHED, Purpose.CHASE, Purpose.REMINDER)
UNSIGNED = (State.ARRIVED, State.OPENED)
SIGNED = (State.SIGNED, State.REGISTERED, State.ANSWERED)


class Touched(NamedTuple):
    """What has become of a document in one unit."""

    unit_id: int
    name: str
    state: int
    opened_by: tuple[str, ...]
    downloads: int
    passed_to: tuple[str, ...]
    forwarded: int
    answered: bool

    @property
    def at_once(self) -> bool:
        """Whether a recall needs nobody's consent."""
        return self.state in UNSIGNED

    @property
    def asked(self) -> bool:
        """Whether the unit will be asked."""
        return self.state in SIGNED


class Recall(NamedTuple):
    """One unit's recall."""

    id: int
    document_id: int
    unit_id: int
    unit: str
    reason: str
    state: str  # done, asked, agreed, refused
    asked_at: str
    decided_at: str | None
    decision_reason: str


class Recalled(NamedTuple):
    """What became of a recall: units without it now, units that are asked, units where nothing was to be done."""

    done: int
    asked: int
    left: int


async def radius(tx: Tx, id: int, actor: Actor, units: Sequence[int] = ()) -> list[Touched]:
    """How far a document has gone, unit by unit in the tree's order. Raises NotFound.

    Args:
        units: these alone; none: all.
    """
    await sending.own(tx, id, actor)
    opened = await _names(tx, q.OPENINGS, id)
    passed = await _names(tx, q.PASSED_ON, id)
    downloads = dict(await tx.all(q.DOWNLOADS, lambda unit, n: (int(unit), int(n)), document=id))
    forwarded = [unit for unit, _ in await tx.all(q.FORWARDED, lambda *c: c, document=id)]
    return [
        Touched(
            x.unit_id, x.short_name, x.state, tuple(opened.get(x.unit_id, ())), downloads.get(x.unit_id, 0),
            tuple(passed.get(x.unit_id, ())), forwarded.count(x.unit_id), x.answered_at is not None,
        )
        for x in await lines_of(tx, id)
        if not units or x.unit_id in units
    ]  # fmt: skip


async def _names(tx: Tx, query: str, id: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for row in await tx.all(query, lambda *c: c, document=id):
        names = found.setdefault(int(row[0]), [])
        if row[1] not in names:
            names.append(row[1])
    return found


async def recall(
    tx: Tx, actor: Actor, id: int, reason: str, units: Sequence[int] | None, *, told: Told, now: str
) -> Recalled:  # fmt: skip
    """Take a document back from all units, or from some: at once where it is unsigned, by asking where it is signed.

    Raises:
        NotFound. Invalid: no reason, or no unit. Refused: void, or nothing is left to recall.
    """
    document = await sending.own(tx, id, actor)
    reason = check_reason(reason)
    if document.voided_at:
        raise Refused(VOIDED, code="voided")
    everyone = [r.unit_id for r in await sending.recipients_of(tx, id)]
    chosen = everyone if units is None else [unit for unit in everyone if unit in units]
    if not chosen:
        raise Invalid.one("units", "请选要撤回的单位。")
    subject = await ledger.subject_of(tx, id)
    steps = {unit: await _take_back(tx, subject, unit, actor, reason, now) for unit in chosen}
    done = [unit for unit, step in steps.items() if step is Step.RECALL]
    asked = [unit for unit, step in steps.items() if step is Step.ASK_RECALL]
    if not done and not asked:
        raise Refused("这些单位已经撤回、退回、更正，或者正在等对方决定，没有要撤回的。", code="nothing_to_recall")
    await _tell(tx, document, reason, done, asked, told, now)
    await audit.note(
        tx, "document_recalled", f"document:{id}", at=now, person=actor.person_id, unit=actor.unit_id, address=actor.address,
        detail=f"{len(done)} units, {len(asked)} asked",
    )  # fmt: skip
    return Recalled(len(done), len(asked), len(chosen) - len(done) - len(asked))


async def _take_back(tx: Tx, subject: Subject, unit: int, actor: Actor, reason: str, now: str) -> Step | None:
    """Take the step that the receipt allows; a signature that lands between looking and doing turns the one into the other."""
    for _ in range(3):
        state = (await ledger.receipt_of(tx, subject.id, unit)).state
        if state not in (*UNSIGNED, *SIGNED):
            return None
        step = Step.RECALL if state in UNSIGNED else Step.ASK_RECALL
        try:
            taken = await ledger.take_step(tx, step, subject, unit, actor, at=now, note=reason)
        except Refused:
            continue
        if not taken.first:
            return None
        at_once = step is Step.RECALL
        await tx.value(
            q.RECALL_INSERT, document=subject.id, unit=unit, reason=reason, state="done" if at_once else "asked", at=now,
            person=actor.person_id, decided=now if at_once else None,
        )  # fmt: skip
        await outbox.clear(tx, subject.id, unit, purposes=TOLD, now=now)
        tx.notify(f"unit:{unit}")
        return step
    return None


async def _tell(
    tx: Tx, document: Document, reason: str, done: Sequence[int], asked: Sequence[int], told: Told, now: str
) -> None:  # fmt: skip
    """Tell those who lost it, and those who are asked."""
    name = f"{document.sender_name}的{document.title}"
    step = f"recall-{now}"
    gone = (f"撤回：{name}已由发出单位撤回，不用再办。原因：{reason}", f"已撤回：{document.title}")
    ask = (f"请求撤回：{name}，发出单位请求撤回，请登录送达决定是否同意。原因：{reason}", f"请求撤回：{document.title}")
    await telling.tell_units(tx, document, done, Purpose.CANCELLED, gone, told, now=now, step=step)
    await telling.tell_units(tx, document, asked, Purpose.CANCELLED, ask, told, now=now, step=step)


async def of_document(tx: Tx, id: int) -> list[Recall]:
    """Every recall of a document, newest first. Callers check first that the asker may see it."""
    return await tx.all(q.RECALLS, Recall, document=id)


async def waiting(tx: Tx, id: int, unit: int) -> Recall | None:
    """The recall that a unit has to decide on; None: nobody has asked."""
    return await tx.one(q.RECALL_OPEN, Recall, document=id, unit=unit)


async def decide(tx: Tx, actor: Actor, id: int, *, agree: bool, reason: str, told: Told, now: str) -> Recall:
    """The receiver agrees to a recall, or refuses it with a reason; the sender is told.

    Raises:
        NotFound: no recall of the actor's unit. Invalid: a refusal without a reason. Refused: decided before.
    """
    found = await tx.one(q.RECALL_BY_ID, Recall, id=id, unit=actor.unit_id)
    if found is None:
        raise NotFound("没有这个撤回申请。")
    reason = check_reason(reason) if reason.strip() or not agree else ""
    state = "agreed" if agree else "refused"
    decided = await tx.run(
        q.RECALL_DECIDE, id=id, unit=actor.unit_id, state=state, at=now, person=actor.person_id, reason=reason
    )  # fmt: skip
    if decided != 1:
        raise Refused("这个撤回申请已经决定过了。", code="decided")
    subject = await ledger.subject_of(tx, found.document_id)
    step = Step.AGREE_RECALL if agree else Step.REFUSE_RECALL
    await ledger.take_step(tx, step, subject, actor.unit_id, actor, at=now, note=reason)
    document = await sending.find(tx, found.document_id)
    word = "同意" if agree else "不同意"
    text = f"{actor.unit_short}{word}撤回{document.title}。{f'原因：{reason}' if reason else ''}"
    words = (text, f"{actor.unit_short}{word}撤回：{document.title}")
    await telling.tell_units(tx, document, [document.sender_unit], Purpose.REPLY, words, told, now=now, step=f"recall-{id}")
    await audit.note(
        tx, "recall_agreed" if agree else "recall_refused", f"document:{document.id}", at=now, person=actor.person_id,
        unit=actor.unit_id, detail=actor.unit_short, address=actor.address,
    )  # fmt: skip
    return found._replace(state=state, decided_at=now, decision_reason=reason)
