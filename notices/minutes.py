"""Minutes go back to those who came: kept beside the notice's files, and told to the units whose people were there."""

from collections.abc import Sequence

from ground import audit, clock, files
from ground.classified import CLASSIFIED
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Invalid, NotFound, Refused
from ground.messages.message import Purpose
from notices import organising, publishing, telling
from notices.notice import CLASSIFIED_SENTENCE, INVISIBLE, INVISIBLE_SENTENCE
from notices.organising import Named
from notices.telling import Told
from receipts import ledger
from receipts import queries as receipts

PART = "minutes"
LONGEST = 200
TOLD_FOR_DAYS = 7  # how long the news of minutes is worth sending


def units_that_came(names: Sequence[Named]) -> list[int]:
    """Units with somebody checked in; where nobody was (no desk at the door), units with somebody on the list."""
    came = [n for n in names if n.checked_in_at] or list(names)
    return list(dict.fromkeys(n.unit_id for n in came))


async def send(tx: Tx, actor: Actor, id: int, uploaded: Sequence[str], text: str, *, told: Told, now: str) -> telling.Count:
    """Keep the files as minutes, and tell the units that came.

    Args:
        uploaded: ids of files of the actor's unit. text: what the message says besides, '' for nothing.
    Raises:
        NotFound. Invalid: no file, or words that cannot stand. Refused: the meeting has not begun, is cancelled, or nobody came.
    """
    notice = await publishing.own(tx, id, actor)
    if notice.cancelled_at:
        raise Refused("会议已取消，没有纪要可发。", code="cancelled")
    if now < notice.starts_at:
        raise Refused("会议还没有开始，开完会再发纪要。", code="not_started")
    _check(text, uploaded)
    units = units_that_came(await organising.names(tx, id))
    if not units:
        raise Refused("名单里没有人，没有可发的单位。", code="nobody")
    subject = await ledger.subject_of(tx, id)
    there = len(await ledger.files_of(tx, subject))
    for sort, file in enumerate(dict.fromkeys(uploaded), there):
        row = await files.find(tx, file)
        if row is None or row.unit_id != actor.unit_id:
            raise NotFound("文件没有找到，请重新上传。")
        await tx.run(receipts.FILE_PUT, subject=id, version=subject.version, sort=sort, part=PART, file=file)
    words = f"{notice.title}的会议纪要已发，请登录送达查看。{text}", f"会议纪要：{notice.title}"
    fresh = notice._replace(starts_at=clock.after(now, days=TOLD_FOR_DAYS))  # the message expires then, not with the meeting
    count = await telling.tell_units(tx, fresh, units, Purpose.MINUTES, words, told, now=now, step=f"minutes-{there}")
    await audit.note(
        tx, "minutes_sent", f"notice:{id}", at=now, person=actor.person_id, unit=actor.unit_id, detail=f"{len(units)} units",
        address=actor.address,
    )  # fmt: skip
    return count


def _check(text: str, uploaded: Sequence[str]) -> None:
    if not uploaded:
        raise Invalid.one("files", "请选会议纪要的文件。")
    if len(text) > LONGEST:
        raise Invalid.one("text", "这句话太长，请不超过 200 字，其余写进文件。")
    if INVISIBLE.search(text):
        raise Invalid.one("text", INVISIBLE_SENTENCE)
    if CLASSIFIED.search(text):
        raise Invalid.one("text", CLASSIFIED_SENTENCE)
