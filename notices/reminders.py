"""Reminders by the clock: units that have not answered, people who are to come. A reminder that would come too late is not sent.

The worker calls `put_due` each minute. It may be called twice, by two workers, or after a week off: the outbox's unique key makes
each reminder once, and one whose moment passed more than `late_minutes` ago is left out.
"""

from ground import clock
from ground.config import Notices
from ground.db import Tx
from ground.messages import outbox
from ground.messages.message import Channel, NewMessage, Priority, Purpose
from ground.messages.telling import Told
from notices import organising, telling
from notices import queries as q
from notices.notice import Notice


def hours(text: str) -> list[float]:
    """The hours of a setting like "24,3". Raises ValueError."""
    return [float(part) for part in text.split(",") if part.strip()]


async def put_due(tx: Tx, rules: Notices, told: Told, now: str) -> int:
    """Put every reminder whose moment has come; how many messages."""
    put = 0
    late = clock.after(now, minutes=-rules.late_minutes)
    for before in hours(rules.remind_hours):
        low, high = clock.after(late, hours=before), clock.after(now, hours=before)
        for notice in await tx.all(q.REMIND_WINDOW, Notice.of_row, low=low, high=high):
            if clock.after(notice.answer_by, hours=-before) > notice.sent_at and notice.answer_by > now:
                put += await _remind_units(tx, notice, f"reminder-{before:g}", told, now)
    for before in hours(rules.attendee_hours):
        low, high = clock.after(late, hours=before), clock.after(now, hours=before)
        for notice in await tx.all(q.ATTENDEE_WINDOW, Notice.of_row, low=low, high=high):
            put += await _remind_people(tx, notice, f"attendee-{before:g}", told, now)
    return put


async def _remind_units(tx: Tx, notice: Notice, step: str, told: Told, now: str) -> int:
    silent = await organising.silent(tx, notice)
    if not silent:
        return 0
    words = telling.reminder_text(notice, told, now)
    return (await telling.tell_units(tx, notice, silent, Purpose.REMINDER, words, told, now=now, step=step)).messages


async def _remind_people(tx: Tx, notice: Notice, step: str, told: Told, now: str) -> int:
    text = f"请您参加：{told.say.meeting(notice.starts_at, now)}，{notice.place}，{notice.title}。"
    if notice.details.contact:
        text += f"会务{notice.details.contact}{notice.details.contact_phone}。"
    first = NewMessage(
        notice.id, notice.version, Purpose.ATTENDEE, Channel.SMS, 0, 0, "", notice.title, text, text, Priority.REMINDER, step,
        notice.starts_at,
    )  # fmt: skip
    people = [p for p in await organising.names(tx, notice.id) if p.mobile and p.role != "driver"]
    messages = [first._replace(unit_id=person.unit_id, address=person.mobile) for person in people]
    return await outbox.put(tx, messages, now=now, quiet=told.quiet)
