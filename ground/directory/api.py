"""The directory for programs: who am I, units, groups. Units are named by code."""

import base64
from typing import Any, NamedTuple

from starlette.routing import Route

from ground.db import Tx
from ground.directory import groups, units
from ground.directory.directory import Actor, Unit
from ground.directory.policy import Act
from ground.directory.tables import clean
from ground.errors import Invalid
from ground.visit import Visit
from ground.web import api

LIMIT, MOST = 50, 200


def cursor_of(id: int) -> str:
    """The opaque mark after which a list goes on."""
    return base64.urlsafe_b64encode(f"after:{id}".encode()).decode().rstrip("=")


def after_of(cursor: str) -> int:
    """The id in a cursor, 0 for none. Raises Invalid for one that is not ours."""
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(":")
    except ValueError:
        word, number = "", ""
    if word != "after" or not number.isdigit() or len(number) > 15:
        raise Invalid.one("cursor", "cursor 不对，请用上一页的 next。")
    return int(number)


def limit_of(visit: Visit) -> int:
    """How many items a page of a list has. Raises Invalid."""
    typed = visit.query("limit", str(LIMIT))
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed[:6]) <= MOST):
        raise Invalid.one("limit", "limit 是 1 至 200 的整数。")
    return int(typed)


def unit_json(unit: Unit, codes: dict[int, str]) -> dict[str, Any]:
    """A unit as programs see it."""
    return {
        "code": unit.code, "name": unit.name, "short_name": unit.short_name, "kind": unit.kind, "level": unit.level,
        "parent": codes.get(unit.parent_id or 0), "duty_phone": unit.duty_phone, "opened_on": unit.opened_on,
        "closed_on": unit.closed_on, "merged_into": codes.get(unit.merged_into or 0),
    }  # fmt: skip


async def me(visit: Visit) -> Any:
    """GET /me: whom the token speaks for."""
    a = visit.actor
    return {
        "person": {"id": str(a.person_id), "name": a.name, "login": a.login},
        "unit": {"code": a.unit_code, "name": a.unit_name, "short_name": a.unit_short},
        "roles": sorted(a.roles),
    }


async def _codes(tx: Tx, found: list[Unit]) -> dict[int, str]:
    """The codes of the units that `found` point to."""
    ids = {id for u in found for id in (u.parent_id, u.merged_into) if id}
    return {id: (await units.by_id(tx, id)).code for id in ids}


async def _list(tx: Tx, words: str, after: int, limit: int) -> dict[str, Any]:
    found = await units.listed(tx, words=words, after=after, limit=limit + 1, closed=True)
    codes = await _codes(tx, found)
    last = found[limit - 1].id if len(found) > limit else 0
    return {"items": [unit_json(u, codes) for u in found[:limit]], "next": cursor_of(last) if last else None}


async def list_units(visit: Visit) -> Any:
    """GET /units?q=&limit=&cursor=: units by name, pinyin, initials or code, in the order in which they were opened."""
    return await visit.read(_list, visit.query("q")[:60], after_of(visit.query("cursor")), limit_of(visit))


async def _one(tx: Tx, code: str) -> dict[str, Any]:
    unit = await units.by_code(tx, code)
    then = [{"from": n.from_date, "name": n.name, "short_name": n.short_name} for n in await units.names(tx, unit.id)]
    return {**unit_json(unit, await _codes(tx, [unit])), "names": then}


async def get_unit(visit: Visit) -> Any:
    """GET /units/{code}: one unit, with every name it has had."""
    return await visit.read(_one, clean(visit.path("code"))[:40])


class GroupItem(NamedTuple):
    """One group as programs see it."""

    id: str
    name: str
    owner: str | None
    units: int


async def _groups(tx: Tx, actor: Actor, today: str, after: int, limit: int) -> dict[str, Any]:
    frozen = await groups.frozen(tx, today)
    found = sorted((g for g in await groups.for_unit(tx, actor.unit_id) if g.id > after), key=lambda g: g.id)
    items = [GroupItem(str(g.id), g.name, actor.unit_code if g.owner_unit else None, len(frozen.get(g.id, ()))) for g in found]
    last = found[limit - 1].id if len(found) > limit else 0
    return {"items": [i._asdict() for i in items[:limit]], "next": cursor_of(last) if last else None}


async def list_groups(visit: Visit) -> Any:
    """GET /groups: the city's groups and the unit's own; `units` is what each would freeze to now."""
    today = units.today_of(visit.now, visit.house.zone)
    return await visit.read(_groups, visit.actor, today, after_of(visit.query("cursor")), limit_of(visit))


routes = [
    Route("/api/v1/me", api(me, may=Act.SIGNED_IN), methods=["GET"], name="api_me"),
    Route("/api/v1/units", api(list_units, may=Act.SIGNED_IN), methods=["GET"], name="api_units"),
    Route("/api/v1/units/{code}", api(get_unit, may=Act.SIGNED_IN), methods=["GET"], name="api_unit"),
    Route("/api/v1/groups", api(list_groups, may=Act.SIGNED_IN), methods=["GET"], name="api_groups"),
]
