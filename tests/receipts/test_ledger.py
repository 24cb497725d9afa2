"""The ledger on both engines: facts once, counts with the facts, nothing lowered."""

import asyncio

import pytest

from ground.db import Database, Tx
from ground.errors import NotFound, Refused
from receipts import inbox, ledger, progress
from receipts.ledger import NewSubject
from receipts.receipt import Fact, State, Step, Subject, Tally, Waits
from tests.world import NOW, World, make

LATER = "2026-03-18T03:00:00.000Z"


async def open_one(tx: Tx, world: World, answer_by: str | None = "2026-03-19T04:00:00.000Z") -> Subject:
    new = NewSubject(
        "notice", "关于召开会议的通知", "normal", world.office, "市政府办公室", world.organiser.person_id, NOW,
        "2026-03-19T04:00:00.000Z", answer_by, ledger.digest({"title": "x"}),
    )  # fmt: skip
    subject = await ledger.subject_of(tx, await ledger.open_subject(tx, new))
    await ledger.open_receipts(tx, subject, [(world.north, "main"), (world.south, "main")], at=NOW)
    return subject


@pytest.fixture
async def world(db: Database) -> World:
    return await db.write(make)


@pytest.fixture
async def subject(db: Database, world: World) -> Subject:
    return await db.write(open_one, world)


async def tally(db: Database, subject: Subject) -> Tally:
    return await db.read(ledger.tally_of, subject.id)


async def facts(db: Database, subject: Subject, unit: int) -> list[Fact]:
    return await db.read(ledger.facts_of, subject.id, unit)


async def test_arrived_is_written_with_the_sending(db: Database, world: World, subject: Subject) -> None:
    assert await tally(db, subject) == Tally(2, 0, 0, 0, 0, 0, 0)
    assert [(f.fact, f.at, f.digest) for f in await facts(db, subject, world.north)] == [("arrived", NOW, subject.digest)]
    receipt = await db.read(ledger.receipt_of, subject.id, world.north)
    assert (receipt.state, receipt.waits, receipt.due_at) == (State.ARRIVED, Waits.SIGN, subject.sign_by)


async def test_open_sign_answer(db: Database, world: World, subject: Subject) -> None:
    clerk = world.north_clerk
    with pytest.raises(Refused, match="请先打开"):
        await db.write(inbox.sign, subject.id, clerk, waived=(), at=LATER)
    await db.write(inbox.open_item, subject.id, clerk, LATER)
    await db.write(inbox.open_item, subject.id, clerk, LATER)
    taken = await db.write(inbox.sign, subject.id, clerk, waived=(), at=LATER)
    again = await db.write(inbox.sign, subject.id, clerk, waived=(), at=LATER)
    assert (taken.first, again.first) == (True, False)
    receipt = await db.read(ledger.receipt_of, subject.id, world.north)
    assert (receipt.waits, receipt.due_at, receipt.signed_at) == (Waits.ANSWER, subject.answer_by, LATER)
    await db.write(ledger.take_step, Step.ANSWER, subject, world.north, clerk, at=LATER)
    assert await tally(db, subject) == Tally(2, 1, 1, 0, 1, 0, 0)
    assert [(f.fact, f.person) for f in await facts(db, subject, world.north)] == [
        ("arrived", ""), ("opened", "何淑珍"), ("signed", "何淑珍"), ("answered", "何淑珍"),
    ]  # fmt: skip
    assert (await db.read(ledger.receipt_of, subject.id, world.north)).waits is None


async def test_signing_needs_that_very_person_to_have_seen_it(db: Database, world: World, subject: Subject) -> None:
    await db.write(inbox.open_item, subject.id, world.north_leader, LATER)
    with pytest.raises(Refused, match="请先打开"):
        await db.write(inbox.sign, subject.id, world.north_clerk, waived=(), at=LATER)


async def test_only_the_first_opening_by_each_person_is_a_fact(db: Database, world: World, subject: Subject) -> None:
    for actor in (world.north_clerk, world.north_leader, world.north_clerk):
        await db.write(inbox.open_item, subject.id, actor, LATER)
    opened = [f.person for f in await facts(db, subject, world.north) if f.fact == "opened"]
    assert opened == ["何淑珍", "马文斌"]
    assert (await tally(db, subject)).opened == 1


async def test_another_units_subject_is_not_there(db: Database, world: World, subject: Subject) -> None:
    with pytest.raises(NotFound):
        await db.write(inbox.open_item, subject.id, world.outsider, LATER)
    with pytest.raises(NotFound):
        await db.write(inbox.sign, subject.id, world.outsider, waived=(), at=LATER)


async def test_fifty_presses_at_once_are_one_signature(db: Database, world: World, subject: Subject) -> None:
    await db.write(inbox.open_item, subject.id, world.north_clerk, LATER)
    done = await asyncio.gather(*(db.write(inbox.sign, subject.id, world.north_clerk, waived=(), at=LATER) for _ in range(50)))
    assert sum(taken.first for taken in done) == 1
    assert (await tally(db, subject)).signed == 1
    assert [f.fact for f in await facts(db, subject, world.north)].count("signed") == 1


async def test_answered_for_a_unit_stays_unsigned_then_counts_once(db: Database, world: World, subject: Subject) -> None:
    await db.write(ledger.answer_for, subject, world.south, world.organiser, at=LATER, note="代报")
    assert await tally(db, subject) == Tally(2, 0, 0, 0, 1, 0, 0)
    receipt = await db.read(ledger.receipt_of, subject.id, world.south)
    assert (receipt.state, receipt.waits) == (State.ARRIVED, Waits.SIGN)
    await db.write(inbox.open_item, subject.id, world.south_clerk, LATER)
    await db.write(inbox.sign, subject.id, world.south_clerk, waived=(), at=LATER)
    assert await tally(db, subject) == Tally(2, 1, 1, 0, 1, 0, 0)
    assert (await db.read(ledger.receipt_of, subject.id, world.south)).waits is None


async def test_recall_asked_and_refused_goes_back_to_the_highest_fact(db: Database, world: World, subject: Subject) -> None:
    clerk, unit = world.north_clerk, world.north
    for step in (Step.OPEN, Step.SIGN, Step.REGISTER, Step.ASK_RECALL):
        await db.write(ledger.take_step, step, subject, unit, clerk, at=LATER)
    taken = await db.write(ledger.take_step, Step.REFUSE_RECALL, subject, unit, clerk, at=LATER)
    assert taken.state is State.REGISTERED


async def test_two_people_change_the_same_version(db: Database, world: World, subject: Subject) -> None:

    async def edit(tx: Tx) -> Subject:
        return await ledger.new_version(
            tx, subject, title="改一", digest="a", sign_by=subject.sign_by, answer_by=subject.answer_by
        )

    after = await db.write(edit)
    assert after.version == 2
    with pytest.raises(Refused, match="刚被别人改过"):
        await db.write(edit)


async def test_a_closed_subject_waits_for_nobody(db: Database, world: World, subject: Subject) -> None:
    await db.write(ledger.close_subject, subject.id, LATER)
    assert await db.read(inbox.waiting, world.north) == []
    with pytest.raises(Refused):
        await db.write(ledger.close_subject, subject.id, LATER)


async def test_inbox_and_counts(db: Database, world: World, subject: Subject) -> None:
    ids = [(await db.write(open_one, world)).id for _ in range(5)]
    page = await db.read(inbox.items, world.north, "all", limit=4)
    assert [item.subject_id for item in page] == [*reversed(ids[1:]), ids[0]][:5]
    older = await db.read(inbox.items, world.north, "all", before=page[3].subject_id, limit=4)
    assert [item.subject_id for item in older] == [ids[0], subject.id]
    counted = await db.read(inbox.counts, world.north, "2026-03-20T00:00:00.000Z")
    assert [(c.waits, c.kind, c.number, c.late) for c in counted] == [("sign", "notice", 6, 6)]
    assert await db.read(inbox.items, world.outside, "all") == []
    found = await db.read(inbox.items, world.north, "all", words="召开会议")
    assert len(found) == 6
    assert await db.read(inbox.items, world.north, "all", words="%") == []


async def test_progress_names_every_unit(db: Database, world: World, subject: Subject) -> None:
    lines = await db.read(progress.units, subject.id)
    assert [(line.short_name, line.state) for line in lines] == [("北区政府", 1), ("南区政府", 1)]
    assert progress.rate(Tally(10, 9, 8, 0, 0, 0, 2)) == (8, 8)
