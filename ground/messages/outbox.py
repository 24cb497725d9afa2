"""The outbox: rooms put messages in, gateways' answers and reports come back. What leaves, and when, is claiming.py.

    await put(tx, messages, now=…, quiet=…)        in the transaction of what they tell about
    await clear(tx, subject, unit, purposes=…)     the unit has answered: nobody is reminded any more
    await record(tx, dispatch, outcome, …)         what the gateway said at once
    await report(tx, gateway, report, now)         what the carrier said later: late, doubled, out of order

What is known about a message only ever rises (RANK in message.py): every answer is one conditional UPDATE of the dispatch and
one of its messages, so the order in which answers come does not matter.
"""

import hashlib
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from ground import audit, clock, config
from ground.db import Tx
from ground.directory import queries as directory
from ground.errors import Refused
from ground.messages import queries as q
from ground.messages.gateway import REASONS, Outcome, Report, plain_reason
from ground.messages.message import RANK, Channel, NewMessage, Priority, Purpose, State
from ground.messages.sms import signed, sms_parts
from ground.workdays import Calendar

log = structlog.get_logger()

LONGEST_WAIT_S = 6 * 3600
# The number itself is dead or shut off; other codes may be the carrier's trouble. Source: CMPP 3.0 table 1.
DEAD_NUMBER = frozenset({"UNDELIV"})
NO_ADDRESS = {
    Channel.SMS: "没有手机号，发不了短信。请在通讯录里补上，或打电话通知。",
    Channel.EMAIL: "没有邮箱地址，发不了邮件。请在通讯录里补上，或打电话通知。",
}


class QuietHours(NamedTuple):
    """When nothing but 特急 is sent: from `start` to `end` on the wall clock of `zone` (an IANA name)."""

    start: str = "21:00"
    end: str = "07:00"
    zone: str = "Asia/Shanghai"

    @classmethod
    def of(cls, settings: config.Config) -> "QuietHours":
        """Those of the settings."""
        return cls(settings.quiet.start, settings.quiet.end, settings.city.timezone)

    def until(self, now: str) -> str:
        """When what comes up at `now` may be sent: `now` itself outside quiet hours."""
        return Calendar(zone=ZoneInfo(self.zone)).end_of_quiet(now, self.start, self.end)


class Content(NamedTuple):
    """What is said; stored once for all who hear it."""

    title: str
    text: str
    line: str = ""
    ics: str | None = None
    ics_method: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over every field, each with its length, so that no two contents run into one."""
        fields = ["" if field is None else f"{len(field)}:{field}" for field in self]
        return hashlib.sha256("\n".join(fields).encode("utf-8", "surrogatepass")).hexdigest()


class Estimate(NamedTuple):
    """What a text to so many people comes to, shown before it is sent."""

    parts: int
    cost_fen: int
    seconds: int


class Retry(NamedTuple):
    """How long after a "not now", and how often, a message is tried again.

    free_wait_s: when set, the fault is the gateway's, not the message's: it waits so long, and no try is counted.
    """

    first_wait_s: float = 60
    max_tries: int = 8
    free_wait_s: float | None = None


class _Dispatch(NamedTuple):
    id: int
    state: str
    channel: str
    address: str
    gateway: str


def estimate(text: str, n: int, sms: config.Sms) -> Estimate:
    """Parts, cost in fen and seconds to finish for `text` (without its signature) to `n` people."""
    parts = sms_parts(signed(text, sms.signature)) * n
    return Estimate(parts, parts * sms.price_fen, math.ceil(parts / sms.parts_per_second))


# --- putting and clearing -------------------------------------------------------------------------------------------------


async def keep(tx: Tx, contents: Iterable[Content]) -> dict[Content, int]:
    """Store contents that are not there yet; the id of each."""
    ids: dict[Content, int] = {}
    # In one order everywhere: two transactions that store the same contents never wait for each other in a circle.
    for digest, content in sorted((content.digest, content) for content in set(contents)):
        found = await tx.value(q.CONTENT_FIND, digest=digest)
        if found is None:
            found = await tx.value(q.CONTENT_PUT, digest=digest, **content._asdict())
        if found is None:  # another transaction has stored it since we looked
            found = await tx.value(q.CONTENT_FIND, digest=digest)
        ids[content] = int(found)
    return ids


async def put(tx: Tx, messages: Sequence[NewMessage], *, now: str, quiet: QuietHours | None = None) -> int:
    """Put messages into the outbox in the caller's transaction; how many were new (the same news twice is one message).

    Args:
        quiet: none: these go at any hour. In quiet hours all but `Priority.IMMEDIATE` are held until their end.
    """
    if not messages:
        return 0
    until = quiet.until(now) if quiet else now
    said = [Content(m.title, m.text, m.line, m.ics, m.ics_method) for m in messages]
    ids = await keep(tx, said)
    last = await tx.value(q.LAST_ID)
    await tx.many(q.PUT, [_row(m, ids[content], now, until) for m, content in zip(messages, said, strict=True)])
    tx.notify("outbox")
    subjects = [m.subject_id for m in messages]
    return int(await tx.value(q.PUT_SINCE, last=last, now=now, low=min(subjects), high=max(subjects)))


def _row(m: NewMessage, content: int, now: str, until: str) -> dict[str, Any]:
    """The message as PUT takes it. Whoever has no address is told of at once, so that "why was X not told?" has an answer."""
    state, not_before, code, reason = State.READY, now, "", ""
    if not m.address.strip() and m.channel in NO_ADDRESS:
        state, code, reason = State.UNDELIVERED, "NO_ADDRESS", NO_ADDRESS[m.channel]
    elif until > now and m.priority > Priority.IMMEDIATE and m.channel is not Channel.SCREEN:
        state, not_before = State.HELD, until
    return {
        "subject": m.subject_id, "version": m.version, "purpose": m.purpose, "step": m.step, "channel": m.channel,
        "recipient": m.recipient, "person": m.person_id, "unit": m.unit_id, "address": m.address, "content": content,
        "priority": m.priority, "state": state, "not_before": not_before, "expires": m.expires_at, "code": code,
        "reason": reason, "now": now,
    }  # fmt: skip


async def clear(tx: Tx, subject_id: int, unit_id: int, *, purposes: Collection[Purpose], now: str) -> int:
    """The unit has answered: drop what it would still be told for these purposes; how many messages."""
    return sum([await tx.run(q.CLEAR, subject=subject_id, unit=unit_id, purpose=one, now=now) for one in sorted(purposes)])


async def clear_subject(tx: Tx, subject_id: int, *, now: str) -> int:
    """The subject is cancelled: drop all that has not left, but for the news of the cancellation itself; how many messages."""
    return await tx.run(q.CLEAR_SUBJECT, subject=subject_id, now=now)


async def seen(tx: Tx, message_id: int, person_id: int, now: str) -> bool:
    """The person has seen a message on the screen; whether this was the first time."""
    return await tx.run(q.SEEN, id=message_id, person=person_id, now=now) == 1


# --- outcomes -------------------------------------------------------------------------------------------------------------


async def record(tx: Tx, dispatch_id: int, outcome: Outcome, *, now: str, retry: Retry | None = None) -> None:
    """Write down what the gateway answered to one dispatch. A report may have come before the answer: the higher stays."""
    if outcome.state == "temporary":
        await _temporary(tx, dispatch_id, outcome, now, retry or Retry())
    elif outcome.state == "unknown":
        await lose(tx, dispatch_id, outcome.code, outcome.reason, now)
    else:
        found = await tx.one(q.DISPATCH_STATE, _Dispatch, id=dispatch_id)
        if found is not None:
            state = State.UNDELIVERED if outcome.state == "refused" else State(outcome.state)
            await _raise(tx, found, state, outcome.code, outcome.reason, outcome.carrier_id, now)


async def report(tx: Tx, gateway: str, report: Report, now: str) -> bool:
    """Take a carrier's report about an earlier dispatch; whether it said something new and higher.

    One about a token that this gateway never had, or about another number than the one it went to, is ignored and logged.
    """
    found = await tx.one(q.DISPATCH_BY_TOKEN, _Dispatch, token=report.token)
    if found is None or found.gateway != gateway or (report.mobile and report.mobile != found.address):
        log.warning("report_ignored", gateway=gateway, token=report.token, code=report.code, known=found is not None)
        return False
    state = State(report.state)
    reason = plain_reason(report.code, REASONS["cmpp"]) if state is State.UNDELIVERED else ""
    return await _raise(tx, found, state, report.code, reason, report.carrier_id, now)


async def _raise(tx: Tx, dispatch: _Dispatch, state: State, code: str, reason: str, carrier_id: str, now: str) -> bool:
    """Raise a dispatch and its messages to `state` if that is higher than what is known; whether it was.

    Good news about a dispatch that was repeated is news of the message too, bad news is not: the repeat may arrive.
    """
    said = {"state": state, "code": code, "reason": reason, "now": now, "rank": RANK[state]}
    if await tx.run(q.DISPATCH_RAISE, id=dispatch.id, carrier_id=carrier_id, **said) == 0:
        if carrier_id:
            await tx.run(q.DISPATCH_CARRIER_ID, id=dispatch.id, carrier_id=carrier_id)
        return False
    await tx.run(q.MESSAGES_FAIL if state is State.UNDELIVERED else q.MESSAGES_RAISE, dispatch=dispatch.id, **said)
    if dispatch.channel == Channel.SMS:
        await _mark_number(tx, dispatch.address, state, code, reason)
    return True


async def _mark_number(tx: Tx, mobile: str, state: State, code: str, reason: str) -> None:
    """A dead number stands beside the person's name until a message arrives there."""
    if state is State.UNDELIVERED and code in DEAD_NUMBER:
        await tx.run(directory.PERSON_MOBILE_BAD, mobile=mobile, reason=reason)
    elif state is State.DELIVERED and await tx.value(q.MOBILE_IS_BAD, mobile=mobile) is not None:
        await tx.run(directory.PERSON_MOBILE_BAD, mobile=mobile, reason=None)


async def lose(tx: Tx, dispatch_id: int, code: str, reason: str, now: str) -> None:
    """The answer was lost after the request had left: nobody knows, and nothing is sent again blindly."""
    if await tx.run(q.DISPATCH_UNKNOWN, id=dispatch_id, code=code, reason=reason) == 1:
        await tx.run(q.MESSAGES_UNKNOWN, dispatch=dispatch_id, code=code, reason=reason, now=now)


async def _temporary(tx: Tx, dispatch_id: int, outcome: Outcome, now: str, retry: Retry) -> None:
    """It has not left. Each message waits twice as long as the last time, until its tries are used up."""
    if await tx.run(q.DISPATCH_TEMPORARY, id=dispatch_id, code=outcome.code, reason=outcome.reason, now=now) == 0:
        return
    for message, before in await tx.all(q.TRIES, lambda *columns: columns, dispatch=dispatch_id):
        free = retry.free_wait_s
        tries = before + 1 if free is None else before
        wait = min(retry.first_wait_s * 2 ** (tries - 1), LONGEST_WAIT_S) if free is None else free
        await tx.run(
            q.RETRY, id=message, dispatch=dispatch_id, tries=tries, not_before=clock.after(now, seconds=wait), now=now,
            state=State.UNDELIVERED if tries >= retry.max_tries else State.RETRY_WAIT, code=outcome.code, reason=outcome.reason,
        )  # fmt: skip


# --- the operator's list of unknown ones ----------------------------------------------------------------------------------


async def resend(tx: Tx, message_id: int, *, by: int, now: str) -> None:
    """Send a message of unknown outcome once more, marked 补发, because person `by` says so. Raises Refused if it is none."""
    dispatch = await tx.value(q.RESEND, id=message_id, now=now)
    if dispatch is None:
        raise Refused("这条消息已经有了结果，不用再发。", code="not_unknown")
    await tx.run(q.DISPATCH_SETTLED, id=dispatch, state="resent", now=now)
    await audit.note(tx, "message_resent", f"message:{message_id}", at=now, person=by)
    tx.notify("outbox")


async def give_up(tx: Tx, message_id: int, *, by: int, now: str) -> None:
    """Count a message of unknown outcome as not delivered, because person `by` says so. Raises Refused if it is none."""
    reason = "不知是否发出，系统管理员已决定不再发送。"
    if await tx.value(q.GIVE_UP, id=message_id, reason=reason, now=now) is None:
        raise Refused("这条消息已经有了结果，不用再决定。", code="not_unknown")
    await audit.note(tx, "message_given_up", f"message:{message_id}", at=now, person=by)
