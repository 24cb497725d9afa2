"""The door: who has come. Each person is checked in once; a second try says when the first was."""

from typing import NamedTuple

from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import NotFound, Refused
from notices import publishing
from notices import queries as q
from notices.signups import Attendee


class CheckedIn(NamedTuple):
    """What the door desk shows."""

    attendee: Attendee
    first: bool


async def by_token(tx: Tx, actor: Actor, notice: int, token: str, *, now: str) -> CheckedIn:
    """Check in whoever shows this QR code. Raises NotFound: the code is not of this meeting."""
    await publishing.own(tx, notice, actor)
    attendee = await tx.one(q.ATTENDEE_BY_TOKEN, Attendee.of_row, notice=notice, token=token)
    if attendee is None:
        raise NotFound("这个二维码不是这次会议的，请按姓名查找。")
    return await _check_in(tx, actor, attendee, now)


async def by_id(tx: Tx, actor: Actor, notice: int, id: int, *, now: str) -> CheckedIn:
    """Check in somebody from the list. Raises NotFound."""
    await publishing.own(tx, notice, actor)
    attendee = await tx.one(q.ATTENDEE_BY_ID, Attendee.of_row, notice=notice, id=id)
    if attendee is None:
        raise NotFound("名单里没有这个人了，请刷新。")
    return await _check_in(tx, actor, attendee, now)


async def _check_in(tx: Tx, actor: Actor, attendee: Attendee, now: str) -> CheckedIn:
    changed = await tx.run(q.CHECK_IN, id=attendee.id, notice=attendee.notice_id, at=now, person=actor.person_id)
    tx.notify(f"subject:{attendee.notice_id}")
    return CheckedIn(attendee._replace(checked_in_at=attendee.checked_in_at or now), changed == 1)


async def take_back(tx: Tx, actor: Actor, notice: int, id: int) -> None:
    """A check-in by mistake is taken back. Raises Refused when there is none."""
    await publishing.own(tx, notice, actor)
    if await tx.run(q.CHECK_OUT, id=id, notice=notice) != 1:
        raise Refused("还没有签到，不用取消。")
    tx.notify(f"subject:{notice}")
