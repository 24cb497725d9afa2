"""What people write back: read generously, stored once, applied whole or not at all, echoed but not for ever."""

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.clock import FixedClock
from ground.db import Tx
from ground.errors import Refused
from ground.messages import inbound
from ground.messages.gateway import Inbound
from ground.messages.inbound import Reply, parse
from tests.ground.messages.kit import NIGHT, Desk

pytestmark = pytest.mark.anyio
LI = ("李四", "副局长", "13912345678")

COMING = [
    *(
        "1 参加",
        "1",
        "１",
        "1参加",
        "参加",
        "我参加",
        "1、参加",
        "1.参加",
        "（1）参加",
        "①",
        "1，准时参加",
        "回复1",
        "一",
        "一定参加",
    ),
    *(
        "3月20日我参加",
        "2人参加",
        "１\u3000参加",
        "1 参加\r\n",
        "\n1参加。",
        "1 参加，请问几点开会",
        "我单位准时参加",
        "按时参加会议",
    ),
    *("\u200b1\u200b", "选1", "“1参加”", "1 到会", "能来", "参加，谢谢", "【1】", "1!", "我们可以来"),
]
LEAVE = {
    "2": "", "2请假": "", "2 请假 到省里开会": "到省里开会", "２　请假　到省里开会": "到省里开会", "请假，家里有事": "家里有事",
    "我请假 家里有事": "家里有事", "因公出差，请假": "因公出差", "2 参加省里培训": "参加省里培训", "2出差": "出差", "不能参加": "不能参加",
    "无法参加，在外地出差": "无法参加,在外地出差", "不参加": "不参加", "来不了": "来不了", "2因病": "因病",
    "2 因故不能参加": "因故不能参加",
    "2、请假；住院": "住院", "请个假": "", "2\n请假\n下乡": "下乡", "2 请假 换届工作忙": "换届工作忙", "我想请假": "",
}  # fmt: skip
INSTEAD = {
    "3 换人 李四 副局长 13912345678": LI, "3换人李四副局长13912345678": LI, "3\n李四\n副局长\n13912345678": LI,
    "3、姓名：李四，职务：副局长，手机：13912345678": LI, "３　换人　李四　副局长　１３９１２３４５６７８": LI,
    "3 13912345678 李四 副局长": LI, "313912345678李四副局长": LI, "3 副局长 李四 13912345678": LI, "3 换人 李四 副局长 139 1234 5678": LI,
    "3 换人 李四 副局长 139-1234-5678": LI, "3 换人 李四 副局长 +8613912345678": LI, "由李四副局长参加 13912345678": LI,
    "改派李四副局长参会，13912345678": LI, "3 李四（副局长）13912345678": LI, "3 副局长李四13912345678": LI,
    "我去不了，由李四副局长参加 13912345678": LI, "请假，由李四副局长参加 13912345678": LI,
    "3李四13912345678": ("李四", "", "13912345678"), "3 换人 王小明": ("王小明", "", ""), "派李四参加": ("李四", "", ""),
    "3换人：买买提·艾力 科长 13912345678": ("买买提·艾力", "科长", "13912345678"),
    "换人 欧阳修 办公室主任 13912345678": ("欧阳修", "办公室主任", "13912345678"),
    "3 王小明综合科科长13912345678": ("王小明", "综合科科长", "13912345678"),
    "3换人，李四，平凉市教育局副局长，13912345678": ("李四", "平凉市教育局副局长", "13912345678"),
    "3换人 派出所所长李四 13912345678": ("李四", "派出所所长", "13912345678"),
    "3  换人  李 四  科长  13912345678": ("李四", "科长", "13912345678"), "3": ("", "", ""), "换人": ("", "", ""),
    "3 换人 李四 一级调研员": ("李四", "一级调研员", ""), "我们单位由李四参加会议，13912345678": ("李四", "", "13912345678"),
    "我去不了，换李四去 13912345678": ("李四", "", "13912345678"), "3 换王福来 13912345678": ("王福来", "", "13912345678"),
    "3 李四 男 科长 13912345678": ("李四", "科长", "13912345678"),
}  # fmt: skip
UNCLEAR = [
    *(
        "收到",
        "好的",
        "TD",
        "",
        "  ",
        "12",
        "4",
        "0",
        "参加吗？",
        "1吗？",
        "能不能参加还没定",
        "可能参加",
        "是否参加",
        "怎么参加",
    ),
    *("1 请假", "3 请假", "2 参加", "1 换人", "13912345678 李四", "1参加2请假3换人", "2 请假，换李四 13912345678", "1 不能参加"),
    *("请回复：1参加 2请假 原因 3换人 姓名 职务 手机", "3月20日", "15时", "您好", "?", "👌"),
]


@pytest.mark.parametrize("text", COMING)
def test_coming(text: str) -> None:
    assert parse(text) == Reply("coming")


@pytest.mark.parametrize(("text", "reason"), LEAVE.items())
def test_leave(text: str, reason: str) -> None:
    assert parse(text) == Reply("leave", reason=reason)


@pytest.mark.parametrize(("text", "who"), INSTEAD.items())
def test_somebody_else(text: str, who: tuple[str, str, str]) -> None:
    assert parse(text) == Reply("instead", *who)


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_could_mean_two_things_is_asked_again(text: str) -> None:
    assert parse(text) == Reply("unclear")


def test_who_comes_may_be_named_with_a_number() -> None:
    assert parse("1 参加 张三 科长 13912345678") == Reply("coming", "张三", "科长", "13912345678")
    assert parse("113912345678 张三") == Reply("coming", "张三", "", "13912345678")


def test_every_spelling_of_the_whole_answer() -> None:
    found = set()
    for digit, joint, word, name, post, mobile in product(
        "3３", ("", " ", "、", "．", "\n"), ("换人", "", "替会"), ("李四", "李四，", "李四\u3000"), ("副局长", "副局长/"),
        ("13912345678", " 139 1234 5678", "，电话13912345678", "１３９１２３４５６７８"),
    ):  # fmt: skip
        found.add(parse(f"{digit}{joint}{word}{joint}{name}{post}{mobile}"))
    assert found == {Reply("instead", *LI)}


@given(st.text())
def test_nothing_breaks_the_reader(text: str) -> None:
    reply = parse(text)
    assert reply.kind in ("coming", "leave", "instead", "unclear")
    assert len(reply.mobile) in (0, 11)
    assert max(len(field) for field in reply) <= 200


WORDS = ["1", "2", "3", "参加", "请假", "换人", "李四", "局长", "13912345678", "，", " ", "不", "由", "吗"]


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_the_menu_in_any_order_is_read_without_a_fault(words: list[str]) -> None:
    text = "".join(words)
    reply = parse(text)
    assert parse(f"  {text}。 ") == reply
    assert not reply.mobile or reply.mobile in text


@pytest.mark.parametrize(
    "text", ["1", "3由", "由李", "换", "我们", "3 李四 ", "139", "代参加", "想要", "ﷺ", " ,", "请假", "3局长"]
)
def test_a_long_text_is_read_in_no_time(text: str) -> None:
    start = time.perf_counter()
    parse(text * 5000)
    assert time.perf_counter() - start < 1


# --- taking in ------------------------------------------------------------------------------------------------------------

ASKED: list[tuple[str, Reply, str]] = []


async def say(tx: Tx, mobile: str, reply: Reply, now: str) -> str:
    """A room that takes answers."""
    ASKED.append((mobile, reply, now))
    return f"已收到：{reply.kind}。"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """An outbox, and nobody has asked anything."""
    ASKED.clear()
    return desk


async def receive(desk: Desk, text: str, id: str = "in-1", mobile: str = "13900003158", apply: inbound.Apply = say) -> bool:
    """A message from a person."""
    return await desk.db.write(inbound.receive, "kannel", Inbound(mobile, text, id), desk.clock.now(), apply=apply)


async def test_an_answer_is_applied_once_and_echoed(desk: Desk, clock: FixedClock) -> None:
    clock.set(NIGHT)
    assert [await receive(desk, "1 参加") for _ in range(3)] == [True, False, False]
    assert [("13900003158", Reply("coming"), NIGHT)] == ASKED
    (echo,) = await desk.claim(urgent_only=True)
    assert (echo.address, echo.text) == ("13900003158", "【送达】已收到：coming。")
    assert await desk.value("SELECT text FROM inbound") == "1 参加"
    assert await desk.value("SELECT outcome FROM inbound") == "coming: 已收到：coming。"


async def test_the_same_number_may_answer_twice(desk: Desk) -> None:
    assert [await receive(desk, "1", "in-1"), await receive(desk, "2", "in-2")] == [True, True]
    assert [reply.kind for _, reply, _ in ASKED] == ["coming", "leave"]
    assert len(await desk.claim()) == 2


async def test_a_refusal_is_echoed_and_leaves_nothing_behind(desk: Desk) -> None:
    async def refuse(tx: Tx, mobile: str, reply: Reply, now: str) -> str:
        await tx.run("INSERT INTO pulses (name, at, note) VALUES ('half', :now, '')", now=now)
        raise Refused("报名已于{when}截止。", when="12:00")

    assert await receive(desk, "1", apply=refuse)
    assert await desk.value("SELECT COUNT(*) FROM pulses") == 0
    (echo,) = await desk.claim()
    assert echo.text == "【送达】报名已于12:00截止。"
    assert not await receive(desk, "1", apply=refuse)


async def test_a_fault_takes_all_back_so_that_the_carrier_calls_again(desk: Desk) -> None:
    async def fail(tx: Tx, mobile: str, reply: Reply, now: str) -> str:
        await tx.run("INSERT INTO pulses (name, at, note) VALUES ('half', :now, '')", now=now)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await receive(desk, "1", apply=fail)
    assert await desk.value("SELECT COUNT(*) FROM pulses") == 0
    assert await receive(desk, "1")
    assert len(ASKED) == 1


async def test_no_echo_when_there_is_nothing_to_say(desk: Desk) -> None:
    async def silent(tx: Tx, mobile: str, reply: Reply, now: str) -> str:
        return ""

    assert await receive(desk, "1", apply=silent)
    assert await desk.states() == []
    assert await desk.value("SELECT outcome FROM inbound") == "coming"


async def test_a_service_number_gets_no_echo(desk: Desk) -> None:
    assert await receive(desk, "您的余额不足", mobile="10086")
    assert (len(ASKED), await desk.states()) == (1, [])


async def test_a_telephone_that_answers_by_itself_does_not_talk_with_us_all_night(desk: Desk, clock: FixedClock) -> None:
    for n in range(30):
        await receive(desk, "我正在开会，稍后联系", f"in-{n}")
        clock.move(seconds=10)
    assert len(await desk.states()) == inbound.ECHOES_AN_HOUR
    clock.move(hours=1)
    await receive(desk, "1", "in-99")
    assert len(await desk.states()) == inbound.ECHOES_AN_HOUR + 1
    assert await desk.value("SELECT COUNT(*) FROM inbound") == 31


async def test_what_no_table_takes_is_taken_all_the_same(desk: Desk) -> None:
    assert await receive(desk, "1\x00 参加" + "会" * 5000)
    assert len(await desk.value("SELECT text FROM inbound")) == 1000
