"""E-mail: how one is built, and how it is handed to a mail server.

    Mail ──build──▶ multipart/mixed( multipart/alternative( text, html, text/calendar ), invite.ics )
    Smtp.send_many: one connection ──MAIL──RCPT──DATA──▶ an Outcome for each mail; one refusal stops no other

`accepted` means that the mail server has it; returned mail comes later and is not read here. A connection that breaks once
DATA has begun leaves `unknown`. The Message-ID is the token, so a mailbox that sees a mail twice can tell.
Sources: RFC 5321 §4.2 (reply codes), RFC 6047 (METHOD in the content type), RFC 3834 (Auto-Submitted).
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal, NamedTuple

import aiosmtplib

from ground.messages.gateway import TOKEN, Outcome

# Every body in ASCII, since not every server takes 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")
_ADDRESS = re.compile(r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*")
# Line breaks in a header would begin a new one; in a name, the other signs would begin a new address.
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_NAME_SIGNS = re.compile(r'[<>@,;:"()\[\]\\]+')
_QUEUED = re.compile(r"queued as ([0-9A-Za-z.-]+)", re.IGNORECASE)
_AUTH_CODES = frozenset({530, 534, 535, 538})
_CLOSING = 421
# A server that hangs would cost each mail a timeout; after this many broken connections in a row the rest wait for the next run.
_GIVE_UP = 3


class Mail(NamedTuple):
    """One e-mail to one person. `ics`: a whole calendar object whose METHOD is `ics_method`; both or neither."""

    token: str
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str | None = None
    ics: str | None = None
    ics_method: Literal["REQUEST", "CANCEL"] | None = None


@dataclass(frozen=True)
class SmtpSettings:
    """The mail server. `sender` and `reply_to` as in `build`; `ca_file`: the city's own authority, empty for the system's.

    tls: `tls` from the first byte (465), `starttls` or nothing is sent (587), `none` only inside one machine room (25).
    timeout_s: for each command. per_connection: mails before a new connection, since servers set a limit.
    """

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    username: str
    password: str
    sender: str
    reply_to: str = ""
    ca_file: str = ""
    timeout_s: float = 30.0
    per_connection: int = 100
    name: str = "smtp"


def build(mail: Mail, sender: str, reply_to: str, at: datetime | None = None) -> EmailMessage:
    """Make the message that a mail program shows.

    Args:
        mail: line breaks in its subject and name become spaces.
        sender: `名称 <address>` or an address; its domain ends the Message-ID. reply_to: the same, or empty.
        at: the Date; now when absent.
    Raises:
        ValueError: for an address that is not one, or text that cannot be encoded.
    """
    message = EmailMessage(policy=_POLICY)
    origin = _mailbox(sender)
    message["From"] = origin
    message["To"] = _address(mail.to_name, mail.to_address)
    if reply_to:
        message["Reply-To"] = _mailbox(reply_to)
    message["Subject"] = _BREAKS.sub(" ", mail.subject).strip()
    message["Date"] = format_datetime(at or datetime.now(UTC))
    message["Message-ID"] = f"<{mail.token}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    if mail.ics is not None and mail.ics_method is not None:
        _invite(message, mail.ics, mail.ics_method)
    return message


def _invite(message: EmailMessage, ics: str, method: str) -> None:
    """Put the calendar in twice: as an alternative, which Outlook and phones answer to, and as a file for the rest."""
    message.add_alternative(ics, subtype="calendar", cte="base64", params={"method": method})
    data = "\r\n".join(ics.splitlines()).encode() + b"\r\n"
    message.add_attachment(data, maintype="application", subtype="ics", filename="invite.ics")


def _address(name: str, address: str) -> Address:
    """A header's address that holds exactly one mailbox, whatever the name says."""
    if not _ADDRESS.fullmatch(address):
        raise ValueError("邮箱地址不对，请核对，例如 name@example.gov.cn。")
    return Address(" ".join(_NAME_SIGNS.sub(" ", _BREAKS.sub(" ", name)).split()), addr_spec=address)


def _mailbox(text: str) -> Address:
    """`名称 <address>` or `address` from the settings."""
    return _address(*parseaddr(text))


def sendable_mail(mail: Mail) -> Outcome | None:
    """The refusal of a mail that cannot go, or None."""
    if not TOKEN.fullmatch(mail.token):
        return Outcome("refused", "bad-token", "邮件编号不合规定，未发出。请联系运维人员。")
    try:
        _address(mail.to_name, mail.to_address)
        "".join((mail.to_name, mail.subject, mail.text, mail.html or "", mail.ics or "")).encode()
    except UnicodeEncodeError:
        return Outcome("refused", "bad-text", "邮件里有无法发送的字符，未发出。请改写后重发。")
    except ValueError as fault:
        return Outcome("refused", "bad-address", str(fault))
    return None


class Smtp:
    """A mail server. Not idempotent. Safe to use from several tasks: each call has its own connection."""

    idempotent = False

    def __init__(self, settings: SmtpSettings) -> None:
        """Take the settings; a wrong `sender`, `reply_to` or `ca_file` raises here, not at the first mail."""
        self.name = settings.name
        self._settings = settings
        self._sender = _mailbox(settings.sender)
        if settings.reply_to:
            _mailbox(settings.reply_to)
        self._tls = None if settings.tls == "none" else ssl.create_default_context(cafile=settings.ca_file or None)

    async def send(self, mail: Mail) -> Outcome:
        """Hand one mail over. Raises nothing but cancellation."""
        return (await self.send_many([mail]))[0]

    async def send_many(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Hand mails over on one connection; one outcome a mail, in order. Without a connection all the rest are `temporary`."""
        line = _Line(self._settings, self._sender.addr_spec, self._tls)
        try:
            return [sendable_mail(mail) or await line.send(mail, self._bytes(mail)) for mail in mails]
        finally:
            await line.close()

    def _bytes(self, mail: Mail) -> bytes:
        return build(mail, self._settings.sender, self._settings.reply_to).as_bytes()

    async def aclose(self) -> None:
        """Do nothing: no connection outlives a call."""


class _Line:
    """One run of mails: a connection, made when needed, made anew after a break, given up when none can be made."""

    def __init__(self, settings: SmtpSettings, sender: str, tls: ssl.SSLContext | None) -> None:
        self._settings, self._sender, self._tls = settings, sender, tls
        self._client: aiosmtplib.SMTP | None = None
        self._sent = 0
        self._broken = 0
        self._dead: Outcome | None = None

    async def send(self, mail: Mail, data: bytes) -> Outcome:
        """Send one mail; where an old connection turns out to be closed before the mail began, once more on a new one."""
        fresh = self._client is None
        outcome = await self._try(mail, data)
        if outcome is None and not fresh:
            outcome = await self._try(mail, data)
        if self._broken >= _GIVE_UP:
            self._dead = _temporary("broken")
        return outcome or _temporary("closed")

    async def _try(self, mail: Mail, data: bytes) -> Outcome | None:
        """One try; None when the connection broke before the mail's content was begun."""
        if self._sent >= self._settings.per_connection:
            await self.close()
        client = self._client or await self._connect()
        if client is None:
            return self._dead
        self._sent += 1
        begun = False
        try:
            await client.mail(self._sender, options=self._size(client, data))
            await client.rcpt(mail.to_address)
            begun = True
            answer = await client.data(data)
        except aiosmtplib.SMTPResponseException as fault:
            self._broken = 0
            await self._tidy(fault.code)
            return _answered(fault.code) if begun or fault.code >= 400 else _temporary(str(fault.code))
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            self._broken += 1
            await self.close()
            return _unknown(type(fault).__name__) if begun else None
        self._broken = 0
        found = _QUEUED.search(answer.message)
        return Outcome("accepted", str(answer.code), "", found.group(1) if found else "")

    @staticmethod
    def _size(client: aiosmtplib.SMTP, data: bytes) -> list[str]:
        """RFC 1870: say the size, so that a server refuses a large mail before it is sent."""
        return [f"size={len(data)}"] if client.supports_extension("size") else []

    async def _connect(self) -> aiosmtplib.SMTP | None:
        """A connection, encrypted and signed in as the settings say; without one None, and `_dead` for all that follow."""
        if self._dead:
            return None
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            local_hostname=self._sender.rpartition("@")[2],
            timeout=settings.timeout_s,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=self._tls,
        )
        try:
            await client.connect()
            await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:
            client.close()
            self._dead = _no_connection(fault)
            return None
        self._client, self._sent = client, 0
        return client

    async def _tidy(self, code: int) -> None:
        """After a refusal: forget the envelope, or the connection where the server is closing it."""
        if code == _CLOSING or self._client is None:
            return await self.close()
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            await self.close()

    async def close(self) -> None:
        """Say goodbye and close. What the server answers no longer matters."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(min(2.0, self._settings.timeout_s)):
                await client.quit()
        client.close()


def _no_connection(fault: Exception) -> Outcome:
    """Why there is no connection: the settings, or the line."""
    if isinstance(fault, aiosmtplib.SMTPAuthenticationError):
        return Outcome("temporary", str(fault.code), "邮件服务器不接受用户名或密码，请运维人员检查邮件设置；改好后自动重试。")
    causes = (fault, fault.__cause__)
    if "STARTTLS" in str(fault) or any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Outcome("temporary", "tls", "无法与邮件服务器建立加密连接，请运维人员检查证书和邮件设置；改好后自动重试。")
    if isinstance(fault, aiosmtplib.SMTPResponseException):
        return _temporary(str(fault.code))
    return _temporary(type(fault).__name__)


def _temporary(code: str) -> Outcome:
    return Outcome("temporary", code, "连不上邮件服务器，稍后自动重试。如一直不行，请运维人员检查邮件设置。")


def _unknown(code: str) -> Outcome:
    return Outcome("unknown", code, "邮件已交出，但没有收到邮件服务器的答复，不知是否发出。必要时打电话确认。")


def _answered(code: int) -> Outcome:
    """What a refusing reply code means. Source: RFC 5321 §4.2.1."""
    if code in _AUTH_CODES:
        return Outcome("temporary", str(code), "邮件服务器要求登录或不接受密码，请运维人员检查邮件设置；改好后自动重试。")
    if 500 <= code < 600:
        return Outcome("refused", str(code), "邮件服务器拒收（地址不存在、邮箱已满或内容被拦）。请核对邮箱地址，或改用电话通知。")
    if 400 <= code < 500:
        return Outcome("temporary", str(code), "邮件服务器暂时不收，稍后自动重试。")
    return _unknown(str(code))
