"""短信邮件: the operator sees what waits, what failed and why, what nobody knows; and why somebody was not told."""

from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground import clock
from ground.db import Tx
from ground.directory.policy import Act
from ground.errors import Invalid
from ground.messages import looking, outbox
from ground.messages.looking import CHANNEL_WORDS, PURPOSE_WORDS, STATE_WORDS, Backlog, Failure, Message
from ground.messages.queries import PULSE_AT
from ground.visit import Flash, Visit
from ground.web import page

STALE_S = 60
FAILED_DAYS = 7


class Overview(NamedTuple):
    """Everything on the page."""

    backlog: list[Backlog]
    failures: list[Failure]
    unknown: list[Message]
    newest: list[Message]
    pulse: str | None


async def _overview(tx: Tx, now: str) -> Overview:
    since = clock.after(now, days=-FAILED_DAYS)
    return Overview(
        await looking.backlog(tx),
        await looking.failures(tx, since),
        await looking.unknown(tx, 100),
        await looking.newest(tx, limit=30),
        await tx.value(PULSE_AT, name="worker"),
    )


async def show(visit: Visit) -> Response:
    """GET /messages."""
    view = await visit.read(_overview, visit.now)
    stopped = view.pulse is None or clock.seconds_between(view.pulse, visit.now) > STALE_S
    return visit.render(
        "messages/pages/overview.html", view=view, stopped=stopped, channels=CHANNEL_WORDS, states=STATE_WORDS,
        purposes=PURPOSE_WORDS,
    )  # fmt: skip


async def why(visit: Visit) -> Response:
    """GET /messages/why?person=&subject=: every message about a subject to a person, in words."""
    person, subject = visit.query("person")[:60], visit.query("subject")
    lines: list[looking.Line] = []
    asked = bool(person)
    if asked:
        if not (subject.isascii() and subject.isdigit() and len(subject) < 16):
            visit.refused = Invalid.one("subject", "请填会议编号：打开会议，网址里 meetings 后面的数字就是。")
            visit.status = 422
            asked = False
        else:
            say = visit.house.renderer.words(visit.language)
            lines = await visit.read(looking.why, person, int(subject), say=say, now=visit.now)
    return visit.render(
        "messages/pages/why.html", person=person, subject=subject, asked=asked, lines=lines, channels=CHANNEL_WORDS,
        purposes=PURPOSE_WORDS,
    )  # fmt: skip


async def resend(visit: Visit) -> Response:
    """POST /messages/{message}/resend: once more, marked 补发."""
    await visit.write(outbox.resend, visit.number("message"), by=visit.actor.person_id, now=visit.now)
    return visit.see_other("messages", flash=Flash("ok", visit.t("已安排补发一次，短信里会写明“补发”。")))


async def give_up(visit: Visit) -> Response:
    """POST /messages/{message}/end: count it as not delivered."""
    await visit.write(outbox.give_up, visit.number("message"), by=visit.actor.person_id, now=visit.now)
    return visit.see_other("messages", flash=Flash("ok", visit.t("已记为未送达，不再发送。")))


routes = [
    Route("/messages", page(show, may=Act.MESSAGES, here="messages"), methods=["GET"], name="messages"),
    Route("/messages/why", page(why, may=Act.MESSAGES, here="messages"), methods=["GET"], name="messages_why"),
    Route("/messages/{message}/resend", page(resend, may=Act.MESSAGES), methods=["POST"], name="message_resend"),
    Route("/messages/{message}/end", page(give_up, may=Act.MESSAGES), methods=["POST"], name="message_end"),
]
