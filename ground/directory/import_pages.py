"""导入名录: a spreadsheet of units, people or groups is looked at first, and taken only when it is confirmed."""

import json
from typing import NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from ground import files
from ground.directory import imports, units
from ground.directory.imports import Report
from ground.directory.policy import Act
from ground.directory.tables import MAX_BYTES
from ground.errors import Invalid, NotFound, TooLarge
from ground.visit import Flash, Visit
from ground.web import page

SHOWN = 200  # bad rows on the page


class Preview(NamedTuple):
    """What an import would do, and the sealed name under which the file waits."""

    kind: str
    filename: str
    report: Report
    file: str


async def show(visit: Visit) -> Response:
    """GET /units/import: which file."""
    return visit.render("directory/import.html", preview=None, shown=SHOWN, kind=_kind(visit.field("kind"), "units"))


def _kind(kind: str, default: str = "") -> str:
    return kind if kind in imports.KINDS else default


async def _report(visit: Visit, kind: str, data: bytes, filename: str, *, dry_run: bool) -> Report:
    return await imports.KINDS[kind](
        visit.house.db, data, filename, dry_run=dry_run, today=units.today_of(visit.now, visit.house.zone), at=visit.now,
        by=visit.actor, joined=visit.house.config.city.joined_roles,
    )  # fmt: skip


async def preview(visit: Visit) -> Response:
    """POST /units/import: read the file and show what it would do; nothing is changed."""
    kind = _kind(visit.field("kind"))
    chosen = visit.uploads("file")
    if not kind:
        raise Invalid.one("kind", "请选导入的是单位、人员还是发文范围。")
    if not chosen:
        raise Invalid.one("file", "请选一个 .xlsx 或 .csv 文件。")
    data = await chosen[0].read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge("文件超过 {mb} MB。请删去图片和无关的工作表，或分成几份导入。", mb=MAX_BYTES >> 20)
    filename = files.clean_name(chosen[0].filename or "")
    report = await _report(visit, kind, data, filename, dry_run=True)
    stored = await visit.house.files.put_bytes(data)  # without a row: swept if nobody confirms
    sealed = visit.house.keys.seal("import", json.dumps([visit.actor.person_id, kind, stored.sha256, filename]))
    shown = Preview(kind, filename, report, "" if report.bad else sealed)
    return visit.render("directory/import.html", preview=shown, shown=SHOWN, kind=kind)


async def confirm(visit: Visit) -> Response:
    """POST /units/import/confirmation: do what was shown, all or nothing."""
    said = visit.house.keys.unseal("import", visit.field("import"))
    person, kind, sha256, filename = json.loads(said) if said else (0, "", "", "")
    if person != visit.actor.person_id:
        raise NotFound("没有这次导入，请重新选文件。")
    path = visit.house.files.path(sha256)
    if not path.exists():
        raise NotFound("等得太久了，请重新选文件。")
    report = await _report(visit, kind, path.read_bytes(), filename, dry_run=False)
    if report.bad:
        shown = Preview(kind, filename, report, "")
        return visit.render("directory/import.html", preview=shown, shown=SHOWN, kind=kind, status=409)
    text = visit.t("已导入：新增 {a}，更改 {c}，不变 {k}。", a=report.added, c=report.changed, k=report.left)
    return visit.see_other("groups" if kind == "groups" else "units", flash=Flash("ok", text))


routes = [
    Route("/units/import", page(show, may=Act.UNITS, here="units"), methods=["GET"], name="import"),
    Route("/units/import", page(preview, may=Act.UNITS, here="units", again=show), methods=["POST"], name="import"),
    Route(
        "/units/import/confirmation",
        page(confirm, may=Act.UNITS, here="units", again=show),
        methods=["POST"],
        name="import_confirmation",
    ),
]
