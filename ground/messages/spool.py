"""The default without a carrier: every message becomes a file in a folder, whole or not there at all.

    outbox/<token>.json   a text message        outbox/<token>.eml   an e-mail, opened by any mail program

Written under a temporary name, fsynced, renamed, the folder fsynced: whoever watches the folder never sees half a message,
and a power cut after the answer loses none. The name is the token, so the same message twice is one file.
"""

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from email.policy import SMTP
from pathlib import Path

from ground.messages.email import Mail, build, sendable_mail
from ground.messages.gateway import Inbound, Outcome, Report, Sms, unsendable
from ground.messages.sms import sms_parts

_DISK = "短信和邮件的存放目录写不进去，稍后自动重试。请运维人员检查磁盘空间和权限。"


class Spool:
    """Text messages into a folder, as a `Gateway`; what is written counts as delivered."""

    idempotent = True

    def __init__(self, folder: Path, name: str = "spool") -> None:
        """Write into `folder`, which is made by the first message if it is not there."""
        self.name = name
        self._folder = folder

    async def send(self, sms: Sms) -> Outcome:
        """Write one message; see `Gateway.send`."""
        fault = unsendable(sms)
        if fault:
            return fault
        content = {**sms._asdict(), "parts": sms_parts(sms.text)}
        data = json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"
        return await _kept(self._folder, f"{sms.token}.json", data)

    def report(self, params: Mapping[str, str]) -> Report | None:  # noqa: ARG002  the contract's name
        """None: a folder reports nothing."""
        return None

    def inbound(self, params: Mapping[str, str]) -> Inbound | None:  # noqa: ARG002  the contract's name
        """None: a folder receives nothing."""
        return None

    async def aclose(self) -> None:
        """Do nothing: no connection is kept."""


class MailSpool:
    """E-mail into a folder as .eml files; what is written counts as delivered. Stands in for `email.Smtp`."""

    idempotent = True

    def __init__(self, folder: Path, sender: str, reply_to: str = "", name: str = "mail-spool") -> None:
        """Write into `folder`; `sender` and `reply_to` as in `email.build`."""
        self.name = name
        self._folder, self._sender, self._reply_to = folder, sender, reply_to

    async def send(self, mail: Mail) -> Outcome:
        """Write one mail. Raises nothing but cancellation."""
        fault = sendable_mail(mail)
        if fault:
            return fault
        data = build(mail, self._sender, self._reply_to).as_bytes(policy=SMTP)
        return await _kept(self._folder, f"{mail.token}.eml", data)

    async def send_many(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Write each; one outcome a mail, in order."""
        return [await self.send(mail) for mail in mails]

    async def aclose(self) -> None:
        """Do nothing: no connection is kept."""


async def _kept(folder: Path, name: str, data: bytes) -> Outcome:
    """Write in a thread and say how it went: a full disk is a state, not an end."""
    try:
        await asyncio.to_thread(write_whole, folder, name, data)
    except OSError as fault:
        return Outcome("temporary", type(fault).__name__, _DISK)
    return Outcome("delivered", "written", "", name)


def write_whole(folder: Path, name: str, data: bytes) -> None:
    """Make `folder/name` hold `data`, all of it and on the disk, unless it is there already: it is the same message then."""
    folder.mkdir(parents=True, exist_ok=True)
    final, temporary = folder / name, folder / f".{name}.{uuid.uuid4().hex}"
    if final.exists():
        _fsync_folder(folder)  # its writer may have died between the rename and this
        return
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(final)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _fsync_folder(folder)


def _fsync_folder(folder: Path) -> None:
    """Put the folder's list of names on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
