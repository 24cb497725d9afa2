"""Kannel: an SMS gateway beside us that holds the line to the carrier. Tried with 1.4.5.

    send ──GET sendsms──▶ smsbox ──▶ bearerbox ──▶ carrier       202 = stored there, not sent
    report ◀── dlr-url?token=…&mobile=…&to=%p&state=%d ◀── DLR      the token and number are ours, `to` is Kannel's

Kannel matches a receipt by line and carrier id only, and carriers use ids again: the address that it calls back therefore
carries our token and the number we sent to, and a report whose two numbers differ is thrown away.

Kannel joins long texts itself, in one request, so that a message goes whole or not at all; but it cuts every 67 units, even
through a surrogate pair. Where "𠮷" would be cut, a space goes before it: the border moves, the number of parts stays.

What kannel.conf must say: for the sendsms user `concatenation = true` and `max-messages` no lower than `max_parts` (Kannel
drops the rest in silence); `dlr-storage` not `internal` (lost at a crash); for the service that brings messages in
`get-url = "…?from=%p&to=%P&text=%b&id=%I"`, `mo-recode = true`, `max-messages = 0`; with a `smsbox-id`, a group `smsbox-route`
for it, or what people write stays in the store. A wrong `smsc` is answered 202 too and waits for ever: no report tells.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx2

from ground.messages.gateway import (
    TOKEN,
    Inbound,
    Outcome,
    Report,
    Sms,
    ask,
    loose_mobile,
    new_client,
    unsendable,
)
from ground.messages.sms import is_gsm, split_parts, units

JOINED_UNITS = 67
# accepted by the phone 1, failed 2, waiting 4, taken by the carrier 8, refused by the carrier 16
DLR_MASK = 31
_STATES: Mapping[str, Literal["accepted", "delivered", "undelivered"]] = {
    "1": "delivered",
    "2": "undelivered",
    "4": "accepted",
    "8": "accepted",
    "16": "undelivered",
}
# A carrier's code inside its reply: SMPP's "stat:UNDELIV err:0012", a bare CMPP word, or MA:0001.
_CODE = re.compile(r"\b(M[ABC]:\w+|DELIVRD|ACCEPTD|EXPIRED|DELETED|UNDELIV|UNKNOWN|REJECTD)\b")
_PROXY_LOST_IT = (502, 504)


@dataclass(frozen=True)
class KannelSettings:
    """How to reach smsbox. `dlr_url_base`: our address for receipts as smsbox sees it; keep a secret in its path.

    url: of sendsms, as http://127.0.0.1:13013/cgi-bin/sendsms. sender: the number people see. smsc: Kannel's smsc-id, empty
    for any. timeout_s: for the whole exchange. max_parts: Kannel's `max-messages`; a longer text is refused.
    """

    url: str
    username: str
    password: str
    sender: str
    smsc: str
    dlr_url_base: str
    timeout_s: float = 10.0
    max_parts: int = 10
    name: str = "kannel"


def joinable(text: str) -> str:
    """`text` with a space before each character that Kannel's cut every 67 units would break; no other text changes."""
    parts = [] if is_gsm(text) else split_parts(text)
    if len(parts) < 2:
        return text
    return "".join(part + " " * (JOINED_UNITS - units(part)) for part in parts[:-1]) + parts[-1]


class Kannel:
    """One Kannel as a `Gateway`. Not idempotent: the same token sent twice reaches the person twice."""

    idempotent = False

    def __init__(self, settings: KannelSettings) -> None:
        """Take the settings; the first connection is made by the first message."""
        self.name = settings.name
        self._settings = settings
        self._client = new_client()

    async def send(self, sms: Sms) -> Outcome:
        """Give one message to Kannel; see `Gateway.send`."""
        fault = unsendable(sms)
        if fault:
            return fault
        parts = len(split_parts(sms.text))
        if parts > self._settings.max_parts:
            return Outcome("refused", "too-long", f"短信太长（{parts} 条，最多 {self._settings.max_parts} 条）。请缩短内容。")
        request = self._client.build_request("GET", self._settings.url, params=self._query(sms))
        reply = await ask(self._client, request, self._settings.timeout_s)
        return reply if isinstance(reply, Outcome) else _outcome(reply)

    def _query(self, sms: Sms) -> dict[str, str]:
        """The fields of sendsms. Text in the 7-bit alphabet goes as such, for it is counted and billed as such."""
        settings = self._settings
        query = {
            "username": settings.username,
            "password": settings.password,
            "from": settings.sender,
            "to": sms.mobile,
            "coding": "0" if is_gsm(sms.text) else "2",
            "charset": "UTF-8",
            "text": joinable(sms.text),
            "dlr-mask": str(DLR_MASK),
            "dlr-url": self._dlr_url(sms),
        }
        return query | ({"smsc": settings.smsc} if settings.smsc else {})

    def _dlr_url(self, sms: Sms) -> str:
        """Our address for this message's receipts; Kannel fills in %d %p %A %F, so a percent sign of ours is doubled."""
        base = self._settings.dlr_url_base.replace("%", "%%")
        joint = "&" if "?" in base else "?"
        return f"{base}{joint}token={sms.token}&mobile={sms.mobile}&state=%d&to=%p&answer=%A&id=%F"

    def report(self, params: Mapping[str, str]) -> Report | None:
        """Read a call to our dlr-url; None for an unknown state, or when Kannel took another message's receipt for ours."""
        token, mobile = params.get("token", ""), params.get("mobile", "")
        state = _STATES.get(params.get("state", ""))
        if state is None or not TOKEN.fullmatch(token) or not mobile or loose_mobile(params.get("to", "")) != mobile:
            return None
        return Report(token, mobile, state, _code(params, state), params.get("id", ""))

    def inbound(self, params: Mapping[str, str]) -> Inbound | None:
        """Read a call to our get-url; `id` is Kannel's %I, the same when it calls again after a lost answer."""
        if not params.get("from", "").strip() or not params.get("id") or "text" not in params:
            return None
        return Inbound(loose_mobile(params["from"]), params["text"], params["id"])

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()


def _code(params: Mapping[str, str], state: str) -> str:
    """The carrier's receipt code if its reply holds one, else Kannel's state."""
    if state == "delivered":
        return "DELIVRD"
    found = _CODE.search(params.get("answer", ""))
    return found.group(1) if found else f"dlr-{params['state']}"


def _outcome(reply: httpx2.Response) -> Outcome:
    """What smsbox's answer means. 403 is a wrong password: our settings are at fault, not the message."""
    code = f"http-{reply.status_code}"
    if reply.status_code == httpx2.codes.ACCEPTED:
        return Outcome("accepted", code, "")
    if reply.status_code in (401, 403) and "authorization" in reply.text.lower():
        return Outcome("temporary", code, "短信网关不接受用户名或密码，请运维人员检查短信设置；改好后自动重试。")
    if reply.status_code in _PROXY_LOST_IT:
        return Outcome("unknown", code, "短信已交出，但没有收到短信网关的答复，不知是否发出。先等回执，必要时打电话确认。")
    if 400 <= reply.status_code < 500:
        return Outcome("refused", code, "短信网关拒绝了这条短信。请核对号码和内容，或改用电话通知。")
    return Outcome("temporary", code, "短信网关暂时不能发送，稍后自动重试。")
