"""What the organiser sees before sending: to whom it goes, whom it will not reach, what it costs. Everything here reads.

found = await recipients(tx, typed, owner=unit, today=…)     groups, units, exceptions and pasted lines → a frozen list
panel = await look(tx, found, contents, …)                   warnings (never block), refusals (do), counts, the SMS
"""

from collections.abc import Sequence
from typing import NamedTuple

from ground import clock
from ground.config import Sms
from ground.db import Tx
from ground.directory import groups, people, units
from ground.directory.directory import Actor, Unit
from ground.directory.groups import Addressed, Chosen, Match, Wanted
from ground.directory.policy import Role
from ground.errors import FieldError
from ground.messages import outbox
from ground.messages.sms import signed, sms_parts
from notices import notice as nouns
from notices import organising, telling
from notices.forms import Typed
from notices.notice import Contents, Notice
from notices.telling import Told

SILENT_DAYS = 7
MOST_LINES = 3000


class Recipients(NamedTuple):
    """Whom the page names: for the action, for the picker, and the lines that are not understood."""

    wanted: Wanted
    chosen: Chosen
    addressed: Addressed
    unclear: tuple[Match, ...]
    unclear_excepts: tuple[Match, ...]


class Warned(NamedTuple):
    """A warning: what is the matter with these units. Kinds: nobody, leader, silent, mobile, closed."""

    kind: str
    units: tuple[Unit, ...]


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


async def recipients(tx: Tx, typed: Typed, *, owner: int, today: str) -> Recipients:
    """The units that the page names now. Pasted lines that mean one unit become units; the others stay lines."""
    pasted, unclear = await _matched(tx, typed.pasted, today)
    left_out, unclear_excepts = await _matched(tx, typed.except_pasted, today)
    known = {u.code: u for u in await units.everyone(tx)}
    wanted = Wanted(
        tuple(int(g) for g in typed.groups if g.isascii() and g.isdigit() and len(g) < 16),
        tuple(dict.fromkeys((*typed.units, *pasted))),
        tuple(dict.fromkeys((*typed.excepts, *left_out))),
    )
    addressed = await groups.resolve(tx, wanted, owner=owner, today=today)
    chosen = Chosen(
        wanted.groups,
        tuple((code, known[code].short_name) for code in wanted.units if code in known),
        tuple((code, known[code].short_name) for code in wanted.without if code in known),
        "\n".join(match.line for match in unclear),
        len(addressed.units),
    )
    return Recipients(wanted, chosen, addressed, unclear, unclear_excepts)


async def _matched(tx: Tx, pasted: str, today: str) -> tuple[list[str], tuple[Match, ...]]:
    """The codes of the lines that mean one unit, and the other lines."""
    if not pasted:
        return [], ()
    lines = list(dict.fromkeys(pasted.split("\n")))
    found = await groups.match(tx, lines[:MOST_LINES], today=today)
    found += [Match(line, []) for line in lines[MOST_LINES:]]
    return [m.units[0].code for m in found if len(m.units) == 1], tuple(m for m in found if len(m.units) != 1)


def unclear_sentence(lines: Sequence[Match]) -> str:
    """What to do about pasted lines that mean no unit or several; '' when there are none."""
    said = []
    for match in lines[:5]:
        if match.units:
            said.append(f"“{match.line[:40]}”可能是{'、'.join(u.short_name for u in match.units[:4])}")
        else:
            said.append(f"“{match.line[:40]}”没有对上")
    more = f"等 {len(lines)} 行" if len(lines) > 5 else ""
    return f"名单里{'；'.join(said)}{more}。请写全称或代码，或去掉这行。" if said else ""


async def offered(tx: Tx, owner: int, today: str) -> list[tuple[int, str, int]]:
    """The groups that the picker offers: id, name, how many units it means now."""
    frozen = await groups.frozen(tx, today)
    return [(g.id, g.name, len(frozen.get(g.id, ()))) for g in await groups.for_unit(tx, owner)]


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
    contacts = await telling.contacts_for(tx, ids)
    text, _ = telling.published_text(as_notice(actor, contents, now), told, now)
    heads = sum(len(contacts.get(id, ())) for id in ids)
    estimate = outbox.estimate(text, heads, sms)
    until = told.quiet.until(now) if contents.urgency != "immediate" else now
    return Panel(
        units=len(ids), warnings=await _warnings(tx, addressed, now), repeated=addressed.repeated,
        unclear=found.unclear + found.unclear_excepts,
        missing=tuple(e for e in missing if e.detail != nouns.CLASSIFIED_SENTENCE),
        classified=any(e.detail == nouns.CLASSIFIED_SENTENCE for e in missing), people=heads,
        parts=sms_parts(signed(text, sms.signature)), cost_fen=estimate.cost_fen, seconds=estimate.seconds,
        held_until=until if until > now else "",
    )  # fmt: skip


async def _warnings(tx: Tx, addressed: Addressed, now: str) -> tuple[Warned, ...]:
    """Units that may not hear of it, each under the first thing that is the matter; closed ones, which get nothing."""
    secretaries = people.by_unit(await people.contacts(tx, Role.SECRETARY))
    leaders = people.by_unit(await people.contacts(tx, Role.LEADER))
    since = clock.after(now, days=-SILENT_DAYS)
    kinds: dict[str, list[Unit]] = {"nobody": [], "leader": [], "mobile": [], "silent": []}
    for unit in addressed.units:
        told = secretaries.get(unit.id) or leaders.get(unit.id) or []
        if not told:
            kinds["nobody"].append(unit)
        elif unit.id not in secretaries:
            kinds["leader"].append(unit)
        elif not any(c.mobile and not c.mobile_bad for c in told):
            kinds["mobile"].append(unit)
        elif not any((c.last_seen_at or "") >= since for c in told):
            kinds["silent"].append(unit)
    kinds["closed"] = addressed.closed
    return tuple(Warned(kind, tuple(some)) for kind, some in kinds.items() if some)


def as_notice(actor: Actor, contents: Contents, now: str) -> Notice:
    """The contents as the notice that they would make; times that are not known yet are now."""
    return Notice(
        99_999, contents.title, contents.urgency, actor.unit_id, actor.unit_name, actor.person_id, now, 1, "",
        contents.starts_at or now, contents.ends_at, contents.answer_by or now, contents.place, contents.seats, contents.quota,
        contents.fields, contents.details, "", None, None,
    )  # fmt: skip
