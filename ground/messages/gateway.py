"""The contract between the outbox and whatever carries a text message, and what every carrier here shares.

    outbox ──Sms──▶ Gateway.send ──▶ carrier            the answer is an Outcome, never an exception
    carrier ──HTTP──▶ pages.py ──params──▶ Gateway.report / Gateway.inbound ──▶ Report / Inbound / None

The line that matters is whether the request had begun to leave this machine. Before it: `temporary`, try again. After it,
without an answer that can be read: `unknown`, which nobody may send again blindly, for the person may have it already.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

import httpx2

from ground.mobile import normal_mobile

TOKEN = re.compile(r"[0-9A-Za-z-]{1,64}")
# A control character cuts a text short (NUL) or begins an escape (ESC) in a carrier's equipment.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


class Sms(NamedTuple):
    """One text message to one person. `token` is ours, made when it was put into the outbox; `text` has its signature."""

    token: str
    mobile: str
    text: str


class Outcome(NamedTuple):
    """What is known after a try to send.

    state: `accepted` the carrier has it; `delivered` the person has it; `refused` it will never go like this;
    `temporary` it has not left, try again; `unknown` it may have left.
    code: the carrier's or ours, for the log. reason: Chinese, what happened and what to do; empty when all is well.
    """

    state: Literal["accepted", "delivered", "refused", "temporary", "unknown"]
    code: str
    reason: str
    carrier_id: str = ""


class Report(NamedTuple):
    """What the carrier said later. They come late, doubled and out of order: the outbox keeps the highest rank."""

    token: str
    mobile: str
    state: Literal["accepted", "delivered", "undelivered"]
    code: str
    carrier_id: str


class Inbound(NamedTuple):
    """A text message from a person. `received_id` is the carrier's: the same one twice is the same message."""

    mobile: str
    text: str
    received_id: str


class Gateway(Protocol):
    """A way to send text messages. `idempotent`: sending the same token twice cannot reach the person twice."""

    @property
    def name(self) -> str: ...

    @property
    def idempotent(self) -> bool: ...

    async def send(self, sms: Sms) -> Outcome:
        """Hand one message over. Raises nothing but cancellation; cancelled, the outcome is unknown."""
        ...

    def report(self, params: Mapping[str, str]) -> Report | None:
        """Read the carrier's call about an earlier message; None when it says nothing that can be trusted."""
        ...

    def inbound(self, params: Mapping[str, str]) -> Inbound | None:
        """Read the carrier's call with a person's message; None when it is not one."""
        ...

    async def aclose(self) -> None:
        """Close connections. A later send is `temporary`."""
        ...


# Receipt codes: the exact code first, then the longest beginning that ends in ":". Source: CMPP 3.0 table 1. What stands
# behind MA: MB: MC: differs from carrier to carrier, so an operator's own table goes before this one.
_CMPP = {
    "DELIVRD": "已送达对方手机。",
    "ACCEPTD": "运营商已接收，正在送往对方手机，请稍候。",
    "EXPIRED": "对方手机长时间关机或不在服务区，短信已过期。请打电话通知。",
    "DELETED": "短信被运营商删除。请改用电话通知，并请运维人员向运营商查询。",
    "UNDELIV": "对方手机收不到短信（停机、空号或信号不通）。请核对号码或打电话通知。",
    "UNKNOWN": "运营商说不清是否送达。请打电话确认对方是否收到。",
    "REJECTD": "短信被运营商拒绝。请核对号码和内容，或改用电话通知。",
    "MA:": "运营商短信中心报错，未送达。请改用电话通知，并请运维人员凭代码查询。",
    "MB:": "运营商网关报错，未送达。请改用电话通知，并请运维人员凭代码查询。",
    "MC:": "运营商网关没有收到回执，未能确认送达。请打电话确认对方是否收到。",
}
REASONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "cmpp": MappingProxyType(_CMPP),
        # One vendor's meaning of MA:, which shows why the table is per carrier.
        "cmpp-keyword": MappingProxyType(
            {**_CMPP, "MA:": "短信内容含运营商屏蔽的词语，未发出。请修改内容后重发，或改用电话通知。"}
        ),
    }
)


def plain_reason(code: str, table: Mapping[str, str]) -> str:
    """Say what a receipt code means and what to do; an unlisted code is named, so that it can be read out on the telephone."""
    exact = table.get(code) or table.get(code.upper())
    if exact:
        return exact
    begins = [key for key in table if key.endswith(":") and code.upper().startswith(key)]
    if begins:
        return table[max(begins, key=len)]
    return f"运营商未能送达（代码 {code or '无'}）。请改用电话通知，并请运维人员凭代码查询。"


def unsendable(sms: Sms) -> Outcome | None:
    """The refusal of a message that no carrier may see, or None. Carriers take and bill empty texts, and cut others short."""
    if not TOKEN.fullmatch(sms.token):
        return Outcome("refused", "bad-token", "短信编号不合规定，未发出。请联系运维人员。")
    try:
        mobile = normal_mobile(sms.mobile)
        sms.text.encode()
    except UnicodeEncodeError:
        return Outcome("refused", "bad-text", "短信里有无法发送的字符，未发出。请改写后重发。")
    except ValueError as fault:
        return Outcome("refused", "bad-mobile", str(fault))
    if mobile != sms.mobile:
        return Outcome("refused", "bad-mobile", "手机号写法不规范，未发出。请在通讯录里重新保存这个号码。")
    if not sms.text.strip():
        return Outcome("refused", "empty-text", "短信没有内容，未发出。请填写内容。")
    if _CONTROL.search(sms.text):
        return Outcome("refused", "bad-text", "短信里有看不见的控制字符，未发出。请重新输入内容。")
    return None


def loose_mobile(text: str) -> str:
    """A carrier's writing of a number in our form; a service number (10086) stays as it is."""
    try:
        return normal_mobile(text)
    except ValueError:
        return text.strip()


def new_client() -> httpx2.AsyncClient:
    """An HTTP client for carriers: no redirects, no proxy from the environment, a fresh connection for each message.

    A kept connection may be closed by the other side just as we write on it; that looks like a lost answer, and the
    message would become `unknown` without ever having been read. The library logs whole URLs, with passwords and texts.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("httpcore2").setLevel(logging.WARNING)
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=0)
    return httpx2.AsyncClient(limits=limits, trust_env=False, headers={"Connection": "close"})


async def ask(client: httpx2.AsyncClient, request: httpx2.Request, within_s: float) -> httpx2.Response | Outcome:
    """Send one request and read its whole answer in `within_s` seconds; a fault comes back as `temporary` or `unknown`.

    What decides is a note taken when the first byte is about to be written, not the kind of exception.
    """
    left = False

    async def note(event: str, _: object) -> None:
        nonlocal left
        left = left or event.endswith("send_request_headers.started")

    if client.is_closed:
        return Outcome("temporary", "closed", "短信服务正在停止，稍后自动重试。")
    # The library's own limits come first: cut off from outside inside a TLS handshake it leaves the socket open.
    steps = httpx2.Timeout(within_s * 0.8).as_dict()
    request.extensions = {**request.extensions, "trace": note, "timeout": steps}
    try:
        async with asyncio.timeout(within_s):
            return await client.send(request)
    except (httpx2.HTTPError, httpx2.StreamError, OSError, ssl.SSLError, RuntimeError) as fault:
        return lost(left, type(fault).__name__)


def lost(left: bool, code: str) -> Outcome:
    """The outcome of a try without an answer: `left` says whether the message had begun to leave."""
    if left:
        return Outcome("unknown", code, "短信已交出，但没有收到运营商的答复，不知是否发出。先等回执，必要时打电话确认。")
    return Outcome("temporary", code, "连不上短信网关，稍后自动重试。如一直不行，请运维人员检查网关。")
