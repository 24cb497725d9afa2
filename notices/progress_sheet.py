"""What the organiser's page shows of one notice, in one snapshot: counts, the units behind one of them, what to decide."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ground import config
from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Actor, Contact
from ground.messages import outbox
from ground.messages.outbox import Estimate
from ground.messages.telling import Told, contacts_for
from notices import leaves, organising, publishing, signups, telling
from notices.leaves import LateChange
from notices.notice import Change, Notice
from notices.organising import Chase, Counts, Line, Named, RoleCount
from notices.publishing import Version
from notices.signups import Leave
from notices.unit_sheet import news

ROWS = 50  # units a page
NAMES = 20  # people shown before the whole list
SHOWS = ("none", "asked", "coming", "absent", "unconfirmed", "all")


class UnitLine(NamedTuple):
    """One unit on the page."""

    line: Line
    clerk: Contact | None
    chased: int
    names: str  # who comes, or who is on leave


class Page(NamedTuple):
    """Which units are shown, and where the next ones begin."""

    show: str
    words: str
    units: list[UnitLine]
    found: int
    more: int  # the unit after which the next page goes on; 0: there is none
    first: bool


class Progress(NamedTuple):
    """The organiser's page."""

    notice: Notice
    counts: Counts
    unconfirmed: int
    page: Page
    asked: list[Leave]
    late: list[tuple[LateChange, Sequence[str]]]
    roles: list[RoleCount]
    names: list[Named]
    named_units: int
    checked_in: int
    news: tuple[Version, tuple[Change, ...]] | None
    last_chase: Chase | None
    chases: int
    chaser: str
    estimate: Estimate
    reached: int  # SMS that a chase of all would send
    own_unit: bool

    @property
    def due(self) -> bool:
        """Whether units can still be chased."""
        return self.counts.none > 0 and not self.notice.cancelled_at


class Ask(NamedTuple):
    """What the query asks for."""

    show: str
    words: str
    after: int


def newest_material(versions: Sequence[Version]) -> int:
    """The newest version that units must confirm; 1 when time and place stand as first told."""
    return max((v.version for v in versions if v.material and v.version > 1), default=1)


def is_unconfirmed(line: Line, material: int) -> bool:
    """Whether a unit has answered, and not confirmed the newest time and place."""
    return line.state != "none" and line.confirmed < material


async def gather(tx: Tx, id: int, actor: Actor, ask: Ask, *, told: Told, sms: config.Sms, now: str) -> Progress:
    """The page of a meeting of the actor's unit. Raises NotFound for any other."""
    notice = await publishing.own(tx, id, actor)
    versions = await publishing.versions(tx, id)
    lines = await organising.lines(tx, id)
    names = await organising.names(tx, id)
    counts = await organising.counts(tx, id)
    requests = await leaves.of_notice(tx, id)
    material = newest_material(versions)
    clerks = await contacts_for(tx, [line.unit_id for line in lines])
    chases = await organising.chases(tx, id)
    silent = [contact for line in lines if line.state == "none" for contact in clerks.get(line.unit_id, ()) if contact.mobile]
    begun = now >= notice.starts_at
    ask = ask._replace(show=ask.show if ask.show in SHOWS else first_show(counts, begun=begun))
    return Progress(
        notice=notice,
        counts=counts,
        unconfirmed=sum(is_unconfirmed(line, material) for line in lines),
        page=page_of(lines, ask, material, clerks, await organising.chased(tx, id), said_names(names, requests)),
        asked=[x for x in requests if x.state == "asked"],
        late=[(x, await _coming(tx, id, x.unit_id)) for x in await leaves.late_waiting(tx, id)],
        roles=await organising.roles(tx, id),
        names=names[:NAMES],
        named_units=len({n.unit_id for n in names}),
        checked_in=sum(bool(n.checked_in_at) for n in names),
        news=news(versions, notice.version),
        last_chase=chases[0] if chases else None,
        chases=len(chases),
        chaser=(await people.by_id(tx, chases[0].person_id)).name if chases else "",
        estimate=outbox.estimate(telling.reminder_text(notice, told, now)[0], len(silent), sms),
        reached=len(silent),
        own_unit=any(line.unit_id == actor.unit_id for line in lines),
    )


async def _coming(tx: Tx, notice: int, unit: int) -> Sequence[str]:
    return [a.name for a in await signups.people_of(tx, notice, unit)]


def first_show(counts: Counts, *, begun: bool) -> str:
    """What the page opens on: those who have not answered, while it matters; else those who come."""
    return "none" if counts.none and not begun else "coming" if counts.coming else "all"


def said_names(names: Sequence[Named], requests: Sequence[Leave]) -> dict[int, str]:
    """For each unit: who comes; for one that sends nobody, who is on leave."""
    coming: dict[int, list[str]] = {}
    for n in names:
        coming.setdefault(n.unit_id, []).append(n.name)
    said = {unit: "、".join(who[:3]) + (f"等 {len(who)} 人" if len(who) > 3 else "") for unit, who in coming.items()}
    for x in requests:
        if x.state in ("asked", "approved") and x.unit_id not in said:
            said[x.unit_id] = f"{x.person}请假"
    return said


def page_of(
    lines: Sequence[Line], ask: Ask, material: int, clerks: Mapping[int, list[Contact]], chased: Mapping[int, int],
    names: Mapping[int, str],
) -> Page:  # fmt: skip
    """The units of one list that come after the unit `ask.after`, as many as a page holds, in the tree's order."""
    found = [line for line in lines if _shown(line, ask.show, material) and _matches(line, ask.words)]
    at = next((n + 1 for n, line in enumerate(found) if line.unit_id == ask.after), 0)
    here = found[at : at + ROWS]
    more = here[-1].unit_id if at + ROWS < len(found) else 0
    units = [
        UnitLine(x, next(iter(clerks.get(x.unit_id, ())), None), chased.get(x.unit_id, 0), names.get(x.unit_id, "")) for x in here
    ]
    return Page(ask.show, ask.words, units, len(found), more, at == 0)


def _shown(line: Line, show: str, material: int) -> bool:
    return show == "all" or line.state == show or (show == "unconfirmed" and is_unconfirmed(line, material))


def _matches(line: Line, words: str) -> bool:
    return not words or words in line.name or words in line.short_name or line.code.startswith(words)
