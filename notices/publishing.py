"""Publishing, changing and cancelling a notice. Each is one transaction: all units or none, and every message with it."""

import json
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from ground import audit, files, search, wording
from ground.db import Tx
from ground.directory import groups
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.errors import FieldError, Invalid, NotFound, Refused
from ground.messages import outbox
from ground.messages.message import Purpose
from ground.messages.telling import Told
from notices import notice as nouns
from notices import queries as q
from notices import telling
from notices.notice import Change, Contents, Notice
from receipts import ledger
from receipts.ledger import NewSubject
from receipts.receipt import Subject, Waits


class Published(NamedTuple):
    """What became of a press of the button."""

    id: int
    version: int
    receipts: int
    messages: int
    unreachable: tuple[int, ...]


class Version(NamedTuple):
    """One version of a notice: what it changed."""

    version: int
    at: str
    person_id: int
    material: int
    changes: tuple[Change, ...]

    @classmethod
    def of_row(cls, version: int, at: str, person: int, material: int, changes: str) -> "Version":
        """A row of `queries.VERSIONS`."""
        return cls(version, at, person, material, tuple(Change(**c) for c in json.loads(changes)))


class Draft(NamedTuple):
    """A page's fields as they were typed."""

    id: int
    form: dict[str, Any]
    saved_at: str
    published_as: int | None

    @classmethod
    def of_row(cls, id: int, form: str, saved_at: str, published_as: int | None) -> "Draft":
        """A row of `queries.DRAFT`."""
        return cls(id, json.loads(form), saved_at, published_as)


async def find(tx: Tx, id: int) -> Notice:
    """The notice, whoever asks. Raises NotFound. Callers check first that the asker may see it."""
    found = await tx.one(q.NOTICE_BY_ID, Notice.of_row, id=id)
    if found is None:
        raise NotFound
    return found


async def own(tx: Tx, id: int, actor: Actor) -> Notice:
    """A notice that the actor's unit has sent. Raises NotFound for any other."""
    found = await find(tx, id)
    if found.sender_unit != actor.unit_id:
        raise NotFound
    return found


async def _files(tx: Tx, body: str, attachments: Sequence[str], actor: Actor) -> list[tuple[files.File, str]]:
    """The rows of the files to attach. Raises Invalid for a file that is not there or is another unit's."""
    found = []
    for id, part in [(body, "body")] * bool(body) + [(a, "attachment") for a in dict.fromkeys(attachments)]:
        row = await files.find(tx, id)
        if row is None or row.unit_id != actor.unit_id:
            raise Invalid.one("attachments", "有一个附件没有找到，请重新上传。")
        found.append((row, part))
    return found


def shown(contents: Contents, version: int, attached: Sequence[tuple[files.File, str]]) -> str:
    """The digest of exactly what a unit is shown."""
    manifest = [{"name": f.name, "part": part, "sha256": f.sha256, "size": f.size} for f, part in attached]
    return ledger.digest({"kind": "notice", "version": version, "contents": nouns.plain(contents), "files": manifest})


async def publish(
    tx: Tx, actor: Actor, new: Contents, wanted: Wanted, *, told: Told, now: str, today: str, body: str = "",
    attachments: Sequence[str] = (), draft: int = 0,
) -> Published:  # fmt: skip
    """Send a notice to every unit that `wanted` means now; the list is frozen.

    Raises:
        Invalid: contents, files or recipients that cannot stand; nobody is left to invite.
        Refused: the draft was published by somebody else meanwhile.
    """
    nouns.check_contents(new, now=now)
    addressed = await groups.resolve(tx, wanted, owner=actor.unit_id, today=today)
    if addressed.unknown:
        names = "、".join(addressed.unknown[:5])
        raise Invalid([FieldError("invited", f"这些单位或发文范围没有找到：{names}。请改正后再发。")])
    if not addressed.units:
        closed = "（选的单位都已停用）" if addressed.closed else ""
        raise Invalid([FieldError("invited", f"请选参加的单位{closed}。")])
    attached = await _files(tx, body, attachments, actor)
    subject_digest = shown(new, 1, attached)
    id = await ledger.open_subject(
        tx, NewSubject("notice", new.title, new.urgency, actor.unit_id, actor.unit_short, actor.person_id, now, new.answer_by,
                       new.answer_by, subject_digest),
    )  # fmt: skip
    await tx.run(
        q.NOTICE_INSERT, id=id, uid=f"{secrets.token_hex(12)}@songda", starts_at=new.starts_at, ends_at=new.ends_at,
        answer_by=new.answer_by, place=new.place, seats=new.seats, quota=nouns.dumps(new.quota), fields=nouns.dumps(new.fields),
        details=nouns.dumps(new.details), check_in=secrets.token_urlsafe(9),
    )  # fmt: skip
    await _keep_version(tx, id, 1, new, (), actor, now, material=False)
    await ledger.put_files(tx, id, 1, [(f.id, part) for f, part in attached])
    subject = await ledger.subject_of(tx, id)
    units = [u.id for u in addressed.units]
    await ledger.open_receipts(tx, subject, [(unit, "main") for unit in units], at=now)
    await tx.many(q.ANSWER_OPEN, [{"notice": id, "unit": unit} for unit in units])
    notice = await find(tx, id)
    words = telling.published_text(notice, told, now)
    count = await telling.tell_units(tx, notice, units, Purpose.PUBLISHED, words, told, now=now, method="REQUEST")
    await search.put(tx, id, _searched(notice))
    if draft and await tx.run(q.DRAFT_DONE, id=draft, unit=actor.unit_id, notice=id) != 1:
        raise Refused("这份草稿已经发出了，请到“会议”里看。", code="published_already")
    await _note(tx, "notice_published", id, actor, now, f"{len(units)} units, {count.messages} messages")
    return Published(id, 1, len(units), count.messages, count.unreachable)


def _searched(notice: Notice) -> str:
    """The words that a notice is found by."""
    return "\n".join((notice.title, notice.place, notice.sender_name, *notice.details))


async def _keep_version(
    tx: Tx, id: int, version: int, new: Contents, changes: Sequence[Change], actor: Actor, now: str, *, material: bool
) -> None:
    await tx.run(
        q.VERSION_INSERT, notice=id, version=version, at=now, person=actor.person_id, material=int(material),
        changes=nouns.dumps(list(changes)), whole=nouns.dumps(new),
    )  # fmt: skip


async def _note(tx: Tx, act: str, id: int, actor: Actor, now: str, detail: str = "") -> None:
    await audit.note(
        tx, act, f"notice:{id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=detail, address=actor.address
    )


async def change(
    tx: Tx, actor: Actor, id: int, seen_version: int, new: Contents, *, told: Told, now: str,
    attachments: Sequence[str] | None = None,
) -> tuple[Notice, tuple[Change, ...]]:  # fmt: skip
    """Make a new version. Units that have answered must confirm it when time or place changed; everybody is told old → new.

    Args:
        seen_version: the version that the organiser was looking at: two organisers never overwrite each other.
        attachments: the whole new list of attachments, or None to keep them.
    Raises:
        Invalid: contents that cannot stand. Refused: cancelled, changed by somebody else meanwhile, or nothing is different.
    """
    old = await own(tx, id, actor)
    if old.cancelled_at:
        raise Refused("会议已取消，不能再改。要开会请另发通知。")
    subject = await ledger.subject_of(tx, id)
    for version in (old.version, subject.version):  # another change may have been committed between the two reads
        if version != seen_version:
            raise Refused(
                "这个通知刚被别人改成了第 {n} 版，请看过新版再改。您填的内容还在本页。", n=version, code="changed_meanwhile"
            )
    nouns.check_contents(new, now=now, published=True)
    kept = [(f.id, f.part) for f in await ledger.files_of(tx, subject)]
    listed = kept
    if attachments is not None:
        listed = [(i, p) for i, p in kept if p == "body"]
        listed += [(f.id, part) for f, part in await _files(tx, "", attachments, actor)]
    found = list(nouns.changes(old.contents, new))
    if [i for i, _ in listed] != [i for i, _ in kept]:
        found.append(Change("files", str(len(kept)), str(len(listed))))
    if not found:
        raise Refused("没有改动，不用发新版。")
    material = nouns.is_material(found)
    await _write_version(tx, subject, new, listed, found, actor, now, material=material)
    notice = await find(tx, id)
    await search.put(tx, id, _searched(notice))
    await _ask_again(tx, notice, material=material)
    units = [u for state in nouns.AnswerState for u in await tx.all(q.ANSWERED_UNITS, int, notice=id, state=state)]
    words = telling.changed_text(notice, found, told, now, material=material)
    await telling.tell_units(tx, notice, units, Purpose.CHANGED, words, told, now=now, method="REQUEST")
    await _note(tx, "notice_changed", id, actor, now, f"version {notice.version}")
    return notice, tuple(found)


async def _write_version(
    tx: Tx, subject: Subject, new: Contents, listed: Sequence[tuple[str, str]], found: Sequence[Change], actor: Actor, now: str,
    *, material: bool,
) -> None:  # fmt: skip
    """The notice's row, its version, its files and the subject's version, all restating the version they replace."""
    rows = [(row, part) for id, part in listed if (row := await files.find(tx, id)) is not None]
    if len(rows) != len(listed):
        raise Invalid.one("attachments", "有一个附件没有找到，请重新上传。")
    version = subject.version + 1
    await ledger.new_version(
        tx, subject, title=new.title, digest=shown(new, version, rows), sign_by=new.answer_by, answer_by=new.answer_by
    )
    changed = await tx.run(
        q.NOTICE_VERSION, id=subject.id, before=subject.version, version=version, starts_at=new.starts_at, ends_at=new.ends_at,
        answer_by=new.answer_by, place=new.place, seats=new.seats, quota=nouns.dumps(new.quota), fields=nouns.dumps(new.fields),
        details=nouns.dumps(new.details),
    )  # fmt: skip
    if changed != 1:
        raise Refused("这个通知刚被别人改过，请刷新后再改。您填的内容还在本页。", code="changed_meanwhile")
    await tx.run(q.SUBJECT_URGENCY, id=subject.id, urgency=new.urgency)
    await ledger.put_files(tx, subject.id, version, listed)
    await _keep_version(tx, subject.id, version, new, found, actor, now, material=material)


async def _ask_again(tx: Tx, notice: Notice, *, material: bool) -> None:
    """Units that have answered wait for a confirmation of a material change."""
    if not material:
        return
    for state in (nouns.AnswerState.COMING, nouns.AnswerState.ASKED, nouns.AnswerState.ABSENT):
        for unit in await tx.all(q.ANSWERED_UNITS, int, notice=notice.id, state=state):
            receipt = await ledger.receipt_of(tx, notice.id, unit)
            if receipt.waits is None:
                await ledger.wait(tx, notice.id, unit, Waits.CONFIRM, notice.starts_at)


async def cancel(tx: Tx, actor: Actor, id: int, reason: str, *, told: Told, now: str) -> Notice:
    """Cancel the meeting and tell every invited unit at once. Raises Refused when it was cancelled before."""
    old = await own(tx, id, actor)
    if not reason.strip():
        raise Invalid.one("reason", "请写取消的原因，会发给各单位。")
    if len(reason) > 200:
        raise Invalid.one("reason", "原因太长，请不超过 200 字。")
    if wording.INVISIBLE.search(reason):
        raise Invalid.one("reason", wording.INVISIBLE_SENTENCE)
    if wording.CLASSIFIED.search(reason):
        raise Invalid.one("reason", wording.CLASSIFIED_SENTENCE)
    if await tx.run(q.NOTICE_CANCEL, id=id, at=now, reason=reason.strip()) != 1:
        raise Refused("会议已经取消了。")
    await ledger.close_subject(tx, id, now)
    await outbox.clear_subject(tx, id, now=now)
    notice = old._replace(version=old.version + 1, cancelled_at=now, cancel_reason=reason.strip())
    units = [u for state in nouns.AnswerState for u in await tx.all(q.ANSWERED_UNITS, int, notice=id, state=state)]
    words = telling.cancelled_text(notice, reason.strip(), told, now)
    await telling.tell_units(tx, notice, units, Purpose.CANCELLED, words, told, now=now, method="CANCEL")
    await _note(tx, "notice_cancelled", id, actor, now)
    return notice


async def versions(tx: Tx, id: int) -> list[Version]:
    """Every version, the newest first."""
    return await tx.all(q.VERSIONS, Version.of_row, notice=id)


# --- drafts: what was typed, unchecked ------------------------------------------------------------------------------------


async def save_draft(tx: Tx, actor: Actor, form: dict[str, Any], *, draft: int, now: str) -> int:
    """Keep what was typed; the draft's id. A draft that is gone or published is kept as a new one."""
    text = json.dumps(form, ensure_ascii=False)
    if len(text) > 200_000:
        raise Refused("草稿太长，没有存上。请把长文字放进附件。")
    if draft and await tx.run(q.DRAFT_UPDATE, id=draft, unit=actor.unit_id, person=actor.person_id, form=text, at=now) == 1:
        return draft
    return int(await tx.value(q.DRAFT_INSERT, unit=actor.unit_id, person=actor.person_id, form=text, at=now))


async def draft_of(tx: Tx, id: int, actor: Actor) -> Draft:
    """One of the unit's drafts. Raises NotFound."""
    found = await tx.one(q.DRAFT, Draft.of_row, id=id, unit=actor.unit_id)
    if found is None:
        raise NotFound("没有这份草稿。")
    return found


async def drafts(tx: Tx, actor: Actor) -> list[Draft]:
    """The unit's drafts that were not published, newest first."""
    return await tx.all(q.DRAFTS, Draft.of_row, unit=actor.unit_id)


async def drop_draft(tx: Tx, actor: Actor, id: int) -> None:
    """Throw a draft away. Raises NotFound."""
    if await tx.run(q.DRAFT_DROP, id=id, unit=actor.unit_id) != 1:
        raise NotFound("没有这份草稿。")
