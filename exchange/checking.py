"""What the sender sees before sending: to whom it goes, whom it will not reach, what it costs. Everything here reads.

panel = await look(tx, actor, addressees, contents, …)       warnings (never block), refusals (do), counts, the SMS
"""

from collections.abc import Sequence
from typing import NamedTuple

from exchange import sending, telling
from exchange.document import Contents, Document
from ground import wording
from ground.config import Sms
from ground.db import Tx
from ground.directory import groups, people, recipients, units
from ground.directory.directory import Actor, Unit
from ground.directory.groups import Addressed, Match
from ground.directory.policy import Role
from ground.directory.recipients import Picked, Recipients, Warned
from ground.errors import FieldError
from ground.messages import outbox
from ground.messages.sms import signed, sms_parts
from ground.messages.telling import Told, contacts_for


class Addressees(NamedTuple):
    """Whom the page names: main and copy recipients, and both together, each unit once."""

    main: Recipients
    copy: Recipients
    both: Addressed

    @property
    def copies(self) -> int:
        """Units that get it as a copy only."""
        return len(self.both.units) - len(self.main.addressed.units)

    @property
    def unclear(self) -> tuple[Match, ...]:
        """Lines of pasted names that mean no unit, or several."""
        return self.main.unclear + self.main.unclear_excepts + self.copy.unclear + self.copy.unclear_excepts


class Way(NamedTuple):
    """A warning with its ways out."""

    kind: str
    units: tuple[Unit, ...]
    instead: tuple[tuple[Unit, Unit], ...]  # a unit, and the one above it that can be told
    accepted: bool

    @property
    def swaps(self) -> str:
        """What the page's button says: code>code of the unit above, by commas."""
        return ",".join(f"{old.code}>{new.code}" for old, new in self.instead)

    @property
    def ways(self) -> list[str]:
        """The ways out, as programs know them."""
        if self.kind == "closed":
            return ["leave_out"]
        return ["send_anyway", "leave_out", *(["send_above"] if self.instead else [])]


class Panel(NamedTuple):
    """The right column."""

    units: int
    main: int
    copies: int
    warnings: tuple[Way, ...]
    repeated: int
    unclear: tuple[Match, ...]
    missing: tuple[FieldError, ...]  # fields of the page that cannot stand yet
    classified: bool
    people: int
    parts: int  # of one SMS
    cost_fen: int
    seconds: int
    held_until: str  # quiet hours: when it will be sent; '' at once

    @property
    def look(self) -> int:
        """How many things ask to be looked at."""
        return sum(not w.accepted for w in self.warnings) + bool(self.unclear) + self.classified


# --- to whom --------------------------------------------------------------------------------------------------------------


async def addressees(tx: Tx, main: Picked, copy: Picked, *, owner: int, today: str) -> Addressees:
    """Everybody that the page names now; a unit named in both lists is a main recipient."""
    first = await recipients.recipients(tx, main, owner=owner, today=today)
    second = await recipients.recipients(tx, copy, owner=owner, today=today)
    a, b = first.addressed, second.addressed
    known = {u.id for u in a.units}
    only = [u for u in b.units if u.id not in known]
    closed = {u.id: u for u in (*a.closed, *b.closed)}
    twice = a.repeated + b.repeated + len(b.units) - len(only)
    return Addressees(first, second, Addressed([*a.units, *only], list(closed.values()), twice, [*a.unknown, *b.unknown]))


async def addressed_again(tx: Tx, document: int, *, owner: int, today: str, only: Sequence[int] = ()) -> dict[str, list[str]]:
    """The picker's fields that name whom an earlier document went to: whole groups where they fit, the rest one by one.

    Args:
        only: these units of it alone; none: all.
    """
    sent = [r for r in await sending.recipients_of(tx, document) if not only or r.unit_id in only]
    code = {u.id: u.code for u in await units.everyone(tx)}
    main = {r.unit_id for r in sent if r.part == "main"}
    rest, chosen = set(main), []
    frozen = await groups.frozen(tx, today)
    usable = [(frozen.get(g.id, frozenset()), g.id) for g in await groups.for_unit(tx, owner)]
    for members, group in sorted(usable, key=lambda one: -len(one[0])):
        if len(members) > 1 and members <= main and members & rest:
            chosen.append(str(group))
            rest -= members
    return {
        "group": chosen, "unit": [code[r.unit_id] for r in sent if r.unit_id in rest],
        "cc_unit": [code[r.unit_id] for r in sent if r.part == "copy"],
    }  # fmt: skip


# --- the panel ------------------------------------------------------------------------------------------------------------


async def warnings(tx: Tx, addressed: Addressed, now: str, *, accepted: Sequence[str] = ()) -> tuple[Way, ...]:
    """Units that may not hear of it, and what can be done about each kind."""
    found = await recipients.warnings(tx, addressed, now)
    above = await _above(tx, [u for w in found if w.kind in ("nobody", "leader") for u in w.units], addressed)
    return tuple(_way(w, above, w.kind in accepted) for w in found)


def _way(warned: Warned, above: dict[int, Unit], accepted: bool) -> Way:
    instead = tuple((u, above[u.id]) for u in warned.units if u.id in above)
    return Way(warned.kind, warned.units, instead, accepted and warned.kind != "closed")


async def _above(tx: Tx, some: Sequence[Unit], addressed: Addressed) -> dict[int, Unit]:
    """For each unit the nearest open one above it (no area) that has a secretary, and is not addressed anyway."""
    if not some:
        return {}
    told = people.by_unit(await people.contacts(tx, Role.SECRETARY))
    by_id = {u.id: u for u in await units.everyone(tx)}
    gone = {u.id for u in addressed.units} | {u.id for u in addressed.closed}
    found = {}
    for unit in some:
        chain = [by_id[int(id)] for id in reversed(unit.path.strip("/").split("/")[:-1])]
        up = next((u for u in chain if u.kind != units.AREA and u.id in told and not u.closed_on and u.id not in gone), None)
        if up is not None:
            found[unit.id] = up
    return found


async def look(
    tx: Tx, actor: Actor, found: Addressees, contents: Contents, missing: Sequence[FieldError], *, accepted: Sequence[str],
    told: Told, sms: Sms, now: str,
) -> Panel:  # fmt: skip
    """Everything that the panel says.

    Args:
        missing: the fields that cannot stand yet, as `forms.understand` names them.
        accepted: kinds of warnings that the sender has seen and sends anyway.
    """
    ids = [u.id for u in found.both.units]
    contacts = await contacts_for(tx, ids)
    text, _ = telling.sent_text(as_document(actor, contents, now), told, now)
    heads = sum(len(contacts.get(id, ())) for id in ids)
    estimate = outbox.estimate(text, heads, sms)
    until = told.quiet.until(now) if contents.urgency != "immediate" else now
    return Panel(
        units=len(ids), main=len(found.main.addressed.units), copies=found.copies,
        warnings=await warnings(tx, found.both, now, accepted=accepted), repeated=found.both.repeated, unclear=found.unclear,
        missing=tuple(e for e in missing if e.detail != wording.CLASSIFIED_SENTENCE),
        classified=any(e.detail == wording.CLASSIFIED_SENTENCE for e in missing), people=heads,
        parts=sms_parts(signed(text, sms.signature)), cost_fen=estimate.cost_fen, seconds=estimate.seconds,
        held_until=until if until > now else "",
    )  # fmt: skip


def as_document(actor: Actor, new: Contents, now: str) -> Document:
    """The contents as the document that they would make; a number of usual length, times that are not known yet are now."""
    number = "测试测发〔2026〕999号" if new.series else ""
    return Document(
        99_999, new.kind, new.title, number, new.urgency, actor.unit_id, actor.unit_short, actor.person_id, now,
        new.sign_by or now, new.answer_by or None, 1, "", None, None, None, None, new.issuer, new.dated, new.joint, new.note,
        "", "", None, None, None, None,
    )  # fmt: skip


def recipient_errors(found: Addressees) -> list[FieldError]:
    """What is wrong about the recipients, for the page's picker."""
    said = recipients.unclear_sentence(found.unclear)
    if found.both.unknown:
        said = said or f"这些单位或发文范围没有找到：{'、'.join(found.both.unknown[:5])}。请改正后再发。"
    return [FieldError("main", said)] if said else []
