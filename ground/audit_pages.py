"""审计: who did what, for the auditor; read only."""

from starlette.responses import Response
from starlette.routing import Route

from ground import audit
from ground.directory.policy import Act
from ground.visit import Visit
from ground.web import page

PAGE = 50
NEWEST = 2**53


def _cursor(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else NEWEST


async def show_audit(visit: Visit) -> Response:
    """GET /audit?object=notice:12&before=: acts, newest first."""
    wanted = visit.query("object")[:80]
    before = _cursor(visit.query("before"))
    lines = await visit.read(audit.newest, before=before, object=wanted, limit=PAGE + 1)
    return visit.render(
        "ground/audit.html", lines=lines[:PAGE], more=len(lines) > PAGE, wanted=wanted, first=before == NEWEST, words=audit.WORDS
    )


routes = [Route("/audit", page(show_audit, may=Act.AUDIT, here="audit"), methods=["GET"], name="audit")]
