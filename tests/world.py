"""The fixed cast of every test: 市府办 sends, 北区 and 南区 receive, an outsider looks on.

world = await db.write(make)      units, people, posts; no passwords (argon2 is slow): `sign_in` opens a session directly
"""

import secrets
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ground.config import SignIn
from ground.db import Database, Tx
from ground.directory import groups, people, sessions, units
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.directory.units import NewUnit
from ground.messages.outbox import QuietHours
from ground.messages.telling import Told
from ground.say import Say

NOW = "2026-03-18T01:42:00.000Z"  # 09:42 on a Wednesday in the city
TODAY = "2026-03-18"


class World(NamedTuple):
    """Ids of the cast. An actor is a person in a unit with their roles."""

    city: int
    office: int  # 市政府办公室
    north: int
    south: int
    outside: int
    districts: int  # the group of north and south
    organiser: Actor
    north_clerk: Actor
    south_clerk: Actor
    north_leader: Actor
    outsider: Actor
    operator: Actor
    security: Actor


async def make(tx: Tx) -> World:
    """The cast, in one transaction."""

    async def unit(code: str, name: str, short: str, parent: int | None, level: int, kind: str = "政府") -> int:
        return await units.open_unit(tx, NewUnit(code, name, short, parent, kind, level), today="2025-01-01", at=NOW)

    city = await unit("620000", "测试市", "测试市", None, 1, "区划")
    office = await unit("6200000001", "测试市人民政府办公室", "市政府办公室", city, 1)
    north = await unit("620001", "北区人民政府", "北区政府", city, 2)
    south = await unit("620002", "南区人民政府", "南区政府", city, 2)
    outside = await unit("6200000009", "测试市气象局", "市气象局", city, 1)

    async def person(login: str, name: str, at: int, role: str, position: str, mobile: str, email: str = "") -> Actor:
        id = await people.add(tx, NewPerson(login, name, mobile, email, role, position), at, by=None, joined=False, at=NOW)
        found = await units.by_id(tx, at)
        return Actor(id, name, login, at, found.code, found.name, found.short_name, found.path, frozenset({role}))

    world = World(
        city, office, north, south, outside, 0,
        organiser=await person("wujia", "吴佳", office, "organiser", "会务科科长", "13900000233", "wujia@example.cn"),
        north_clerk=await person("hesz", "何淑珍", north, "secretary", "文书", "13900003158", "hesz@example.cn"),
        south_clerk=await person("gaoming", "高明", south, "secretary", "文书", "13800001932"),
        north_leader=await person("mawb", "马文斌", north, "leader", "区长", "13800006012"),
        outsider=await person("hexq", "贺小琴", outside, "secretary", "文书", "13700002648"),
        operator=await person("qiaolei", "乔磊", office, "operator", "信息中心", "13600000001"),
        security=await person("anquan", "安全", office, "security", "信息中心", "13600000002"),
    )  # fmt: skip
    districts = await groups.open_group(tx, "各区政府", owner=None, by=None, at=NOW)
    group = await groups.find(tx, districts, office)
    await groups.set_members(tx, group, "各区政府", [north, south], [], by=None, at=NOW)
    return world._replace(districts=districts)


async def sign_in(db: Database, actor: Actor, *, now: str = NOW) -> str:
    """A session's cookie value for a person, without a password; past the first password's change."""

    async def begin(tx: Tx) -> str:
        await tx.run("UPDATE people SET must_change = 0 WHERE id = :id", id=actor.person_id)
        found = await sessions.begin(
            tx, actor.person_id, login=actor.login, how="password", address="127.0.0.1", agent="test", rules=SignIn(), now=now
        )
        return found.token

    return await db.write(begin)


async def token_for(db: Database, actor: Actor, *, now: str = NOW) -> str:
    """An API token for a person in a unit."""
    return await db.write(sessions.issue_token, actor.person_id, actor.unit_id, secrets.token_hex(4), days=30, at=now)


def told() -> Told:
    """How the notices room speaks in tests: no quiet hours in the way, Chinese words."""
    zone = ZoneInfo("Asia/Shanghai")
    return Told(Say(zone, str, "zh"), "", QuietHours("21:00", "07:00", "Asia/Shanghai"))
