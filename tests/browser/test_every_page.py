"""Every page that the app has, as the role that may see it, at three widths: accessible, quiet, no wider than its window.

`PAGES` and `DATA` name every GET route of `app.ROOMS` outside the API; a route that is missing here fails. Pictures of all pages
are written to artefacts/screens/{width}/{name}.png.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from app import ROOMS
from ground.files import Store
from tests.browser.conftest import Opener
from tests.browser.furnished import Furnished, furnish
from tests.browser.house import COOKIE, SCREENS, House, prepared, serving

pytestmark = pytest.mark.browser

WIDTHS = {1366: 768, 390: 844, 320: 640}
AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}

# A page's name (the route's, with a variant behind a dot), who sees it, and where.
PAGES: dict[str, tuple[str, str]] = {
    "sign_in": ("", "/sign-in"),
    "account": ("north_clerk", "/account"),
    "password": ("north_clerk", "/account/password"),
    "totp": ("north_clerk", "/account/totp"),
    "units": ("operator", "/units"),
    "units.admin": ("unit_admin", "/units"),
    "units_all": ("operator", "/units/all"),
    "units_people": ("operator", "/units/people"),
    "units_without_secretary": ("operator", "/units/without-secretary"),
    "units_unreachable": ("operator", "/units/unreachable"),
    "unit_new": ("operator", "/units/new"),
    "import": ("operator", "/units/import"),
    "person_new": ("operator", "/units/{unit}/people/new"),
    "person": ("operator", "/units/{unit}/people/{person}"),
    "person.security": ("security", "/units/{unit}/people/{person}"),
    "post_ending": ("operator", "/units/{unit}/people/{person}/posts/{post}/ending"),
    "person_password": ("operator", "/units/{unit}/people/{person}/password"),
    "person_disabling": ("operator", "/units/{unit}/people/{person}/disabling"),
    "unit": ("operator", "/units/{unit}"),
    "unit_data": ("operator", "/units/{unit}/data"),
    "unit_change": ("operator", "/units/{unit}/change"),
    "unit_name": ("operator", "/units/{unit}/name"),
    "unit_merging": ("operator", "/units/{unit}/merging"),
    "unit_closing": ("operator", "/units/{unit}/closing"),
    "groups": ("operator", "/groups"),
    "group_new": ("operator", "/groups/new"),
    "group": ("operator", "/groups/{group}"),
    "group_closing": ("operator", "/groups/{group}/closing"),
    "today": ("north_clerk", "/"),
    "today.organiser": ("organiser", "/"),
    "today.leader": ("north_leader", "/"),
    "today.operator": ("operator", "/"),
    "inbox": ("north_clerk", "/inbox"),
    "inbox.south": ("south_clerk", "/inbox"),
    "search": ("north_clerk", "/search?q=会议"),
    "search.none": ("north_clerk", "/search?q=火星"),
    "audit": ("auditor", "/audit"),
    "messages": ("operator", "/messages"),
    "messages_why": ("operator", "/messages/why?person=hesz&subject={open}"),
    "sent": ("sender", "/documents/sent"),
    "sent.none": ("outsider", "/documents/sent"),
    "document_new": ("sender", "/documents/new"),
    "document_new.draft": ("sender", "/documents/new?draft={paper}"),
    "document_new.corrects": ("sender", "/documents/new?corrects={wrong}"),
    "document_preview": ("sender", "/documents/drafts/{paper}/preview"),
    "document_progress": ("sender", "/documents/{document}/progress"),
    "document_progress.all": ("sender", "/documents/{document}/progress?show=all"),
    "document_progress.void": ("sender", "/documents/{void}/progress"),
    "document_table": ("sender", "/documents/{document}/progress/table"),
    "document_chase": ("sender", "/documents/{document}/chase"),
    "document_supplement": ("sender", "/documents/{document}/supplement"),
    "document_recall": ("sender", "/documents/{document}/recall"),
    "document_recall.unit": ("sender", "/documents/{document}/recall?unit={unit_id}"),
    "document_void": ("sender", "/documents/{document}/void"),
    "meetings": ("north_clerk", "/meetings"),
    "meetings.invited": ("north_clerk", "/meetings?tab=invited"),
    "meetings.organised": ("organiser", "/meetings?tab=organised"),
    "meeting_new": ("organiser", "/meetings/new"),
    "meeting_new.draft": ("organiser", "/meetings/new?draft={draft}"),
    "meeting_preview": ("organiser", "/meetings/drafts/{draft}/preview"),
    "meeting_change": ("organiser", "/meetings/{open}/change"),
    "meeting_cancellation": ("organiser", "/meetings/{open}/cancellation"),
    "meeting_progress": ("organiser", "/meetings/{open}/progress"),
    "meeting_progress.late": ("organiser", "/meetings/{late}/progress?show=all"),
    "meeting_progress.begun": ("organiser", "/meetings/{begun}/progress"),
    "meeting_progress.cancelled": ("organiser", "/meetings/{cancelled}/progress"),
    "meeting_chase": ("organiser", "/meetings/{open}/chase"),
    "leave_decision": ("organiser", "/leaves/{leave}/decision"),
    "late_decision": ("organiser", "/late-changes/{late_change}/decision"),
    "meeting_answer_for": ("organiser", "/meetings/{open}/answers/{unit_id}"),
    "meeting_names": ("organiser", "/meetings/{open}/names"),
    "meeting_door": ("organiser", "/meetings/{begun}/door"),
    "meeting_attendance": ("organiser", "/meetings/{begun}/attendance"),
    "meeting_check_in": ("", "/meetings/{begun}/check-in/{begun_secret}"),
    "meeting_minutes": ("organiser", "/meetings/{begun}/minutes"),
    "meeting": ("north_clerk", "/meetings/{fresh}"),
    "meeting.changed": ("north_clerk", "/meetings/{open}"),
    "meeting.leave": ("south_clerk", "/meetings/{open}"),
    "meeting.late": ("south_clerk", "/meetings/{late}"),
    "meeting.waiting": ("north_clerk", "/meetings/{late}"),
    "meeting.begun": ("north_clerk", "/meetings/{begun}"),
    "meeting.cancelled": ("north_clerk", "/meetings/{cancelled}"),
    "meeting.leader": ("north_leader", "/meetings/{open}"),
    "meeting_answer": ("south_clerk", "/meetings/{fresh}/answer"),
    "meeting_late": ("south_clerk", "/meetings/{fresh}/late-change"),
    "meeting_confirm": ("south_clerk", "/meetings/{fresh}/confirmation"),
    "meeting_sign": ("south_clerk", "/meetings/{fresh}/signature"),
    "meeting_text": ("north_clerk", "/meetings/{open}/text"),
    "meeting_receipt": ("north_clerk", "/meetings/{open}/receipt"),
    "inbox.passed": ("north_leader", "/inbox?state=passed"),
    "inbox.sign": ("north_clerk", "/inbox?state=sign"),
    "inbox_sign": ("north_clerk", "/inbox/signatures"),
    "document": ("north_clerk", "/documents/{doc}"),
    "document.answer": ("north_clerk", "/documents/{doc_answer}"),
    "document.done": ("north_clerk", "/documents/{doc_done}"),
    "document.returned": ("north_clerk", "/documents/{doc_returned}"),
    "document.asked": ("north_clerk", "/documents/{doc_asked}"),
    "document.recalled": ("north_clerk", "/documents/{doc_recalled}"),
    "document.superseded": ("north_clerk", "/documents/{doc_superseded}"),
    "document.leader": ("north_leader", "/documents/{doc}"),
    "document_sign": ("north_clerk", "/documents/{doc}/signature"),
    "document_register": ("north_clerk", "/documents/{doc}/registration"),
    "document_return": ("north_clerk", "/documents/{doc}/return"),
    "document_return_notice": ("north_clerk", "/documents/{doc_returned}/return-notice"),
    "document_pass": ("north_clerk", "/documents/{doc}/handover"),
    "document_forward": ("north_clerk", "/documents/{doc_done}/forwarding"),
    "document_answer": ("north_clerk", "/documents/{doc_answer}/answer"),
    "document_recall_decide": ("north_clerk", "/documents/{doc_asked}/recall-decision"),
    "register_received": ("north_clerk", "/registers/received"),
    "register_sent": ("north_clerk", "/registers/sent"),
}
# Answers that are no pages: their type is looked at.
DATA: dict[str, tuple[str, str, str]] = {
    "healthz": ("", "/healthz", "text/plain"),
    "readyz": ("", "/readyz", "text/plain"),
    "metrics": ("", "/metrics", "text/plain"),
    "sign_in_code": ("", "/sign-in/code", "text/html"),
    "language": ("north_clerk", "/language?to=zh", "text/html"),
    "totp_qr": ("north_clerk", "/account/totp/qr", "image/svg+xml"),
    "units_search": ("organiser", "/units/search?q=bq", "application/json"),
    "units_children": ("organiser", "/units/children?parent=", "application/json"),
    "units_count": ("organiser", "/units/count?group={group}", "application/json"),
    "today_part": ("north_clerk", "/today/part", "text/html"),
    "inbox_new": ("north_clerk", "/inbox/new?after=0", "application/json"),
    "file": ("north_clerk", "/files/{file}", "application/pdf"),
    "live": ("north_clerk", "", ""),
    "document_part": ("sender", "/documents/{document}/progress/part", "text/html"),
    "document_xlsx": (
        "sender",
        "/documents/{document}/units.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml",
    ),
    "meeting_part": ("organiser", "/meetings/{open}/progress/part", "text/html"),
    "meeting_door_part": ("organiser", "/meetings/{begun}/door/part", "text/html"),
    "people_xlsx": ("organiser", "/meetings/{open}/people.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml"),
    "people_pdf": ("organiser", "/meetings/{open}/people.pdf", "application/pdf"),
    "sign_in_pdf": ("organiser", "/meetings/{open}/sign-in.pdf", "application/pdf"),
    "cards_pdf": ("organiser", "/meetings/{open}/cards.pdf", "application/pdf"),
    "door_pdf": ("organiser", "/meetings/{open}/door.pdf", "application/pdf"),
    "file_preview": ("north_clerk", "/files/{file}/preview", "text/html"),
    "file_picture": ("north_clerk", "/files/{file}/preview/1.png", "image/png"),
    "upload_part": ("north_clerk", "/uploads/{upload}", "application/json"),
    "document_return_pdf": ("north_clerk", "/documents/{doc_returned}/return-notice.pdf", "application/pdf"),
    "document_receipt_pdf": ("north_clerk", "/documents/{doc_done}/receipt.pdf", "application/pdf"),
    "register_received_pdf": ("north_clerk", "/registers/received.pdf", "application/pdf"),
    "register_sent_pdf": ("sender", "/registers/sent.pdf", "application/pdf"),
    "register_received_xlsx": ("north_clerk", "/registers/received.xlsx", "application/vnd.openxmlformats-officedocument"),
    "register_sent_xlsx": ("north_clerk", "/registers/sent.xlsx", "application/vnd.openxmlformats-officedocument"),
    "meeting_ics": ("north_clerk", "/meetings/{open}.ics", "text/calendar"),
    "attendee_code": ("north_clerk", "/meetings/{open}/people/{attendee}/code.svg", "image/svg+xml"),
}
DARK = (
    "sign_in",
    "today",
    "inbox",
    "document",
    "meeting",
    "meeting_progress",
    "meeting_new",
    "document_new",
    "document_progress",
    "units",
    "groups",
    "messages",
    "account",
)


class Stage(NamedTuple):
    """The running service and what its city holds."""

    house: House
    city: Furnished

    def context(self, opened: Opener, who: str, **options: Any) -> BrowserContext:
        """A context signed in as one of the cast ('': nobody)."""
        context = opened(base_url=self.house.address, **options)
        if who:
            context.add_cookies([{"name": COOKIE, "value": self.city.tokens[who], "url": self.house.address}])
        return context


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The service on a furnished city; no worker runs: what waits stays."""
    folder = tmp_path_factory.mktemp("every-page")
    city = prepared(folder, partial(furnish, store=Store(folder / "files", max_bytes=1 << 20, min_free=1)))
    with serving(folder) as house:
        yield Stage(house, city)


def test_every_get_route_stands_in_the_tables() -> None:
    routes = {route.name for room in ROOMS for route in room if "GET" in (route.methods or ()) and "/api/" not in route.path}
    named = {name.partition(".")[0] for name in PAGES} | set(DATA)
    assert routes - named == set(), "new routes: add them to PAGES or DATA"
    assert named - routes == set(), "routes that are gone"


LOOK = """() => {
  const shown = (e) => e.offsetParent !== null || e.getClientRects().length > 0;
  const all = (css) => Array.from(document.querySelectorAll(css));
  const missing = all('[aria-labelledby], [aria-describedby], [aria-controls]').flatMap((e) =>
    ['aria-labelledby', 'aria-describedby', 'aria-controls'].flatMap((a) => (e.getAttribute(a) || '').split(/\\s+/))
      .filter((id) => id && !document.getElementById(id)));
  return {
    h1: all('h1').filter(shown).length,
    primary: all('.btn.primary').filter(shown).map((e) => e.textContent.trim()),
    inline: all('[style]:not([style=""]), script:not([src]), style').map((e) => e.outerHTML.slice(0, 100)),
    missing, title: document.title,
  };
}"""
HEIGHT = "() => document.documentElement.scrollHeight"
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def serious(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe finds serious or critical."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{v['id']}: {node['html'][:140]}" for v in found if v["impact"] in {"serious", "critical"} for node in v["nodes"][:3]
    ]


def look(page: Page, name: str, width: int) -> list[str]:
    """What is wrong with the page at a width; its picture is kept."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    wrong = [f"{width}: {text}" for text in (serious(page, AXE) if width > 320 else [])]
    wider = page.evaluate(WIDER)
    if wider:
        wrong.append(f"{width}: {wider} px too wide")
    seen = page.evaluate(LOOK)
    if seen["h1"] != 1:
        wrong.append(f"{width}: {seen['h1']} h1")
    if len(seen["primary"]) > 1:
        wrong.append(f"{width}: primary buttons {seen['primary']}")
    for fault in ("inline", "missing"):
        if seen[fault]:
            wrong.append(f"{fault}: {seen[fault]}")
    folder = SCREENS / str(width)
    folder.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": width, "height": max(WIDTHS[width], page.evaluate(HEIGHT))})  # bars stay at the ends
    page.screenshot(path=folder / f"{name}.png")
    return wrong


@pytest.mark.parametrize("name", PAGES)
def test_page(stage: Stage, opened: Opener, name: str) -> None:
    who, path = PAGES[name]
    page = stage.context(opened, who, viewport={"width": 1366, "height": 768}).new_page()
    answer = page.goto(path.format(**stage.city.ids))
    assert answer is not None
    assert answer.status == 200, f"{answer.status} {page.locator('main').inner_text()[:200]}"
    assert page.url.endswith("/account/password") == (name == "password"), "led away to the first change of the password"
    wrong = [text for width in WIDTHS for text in look(page, name, width)]
    assert list(dict.fromkeys(wrong)) == []


@pytest.mark.parametrize("name", DARK)
def test_page_in_the_dark(stage: Stage, opened: Opener, name: str) -> None:
    who, path = PAGES[name]
    page = stage.context(opened, who, viewport={"width": 1366, "height": 768}, color_scheme="dark").new_page()
    page.goto(path.format(**stage.city.ids))
    folder = SCREENS / "dark"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")
    assert serious(page, {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}) == []


@pytest.mark.parametrize("name", [name for name in DATA if name != "live"])
def test_data(stage: Stage, opened: Opener, name: str) -> None:
    who, path, kind = DATA[name]
    answer = stage.context(opened, who).request.get(path.format(**stage.city.ids))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(kind)
