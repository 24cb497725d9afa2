"""Debian's Kannel on loopback, with the carrier double behind it.

    async with Kannel(tmp_path, inbound_url=hook.url) as kannel:
        … KannelSettings(kannel.sendsms_url, kannel.username, kannel.password, sender="106500", smsc=kannel.smsc, …)
        kannel.carrier.order("refuse"); await kannel.inbound("13800000001", "1参加")

Its own ports and folder each time; ends only the two processes it started, by id.
"""

import asyncio
import shutil
import socket
import sqlite3
from asyncio.subprocess import Process
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.carrier import Carrier

MISSING = "Kannel is missing: install Debian's packages kannel and kannel-extras (apt-get install kannel kannel-extras)."
_CONF = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = bar
status-password = sta
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = "bearerbox.log"
log-level = 0
store-type = spool
store-location = "spool"
dlr-storage = sqlite3
sms-resend-freq = {resend_s}
sms-resend-retry = 3

group = sqlite3-connection
id = mydlr
database = dlr.db
max-connections = 1

group = dlr-db
id = mydlr
table = dlr
field-smsc = smsc
field-timestamp = ts
field-destination = destination
field-source = source
field-service = service
field-url = url
field-mask = mask
field-status = status
field-boxc-id = boxc

group = smsc
smsc = http
smsc-id = {smsc}
system-type = generic
port = {line}
connect-allow-ip = 127.0.0.1
smsc-username = up
smsc-password = pw
send-url = "{carrier_url}?from=%P&to=%p&coding=%c&charset=%C&udh=%u&text=%b&uuid=%I"
status-success-regex = "^OK "
status-permfail-regex = "^PERM"
status-tempfail-regex = "^TEMP"
generic-foreign-id-regex = "^OK ([0-9A-Za-z-]+)"
generic-param-dlr-mid = dlr-mid
max-pending-submits = 20

group = smsbox-route
smsbox-id = box1
smsc-id = {smsc}

group = smsbox
smsbox-id = box1
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
global-sender = 106500
log-file = "smsbox.log"
log-level = 0
mo-recode = true
http-request-retry = 10
http-queue-delay = 2

group = sendsms-user
username = {username}
password = {password}
max-messages = {max_messages}
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "{inbound_url}?from=%p&to=%P&text=%b&id=%I"
"""
_DLR = "CREATE TABLE dlr (smsc, ts, destination, source, service, url, mask, status, boxc)"


class Kannel:
    """A running bearerbox and smsbox. `inbound_url`: where a person's message is brought; `?from=…&to=…&text=…&id=…` is added."""

    username, password, smsc = "tester", "foobar", "CARRIER"

    def __init__(
        self,
        folder: Path,
        *,
        inbound_url: str = "http://127.0.0.1:9/",
        max_messages: int = 10,
        resend_s: int = 1,
        within_s: float = 20,
    ) -> None:
        """Use `folder`/kannel; a temporary refusal of the carrier is tried again after `resend_s`."""
        self.folder = folder / "kannel"
        self.carrier = Carrier("kannel")
        self._inbound_url, self._max_messages, self._resend_s, self._within_s = inbound_url, max_messages, resend_s, within_s
        self._ports: dict[str, int] = {}
        self._processes: list[Process] = []

    @property
    def sendsms_url(self) -> str:
        """Where messages are handed over."""
        return f"http://127.0.0.1:{self._ports['sendsms']}/cgi-bin/sendsms"

    @property
    def status_url(self) -> str:
        """Kannel's own status page."""
        return f"http://127.0.0.1:{self._ports['admin']}/status.txt?password=sta"

    async def inbound(self, mobile: str, text: str) -> None:
        """A person writes to our number."""
        await self.carrier.write(mobile, text)

    def log(self, box: str = "smsbox") -> str:
        """What `bearerbox` or `smsbox` wrote into its log."""
        path = self.folder / f"{box}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def __aenter__(self) -> Self:
        bearerbox, smsbox = (shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin") for name in ("bearerbox", "smsbox"))
        if not bearerbox or not smsbox:
            raise RuntimeError(MISSING)
        self._ports = free_ports("admin", "box", "line", "sendsms")
        await self.carrier.__aenter__()
        try:
            self._write_files()
            await self._start(bearerbox, "box", "line")
            await self._start(smsbox, "sendsms")
        except BaseException:
            await self._stop()
            raise
        self.carrier.report_url = f"http://127.0.0.1:{self._ports['line']}/"
        self.carrier.report_extra = {"username": "up", "password": "pw"}
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        await self._stop()

    def _write_files(self) -> None:
        (self.folder / "spool").mkdir(parents=True)
        with closing(sqlite3.connect(self.folder / "dlr.db")) as connection, connection:
            connection.execute(_DLR)
        text = _CONF.format(
            **self._ports,
            smsc=self.smsc,
            username=self.username,
            password=self.password,
            resend_s=self._resend_s,
            max_messages=self._max_messages,
            carrier_url=self.carrier.url,
            inbound_url=self._inbound_url,
        )
        (self.folder / "kannel.conf").write_text(text)

    async def _start(self, program: str, *ports: str) -> None:
        """Start a box and wait for its ports. It writes its own log, so that no pipe can fill."""
        process = await asyncio.create_subprocess_exec(
            program,
            "-v",
            "5",
            "kannel.conf",
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._processes.append(process)
        async with asyncio.timeout(self._within_s):
            for port in ports:
                while not _listens(self._ports[port]):
                    if process.returncode is not None:
                        raise RuntimeError(f"{program} ended with {process.returncode}: {self.log(Path(program).name)[-2000:]}")
                    await asyncio.sleep(0.02)

    async def _stop(self) -> None:
        """End smsbox first: one that loses its bearerbox starts itself anew under another id. A busy bearerbox needs 10 s: 3."""
        for process in reversed(self._processes):
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(3):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self._processes.clear()
        await self.carrier.__aexit__(None, None, None)


def _listens(port: int) -> bool:
    """Say whether a port is open, without knocking: bearerbox takes a knock for a smsbox, and then brings no messages in."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def free_ports(*names: str) -> dict[str, int]:
    """A free port for each name, all held at once, so that no two are the same."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
