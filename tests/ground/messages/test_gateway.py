"""The contract, and the HTTP gateway by template, against a carrier that does everything wrong once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ground.messages.gateway import REASONS, Gateway, Inbound, Outcome, Report, Sms, plain_reason, unsendable
from ground.messages.http_gateway import HttpGateway, HttpSettings
from tests.carrier import Carrier, Fault, Hook, until
from tests.kannel import free_ports

SMS = Sms("t-1", "13800000001", "【市府办】请于15时前报名。")
JSON_BODY = '{"to": "{mobile}", "text": "{text}", "token": "{token}", "more": [1, true, "{sign}"]}'
FIELDS = {"token": "token", "mobile": "mobile", "code": "status", "id": "mid"}


def settings(url: str, **more: Any) -> HttpSettings:
    """The carrier's JSON face."""
    base = HttpSettings("POST", url, JSON_BODY, success_field="code", id_field="data.id", busy_value="busy", timeout_s=1.0)
    return replace(base, report_fields=FIELDS, inbound_fields={"mobile": "mobile", "text": "text", "id": "id"}, **more)


def form(url: str, **more: Any) -> HttpSettings:
    """The carrier's form face."""
    body = "to={mobile}&text={text}&token={token}"
    return HttpSettings("POST", url, body, "form", success_regex="^OK ", id_regex=r"^OK (\S+)", timeout_s=1.0, **more)


@pytest.fixture
async def carrier(anyio_backend: str) -> AsyncIterator[Carrier]:
    """A carrier that is well unless told otherwise."""
    async with Carrier() as one:
        yield one


async def sent(chosen: HttpSettings, sms: Sms = SMS) -> Outcome:
    """One message through a gateway of its own."""
    gateway: Gateway = HttpGateway(chosen)
    try:
        return await gateway.send(sms)
    finally:
        await gateway.aclose()


@pytest.mark.anyio
async def test_three_ways_in(carrier: Carrier) -> None:
    get = HttpSettings("GET", carrier.url + "?to={mobile}&text={text}&token={token}", success_regex="^OK", id_regex=r"^OK (\S+)")
    assert await sent(settings(carrier.url)) == Outcome("accepted", "0", "", "c000001")
    assert await sent(form(carrier.url)) == Outcome("accepted", "http-200", "", "c000002")
    assert await sent(get) == Outcome("accepted", "http-200", "", "c000003")
    assert [(one.mobile, one.text, one.token) for one in carrier.received] == [(SMS.mobile, SMS.text, SMS.token)] * 3


@pytest.mark.anyio
async def test_no_text_can_leave_its_field(carrier: Carrier) -> None:
    texts = [
        '","to":"13900000009","x":"',
        "a&to=13900000009&text=b",
        "{mobile}{token}{text}",
        "100%&=+?#/\\ \"'\n",
        "𠮷😀 \u2028",
    ]
    for text in texts:
        for chosen in (
            settings(carrier.url),
            form(carrier.url),
            HttpSettings("GET", carrier.url + "?to={mobile}&text={text}", success_regex="^OK"),
        ):
            assert (await sent(chosen, SMS._replace(text=text))).state == "accepted"
    assert [(one.mobile, one.text) for one in carrier.received] == [(SMS.mobile, text) for text in texts for _ in range(3)]


@pytest.mark.anyio
async def test_a_template_with_a_sign_of_its_own_has_it_once(carrier: Carrier) -> None:
    await sent(settings(carrier.url, sign="市府办"))
    assert carrier.received[0].text == "请于15时前报名。"
    assert '"more": [1, true, "市府办"]' in carrier.requests[0].body.decode()


FAULTS: list[tuple[Fault, str, int]] = [
    ("refuse", "refused", 0),
    ("busy", "temporary", 0),
    ("no_reply", "unknown", 1),
    ("cut_reply", "unknown", 1),
    ("black_hole", "unknown", 0),
    ("reset", "unknown", 0),
    ("slow", "accepted", 1),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "state", "taken"), FAULTS)
async def test_every_fault_is_an_outcome(carrier: Carrier, fault: Fault, state: str, taken: int) -> None:
    carrier.order(fault)
    carrier.slow_s = 0.1
    outcome = await sent(settings(carrier.url))
    assert outcome.state == state
    assert (outcome.reason == "") == (state == "accepted")
    assert (dict(carrier.fired), carrier.pending, len(carrier.received)) == ({fault: 1}, 0, taken)


@pytest.mark.anyio
async def test_an_answer_that_drips_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drops = 0

    async def drip(_: object, writer: asyncio.StreamWriter) -> None:
        nonlocal drops
        writer.write(b"HTTP/1.1 200 Answer\r\nContent-Length: 1000\r\n\r\n")
        while True:
            drops += 1
            writer.write(b" ")
            await asyncio.sleep(0.1)

    async with Carrier() as carrier:
        monkeypatch.setattr(carrier, "handle", drip)
        start = asyncio.get_running_loop().time()
        assert (await sent(settings(carrier.url))).state == "unknown"
        assert asyncio.get_running_loop().time() - start < 4
        assert drops >= 3


@pytest.mark.anyio
async def test_before_the_request_leaves_all_is_temporary(carrier: Carrier) -> None:
    nobody = f"http://127.0.0.1:{free_ports('none')['none']}/mt"
    assert (await sent(settings(nobody)))[:2] == ("temporary", "ConnectError")
    assert (await sent(settings("http://no-such-host.invalid/mt")))[:2] == ("temporary", "ConnectError")
    assert (await sent(settings(carrier.url.replace("http:", "https:")))).state == "temporary"  # no TLS there
    gateway = HttpGateway(settings(carrier.url))
    await gateway.aclose()
    assert (await gateway.send(SMS))[:2] == ("temporary", "closed")
    assert carrier.received == []


@pytest.mark.anyio
async def test_a_wrong_encrypted_line_stays_temporary_when_silent() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        await asyncio.sleep(1)
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/mt"
        assert (await sent(settings(url))).state == "temporary"  # the handshake never ended: nothing of ours left
    await asyncio.sleep(1)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "state"),
    [
        (302, "temporary"),
        (400, "refused"),
        (401, "temporary"),
        (403, "temporary"),
        (404, "temporary"),
        (422, "refused"),
        (429, "temporary"),
        (500, "unknown"),
        (502, "unknown"),
        (503, "temporary"),
        (504, "unknown"),
    ],
)
async def test_what_a_status_means(monkeypatch: pytest.MonkeyPatch, status: int, state: str) -> None:
    async with Carrier() as carrier:

        async def answer(*_: object) -> tuple[int, bytes, str]:
            return status, b"{}", "application/json"

        monkeypatch.setattr(carrier, "handle", answer)
        assert (await sent(settings(carrier.url)))[:2] == (state, f"http-{status}")


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": null}', b'{"code": {"a": 1}}', b"\xff\xfe", b"[" * 100_000])
async def test_an_answer_that_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    async with Carrier() as carrier:

        async def answer(*_: object) -> tuple[int, bytes, str]:
            return 200, body, "application/json"

        monkeypatch.setattr(carrier, "handle", answer)
        assert (await sent(settings(carrier.url)))[:2] == ("unknown", "unreadable")


@pytest.mark.anyio
async def test_reports_and_messages_in(carrier: Carrier) -> None:
    gateway = HttpGateway(settings(carrier.url))
    async with Hook() as hook:
        carrier.report_url = carrier.inbound_url = hook.url
        carrier.order("swap_receipts")
        carrier.order("fail", code="MA:0001")
        carrier.order("double_receipt")
        carrier.order("early_receipt")
        carrier.order("late_receipt")
        carrier.order("lose_receipt")
        carrier.late_s = 0.2
        for number in range(6):
            await gateway.send(SMS._replace(token=f"t-{number}"))
        await until(lambda: len(hook.calls) == 7)
        reports = [gateway.report(call) for call in hook.calls]
        assert sorted(filter(None, reports)) == [
            Report("t-0", SMS.mobile, "accepted", "ACCEPTD", "c000001"),
            Report("t-0", SMS.mobile, "delivered", "DELIVRD", "c000001"),
            Report("t-1", SMS.mobile, "undelivered", "MA:0001", "c000002"),
            Report("t-2", SMS.mobile, "delivered", "DELIVRD", "c000003"),
            Report("t-2", SMS.mobile, "delivered", "DELIVRD", "c000003"),
            Report("t-3", SMS.mobile, "delivered", "DELIVRD", "c000004"),
            Report("t-4", SMS.mobile, "delivered", "DELIVRD", "c000005"),
        ]
        assert sum(carrier.fired.values()) == 6
        await carrier.write("+8613893312345", "3换人 李强", "in-7")
        assert gateway.inbound(hook.calls[-1]) == Inbound("13893312345", "3换人 李强", "in-7")
    await gateway.aclose()


def test_a_report_that_is_not_one() -> None:
    gateway = HttpGateway(settings("http://127.0.0.1/mt"))
    good = {"token": "t-1", "mobile": "13800000001", "status": "DELIVRD", "mid": "c1"}
    assert gateway.report(good) == Report("t-1", "13800000001", "delivered", "DELIVRD", "c1")
    for wrong in ({}, good | {"token": ""}, good | {"token": "a b"}, good | {"status": ""}):
        assert gateway.report(wrong) is None
    assert gateway.inbound({"mobile": "13800000001", "text": "1"}) is None
    assert gateway.inbound({"text": "1", "id": "x"}) is None
    assert gateway.inbound({"mobile": "10086", "text": "", "id": "x"}) == Inbound("10086", "", "x")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"url": "ftp://x/"}, "url"),
        ({"url": "http://{mobile}/"}, "url"),
        ({"body": "{"}, "body"),
        ({"body": '{"to": "{mobile}"}'}, "body"),
        ({"headers": {"X": "{text}"}}, "headers"),
        ({"success_field": ""}, "success_field"),
        ({"success_regex": "OK"}, "success_field"),
        ({"report_states": {"A": "arrived"}}, "report_states"),
        ({"id_regex": "("}, "pattern"),
        ({"id_regex": "OK"}, "id_regex"),
    ],
)
def test_a_template_that_cannot_work_is_named(change: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        HttpGateway(replace(settings("http://127.0.0.1/mt"), **change))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": ""}, "empty-text"),
        ({"text": " \n\u3000"}, "empty-text"),
        ({"text": "a\ud800"}, "bad-text"),
        ({"text": "a\x00b"}, "bad-text"),
        ({"text": "a\x1bb"}, "bad-text"),
        ({"mobile": "138"}, "bad-mobile"),
        ({"mobile": "138 0000 0001"}, "bad-mobile"),
        ({"mobile": "13800000001 13900000001"}, "bad-mobile"),
        ({"token": "a&b"}, "bad-token"),
    ],
)
@pytest.mark.anyio
async def test_what_no_carrier_sees(carrier: Carrier, change: dict[str, str], code: str) -> None:
    for chosen in (settings(carrier.url), form(carrier.url)):
        assert (await sent(chosen, SMS._replace(**change)))[:2] == ("refused", code)
    assert carrier.connections == 0


@hypothesis_settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=80))
def test_the_check_before_sending_never_raises(token: str, mobile: str, text: str) -> None:
    outcome = unsendable(Sms(token, mobile, text))
    assert outcome is None or (outcome.state == "refused" and outcome.reason.endswith("。"))


@pytest.mark.anyio
async def test_no_log_holds_a_number_or_a_text(carrier: Carrier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    get = HttpSettings("GET", carrier.url + "?to={mobile}&text={text}&key=s3cret", success_regex="^OK")
    assert (await sent(get)).state == "accepted"
    assert "s3cret" not in caplog.text
    assert SMS.mobile not in caplog.text


def test_reasons_are_plain() -> None:
    table = REASONS["cmpp"]
    assert plain_reason("DELIVRD", table) == "已送达对方手机。"
    assert plain_reason("undeliv", table) == table["UNDELIV"]
    assert plain_reason("MA:0001", table) == table["MA:"]
    assert plain_reason("MA:0001", REASONS["cmpp-keyword"]) != table["MA:"]
    assert plain_reason("MA:0001", {**table, "MA:0001": "自己的。"}) == "自己的。"
    assert plain_reason("ID:0076", table) == "运营商未能送达（代码 ID:0076）。请改用电话通知，并请运维人员凭代码查询。"
    assert "代码 无" in plain_reason("", table)
    assert all(sentence.endswith("。") for carrier in REASONS.values() for sentence in carrier.values())
