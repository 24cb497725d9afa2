"""收文号: what came in is numbered by the unit that received it, per series and year, without a gap.

    done = await register(tx, actor, id, now=…, today=…)     2026-0412, taken in this transaction

The counter's row is locked before the step is taken, so the number that the fact names is the number that is given; a colleague
who registers at the same instant waits for it, and is answered with the number that stands.
"""

import re
from typing import NamedTuple

from exchange import queries as q
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import Invalid
from receipts import ledger
from receipts.receipt import Step

_NUMBER = re.compile(r"(?:(?P<series>[^\d\s-][^\s-]{0,11})-)?(?P<year>\d{4})-(?P<serial>\d{1,6})")


class Incoming(NamedTuple):
    """A 收文号 that was given."""

    series: str
    year: int
    serial: int
    at: str = ""
    person: str = ""

    @property
    def text(self) -> str:
        """As it stands on paper: 2026-0412, with its series before it when the unit keeps several."""
        return written(self.series, self.year, self.serial)


class Twin(NamedTuple):
    """Another item from the same sender with the same number, registered before."""

    series: str
    year: int
    serial: int
    title: str
    id: int

    @property
    def text(self) -> str:
        """Its 收文号."""
        return written(self.series, self.year, self.serial)


class Registered(NamedTuple):
    """What registering came to."""

    first: bool
    incoming: Incoming


class YearUsed(NamedTuple):
    """A series and year that has numbers."""

    series: str
    year: int
    last: int


def written(series: str, year: int, serial: int) -> str:
    """The number in the one way of writing."""
    return f"{series}-{year}-{serial:04d}" if series else f"{year}-{serial:04d}"


async def of(tx: Tx, subject: int, unit: int) -> Incoming | None:
    """The number that the unit has given a subject; None while it has none."""
    return await tx.one(q.INCOMING_OF, Incoming, subject=subject, unit=unit)


async def next_of(tx: Tx, unit: int, today: str, series: str = "") -> Incoming:
    """The number that would come next: shown before the button is pressed, not taken."""
    year = int(today[:4])
    last = await tx.value(q.INCOMING_LAST, unit=unit, series=series, year=year)
    return Incoming(series, year, int(last or 0) + 1)


async def twins(tx: Tx, subject: int, unit: int) -> list[Twin]:
    """Items of the same sender and number that the unit has registered before: perhaps it came twice."""
    found = await ledger.subject_of(tx, subject)
    if not found.number:
        return []
    return await tx.all(q.INCOMING_TWINS, Twin, unit=unit, number=found.number, sender=found.sender_unit, subject=subject)


async def years(tx: Tx, unit: int) -> list[YearUsed]:
    """The series and years in which the unit has registered something, the newest first."""
    return await tx.all(q.INCOMING_YEARS, YearUsed, unit=unit)


async def register(tx: Tx, actor: Actor, id: int, *, now: str, today: str, number: str = "") -> Registered:
    """Give a signed document the unit's next number.

    Args:
        number: the number that the asker expects, such as 2026-0412; '' for whatever comes next. With a series before it
            (县-2026-0001) the number is taken from that series.
    Raises:
        NotFound. Refused: not signed, returned, recalled. Invalid: `number` is not the next one, so there would be a gap.
    """
    subject = await ledger.subject_of(tx, id)
    await ledger.receipt_of(tx, id, actor.unit_id)
    known = await of(tx, id, actor.unit_id)
    if known is not None:
        return Registered(False, known)
    series, year, wished = _wish(number, today)
    last = int(await tx.value(q.INCOMING_LOCK, unit=actor.unit_id, series=series, year=year))
    given = Incoming(series, year, last + 1, now, actor.name)
    known = await of(tx, id, actor.unit_id)  # a colleague may have had the lock before us
    if known is not None:
        return Registered(False, known)
    if wished and wished != given.serial:
        raise Invalid.one("number", f"收文号不能有空号，下一个是 {given.text}。")
    taken = await ledger.take_step(tx, Step.REGISTER, subject, actor.unit_id, actor, at=now, note=given.text)
    if not taken.first:  # answered before it was registered: the number is given all the same
        await ledger.late_fact(tx, Step.REGISTER, subject, actor.unit_id, actor, at=now, note=given.text)
    await tx.run(q.INCOMING_COUNT, unit=actor.unit_id, series=series, year=year, serial=given.serial)
    await tx.run(
        q.INCOMING_INSERT, unit=actor.unit_id, series=series, year=year, serial=given.serial, subject=id, at=now,
        person=actor.person_id,
    )  # fmt: skip
    return Registered(True, given)


def _wish(number: str, today: str) -> tuple[str, int, int]:
    """Series, year and serial of the number asked for; serial 0 when none was."""
    if not number:
        return "", int(today[:4]), 0
    found = _NUMBER.fullmatch(number.strip())
    if found is None:
        raise Invalid.one("number", "收文号写成 2026-0412 这样。")
    if found["year"] != today[:4]:
        raise Invalid.one("number", "收文号的年份是今年。")
    return found["series"] or "", int(found["year"]), int(found["serial"])


async def register_signed(tx: Tx, actor: Actor, id: int, number: str, now: str, today: str) -> None:
    """`register` as `receipts.inbox.Kind` calls it, in the transaction of a signature."""
    await register(tx, actor, id, now=now, today=today, number=number)
