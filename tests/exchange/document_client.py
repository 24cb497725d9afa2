"""What the tests of the receiver's pages share: a document that has arrived, and forms pressed as the page would press them."""

import re
from collections.abc import Mapping
from typing import Any

import httpx2

from exchange import sending
from exchange.document import Contents
from exchange.sending import Attached
from ground.directory.directory import Actor
from ground.directory.groups import Wanted
from ground.files import record
from tests.app_client import BASE, Browser, Clients
from tests.world import NOW, TODAY, told

BY, LATER = "2026-03-19T04:00:00.000Z", "2026-03-25T04:00:00.000Z"
TITLE = "关于做好清明节假期安全工作的通知"
HIDDEN = re.compile(r'<input type="hidden" name="(csrf|once|agree|state)" value="([^"]*)"')


async def put_file(clients: Clients, by: Actor, name: str, data: bytes) -> str:
    """A file that somebody has uploaded; its id."""
    stored = await clients.house.files.put_bytes(data)
    return (await clients.db.write(record, stored, name, unit=by.unit_id, person=by.person_id, at=NOW)).id


async def arrive(clients: Clients, *, files: int = 1, **more: Any) -> int:
    """A document of 市府办 for both districts, with a body and attachments; its id."""
    sender = clients.world.organiser
    ids = [
        await put_file(clients, sender, f"附件{n}.pdf" if n else "正文.pdf", b"%PDF-1.4\n" + str(n).encode() * 99)
        for n in range(files)
    ]
    new = Contents("通知", TITLE, "urgent", 0, "马文斌", TODAY, sign_by=BY)._replace(**more)
    done = await clients.db.write(
        sending.send, sender, new, Wanted((clients.world.districts,)), Wanted(), attached=Attached(ids[0], tuple(ids[1:])),
        told=told(), now=NOW, today=TODAY,
    )  # fmt: skip
    return done.id


async def shown(client: Browser, page: str) -> dict[str, str]:
    """The hidden fields of the first form of a page, as it is shown now."""
    answer = await client.get(page)
    assert answer.status_code == 200, answer.text[:400]
    main = answer.text[answer.text.index("<main") :]
    found: dict[str, str] = {}
    for name, value in HIDDEN.findall(main):
        found.setdefault(name, value)
    return found


async def press(client: Browser, path: str, data: Mapping[str, Any], *, page: str = "") -> httpx2.Response:
    """Open a page (the path itself, unless said) and press its button."""
    seen = await shown(client, page or path)
    return await client.post(path, data={**seen, **data}, headers={"origin": BASE})


async def sign(client: Browser, id: int, **more: Any) -> httpx2.Response:
    """Open the document and press 签收."""
    return await press(client, f"/documents/{id}/signature", {"register": "1", **more}, page=f"/documents/{id}")
