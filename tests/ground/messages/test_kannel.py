"""Kannel: what we make of its answers, and the real one from Debian with a carrier behind it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import tests.kannel
from ground.messages.gateway import Gateway, Inbound, Outcome, Report, Sms
from ground.messages.kannel import Kannel, KannelSettings, joinable
from ground.messages.sms import is_gsm, sms_parts, split_parts, units
from tests.carrier import Carrier, Hook, text_answer, until
from tests.kannel import free_ports

pytestmark = pytest.mark.anyio
SMS = Sms("t-1", "13800000001", "【市府办】请于15时前报名。")
CALL = {"token": "t-1", "mobile": "13800000001", "to": "13800000001", "state": "1", "answer": "", "id": "c1"}


def gateway(url: str = "http://127.0.0.1/cgi-bin/sendsms", **more: Any) -> Kannel:
    """Our side of a Kannel."""
    base: dict[str, Any] = {"username": "tester", "password": "foobar", "sender": "106500", "smsc": "CARRIER"}
    return Kannel(KannelSettings(url, **(base | {"dlr_url_base": "http://127.0.0.1:9/dlr", "timeout_s": 0.5} | more)))


@pytest.mark.parametrize(
    ("state", "answer", "expected", "code"),
    [
        ("1", "id:c1 stat:DELIVRD err:000", "delivered", "DELIVRD"),
        ("2", "id:c1 stat:UNDELIV err:012", "undelivered", "UNDELIV"),
        ("2", "id:c1 stat:MA:0001 err:000", "undelivered", "MA:0001"),
        ("2", "", "undelivered", "dlr-2"),
        ("4", "", "accepted", "dlr-4"),
        ("8", "ACK/", "accepted", "dlr-8"),
        ("16", "NACK/PERM", "undelivered", "dlr-16"),
    ],
)
async def test_what_a_report_means(state: str, answer: str, expected: Any, code: str) -> None:
    assert gateway().report(CALL | {"state": state, "answer": answer}) == Report("t-1", "13800000001", expected, code, "c1")


async def test_a_report_for_another_number_is_not_ours() -> None:
    assert gateway().report(CALL | {"to": "+8613800000001"}) is not None
    for wrong in ({"to": "13900000009"}, {"to": ""}, {"mobile": ""}, {"state": "3"}, {"state": ""}, {"token": "a/b"}):
        assert gateway().report(CALL | wrong) is None
    assert gateway().report({}) is None


async def test_what_is_not_a_message_from_a_person() -> None:
    call = {"from": "+8613893312345", "text": "1参加", "id": "u1", "to": "106500"}
    assert gateway().inbound(call) == Inbound("13893312345", "1参加", "u1")
    assert gateway().inbound(call | {"from": "10086", "text": ""}) == Inbound("10086", "", "u1")
    for missing in ("from", "text", "id"):
        assert gateway().inbound({key: value for key, value in call.items() if key != missing}) is None


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (202, "0: Accepted for delivery", "accepted"),
        (202, "3: Queued for later delivery", "accepted"),
        (400, "Empty receiver number not allowed, rejected", "refused"),
        (403, "Authorization failed for sendsms", "temporary"),
        (403, "denied", "refused"),
        (404, "Unknown request.", "refused"),
        (500, "", "temporary"),
        (502, "", "unknown"),
        (503, "Temporal failure, try again later.", "temporary"),
        (504, "", "unknown"),
    ],
)
async def test_what_an_answer_means(monkeypatch: pytest.MonkeyPatch, status: int, body: str, state: str) -> None:
    async with Carrier() as box:

        async def answer(*_: object) -> tuple[int, bytes, str]:
            return text_answer(body, status)

        monkeypatch.setattr(box, "handle", answer)
        outcome = await gateway(box.url).send(SMS)
        assert outcome[:2] == (state, f"http-{status}")
        assert (outcome.reason == "") == (state == "accepted")


async def test_no_smsbox_and_a_silent_one() -> None:
    nobody = f"http://127.0.0.1:{free_ports('none')['none']}/"
    assert (await gateway(nobody).send(SMS)).state == "temporary"
    async with Carrier() as box:
        box.order("no_reply")
        assert (await gateway(box.url).send(SMS)).state == "unknown"
        assert dict(box.fired) == {"no_reply": 1}


async def test_what_kannel_would_take_and_lose_is_refused_before() -> None:
    async with Carrier() as box:
        assert (await gateway(box.url).send(SMS._replace(text="")))[:2] == ("refused", "empty-text")
        too_long = await gateway(box.url).send(SMS._replace(text="会" * 671))
        assert too_long == Outcome("refused", "too-long", "短信太长（11 条，最多 10 条）。请缩短内容。")
        assert box.connections == 0


@hypothesis_settings(deadline=None)
@example(["会" * 66, "𠮷", "议" * 66, "😀" * 40])
@given(st.lists(st.sampled_from(["会", "会" * 30, "a" * 67, "€", "𠮷", "😀" * 20, " "]), max_size=30))
async def test_no_cut_of_kannel_breaks_a_character(pieces: list[str]) -> None:
    text = "".join(pieces)
    joined = joinable(text)
    assert joined.replace(" ", "") == text.replace(" ", "")
    assert len(joined) - len(text) <= max(0, sms_parts(text) - 1)
    if is_gsm(text) or units(text) <= 70:
        assert joined == text
        return
    data = joined.encode("utf-16-be")
    cuts = [data[at : at + 134].decode("utf-16-be") for at in range(0, len(data), 134)]
    assert len(cuts) == sms_parts(text)
    assert [cut.rstrip(" ") for cut in cuts] == [part.rstrip(" ") for part in split_parts(text)]


class Line(NamedTuple):
    """A real Kannel, our gateway to it, and what it called us with."""

    kannel: tests.kannel.Kannel
    gateway: Gateway
    reports: Hook
    inbox: Hook

    def told(self, count: int) -> list[Report]:
        """The first `count` reports, read."""
        return [report for call in self.reports.calls[:count] if (report := self.gateway.report(call))]


@pytest.fixture
async def line(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Line]:
    """Kannel, running."""
    async with Hook() as reports, Hook() as inbox, tests.kannel.Kannel(tmp_path, inbound_url=inbox.url) as kannel:
        # a secret with a percent sign, which Kannel must not take for one of its own
        ours = gateway(kannel.sendsms_url, dlr_url_base=f"{reports.url}?key=a%2Fb", timeout_s=5)
        yield Line(kannel, ours, reports, inbox)
        await ours.aclose()


@pytest.mark.kannel
async def test_a_long_message_goes_out_and_its_receipt_comes_in(line: Line) -> None:
    # "𠮷" stands where Kannel would cut it in two
    text = "【市府办】" + "会" * 61 + "𠮷" + "议" * 100
    assert sms_parts(text) == 3
    assert (await line.gateway.send(SMS._replace(text=text))).state == "accepted"
    await until(lambda: len(line.kannel.carrier.received) == 3 and len(line.reports.calls) == 2)
    assert [units(part.text) for part in line.kannel.carrier.received] == [67, 67, 35]
    assert line.kannel.carrier.texts() == [(SMS.mobile, text.replace("𠮷", " 𠮷"))]
    first = line.kannel.carrier.received[0].carrier_id
    assert sorted(line.told(2)) == [
        Report("t-1", SMS.mobile, "accepted", "dlr-8", first),
        Report("t-1", SMS.mobile, "delivered", "DELIVRD", first),
    ]
    assert {call["key"] for call in line.reports.calls} == {"a/b"}


@pytest.mark.kannel
async def test_kannel_itself_would_cut_a_character(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason for `joinable`: without it two phones' worth of half characters leave. If this fails, Kannel was mended."""
    monkeypatch.setattr("ground.messages.kannel.joinable", lambda text: text)
    await line.gateway.send(SMS._replace(text="会" * 66 + "𠮷" + "议" * 10))
    await until(lambda: len(line.kannel.carrier.received) == 2)
    assert [part.text[-1] for part in line.kannel.carrier.received] == ["\ud842", "议"]


@pytest.mark.kannel
@pytest.mark.parametrize("text", ["a" * 160, "a" * 161, "€[" * 100, "会" * 70, "会" * 71, "会" * 670], ids=len)
async def test_kannel_bills_the_parts_we_count(line: Line, text: str) -> None:
    await line.gateway.send(SMS._replace(text=text))
    await until(lambda: len(line.kannel.carrier.received) >= sms_parts(text) and line.reports.calls)
    assert len(line.kannel.carrier.received) == sms_parts(text)
    assert line.kannel.carrier.texts() == [(SMS.mobile, text)]


@pytest.mark.kannel
async def test_what_the_carrier_refuses_comes_back_as_a_report(line: Line) -> None:
    line.kannel.carrier.order("refuse", mobile="13800000001")
    line.kannel.carrier.order("fail", mobile="13800000002", code="MB:1042")
    line.kannel.carrier.order("busy", mobile="13800000003")
    for number in (1, 2, 3):
        outcome = await line.gateway.send(Sms(f"t-{number}", f"1380000000{number}", SMS.text))
        assert outcome.state == "accepted"
    await until(lambda: len([r for r in line.told(99) if r.state != "accepted"]) == 3)
    last = {report.token: (report.state, report.code) for report in line.told(99) if report.state != "accepted"}
    assert last == {"t-1": ("undelivered", "dlr-16"), "t-2": ("undelivered", "MB:1042"), "t-3": ("delivered", "DELIVRD")}
    assert dict(line.kannel.carrier.fired) == {"refuse": 1, "fail": 1, "busy": 1}


@pytest.mark.kannel
async def test_a_person_answers(line: Line) -> None:
    await line.kannel.inbound("13893312345", "1参加")
    await line.kannel.inbound("+8613893312345", "3换人 李强 科长 13900000009")
    await until(lambda: len(line.inbox.calls) == 2)
    read = [line.gateway.inbound(call) for call in line.inbox.calls]
    assert sorted(one.text for one in read if one) == ["1参加", "3换人 李强 科长 13900000009"]
    assert {one.mobile for one in read if one} == {"13893312345"}
    assert len({one.received_id for one in read if one}) == 2


@pytest.mark.kannel
async def test_a_wrong_password_is_our_fault_not_the_message_s(line: Line) -> None:
    outcome = await gateway(line.kannel.sendsms_url, password="wrong").send(SMS)
    assert outcome[:2] == ("temporary", "http-403")
    assert line.kannel.carrier.received == []


async def test_without_kannel_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(RuntimeError, match="apt-get install kannel kannel-extras"):
        async with tests.kannel.Kannel(tmp_path):
            pass
