"""Text messages from people: what they mean, stored once, applied, echoed.

    `1 参加`   `2 请假 到省里开会`   `3 换人 李四 副局长 13912345678`   ──parse──▶ Reply ──apply──▶ the echo, into the outbox

People type on telephones: full-width digits, no blanks, 我参加, 不能来, the menu's words without its number. Reading is generous
where only one meaning is possible; what could mean two things is `unclear`, and the person is asked again.
"""

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import structlog

from ground import clock
from ground.db import Tx
from ground.errors import Refused
from ground.messages import outbox
from ground.messages import queries as q
from ground.messages.gateway import Inbound
from ground.messages.message import Channel, NewMessage, Priority, Purpose
from ground.mobile import normal_mobile

log = structlog.get_logger()

LONGEST = 1000  # of what is read; a joke book sent to us is not an answer
ECHOES_AN_HOUR = 10  # to one number: a telephone that answers by itself must not talk with us all night


class Reply(NamedTuple):
    """What somebody answered. Empty: not said. `instead` may come without a name: then ask for it."""

    kind: Literal["coming", "leave", "instead", "unclear"]
    name: str = ""
    position: str = ""
    mobile: str = ""
    reason: str = ""


Apply = Callable[[Tx, str, Reply, str], Awaitable[str]]
"""`apply(tx, mobile, reply, now)` does what the person wants and gives the echo, '' for none. It may raise Refused: what it has
written is taken back, and the person reads the sentence."""

UNCLEAR = Reply("unclear")

_MOBILE = re.compile(r"(?<!\d)(?:\+?86|0086)?[ -]?(1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?!\d)")
_PUNCTUATION = " ,.;:!~、。，；：！()[]<>《》【】“”\"'-—_/\\\n"
# A digit that counts something is no choice: 3月20日, 2人参加, 15时, 1个.
_CHOICE = re.compile(
    r"(?:(?:我?选择?|回复|答复|回)\s*[:,]?\s*)?[(\[]?\s*([123]|[一二三](?=$|[\s,.、。)\]]))(?!\d)(?![月日号点时:年人个名位天])"
)
_GLUED = re.compile(r"([123])(?=1[3-9]\d{9}(?!\d))")  # 313912345678: the choice, then a number
_ASKED_OFF = re.compile(r"请个?假|告假")
_LEAVE = re.compile(
    rf"{_ASKED_OFF.pattern}|(?:不能|不便|无法|没法|未能|不|没空|没时间)(?:按时|准时)?(?:前来|参加|出席|参会|到会|去|来)(?!的)"
    r"|(?:参加|出席|去|来)不了"
)
_INSTEAD = re.compile(
    r"换人|换成|换为|换一?个?人|换[\u4e00-\u9fff·]{2,10}?(?:去|来|参加|参会|出席)|替会|代会|替我|代我|代替|替代|改派|改由"
)
_SENDS = re.compile(r"(?:^|[,。 我位])(?:由|派|安排|委托|请)[\u4e00-\u9fff· ]{2,20}?[代替]?(?:参加|出席|参会|到会|前去|去开会)")
_COMING = re.compile(r"参加|出席|参会|到会|会到|能来|能到|可以来|会去|会来|准时到|按时到|一定到|一定来")
_DOUBT = re.compile(r"[吗?]|是否|能否|能不能|可能|也许|不一定|没定|未定|待定|不确定|看情况|怎么|如何|参不参加|来不来|参加不参加")
_FILLER = re.compile(
    r"换人|换成|换为|换一?个?人|替会人?|代会人?|代替|替代|替我|代我|改派|改由|我们?单位|姓名|名字|职务|职位|岗位"
    r"|手机号码|手机号|手机|电话号码|联系电话|电话"
)
_HEAD = re.compile(
    r"^我?们?(?P<sends>换|由|派(?!出)|让|请|安排|委托)(?=[\u4e00-\u9fff]{2})|^(?:我|是|叫|为)(?=[\u4e00-\u9fff]{2})"
)
_NOISE = frozenset("换由派改让请男女人我")
_TAIL = re.compile(r"(?:代为?|替)?(?:前来|前去|去)?(?:参加|出席|参会|到会|开会)(?:会议)?$")
_LEAD = re.compile(r"^(?:我们?|本人|单位|想|要|需要|需|申请|向您|向领导|因为|由于|特此|,| )+")
_BARE = re.compile(r"我?(?:准时|按时|一定|能|会|可以)?(?:参加|出席|参会|到会|来|去)(?:会议)?")
# How a post begins when it is written straight after a name, and how it ends.
_POST = (
    r"(?:常务副|第一副|副|代|党组|党委|党总支|党支部|支部|机关|办公室|综合|政工|人事|财务|纪检|纪委|组织|宣传|统战|人大|政协|工会"
    r"|局长|处长|科长|股长|部长|县长|市长|镇长|乡长|区长|厅长|院长|校长|站长|所长|队长|组长|会长|行长|室长|园长|馆长|村长"
    r"|主任|书记|主席|秘书|科员|干事|委员|调研员|[一二三四]级|干部|经理|主管|助理|专员|文书|会计|司机|总|政委|主办|会务|工程师)"
)
_POST_ENDS = r"(?:长|主任|书记|主席|秘书|员|干事|级|干部|经理|主管|助理|文书|会计|司机|政委|主办|会务|工程师)"
_JOINED = re.compile(rf"(?P<name>[\u4e00-\u9fff]{{2,4}}?)(?P<post>(?={_POST})[\u4e00-\u9fff、]*{_POST_ENDS})")
_REVERSED = re.compile(
    r"(?P<post>[\u4e00-\u9fff]{0,12}(?:[局处科股部县市镇乡区厅院校站所队组会行]长|主任|书记|科员|秘书|主席|干事))"
    r"(?P<name>[\u4e00-\u9fff]{2,3})"
)
_IS_POST = re.compile(rf"{_POST}[\u4e00-\u9fff、]*|[\u4e00-\u9fff]{{0,12}}(?:长|主任|书记|科员|秘书|主席|干事|员)")


# --- reading --------------------------------------------------------------------------------------------------------------


def parse(text: str) -> Reply:
    """What the person means; never raises. What could mean two things, or nothing, is `unclear`."""
    said = _plain(text)
    choice, rest = _choice(said)
    if all(word in said for word in ("参加", "请假", "换人")):  # the whole menu sent back
        return UNCLEAR
    if choice == "1":
        wrong = _LEAVE.search(rest) or _INSTEAD.search(rest) or _only_asks(rest)
        return UNCLEAR if wrong else _coming(rest)
    if choice == "2":
        both = _INSTEAD.search(rest) or ("换" in rest and _MOBILE.search(rest))
        return UNCLEAR if both or _BARE.fullmatch(rest) or _only_asks(rest) else _leave(rest)
    if choice == "3":
        return UNCLEAR if _LEAVE.match(rest) or _BARE.fullmatch(rest) or _only_asks(rest) else _instead(rest)
    return _by_words(said)


def _by_words(said: str) -> Reply:
    """No number: the words decide, and doubt in them leaves it open."""
    if _DOUBT.search(said):
        return UNCLEAR
    if _INSTEAD.search(said) or _SENDS.search(said):
        return _instead(said)
    if _LEAVE.search(said):
        return _leave(said)
    return _coming(said) if _COMING.search(said) else UNCLEAR


def _plain(text: str) -> str:
    """The text in one writing: narrow digits and signs, single blanks, no invisible marks, nothing around it."""
    shown = "".join(" " if unicodedata.category(c)[0] in "ZC" else c for c in unicodedata.normalize("NFKC", text[:LONGEST]))
    return " ".join(shown.split()).strip(_PUNCTUATION)


def _choice(said: str) -> tuple[str, str]:
    """The number chosen, '' for none, and what follows it."""
    if _MOBILE.match(said):
        return "", said
    found = _GLUED.match(said) or _CHOICE.match(said)
    if not found:
        return "", said
    return {"一": "1", "二": "2", "三": "3"}.get(found[1], found[1]), said[found.end() :].strip(_PUNCTUATION)


def _only_asks(rest: str) -> bool:
    """Whether nothing but a question follows the number."""
    return bool(rest) and not re.sub(r"[吗呢吧?\s]", "", rest)


def _coming(rest: str) -> Reply:
    """Coming; a person is named only by one whose number stands there too."""
    return _instead(rest)._replace(kind="coming") if _MOBILE.search(rest) else Reply("coming")


def _leave(rest: str) -> Reply:
    reason = _ASKED_OFF.sub(" ", rest, count=1) if _ASKED_OFF.search(rest) else rest
    reason = " ".join(reason.split()).strip(_PUNCTUATION)
    return Reply("leave", reason=_LEAD.sub("", reason).strip(_PUNCTUATION)[:200])


def _instead(rest: str) -> Reply:
    """Who comes instead: the number anywhere, then the name, then the post, together or apart."""
    found = _MOBILE.search(rest)
    mobile = re.sub(r"\D", "", found[1]) if found else ""
    words = _MOBILE.sub(" ", rest) if found else rest
    words = _FILLER.sub(" ", _LEAVE.sub(" ", words))
    parts = [part.strip(_PUNCTUATION) for part in re.split(r"[\s,;:、。，；：/()\[\]]+", words)]
    parts = [part for part in parts if part and not part.isdigit() and part not in _NOISE]
    sends = next((n for n, part in enumerate(parts) if (head := _HEAD.match(part)) and head["sends"]), 0)  # 我有事，由李四参加
    parts = [cut for part in parts[sends:] if (cut := _trimmed(part))]
    if len(parts) > 1 and len(parts[0]) == 1 and len(parts[1]) <= 2:  # 李 四
        parts[:2] = ["".join(parts[:2])]
    return Reply("instead", *_name_and_post(parts), mobile)


def _trimmed(part: str) -> str:
    """由李四参加, 换李四去: without the words around the name."""
    cut = _TAIL.sub("", part)
    bare = _HEAD.sub("", cut)
    return bare if bare == cut or len(bare) < 3 else bare.removesuffix("去")


def _name_and_post(parts: list[str]) -> tuple[str, str]:
    if not parts:
        return "", ""
    first, *others = parts
    if others and _IS_POST.fullmatch(first) and not _IS_POST.fullmatch(others[0]):  # 副局长 李四
        first, others = others[0], [first, *others[1:]]
    if joined := _JOINED.fullmatch(first) or _REVERSED.fullmatch(first):  # 李四副局长, 局长李四
        return joined["name"], "".join([joined["post"], *others])[:40]
    return first[:20], "".join(others)[:40]


# --- taking in ------------------------------------------------------------------------------------------------------------


async def receive(tx: Tx, gateway: str, message: Inbound, now: str, *, apply: Apply) -> bool:
    """Store a person's message, do what it says, and put the echo into the outbox. False: it had been received before.

    The whole is one transaction: if it fails the carrier calls again, and nothing has been done twice.
    """
    text = message.text[:LONGEST].replace("\x00", " ")  # PostgreSQL takes no NUL
    id = await tx.value(
        q.INBOUND_PUT, gateway=gateway, received_id=message.received_id, mobile=message.mobile, text=text, now=now
    )
    if id is None:
        return False
    reply = parse(message.text)
    await tx.run(q.BEGIN_ANSWER)
    try:
        echo = await apply(tx, message.mobile, reply, now)
    except Refused as refused:
        await tx.run(q.UNDO_ANSWER)
        echo = refused.text()
    await tx.run(q.END_ANSWER)
    await tx.run(q.INBOUND_OUTCOME, id=id, outcome=f"{reply.kind}: {echo}" if echo else reply.kind)
    if echo and await _may_echo(tx, message.mobile, now):
        await outbox.put(tx, [_echo(int(id), message.mobile, echo, now)], now=now)
    return True


def _echo(id: int, mobile: str, text: str, now: str) -> NewMessage:
    """Somebody has the telephone in hand and waits: at once, at any hour, and not a day later."""
    return NewMessage(
        0, 0, Purpose.REPLY, Channel.SMS, 0, 0, mobile, "短信回复", text, text, Priority.IMMEDIATE, f"inbound-{id}",
        clock.after(now, days=1),
    )  # fmt: skip


async def _may_echo(tx: Tx, mobile: str, now: str) -> bool:
    """Not to a service number, and not to a machine that answers every message of ours."""
    try:
        person = normal_mobile(mobile) == mobile
    except ValueError:
        person = False
    lately = await tx.value(q.INBOUND_SINCE, mobile=mobile, since=clock.after(now, hours=-1))
    if not person or lately > ECHOES_AN_HOUR:
        log.info("no_echo", person=person, lately=lately)
        return False
    return True
