"""Whom a unit's news goes to, and how the service speaks: what every room that tells people needs.

A unit is told through its secretaries (without one, through its leaders).
"""

from collections.abc import Iterable
from typing import NamedTuple

from ground.db import Tx
from ground.directory import people
from ground.directory.directory import Contact
from ground.directory.policy import Role
from ground.messages import outbox
from ground.say import Say


class Told(NamedTuple):
    """How the service speaks: words for times, where links lead, who is asked for help, quiet hours."""

    say: Say
    url: str  # the service's public address, '' when links make no sense
    quiet: outbox.QuietHours
    sender_mail: str = ""


class Count(NamedTuple):
    """How many were told, and whom nobody could reach."""

    messages: int
    unreachable: tuple[int, ...]


async def contacts_for(tx: Tx, units: Iterable[int]) -> dict[int, list[Contact]]:
    """Whom to tell in each unit: its secretaries, else its leaders; no list for a unit that has neither."""
    wanted = set(units)
    secretaries = people.by_unit(await people.contacts(tx, Role.SECRETARY))
    missing = wanted - secretaries.keys()
    leaders = people.by_unit(await people.contacts(tx, Role.LEADER)) if missing else {}
    return {unit: found for unit in wanted if (found := secretaries.get(unit) or leaders.get(unit, []))}
