"""A carrier made of one HTTP server on loopback, with faults to order. It stands behind Kannel's generic HTTP line or behind
`ground.messages.http_gateway` directly.

    GET or POST /mt?to=…&text=…  →  "OK <id>" | "PERM …" | "TEMP …"        POST with JSON  →  {"code": "0", "data": {"id": "…"}}
    later: GET report_url?…      the receipt, in Kannel's or in the direct spelling

Every fault that fires is counted in `fired`; a fault test that does not look there proves nothing.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Literal, NamedTuple, Self
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlencode, urlsplit

import httpx2

Fault = Literal[
    "refuse",  # never, says the carrier
    "busy",  # not now
    "fail",  # taken, then a receipt with `code`
    "lose_receipt",  # taken and delivered, but no receipt
    "double_receipt",  # the receipt twice
    "swap_receipts",  # delivered first, then accepted
    "early_receipt",  # the receipt before the answer to the sending
    "late_receipt",  # the receipt after `late_s`
    "no_reply",  # taken, then silence
    "cut_reply",  # taken, then the connection breaks inside the answer
    "black_hole",  # read, not taken, silence
    "reset",  # read, not taken, connection reset
    "slow",  # taken, answered after `slow_s`
]
_SILENCE_S = 3600
_TAKEN_NOT = {"refuse": "PERM refused by order", "busy": "TEMP busy by order"}


class Request(NamedTuple):
    """One HTTP request; `form` holds query and form fields, UTF-8; `raw` the same as bytes."""

    method: str
    path: str
    form: dict[str, str]
    raw: dict[str, bytes]
    headers: dict[str, str]
    body: bytes


class Received(NamedTuple):
    """One part that the carrier took."""

    mobile: str
    text: str
    udh: bytes
    carrier_id: str
    token: str


Answer = tuple[int, bytes, str]


class Loopback:
    """An HTTP server on 127.0.0.1 on a free port; `handle` answers each request, or does worse with the connection."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request, writer: asyncio.StreamWriter, /) -> Answer | None:
        """The answer, or None when the connection has been dealt with."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def background(self, job: Awaitable[None]) -> None:
        """Run something that ends with the server at the latest."""

        async def run() -> None:
            await job

        self._keep(asyncio.create_task(run()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        if task:
            self._keep(task)
        try:
            while (request := await _read(reader)) is not None:
                answer = await self.handle(request, writer)
                if answer is None:
                    break
                _write(writer, answer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):  # a sender that was killed in mid-request
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    fields = urlsplit(target).query
    if "urlencoded" in headers.get("content-type", ""):
        fields = "&".join(filter(None, (fields, body.decode("ascii"))))
    pairs = (pair.partition("=") for pair in fields.split("&") if pair)
    raw = {key: unquote_to_bytes(value.replace("+", " ")) for key, _, value in pairs}
    form = dict(parse_qsl(fields, keep_blank_values=True))
    return Request(method, urlsplit(target).path, form, raw, headers, body)


def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    status, body, kind = answer
    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def text_answer(text: str, status: int = 200) -> Answer:
    """A plain answer."""
    return status, text.encode(), "text/plain; charset=utf-8"


async def until(true: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for something to become true; TimeoutError when it does not."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)


class Hook(Loopback):
    """Our side's address for receipts and messages from people: keeps what it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        """Where to call."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: Request, _: asyncio.StreamWriter) -> Answer | None:
        """Keep the fields."""
        self.calls.append(request.form)
        return text_answer("")


class Carrier(Loopback):
    """The carrier double. `style`: how it spells its receipts, `kannel` for a generic HTTP line, `direct` for plain fields."""

    def __init__(self, style: Literal["kannel", "direct"] = "direct") -> None:
        super().__init__()
        self.style = style
        self.report_url = ""
        self.inbound_url = ""
        self.report_extra: Mapping[str, str] = {}
        self.late_s, self.slow_s, self.receipt_after_s = 0.5, 0.5, 0.02
        self.received: list[Received] = []
        self.reports: list[dict[str, str]] = []
        self.requests: list[Request] = []
        self.fired: Counter[str] = Counter()
        self._orders: list[tuple[str, Fault, str]] = []
        self._last_id = 0
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx2.AsyncClient(trust_env=False, headers={"Connection": "close"})
        return await super().__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        await super().__aexit__(kind, fault, trace)
        if self._client:
            await self._client.aclose()

    @property
    def url(self) -> str:
        """Where to send messages."""
        return f"http://127.0.0.1:{self.port}/mt"

    def order(self, fault: Fault, *, mobile: str = "*", times: int = 1, code: str = "") -> None:
        """Let the next `times` messages, or those to `mobile`, meet a fault; `code` is the receipt code for `fail`."""
        self._orders += [(mobile, fault, code)] * times

    @property
    def pending(self) -> int:
        """Ordered faults that have not fired."""
        return len(self._orders)

    def texts(self) -> list[tuple[str, str]]:
        """Whole messages as the phones show them, joined parts in one; in the order of their first part."""
        whole: dict[tuple[str, str], dict[int, str]] = {}
        for part in self.received:
            joined = part.udh[:3] == b"\x05\x00\x03"
            key = (part.mobile, f"joined {part.udh[3]}" if joined else part.carrier_id)
            whole.setdefault(key, {})[part.udh[5] if joined else 1] = part.text
        return [(mobile, "".join(parts[n] for n in sorted(parts))) for (mobile, _), parts in whole.items()]

    async def handle(self, request: Request, writer: asyncio.StreamWriter) -> Answer | None:
        """Take a message, or do what was ordered."""
        self.requests.append(request)
        fields = _fields(request)
        fault, code = self._next(fields["to"])
        if fault in _TAKEN_NOT:
            return self._says(request, _TAKEN_NOT[fault], "")
        if fault == "black_hole":
            await asyncio.sleep(_SILENCE_S)
        if fault == "reset":
            _reset(writer)
        if fault in ("black_hole", "reset"):
            return None
        part = self._take(fields)
        if fault == "early_receipt":
            await self._report(part, "DELIVRD")
        elif fault != "lose_receipt":
            self.background(self._receipts(part, fault, code))
        if fault == "no_reply":
            await asyncio.sleep(_SILENCE_S)
        if fault == "cut_reply":
            writer.write(b"HTTP/1.1 200 Answer\r\nContent-Length: 40\r\n\r\nOK ")
            return None
        if fault == "slow":
            await asyncio.sleep(self.slow_s)
        return self._says(request, f"OK {part.carrier_id}", part.carrier_id)

    def _next(self, mobile: str) -> tuple[str, str]:
        for place, (wanted, fault, code) in enumerate(self._orders):
            if wanted in ("*", mobile):
                del self._orders[place]
                self.fired[fault] += 1
                return fault, code
        return "", ""

    def _take(self, fields: Mapping[str, str]) -> Received:
        self._last_id += 1
        udh = fields["udh"].encode("latin-1")
        part = Received(fields["to"], fields["text"], udh, f"c{self._last_id:06d}", fields["token"])
        self.received.append(part)
        return part

    @staticmethod
    def _says(request: Request, line: str, carrier_id: str) -> Answer:
        if "json" not in request.headers.get("content-type", ""):
            return text_answer(line)
        code = {"OK": "0", "TEMP": "busy"}.get(line.split()[0], "refused")
        return 200, json.dumps({"code": code, "data": {"id": carrier_id}}).encode(), "application/json"

    async def _receipts(self, part: Received, fault: str, code: str) -> None:
        await asyncio.sleep(self.late_s if fault == "late_receipt" else self.receipt_after_s)
        codes = {"fail": [code or "UNDELIV"], "double_receipt": ["DELIVRD"] * 2, "swap_receipts": ["DELIVRD", "ACCEPTD"]}
        for one in codes.get(fault, ["DELIVRD"]):
            await self._report(part, one)

    async def _report(self, part: Received, code: str) -> None:
        fields = {"mid": part.carrier_id, "mobile": part.mobile, "status": code, "token": part.token}
        if self.style == "kannel":
            mask = {"DELIVRD": "1", "ACCEPTD": "8"}.get(code, "2")
            fields = {"dlr-mask": mask, "dlr-mid": part.carrier_id, "from": part.mobile, "to": "106500"}
            fields |= {"text": f"id:{part.carrier_id} stat:{code} err:000", "dlr-err": "000"}
        await self._call(self.report_url, fields)
        self.reports.append(fields)

    async def write(self, mobile: str, text: str, received_id: str = "in-1") -> None:
        """A person sends us a text message."""
        fields = {"mobile": mobile, "text": text, "id": received_id}
        if self.style == "kannel":
            # Kannel takes the bytes of coding 2 for UCS-2, whatever else is said of them.
            coded = f"coding=2&charset=UTF-16BE&text={quote_from_bytes(text.encode('utf-16-be'))}"
            await self._call(f"{self.report_url}?{coded}", {"from": mobile, "to": "106500"})
            return
        await self._call(self.inbound_url, fields)

    async def _call(self, url: str, fields: Mapping[str, str]) -> None:
        """A carrier whose call fails gives up, as some do."""
        if url and self._client:
            joint = "&" if "?" in url else "?"
            with contextlib.suppress(httpx2.HTTPError):
                await self._client.get(f"{url}{joint}{urlencode({**self.report_extra, **fields})}")


def _fields(request: Request) -> dict[str, str]:
    """to, text, udh, token, whatever they came in: JSON, a form, or Kannel's query with its own charset."""
    if "json" in request.headers.get("content-type", ""):
        given = {key: str(value) for key, value in json.loads(request.body).items()}
        return {"to": given["to"], "text": given["text"], "udh": "", "token": given.get("token", "")}
    charset = request.form.get("charset", "") or "UTF-8"
    udh = request.raw.get("udh", b"").decode("latin-1")
    text = request.raw.get("text", b"").decode(charset, "surrogatepass")
    return {"to": request.form["to"], "text": text, "udh": udh, "token": request.form.get("token", "")}


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
