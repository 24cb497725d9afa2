"""The sender: takes what is due out of the outbox and hands it to the gateways; no transaction is open while it does.

    begin ──claim──▶ a task for each dispatch: wait for its turn, leave, send, record      turn = begin, then wait for them all
    tend: leases that ran out, unknown outcomes, quiet hours, what has expired             stop = cut short, and say what was cut

Each dispatch is on its own: one that hangs, fails or raises holds up no other. Text messages and e-mail have lines of their own.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast
from urllib.parse import quote

import structlog

from ground import clock as time
from ground.clock import Clock
from ground.config import BadConfig, Config
from ground.db import Database
from ground.messages import claiming, outbox
from ground.messages.claiming import Claimer, Dispatch
from ground.messages.email import Mail, Smtp, SmtpSettings
from ground.messages.gateway import Gateway, Outcome, Sms
from ground.messages.http_gateway import HttpGateway, HttpSettings
from ground.messages.kannel import Kannel, KannelSettings
from ground.messages.message import Channel
from ground.messages.outbox import QuietHours, Retry
from ground.messages.pace import PROBE_S, Bucket, Router
from ground.messages.spool import MailSpool, Spool

log = structlog.get_logger()

SMS_SLOTS = 20  # requests under way at once: the most that a crash can leave unknown
MAIL_SLOTS = 8
MAILS_PER_SECOND = 200
ODD = "发送程序出错，不知是否发出。先等回执，必要时打电话确认，并请运维人员查看日志。"
CUT = "服务停下时还没有收到答复，不知是否发出。先等回执，必要时打电话确认。"


# --- gateways -------------------------------------------------------------------------------------------------------------


class MailGateway(Protocol):
    """A way to send e-mail; the contract is that of `Gateway`."""

    @property
    def name(self) -> str: ...

    @property
    def idempotent(self) -> bool: ...

    async def send(self, mail: Mail) -> Outcome:
        """Hand one mail over. Raises nothing but cancellation; cancelled, the outcome is unknown."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class Gateways(NamedTuple):
    """The gateways of each channel, in the order of preference; none: the channel is switched off."""

    sms: tuple[Gateway, ...] = ()
    mail: tuple[MailGateway, ...] = ()

    def named(self, name: str) -> Gateway | None:
        """The text message gateway of that name, for what its carrier calls us with."""
        return next((one for one in self.sms if one.name == name), None)

    async def aclose(self) -> None:
        """Close all."""
        every: list[Gateway | MailGateway] = [*self.sms, *self.mail]
        for gateway in every:
            await gateway.aclose()


def gateways_of(config: Config, folder: Path) -> Gateways:
    """The gateways that the settings name; `folder` is the data folder, in which `spool` writes.

    Raises:
        BadConfig: settings of a gateway in use that cannot work.
    """
    names = dict.fromkeys(name for name in (config.sms.first, config.sms.second) if name != "off")
    sms = tuple(_sms_gateway(name, config, folder) for name in names)
    if config.email.transport == "off":
        return Gateways(sms)
    if config.email.transport == "spool":
        return Gateways(sms, (MailSpool(folder / "spool", config.email.sender, config.email.reply_to),))
    return Gateways(sms, (_smtp(config),))


def callback(config: Config, gateway: str, what: str, secret: str) -> str:
    """Where a carrier calls us: `what` is report or inbound."""
    host = "127.0.0.1" if config.server.host in ("0.0.0.0", "::") else config.server.host  # noqa: S104 - compared, not bound
    base = config.server.public_url.rstrip("/") or f"http://{host}:{config.server.port}"
    return f"{base}/api/v1/gateway/{gateway}/{what}?secret={quote(secret, safe='')}"


def _sms_gateway(name: str, config: Config, folder: Path) -> Gateway:
    if name == "spool":
        return Spool(folder / "spool")
    if name == "kannel":
        own = config.kannel
        report = callback(config, "kannel", "report", own.report_secret)
        return Kannel(
            KannelSettings(own.url, own.username, own.password, config.sms.number, own.smsc, report, float(own.timeout_s))
        )
    return _http_gateway(config)


def _http_gateway(config: Config) -> HttpGateway:
    own = config.http_gateway
    pairs = (line.partition(":") for line in own.headers.split("|") if line.strip())
    try:
        return HttpGateway(
            HttpSettings(
                method=cast("Literal['GET', 'POST']", own.method), url=own.url, body=own.body,
                content_type=cast("Literal['json', 'form']", own.format), success_field=own.success_field,
                success_value=own.success_value, id_field=own.id_field, timeout_s=float(own.timeout_s),
                headers={key.strip(): value.strip() for key, _, value in pairs}, sign=config.sms.signature,
                report_fields={"token": "token", "mobile": "mobile", "code": "code", "id": "id"},
                inbound_fields={"mobile": "mobile", "text": "text", "id": "id"},
            )
        )  # fmt: skip
    except ValueError as fault:
        raise BadConfig(f"[http_gateway] {fault}") from None


def _smtp(config: Config) -> Smtp:
    own = config.email
    try:
        return Smtp(
            SmtpSettings(
                own.host, own.port, cast("Literal['none', 'starttls', 'tls']", own.security), own.username, own.password,
                own.sender, own.reply_to, timeout_s=float(own.timeout_s),
            )
        )  # fmt: skip
    except ValueError as fault:
        raise BadConfig(f"[email] sender, reply_to: {fault}") from None


# --- sending --------------------------------------------------------------------------------------------------------------


class _Line:
    """One channel's way out: its gateways, their health and pace, and what is under way."""

    def __init__(self, channel: Channel, gateways: tuple[Gateway, ...] | tuple[MailGateway, ...], config: Config) -> None:
        sms = channel is Channel.SMS
        self.channel = channel
        self.slots = SMS_SLOTS if sms else MAIL_SLOTS
        self.rate = config.sms.parts_per_second if sms else MAILS_PER_SECOND
        self.sends: dict[str, Callable[[Dispatch], Awaitable[Outcome]]] = {one.name: partial(_hand_over, one) for one in gateways}
        self.idempotent = [one.name for one in gateways if one.idempotent]
        self.buckets = {name: Bucket(self.rate) for name in self.sends}
        self.router = Router(tuple(self.sends), percent=config.outbox.failover_percent, minutes=config.outbox.failover_minutes)
        self.tasks: dict[asyncio.Task[None], Dispatch] = {}
        self.full = False

    def room(self, gateway: str) -> int:
        """How many more may be claimed: few at a time, so that what is urgent never waits behind a long line of our own."""
        free = self.slots - len(self.tasks)
        if free < self.slots // 4 or self.buckets[gateway].debt_s(_seconds()) > 1.0:
            return 0
        return min(free, max(1, self.rate // 4))


async def _hand_over(gateway: Gateway | MailGateway, dispatch: Dispatch) -> Outcome:
    """One dispatch as its gateway wants it."""
    if dispatch.channel == Channel.SMS:
        return await cast("Gateway", gateway).send(Sms(dispatch.token, dispatch.address, dispatch.text))
    method = cast("Literal['REQUEST', 'CANCEL'] | None", dispatch.ics_method)
    mail = Mail(
        dispatch.token, dispatch.address, dispatch.name, dispatch.title, dispatch.text, ics=dispatch.ics, ics_method=method
    )
    return await cast("MailGateway", gateway).send(mail)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


class Sender:
    """Sends what is due, through gateways that may be slow, lie or be gone. One for each process; use it from one loop."""

    def __init__(self, config: Config, db: Database, clock: Clock, gateways: Gateways) -> None:
        """`gateways` become the sender's: `stop` closes them."""
        self._db, self._clock, self.gateways = db, clock, gateways
        self._rules = config.outbox
        self._quiet = QuietHours.of(config)
        worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._claimer = Claimer(db.kind, worker, config.outbox.lease_s, config.sms.signature)
        lines = (_Line(Channel.SMS, gateways.sms, config), _Line(Channel.EMAIL, gateways.mail, config))
        self._lines = [line for line in lines if line.sends]
        self._off = [line.channel for line in lines if not line.sends]
        self._asked: set[int] = set()
        self._stopping = False
        self.wake = asyncio.Event()
        """Set when a slot has come free while more may be waiting."""

    @property
    def under_way(self) -> int:
        """How many dispatches are between claim and outcome."""
        return sum(len(line.tasks) for line in self._lines)

    def troubles(self) -> list[str]:
        """The names of gateways that others have taken over from, or that cannot be reached."""
        return [name for line in self._lines for name in line.sends if line.router.failing(name, self._now_s())]

    def _now_s(self) -> float:
        return time.parse(self._clock.now()).timestamp()

    async def turn(self) -> int:
        """Claim what there is room for on each line, send it, wait for every outcome; how many dispatches."""
        started = await self.begin()
        await self.drain()
        return started

    async def begin(self) -> int:
        """Claim what there is room for on each line and start sending it; how many dispatches."""
        return sum([await self._begin(line) for line in self._lines])

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        while tasks := [task for line in self._lines for task in line.tasks]:
            await asyncio.wait(tasks)

    async def _begin(self, line: _Line) -> int:
        choice = None if self._stopping else line.router.choose(self._now_s())
        line.full = choice is not None
        room = line.room(choice.gateway) if choice else 0
        if choice is None or room == 0:
            return 0
        now = self._clock.now()
        found = await self._db.write(
            claiming.claim, line.channel, now, self._claimer, 1 if choice.probe else min(room, self._rules.batch),
            gateway=choice.gateway, urgent_only=self._quiet.until(now) > now,
        )  # fmt: skip
        line.full = bool(found)
        for dispatch in found:
            self._start(line, dispatch)
        return len(found)

    def _start(self, line: _Line, dispatch: Dispatch, *, leaving: bool = False) -> None:
        task = asyncio.create_task(self._send(line, dispatch, leaving=leaving), name=f"dispatch {dispatch.id}")
        line.tasks[task] = dispatch
        task.add_done_callback(partial(self._finished, line))

    def _finished(self, line: _Line, task: asyncio.Task[None]) -> None:
        dispatch = line.tasks.pop(task, None)
        if line.full:
            self.wake.set()
        if not task.cancelled() and (fault := task.exception()):
            # The database would not take it: the lease runs out, and whoever tends decides by what is written.
            log.error("dispatch_not_recorded", dispatch=dispatch and dispatch.id, exc_info=fault)

    async def _send(self, line: _Line, dispatch: Dispatch, *, leaving: bool) -> None:
        """One dispatch's way out. `leaving`: it was taken over, and goes again under its token."""
        # A crash here: `claimed`. Nothing has left; when the lease is over its messages are ready again.
        wait = line.buckets[dispatch.gateway].wait_s(dispatch.parts, _seconds())
        if wait:
            await asyncio.sleep(wait)
        if not leaving and not await self._db.write(claiming.leave, dispatch, self._clock.now(), self._rules.lease_s):
            return
        # A crash here: `leaving`, though nothing has left. Nobody can know, so it is taken for sent: unknown.
        self._asked.add(dispatch.id)
        try:
            outcome = await self._ask(line, dispatch)
            # A crash here: `leaving`, the answer is lost with us. The carrier's report may tell; else unknown.
            line.router.note(dispatch.gateway, outcome, self._now_s())
            retry = self._retry(line, dispatch.gateway, outcome)
            await self._db.write(outbox.record, dispatch.id, outcome, now=self._clock.now(), retry=retry)
            # A crash here: the outcome is on the disk.
        finally:
            if not self._stopping:  # `stop` wants to know whose request had begun to leave
                self._asked.discard(dispatch.id)

    async def _ask(self, line: _Line, dispatch: Dispatch) -> Outcome:
        """The gateway's answer, within the lease: whoever takes over must not meet a request that is still under way."""
        try:
            async with asyncio.timeout(self._rules.lease_s * 0.9):
                return await line.sends[dispatch.gateway](dispatch)
        except TimeoutError:
            return Outcome("unknown", "timeout", ODD)
        except Exception as fault:
            log.exception("gateway_raised", gateway=dispatch.gateway, dispatch=dispatch.id)
            return Outcome("unknown", type(fault).__name__, ODD)

    def _retry(self, line: _Line, gateway: str, outcome: Outcome) -> Retry:
        """A message does not pay for its gateway: it goes by the other one at once, or waits for a dead one to come back."""
        free = None
        best = line.router.best(self._now_s())
        if outcome.state == "temporary" and best not in (None, gateway):
            free = 0.0
        elif outcome.state == "temporary" and line.router.dead(gateway):
            free = PROBE_S
        return Retry(self._rules.first_wait_s, self._rules.max_tries, free)

    async def tend(self) -> None:
        """What the clock asks for: leases that ran out, unknown outcomes, quiet hours, expiry. Call it each minute or oftener."""
        now = self._clock.now()
        await self._db.write(claiming.release, now)
        for line in self._lines:
            for name in line.idempotent:
                for dispatch in await self._db.write(claiming.take_over, name, now, self._claimer):
                    self._start(line, dispatch, leaving=True)
        await self._db.write(claiming.lose_overdue, now)
        doubt = await self._db.write(claiming.settle, now, float(self._rules.unknown_wait_s))
        if any(doubt):
            log.warning("unknown_outcomes_settled", **doubt._asdict())
        await self._db.write(claiming.by_the_clock, now, self._quiet, self._off)

    async def stop(self, grace_s: float = 1.0) -> None:
        """End within about `grace_s`: what has not left is given back, what is cut short becomes unknown; close the gateways."""
        self._stopping = True
        tasks = {task: (line, dispatch) for line in self._lines for task, dispatch in line.tasks.items()}
        for task, (_, dispatch) in tasks.items():
            if dispatch.id not in self._asked:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        cut = [(task, *of) for task, of in tasks.items() if not task.done() or task.cancelled()]
        for task, *_ in cut:
            task.cancel()
        await asyncio.gather(*(task for task, *_ in cut), return_exceptions=True)
        now = self._clock.now()
        await self._db.write(claiming.give_back, [one for _, _, one in cut if one.id not in self._asked], now)
        for _, line, dispatch in cut:
            # Where the same token is the same message, its lease runs out instead, and it goes again.
            if dispatch.id in self._asked and dispatch.gateway not in line.idempotent:
                await self._db.write(outbox.lose, dispatch.id, "CUT", CUT, now)
        await self.gateways.aclose()
