"""What the tests of the sender's pages share: a secretary of 市府办 with a series and files, and a document that is out."""

import html
import re
from typing import Any

from exchange import numbering
from ground.db import Tx
from ground.directory import people, units
from ground.directory.directory import Actor
from ground.directory.people import NewPerson
from ground.files import File, record
from receipts import inbox
from tests.app_client import Browser, Clients
from tests.world import NOW

NEW = "/documents/new"
TITLE = "关于做好清明节假期安全工作的通知"
PDF = b"%PDF-1.4\n" + b"a page\n" * 50
Data = dict[str, Any]


async def hire(clients: Clients, login: str, name: str, unit: int, role: str, mobile: str = "") -> Actor:
    """One more person in a unit."""

    async def add(tx: Tx) -> Actor:
        id = await people.add(tx, NewPerson(login, name, mobile, "", role, ""), unit, by=None, joined=False, at=NOW)
        at = await units.by_id(tx, unit)
        return Actor(id, name, login, unit, at.code, at.name, at.short_name, at.path, frozenset({role}))

    return await clients.db.write(add)


class Desk:
    """Who sends: a secretary of 市府办, signed in, with the series 测政办发."""

    def __init__(self, clients: Clients, clerk: Actor, browser: Browser, series: int) -> None:
        """Made by `desk_of`."""
        self.clients, self.clerk, self.browser, self.series = clients, clerk, browser, series

    async def file(self, name: str = "正文.pdf", data: bytes = PDF, by: Actor | None = None) -> File:
        """A file that the clerk (or somebody else) has uploaded."""
        stored = await self.clients.house.files.put_bytes(data)
        who = by or self.clerk
        return await self.clients.db.write(record, stored, name, unit=who.unit_id, person=who.person_id, at=NOW)

    async def typed(self, **more: Any) -> Data:
        """What is typed for a document to both districts."""
        return {
            "kind": "通知", "series": str(self.series), "urgency": "urgent", "title": TITLE, "sign_by": "2026-03-19T12:00",
            "group": [str(self.clients.world.districts)], "body": (await self.file()).id, **more,
        }  # fmt: skip

    async def send(self, **more: Any) -> int:
        """A document that is out; its id."""
        answer = await self.browser.press("/documents/sending", await self.typed(**more), page=NEW)
        assert answer.status_code == 303, wrong(answer.text)
        return int(answer.headers["location"].split("/")[2])

    async def sign(self, id: int, *clerks: Actor) -> None:
        """Units open and sign."""
        now = self.clients.house.clock.now()
        for clerk in clerks:
            await self.clients.db.write(inbox.open_item, id, clerk, now)
            await self.clients.db.write(inbox.sign, id, clerk, waived=(), at=now)


async def desk_of(clients: Clients) -> Desk:
    """The clerk's desk."""
    clerk = await hire(clients, "tianzq", "田志强", clients.world.office, "secretary", "13900000777")

    async def open_it(tx: Tx) -> int:
        return await numbering.open_series(tx, "测政办发", "测试市人民政府办公室文件", unit=clerk.unit_id, by=None, at=NOW)

    return Desk(clients, clerk, await clients.page(clerk), await clients.db.write(open_it))


def wrong(page: str) -> list[str]:
    """The fields that the summary on top leads to, in its order; each leads to something."""
    found = re.search(r'<div class="sumerr".*?</div>', page, re.DOTALL)
    fields = re.findall(r'href="#(\w+)"', found.group(0)) if found else []
    assert all(f'id="{field}"' in page for field in fields), fields
    return fields


def value(page: str, name: str) -> str:
    """What stands in the input of a name."""
    found = re.search(rf'<input [^>]*name="{name}" [^>]*value="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found.group(1))


def plain(page: str) -> str:
    """The page's words, one space for any gap."""
    text = re.sub(r"<(script|style|template)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text)))


async def rows(clients: Clients, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query of a test."""

    async def ask(tx: Tx) -> list[tuple[Any, ...]]:
        return await tx.all(sql, lambda *columns: columns)

    return await clients.db.read(ask)
