"""E-mail: what is built, and what a real mail server makes of it."""

import datetime as dt
import ipaddress
import ssl
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ground.messages.email import Mail, Smtp, SmtpSettings, build
from tests.kannel import free_ports
from tests.smtp import MailServer

ICS = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:全市会议\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
MAIL = Mail("m-1", "wang@bei.gov.cn", "王芳", "关于召开会议的通知", "请于15时前报名。\n", "<p>请报名</p>", ICS, "REQUEST")
SENDER = "市府办 送达 <noreply@city.gov.cn>"


def parsed(message: EmailMessage) -> EmailMessage:
    """The message as the other side reads it from the wire."""
    return BytesParser(EmailMessage, policy=default).parsebytes(message.as_bytes())


def smtp(server: MailServer, **more: Any) -> Smtp:
    """Our side of `server`."""
    settings: dict[str, Any] = {"tls": "none", "username": "", "password": "", "sender": SENDER, "timeout_s": 2.0}
    return Smtp(SmtpSettings("127.0.0.1", server.port, **(settings | more)))


def to(name: str) -> Mail:
    """A mail to somebody in the north."""
    return Mail(f"t-{name}", f"{name}@bei.gov.cn", name, "题", "文")


def test_an_invitation_stands_in_the_mail_twice() -> None:
    message = parsed(build(MAIL, SENDER, "值班室 <duty@city.gov.cn>", dt.datetime(2026, 3, 18, 1, 42, tzinfo=dt.UTC)))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    text, html, calendar, file = [part for part in message.walk() if not part.is_multipart()]
    assert (text.get_content(), html.get_content()) == ("请于15时前报名。\r\n", "<p>请报名</p>\r\n")
    assert calendar["Content-Type"].params == {"method": "REQUEST", "charset": "utf-8"}
    assert calendar.get_content().split() == ICS.split()
    assert (file.get_filename(), file.get_content().decode()) == ("invite.ics", ICS)
    assert message["Message-ID"] == "<m-1@city.gov.cn>"
    assert message["Reply-To"].addresses[0].addr_spec == "duty@city.gov.cn"
    assert message["From"].addresses[0].display_name == "市府办 送达"
    assert message["Date"] == "Wed, 18 Mar 2026 01:42:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert build(MAIL, SENDER, "").as_bytes().isascii()


def test_a_mail_without_invitation_is_plain() -> None:
    message = parsed(build(to("li"), SENDER, ""))
    assert message.get_content_type() == "text/plain"
    assert message["Reply-To"] is None


@hypothesis_settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=80))
def test_no_subject_or_name_can_add_a_header_or_an_address(subject: str, name: str) -> None:
    plain = parsed(build(to("li"), SENDER, ""))
    try:
        data = build(to("li")._replace(subject=subject, to_name=name), SENDER, "").as_bytes()
    except UnicodeEncodeError:
        return  # half a surrogate pair: `send` refuses it
    message = BytesParser(EmailMessage, policy=default).parsebytes(data)
    assert message.keys() == plain.keys()
    assert [address.addr_spec for address in message["To"].addresses] == ["li@bei.gov.cn"]
    assert message.get_content() == plain.get_content()


@pytest.mark.parametrize("name", ["张三, 办公室", '李"四" <x@evil.cn>', "王\r\nBcc: x@evil.cn", "长" * 60 + ", x", "a,b;c:d@e"])
def test_hard_names_stay_names(name: str) -> None:
    message = parsed(build(to("li")._replace(to_name=name), SENDER, ""))
    assert [address.addr_spec for address in message["To"].addresses] == ["li@bei.gov.cn"]
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "address", ["", "li", "li@", "@x.cn", "a@b.cn\r\nRCPT TO:<x@evil.cn>", "a b@c.cn", "a@b.cn, c@d.cn", "王@b.cn"]
)
def test_an_address_that_is_not_one_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="邮箱地址不对"):
        build(to("li")._replace(to_address=address), SENDER, "")


@pytest.mark.anyio
async def test_each_mail_has_its_own_outcome_on_one_connection() -> None:
    async with MailServer() as server:
        server.refused, server.delayed, server.bad_content = {"b@bei.gov.cn"}, {"c@bei.gov.cn"}, {"d@bei.gov.cn"}
        mails = [
            to("a"),
            to("b"),
            to("c"),
            to("d"),
            to("e")._replace(to_address="nobody"),
            to("f")._replace(text="\ud800"),
            to("g"),
        ]
        outcomes = await smtp(server).send_many(mails)
        assert [(one.state, one.code) for one in outcomes] == [
            ("accepted", "250"),
            ("refused", "550"),
            ("temporary", "450"),
            ("refused", "554"),
            ("refused", "bad-address"),
            ("refused", "bad-text"),
            ("accepted", "250"),
        ]
        assert [one.carrier_id for one in outcomes if one.state == "accepted"] == ["Q1", "Q2"]
        assert all(one.reason.endswith("。") for one in outcomes if one.state != "accepted")
        assert [address for address, _ in server.mails] == ["a@bei.gov.cn", "g@bei.gov.cn"]
        assert dict(server.fired) == {"refused": 1, "delayed": 1, "bad_content": 1}
        assert server.connections == 1


@pytest.mark.anyio
async def test_a_cut_after_the_content_is_unknown_and_stops_nobody_else() -> None:
    async with MailServer() as server:
        server.cut = {"b@bei.gov.cn"}
        outcomes = await smtp(server).send_many([to("a"), to("b"), to("c")])
        assert [one.state for one in outcomes] == ["accepted", "unknown", "accepted"]
        assert [address for address, _ in server.mails] == ["a@bei.gov.cn", "b@bei.gov.cn", "c@bei.gov.cn"]
        assert dict(server.fired) == {"cut": 1}
        assert server.connections == 2


@pytest.mark.anyio
async def test_a_server_that_closes_between_mails_costs_none_and_doubles_none() -> None:
    async with MailServer() as server:
        server.closed_after = 2
        outcomes = await smtp(server).send_many([to(str(n)) for n in range(7)])
        assert [one.state for one in outcomes] == ["accepted"] * 7
        assert [address for address, _ in server.mails] == [f"{n}@bei.gov.cn" for n in range(7)]
        assert dict(server.fired) == {"closed": 3}


@pytest.mark.anyio
async def test_a_server_that_breaks_each_connection_is_given_up() -> None:
    async with MailServer() as server:
        server.cut = {f"{n}@bei.gov.cn" for n in range(9)}
        outcomes = await smtp(server).send_many([to(str(n)) for n in range(9)])
        assert [one.state for one in outcomes] == ["unknown"] * 3 + ["temporary"] * 6
        assert server.connections == 3


@pytest.mark.anyio
async def test_our_own_limit_of_mails_a_connection() -> None:
    async with MailServer() as server:
        await smtp(server, per_connection=3).send_many([to(str(n)) for n in range(7)])
        assert (len(server.mails), server.connections) == (7, 3)


@pytest.mark.anyio
async def test_without_a_server_all_are_temporary() -> None:
    sender = Smtp(SmtpSettings("127.0.0.1", free_ports("smtp")["smtp"], "none", "", "", SENDER, timeout_s=1))
    outcomes = await sender.send_many([to("a"), to("b")])
    assert [(one.state, one.code) for one in outcomes] == [("temporary", "SMTPConnectError")] * 2


@pytest.mark.anyio
async def test_login_and_a_wrong_password() -> None:
    async with MailServer(login=("noreply", "s3cret")) as server:
        assert (await smtp(server, username="noreply", password="s3cret").send(to("a"))).state == "accepted"
        wrong = await smtp(server, username="noreply", password="wrong").send(to("b"))
        assert (wrong.state, wrong.code) == ("temporary", "535")
        assert "密码" in wrong.reason
        none = await smtp(server).send(to("c"))
        assert (none.state, none.code) == ("temporary", "530")
        assert [address for address, _ in server.mails] == ["a@bei.gov.cn"]


@pytest.mark.anyio
@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_encryption_checks_the_certificate(tmp_path: Path, tls: str) -> None:
    server_side = certificate(tmp_path)
    async with MailServer(tls=server_side) if tls == "tls" else MailServer(starttls=server_side) as server:
        good = await smtp(server, tls=tls, ca_file=str(tmp_path / "cert.pem")).send(to("a"))
        assert good.state == "accepted"
        stranger = await smtp(server, tls=tls).send(to("b"))
        assert (stranger.state, stranger.code) == ("temporary", "tls")
        assert [address for address, _ in server.mails] == ["a@bei.gov.cn"]


@pytest.mark.anyio
async def test_nothing_is_sent_in_the_clear_where_encryption_is_asked_for() -> None:
    async with MailServer() as server:
        outcome = await smtp(server, tls="starttls").send(to("a"))
        assert (outcome.state, server.mails) == ("temporary", [])
        assert "加密" in outcome.reason


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's TLS side with a certificate of its own, kept as cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1))
    signed = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
