"""The folder: whole files or none, one a token."""

import json
import os
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from ground.messages.email import Mail
from ground.messages.gateway import Gateway, Outcome, Sms
from ground.messages.spool import MailSpool, Spool, write_whole

pytestmark = pytest.mark.anyio
SMS = Sms("0192-a", "13800000001", "【市府办】请于15时前报名。")


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_message_is_one_file_that_people_can_read(tmp_path: Path) -> None:
    spool: Gateway = Spool(tmp_path / "out")
    assert await spool.send(SMS) == Outcome("delivered", "written", "", "0192-a.json")
    text = (tmp_path / "out" / "0192-a.json").read_text()
    assert "请于15时前报名" in text
    assert json.loads(text) == {"token": SMS.token, "mobile": SMS.mobile, "text": SMS.text, "parts": 1}
    await spool.aclose()


async def test_the_same_token_is_the_same_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first = await spool.send(SMS)
    before = (tmp_path / "0192-a.json").stat()
    assert await spool.send(SMS) == first
    after = (tmp_path / "0192-a.json").stat()
    assert names(tmp_path) == ["0192-a.json"]
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("token", ["", "../up", "a/b", "a.b", "a\n", "长", "a" * 65])
async def test_a_token_cannot_leave_the_folder(tmp_path: Path, token: str) -> None:
    folder = tmp_path / "out"
    assert (await Spool(folder).send(SMS._replace(token=token)))[:2] == ("refused", "bad-token")
    mail = Mail(token, "a@b.cn", "甲", "题", "文")
    assert (await MailSpool(folder, "s@city.cn").send(mail))[:2] == ("refused", "bad-token")
    assert names(tmp_path) == []


async def test_a_folder_that_cannot_be_written_is_a_state(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = await Spool(tmp_path / "file").send(SMS)
    assert (outcome.state, outcome.code) == ("temporary", "FileExistsError")
    assert "磁盘" in outcome.reason


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path, "a.json", b"x")
    assert list(tmp_path.iterdir()) == []


def test_the_file_and_then_the_folder_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, bool]] = []
    real = os.fsync

    def spy(handle: int) -> None:
        seen.append((os.path.isdir(f"/proc/self/fd/{handle}"), (tmp_path / "a.json").exists()))  # noqa: PTH112
        real(handle)

    monkeypatch.setattr(os, "fsync", spy)
    write_whole(tmp_path, "a.json", b"x" * 100_000)
    assert seen == [(False, False), (True, True)]
    assert (tmp_path / "a.json").read_bytes() == b"x" * 100_000


async def test_a_mail_is_a_file_that_mail_programs_open(tmp_path: Path) -> None:
    spool = MailSpool(tmp_path, "送达 <noreply@city.gov.cn>")
    mails = [Mail("m-1", "wang@bei.gov.cn", "王芳", "会议通知", "请报名。"), Mail("m-2", "no address", "", "x", "x")]
    assert [outcome.state for outcome in await spool.send_many(mails)] == ["delivered", "refused"]
    message = BytesParser(EmailMessage, policy=default).parsebytes((tmp_path / "m-1.eml").read_bytes())
    assert message["Subject"] == "会议通知"
    assert message["Message-ID"] == "<m-1@city.gov.cn>"
    await spool.aclose()
