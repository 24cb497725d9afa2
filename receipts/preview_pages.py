"""A file in the page, without a download: a frame of our own making, without scripts, that shows pictures or text.

Who may see it, and that it was opened, are the same as for the download.
"""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ground.directory.policy import Act
from ground.errors import NotFound
from ground.files import File
from ground.previews import DRAWN, READ, SHOWN_TEXT, Previews
from ground.reading import Unreadable
from ground.visit import Visit
from ground.web import page
from receipts import ledger
from receipts.pages import may_download

AT_ONCE = 10
CSP = (
    "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin"
)
FAULTS = {
    "PdfiumError": "文件打不开：有密码，或者已经损坏。请下载后打开，或与发文单位联系。",
    "time": "文件太复杂，网页里显示不了。请下载后打开。",
    "memory": "文件太大，网页里显示不了。请下载后打开。",
    "size": "文件太大，网页里显示不了。请下载后打开。",
}
BROKEN = "文件读不出来，可能已经损坏。请下载后打开，或与发文单位联系。"
UNKNOWN = "这种文件网页里显示不了。请下载后打开。"


class Sheet(NamedTuple):
    """A page that is drawn."""

    number: int
    width: int
    height: int


class Shown(NamedTuple):
    """What the frame shows of a file."""

    sheets: Sequence[Sheet]
    total: int
    lines: Sequence[Sequence[str]]  # of cells; one cell: a paragraph
    cut: bool
    why_not: str
    only_text: bool


def previews_of(visit: Visit) -> Previews:
    """The previews of this house."""
    found: Previews = visit.house.extra["previews"]
    return found


async def show(visit: Visit) -> Response:
    """GET /files/{file}/preview?from=1: the frame; the first opening by each person is noted."""
    row = await visit.read(may_download, visit.path("file"), visit.actor)
    await visit.write(ledger.open_file, row.id, visit.actor, visit.now)
    said = visit.query("from", "1")
    first = int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 1
    answer = visit.render("receipts/file_preview.html", file=row, shown=await shown_of(visit, row, max(first, 1)), first=first)
    answer.headers["content-security-policy"] = CSP
    answer.headers["x-frame-options"] = "SAMEORIGIN"
    return answer


async def shown_of(visit: Visit, row: File, first: int) -> Shown:
    """Pages from `first` on, or text, or why there is neither."""
    try:
        if row.media_type in DRAWN:
            sizes = await previews_of(visit).sheets(row)
            sheets = [Sheet(n, *sizes[n - 1]) for n in range(first, min(first + AT_ONCE, len(sizes) + 1))]
            return Shown(sheets, len(sizes), (), False, "" if sizes else BROKEN, False)
        if row.media_type in READ:
            words = await previews_of(visit).words(row)
            lines = [line.split("\t") for line in words[:SHOWN_TEXT].splitlines() if line.strip()]
            only = row.media_type != "text/plain"
            return Shown((), 0, lines, len(words) > SHOWN_TEXT, "" if lines else BROKEN, only)
    except Unreadable as fault:
        return Shown((), 0, (), False, FAULTS.get(str(fault), BROKEN), False)
    return Shown((), 0, (), False, UNKNOWN, False)


async def picture(visit: Visit) -> Response:
    """GET /files/{file}/preview/{page}.png: one page, drawn here."""
    row = await visit.read(may_download, visit.path("file"), visit.actor)
    number = visit.number("page")
    if row.media_type not in DRAWN or not 1 <= number <= 9999:
        raise NotFound
    try:
        path = await previews_of(visit).page(row, number)
    except Unreadable:
        raise NotFound from None
    answer = FileResponse(path, media_type="image/png")
    answer.headers["etag"] = f'"{row.sha256[:32]}-{number}"'
    answer.headers["cache-control"] = "private, no-cache"
    answer.headers["content-security-policy"] = "default-src 'none'; sandbox"
    return answer


routes = [
    Route("/files/{file}/preview", page(show, may=Act.READ, part=True), methods=["GET"], name="file_preview"),
    Route("/files/{file}/preview/{page}.png", page(picture, may=Act.READ, part=True), methods=["GET"], name="file_picture"),
]
