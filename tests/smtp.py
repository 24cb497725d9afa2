# ruff: noqa: ARG002, N802  (aiosmtpd's names and arguments)
"""A real mail server (aiosmtpd) on loopback that refuses, delays or cuts the mails it is told to."""

import asyncio
import ssl
import warnings
from collections import Counter
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """`async with MailServer() as server`: `server.port`, `server.mails`, and sets of addresses that meet a fault.

    refused: 550 at RCPT. delayed: 450 at RCPT. cut: taken whole, then the connection breaks before the answer.
    bad_content: 554 after DATA. closed_after: the server closes each connection after so many mails (0: never).
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
    ) -> None:
        self.port = 0
        self.refused: set[str] = set()
        self.delayed: set[str] = set()
        self.cut: set[str] = set()
        self.bad_content: set[str] = set()
        self.closed_after = 0
        self.mails: list[tuple[str, EmailMessage]] = []
        self.fired: Counter[str] = Counter()
        self.connections = 0
        self._tls, self._starttls, self._login = tls, starttls, login
        self._server: asyncio.Server | None = None
        self._open: list[_Server] = []

    async def __aenter__(self) -> Self:
        # Our own server in this loop takes port 0; aiosmtpd's Controller would not.
        self._server = await asyncio.get_running_loop().create_server(self._new, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._server:
            self._server.close()
        for one in self._open:
            one.abort()
        await asyncio.sleep(0.02)

    def _new(self) -> "_Server":
        self.connections += 1
        options: dict[str, Any] = {"hostname": "mail.example", "loop": asyncio.get_running_loop(), "timeout": 60}
        if self._starttls:
            options |= {"tls_context": self._starttls, "require_starttls": True}
        if self._login:
            options |= {"auth_required": True, "auth_require_tls": False, "authenticator": self._allowed}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a login without TLS, which is what the test wants
            one = _Server(self, **options)
        self._open.append(one)
        return one

    def _allowed(self, server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, server: object, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """Take or refuse a recipient."""
        for addresses, name, answer in (
            (self.refused, "refused", "550 5.1.1 no such user"),
            (self.delayed, "delayed", "450 4.2.1 try later"),
        ):
            if address in addresses:
                self.fired[name] += 1
                return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: "_Server", session: Session, envelope: Envelope) -> str:
        """Keep a mail; break the connection afterwards where that was ordered."""
        to = str(envelope.rcpt_tos[0])
        if to in self.bad_content:
            self.fired["bad_content"] += 1
            return "554 5.6.0 content refused"
        message = BytesParser(EmailMessage, policy=default).parsebytes(envelope.original_content or b"")
        self.mails.append((to, message))
        server.taken += 1
        if to in self.cut:
            self.fired["cut"] += 1
            server.abort()
        return f"250 2.0.0 Ok: queued as Q{len(self.mails)}"


class _Server(SMTP):
    def __init__(self, owner: MailServer, **options: Any) -> None:
        super().__init__(owner, **options)
        self._owner, self.taken = owner, 0

    def abort(self) -> None:
        """Break the connection at once."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def smtp_MAIL(self, arg: str) -> None:
        """Close an old connection as a busy server does: without a word."""
        if self._owner.closed_after and self.taken >= self._owner.closed_after:
            self._owner.fired["closed"] += 1
            self.abort()
            return
        await super().smtp_MAIL(arg)
