"""Searching what a unit has sent and received: titles, numbers, and the text of the files that it may see."""

from ground import search
from ground.db import Tx
from ground.search import NEWEST, Found
from receipts import queries as q


async def find(tx: Tx, unit: int, query: str, *, before: int = NEWEST, limit: int = 20) -> list[Found]:
    """Subjects that the unit sent or received and whose text holds every word of `query`, newest first."""
    return await search.find(tx, query, q.SEARCHABLE, before=before, limit=limit, unit=unit)
