"""Who can sign in to the demo: one person of each role, with a login that says which, and one password for all of them."""

import asyncio
from typing import NamedTuple

from ground.clock import Clock
from ground.db import Database, Tx
from ground.directory import queries as q
from ground.directory import sessions
from ground.directory.policy import ROLE_WORDS, Role

PASSWORD = "Yunchuan-2026"


class Account(NamedTuple):
    """Somebody who can sign in."""

    login: str
    name: str
    unit: str  # its short name
    role: Role
    position: str
    sees: str


ACCOUNTS = (
    Account("secretary", "何素梅", "临澜区政府", Role.SECRETARY, "文书", "签收、报名、请假：从“今日”开始"),
    Account("organiser", "吴嘉禾", "市政府办公室", Role.ORGANISER, "会务科科长", "发会议通知，看谁来谁不来，批请假，打印名单"),
    Account("leader", "马松年", "临澜区政府", Role.LEADER, "区长", "看发给本单位的会议"),
    Account("unit_admin", "秦雨桐", "临澜区政府", Role.UNIT_ADMIN, "信息科科长", "管理本单位的人员和发文范围"),
    Account("supervisor", "严正清", "市政府督查室", Role.SUPERVISOR, "督查专员", "看签收率"),
    Account("operator", "乔立言", "市政务信息中心", Role.OPERATOR, "运维科科长", "单位、短信邮件、运行状态"),
    Account("security", "安思远", "市委网信办", Role.SECURITY, "安全管理员", "角色、登录、密码"),
    Account("auditor", "沈鉴", "市审计局", Role.AUDITOR, "审计员", "审计记录，只读"),
)
RECEIVER, SENDER = "临澜区政府", "市政府办公室"
SECOND_POST = ("secretary", "临澜区政府办公室", Role.SECRETARY, "文书")  # to show how one goes from unit to unit


async def give_passwords(db: Database, people: dict[str, int], clock: Clock) -> None:
    """Give every printed account the printed password; it need not be changed."""
    hashes = await asyncio.gather(*(sessions.hash_password(PASSWORD) for _ in ACCOUNTS))

    async def put(tx: Tx) -> None:
        for account, hashed in zip(ACCOUNTS, hashes, strict=True):
            await sessions.set_password(tx, people[account.login], hashed, must_change=False, by=None, at=clock.now())

    await db.write(put)


async def keep_young(tx: Tx, at: str) -> None:
    """The demo's passwords never grow old: nobody is to be sent to the change page months later."""
    for account in ACCOUNTS:
        found = await tx.one(q.PERSON_SECRETS, sessions.Secrets, login=account.login)
        if found is not None and found.password_hash and not found.must_change:
            await tx.run(q.PERSON_PASSWORD, id=found.person_id, hash=found.password_hash, at=at, must_change=0)


def table() -> str:
    """The accounts as lines of text."""
    width = max(len(account.login) for account in ACCOUNTS)
    lines = [f"  {a.login:<{width}}  {a.name}，{a.unit}{ROLE_WORDS[a.role]}：{a.sees}" for a in ACCOUNTS]
    return "\n".join([f"账号（密码都是 {PASSWORD}）", *lines])
