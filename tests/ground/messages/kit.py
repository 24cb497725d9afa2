"""What the outbox's tests share: a message to put, a person to tell, a claim, and what is written about all of them."""

from typing import Any, NamedTuple

from ground.clock import Clock
from ground.db import Database, Tx
from ground.messages import claiming, outbox
from ground.messages.claiming import Claimer, Dispatch
from ground.messages.gateway import Outcome, Report
from ground.messages.message import Channel, NewMessage, Priority, Purpose
from ground.messages.outbox import QuietHours, Retry

QUIET = QuietHours()
NIGHT = "2026-03-18T14:00:00.000Z"  # 22:00 in the city
MORNING = "2026-03-18T23:00:00.000Z"  # 07:00 the next day
WELL = Outcome("accepted", "0", "", "c1")
GONE = Outcome("delivered", "written", "", "t.json")
BUSY = Outcome("temporary", "busy", "短信网关忙，稍后自动重试。")
LOST = Outcome("unknown", "ReadTimeout", "短信已交出，但没有收到运营商的答复。")
NEVER = Outcome("refused", "9", "运营商拒绝了这条短信（代码 9）。")
TEXT = "市政府办公室通知：3月20日在一号会议室召开安全生产会议。"


class Seen(NamedTuple):
    """What is written about a message."""

    id: int
    state: str
    code: str
    tries: int
    not_before: str


def message(n: int = 1, **more: Any) -> NewMessage:
    """A published meeting's SMS to person `n` of unit `n`."""
    common = NewMessage(
        7, 1, Purpose.PUBLISHED, Channel.SMS, n, n, f"138{n:08d}", "安全生产会议", TEXT, f"报名：安全生产会议{n}", Priority.NORMAL
    )
    return common._replace(**more)


def mail(n: int = 1, **more: Any) -> NewMessage:
    """The same as an e-mail."""
    return message(n, **({"channel": Channel.EMAIL, "address": f"p{n}@example.cn"} | more))


class Desk:
    """The outbox of one database, worked by hand."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db, self.clock = db, clock
        self.claimer = Claimer(db.kind, "test", 60, "送达")

    async def put(self, *messages: NewMessage, quiet: QuietHours | None = QUIET) -> int:
        """Put messages."""
        return await self.db.write(outbox.put, messages, now=self.clock.now(), quiet=quiet)

    async def claim(self, limit: int = 100, channel: Channel = Channel.SMS, **more: Any) -> list[Dispatch]:
        """Claim what is due."""
        more = {"gateway": "test"} | more
        return await self.db.write(claiming.claim, channel, self.clock.now(), self.claimer, limit, **more)

    async def leave(self, dispatch: Dispatch, lease_s: float = 60) -> bool:
        """Let a dispatch leave."""
        return await self.db.write(claiming.leave, dispatch, self.clock.now(), lease_s)

    async def left(self, *messages: NewMessage) -> list[Dispatch]:
        """Put, claim and let leave."""
        await self.put(*messages)
        found = await self.claim()
        assert [await self.leave(one) for one in found] == [True] * len(found)
        return found

    async def record(self, dispatch: Dispatch, outcome: Outcome, **retry: Any) -> None:
        """What the gateway answered."""
        await self.db.write(outbox.record, dispatch.id, outcome, now=self.clock.now(), retry=Retry(**retry))

    async def report(self, dispatch: Dispatch, state: Any, code: str = "", **more: str) -> bool:
        """What the carrier says."""
        said = Report(more.get("token", dispatch.token), more.get("mobile", dispatch.address), state, code, "c1")
        return await self.db.write(outbox.report, more.get("gateway", "test"), said, self.clock.now())

    async def seen(self) -> list[Seen]:
        """What is written about every message, in the order they were put."""

        async def read(tx: Tx) -> list[Seen]:
            return await tx.all("SELECT id, state, code, tries, not_before FROM messages ORDER BY id", Seen)

        return await self.db.read(read)

    async def states(self) -> list[str]:
        """The state of every message, in the order they were put."""
        return [one.state for one in await self.seen()]

    async def dispatch_states(self) -> list[str]:
        """The state of every dispatch, in the order they were made."""

        async def read(tx: Tx) -> list[str]:
            return await tx.all("SELECT state FROM dispatches ORDER BY id", str)

        return await self.db.read(read)

    async def value(self, sql: str, **values: Any) -> Any:
        """One value."""

        async def read(tx: Tx) -> Any:
            return await tx.value(sql, **values)

        return await self.db.read(read)


async def add_person(tx: Tx, id: int, name: str, mobile: str, email: str = "") -> None:
    """A person without posts, as far as the outbox knows one."""
    await tx.run(
        "INSERT INTO people (id, login, name, initials, mobile, email, must_change, totp_step, language, keys_off, created_at) "
        "VALUES (:id, :login, :name, '', :mobile, :email, 0, 0, 'zh', 0, '2026-01-01T00:00:00.000Z')",
        id=id, login=f"p{id}", name=name, mobile=mobile, email=email,
    )  # fmt: skip
