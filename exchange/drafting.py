"""Drafts of documents: what was typed, unchecked, kept for the unit until it is sent."""

import json
from typing import Any, NamedTuple

from exchange import queries as q
from ground.db import Tx
from ground.directory.directory import Actor
from ground.errors import NotFound, Refused

MOST = 400_000  # characters of a draft


class Draft(NamedTuple):
    """A page's fields as they were typed."""

    id: int
    form: dict[str, Any]
    saved_at: str
    sent_as: int | None

    @classmethod
    def of_row(cls, id: int, form: str, saved_at: str, sent_as: int | None) -> "Draft":
        """A row of `queries.DRAFT`."""
        return cls(id, json.loads(form), saved_at, sent_as)


async def save(tx: Tx, actor: Actor, form: dict[str, Any], *, draft: int, now: str) -> int:
    """Keep what was typed; the draft's id. A draft that is gone or sent is kept as a new one."""
    text = json.dumps(form, ensure_ascii=False)
    if len(text) > MOST:
        raise Refused("草稿太长，没有存上。请把长文字放进附件。")
    if draft and await tx.run(q.DRAFT_UPDATE, id=draft, unit=actor.unit_id, person=actor.person_id, form=text, at=now) == 1:
        return draft
    return int(await tx.value(q.DRAFT_INSERT, unit=actor.unit_id, person=actor.person_id, form=text, at=now))


async def find(tx: Tx, id: int, actor: Actor) -> Draft:
    """One of the unit's drafts. Raises NotFound."""
    found = await tx.one(q.DRAFT, Draft.of_row, id=id, unit=actor.unit_id)
    if found is None:
        raise NotFound("没有这份草稿。")
    return found


async def of_unit(tx: Tx, actor: Actor) -> list[Draft]:
    """The unit's drafts that were not sent, newest first."""
    return await tx.all(q.DRAFTS, Draft.of_row, unit=actor.unit_id)


async def drop(tx: Tx, actor: Actor, id: int) -> None:
    """Throw a draft away. Raises NotFound."""
    if await tx.run(q.DRAFT_DROP, id=id, unit=actor.unit_id) != 1:
        raise NotFound("没有这份草稿。")
