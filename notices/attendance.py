"""The door: who has come. Each person is checked in once; a second try says when the first was."""

import hmac
from typing import NamedTuple

from ground import clock
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import NotFound, Refused
from notices import publishing
from notices import queries as q
from notices.notice import Notice
from notices.signups import Attendee

DIGITS = 4  # of the mobile number, at the end
DOOR_OPENS_H = 3  # hours before the start that the door's own code takes people in
DOOR_SHUTS_H = 12  # hours after the start


class CheckedIn(NamedTuple):
    """What the door desk shows."""

    attendee: Attendee
    first: bool


async def find(tx: Tx, notice: int, id: int) -> Attendee:
    """Somebody on the list, whoever asks. Raises NotFound. Callers check first that the asker may see the person."""
    attendee = await tx.one(q.ATTENDEE_BY_ID, Attendee.of_row, notice=notice, id=id)
    if attendee is None:
        raise NotFound("名单里没有这个人了，请刷新。")
    return attendee


async def by_token(tx: Tx, actor: Actor, notice: int, token: str, *, now: str) -> CheckedIn:
    """Check in whoever shows this QR code. Raises NotFound: the code is not of this meeting."""
    await publishing.own(tx, notice, actor)
    attendee = await tx.one(q.ATTENDEE_BY_TOKEN, Attendee.of_row, notice=notice, token=token)
    if attendee is None:
        raise NotFound("这个二维码不是这次会议的，请按姓名查找。")
    return await _check_in(tx, actor.person_id, attendee, now)


async def by_id(tx: Tx, actor: Actor, notice: int, id: int, *, now: str) -> CheckedIn:
    """Check in somebody from the list. Raises NotFound."""
    await publishing.own(tx, notice, actor)
    return await _check_in(tx, actor.person_id, await find(tx, notice, id), now)


async def by_self(tx: Tx, notice: int, secret: str, name: str, digits: str, *, now: str) -> CheckedIn:
    """Somebody at the door, who has scanned the door's own code, checks in with a name and the last digits of a mobile.

    Raises:
        NotFound: a wrong code. Refused: nobody of that name and number is on the list, or it is not the time yet.
    """
    check_door(await at_door(tx, notice, secret), now)
    people = await tx.all(q.NAME_LIST, lambda *row: (int(row[0]), str(row[3]), str(row[5])), notice=notice)
    ids = [id for id, whose, mobile in people if whose == name and len(digits) == DIGITS and mobile.endswith(digits)]
    if not ids:
        raise Refused("名单里没有对上。请核对姓名和手机末 4 位，或到签到台报姓名。", code="not_on_list")
    return await _check_in(tx, 0, await find(tx, notice, ids[0]), now)


async def at_door(tx: Tx, id: int, secret: str) -> Notice:
    """The notice that the door's own code opens. Raises NotFound, alike for a wrong code and a meeting that is not there."""
    notice = await tx.one(q.NOTICE_BY_ID, Notice.of_row, id=id)
    if notice is None or not hmac.compare_digest(notice.check_in.encode(), secret.encode("utf-8", "replace")):
        raise NotFound("这个签到码不对，请重新扫门口的码。")
    return notice


def check_door(notice: Notice, now: str) -> None:
    """Refuse a cancelled meeting, and a time when the door is shut."""
    if notice.cancelled_at:
        raise Refused("会议已取消，不用签到。", code="cancelled")
    if not clock.after(notice.starts_at, hours=-DOOR_OPENS_H) <= now <= clock.after(notice.starts_at, hours=DOOR_SHUTS_H):
        raise Refused("还没到签到的时候，或者已经散会。请到签到台。", code="not_now")


async def _check_in(tx: Tx, person: int, attendee: Attendee, now: str) -> CheckedIn:
    changed = await tx.run(q.CHECK_IN, id=attendee.id, notice=attendee.notice_id, at=now, person=person)
    tx.notify(f"subject:{attendee.notice_id}")
    return CheckedIn(attendee._replace(checked_in_at=attendee.checked_in_at or now), changed == 1)


async def take_back(tx: Tx, actor: Actor, notice: int, id: int) -> None:
    """A check-in by mistake is taken back. Raises Refused when there is none."""
    await publishing.own(tx, notice, actor)
    if await tx.run(q.CHECK_OUT, id=id, notice=notice) != 1:
        raise Refused("还没有签到，不用取消。")
    tx.notify(f"subject:{notice}")
