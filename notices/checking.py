"""What the organiser sees before sending: to whom it goes, whom it will not reach, what it costs. Everything here reads.

panel = await look(tx, found, contents, …)                   warnings (never block), refusals (do), counts, the SMS
"""

from collections.abc import Sequence
from typing import NamedTuple

from ground import wording
from ground.config import Sms
from ground.db import Tx
from ground.directory import groups
from ground.directory.directory import Actor
from ground.directory.groups import Match
from ground.directory.recipients import Recipients, Warned, warnings
from ground.errors import FieldError
from ground.messages import outbox
from ground.messages.sms import signed, sms_parts
from ground.messages.telling import Told, contacts_for
from notices import organising, telling
from notices.notice import Contents, Notice


class Panel(NamedTuple):
    """The right column."""

    units: int
    warnings: tuple[Warned, ...]
    repeated: int
    unclear: tuple[Match, ...]
    missing: tuple[FieldError, ...]  # fields of the page that cannot stand yet
    classified: bool
    people: int
    parts: int  # of one SMS
    cost_fen: int
    seconds: int
    held_until: str  # quiet hours: when it will be sent; '' at once


# --- to whom --------------------------------------------------------------------------------------------------------------


async def invited_again(tx: Tx, notice: int, *, owner: int, today: str) -> dict[str, list[str]]:
    """The picker's fields that invite whom an earlier notice invited: whole groups where they fit, the rest one by one."""
    lines = await organising.lines(tx, notice)
    asked = {line.unit_id for line in lines}
    rest, chosen = set(asked), []
    frozen = await groups.frozen(tx, today)
    usable = [(frozen.get(g.id, frozenset()), g.id) for g in await groups.for_unit(tx, owner)]
    for members, group in sorted(usable, key=lambda one: -len(one[0])):
        if len(members) > 1 and members <= asked and members & rest:
            chosen.append(str(group))
            rest -= members
    return {"group": chosen, "unit": [line.code for line in lines if line.unit_id in rest]}


# --- the panel ------------------------------------------------------------------------------------------------------------


async def look(
    tx: Tx, actor: Actor, found: Recipients, contents: Contents, missing: Sequence[FieldError], *, told: Told, sms: Sms, now: str
) -> Panel:
    """Everything that the panel says.

    Args:
        missing: the fields that cannot stand yet, as `forms.understand` names them.
    """
    addressed = found.addressed
    ids = [u.id for u in addressed.units]
    contacts = await contacts_for(tx, ids)
    text, _ = telling.published_text(as_notice(actor, contents, now), told, now)
    heads = sum(len(contacts.get(id, ())) for id in ids)
    estimate = outbox.estimate(text, heads, sms)
    until = told.quiet.until(now) if contents.urgency != "immediate" else now
    return Panel(
        units=len(ids), warnings=await warnings(tx, addressed, now), repeated=addressed.repeated,
        unclear=found.unclear + found.unclear_excepts,
        missing=tuple(e for e in missing if e.detail != wording.CLASSIFIED_SENTENCE),
        classified=any(e.detail == wording.CLASSIFIED_SENTENCE for e in missing), people=heads,
        parts=sms_parts(signed(text, sms.signature)), cost_fen=estimate.cost_fen, seconds=estimate.seconds,
        held_until=until if until > now else "",
    )  # fmt: skip


def as_notice(actor: Actor, contents: Contents, now: str) -> Notice:
    """The contents as the notice that they would make; times that are not known yet are now."""
    return Notice(
        99_999, contents.title, contents.urgency, actor.unit_id, actor.unit_name, actor.person_id, now, 1, "",
        contents.starts_at or now, contents.ends_at, contents.answer_by or now, contents.place, contents.seats, contents.quota,
        contents.fields, contents.details, "", None, None,
    )  # fmt: skip
