"""E-mail through a real server; the channels' own lines; gateways by the settings."""

from dataclasses import replace
from pathlib import Path

import pytest

from ground.clock import FixedClock
from ground.config import BadConfig, Config
from ground.messages.email import Smtp, SmtpSettings
from ground.messages.message import Channel
from ground.messages.sending import Gateways, callback, gateways_of
from ground.messages.spool import MailSpool, Spool
from tests.ground.messages.carriers import Make, Odd, well, written
from tests.ground.messages.kit import Desk, add_person, mail, message
from tests.smtp import MailServer

pytestmark = pytest.mark.anyio

# --- e-mail ---------------------------------------------------------------------------------------------------------------


async def test_mail_goes_by_a_real_server(desk: Desk, make: Make, clock: FixedClock) -> None:
    async with MailServer() as server:
        smtp = Smtp(SmtpSettings("127.0.0.1", server.port, "none", "", "", "送达 <songda@example.cn>", timeout_s=2))
        server.refused.add("p2@example.cn")
        server.delayed.add("p3@example.cn")
        server.cut.add("p4@example.cn")
        sender = make(mails=[smtp])
        await desk.db.write(add_person, 1, "何淑珍", "")
        await desk.put(
            mail(1, ics="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", ics_method="REQUEST"), mail(2), mail(3), mail(4), mail(5)
        )
        assert await sender.turn() == 5
        assert await desk.states() == ["accepted", "undelivered", "retry_wait", "unknown", "accepted"]
        assert (server.fired["refused"], server.fired["delayed"], server.fired["cut"]) == (1, 1, 1)
        first = next(found for to, found in server.mails if to == "p1@example.cn")
        assert (first["Subject"], first["To"]) == ("安全生产会议", "何淑珍 <p1@example.cn>")
        assert [part.get_filename() for part in first.iter_attachments()] == ["invite.ics"]
        server.delayed.clear()
        clock.move(seconds=60)
        assert await sender.turn() == 1
        assert (await desk.states())[2] == "accepted"


async def test_each_channel_has_its_own_line(desk: Desk, make: Make, tmp_path: Path) -> None:
    sender = make(Spool(tmp_path), mails=[MailSpool(tmp_path, "songda@example.cn")])
    await desk.put(message(1), mail(1), message(1, channel=Channel.SCREEN))
    assert await sender.turn() == 2
    assert await desk.states() == ["delivered", "delivered", "ready"]
    assert sorted(path.suffix for path in written(tmp_path)) == [".eml", ".json"]


async def test_a_channel_that_is_off_says_so(desk: Desk, make: Make) -> None:
    sender = make(Odd(answer=well))
    await desk.put(message(1), mail(1))
    assert await sender.turn() == 1
    await sender.tend()
    assert [(one.state, one.code) for one in await desk.seen()] == [("accepted", "0"), ("undelivered", "CHANNEL_OFF")]


# --- gateways of the settings ---------------------------------------------------------------------------------------------


async def test_gateways_of_the_settings(tmp_path: Path) -> None:
    plain = gateways_of(Config(), tmp_path)
    assert [(one.name, one.idempotent) for one in (*plain.sms, *plain.mail)] == [("spool", True), ("mail-spool", True)]  # type: ignore[attr-defined]
    base = Config()
    url = "https://sms.example/send"
    config = replace(
        base,
        sms=replace(base.sms, first="kannel", second="http"),
        http_gateway=replace(base.http_gateway, url=url, headers="X-Key: a:b | X-Two: 2"),
        email=replace(base.email, transport="smtp", security="none"),
    )
    both = gateways_of(config, tmp_path)
    assert [one.name for one in both.sms] == ["kannel", "http"]
    assert [one.name for one in both.mail] == ["smtp"]
    assert (both.named("http"), both.named("spool")) == (both.sms[1], None)
    await both.aclose()
    off = replace(base, sms=replace(base.sms, first="off"), email=replace(base.email, transport="off"))
    assert gateways_of(off, tmp_path) == Gateways()
    same = replace(base, sms=replace(base.sms, first="spool", second="spool"))
    assert len(gateways_of(same, tmp_path).sms) == 1


async def test_settings_that_cannot_work_name_their_section(tmp_path: Path) -> None:
    base = Config()
    with pytest.raises(BadConfig, match=r"^\[http_gateway\] url"):
        gateways_of(replace(base, sms=replace(base.sms, first="http")), tmp_path)
    with pytest.raises(BadConfig, match=r"^\[email\] sender"):
        gateways_of(replace(base, email=replace(base.email, transport="smtp", security="none", sender="nobody")), tmp_path)


def test_where_a_carrier_calls_us() -> None:
    base = Config()
    assert callback(base, "kannel", "report", "a&b") == "http://127.0.0.1:8000/api/v1/gateway/kannel/report?secret=a%26b"
    public = replace(base, server=replace(base.server, public_url="https://songda.example/"))
    assert callback(public, "http", "inbound", "s") == "https://songda.example/api/v1/gateway/http/inbound?secret=s"
    anywhere = replace(base, server=replace(base.server, host="0.0.0.0", port=80))  # noqa: S104
    assert callback(anywhere, "http", "inbound", "s").startswith("http://127.0.0.1:80/")
