"""Answers by text message, on both engines."""

from zoneinfo import ZoneInfo

import pytest

from ground.db import Database
from ground.directory.groups import Wanted
from ground.errors import Refused
from ground.messages.inbound import Reply, parse
from ground.messages.telling import Told
from ground.say import Say
from notices import by_sms, leaves, organising, publishing
from notices.organising import Counts
from receipts import inbox
from receipts.receipt import Waits
from tests.notices.test_flow import BY, MEETING, SECOND_LATE
from tests.world import NOW, TODAY, World

SAY = Say(ZoneInfo("Asia/Shanghai"), str, "zh")
CLERK, LEADER, STRANGER = "13900003158", "13800006012", "13512345678"


@pytest.fixture
async def notice(db: Database, world: World, tell: Told) -> int:
    done = await db.write(
        publishing.publish, world.organiser, MEETING, Wanted(groups=(world.districts,)), told=tell, now=NOW, today=TODAY
    )
    return done.id


async def answer(db: Database, mobile: str, text: str, now: str = NOW) -> str:
    return await db.write(by_sms.apply, mobile, parse(text), now, say=SAY)


@pytest.mark.parametrize("mobile", [CLERK, LEADER])
async def test_one_means_the_leader_comes(db: Database, world: World, notice: int, mobile: str) -> None:
    echo = await answer(db, mobile, "1 参加")
    assert "已报名，马文斌参加" in echo
    assert MEETING.title in echo
    assert [(n.name, n.role) for n in await db.read(organising.names, notice)] == [("马文斌", "principal")]
    assert [i.waits for i in await db.read(inbox.waiting, world.north)] == [Waits.SIGN], "it is still to be signed"


async def test_two_asks_leave(db: Database, world: World, notice: int) -> None:
    assert "请假已报会务" in await answer(db, CLERK, "2 请假 到省里开会")
    asked = await db.read(leaves.of_notice, notice)
    assert [(x.person, x.stand_in, x.state) for x in asked] == [("马文斌", None, "asked")]
    assert await db.read(organising.counts, notice) == Counts(2, 0, 1, 1, 0, 0)


async def test_three_sends_somebody_else(db: Database, world: World, notice: int) -> None:
    assert "由李四替会" in await answer(db, CLERK, "3 换人 李四 副区长 13912345678")
    asked = (await db.read(leaves.of_notice, notice))[0]
    assert asked.stand_in is not None
    assert (asked.stand_in.name, asked.stand_in.position, asked.stand_in.mobile) == ("李四", "副区长", "13912345678")


async def test_what_cannot_be_done_is_said(db: Database, world: World, notice: int) -> None:
    assert await answer(db, STRANGER, "1") == by_sms.NOBODY
    assert "没有看懂" in await answer(db, CLERK, "收到谢谢")
    with pytest.raises(Refused, match="没有登记领导"):
        await answer(db, "13800001932", "1")
    assert await answer(db, CLERK, "1", now=SECOND_LATE) == by_sms.NOTHING
    assert "已报名" in await answer(db, CLERK, "1", now=BY)
    assert await answer(db, CLERK, "1", now=BY) == by_sms.NOTHING
    assert await db.write(by_sms.apply, "13700002648", Reply("coming"), NOW, say=SAY) == by_sms.NOTHING
