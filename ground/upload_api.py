"""Uploads that go on after a broken line: tus 1.0 at `/uploads` for pages (session, X-CSRF-Token) and for programs (bearer).

    POST → 201 Location     PATCH … → 204 Upload-Offset     HEAD → where to go on     DELETE → 204

Core, creation, creation-with-upload, termination, checksum (sha256). The answer to the last piece, and to every later question,
carries `Songda-File`: the id of the finished FILE.
"""

import base64
import binascii
import functools
import re
import time
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ground import clock, files, screening, uploads
from ground.api import FILE, file_json, route
from ground.db import Tx
from ground.directory.policy import Act
from ground.errors import Invalid, NotFound, Refused, TooLarge
from ground.openapi import BASE, Call
from ground.shapes import EMPTY, Maybe, Shown, Text, Whole
from ground.uploads import Parts, Upload
from ground.visit import House, Visit
from ground.web import Handler, api, api_problem, page

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum"
PIECE = "application/offset+octet-stream"
DAY_S = 86400


class NotTus(Refused):
    """The request does not keep to the protocol (400, or what it says)."""

    status = 400
    code = "bad_upload"


def tus(handler: Handler) -> Handler:
    """The protocol around a handler: its version in every answer, refusals as problems with the same headers."""

    @functools.wraps(handler)
    async def around(visit: Visit) -> Response:
        try:
            if visit.request.method != "GET" and visit.request.headers.get("tus-resumable", "") != VERSION:
                wrong = NotTus("请用 tus 1.0.0：请求里要有 Tus-Resumable: 1.0.0。", code="tus_version")
                wrong.status = 412
                raise wrong
            answer = await handler(visit)
        except Refused as refused:
            answer = api_problem(visit, refused)
            if refused.status == 412:
                answer.headers["tus-version"] = VERSION
        answer.headers["tus-resumable"] = VERSION
        answer.headers["cache-control"] = "no-store"
        return answer

    return around


def parts_of(house: House) -> Parts:
    """The partial files of this house."""
    found: Parts = house.extra["parts"]
    return found


def _whole(visit: Visit, header: str) -> int:
    said = visit.request.headers.get(header, "")
    if not (said.isascii() and said.isdigit() and len(said) <= 15):
        raise NotTus("请求里缺 {header}，或者它不是一个整数。", header=header)
    return int(said)


def _metadata(said: str) -> dict[str, str]:
    """Upload-Metadata: `key base64,key base64`."""
    found = {}
    for pair in said.split(",")[:20]:
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise NotTus("Upload-Metadata 写得不对：值要用 UTF-8 的 Base64。") from None
    return found


def _checksum(said: str) -> bytes | None:
    """Upload-Checksum: `sha256 base64`."""
    if not said:
        return None
    kind, _, value = said.partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        digest = b""
    if kind.lower() != "sha256" or len(digest) != 32:
        raise NotTus("Upload-Checksum 只认 sha256，值用 Base64。")
    return digest


async def options(visit: Visit) -> Response:
    """OPTIONS /uploads: what this server can do."""
    most = visit.house.config.files.max_mb << 20
    said = {"tus-resumable": VERSION, "tus-version": VERSION, "tus-extension": EXTENSIONS, "tus-max-size": str(most)}
    return Response(status_code=204, headers={**said, "tus-checksum-algorithm": "sha256"})


@tus
async def create(visit: Visit) -> Response:
    """POST /uploads: a file will come; its first bytes may come along. `purpose attachment` in the metadata: a notice's limit."""
    rules, actor = visit.house.config.files, visit.actor
    length = _whole(visit, "Upload-Length")
    said = _metadata(visit.request.headers.get("upload-metadata", "")) if "upload-metadata" in visit.request.headers else {}
    name = said.get("filename") or said.get("name") or ""
    if not name.strip():
        raise Invalid.one("filename", "请在 Upload-Metadata 里写文件名：filename 和它的 Base64。")
    if not length:
        raise Invalid.one("file", "文件是空的，请重新选择。")
    most = rules.small_mb if said.get("purpose") == "attachment" else rules.max_mb
    if length > most << 20:
        raise TooLarge("文件超过 {mb} MB，请压缩或分成几个。", mb=most)
    screening.check_ending(name)
    upload = await visit.write(
        uploads.begin, name, length, unit=actor.unit_id, person=actor.person_id, room=visit.house.files.room(),
        keep_hours=rules.keep_hours, at=visit.now,
    )  # fmt: skip
    comes = visit.request.headers.get("content-type", "") == PIECE
    answer = await _append(visit, upload) if comes else Response(headers={"upload-offset": "0"})
    answer.status_code = 201
    answer.headers["location"] = f"{visit.request.url.path}/{upload.id}"
    answer.headers["upload-expires"] = _http_date(upload.expires_at)
    return answer


@tus
async def piece(visit: Visit) -> Response:
    """PATCH /uploads/{upload}: the next bytes, from Upload-Offset on."""
    if visit.request.headers.get("content-type", "") != PIECE:
        wrong = NotTus("内容类型应当是 application/offset+octet-stream。", code="media_type")
        wrong.status = 415
        raise wrong
    offset = _whole(visit, "Upload-Offset")
    upload = await _mine(visit)
    if offset != upload.received:
        raise uploads.WrongOffset("这一段接不上：已经收到 {n} 字节，请从那里接着传。", n=upload.received)
    if upload.file_id is not None:
        return _state(upload, 204)
    return await _append(visit, upload)


async def _mine(visit: Visit, id: str = "") -> Upload:
    actor, id = visit.actor, id or visit.path("upload")
    if not re.fullmatch(r"[A-Za-z0-9_-]{24}", id):
        raise NotFound(uploads.GONE)
    return await visit.read(uploads.of, id, unit=actor.unit_id, person=actor.person_id, now=visit.house.clock.now())


async def _append(visit: Visit, upload: Upload) -> Response:
    """Take the request's bytes; a whole file becomes a FILE before the answer."""
    house, parts = visit.house, parts_of(visit.house)
    checksum = _checksum(visit.request.headers.get("upload-checksum", ""))
    expires = clock.after(visit.now, hours=house.config.files.keep_hours)

    async def count(before: int, received: int) -> None:
        await visit.write(uploads.count, upload.id, before, received, expires)

    with parts.locked(upload) as descriptor:
        upload = await _mine(visit, upload.id)  # as it is now that nobody else writes
        if visit.request.method == "PATCH" and _whole(visit, "Upload-Offset") != upload.received:
            raise uploads.WrongOffset("这一段接不上：已经收到 {n} 字节，请从那里接着传。", n=upload.received)
        taken = await parts.take(descriptor, upload, _until_gone(visit), checksum, count)
        if taken.received == upload.length:
            taken = await _finish(visit, taken)
    return _state(taken._replace(expires_at=expires), 204)


async def _until_gone(visit: Visit) -> AsyncIterator[bytes]:
    """The body; a client that goes away ends it, and what came is kept."""
    try:
        async for data in visit.request.stream():
            yield data
    except ClientDisconnect:
        return


async def _finish(visit: Visit, upload: Upload) -> Upload:
    house, parts = visit.house, parts_of(visit.house)
    stored = await parts.settle(upload)
    try:
        await screening.screen(house.files, stored, upload.name, house.config.files.kinds)
    except Invalid:
        await visit.write(uploads.drop, upload.id)
        parts.drop(upload.id)
        raise
    row = await visit.write(uploads.finish, upload, stored, at=visit.now)
    parts.drop(upload.id)
    return upload._replace(file_id=row.id)


def _http_date(at: str) -> str:
    return clock.parse(at).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _state(upload: Upload, status: int) -> Response:
    said = {"upload-offset": str(upload.received), "upload-length": str(upload.length)}
    said["upload-expires"] = _http_date(upload.expires_at)
    if upload.file_id is not None:
        said["songda-file"] = upload.file_id
    return Response(status_code=status, headers=said)


async def _with_file(tx: Tx, upload: Upload) -> files.File | None:
    return await files.find(tx, upload.file_id) if upload.file_id is not None else None


@tus
async def show(visit: Visit) -> Response:
    """GET and HEAD /uploads/{upload}: how far it is, and the FILE that it became."""
    upload = await _mine(visit)
    answer = _state(upload, 200)
    if visit.request.method == "HEAD":
        return answer
    row = await visit.read(_with_file, upload)
    shown = {"id": upload.id, "name": upload.name, "length": upload.length, "offset": upload.received}
    shown["expires_at"] = upload.expires_at
    whole = JSONResponse({**shown, "file": file_json(row) if row else None})
    for header in ("upload-offset", "upload-length", "upload-expires", "songda-file"):
        if header in answer.headers:
            whole.headers[header] = answer.headers[header]
    return whole


@tus
async def remove(visit: Visit) -> Response:
    """DELETE /uploads/{upload}: it will not come. A finished FILE stays."""
    upload = await _mine(visit)
    with parts_of(visit.house).locked(upload._replace(received=0)):
        await visit.write(uploads.drop, upload.id)
        parts_of(visit.house).drop(upload.id)
    return Response(status_code=204)


async def sweep(house: House, now: str) -> int:
    """Forget uploads that have waited too long, and their partial files; how many files went."""
    known = await house.db.write(uploads.expire, now)
    return parts_of(house).sweep(known, time.time() - 600)


UPLOAD = Shown(
    "Upload",
    {
        "id": Text(40), "name": Text(), "length": Whole(1), "offset": Whole(), "expires_at": Text(40), "file": Maybe(FILE),
    },
)  # fmt: skip
TUS = "（tus 1.0，请求头见 https://tus.io）"
routes = [
    Route("/uploads", api(options, may=Act.PUBLIC), methods=["OPTIONS"], name="uploads"),
    Route("/uploads", page(create, may=Act.READ, part=True), methods=["POST"], name="uploads"),
    Route("/uploads/{upload}", page(show, may=Act.READ, part=True), methods=["GET"], name="upload_part"),
    Route("/uploads/{upload}", page(piece, may=Act.READ, part=True), methods=["PATCH"], name="upload_part"),
    Route("/uploads/{upload}", page(remove, may=Act.READ, part=True), methods=["DELETE"], name="upload_part"),
    Route(f"{BASE}/uploads", api(options, may=Act.PUBLIC), methods=["OPTIONS"], name="api_uploads"),
    route("POST", "/uploads", create, Act.READ, Call(f"开始传一个大文件{TUS}", EMPTY, status=201, piece=True, once=False)),
    route("GET", "/uploads/{upload}", show, Act.READ, Call("传到哪里了", answer=UPLOAD)),
    route("PATCH", "/uploads/{upload}", piece, Act.READ, Call(f"接着传{TUS}", status=204, piece=True, once=False)),
    route("DELETE", "/uploads/{upload}", remove, Act.READ, Call("不传了", status=204)),
]
