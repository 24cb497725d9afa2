"""A city answers a meeting notice: the actions, from publishing to the last decision, on both engines."""

import asyncio

import pytest

from ground.db import Database, Tx
from ground.directory import units
from ground.directory.groups import Wanted
from ground.errors import Invalid, NotFound, Refused
from ground.messages.telling import Told
from notices import leaves, organising, publishing, signups
from notices.notice import Answer, Contents, LeaveAsked, Person, Quota, StandIn
from notices.organising import Counts
from notices.publishing import Published
from receipts import inbox, ledger
from receipts.receipt import Waits
from tests.world import NOW, TODAY, World

STARTS, ENDS, BY = "2026-03-20T07:00:00.000Z", "2026-03-20T09:00:00.000Z", "2026-03-19T04:00:00.000Z"
AT_DEADLINE, SECOND_LATE = BY, "2026-03-19T04:00:01.000Z"
MEETING = Contents("全市文物保护与旅游安全工作会议", "市政府四楼会议室", STARTS, ENDS, BY)
MA, DU, SUN = (
    Person("马文斌", "区长", "13800006012", "principal"),
    StandIn("杜晓燕", "副区长", "13800004417"),
    Person("孙立民", "文物科科长", "13900002206", "staff"),
)
LEAVE = LeaveAsked("principal", "马文斌", "区长", "赴兰州参加全省文旅工作会", DU)


async def publish(db: Database, world: World, tell: Told, contents: Contents = MEETING) -> Published:
    wanted = Wanted(groups=(world.districts,))
    return await db.write(publishing.publish, world.organiser, contents, wanted, told=tell, now=NOW, today=TODAY)


@pytest.fixture
async def notice(db: Database, world: World, tell: Told) -> int:
    return (await publish(db, world, tell)).id


async def read(db: Database, notice: int, actor: "object") -> None:
    await db.write(inbox.open_item, notice, actor, NOW)  # type: ignore[arg-type]


async def north_answers(db: Database, world: World, notice: int, answer: Answer, now: str = NOW) -> signups.UnitAnswer:
    await db.write(inbox.open_item, notice, world.north_clerk, now)
    return await db.write(signups.sign_and_answer, world.north_clerk, notice, answer, waived=(), now=now)


async def counts(db: Database, notice: int) -> Counts:
    return await db.read(organising.counts, notice)


async def outbox(tx: Tx, notice: int, purpose: str) -> list[tuple[str, str, str]]:
    sql = "SELECT address, channel, state FROM messages WHERE subject_id = :n AND purpose = :p ORDER BY channel DESC, address"
    return await tx.all(sql, lambda *c: c, n=notice, p=purpose)


async def test_publish_reaches_every_unit_of_the_group_once(db: Database, world: World, tell: Told) -> None:
    done = await publish(db, world, tell)
    assert (done.version, done.receipts, done.unreachable) == (1, 2, ())
    assert await counts(db, done.id) == Counts(2, 0, 2, 0, 0, 0)
    assert await db.read(outbox, done.id, "published") == [
        ("13800001932", "sms", "ready"), ("13900003158", "sms", "ready"), ("hesz@example.cn", "email", "ready"),
    ]  # fmt: skip
    waiting = await db.read(inbox.waiting, world.north)
    assert [(i.subject_id, i.waits, i.due_at) for i in waiting] == [(done.id, Waits.SIGN, BY)]


async def test_two_groups_minus_one_unit(db: Database, world: World, tell: Told) -> None:
    wanted = Wanted((world.districts,), ("6200000009", "620001"), without=("620002",))
    done = await db.write(publishing.publish, world.organiser, MEETING, wanted, told=tell, now=NOW, today=TODAY)
    lines = await db.read(organising.lines, done.id)
    assert {line.code for line in lines} == {"620001", "6200000009"}


@pytest.mark.parametrize(
    ("contents", "field"),
    [
        (MEETING._replace(title=""), "title"),
        (MEETING._replace(title="【机密】关于召开会议的通知"), "title"),
        (MEETING._replace(title="长" * 201), "title"),
        (MEETING._replace(place=""), "place"),
        (MEETING._replace(starts_at="", answer_by=BY), "starts_at"),
        (MEETING._replace(ends_at=STARTS), "ends_at"),
        (MEETING._replace(answer_by="2026-03-21T00:00:00.000Z"), "answer_by"),
        (MEETING._replace(answer_by=NOW), "answer_by"),
        (MEETING._replace(quota=(Quota("principal", 2, 1),)), "quota"),
        (MEETING._replace(quota=()), "quota"),
        (MEETING._replace(quota=(Quota("king", 0, 1),)), "quota"),
        (MEETING._replace(seats=-1), "seats"),
    ],
)  # fmt: skip
async def test_contents_that_cannot_stand(db: Database, world: World, tell: Told, contents: Contents, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await publish(db, world, tell, contents)
    assert [e.field for e in refused.value.errors] == [field]


async def test_a_notice_to_nobody(db: Database, world: World, tell: Told) -> None:
    for wanted in (Wanted(), Wanted((world.districts,), (), ("620001", "620002")), Wanted((), ("620001",), ("620000",))):
        with pytest.raises(Invalid, match="请选参加的单位"):
            await db.write(publishing.publish, world.organiser, MEETING, wanted, told=tell, now=NOW, today=TODAY)
    with pytest.raises(Invalid, match="没有找到：404"):
        await db.write(publishing.publish, world.organiser, MEETING, Wanted(units=("404",)), told=tell, now=NOW, today=TODAY)


async def test_a_notice_to_closed_units(db: Database, world: World, tell: Told) -> None:
    """A unit that has closed is left out; where none is left, nothing goes out."""

    async def close(tx: Tx, code: str) -> None:
        unit = await units.exactly(tx, code, "unit")
        await units.close(tx, unit, on=TODAY, today=TODAY, reason="机构改革", into=None, by=world.operator, at=NOW)

    await db.write(close, "620001")
    done = await publish(db, world, tell)
    assert [line.unit_id for line in await db.read(organising.lines, done.id)] == [world.south]
    await db.write(close, "620002")
    for wanted in (Wanted((world.districts,)), Wanted(units=("620001", "620002"))):
        with pytest.raises(Invalid):
            await db.write(publishing.publish, world.organiser, MEETING, wanted, told=tell, now=NOW, today=TODAY)


async def test_sign_and_answer(db: Database, world: World, notice: int) -> None:
    answer = await north_answers(db, world, notice, Answer((MA, SUN)))
    assert (answer.state, answer.people, answer.by_organiser) == ("coming", 2, 0)
    assert await counts(db, notice) == Counts(2, 1, 1, 0, 0, 2)
    assert await db.read(inbox.waiting, world.north) == []
    names = await db.read(organising.names, notice)
    assert [(n.unit_short, n.name, n.role) for n in names] == [
        ("北区政府", "马文斌", "principal"), ("北区政府", "孙立民", "staff"),
    ]  # fmt: skip


async def test_answering_unread_is_refused(db: Database, world: World, notice: int) -> None:
    with pytest.raises(Refused, match="请先打开"):
        await db.write(signups.sign_and_answer, world.north_clerk, notice, Answer((MA,)), waived=(), now=NOW)
    with pytest.raises(NotFound):
        await db.write(signups.sign_and_answer, world.outsider, notice, Answer((MA,)), waived=(), now=NOW)


async def test_people_who_stay_keep_their_code(db: Database, world: World, notice: int) -> None:
    await north_answers(db, world, notice, Answer((MA, SUN)))
    before = {p.name: p.token for p in await db.read(signups.people_of, notice, world.north)}
    late = Person("石磊", "安全科长", "", "staff")
    await north_answers(db, world, notice, Answer((MA, late)))
    after = {p.name: p.token for p in await db.read(signups.people_of, notice, world.north)}
    assert after.keys() == {"马文斌", "石磊"}
    assert after["马文斌"] == before["马文斌"]
    assert (await counts(db, notice)).people == 2


QUOTA = [
    (Answer((SUN,)), "主要负责同志须 1 人"),
    (Answer(), "不派人要先请假"),
    (Answer((MA, SUN, SUN._replace(name="甲"), SUN._replace(name="乙"))), "工作人员最多 2 人"),
    (Answer((MA, SUN, SUN)), "孙立民填了两次"),
    (Answer((MA,), (LEAVE._replace(person="某人"),)), "主要负责同志最多 1 人"),
    (Answer((SUN._replace(name="杜晓燕"),), (LEAVE,)), "杜晓燕已在报名名单里"),
    (Answer((SUN._replace(name="马文斌"),), (LEAVE,)), "既报了名又请假"),
]


@pytest.mark.parametrize(("answer", "sentence"), QUOTA, ids=[s for _, s in QUOTA])
async def test_quota_and_doubles(db: Database, world: World, notice: int, answer: Answer, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        await north_answers(db, world, notice, answer)
    assert await counts(db, notice) == Counts(2, 0, 2, 0, 0, 0)
    assert (await db.read(ledger.tally_of, notice)).signed == 0, "a refused answer signs nothing"


WRONG = [
    (Person("", "区长", "", "principal"), "people-0-name"),
    (Person("马" * 41, "", "", "principal"), "people-0-name"),
    (Person("马\u202e文", "", "", "principal"), "people-0-name"),
    (Person("马文斌", "", "1380000", "principal"), "people-0-mobile"),
    (Person("马文斌", "", "", "deputy"), "people-0-role"),
]


@pytest.mark.parametrize(("person", "field"), WRONG)
async def test_rows_that_are_wrong(db: Database, world: World, notice: int, person: Person, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await north_answers(db, world, notice, Answer((person,)))
    assert field in [e.field for e in refused.value.errors]


async def test_one_second_late(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((MA,)), now=AT_DEADLINE)
    with pytest.raises(Refused, match="报名已经截止"):
        await north_answers(db, world, notice, Answer((MA, SUN)), now=SECOND_LATE)
    with pytest.raises(Refused, match="还没有截止"):
        await db.write(leaves.ask_late, world.north_clerk, notice, Answer((MA, SUN)), "换人", now=AT_DEADLINE)
    late = await db.write(leaves.ask_late, world.north_clerk, notice, Answer((MA, SUN)), "换人", now=SECOND_LATE)
    with pytest.raises(Refused, match="已经申请过"):
        await db.write(leaves.ask_late, world.north_clerk, notice, Answer((MA, SUN)), "换人", now=SECOND_LATE)
    with pytest.raises(NotFound):
        await db.write(leaves.decide_late, world.outsider, late, approve=True, reason="", told=tell, now=SECOND_LATE)
    done = await db.write(leaves.decide_late, world.organiser, late, approve=True, reason="", told=tell, now=SECOND_LATE)
    assert done.state == "approved"
    assert (await counts(db, notice)).people == 2
    with pytest.raises(Refused, match="决定过"):
        await db.write(leaves.decide_late, world.organiser, late, approve=False, reason="晚", told=tell, now=SECOND_LATE)


async def test_leave_with_a_stand_in(db: Database, world: World, notice: int, tell: Told) -> None:
    answer = await north_answers(db, world, notice, Answer((SUN,), (LEAVE,)))
    assert (answer.state, answer.people) == ("asked", 1)
    asked = (await db.read(leaves.of_notice, notice))[0]
    assert (asked.person, asked.stand_in, asked.state) == ("马文斌", DU, "asked")
    with pytest.raises(NotFound):
        await db.write(leaves.decide, world.outsider, asked.id, approve=True, reason="", told=tell, now=NOW)
    done = await db.write(leaves.decide, world.organiser, asked.id, approve=True, reason="", told=tell, now=NOW)
    assert done.state == "approved"
    assert await counts(db, notice) == Counts(2, 1, 1, 0, 0, 2)
    stand_in = [n for n in await db.read(organising.names, notice) if n.name == "杜晓燕"]
    assert [(n.stands_for, n.role) for n in stand_in] == [("马文斌", "principal")]
    with pytest.raises(Refused, match="已经同意"):
        await db.write(leaves.decide, world.organiser, asked.id, approve=False, reason="不行", told=tell, now=NOW)
    assert [m[1] for m in await db.read(outbox, notice, "leave")] == ["sms", "email"]


async def test_a_leave_decided_both_ways_at_the_very_same_moment(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((), (LEAVE,)))
    asked = (await db.read(leaves.of_notice, notice))[0]
    ways = [
        db.write(leaves.decide, world.organiser, asked.id, approve=bool(n % 2), reason="不行", told=tell, now=NOW)
        for n in range(8)
    ]
    done = await asyncio.gather(*ways, return_exceptions=True)
    [decided] = [d for d in done if not isinstance(d, BaseException)]
    assert sum(isinstance(d, Refused) for d in done) == 7
    assert (await db.read(leaves.of_notice, notice))[0].state == decided.state
    assert [m[1] for m in await db.read(outbox, notice, "leave")] == ["sms", "email"], "told once"


async def test_two_clerks_break_the_quota_only_together(db: Database, world: World, notice: int) -> None:
    """Two of the staff may come: each clerk's answer keeps to it, and the unit has one answer, not the sum of both."""
    await db.write(inbox.open_item, notice, world.north_clerk, NOW)
    pairs = [(MA, SUN._replace(name=f"甲{n}"), SUN._replace(name=f"乙{n}")) for n in range(6)]
    await asyncio.gather(
        *(db.write(signups.sign_and_answer, world.north_clerk, notice, Answer(p), waived=(), now=NOW) for p in pairs)
    )
    left = {p.name for p in await db.read(signups.people_of, notice, world.north)}
    assert left in [{p.name for p in pair} for pair in pairs]


async def test_a_refused_leave_asks_the_unit_again(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((), (LEAVE,)))
    asked = (await db.read(leaves.of_notice, notice))[0]
    with pytest.raises(Invalid, match="请写不同意的原因"):
        await db.write(leaves.decide, world.organiser, asked.id, approve=False, reason=" ", told=tell, now=NOW)
    await db.write(leaves.decide, world.organiser, asked.id, approve=False, reason="主要领导须到会", told=tell, now=NOW)
    assert await counts(db, notice) == Counts(2, 0, 2, 0, 0, 0)
    assert [i.waits for i in await db.read(inbox.waiting, world.north)] == [Waits.ANSWER]
    await north_answers(db, world, notice, Answer((MA,)))
    assert await counts(db, notice) == Counts(2, 1, 1, 0, 0, 1)


async def test_leave_without_anybody_is_absence_once_approved(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((), (LEAVE._replace(stand_in=None),)))
    asked = (await db.read(leaves.of_notice, notice))[0]
    await db.write(leaves.decide, world.organiser, asked.id, approve=True, reason="", told=tell, now=NOW)
    assert await counts(db, notice) == Counts(2, 0, 1, 0, 1, 0)


async def test_nobody_is_sent_where_the_minimum_is_nought(db: Database, world: World, tell: Told) -> None:
    free = await publish(db, world, tell, MEETING._replace(quota=(Quota("staff", 0, 2),)))
    answer = await north_answers(db, world, free.id, Answer())
    assert answer.state == "absent"


async def test_a_new_version_is_told_and_confirmed(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((MA,)))
    later = MEETING._replace(starts_at="2026-03-20T07:30:00.000Z")
    changed, found = await db.write(publishing.change, world.organiser, notice, 1, later, told=tell, now=NOW)
    assert (changed.version, [(c.field, c.old, c.new) for c in found]) == (2, [("starts_at", STARTS, later.starts_at)])
    assert [i.waits for i in await db.read(inbox.waiting, world.north)] == [Waits.CONFIRM]
    assert [i.waits for i in await db.read(inbox.waiting, world.south)] == [Waits.SIGN]
    assert len(await db.read(outbox, notice, "changed")) == 3
    with pytest.raises(Refused, match="新的变动"):
        await db.write(signups.confirm, world.north_clerk, notice, 1, now=NOW)
    confirmed = await db.write(signups.confirm, world.north_clerk, notice, 2, now=NOW)
    assert confirmed.confirmed == 2
    assert await db.read(inbox.waiting, world.north) == []


async def test_an_end_that_was_open_is_set_and_opened_again(db: Database, world: World, notice: int, tell: Told) -> None:
    open_end = MEETING._replace(ends_at="")
    for version, contents in enumerate((open_end, MEETING), start=1):
        await db.write(publishing.change, world.organiser, notice, version, contents, told=tell, now=NOW)
    sql = "SELECT c.text FROM messages m JOIN contents c ON c.id = m.content_id WHERE m.subject_id = :n AND m.purpose = 'changed'"
    said = " ".join(await db.read(lambda tx: tx.all(sql, str, n=notice)))
    assert "结束时间定为3月20日 17:00。" in said
    assert "结束时间不再限定。" in said


async def test_what_is_not_material_needs_no_confirmation(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((MA,)))
    seats = MEETING._replace(seats=180)
    await db.write(publishing.change, world.organiser, notice, 1, seats, told=tell, now=NOW)
    assert await db.read(inbox.waiting, world.north) == []


async def test_two_organisers_edit_at_once(db: Database, world: World, notice: int, tell: Told) -> None:
    one, two = MEETING._replace(place="一号楼"), MEETING._replace(place="二号楼")
    await db.write(publishing.change, world.organiser, notice, 1, one, told=tell, now=NOW)
    with pytest.raises(Refused, match="刚被别人改成了第 2 版"):
        await db.write(publishing.change, world.organiser, notice, 1, two, told=tell, now=NOW)
    with pytest.raises(Refused, match="没有改动"):
        await db.write(publishing.change, world.organiser, notice, 2, one, told=tell, now=NOW)
    with pytest.raises(NotFound):
        await db.write(publishing.change, world.outsider, notice, 2, two, told=tell, now=NOW)


async def test_two_organisers_at_the_very_same_moment(db: Database, world: World, notice: int, tell: Told) -> None:
    edits = [MEETING._replace(place=f"{n}号楼") for n in range(8)]
    done = await asyncio.gather(
        *(db.write(publishing.change, world.organiser, notice, 1, e, told=tell, now=NOW) for e in edits), return_exceptions=True
    )
    assert sum(isinstance(d, tuple) for d in done) == 1
    assert all(isinstance(d, tuple | Refused) for d in done)


async def test_cancel_clears_and_tells(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((MA,)))
    with pytest.raises(Invalid, match="请写取消的原因"):
        await db.write(publishing.cancel, world.organiser, notice, "", told=tell, now=NOW)
    await db.write(publishing.cancel, world.organiser, notice, "与省上会议冲突", told=tell, now=NOW)
    assert {m[2] for m in await db.read(outbox, notice, "published")} == {"cleared"}
    assert len(await db.read(outbox, notice, "cancelled")) == 3
    for unit in (world.north, world.south):
        assert await db.read(inbox.waiting, unit) == []
    with pytest.raises(Refused, match="已经取消"):
        await db.write(publishing.cancel, world.organiser, notice, "再一次", told=tell, now=NOW)
    with pytest.raises(Refused, match="会议已取消"):
        await north_answers(db, world, notice, Answer((MA, SUN)))


async def test_chase_only_the_silent(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((MA,)))
    done = await db.write(organising.chase, world.organiser, notice, None, told=tell, now=NOW)
    assert (done.units, done.messages) == (1, 1)
    assert await db.read(outbox, notice, "chase") == [("13800001932", "sms", "ready")]
    await db.write(signups.enter, world.organiser, notice, world.south, Answer((MA,)), now=NOW, by_organiser=True)
    assert await db.read(outbox, notice, "chase") == [("13800001932", "sms", "cleared")]
    with pytest.raises(Refused, match="都已答复"):
        await db.write(organising.chase, world.organiser, notice, None, told=tell, now=NOW)
    with pytest.raises(NotFound):
        await db.write(organising.chase, world.outsider, notice, None, told=tell, now=NOW)


async def test_entered_for_a_unit_by_telephone(db: Database, world: World, notice: int) -> None:
    answer = await db.write(signups.enter, world.organiser, notice, world.south, Answer((MA,)), now=NOW, by_organiser=True)
    assert (answer.state, answer.by_organiser) == ("coming", 1)
    assert [i.waits for i in await db.read(inbox.waiting, world.south)] == [Waits.SIGN]
    facts = await db.read(ledger.facts_of, notice, world.south)
    assert [(f.fact, f.person, f.note) for f in facts] == [("arrived", "", ""), ("answered", "吴佳", "代报")]


async def test_two_clerks_of_one_unit_at_once(db: Database, world: World, notice: int) -> None:
    await db.write(inbox.open_item, notice, world.north_clerk, NOW)
    people = [Person(f"人{n}", "", "", "principal") for n in range(12)]
    await asyncio.gather(
        *(db.write(signups.sign_and_answer, world.north_clerk, notice, Answer((p,)), waived=(), now=NOW) for p in people)
    )
    left = await db.read(signups.people_of, notice, world.north)
    assert len(left) == 1
    assert await counts(db, notice) == Counts(2, 1, 1, 0, 0, 1)
    tally = await db.read(ledger.tally_of, notice)
    assert (tally.signed, tally.answered) == (1, 1)


async def test_last_meetings_people_are_offered(db: Database, world: World, notice: int, tell: Told) -> None:
    await north_answers(db, world, notice, Answer((MA, SUN)))
    second = await publish(db, world, tell)
    offered = await db.read(signups.last_people, second.id, world.north)
    assert [p.name for p in offered] == ["马文斌", "孙立民"]
    assert await db.read(signups.last_people, second.id, world.south) == []
    assert {p.name for p in await db.read(signups.known_people, world.north)} == {"马文斌", "孙立民"}
