"""What the operator, an organiser or the API asks the outbox: what waits, what failed and why, why somebody was not told.

Sentences are Chinese message ids with named holes, as in errors.py: a page translates the template and fills the holes, the API
takes `text`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ground.clock import seconds_between
from ground.db import Tx
from ground.messages import queries as q
from ground.messages.gateway import REASONS, plain_reason
from ground.messages.message import Channel, Purpose, State
from ground.messages.outbox import NO_ADDRESS
from ground.say import Say

CHANNEL_WORDS = {Channel.SMS: "短信", Channel.EMAIL: "邮件", Channel.SCREEN: "网页消息"}
PURPOSE_WORDS = {
    Purpose.PUBLISHED: "通知",
    Purpose.CHANGED: "变更",
    Purpose.CANCELLED: "取消",
    Purpose.REMINDER: "提醒",
    Purpose.CHASE: "催办",
    Purpose.LEAVE: "请假",
    Purpose.LATE_CHANGE: "变更报名",
    Purpose.ATTENDEE: "参会提醒",
    Purpose.MINUTES: "会议纪要",
    Purpose.REPLY: "短信回复",
    Purpose.RETURNED: "退回",
    Purpose.ANSWERED: "答复",
    Purpose.PASSED: "转来",
    Purpose.RECALL_DECIDED: "撤回的决定",
}
STATE_WORDS = {
    State.HELD: "等到免打扰时段结束",
    State.READY: "等待发送",
    State.CLAIMED: "正在发送",
    State.ACCEPTED: "已发出",
    State.DELIVERED: "已送达",
    State.UNDELIVERED: "未送达",
    State.EXPIRED: "过时未发",
    State.CLEARED: "不用再发",
    State.DUPLICATE: "重复",
    State.RETRY_WAIT: "等待重试",
    State.UNKNOWN: "不知是否发出",
}
OUR_CODES = {
    "EXPIRED": "到了失效的时间还没有发出，没有再发。请改用电话通知。",
    "CHANNEL_OFF": "系统设置里没有开通这种发送方式，没有发出。",
    "NO_ADDRESS": "没有手机号或邮箱地址，没有发出。请在通讯录里补上。",
    "GIVEN_UP": "不知是否发出，系统管理员已决定不再发送。",
    "LEASE": "发送途中服务中断，不知是否发出。先等回执，必要时打电话确认。",
}
STALE_S = 300
SMTP = "邮件服务器拒收（地址不存在、邮箱已满或内容被拦）。请核对邮箱地址，或改用电话通知。"


class Backlog(NamedTuple):
    """What waits on one channel in one state; since when its oldest has been there, and when the next may go."""

    channel: str
    state: str
    number: int
    oldest_at: str
    next_at: str


class Failure(NamedTuple):
    """What did not arrive for one reason."""

    channel: str
    state: str
    code: str
    number: int
    last_at: str
    reason: str


class Message(NamedTuple):
    """One message with all that is known of it. `merged`: how many others left in the same SMS."""

    id: int
    subject_id: int
    version: int
    purpose: str
    step: str
    channel: str
    person_id: int
    person: str
    unit_id: int
    unit: str
    address: str
    title: str
    text: str
    priority: int
    state: str
    not_before: str
    expires_at: str | None
    tries: int
    code: str
    reason: str
    created_at: str
    changed_at: str
    gateway: str
    left_at: str | None
    resend_of: int | None
    merged: int


class Line(NamedTuple):
    """A message in words: whether the person has been told as far as anybody knows, and the sentence that says why or why not."""

    message: Message
    told: bool
    state: str
    sentence: str
    holes: Mapping[str, object]
    notes: tuple[str, ...]

    def text(self) -> str:
        """The Chinese sentence with its holes filled, and the notes behind it."""
        return "".join([self.sentence.format(**self.holes), *self.notes])


async def backlog(tx: Tx) -> list[Backlog]:
    """What has not left yet or has no outcome, by channel and state. What people see on the screen does not count."""
    return await tx.all(q.BACKLOG, Backlog)


async def failures(tx: Tx, since: str) -> list[Failure]:
    """What has failed since a moment, by channel and code, the most first, each with a reason in plain words."""

    def failure(channel: str, state: str, code: str, number: int, last_at: str, reason: str) -> Failure:
        return Failure(channel, state, code, number, last_at, reason_of(channel, code, reason))

    return await tx.all(q.FAILURES, failure, since=since)


async def unknown(tx: Tx, limit: int = 200) -> list[Message]:
    """Messages of which nobody knows whether they left, the urgent ones first: `outbox.resend` or `outbox.give_up` them."""
    return await tx.all(q.LINES_UNKNOWN, Message, limit=limit)


async def messages(tx: Tx, subject: int = 0, state: str = "", before: int = 0, limit: int = 50) -> list[Message]:
    """Messages with an id below `before` (0: from the newest on), newest first. `subject` 0: of all; `state` '': in any."""
    before = before or 1 << 62
    if subject:
        return await tx.all(q.LINES_OF_SUBJECT, Message, subject=subject, state=state, before=before, limit=limit)
    return await tx.all(q.LINES_NEWEST, Message, state=state, before=before, limit=limit)


async def newest(tx: Tx, limit: int = 50) -> list[Message]:
    """The newest messages of all."""
    return await messages(tx, limit=limit)


async def why(tx: Tx, person: int | str, subject_id: int, *, say: Say, now: str) -> list[Line]:
    """Every message about a subject to a person, in words: was X told, and if not, why not?

    Args:
        person: the id, or a name (every person of that name), or the number of somebody who is not in the directory.
    Returns:
        In the order they were put; none when nothing was ever put for the person.
    """
    if isinstance(person, int):
        found = await tx.all(q.LINES_OF_PERSON, Message, subject=subject_id, recipient=f"person:{person}")
    elif person.isdigit():
        found = await tx.all(q.LINES_OF_PERSON, Message, subject=subject_id, recipient=f"to:{person}")
    else:
        found = await tx.all(q.LINES_OF_NAME, Message, subject=subject_id, name=person.strip())
    return [line_of(message, say, now) for message in found]


def reason_of(channel: str, code: str, reason: str) -> str:
    """Why a message failed, in plain words, whoever gave the code."""
    if reason or code in OUR_CODES:
        return reason or OUR_CODES[code]
    return SMTP if channel == Channel.EMAIL else plain_reason(code, REASONS["cmpp"])


def line_of(message: Message, say: Say, now: str) -> Line:
    """One message in words."""
    state = State(message.state)
    sentence, holes = _sentence(message, state, say, now)
    notes = []
    if message.merged > 0:
        notes.append(f"与另外 {message.merged} 件合成一条短信。")
    if message.resend_of is not None and state is not State.READY:
        notes.append("这是补发。")
    return Line(message, state in (State.ACCEPTED, State.DELIVERED), STATE_WORDS[state], sentence, holes, tuple(notes))


def _sentence(m: Message, state: State, say: Say, now: str) -> tuple[str, dict[str, object]]:
    """The sentence for a state, and what fills its holes."""
    at, due = say.when(m.changed_at, now), say.when(m.not_before, now)
    if state is State.UNDELIVERED:
        return "{reason}", {"reason": m.reason or _no_address(m) or reason_of(m.channel, m.code, "")}
    if state is State.RETRY_WAIT:
        return "{reason}已试 {n} 次，{due}再试。", {"reason": m.reason, "n": m.tries, "due": due}
    if state is State.UNKNOWN:
        return "{reason}", {"reason": m.reason or OUR_CODES["LEASE"]}
    if state is State.READY:
        return _waiting(m, say, now)
    if state is State.CLEARED:
        answered = "单位已于{at}答复，没有再发。"
        return (answered if m.code == "ANSWERED" else "事情已于{at}取消，没有再发。"), {"at": at}
    if state is State.ACCEPTED and m.code == "ASSUMED":
        return "{left}交出后没有收到答复，也没有收到回执，按已发出处理。", {"left": say.when(m.left_at or m.changed_at, now)}
    return _SENTENCES[state], {"at": at, "due": due}


_SENTENCES = {
    State.HELD: "现在是免打扰时段，{due}发送。",
    State.CLAIMED: "正在发送，请稍候。",
    State.ACCEPTED: "{at}已交给运营商，还没有收到送达的回执。",
    State.DELIVERED: "{at}已送达。",
    State.EXPIRED: "到了失效的时间还没有发出，没有再发。请改用电话通知。",
    State.DUPLICATE: "同样的消息已经有一条，没有再发。",
}


def _waiting(m: Message, say: Say, now: str) -> tuple[str, dict[str, object]]:
    """Why a ready message has not left: the line is long, or nothing gets through."""
    if m.channel == Channel.SCREEN:
        return "等待本人登录后查看。", {}
    if m.resend_of is not None:
        return "上一次不知是否发出，正等待补发。", {}
    if seconds_between(m.not_before, now) > STALE_S:
        return "从{since}等到现在还没有发出：网关不通，或者排队的消息很多。", {"since": say.when(m.not_before, now)}
    return "正在排队，马上发送。", {}


def _no_address(m: Message) -> str:
    return NO_ADDRESS.get(Channel(m.channel), "") if m.code == "NO_ADDRESS" else ""
