"""What the sender does afterwards, as actions: chase, 补发, recall, decide, correct, make void; each outcome is one outcome."""

import asyncio

import pytest

from exchange import chasing, composing, numbering, progress, recalling, reissuing, sending
from exchange.composing import Setting
from exchange.recalling import Recalled
from ground.db import Database
from ground.directory import people
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.errors import Invalid, NotFound, Refused
from ground.messages.telling import Told
from ground.moments import Wall
from ground.workdays import Calendar
from receipts import inbox, ledger
from receipts.receipt import State, Waits
from tests.exchange.conftest import Office
from tests.exchange.test_sending import BY, LATER, NOBODY, contents, lines, send
from tests.world import NOW, TODAY, World

SOON = "2026-03-18T02:00:00.000Z"
REASON = "附件有误，请勿转发"


@pytest.fixture
async def sent(world: World, office: Office, tell: Told) -> int:
    """A document to both districts; its id."""
    return (await send(office, tell, contents(office), Wanted((world.districts,)))).id


async def sign(db: Database, id: int, *clerks: Actor, at: str = NOW) -> None:
    for clerk in clerks:
        await db.write(inbox.open_item, id, clerk, at)
        await db.write(inbox.sign, id, clerk, waived=(), at=at)


async def state(db: Database, id: int, unit: int) -> State:
    return State((await db.read(ledger.receipt_of, id, unit)).state)


# --- recall ---------------------------------------------------------------------------------------------------------------


async def test_a_recall_is_at_once_for_the_unsigned_and_asked_for_the_signed(
    db: Database, world: World, office: Office, tell: Told, sent: int
) -> None:
    await sign(db, sent, world.north_clerk)
    await db.write(inbox.open_item, sent, world.south_clerk, NOW)
    touched = {t.unit_id: t for t in await db.read(recalling.radius, sent, office.sender)}
    assert (touched[world.north].asked, touched[world.south].at_once) == (True, True)
    assert touched[world.south].opened_by == ("高明",)
    done = await db.write(recalling.recall, office.sender, sent, REASON, None, told=tell, now=SOON)
    assert done == Recalled(1, 1, 0)
    assert await state(db, sent, world.south) == State.RECALLED
    assert await state(db, sent, world.north) == State.RECALL_ASKED
    assert await db.read(inbox.waiting, world.south) == []
    with pytest.raises(Refused, match="没有要撤回的"):
        await db.write(recalling.recall, office.sender, sent, REASON, None, told=tell, now=SOON)
    told_of = await db.read(
        lines, "SELECT unit_id, step FROM messages WHERE purpose = 'cancelled' AND channel = 'sms' ORDER BY unit_id"
    )  # fmt: skip
    assert [unit for unit, _ in told_of] == [world.north, world.south]
    left = await db.read(lines, "SELECT DISTINCT state FROM messages WHERE purpose = 'published'")
    assert left == [("cleared",)]


@pytest.mark.parametrize("agree", [True, False])
async def test_the_receiver_decides_once(db: Database, world: World, office: Office, tell: Told, sent: int, agree: bool) -> None:
    boss = office.sender.person_id
    await db.write(people.appoint, boss, world.office, "secretary", "", by=None, joined=False, at=NOW)
    await sign(db, sent, world.north_clerk)
    await db.write(recalling.recall, office.sender, sent, REASON, [world.north], told=tell, now=SOON)
    asked = await db.read(recalling.waiting, sent, world.north)
    assert asked is not None
    for stranger in (world.south_clerk, office.sender):
        with pytest.raises(NotFound):
            await db.write(recalling.decide, stranger, asked.id, agree=agree, reason="不行", told=tell, now=SOON)
    if not agree:
        with pytest.raises(Invalid):
            await db.write(recalling.decide, world.north_clerk, asked.id, agree=False, reason=" ", told=tell, now=SOON)
    reason = "" if agree else "已经印发"
    answers = await asyncio.gather(
        *(db.write(recalling.decide, world.north_clerk, asked.id, agree=agree, reason=reason, told=tell, now=SOON) for _ in "ab"),
        return_exceptions=True,
    )
    assert [type(a) for a in answers if isinstance(a, BaseException)] == [Refused]
    assert await state(db, sent, world.north) == (State.RECALLED if agree else State.SIGNED)
    assert await db.read(recalling.waiting, sent, world.north) is None
    assert await state(db, sent, world.south) == State.ARRIVED
    heard = await db.read(lines, "SELECT unit_id FROM messages WHERE purpose = 'reply' AND channel = 'sms'")
    assert heard == [(world.office,)]


async def test_a_recall_and_a_signature_at_the_same_instant_have_one_outcome(
    db: Database, world: World, office: Office, tell: Told
) -> None:
    for _ in range(6):
        id = (await send(office, tell, contents(office), Wanted((world.districts,)))).id
        await db.write(inbox.open_item, id, world.north_clerk, NOW)
        signed, recalled = await asyncio.gather(
            db.write(inbox.sign, id, world.north_clerk, waived=(), at=SOON),
            db.write(recalling.recall, office.sender, id, REASON, [world.north], told=tell, now=SOON),
            return_exceptions=True,
        )
        assert isinstance(recalled, Recalled), recalled
        now = await state(db, id, world.north)
        if isinstance(signed, Refused):
            assert (recalled, now) == (Recalled(1, 0, 0), State.RECALLED)
        else:
            assert (recalled, now) == (Recalled(0, 1, 0), State.RECALL_ASKED)
        tally = await db.read(ledger.tally_of, id)
        assert (tally.signed, tally.recalled) == ((0, 1) if isinstance(signed, Refused) else (1, 0))


async def test_only_the_sender_recalls_with_a_reason(db: Database, world: World, office: Office, tell: Told, sent: int) -> None:
    for who in (world.north_clerk, world.outsider):
        with pytest.raises(NotFound):
            await db.write(recalling.recall, who, sent, REASON, None, told=tell, now=SOON)
        with pytest.raises(NotFound):
            await db.read(recalling.radius, sent, who)
    for reason in ("", "长" * 201, "【机密】"):
        with pytest.raises(Invalid):
            await db.write(recalling.recall, office.sender, sent, reason, None, told=tell, now=SOON)
    with pytest.raises(Invalid):
        await db.write(recalling.recall, office.sender, sent, REASON, [world.outside], told=tell, now=SOON)
    assert await state(db, sent, world.north) == State.ARRIVED


# --- 补发 ------------------------------------------------------------------------------------------------------------------


async def test_more_units_get_it_under_the_same_number_with_their_own_times(
    db: Database, world: World, office: Office, tell: Told, sent: int
) -> None:
    wanted = Wanted((world.districts,), ("6200000009",))
    done = await db.write(
        reissuing.supplement, office.sender, sent, wanted, NOBODY, sign_by=LATER, answer_by="", told=tell, now=SOON, today=TODAY
    )
    assert done[:3] == (1, 1, 2)
    listed = await db.read(sending.recipients_of, sent)
    assert [(r.unit_id, r.copy_no, r.batch) for r in listed] == [
        (world.north, 1, 0), (world.south, 2, 0), (world.outside, 3, 1),
    ]  # fmt: skip
    assert (await db.read(ledger.receipt_of, sent, world.outside)).due_at == LATER
    assert (await db.read(ledger.receipt_of, sent, world.north)).due_at == BY
    assert (await db.read(ledger.tally_of, sent)).total == 3
    with pytest.raises(Refused, match="都已经收到过"):
        await db.write(
            reissuing.supplement,
            office.sender,
            sent,
            wanted,
            NOBODY,
            sign_by=LATER,
            answer_by="",
            told=tell,
            now=SOON,
            today=TODAY,
        )


async def test_two_clerks_supplement_at_once_and_each_unit_gets_it_once(
    db: Database, world: World, office: Office, tell: Told, sent: int
) -> None:
    answers = await asyncio.gather(
        *(
            db.write(
                reissuing.supplement, office.sender, sent, Wanted(units=("6200000009",)), NOBODY, sign_by=LATER, answer_by="",
                told=tell, now=SOON, today=TODAY,
            )
            for _ in range(3)
        ),
        return_exceptions=True,
    )  # fmt: skip
    assert sorted(type(a).__name__ for a in answers) == ["Refused", "Refused", "Supplemented"]
    assert len(await db.read(sending.recipients_of, sent)) == 3


@pytest.mark.parametrize(
    ("sign_by", "answer_by", "field"), [(NOW, LATER, "sign_by"), (LATER, BY, "answer_by"), (LATER, "", "answer_by")]
)
async def test_supplement_times_must_stand(
    db: Database, world: World, office: Office, tell: Told, sign_by: str, answer_by: str, field: str
) -> None:
    id = (await send(office, tell, contents(office, answer_by=LATER), Wanted((world.districts,)))).id
    with pytest.raises(Invalid) as refused:
        await db.write(
            reissuing.supplement, office.sender, id, Wanted(units=("6200000009",)), NOBODY, sign_by=sign_by, answer_by=answer_by,
            told=tell, now=SOON, today=TODAY,
        )  # fmt: skip
    assert [e.field for e in refused.value.errors] == [field]


# --- correct, void --------------------------------------------------------------------------------------------------------


def setting(tell: Told, now: str = SOON) -> Setting:
    """How composing sees the city in these tests."""
    calendar, zone = Calendar(), tell.say._zone
    return Setting(Wall(now, zone, calendar.is_workday), calendar.add_working_minutes, tell, TODAY)


async def form(office: Office, **more: list[str]) -> dict[str, list[str]]:
    """What is typed for a document to 北区."""
    body = (await office.file()).id
    return {"series": [str(office.series)], "title": ["更正后的通知"], "unit": ["620001"], "body": [body], **more}


async def test_a_correction_takes_the_place_of_the_old_one_where_it_goes(
    db: Database, world: World, office: Office, tell: Told, sent: int
) -> None:
    await sign(db, sent, world.north_clerk)
    typed = await form(office, corrects=[str(sent)])
    done = await db.write(composing.send_form, office.sender, typed, setting(tell))
    assert await state(db, sent, world.north) == State.SUPERSEDED
    assert await state(db, sent, world.south) == State.ARRIVED
    assert (await db.read(sending.find, done.id)).corrects == sent
    assert [c.id for c in await db.read(reissuing.corrections_of, sent)] == [done.id]
    assert await state(db, done.id, world.north) == State.ARRIVED


async def test_nobody_corrects_another_units_document(db: Database, world: World, office: Office, tell: Told, sent: int) -> None:
    theirs = await office.file(by=world.outsider)
    typed = {"series": ["0"], "title": ["假更正"], "unit": ["620001"], "body": [theirs.id], "corrects": [str(sent)]}
    with pytest.raises(NotFound):
        await db.write(composing.send_form, world.outsider, typed, setting(tell))
    assert await state(db, sent, world.north) == State.ARRIVED
    assert await db.read(lines, "SELECT COUNT(*) FROM documents") == [(1,)]


async def test_a_void_document_keeps_its_number_and_its_reason(
    db: Database, world: World, office: Office, tell: Told, sent: int
) -> None:
    found = await db.write(reissuing.void, office.sender, sent, REASON, told=tell, now=SOON)
    assert (found.voided_at, found.void_reason) == (SOON, REASON)
    assert await db.read(lines, "SELECT serial, voided_at, void_reason FROM numbers") == [(1, SOON, REASON)]
    assert await db.read(inbox.waiting, world.north) == []
    assert await db.read(numbering.next_of, office.series, 2026) == 2
    for act in (
        db.write(reissuing.void, office.sender, sent, REASON, told=tell, now=SOON),
        db.write(chasing.chase, office.sender, sent, None, told=tell, now=SOON),
        db.write(recalling.recall, office.sender, sent, REASON, None, told=tell, now=SOON),
        db.write(
            reissuing.supplement, office.sender, sent, Wanted(units=("6200000009",)), NOBODY, sign_by=LATER, answer_by="",
            told=tell, now=SOON, today=TODAY,
        ),
    ):  # fmt: skip
        with pytest.raises(Refused, match="作废"):
            await act


# --- chase, progress ------------------------------------------------------------------------------------------------------


async def test_a_chase_reaches_only_those_who_have_not_done_it(db: Database, world: World, office: Office, tell: Told) -> None:
    id = (await send(office, tell, contents(office, answer_by=LATER), Wanted((world.districts,)))).id
    await sign(db, id, world.north_clerk)
    done = await db.write(chasing.chase, office.sender, id, None, told=tell, now=SOON)
    assert (done.units, done.messages) == (1, 1)
    chased = "SELECT unit_id, step FROM messages WHERE purpose = 'chase' AND channel = 'sms' ORDER BY id"
    assert await db.read(lines, chased) == [(world.south, "chase-1")]
    await sign(db, id, world.south_clerk)
    owing = await db.write(chasing.chase, office.sender, id, [world.north, world.outside], told=tell, now=SOON)
    assert (owing.units, (await db.read(ledger.receipt_of, id, world.north)).waits) == (1, Waits.ANSWER)
    assert await db.read(lines, chased) == [(world.south, "chase-1"), (world.north, "chase-2")]
    with pytest.raises(Refused):
        await db.write(chasing.chase, office.sender, id, [world.outside], told=tell, now=SOON)
    with pytest.raises(NotFound):
        await db.write(chasing.chase, world.north_clerk, id, None, told=tell, now=SOON)


async def test_the_rate_leaves_out_what_was_recalled(db: Database, world: World, office: Office, tell: Told) -> None:
    wanted = Wanted((world.districts,), ("6200000009",))
    id = (await send(office, tell, contents(office), wanted)).id
    await sign(db, id, world.north_clerk)
    counts = progress.count(await db.read(progress.lines_of, id))
    assert (counts.total, counts.base, counts.rated, counts.percent, counts.to_goal) == (3, 3, 1, 33.3, 2)
    await db.write(recalling.recall, office.sender, id, REASON, [world.south], told=tell, now=SOON)
    counts = progress.count(await db.read(progress.lines_of, id))
    assert (counts.base, counts.rated, counts.recalled, counts.percent, counts.on_time) == (2, 1, 1, 50.0, 1)
    found = progress.curve(await db.read(progress.lines_of, id), start=NOW, due=BY, now=LATER)
    assert (found.y, found.rows[0][1]) == (104.0, 1)


async def test_every_act_stands_in_the_audit(db: Database, world: World, office: Office, tell: Told, sent: int) -> None:
    await sign(db, sent, world.north_clerk)
    await db.write(chasing.chase, office.sender, sent, None, told=tell, now=SOON)
    await db.write(recalling.recall, office.sender, sent, REASON, None, told=tell, now=SOON)
    asked = await db.read(recalling.waiting, sent, world.north)
    assert asked is not None
    await db.write(recalling.decide, world.north_clerk, asked.id, agree=True, reason="", told=tell, now=SOON)
    await db.write(reissuing.void, office.sender, sent, REASON, told=tell, now=SOON)
    assert [e.act for e in await db.read(progress.events_of, sent)] == [
        "document_voided", "recall_agreed", "document_recalled", "document_chased", "document_sent",
    ]  # fmt: skip
