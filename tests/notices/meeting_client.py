"""What the tests of the meeting pages share: a published meeting, and forms pressed as the page would press them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from ground.db import Tx
from ground.directory import people, units
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.directory.people import NewPerson
from notices import publishing, signups
from notices.notice import Contents, Quota
from receipts import ledger
from tests.app_client import BASE, Browser, Clients
from tests.world import NOW, TODAY, told

STARTS, ENDS, BY = "2026-03-20T07:00:00.000Z", "2026-03-20T09:00:00.000Z", "2026-03-19T04:00:00.000Z"
QUOTA = (Quota("principal", 1, 1), Quota("staff", 0, 2), Quota("driver", 0, 1))
MEETING = Contents("全市文物保护与旅游安全工作会议", "市政府四楼会议室", STARTS, ENDS, BY, quota=QUOTA)
MA = {"principal_name": "马文斌", "principal_position": "区长", "principal_mobile": "138 0000 6012"}
SUN = {"staff_name": ["孙立民"], "staff_position": ["文物科科长"], "staff_mobile": ["13900002206"]}
LEAVE = {
    "principal_go": "stand", "principal_who": "马文斌", "principal_who_position": "区长", "principal_reason": "赴兰州参加全省文旅工作会",
    "principal_stand_name": "杜晓燕", "principal_stand_position": "副区长", "principal_stand_mobile": "13800004417",
}  # fmt: skip
HIDDEN = re.compile(r'<input type="hidden" name="(csrf|once|version|answered_at)" value="([^"]*)"')


async def publish(
    clients: Clients, contents: Contents = MEETING, *, attachments: Sequence[str] = (), to: Sequence[str] = ()
) -> int:
    """A meeting of 市府办 for 北区 and 南区 (and the units with the codes `to`); its id."""
    wanted = Wanted(groups=(clients.world.districts,), units=tuple(to))
    done = await clients.db.write(
        publishing.publish, clients.world.organiser, contents, wanted, told=told(), now=NOW, today=TODAY, attachments=attachments
    )
    return done.id


async def change(clients: Clients, id: int, seen: int, contents: Contents) -> None:
    """A new version, made now."""
    now = clients.house.clock.now()
    await clients.db.write(publishing.change, clients.world.organiser, id, seen, contents, told=told(), now=now)


async def hire(clients: Clients, login: str, name: str, unit: int, role: str, mobile: str = "") -> Actor:
    """One more person in a unit."""

    async def add(tx: Tx) -> Actor:
        id = await people.add(tx, NewPerson(login, name, mobile, "", role, ""), unit, by=None, joined=False, at=NOW)
        at = await units.by_id(tx, unit)
        return Actor(id, name, login, unit, at.code, at.name, at.short_name, at.path, frozenset({role}))

    return await clients.db.write(add)


async def shown(client: Browser, page: str) -> dict[str, str]:
    """The hidden fields of the first form of a page, as it is shown now."""
    answer = await client.get(page)
    assert answer.status_code == 200, answer.text[:400]
    found: dict[str, str] = {}
    for name, value in HIDDEN.findall(answer.text):
        found.setdefault(name, value)
    return found


async def press(client: Browser, path: str, data: Mapping[str, Any], seen: Mapping[str, str]) -> httpx2.Response:
    """Press a button of a form whose hidden fields are `seen`."""
    return await client.post(path, data={**seen, **data}, headers={"origin": BASE})


async def answer(client: Browser, id: int, data: Mapping[str, Any]) -> httpx2.Response:
    """Open the sign-up page and press 签收并报名."""
    return await press(client, f"/meetings/{id}/answer", data, await shown(client, f"/meetings/{id}"))


def errors(page: str) -> dict[str, str]:
    """Field → sentence, from the summary at the top of a page that came back; each must lead to an element that is there."""
    box = re.search(r'<div class="sumerr".*?</div>', page, re.DOTALL)
    found = dict(re.findall(r'<a href="#([^"]+)">([^<]+)</a>', box[0])) if box else {}
    assert all(f'id="{field}"' in page for field in found), found
    return found


def value(page: str, name: str) -> list[str]:
    """The values of the inputs with a name, in order; rows that scripts would clone are left out."""
    plain = re.sub(r"<template.*?</template>|<noscript>.*?</noscript>", "", page, flags=re.DOTALL)
    return re.findall(rf'name="{name}"[^>]*? value="([^"]*)"', plain)


async def facts(clients: Clients, id: int, unit: int) -> list[tuple[str, str, int]]:
    """(fact, person, version) of a unit's receipt."""
    found = await clients.db.read(ledger.facts_of, id, unit)
    return [(f.fact, f.person, f.version) for f in found]


async def coming(clients: Clients, id: int, unit: int) -> list[tuple[str, str, str]]:
    """(role, name, mobile) of those who come for a unit."""
    return [(a.role, a.name, a.mobile) for a in await clients.db.read(signups.people_of, id, unit)]
