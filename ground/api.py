"""What belongs to no room, for programs: putting a file, a ticket for live pages, and the API's description of itself.

`route` makes the routes of every room's api.py: a handler, its policy, and what the OpenAPI document says of it.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from ground import clock, files, openapi, screening
from ground.db import Tx
from ground.directory.policy import Act
from ground.errors import Invalid, Refused, TooLarge
from ground.files import File, Stored
from ground.openapi import BASE, Call, Described, described
from ground.shapes import EMPTY, Shown, Text, Whole
from ground.visit import Visit
from ground.web import ApiHandler, Unauthorized, api

TICKET_S = 60
FORM_SLACK = 64 * 1024  # what a multipart body may have around its file


def route(method: str, path: str, handler: ApiHandler, may: Act, call: Call) -> Route:
    """A route under /api/v1, named after its path: /notices/{id}/answer is api_notices_answer, /files/{id} api_files_of."""
    name = "api_" + re.sub(r"[^a-z]+", "_", re.sub(r"/{\w+}", "", path).strip("/"))
    name += "_of" if path.endswith("}") else ""
    raw = call.upload or call.piece or may is Act.CARRIER
    return Route(BASE + path, described(api(handler, may=may, raw=raw), call), methods=[method], name=name)


# --- files ----------------------------------------------------------------------------------------------------------------


async def put_file(visit: Visit) -> Response:
    """POST /files: a raw body with its name in Content-Disposition or ?name=, or a form with `file`; never whole in memory."""
    rules = visit.house.config.files
    is_form = visit.request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    most = rules.small_mb if is_form else rules.max_mb
    sent = visit.request.headers.get("content-length", "")
    if sent.isascii() and sent.isdigit() and int(sent[:18]) > (most << 20) + FORM_SLACK:
        raise TooLarge("文件超过 {mb} MB，请压缩或分成几个。", mb=most)
    try:
        stored, name = await (_from_form(visit, most << 20) if is_form else _from_body(visit))
    except ClientDisconnect:
        return Response(status_code=400)
    await screening.screen(visit.house.files, stored, name, rules.kinds)
    visit.raw = f"{stored.sha256} {name}".encode()  # what an Idempotency-Key is bound to

    async def act(tx: Tx) -> dict[str, Any]:
        actor = visit.actor
        return file_json(await files.record(tx, stored, name, unit=actor.unit_id, person=actor.person_id, at=visit.now))

    return await visit.answer_once(201, act)


async def _from_body(visit: Visit) -> tuple[Stored, str]:
    name = _said_name(visit.request.headers.get("content-disposition", "")) or visit.query("name")
    if not name:
        raise Invalid.one("name", "请写文件名：?name=… 或 Content-Disposition: attachment; filename*=UTF-8''…。")
    return await visit.house.files.put(visit.request.stream()), name


def _said_name(disposition: str) -> str:
    """The file's name in a Content-Disposition header, '' for none (RFC 6266; bare UTF-8 is understood too)."""
    wide = re.search(r"filename\*\s*=\s*utf-8'[\w-]*'([^;\s]+)", disposition, re.IGNORECASE)
    if wide:
        return unquote(wide[1])
    plain = re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;\s]+))', disposition, re.IGNORECASE)
    name = (plain[1] or plain[2] or "") if plain else ""
    return name.encode("latin-1", "replace").decode("utf-8", "replace")


async def _from_form(visit: Visit, limit: int) -> tuple[Stored, str]:
    form = None
    try:
        parser = MultiPartParser(visit.request.headers, _limited(visit, limit), max_files=1, max_fields=20)
        form = await parser.parse()
        chosen = form.get("file")
        if not isinstance(chosen, UploadFile):
            raise Invalid.one("file", "表单里没有名为 file 的文件。")
        return await visit.house.files.put(_chunks(chosen), most=limit), chosen.filename or visit.query("name") or "未命名"
    except MultiPartException:
        refused = Refused("请求不是完整的 multipart/form-data，只带一个文件。", code="bad_form")
        refused.status = 400
        raise refused from None
    finally:
        if form is not None:
            await form.close()


async def _limited(visit: Visit, limit: int) -> AsyncGenerator[bytes, None]:
    """The body, as far as a form with one file may go; one that was cut off is no form (the parser would say nothing)."""
    size, end = 0, b""
    async for chunk in visit.request.stream():
        size += len(chunk)
        if size > limit + FORM_SLACK:
            raise TooLarge("文件超过 {mb} MB，请压缩或分成几个。", mb=limit >> 20)
        end = (end + chunk)[-64:]
        yield chunk
    if not end.rstrip().endswith(b"--"):
        raise MultiPartException("cut off")


async def _chunks(upload: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await upload.read(files.CHUNK):
        yield chunk


def file_json(row: File) -> dict[str, Any]:
    """A file as programs see it."""
    return {"id": row.id, "name": row.name, "size": row.size, "sha256": row.sha256, "media_type": row.media_type}


# --- live -----------------------------------------------------------------------------------------------------------------


async def make_ticket(visit: Visit) -> Response:
    """POST /live-tickets: for a browser or a program that cannot send a header to GET /live; good for a minute."""
    EMPTY.body(visit.body)
    said = json.dumps([visit.actor.person_id, visit.actor.unit_id, clock.after(visit.now, seconds=TICKET_S)])
    return JSONResponse({"ticket": visit.house.keys.seal("live", said)}, status_code=201)


def ticket_unit(visit: Visit) -> int:
    """The unit that the request's ticket speaks for. Raises Unauthorized for none, another's making, or an old one."""
    said = visit.house.keys.unseal("live", visit.query("ticket"))
    if said is not None:
        _person, unit, until = json.loads(said)
        if visit.now < until:
            return int(unit)
    raise Unauthorized("票据不对，或者已过期。请用 POST /live-tickets 重新取一个。")


# --- the description ------------------------------------------------------------------------------------------------------


def described_routes(routes: Iterable[BaseRoute]) -> list[Described]:
    """Every route under /api/v1, a method each; a route that stands for many is looked into."""
    found: list[Described] = []
    for one in routes:
        if isinstance(one, Route) and one.path.startswith(f"{BASE}/"):
            methods = sorted((one.methods or set()) - {"HEAD"})
            found += [Described(method, one.path_format, one.name, one.endpoint) for method in methods]
        elif not isinstance(one, Route | Mount):
            found += described_routes(getattr(one, "routes", ()))
    return found


async def show_openapi(visit: Visit) -> Any:
    """GET /api/openapi.json."""
    return openapi.document(described_routes(visit.request.app.routes), title=f"送达 {visit.house.config.city.name}", version="1")


FILE = Shown("File", {"id": Text(40), "name": Text(), "size": Whole(1), "sha256": Text(64), "media_type": Text()})
TICKET = Shown("Ticket", {"ticket": Text(400)})
NAMED = {"name": Text(200)}
routes = [
    Route("/api/openapi.json", api(show_openapi, may=Act.PUBLIC), methods=["GET"], name="api_openapi"),
    route("POST", "/files", put_file, Act.READ, Call("存一个文件", EMPTY, FILE, 201, NAMED, upload=True)),
    route(
        "POST",
        "/live-tickets",
        make_ticket,
        Act.READ,
        Call("取一张实时页面的票，60 秒有效", answer=TICKET, status=201, once=False),
    ),
]
