"""To whom something goes, as a page names it: groups, units, exceptions and pasted lines → a frozen list, and what is the matter.

found = await recipients(tx, picked, owner=unit, today=…)    what was picked and pasted, understood
await warnings(tx, found.addressed, now)                     units that may not hear of it
"""

from collections.abc import Sequence
from typing import NamedTuple

from ground import clock
from ground.db import Tx
from ground.directory import groups, people, units
from ground.directory.directory import Unit
from ground.directory.groups import Addressed, Chosen, Match, Wanted
from ground.directory.policy import Role

SILENT_DAYS = 7
MOST_LINES = 3000


class Picked(NamedTuple):
    """What the picker sent: ids of groups, codes of units, codes left out, and lines of names for both."""

    groups: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    excepts: tuple[str, ...] = ()
    pasted: str = ""
    except_pasted: str = ""


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


async def recipients(tx: Tx, picked: Picked, *, owner: int, today: str) -> Recipients:
    """The units that the page names now. Pasted lines that mean one unit become units; the others stay lines."""
    pasted, unclear = await _matched(tx, picked.pasted, today)
    left_out, unclear_excepts = await _matched(tx, picked.except_pasted, today)
    known = {u.code: u for u in await units.everyone(tx)}
    wanted = Wanted(
        tuple(int(g) for g in picked.groups if g.isascii() and g.isdigit() and len(g) < 16),
        tuple(dict.fromkeys((*picked.units, *pasted))),
        tuple(dict.fromkeys((*picked.excepts, *left_out))),
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


async def warnings(tx: Tx, addressed: Addressed, now: str) -> tuple[Warned, ...]:
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
