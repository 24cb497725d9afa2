"""The same press twice is one act: the first accepted answer is kept, in the transaction of the act, and given again."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ground import clock
from ground.db import Tx
from ground.errors import Refused

FIND = "SELECT body_hash, status, answer FROM idempotency WHERE person_id = :person AND unit_id = :unit AND key = :key"
CLAIM = """
INSERT INTO idempotency (person_id, unit_id, key, body_hash, status, answer, at)
VALUES (:person, :unit, :key, :body_hash, :status, '', :at)
ON CONFLICT (person_id, unit_id, key) DO NOTHING"""
KEEP = "UPDATE idempotency SET answer = :answer WHERE person_id = :person AND unit_id = :unit AND key = :key"
SWEEP = "DELETE FROM idempotency WHERE at < :before"
KEEP_DAYS = 7


class Kept(NamedTuple):
    """What the first request with this key was answered."""

    body_hash: str
    status: int
    answer: str


async def once(
    tx: Tx, act: Callable[[Tx], Awaitable[str]], *, person: int, unit: int, key: str, body_hash: str, status: int, at: str
) -> Kept:
    """Run `act`, or give again what it answered the first time.

    Args:
        act: the act; its text answer is kept.
        key: the client's key; '' runs the act without keeping anything.
        body_hash: of the whole request, so that another body under the same key is told apart.
    Raises:
        Refused: the key belongs to another request (409).
    """
    if not key:
        return Kept(body_hash, status, await act(tx))
    # The key is claimed before the act: two presses at once queue here on PostgreSQL, and a refused act gives its key back.
    claimed = await tx.run(CLAIM, person=person, unit=unit, key=key, body_hash=body_hash, status=status, at=at)
    if claimed == 0:
        kept = await tx.one(FIND, Kept, person=person, unit=unit, key=key)
        if kept is None or kept.body_hash != body_hash:
            raise Refused("这个 Idempotency-Key 已用于另一个请求。请换一个新的。", code="idempotency_key_reused")
        return kept
    answer = await act(tx)
    await tx.run(KEEP, person=person, unit=unit, key=key, answer=answer)
    return Kept(body_hash, status, answer)


async def sweep(tx: Tx, now: str) -> int:
    """Forget keys older than a week; how many."""
    return await tx.run(SWEEP, before=clock.after(now, days=-KEEP_DAYS))
