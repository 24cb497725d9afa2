"""Searching: a unit finds what it sent and received, and nothing of others, not even what was recalled from it."""

from ground import search
from ground.db import Database, Tx
from receipts import finding, ledger
from receipts.ledger import NewSubject
from tests.world import NOW, World, make


async def sent(tx: Tx, world: World, title: str, to: list[int]) -> int:
    """A subject of 市府办 with its text in the index."""
    sender = world.organiser.person_id
    new = NewSubject("notice", title, "normal", world.office, "市政府办公室", sender, NOW, NOW, None, "0" * 64)
    id = await ledger.open_subject(tx, new)
    await ledger.open_receipts(tx, await ledger.subject_of(tx, id), [(unit, "main") for unit in to], at=NOW)
    await search.put(tx, id, title)
    return id


async def test_each_unit_finds_its_own(db: Database) -> None:
    world = await db.write(make)
    both = await db.write(sent, world, "全市防汛工作会议", [world.north, world.south])
    north = await db.write(sent, world, "北区防汛物资", [world.north])

    async def recall(tx: Tx) -> None:
        await tx.run("UPDATE receipts SET state = 7 WHERE subject_id = :id AND unit_id = :unit", id=both, unit=world.south)

    async def ids(unit: int) -> list[int]:
        return [found.subject_id for found in await db.read(finding.find, unit, "防汛")]

    assert await ids(world.office) == [north, both]
    assert await ids(world.north) == [north, both]
    assert await ids(world.south) == [both]
    assert await ids(world.outside) == []
    await db.write(recall)
    assert await ids(world.south) == []
