"""Pages and parts that belong to no room: uploading a file, the service's health."""

import shutil
from collections.abc import AsyncIterator

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ground import files, screening
from ground.db import Tx
from ground.directory.policy import Act
from ground.errors import Invalid, Refused
from ground.files import File
from ground.visit import Visit
from ground.web import api, page


async def keep_upload(visit: Visit, upload: UploadFile) -> File:
    """Store one uploaded file and write its row. Raises TooLarge, DiskFull, Invalid."""

    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await upload.read(files.CHUNK):
            yield chunk

    rules = visit.house.config.files
    stored = await visit.house.files.put(chunks(), most=rules.small_mb << 20)
    await screening.screen(visit.house.files, stored, upload.filename or "", rules.kinds)
    actor = visit.actor
    return await visit.write(
        files.record, stored, upload.filename or "", unit=actor.unit_id, person=actor.person_id, at=visit.now
    )


async def upload(visit: Visit) -> Response:
    """POST /files/upload: a file that the page's script sends ahead of its form."""
    chosen = visit.uploads("file")
    if len(chosen) != 1:
        raise Invalid.one("file", "请选一个文件。")
    row = await keep_upload(visit, chosen[0])
    answer = {"id": row.id, "name": row.name, "size": row.size, "media_type": row.media_type}
    return JSONResponse(answer, status_code=201)


async def _answers(tx: Tx) -> None:
    await tx.value("SELECT 1")


async def healthz(_visit: Visit) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def readyz(visit: Visit) -> Response:
    """The database answers and the disk has room."""
    await visit.read(_answers)
    free = shutil.disk_usage(visit.house.config.folder).free >> 20
    if free < visit.house.config.files.min_free_mb:
        raise Refused("disk: {free} MB free", free=free)
    return PlainTextResponse("ready\n")


async def metrics(visit: Visit) -> Response:
    """Prometheus' format; for loopback only: behind a proxy it is not to be passed on."""
    if visit.address not in {"127.0.0.1", "::1", "testclient"}:
        raise Refused("metrics are for loopback")
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


routes = [
    Route("/files/upload", page(upload, may=Act.READ, part=True), methods=["POST"], name="upload"),
    Route("/healthz", api(healthz, may=Act.PUBLIC), methods=["GET"], name="healthz"),
    Route("/readyz", api(readyz, may=Act.PUBLIC), methods=["GET"], name="readyz"),
    Route("/metrics", api(metrics, may=Act.PUBLIC), methods=["GET"], name="metrics"),
]
