"""Any carrier with an HTTP interface, by a template from the settings.

    body = '{"to": "{mobile}", "content": "{text}", "id": "{token}"}'      json: parsed first, then filled in, string by string
    body = 'to={mobile}&content={text}'                                   form: likewise, pair by pair
    url  = "https://sms.example/send?id={token}"                          percent-encoded

A template is taken apart before a value enters it, and each hole is filled once, so no text can add a field, close a quote
or be read as a hole. `{sign}` is the registered 签名; a template that has it gets `{text}` without the 【签名】 before it.
Gateways that want a digest over the request (HMAC, MD5 with a time) are not for this file.

Which answers mean what: a status in `busy_statuses` → temporary; 401, 403, 404, 407 or a redirect → temporary, since the
settings are at fault; other 4xx → refused; other 5xx → unknown, for the gateway may have passed the message on before it
stumbled. A 2xx is read by `success_field` or `success_regex`; one that cannot be read is unknown.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx2

from ground.messages.gateway import TOKEN, Inbound, Outcome, Report, Sms, ask, loose_mobile, lost, new_client, unsendable

_HOLE = re.compile(r"\{(mobile|text|token|sign)\}")
_OUR_FAULT = (401, 403, 404, 407)
_STATES: Mapping[str, Literal["accepted", "delivered", "undelivered"]] = {
    "accepted": "accepted",
    "delivered": "delivered",
    "undelivered": "undelivered",
}


@dataclass(frozen=True)
class HttpSettings:
    """One carrier's interface. Paths into JSON are dotted: `data.0.id`. Patterns are Python's.

    success_field, success_value: the answer is good when the field, as text, matches the whole pattern; or success_regex:
    when the answer's text contains the pattern. busy_value: a success_field like this is temporary (too fast, no line).
    id_field or id_regex (its first group): the carrier's id. report_fields: the carrier's names for `token`,
    `mobile`, `code`, `id` (without `token` no report is read); inbound_fields: for `mobile`, `text`, `id`.
    report_states: receipt code → accepted, delivered or undelivered; an unlisted code is undelivered.
    idempotent: the carrier promises that a token sent twice is one message.
    """

    method: Literal["GET", "POST", "PUT"]
    url: str
    body: str = ""
    content_type: Literal["json", "form"] = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    sign: str = ""
    success_field: str = ""
    success_value: str = "0|ok|OK|success|true"
    success_regex: str = ""
    busy_value: str = ""
    busy_statuses: tuple[int, ...] = (408, 425, 429, 503)
    id_field: str = ""
    id_regex: str = ""
    report_fields: Mapping[str, str] = field(default_factory=dict)
    report_states: Mapping[str, str] = field(default_factory=lambda: {"DELIVRD": "delivered", "ACCEPTD": "accepted"})
    inbound_fields: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False
    timeout_s: float = 10.0
    name: str = "http"


class HttpGateway:
    """One HTTP carrier as a `Gateway`."""

    def __init__(self, settings: HttpSettings) -> None:
        """Take the template apart.

        Raises:
            ValueError: for a template that cannot work, with the setting's name.
        """
        _check(settings)
        self.name, self.idempotent = settings.name, settings.idempotent
        self._settings = settings
        self._template = _template(settings)
        self._own_sign = "{sign}" in settings.url + settings.body
        self._client = new_client()

    async def send(self, sms: Sms) -> Outcome:
        """Give one message to the carrier; see `Gateway.send`."""
        fault = unsendable(sms)
        if fault:
            return fault
        reply = await ask(self._client, self._request(sms), self._settings.timeout_s)
        return reply if isinstance(reply, Outcome) else self._outcome(reply)

    def _request(self, sms: Sms) -> httpx2.Request:
        """The request with every value encoded for the place it stands in."""
        settings = self._settings
        text = sms.text.removeprefix(f"【{settings.sign}】") if self._own_sign else sms.text
        values = {"mobile": sms.mobile, "text": text, "token": sms.token, "sign": settings.sign}
        url = _HOLE.sub(lambda hole: quote(values[hole[1]], safe=""), settings.url)
        headers = {key: _filled(value, values) for key, value in settings.headers.items()}
        if settings.method == "GET":
            return self._client.build_request("GET", url, headers=headers)
        if settings.content_type == "json":
            content, kind = json.dumps(_filled(self._template, values), ensure_ascii=False), "application/json"
        else:
            pairs = [(key, _filled(value, values)) for key, value in self._template]
            content, kind = urlencode(pairs), "application/x-www-form-urlencoded"
        headers = {"Content-Type": f"{kind}; charset=utf-8", **headers}
        return self._client.build_request(settings.method, url, content=content.encode(), headers=headers)

    def _outcome(self, reply: httpx2.Response) -> Outcome:
        """What the carrier's answer means; the module says why."""
        status, code = reply.status_code, f"http-{reply.status_code}"
        if status in self._settings.busy_statuses:
            return _busy(code)
        if 300 <= status < 400 or status in _OUR_FAULT:
            return Outcome("temporary", code, "短信网关不接受我们的请求，请运维人员检查短信设置；改好后自动重试。")
        if 400 <= status < 500:
            return _refused(code)
        return self._read(reply, code) if 200 <= status < 300 else lost(True, code)

    def _read(self, reply: httpx2.Response, code: str) -> Outcome:
        """What a 2xx answer says inside."""
        settings, text = self._settings, reply.text
        data = _json(text)
        if not settings.success_field:
            good = re.search(settings.success_regex, text) is not None
        else:
            value = _at(data, settings.success_field)
            if value is None:
                return lost(True, "unreadable")
            code, good = value, re.fullmatch(settings.success_value, value) is not None
        if good:
            return Outcome("accepted", code, "", self._carrier_id(text, data))
        if settings.busy_value and settings.success_field and re.fullmatch(settings.busy_value, code):
            return _busy(code)
        return _refused(code)

    def _carrier_id(self, text: str, data: object) -> str:
        """The carrier's id for the message, empty when its answer has none."""
        if self._settings.id_field:
            return _at(data, self._settings.id_field) or ""
        found = re.search(self._settings.id_regex, text) if self._settings.id_regex else None
        return found.group(1) if found else ""

    def report(self, params: Mapping[str, str]) -> Report | None:
        """Read the carrier's call by `report_fields`; None without a token of ours or a code."""
        names = self._settings.report_fields
        token, code = params.get(names.get("token", ""), ""), params.get(names.get("code", ""), "")
        if not TOKEN.fullmatch(token) or not code:
            return None
        state = _STATES[self._settings.report_states.get(code, "undelivered")]
        mobile = loose_mobile(params.get(names.get("mobile", ""), ""))
        return Report(token, mobile, state, code, params.get(names.get("id", ""), ""))

    def inbound(self, params: Mapping[str, str]) -> Inbound | None:
        """Read the carrier's call by `inbound_fields`; None without a number or an id."""
        names = self._settings.inbound_fields
        mobile, received_id = params.get(names.get("mobile", ""), ""), params.get(names.get("id", ""), "")
        if not mobile.strip() or not received_id:
            return None
        return Inbound(loose_mobile(mobile), params.get(names.get("text", ""), ""), received_id)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()


def _check(settings: HttpSettings) -> None:
    """Raise ValueError for settings that could not work, before any message is lost by them."""
    if urlsplit(settings.url).scheme not in ("http", "https") or not urlsplit(settings.url).hostname:
        raise ValueError("url: must begin with http:// or https:// and name a host")
    if _HOLE.search("".join(urlsplit(settings.url)[:2])):
        raise ValueError("url: no {…} before the path")
    if any(
        _HOLE.search(value) and {"{text}", "{sign}"} & set(re.findall(r"\{\w+\}", value)) for value in settings.headers.values()
    ):
        raise ValueError("headers: only {mobile} and {token} may stand in a header")
    if bool(settings.success_field) == bool(settings.success_regex):
        raise ValueError("success_field or success_regex: give exactly one")
    holes = set(_HOLE.findall(settings.url + (settings.body if settings.method != "GET" else "")))
    if not {"mobile", "text"} <= holes:
        raise ValueError("body: {mobile} and {text} must stand in the url or the body")
    unknown = set(settings.report_states.values()) - set(_STATES)
    if unknown:
        raise ValueError(f"report_states: no such state: {', '.join(sorted(unknown))}")
    for pattern in (settings.success_value, settings.success_regex, settings.busy_value, settings.id_regex):
        _check_pattern(pattern)
    if settings.id_regex and re.compile(settings.id_regex).groups < 1:
        raise ValueError("id_regex: needs a group")


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as fault:
        raise ValueError(f"not a pattern: {pattern!r}: {fault}") from fault


def _template(settings: HttpSettings) -> Any:
    """The body taken apart: JSON's own values, or a list of pairs."""
    if settings.method == "GET" or not settings.body:
        return {} if settings.content_type == "json" else []
    try:
        if settings.content_type == "json":
            return json.loads(settings.body)
        return parse_qsl(settings.body, keep_blank_values=True, strict_parsing=True)
    except ValueError as fault:
        raise ValueError(f"body: not {settings.content_type}: {fault}") from fault


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """`template` with the holes in its strings filled, once each; names of fields are left alone."""
    if isinstance(template, str):
        return _HOLE.sub(lambda hole: values[hole[1]], template)
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    return template


def _json(text: str) -> object:
    """The answer as JSON; None when it is not."""
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def _at(data: object, path: str) -> str | None:
    """The value at a dotted path, as text; None when nothing, or no single value, stands there."""
    for step in path.split("."):
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    if isinstance(data, bool):
        return "true" if data else "false"
    return str(data) if isinstance(data, str | int | float) else None


def _busy(code: str) -> Outcome:
    return Outcome("temporary", code, "短信网关忙，稍后自动重试。")


def _refused(code: str) -> Outcome:
    return Outcome("refused", code, f"运营商拒绝了这条短信（代码 {code}）。请核对号码和内容，或改用电话通知。")
