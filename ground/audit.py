"""Every act leaves a line: who, in which unit, did what to what, from where. Written in the transaction of the act itself."""

from typing import NamedTuple

from ground.db import Tx

INSERT = """
INSERT INTO audit (at, person_id, unit_id, act, object, detail, address)
VALUES (:at, :person, :unit, :act, :object, :detail, :address)
"""
NEWEST = """
SELECT a.id, a.at, a.person_id, COALESCE(p.name, ''), a.unit_id, a.act, a.object, a.detail, a.address
FROM audit a LEFT JOIN people p ON p.id = a.person_id
WHERE a.id < :before AND (:person = 0 OR a.person_id = :person) AND (:object = '' OR a.object = :object)
ORDER BY a.id DESC LIMIT :limit
"""


class Line(NamedTuple):
    """One act in the audit."""

    id: int
    at: str
    person_id: int
    person: str
    unit_id: int
    act: str
    object: str
    detail: str
    address: str


async def note(
    tx: Tx, act: str, object: str, *, at: str, person: int = 0, unit: int = 0, detail: str = "", address: str = ""
) -> None:
    """Write one line. `object` is kind:id, as in `notice:12`; `detail` names no secrets and no phone numbers."""
    await tx.run(INSERT, at=at, person=person, unit=unit, act=act, object=object, detail=detail, address=address)


async def newest(tx: Tx, *, before: int, person: int = 0, object: str = "", limit: int = 50) -> list[Line]:
    """Lines with an id below `before`, newest first."""
    return await tx.all(NEWEST, Line, before=before, person=person, object=object, limit=limit)
