"""Who is told of what, and in which words: everything that the notices room puts into the outbox; each person once a channel."""

from collections.abc import Sequence

from ground.db import Tx
from ground.directory.directory import Contact
from ground.messages import outbox
from ground.messages.message import Channel, NewMessage, Priority, Purpose
from ground.messages.telling import Count, Told, contacts_for
from notices import calendar
from notices.notice import Change, Notice


def priority(notice: Notice, purpose: Purpose) -> Priority:
    """特急 and cancellations first, reminders last."""
    if notice.urgency == "immediate" or purpose is Purpose.CANCELLED:
        return Priority.IMMEDIATE
    if purpose in (Purpose.REMINDER, Purpose.CHASE):
        return Priority.REMINDER
    return Priority.URGENT if notice.urgency == "urgent" else Priority.NORMAL


def _link(notice: Notice, told: Told) -> str:
    return f"{told.url}/meetings/{notice.id}" if told.url else ""


def published_text(notice: Notice, told: Told, now: str) -> tuple[str, str]:
    """The SMS of a new notice, and its short line."""
    when = told.say.meeting(notice.starts_at, now)
    until = told.say.when(notice.answer_by, now)
    text = (
        f"{notice.sender_name}通知：{when}在{notice.place}召开{notice.title}，请于{until}前报名。"
        f"登录送达办理，或回复：1参加 2请假 3换人 姓名 职务 手机。{_link(notice, told)}"
    )
    return text, f"报名：{notice.title}（{until}前）"


def _time_changed(change: Change, told: Told, now: str) -> str:
    """Old → new; an end may have been open, or may be left open from now on."""
    word = {"starts_at": "时间", "ends_at": "结束时间", "answer_by": "报名时限"}[change.field]
    if not change.old:
        return f"{word}定为{told.say.when(change.new, now)}"
    if not change.new:
        return f"{word}不再限定"
    return f"{word}由{told.say.when(change.old, now)}改为{told.say.when(change.new, now)}"


def changed_text(notice: Notice, changes: Sequence[Change], told: Told, now: str, *, material: bool) -> tuple[str, str]:
    """The SMS of a changed notice: old → new, and whether to confirm."""
    said = []
    for change in changes:
        if change.field in ("starts_at", "ends_at", "answer_by"):
            said.append(_time_changed(change, told, now))
        elif change.field == "place":
            said.append(f"地点由{change.old}改为{change.new}")
    what = "，".join(said) or "内容有更新"
    ask = "请登录确认。" if material else "请知悉。"
    return f"【变更】{notice.title}：{what}。{ask}{_link(notice, told)}", f"变更：{notice.title}，{what}"


def cancelled_text(notice: Notice, reason: str, told: Told, now: str) -> tuple[str, str]:
    """The SMS of a cancelled meeting."""
    text = f"【取消】原定{told.say.meeting(notice.starts_at, now)}的{notice.title}取消。{reason}"
    return text, f"取消：{notice.title}"


def reminder_text(notice: Notice, told: Told, now: str) -> tuple[str, str]:
    """The SMS to a unit that has not answered."""
    until = told.say.when(notice.answer_by, now)
    text = f"提醒：{notice.title}还没有收到贵单位的报名，{until}截止。登录送达办理，或回复1参加 2请假。{_link(notice, told)}"
    return text, f"还没有报名：{notice.title}（{until}截止）"


def event(notice: Notice, now: str, told: Told, url: str = "") -> calendar.Event:
    """The notice as a calendar entry: the UID stays, the SEQUENCE counts versions from 0."""
    return calendar.Event(
        uid=notice.uid, sequence=notice.version - 1, title=notice.title, place=notice.place, starts_at=notice.starts_at,
        ends_at=notice.ends_at, stamped_at=now, description=notice.details.body or url, organiser_name=notice.sender_name,
        organiser_mail=told.sender_mail,
    )  # fmt: skip


async def tell_units(
    tx: Tx, notice: Notice, units: Sequence[int], purpose: Purpose, words: tuple[str, str], told: Told, *, now: str,
    step: str = "", method: str | None = None,
) -> Count:  # fmt: skip
    """Put one SMS (and, with an address, one e-mail) for each contact of each unit into the outbox.

    Args:
        words: the text and its short line.
        method: REQUEST or CANCEL to send the calendar entry along with the e-mail.
    """
    text, line = words
    contacts = await contacts_for(tx, units)
    rank = priority(notice, purpose)
    expires = notice.answer_by if purpose in (Purpose.REMINDER, Purpose.CHASE) else notice.starts_at
    ics = calendar.ics(event(notice, now, told), "CANCEL" if method == "CANCEL" else "REQUEST") if method else None
    messages: list[NewMessage] = []
    for unit in units:
        for contact in contacts.get(unit, ()):
            common = NewMessage(
                notice.id, notice.version, purpose, Channel.SMS, contact.person_id, unit, contact.mobile, notice.title, text,
                line, rank, step, expires,
            )  # fmt: skip
            messages.append(common)
            if contact.email:
                messages.append(common._replace(channel=Channel.EMAIL, address=contact.email, ics=ics, ics_method=method))
    await outbox.put(tx, messages, now=now, quiet=told.quiet)
    tx.notify("outbox")
    return Count(len(messages), tuple(unit for unit in units if not contacts.get(unit)))


async def tell_person(
    tx: Tx, notice: Notice, contact: Contact, purpose: Purpose, words: tuple[str, str], told: Told, *, now: str, step: str
) -> None:
    """Tell one person of the directory by SMS and, with an address, by e-mail."""
    text, line = words
    message = NewMessage(
        notice.id, notice.version, purpose, Channel.SMS, contact.person_id, contact.unit_id, contact.mobile, notice.title, text,
        line, priority(notice, purpose), step, notice.starts_at,
    )  # fmt: skip
    messages = [message]
    if contact.email:
        messages.append(message._replace(channel=Channel.EMAIL, address=contact.email))
    await outbox.put(tx, messages, now=now, quiet=told.quiet)
    tx.notify("outbox")
