"""The order `send` of the command line: files on the disk become a document of a unit, by the same action as the page's button.

Whoever may give orders (the service's own user) names the person who sends; that person must hold a post that may.
"""

import base64
from typing import Any
from zoneinfo import ZoneInfo

from exchange import composing, file_words, numbering
from exchange.composing import Setting
from exchange.file_words import Part
from ground import files
from ground.control import Args, Desk
from ground.db import Tx
from ground.directory import people, units
from ground.directory.directory import Actor
from ground.directory.policy import Act, may
from ground.errors import Forbidden, Invalid
from ground.files import Store
from ground.messages.outbox import QuietHours
from ground.messages.telling import Told
from ground.moments import Wall
from ground.say import Say
from ground.workdays import Calendar


def setting(desk: Desk) -> Setting:
    """What composing needs of the house in which an order is carried out."""
    zone = ZoneInfo(desk.config.city.timezone)
    calendar = Calendar(zone=zone)
    told = Told(Say(zone, str, "zh"), desk.config.server.public_url.rstrip("/"), QuietHours.of(desk.config))
    return Setting(Wall(desk.clock.now(), zone, calendar.is_workday), calendar.add_working_minutes, told, desk.today)


async def sender_of(tx: Tx, login: str, code: str) -> Actor:
    """The person who sends, in the unit they send for. Raises NotFound, Forbidden."""
    person, unit = await people.by_login(tx, login), await units.by_code(tx, code)
    roles = frozenset(post.role for post in await people.posts_of(tx, person.id) if post.unit_id == unit.id)
    if person.disabled_at or not may(roles, Act.SEND):
        raise Forbidden("这个人在这个单位没有可以发文的岗位（文书）。")
    return Actor(
        person.id, person.name, person.login, unit.id, unit.code, unit.name, unit.short_name, unit.path, roles, how="command"
    )


async def send(desk: Desk, args: Args) -> dict[str, Any]:
    """Send a document: the first file is the body, the others are attachments; its id, number, receipts and messages."""
    folder, limit = desk.config.folder / "files", desk.config.files
    store = Store(folder, max_bytes=limit.max_mb << 20, min_free=limit.min_free_mb << 20)
    stored = [(await store.put_bytes(base64.b64decode(one["data"])), str(one["name"])) for one in args["files"]]
    to = [str(name) for name in args["to"]]

    parts = [Part(one.sha256, one.media_type, name, "attachments" if n else "body") for n, (one, name) in enumerate(stored)]
    words = await file_words.of_parts(store, parts)

    async def act(tx: Tx) -> dict[str, Any]:
        actor = await sender_of(tx, str(args["login"]), str(args["unit"]))
        now = desk.clock.now()
        kept = [await files.record(tx, s, name, unit=actor.unit_id, person=actor.person_id, at=now) for s, name in stored]
        form = {
            "kind": [str(args["kind"])], "urgency": [str(args["urgency"])], "title": [str(args["title"])],
            "series": [await _series(tx, actor, str(args["series"]))], "body": [f.id for f in kept[:1]],
            "attachment": [f.id for f in kept[1:]],
            "group": [name.removeprefix("group:") for name in to if name.startswith("group:")],
            "unit": [name.removeprefix("unit:") for name in to if not name.startswith("group:")],
        }  # fmt: skip
        return (await composing.send_form(tx, actor, form, setting(desk), words=words))._asdict()

    return await desk.db.write(act)


async def _series(tx: Tx, actor: Actor, code: str) -> str:
    """The series with this 机关代字; '-' means no number, '' the unit's first."""
    if not code:
        return await composing.first_series(tx, actor)
    found = next((s.id for s in await numbering.of_unit(tx, actor.unit_id) if s.code == code), 0)
    if not found and code != "-":
        raise Invalid.one("series", "本单位没有这个字号系列；不编号请写 -。")
    return str(found)
