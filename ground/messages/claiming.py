"""What leaves, when, and what a crash leaves behind.

    messages ──claim──▶ dispatch `claimed` ──leave──▶ `leaving` ──outbox.record──▶ accepted, delivered, unknown, …

A dispatch is what really leaves: one e-mail, or one SMS that may say several messages of one person. It leaves in two steps.
`claimed` is a lease: nothing has been sent, and when it runs out the messages are ready again. `leaving` is on the disk right
before the request goes: when its lease runs out the request may have gone, so the same token goes again where the gateway
promises that this reaches nobody twice, and elsewhere the outcome is `unknown`. Nobody sends an unknown one blindly: `settle`
waits for the carrier's report, then lets what is urgent go once more, marked 补发.
"""

import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ground import clock
from ground.db import Tx
from ground.messages import queries as q
from ground.messages.message import Channel, Priority, Purpose, State
from ground.messages.outbox import Content, QuietHours, keep, lose
from ground.messages.sms import signed, sms_parts

MERGE_LINES = 8  # in one SMS; more go in a second one
MERGE_PARTS = 5
LEASE_OVER = "发送途中服务中断，不知是否发出。先等回执，必要时打电话确认。"
AGAIN = "（补发）"
_STOPS = "。；;.，, \n"


class Dispatch(NamedTuple):
    """What leaves. `by` names the claim that owns it; `again`: it is the marked repeat of one whose outcome nobody knew."""

    id: int
    token: str
    channel: str
    address: str
    name: str
    title: str
    text: str
    ics: str | None
    ics_method: str | None
    parts: int
    gateway: str
    resend_of: int | None
    by: str


class Claimer(NamedTuple):
    """Who claims, and on what terms: the engine's kind, the worker's name, seconds of lease, the 签名 of text messages."""

    engine: str
    worker: str
    lease_s: float
    signature: str


class Doubt(NamedTuple):
    """What came of settling: messages that go once more, that count as sent, dispatches that stay on the operator's list."""

    again: int
    assumed: int
    left: int


class _Row(NamedTuple):
    """A claimed message with what it says."""

    id: int
    recipient: str
    address: str
    purpose: str
    resend_of: int | None
    content_id: int
    name: str
    title: str
    text: str
    line: str
    ics: str | None
    ics_method: str | None


class _Group(NamedTuple):
    """Messages that leave as one dispatch."""

    token: str
    rows: Sequence[_Row]
    content: Content


# --- claiming -------------------------------------------------------------------------------------------------------------


async def claim(
    tx: Tx, channel: Channel, now: str, claimer: Claimer, limit: int, *, gateway: str, urgent_only: bool = False
) -> list[Dispatch]:
    """Claim up to `limit` due messages of a channel, the urgent and the old first, as dispatches for one gateway.

    What else is due to the people of these messages leaves with them as one SMS, so more than `limit` may be claimed. What has
    expired is passed over. `urgent_only`: quiet hours, nothing but `Priority.IMMEDIATE`.
    """
    lowest = Priority.IMMEDIATE if urgent_only else Priority.REMINDER
    left = limit
    for priority in Priority:
        if left > 0 and priority <= lowest:
            left -= await tx.run(q.claim_due(claimer.engine), channel=channel, priority=priority, now=now, limit=left)
    if left == limit:
        return []
    if channel is Channel.SMS:
        await tx.run(q.claim_companions(claimer.engine), priority=lowest, now=now)
    groups = _grouped(await tx.all(q.CLAIMED, _Row), channel, claimer.signature)
    ids = await keep(tx, (group.content for group in groups))
    by = f"{claimer.worker}/{secrets.token_hex(4)}"
    until = clock.after(now, seconds=claimer.lease_s)
    rows = [
        {
            "token": group.token, "channel": channel, "address": group.rows[0].address, "name": group.rows[0].name,
            "content": ids[group.content], "parts": _parts(group.content.text) if channel is Channel.SMS else 1,
            "gateway": gateway, "resend_of": group.rows[0].resend_of, "by": by, "until": until, "now": now,
        }
        for group in groups
    ]  # fmt: skip
    await tx.many(q.DISPATCH_PUT, rows)
    await tx.many(q.LINK, [{"token": group.token, "id": row.id} for group in groups for row in group.rows])
    return await dispatches_of(tx, by)


async def dispatches_of(tx: Tx, by: str) -> list[Dispatch]:
    """What this claim still has in hand."""
    return await tx.all(q.DISPATCHES_CLAIMED, Dispatch, by=by)


async def leave(tx: Tx, dispatch: Dispatch, now: str, lease_s: float) -> bool:
    """The request leaves as soon as this is on the disk. False: the lease was over, others have the messages, send nothing."""
    until = clock.after(now, seconds=lease_s)
    return await tx.run(q.LEAVE, id=dispatch.id, by=dispatch.by, now=now, until=until) == 1


def _grouped(rows: Iterable[_Row], channel: Channel, signature: str) -> list[_Group]:
    """One group a message; for SMS one a person and number, but for echoes and repeats, which go by themselves."""
    together: dict[tuple[object, ...], list[_Row]] = {}
    for row in rows:
        alone = channel is not Channel.SMS or row.resend_of is not None or row.purpose == Purpose.REPLY
        together.setdefault((row.id,) if alone else (row.recipient, row.address), []).append(row)
    groups = []
    for found in together.values():
        for some in _portions(found, signature):
            content = _mail(some[0]) if channel is Channel.EMAIL else Content("", _sms(some, signature))
            groups.append(_Group(secrets.token_hex(16), some, content))
    return groups


def _portions(rows: Sequence[_Row], signature: str) -> Iterable[Sequence[_Row]]:
    """Cut a person's messages into what one SMS can hold."""
    some: list[_Row] = []
    for row in rows:
        full = len(some) == MERGE_LINES or (some and _parts(_sms([*some, row], signature)) > MERGE_PARTS)
        if full:
            yield some
            some = []
        some = [*some, row]
    yield some


def _sms(rows: Sequence[_Row], signature: str) -> str:
    """What the person reads: the message itself, or the short lines of several, each once."""
    lines = list(dict.fromkeys(row.line.strip(_STOPS) or row.title for row in rows))
    if len(lines) == 1:
        mark = AGAIN if rows[0].resend_of is not None else ""
        return signed(mark + rows[0].text, signature)
    said = "；".join(f"{n}.{line}" for n, line in enumerate(lines, 1))
    return signed(f"您有 {len(lines)} 件事：{said}。登录送达办理。", signature)


def _mail(row: _Row) -> Content:
    """What the e-mail says; a repeat says so in its subject."""
    mark = AGAIN if row.resend_of is not None else ""
    return Content(mark + row.title, row.text, "" if mark else row.line, row.ics, row.ics_method)


@lru_cache(maxsize=2048)
def _parts(text: str) -> int:
    """`sms_parts`, remembered: a broadcast is one text to a thousand people."""
    return sms_parts(text)


# --- leases ---------------------------------------------------------------------------------------------------------------


async def release(tx: Tx, now: str) -> int:
    """Make the messages of workers that died before sending ready again: nothing of theirs has left. How many dispatches."""
    released = await tx.all(q.RELEASE, int, now=now)
    for dispatch in released:
        await tx.run(q.READY_AGAIN, dispatch=dispatch, now=now)
    return len(released)


async def give_back(tx: Tx, dispatches: Sequence[Dispatch], now: str) -> int:
    """Make the messages of one's own dispatches ready again, whose requests have surely not left. How many dispatches."""
    back = 0
    for dispatch in dispatches:
        if await tx.run(q.GIVE_BACK, id=dispatch.id, by=dispatch.by, now=now) == 1:
            await tx.run(q.READY_AGAIN, dispatch=dispatch.id, now=now)
            back += 1
    return back


async def take_over(tx: Tx, gateway: str, now: str, claimer: Claimer) -> list[Dispatch]:
    """Take over what a dead worker may or may not have sent through an idempotent gateway: it goes again under its token."""
    by = f"{claimer.worker}/{secrets.token_hex(4)}"
    until = clock.after(now, seconds=claimer.lease_s)
    if await tx.run(q.TAKE_OVER, by=by, until=until, now=now, gateway=gateway) == 0:
        return []
    return await dispatches_of(tx, by)


async def lose_overdue(tx: Tx, now: str) -> int:
    """What was leaving when its worker died has an unknown outcome; how many dispatches. Run `take_over` before."""
    lost = await tx.all(q.LOST, int, now=now)
    for dispatch in lost:
        await lose(tx, dispatch, "LEASE", LEASE_OVER, now)
    return len(lost)


async def settle(tx: Tx, now: str, wait_s: float) -> Doubt:
    """Decide about dispatches whose outcome has been unknown for `wait_s` without a report.

    特急 and cancellations go once more, marked; a repeat is never repeated. Reminders and chases count as sent, and the ladder
    goes on. All others stay on the operator's list, who may `outbox.resend` or `outbox.give_up`.
    """
    again = assumed = kept = 0
    doubtful = await tx.all(q.DOUBTFUL, lambda *columns: columns, before=clock.after(now, seconds=-wait_s))
    for dispatch, resend_of in doubtful:
        if await tx.run(q.SETTLE, id=dispatch, now=now) == 0:
            continue
        more = await tx.run(q.ONCE_MORE, dispatch=dispatch, now=now) if resend_of is None else 0
        counted = await tx.run(q.ASSUME, dispatch=dispatch, now=now, resent=int(resend_of is not None))
        left = int(await tx.value(q.STILL_UNKNOWN, dispatch=dispatch))
        if more or not left:
            await tx.run(q.DISPATCH_SETTLED, id=dispatch, state="resent" if more else State.ACCEPTED, now=now)
        again, assumed, kept = again + more, assumed + counted, kept + int(left > 0)
    if again:
        tx.notify("outbox")
    return Doubt(again, assumed, kept)


# --- the clock ------------------------------------------------------------------------------------------------------------


async def by_the_clock(tx: Tx, now: str, quiet: QuietHours | None, off: Iterable[Channel] = ()) -> int:
    """Hold what came up in quiet hours, wake it at their end, expire what is too late, end what has no gateway at all.

    Claiming obeys the same hours by itself: this is for those who ask why a message has not gone. How many messages changed.
    """
    until = quiet.until(now) if quiet else now
    changed = await tx.run(q.EXPIRE, now=now)
    changed += await tx.run(q.HOLD, now=now, until=until) if until > now else await tx.run(q.WAKE, now=now)
    for channel in off:
        changed += await tx.run(q.CHANNEL_OFF, now=now, channel=channel)
    return changed
