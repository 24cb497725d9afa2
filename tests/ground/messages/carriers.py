"""Carriers for the sender's tests: our address for receipts, Kannel's sendsms, a gateway that does as it is told."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from ground.clock import FixedClock
from ground.db import Database
from ground.messages import outbox
from ground.messages.gateway import Gateway, Inbound, Outcome, Report, Sms
from ground.messages.http_gateway import HttpGateway, HttpSettings
from ground.messages.kannel import Kannel, KannelSettings
from ground.messages.sending import Sender
from tests.carrier import Answer, Carrier, Loopback, Received, Request, text_answer
from tests.ground.messages.kit import Desk
from tests.kannel import free_ports

Make = Callable[..., Sender]


class Receipts(Loopback):
    """Our address for receipts, with the outbox behind it."""

    def __init__(self, db: Database, clock: FixedClock) -> None:
        super().__init__()
        self.gateway: Gateway | None = None
        self._db, self._clock = db, clock

    @property
    def url(self) -> str:
        """Where to call."""
        return f"http://127.0.0.1:{self.port}/report"

    async def handle(self, request: Request, _: asyncio.StreamWriter) -> Answer | None:
        """Read it as the gateway does."""
        if self.gateway and (said := self.gateway.report(request.form)):
            await self._db.write(outbox.report, self.gateway.name, said, self._clock.now())
        return text_answer("")


class Deserted(Carrier):
    """A carrier whose callers may die in the middle of a request."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await super()._serve(reader, writer)


class Smsbox(Carrier):
    """The same carrier as Kannel's sendsms shows it: 202, 503 or 400, and receipts to the message's own dlr-url."""

    def __init__(self) -> None:
        super().__init__()
        self._dlr: dict[str, str] = {}

    async def handle(self, request: Request, writer: asyncio.StreamWriter) -> Answer | None:
        """Remember where the receipt goes."""
        self._dlr[request.form["to"]] = request.form["dlr-url"]
        answer = await super().handle(request, writer)
        if answer is None:
            return None
        word = answer[1].split()[0].decode()
        return text_answer("0: Accepted for delivery", {"OK": 202, "TEMP": 503, "PERM": 400}[word])

    async def _report(self, part: Received, code: str) -> None:
        state = {"DELIVRD": "1", "ACCEPTD": "8"}.get(code, "2")
        url = self._dlr[part.mobile]
        for hole, value in (("%d", state), ("%p", part.mobile), ("%A", f"stat:{code}"), ("%F", part.carrier_id)):
            url = url.replace(hole, value)
        await self._call(url, {})
        self.reports.append({"status": code})


class Odd:
    """A gateway that raises, hangs or answers, by the number it is to send to."""

    idempotent = False

    def __init__(self, name: str = "odd", answer: Callable[[Sms], Awaitable[Outcome]] | None = None) -> None:
        self.name = name
        self.sent: list[Sms] = []
        self.closed = 0
        self._answer = answer

    async def send(self, sms: Sms) -> Outcome:
        """Do it."""
        self.sent.append(sms)
        if self._answer:
            return await self._answer(sms)
        if sms.mobile.endswith("1"):
            raise ZeroDivisionError("poison")
        if sms.mobile.endswith("2"):
            await asyncio.sleep(3600)
        return Outcome("accepted", "0", "")

    def report(self, params: Mapping[str, str]) -> Report | None:  # noqa: ARG002
        """Nothing."""
        return None

    def inbound(self, params: Mapping[str, str]) -> Inbound | None:  # noqa: ARG002
        """Nothing."""
        return None

    async def aclose(self) -> None:
        """Count."""
        self.closed += 1


async def well(sms: Sms) -> Outcome:
    """Take whatever comes."""
    return Outcome("accepted", "0", "")


def http(url: str, name: str = "http", timeout_s: float = 1.0) -> HttpGateway:
    """The carrier's JSON face."""
    body = '{"to": "{mobile}", "text": "{text}", "token": "{token}"}'
    fields = {"token": "token", "mobile": "mobile", "code": "status", "id": "mid"}
    return HttpGateway(
        HttpSettings(
            "POST", url, body, success_field="code", id_field="data.id", busy_value="busy", timeout_s=timeout_s,
            report_fields=fields, name=name,
        )
    )  # fmt: skip


def kannel(url: str, receipts: str) -> Kannel:
    """Our side of a Kannel."""
    return Kannel(KannelSettings(url, "tester", "foobar", "106500", "", receipts, timeout_s=1.0))


def nowhere() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_ports('none')['none']}/mt"


async def reaches(desk: Desk, *states: str, within_s: float = 5.0) -> None:
    """Wait until the messages are in these states; the last states are shown when they never are."""
    found: list[str] = []
    for _ in range(int(within_s * 50)):
        found = await desk.states()
        if found == list(states):
            return
        await asyncio.sleep(0.02)
    assert found == list(states)


def written(folder: Path) -> list[Path]:
    """What a spool has written."""
    return sorted(folder.iterdir())
