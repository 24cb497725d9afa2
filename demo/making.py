"""Puts the demo city into an empty database.

    await make(db, store, clock, zone, units=1053, report=…)

Units, people and groups go through the directory's own actions; meetings of the past are written as rows, since nobody
wants to wait two years. After a crash the database is half made: starting.py keeps a marker beside it, and throws it away.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from demo import accounts, city, history, names
from demo.accounts import ACCOUNTS
from demo.answering import Member, Office
from demo.city import City, PersonPlan
from ground import clock as time
from ground.clock import Clock
from ground.db import Database, Tx
from ground.directory import groups, people, units
from ground.directory import queries as q
from ground.directory.directory import Group
from ground.directory.people import NewPerson
from ground.directory.units import NewUnit
from ground.files import Store

Report = Callable[[str, int, int], None]
CREATED_AT = "2019-01-02T01:00:00.000Z"
MEETINGS = 420
DEAD = ("空号", "停机")


class Cast(NamedTuple):
    """What was made, by code and login."""

    units: dict[str, int]
    people: dict[str, int]
    plan: City


async def make(
    db: Database, store: Store, clock: Clock, zone: ZoneInfo, *, units: int = 1053, meetings: int = MEETINGS, report: Report
) -> None:
    """Fill an empty database with a city of so many units and so many past meetings; `report(what, done, of)` on the way."""
    report("排出全市单位和人员", 0, 1)
    cast = Cast({}, {}, _with_accounts(city.plan(units)))
    await _units(db, cast, report)
    await _people(db, cast, report)
    report("发文范围", 0, 1)
    await db.write(_groups, cast)
    await db.write(_changes, cast, time.local(clock.now(), zone).date())
    report("登录账号", 0, 1)
    await accounts.give_passwords(db, cast.people, clock)
    await history.make(db, store, clock, zone, cast.plan, _offices(cast), cast.people, number=meetings, report=report)
    await db.write(_seen, cast, clock.now())


def _with_accounts(plan: City) -> City:
    """The plan with the people of the printed accounts, who stand before their colleagues."""
    codes = {unit.short_name: unit.code for unit in plan.units}
    own = [
        PersonPlan(a.login, a.name, codes[a.unit], a.role, a.position, names.mobile(9000 + n), f"{a.login}@example.cn")
        for n, a in enumerate(ACCOUNTS)
    ]
    login, unit, role, position = accounts.SECOND_POST
    if unit in codes:
        own.append(own[0]._replace(login=login, unit_code=codes[unit], role=role, position=position))
    return plan._replace(people=(*own, *plan.people))


async def _units(db: Database, cast: Cast, report: Report) -> None:
    every = list(enumerate(cast.plan.units))
    for done in range(0, len(every), 200):
        report("单位", done, len(every))
        await db.write(_open_units, cast, every[done : done + 200])


async def _open_units(tx: Tx, cast: Cast, some: Sequence[tuple[int, city.UnitPlan]]) -> None:
    for sort, u in some:
        new = NewUnit(u.code, u.name, u.short_name, cast.units.get(u.parent_code), u.kind, u.level, u.duty_phone, sort)
        cast.units[u.code] = await units.open_unit(tx, new, today=city.OPENED_ON, at=CREATED_AT)


async def _people(db: Database, cast: Cast, report: Report) -> None:
    every = cast.plan.people
    for done in range(0, len(every), 400):
        report("人员", done, len(every))
        await db.write(_add_people, cast, every[done : done + 400])


async def _add_people(tx: Tx, cast: Cast, some: Sequence[PersonPlan]) -> None:
    for p in some:
        new = NewPerson(p.login, p.name, p.mobile, p.email, p.role, p.position)
        cast.people[p.login] = await people.add(tx, new, cast.units[p.unit_code], by=None, joined=False, at=CREATED_AT)


async def _groups(tx: Tx, cast: Cast) -> None:
    made: dict[str, int] = {}
    for sort, plan in enumerate(cast.plan.groups):
        made[plan.name] = await groups.open_group(tx, plan.name, owner=None, by=None, at=CREATED_AT, sort=sort)
        group = Group(made[plan.name], plan.name, None, sort)
        members = [cast.units[code] for code in plan.units], [made[name] for name in plan.groups]
        await groups.set_members(tx, group, plan.name, *members, by=None, at=CREATED_AT)
    owner = next(u for u in cast.plan.units if u.short_name == accounts.SENDER)
    name, unit = "政府系统各办公室", cast.units[owner.code]
    own = Group(await groups.open_group(tx, name, owner=unit, by=None, at=CREATED_AT), name, unit, 100)
    offices = [cast.units[u.code] for u in cast.plan.units if u.short_name.endswith("政府办公室") and u != owner]
    await groups.set_members(tx, own, name, offices, [], by=None, at=CREATED_AT)


async def _changes(tx: Tx, cast: Cast, today: date) -> None:
    """One unit has got another name a year ago, one was merged into it: old receipts go on naming them as they were."""
    on = str(today - timedelta(days=365))
    new = NewUnit(f"{city.CODE}0901", "云川市大数据管理局", "市大数据局", cast.units[city.CODE], "政府", 1, "8210 0000", 2000)
    old = await units.open_unit(tx, new, today=city.OPENED_ON, at=CREATED_AT)
    into = next((u for u in cast.plan.units if u.short_name == "市政务数据局"), cast.plan.units[1])
    text = {"unit": cast.units[into.code], "from_date": city.OPENED_ON, "name": "云川市政务服务局", "short_name": "市政务服务局"}
    await tx.run(q.UNIT_NAME_PUT, **text, reason="启用")
    text = {"unit": cast.units[into.code], "from_date": on, "name": into.name, "short_name": into.short_name}
    await tx.run(q.UNIT_NAME_PUT, **text, reason="更名")
    await tx.run(q.UNIT_CLOSE, id=old, on=on, reason="机构改革，职责并入政务服务和数据管理局", into=cast.units[into.code])


async def _seen(tx: Tx, cast: Cast, now: str) -> None:
    """When everybody was last here; a few numbers that are dead."""
    random = Random(city.SEED + 2)
    rows, dead = [], []
    for login, id in cast.people.items():
        hours = random.expovariate(1 / 30) if random.random() < 0.93 else random.uniform(8, 60) * 24
        rows.append({"id": id, "at": time.after(now, hours=-hours)})
        plan = random.random()
        if plan < 0.008 and login not in {a.login for a in ACCOUNTS}:
            dead.append(login)
    await tx.many(q.PERSON_SEEN, rows)
    mobiles = {p.login: p.mobile for p in cast.plan.people}
    numbers = [{"mobile": mobiles[login], "reason": DEAD[n % 2]} for n, login in enumerate(dead) if mobiles[login]]
    await tx.many(q.PERSON_MOBILE_BAD, numbers)


def _offices(cast: Cast) -> dict[str, Office]:
    """The units as the meetings see them, by code; areas have no part in meetings."""
    random = Random(city.SEED + 1)
    staff: dict[str, list[PersonPlan]] = {}
    for plan in cast.plan.people:
        staff.setdefault(plan.unit_code, []).append(plan)
    return {u.code: _office(random, cast, u.code, staff.get(u.code, [])) for u in cast.plan.units if u.kind != city.AREA}


def _office(random: Random, cast: Cast, code: str, staff: Sequence[PersonPlan]) -> Office:
    """One unit. Deputies, staff and drivers are invented where nobody is in post."""
    number = cast.units[code]
    clerks = [_member(cast, p) for p in staff if p.role == "secretary"]
    leaders = [_member(cast, p) for p in staff if p.role == "leader"]
    deputy, clerk, driver = (
        Member(0, names.person(random), position, names.mobile(100_000 + 3 * number + n))
        for n, position in enumerate(("副职", "科员", "驾驶员"))
    )
    by_role = {
        "principal": tuple(leaders[:1]) or (deputy,), "deputy": tuple(leaders[1:]) or (deputy,), "staff": (clerk, *clerks[:1]),
        "driver": (driver,),
    }  # fmt: skip
    address = f"10.{20 + number % 30}.{number % 250}.{random.randrange(2, 250)}"
    own = any(p.login in {a.login for a in ACCOUNTS} for p in staff)
    misses = 0.0 if own else 0.3 if random.random() < 0.04 else 0.007
    return Office(number, code, clerks[0] if clerks else None, by_role, random.lognormvariate(0, 0.5), misses, address)


def _member(cast: Cast, plan: PersonPlan) -> Member:
    return Member(cast.people[plan.login], plan.name, plan.position, plan.mobile)
