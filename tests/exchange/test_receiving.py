"""The receiver's half: signed and registered in one press, returned, answered, passed on; and what two people do at once."""

import asyncio
from typing import Any

import pytest

from exchange import answering, document_sheet, passing, recalling, receiving, registering, sending
from ground.db import Database, Tx
from ground.directory import people, units
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.directory.people import NewPerson
from ground.errors import Invalid, NotFound, Refused
from ground.messages.telling import Told
from receipts import inbox, ledger
from receipts.receipt import State, Step, Waits
from tests.exchange.conftest import Office
from tests.exchange.test_sending import LATER, contents, lines, send
from tests.world import NOW, TODAY, World

SOON = "2026-03-18T02:00:00.000Z"


async def arrive(office: Office, tell: Told, *, files: int = 1, **more: object) -> int:
    """A document for both districts; its id."""
    return (await send(office, tell, contents(office, **more), Wanted((office.world.districts,)), files=files)).id


def later(_at: str, _hours: int) -> str:
    """When what is forwarded is to be signed by."""
    return LATER


async def hire(db: Database, unit: int, login: str, role: str = "secretary") -> Actor:
    """One more person of a unit."""

    async def add(tx: Tx) -> Actor:
        id = await people.add(tx, NewPerson(login, login, "13900009999", "", role, ""), unit, by=None, joined=False, at=NOW)
        at = await units.by_id(tx, unit)
        return Actor(id, login, login, unit, at.code, at.name, at.short_name, at.path, frozenset({role}))

    return await db.write(add)


async def sign(db: Database, who: Actor, id: int, *, register: bool = True, **more: Any) -> receiving.Signed:
    """Open and sign."""
    await db.write(inbox.open_item, id, who, NOW)
    said: dict[str, Any] = {"waived": (), "register": register, "now": NOW, "today": TODAY} | more
    return await db.write(receiving.sign, who, id, **said)


async def state(db: Database, id: int, unit: int) -> State:
    """Where a receipt stands."""
    return State((await db.read(ledger.receipt_of, id, unit)).state)


async def told_of(db: Database, purpose: str) -> list[tuple[object, ...]]:
    """Whom the outbox tells of something: (unit, text)."""
    return await db.read(
        lines,
        f"SELECT m.unit_id, c.text FROM messages m JOIN contents c ON c.id = m.content_id WHERE m.purpose = '{purpose}'",
    )


# --- signing and registering ----------------------------------------------------------------------------------------------


async def test_one_press_signs_and_registers(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell, answer_by=LATER)
    done = await sign(db, world.north_clerk, id)
    assert done.first
    assert done.incoming is not None
    assert done.incoming.text == "2026-0001"
    facts = await db.read(ledger.facts_of, id, world.north)
    assert [(f.fact, f.note) for f in facts] == [("arrived", ""), ("opened", ""), ("signed", ""), ("registered", "2026-0001")]
    receipt = await db.read(ledger.receipt_of, id, world.north)
    assert (receipt.state, receipt.waits, receipt.due_at) == (State.REGISTERED, Waits.ANSWER, LATER)
    tally = await db.read(ledger.tally_of, id)
    assert (tally.opened, tally.signed, tally.registered) == (1, 1, 1)


async def test_a_repeat_gives_the_same_number(db: Database, world: World, office: Office, tell: Told) -> None:
    first, second = await arrive(office, tell), await arrive(office, tell)
    one = await sign(db, world.north_clerk, first)
    assert (await sign(db, world.north_clerk, first)) == receiving.Signed(False, one.incoming)
    other = await sign(db, world.north_clerk, second)
    assert other.incoming is not None
    assert other.incoming.serial == 2
    south = await sign(db, world.south_clerk, second)
    assert south.incoming is not None
    assert south.incoming.serial == 1


async def test_registered_later(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell)
    with pytest.raises(Refused, match="先签收"):
        await db.write(registering.register, world.north_clerk, id, now=NOW, today=TODAY)
    assert (await sign(db, world.north_clerk, id, register=False)).incoming is None
    assert await state(db, id, world.north) is State.SIGNED
    with pytest.raises(Invalid, match="下一个是 2026-0001"):
        await db.write(registering.register, world.north_clerk, id, now=NOW, today=TODAY, number="2026-0007")
    with pytest.raises(Invalid, match="2026-0412 这样"):
        await db.write(registering.register, world.north_clerk, id, now=NOW, today=TODAY, number="第一号")
    done = await db.write(registering.register, world.north_clerk, id, now=NOW, today=TODAY, number="2026-0001")
    assert (done.first, done.incoming.text) == (True, "2026-0001")


async def test_another_series_counts_by_itself(db: Database, world: World, office: Office, tell: Told) -> None:
    first, second = await arrive(office, tell), await arrive(office, tell)
    await sign(db, world.north_clerk, first)
    done = await sign(db, world.north_clerk, second, number="密-2026-0001")
    assert done.incoming is not None
    assert done.incoming.text == "密-2026-0001"


async def test_an_answered_document_is_still_registered(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell, answer_by=LATER)
    await sign(db, world.north_clerk, id, register=False)
    await db.write(answering.answer, world.north_clerk, id, "已办", (), told=tell, now=NOW)
    done = await db.write(registering.register, world.north_clerk, id, now=NOW, today=TODAY)
    assert (done.first, done.incoming.text) == (True, "2026-0001")
    assert await state(db, id, world.north) is State.ANSWERED


async def test_what_came_twice_is_pointed_out(db: Database, world: World, office: Office, tell: Told) -> None:
    first, second = await arrive(office, tell), await arrive(office, tell)
    await sign(db, world.north_clerk, first)
    assert await db.read(registering.twins, second, world.north) == []
    number = (await db.read(sending.find, first)).number
    await db.write(lambda tx: tx.run("UPDATE subjects SET number = :n WHERE id = :id", n=number, id=second))
    assert [t.text for t in await db.read(registering.twins, second, world.north)] == ["2026-0001"]
    assert await db.read(registering.twins, second, world.south) == []


async def test_numbers_have_no_gap_when_all_press_at_once(db: Database, world: World, office: Office, tell: Told) -> None:
    other = await hire(db, world.north, "second")
    ids = [await arrive(office, tell) for _ in range(6)]
    for id in ids:
        for who in (world.north_clerk, other):
            await db.write(inbox.open_item, id, who, NOW)

    async def press(id: int, who: Actor) -> receiving.Signed:
        return await db.write(receiving.sign, who, id, waived=(), register=True, now=NOW, today=TODAY)

    pressed = [(id, who) for id in ids for who in (world.north_clerk, other)]
    found = await asyncio.gather(*(press(id, who) for id, who in pressed))
    assert sum(one.first for one in found) == len(ids)
    given = {
        id: {one.incoming.text for (i, _), one in zip(pressed, found, strict=True) if i == id and one.incoming} for id in ids
    }
    assert {len(texts) for texts in given.values()} == {1}
    assert sorted(t for texts in given.values() for t in texts) == [f"2026-{n:04d}" for n in range(1, 7)]
    assert await db.read(lines, "SELECT last FROM incoming_years") == [(6,)]
    signed = await db.read(lines, "SELECT COUNT(*) FROM facts WHERE fact IN ('signed', 'registered')")
    assert signed == [(12,)]


async def test_signing_wants_the_body_shown_and_attachments_opened(
    db: Database, world: World, office: Office, tell: Told
) -> None:
    id = await arrive(office, tell, files=3)
    press: dict[str, Any] = {"waived": (), "register": True, "now": NOW, "today": TODAY}
    with pytest.raises(Refused, match="先打开"):
        await db.write(receiving.sign, world.north_clerk, id, **press)
    await db.write(inbox.open_item, id, world.north_clerk, NOW)
    with pytest.raises(Refused, match=r"附件1\.pdf、附件2\.pdf"):
        await db.write(receiving.sign, world.north_clerk, id, **press)
    sheet = await db.read(document_sheet.gather, id, world.north_clerk, TODAY)
    await db.write(ledger.open_file, sheet.attachments[0].id, world.north_clerk, NOW)
    with pytest.raises(Refused, match=r"附件2\.pdf"):
        await db.write(receiving.sign, world.north_clerk, id, **press)
    done = await db.write(receiving.sign, world.north_clerk, id, **(press | {"waived": [sheet.attachments[1].id]}))
    assert done.first
    assert await db.read(lines, "SELECT COUNT(*) FROM incoming") == [(1,)]


async def test_a_stranger_finds_nothing(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell)
    await sign(db, world.north_clerk, id)
    who = world.outsider
    for act in (
        lambda tx: receiving.sign(tx, who, id, waived=(), register=True, now=NOW, today=TODAY),
        lambda tx: receiving.give_back(tx, who, id, ("11",), "错", told=tell, now=NOW),
        lambda tx: answering.answer(tx, who, id, "好", (), told=tell, now=NOW),
        lambda tx: registering.register(tx, who, id, now=NOW, today=TODAY),
        lambda tx: passing.pass_on(tx, who, id, world.north_leader.person_id, "", told=tell, now=NOW),
        lambda tx: receiving.sign_many(tx, who, [id], now=NOW, today=TODAY),
        lambda tx: document_sheet.gather(tx, id, who, TODAY),
    ):
        with pytest.raises(NotFound):
            await db.write(act)


async def test_many_are_signed_when_they_were_opened(db: Database, world: World, office: Office, tell: Told) -> None:
    opened, unopened, attached = await arrive(office, tell), await arrive(office, tell), await arrive(office, tell, files=2)
    for id in (opened, attached):
        await db.write(inbox.open_item, id, world.north_clerk, NOW)
    done = await db.write(receiving.sign_many, world.north_clerk, [opened, unopened, attached, opened], now=NOW, today=TODAY)
    assert [one.text for one in done.signed] == ["2026-0001"]
    assert [(left.id, left.why) for left in done.left] == [(unopened, "您还没有打开看过。"), (attached, "还有附件没有打开。")]
    assert await state(db, unopened, world.north) is State.ARRIVED


async def test_a_closed_unit_keeps_what_it_has(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell)
    await sign(db, world.north_clerk, id)

    async def close(tx: Tx) -> None:
        unit = await units.by_id(tx, world.north)
        await units.close(tx, unit, on=TODAY, today=TODAY, reason="并入南区", into=world.south, by=world.operator, at=NOW)

    await db.write(close)
    later = await arrive(office, tell)
    with pytest.raises(NotFound):
        await db.read(ledger.receipt_of, later, world.north)
    sheet = await db.read(document_sheet.gather, id, world.north_clerk, TODAY)
    assert (sheet.recipient.name, sheet.phase) == ("北区人民政府", "done")
    assert sheet.incoming is not None


# --- recalled at the same instant -----------------------------------------------------------------------------------------


async def test_signed_and_recalled_at_the_same_instant(db: Database, world: World, office: Office, tell: Told) -> None:
    """Whichever comes first stands, and the other is told why not; never both."""
    ends = set()
    for n in range(8):
        id = await arrive(office, tell)
        await db.write(inbox.open_item, id, world.north_clerk, NOW)

        async def press(id: int = id) -> object:
            return await db.write(receiving.sign, world.north_clerk, id, waived=(), register=True, now=NOW, today=TODAY)

        async def recall(id: int = id) -> object:
            async def step(tx: Tx) -> object:
                subject = await ledger.subject_of(tx, id)
                return await ledger.take_step(tx, Step.RECALL, subject, world.north, office.sender, at=NOW)

            return await db.write(step)

        pair = (press, recall) if n % 2 else (recall, press)
        found = await asyncio.gather(*(one() for one in pair), return_exceptions=True)
        assert sum(isinstance(one, Refused) for one in found) == 1, found
        end = await state(db, id, world.north)
        ends.add(end)
        given = await db.read(registering.of, id, world.north)
        assert (given is None) == (end is State.RECALLED)
    assert ends <= {State.RECALLED, State.REGISTERED}
    last = (await db.read(lines, "SELECT COUNT(*), COALESCE(MAX(serial), 0) FROM incoming"))[0]
    assert last[0] == last[1]


async def ask(db: Database, office: Office, id: int, unit: int) -> int:
    """The sender asks for it back; the recall's id."""

    async def act(tx: Tx) -> int:
        subject = await ledger.subject_of(tx, id)
        await ledger.take_step(tx, Step.ASK_RECALL, subject, unit, office.sender, at=NOW)
        return int(
            await tx.value(
                "INSERT INTO recalls (document_id, unit_id, reason, state, asked_at, asked_by, decision_reason) "
                "VALUES (:id, :unit, '附件有误', 'asked', :at, :by, '') RETURNING id",
                id=id,
                unit=unit,
                at=NOW,
                by=office.sender.person_id,
            )
        )

    return await db.write(act)


async def test_a_recall_that_is_asked_for_is_decided_by_the_receiver(
    db: Database, world: World, office: Office, tell: Told
) -> None:
    id = await arrive(office, tell, answer_by=LATER)
    await sign(db, world.north_clerk, id)
    recall = await ask(db, office, id, world.north)
    sheet = await db.read(document_sheet.gather, id, world.north_clerk, TODAY)
    assert (sheet.phase, sheet.recall and sheet.recall.reason) == ("asked", "附件有误")
    with pytest.raises(NotFound):
        await db.write(recalling.decide, world.south_clerk, recall, agree=True, reason="", told=tell, now=NOW)
    with pytest.raises(Invalid):
        await db.write(recalling.decide, world.north_clerk, recall, agree=False, reason="", told=tell, now=NOW)
    await db.write(recalling.decide, world.north_clerk, recall, agree=False, reason="已经转发各科室", told=tell, now=NOW)
    sheet = await db.read(document_sheet.gather, id, world.north_clerk, TODAY)
    assert (sheet.phase, sheet.receipt.state) == ("answer", State.REGISTERED)
    with pytest.raises(Refused):
        await db.write(recalling.decide, world.north_clerk, recall, agree=True, reason="", told=tell, now=NOW)


# --- returning ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [False, True])
async def test_returned_before_and_after_signing(db: Database, world: World, office: Office, tell: Told, signed: bool) -> None:
    await hire(db, world.office, "clerk")
    id = await arrive(office, tell, answer_by=LATER)
    with pytest.raises(Refused, match="先打开"):
        await db.write(receiving.give_back, world.north_clerk, id, ("12",), "缺附件2", told=tell, now=NOW)
    await (sign(db, world.north_clerk, id) if signed else db.write(inbox.open_item, id, world.north_clerk, NOW))
    done = await db.write(receiving.give_back, world.north_clerk, id, ("13", "12"), " 缺附件2 ", told=tell, now=SOON)
    assert (done.codes, done.reason, done.at, done.person) == (("12", "13"), "缺附件2", SOON, "何淑珍")
    again = await db.write(receiving.give_back, world.north_clerk, id, ("90",), "别的", told=tell, now=SOON)
    assert again == done
    receipt = await db.read(ledger.receipt_of, id, world.north)
    assert (receipt.state, receipt.waits, receipt.signed_at is not None) == (State.RETURNED, None, signed)
    assert (await db.read(ledger.tally_of, id)).returned == 1
    said = await told_of(db, "returned")
    assert [unit for unit, _ in said] == [world.office]
    assert "北区政府退回了" in str(said[0][1])
    assert "缺附件或缺页、字号、日期有误" in str(said[0][1])
    with pytest.raises(Refused, match="已经退回"):
        await db.write(receiving.sign, world.north_clerk, id, waived=(), register=True, now=NOW, today=TODAY)


@pytest.mark.parametrize(
    ("codes", "reason", "field"),
    [((), "缺", "codes"), (("99",), "缺", "codes"), (("11",), " ", "reason"), (("11",), "长" * 2001, "reason")],
)
async def test_a_return_says_why(
    db: Database, world: World, office: Office, tell: Told, codes: tuple[str, ...], reason: str, field: str
) -> None:
    id = await arrive(office, tell)
    await db.write(inbox.open_item, id, world.north_clerk, NOW)
    with pytest.raises(Invalid) as refused:
        await db.write(receiving.give_back, world.north_clerk, id, codes, reason, told=tell, now=NOW)
    assert [e.field for e in refused.value.errors] == [field]
    assert await state(db, id, world.north) is State.OPENED
    assert await told_of(db, "returned") == []


async def test_a_voided_document_is_done_with(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell)
    await db.write(inbox.open_item, id, world.north_clerk, NOW)
    await db.write(lambda tx: tx.run("UPDATE documents SET voided_at = :at, void_reason = '发错' WHERE id = :id", at=NOW, id=id))
    with pytest.raises(Refused, match="作废"):
        await db.write(receiving.sign, world.north_clerk, id, waived=(), register=True, now=NOW, today=TODAY)
    assert (await db.read(document_sheet.gather, id, world.north_clerk, TODAY)).phase == "voided"


# --- answering ------------------------------------------------------------------------------------------------------------


async def test_an_answer_with_a_file_that_the_sender_may_see(db: Database, world: World, office: Office, tell: Told) -> None:
    await hire(db, world.office, "clerk")
    id = await arrive(office, tell, answer_by=LATER)
    file = await office.file("清单.xlsx", b"PK\x03\x04 one", by=world.north_clerk)
    with pytest.raises(Refused, match="先签收"):
        await db.write(answering.answer, world.north_clerk, id, "见附件", (file.id,), told=tell, now=NOW)
    await sign(db, world.north_clerk, id)
    theirs = await office.file("别人的.pdf", b"%PDF-1.4 other", by=world.south_clerk)
    for text, files, field in (("", (), "text"), ("好", (theirs.id,), "attachments"), ("好", ("nothing",), "attachments")):
        with pytest.raises(Invalid) as refused:
            await db.write(answering.answer, world.north_clerk, id, text, files, told=tell, now=NOW)
        assert [e.field for e in refused.value.errors] == [field]
    done = await db.write(answering.answer, world.north_clerk, id, "见附件", (file.id,), told=tell, now=NOW)
    assert (done.text, done.files, done.person) == ("见附件", (file.id,), "何淑珍")
    assert await db.write(answering.answer, world.north_clerk, id, "另一个", (), told=tell, now=NOW) == done
    assert await state(db, id, world.north) is State.ANSWERED
    assert await db.read(answering.file_seen, file.id, world.office)
    assert not await db.read(answering.file_seen, file.id, world.south)
    assert not await db.read(answering.file_seen, theirs.id, world.office)
    assert [unit for unit, _ in await told_of(db, "answered")] == [world.office]


async def test_a_late_answer_is_taken_and_seen_to_be_late(db: Database, world: World, office: Office, tell: Told) -> None:
    await hire(db, world.office, "clerk")
    id = await arrive(office, tell, answer_by=LATER)
    await sign(db, world.north_clerk, id)
    await db.write(answering.answer, world.north_clerk, id, "晚了", (), told=tell, now="2026-03-26T04:00:00.000Z")
    assert "逾期答复" in str((await told_of(db, "answered"))[0][1])


# --- passing on and forwarding --------------------------------------------------------------------------------------------


async def test_passed_to_a_colleague(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell)
    for nobody in (world.south_clerk.person_id, world.north_clerk.person_id, 999):
        with pytest.raises(Invalid):
            await db.write(passing.pass_on, world.north_clerk, id, nobody, "", told=tell, now=NOW)
    leader = world.north_leader
    name = await db.write(passing.pass_on, world.north_clerk, id, leader.person_id, "请阅", told=tell, now=NOW)
    assert name == "马文斌"
    found = await db.read(passing.passed_to, leader.person_id, world.north)
    assert [(p.id, p.by, p.note, p.seen) for p in found] == [(id, "何淑珍", "请阅", 0)]
    assert "何淑珍转给您" in str((await told_of(db, "passed"))[0][1])
    await db.write(inbox.open_item, id, leader, SOON)
    assert [p.seen for p in await db.read(passing.passed_to, leader.person_id, world.north)] == [1]
    passes = await db.read(passing.passes_of, id, world.north)
    assert [(p.to, p.by, p.seen_at) for p in passes] == [("马文斌", "何淑珍", SOON)]
    assert await db.read(passing.passed_to, leader.person_id, world.south) == []


async def test_forwarded_with_the_same_files(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell, files=2)
    sheet = await db.read(document_sheet.gather, id, world.north_clerk, TODAY)
    await sign(db, world.north_clerk, id, waived=[f.id for f in sheet.attachments])
    document = await db.read(sending.find, id)
    new = passing.contents_of(document, today=TODAY, now=NOW, after_hours=later, note="请遵照执行")
    done = await db.write(
        passing.forward, world.north_clerk, id, new, Wanted(units=("6200000009",)), Wanted(), told=tell, now=NOW, today=TODAY
    )
    assert done.receipts == 1
    made = await db.read(sending.find, done.id)
    assert (made.forwards, made.sender_name, made.title) == (id, "北区政府", f"转发市政府办公室《{document.title}》的通知")

    async def hashes(tx: Tx, of: int) -> list[tuple[str, str, str]]:
        return [(f.name, f.part, f.sha256) for f in await ledger.files_of(tx, await ledger.subject_of(tx, of))]

    assert await db.read(hashes, done.id) == await db.read(hashes, id)
    sheet = await db.read(document_sheet.gather, done.id, world.outsider, TODAY)
    assert sheet.source is not None
    assert sheet.source.number == document.number
    ours = await db.read(document_sheet.gather, id, world.north_clerk, TODAY)
    assert [(f.id, f.units) for f in ours.forwarded] == [(done.id, 1)]
    assert (await db.read(document_sheet.gather, id, world.south_clerk, TODAY)).forwarded == []


async def test_what_is_not_open_is_not_forwarded(db: Database, world: World, office: Office, tell: Told) -> None:
    id = await arrive(office, tell)
    document = await db.read(sending.find, id)
    new = passing.contents_of(document, today=TODAY, now=NOW, after_hours=later)
    with pytest.raises(Refused, match="不能转发"):
        await db.write(
            passing.forward, world.north_clerk, id, new, Wanted(units=("6200000009",)), Wanted(), told=tell, now=NOW, today=TODAY
        )
    assert await db.read(lines, "SELECT COUNT(*) FROM documents") == [(1,)]
