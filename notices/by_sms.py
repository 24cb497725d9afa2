"""Answers by text message: `1 参加`, `2 请假`, `3 换人 姓名 职务 手机`, echoed back in words.

Whoever answers is known by their mobile number: a secretary or a leader of the unit. The answer is for the newest notice that
the unit has not answered; "参加" means the unit's leader comes (a leader who answers: themselves). The notice stays to be signed:
a text message shows less than the notice says.
"""

from ground.db import Tx
from ground.directory import people, units
from ground.directory.directory import Actor, Contact
from ground.directory.policy import Role
from ground.errors import Refused
from ground.messages.inbound import Reply
from ground.say import Say
from notices import queries as q
from notices import signups
from notices.notice import Answer, LeaveAsked, Notice, Person, StandIn

HOW = "请回复：1参加 2请假 原因 3换人 姓名 职务 手机；或登录送达办理。"
NOBODY = "这个手机号没有登记在任何单位的文书或领导名下，没有办理。请与本单位管理员联系。"
NOTHING = "贵单位现在没有待报名的会议。"


async def apply(tx: Tx, mobile: str, reply: Reply, now: str, *, say: Say) -> str:
    """Do what the message asks and answer with the words to echo. Raises Refused when the rules do not allow it."""
    found = [c for c in await people.contacts_by_mobile(tx, mobile) if c.role in (Role.SECRETARY, Role.LEADER)]
    if not found:
        return NOBODY
    pending = [(c, n) for c in found if (n := await _newest(tx, c.unit_id, now)) is not None]
    if not pending:
        return NOTHING
    contact, notice = max(pending, key=lambda p: p[1].id)
    if reply.kind == "unclear":
        return f"没有看懂。{notice.title}：{HOW}"
    leader = contact if contact.role == Role.LEADER else await _leader(tx, contact.unit_id)
    if leader is None:
        raise Refused("贵单位没有登记领导，请登录送达填写参会人。")
    answer, said = _answer(notice, leader, reply)
    actor = await _actor(tx, contact)
    await signups.enter(tx, actor, notice.id, contact.unit_id, answer, now=now, by_sms=True)
    return (
        f"{actor.unit_short}：{said}（{notice.title}，{say.meeting(notice.starts_at, now)}）。改动请登录送达，签收也请登录办理。"
    )


async def _newest(tx: Tx, unit: int, now: str) -> Notice | None:
    return await tx.one(q.PENDING_FOR_UNIT, Notice.of_row, unit=unit, now=now)


async def _leader(tx: Tx, unit: int) -> Contact | None:
    return next((c for c in await people.contacts_of(tx, unit) if c.role == Role.LEADER), None)


async def _actor(tx: Tx, contact: Contact) -> Actor:
    unit = await units.by_id(tx, contact.unit_id)
    roles = frozenset({contact.role})
    return Actor(contact.person_id, contact.name, "", unit.id, unit.code, unit.name, unit.short_name, unit.path, roles, how="sms")


def _role(notice: Notice) -> str:
    """The first role that must come, else the first that may."""
    wanted = [quota.role for quota in notice.quota if quota.min] or [quota.role for quota in notice.quota if quota.max]
    return wanted[0]


def _answer(notice: Notice, leader: Contact, reply: Reply) -> tuple[Answer, str]:
    """The unit's answer, and what to echo of it."""
    role = _role(notice)
    if reply.kind == "coming":
        return Answer((Person(leader.name, leader.position, leader.mobile, role),)), f"已报名，{leader.name}参加"
    if reply.kind == "leave":
        leave = LeaveAsked(role, leader.name, leader.position, reply.reason or "短信请假，未写原因", None)
        return Answer((), (leave,)), f"{leader.name}请假已报会务，等候决定"
    if not reply.name:
        raise Refused("没有看出由谁替会。请回复：3换人 姓名 职务 手机。")
    stand_in = StandIn(reply.name, reply.position, reply.mobile)
    leave = LeaveAsked(role, leader.name, leader.position, reply.reason or "短信换人", stand_in)
    return Answer((), (leave,)), f"{leader.name}请假，由{reply.name}替会，已报会务，等候决定"
