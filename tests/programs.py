"""The cast as programs: a token each, a meeting to publish, and how a problem must look."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from ground.clock import FixedClock
from ground.directory import people
from ground.directory.people import NewPerson
from tests.app_client import Clients, open_app

STARTS, ENDS, BY = "2026-03-20T15:00:00+08:00", "2026-03-20T17:00:00+08:00", "2026-03-19T12:00:00+08:00"
MA = {"name": "马文斌", "position": "区长", "mobile": "138 0000 6012", "role": "principal"}
SUN = {"name": "孙立民", "position": "科长", "mobile": "13900002206", "role": "staff"}
DU = {"name": "杜晓燕", "position": "副区长", "mobile": "13800004417"}


class Programs(NamedTuple):
    """The cast as programs, and the test's clock."""

    clients: Clients
    clock: FixedClock
    office: httpx2.AsyncClient
    north: httpx2.AsyncClient
    south: httpx2.AsyncClient
    outsider: httpx2.AsyncClient
    leader: httpx2.AsyncClient

    def meeting(self, **other: Any) -> dict[str, Any]:
        """A notice to both districts."""
        said = {
            "title": "全市文物保护工作会议", "place": "市政府四楼会议室", "starts_at": STARTS, "ends_at": ENDS, "answer_by": BY,
            "invited": [f"group:{self.clients.world.districts}"],
        }  # fmt: skip
        return said | other

    async def publish(self, **other: Any) -> str:
        """Publish it; its id."""
        answer = await self.office.post("/api/v1/notices", json=self.meeting(**other))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def document(self, **other: Any) -> str:
        """A document of 北区 to 南区, sent; its id."""
        body = await self.north.post("/api/v1/files?name=body.pdf", content=b"%PDF-1.4 page")
        said = {"title": "关于协助调查的函", "kind": "函", "main": ["unit:620002"], "body": body.json()["id"]}
        accepted = {"warnings_accepted": ["nobody", "leader", "mobile", "silent"]}
        answer = await self.north.post("/api/v1/documents", json=said | accepted | other)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def sign(self, notice: str, client: httpx2.AsyncClient | None = None, unit: int = 0) -> str:
        """Open and sign it; the receipt's id."""
        client, unit = client or self.north, unit or self.clients.world.north
        receipt = f"{notice}-{unit}"
        assert (await client.post(f"/api/v1/receipts/{receipt}/opening")).status_code == 200
        assert (await client.post(f"/api/v1/receipts/{receipt}/signature")).status_code == 200
        return receipt


@contextlib.asynccontextmanager
async def open_programs(where: str, clock: FixedClock, folder: Path, **environ: str) -> AsyncIterator[Programs]:
    """Start the app on the database at `where`, with a program for each of the cast."""
    async with open_app(where, clock, folder, **environ) as clients:
        w = clients.world
        cast = [await clients.api(who) for who in (w.organiser, w.north_clerk, w.south_clerk, w.outsider, w.north_leader)]
        yield Programs(clients, clock, *cast)


async def other_organiser(programs: Programs) -> httpx2.AsyncClient:
    """A program of somebody who organises meetings for the outsiders' unit."""
    world = programs.clients.world
    new = NewPerson("other", "别人", "13700000009", "", "organiser", "科长")
    id = await programs.clients.db.write(people.add, new, world.outside, by=None, joined=False, at=programs.clock.now())
    return await programs.clients.api(world.organiser._replace(person_id=id, unit_id=world.outside))


def problem(answer: httpx2.Response, status: int, code: str = "") -> str:
    """Check that it is an RFC 9457 problem; its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= body.keys()
    assert body["status"] == status
    assert not code or body["code"] == code
    return str(body["detail"])
