"""The kit page: every macro of templates/macros once, served under the strict CSP with doubles of the endpoints scripts use.

`python -m tests.browser.kit` writes the page and pictures of it (1366 and 390 wide) to a new folder and says where.
"""

import gzip
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ground.render import typed

ROOT = Path(__file__).resolve().parents[2]
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'"
)
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Named(NamedTuple):
    name: str


class Unit(NamedTuple):
    short_name: str
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    word: str
    url: str
    icon: str
    count: int
    hot: bool


class Flash(NamedTuple):
    kind: str
    text: str
    link_text: str
    link_url: str


class Person(NamedTuple):
    name: str
    position: str
    phone: str
    person: str = ""
    plate: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    groups: tuple[str, ...]
    units: tuple[tuple[str, str], ...]
    excepts: tuple[tuple[str, str], ...]
    pasted: str
    count: int


class Visit(NamedTuple):
    person: Named | None
    flash: Flash | None = None
    unit: Unit = Unit("市文旅局", "平凉市文化和旅游局")
    role_word: str = "文书"
    posts: tuple[tuple[str, str, str, bool], ...] = (("a", "市文旅局", "文书", True), ("b", "市文物局", "文书", False))
    csrf: str = "csrf-1"
    once: str = "once-1"
    nav: tuple[Item, ...] = (
        Item("today", "今日", "/", "today", 0, False),
        Item("inbox", "收文", "/inbox", "inbox", 6, True),
        Item("sent", "发文", "/sent", "send", 0, False),
        Item("meetings", "会议", "/meetings", "meet", 1, True),
        Item("registers", "登记簿", "/registers", "book", 0, False),
        Item("stats", "统计", "/stats", "stats", 0, False),
        Item("units", "单位人员", "/units", "units", 0, False),
    )
    here: str = "sent"
    language: str = "zh"
    now_text: str = "2026年3月18日 09:42"
    now: str = "2026-03-18T01:42:00Z"
    duty_phone: str = "8210 110"
    version: str = "0"


HE = Visit(Named("何淑珍"), Flash("warn", "有 2 处请看一下。", "看一下", "/"))
NOBODY = Visit(None)
KNOWN = (
    Person("马文斌", "局长", "13800000001", "p1"),
    Person("孙立民", "文物科科长", "13900002206", "p2"),
    Person("郑“国”栋 & 子", "博物馆长", "13700000003", "p3"),
)
DRIVERS = (Person("赵军", "", "13600000004", "p4", "甘L·0000X"),)
GROUPS = (("g1", "市直各部门", 84), ("g2", "各县（市、区）政府", 7))
CHOSEN = Chosen(("g1",), (("620821", "泾川县"),), (("6208", "市档案馆"),), "", 84)
CC = Chosen((), (("u9", "市委宣传部"),), (), "", 1)
UNITS = [
    {"code": "u1", "name": "泾川县教育局", "short_name": "泾川县教育局", "path": "泾川县 政府", "level": 3},
    {"code": "u2", "name": "泾川县交通运输局", "short_name": "泾川县交通局", "path": "泾川县 政府", "level": 3},
]
TREE: dict[str, list[dict[str, object]]] = {
    "": [
        {"code": "t1", "name": "市直单位", "short_name": "市直单位", "level": 1, "children": 2, "units": 165, "group": "g1"},
        {"code": "t2", "name": "泾川县", "short_name": "泾川县", "level": 1, "children": 2, "units": 114, "group": None},
    ],
    "t2": [
        {"code": "u1", "name": "泾川县教育局", "short_name": "", "level": 2, "children": 0, "units": 1, "group": None},
        {"code": "u3", "name": "泾川县文旅局", "short_name": "", "level": 2, "children": 0, "units": 1, "group": None},
    ],
    "g1": [
        {"code": "m1", "name": "市教育局", "short_name": "市教育局", "level": 2, "children": 0, "units": 1, "group": None},
        {"code": "6208", "name": "市档案馆", "short_name": "市档案馆", "level": 2, "children": 0, "units": 1, "group": None},
    ],
}
MATCH = {
    "found": [{"line": "教育局", "code": "m1", "short_name": "市教育局"}],
    "unknown": ["火星局"],
    "ambiguous": [{"line": "文旅局", "choices": [{"code": "u3", "short_name": "泾川县文旅局", "path": ""}]}],
}


def environment() -> Environment:
    """Returns an environment as the service has it: strict, autoescaping, with _ and static as globals."""
    loader = FileSystemLoader([ROOT / "templates", Path(__file__).parent])
    env = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    env.globals.update(
        {"_": lambda text: text, "static": lambda path: f"/static/{path}?v=0", "typed": typed, "url": lambda name: f"/{name}"}
    )
    env.globals["words_for_scripts"] = Markup(env.get_template("macros/words.html").render())  # noqa: S704 - ours
    return env


def kit_page(visit: Visit = HE) -> str:
    """Returns the kit page as HTML."""
    given: dict[str, Any] = {"visit": visit, "groups": GROUPS, "chosen": CHOSEN, "cc": CC, "known": KNOWN, "drivers": DRIVERS}
    given |= {"refused": "有 2 处要改", "errors": {"phone": "手机少了 1 位", "urgency": "请选缓急"}}
    return environment().get_template("kit.html").render(given)


def dialog_page() -> str:
    """Returns a page that is a question, for [data-dialog]."""
    text = (
        '{% extends "base.html" %}{% from "macros/dialog.html" import dialog %}'
        '{% from "macros/forms.html" import textarea %}{% block title %}退回{% endblock %}{% block main %}'
        "{% call dialog(visit, '退回这份公文', '/send', '退回', '不退了', '/kit') %}"
        "<p>退回后发文单位马上收到通知。</p>{{ textarea('say', '说明') }}{% endcall %}{% endblock %}"
    )
    return environment().from_string(text).render(visit=HE._replace(flash=None))


def sign_in_page(step: str = "password", problem: str = "") -> str:
    """Returns the sign-in page, with or without its optional facts."""
    template = environment().get_template("directory/sign_in.html")
    return template.render(visit=NOBODY, action="/sign-in", step=step, problem=problem, city="平凉市", units_in_use=1053, form={})


def problem_page(visit: Visit = HE) -> str:
    """Returns a page that says what did not work."""
    template = environment().get_template("errors/problem.html")
    return template.render(visit=visit, message="没有存上，内容还在。", what_to_do="请回上一页再按一次“发送”。", code="A1B2-77")


@dataclass
class Ledger:
    """What the doubles were sent, and how they are told to answer."""

    posts: list[dict[str, list[str]]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    part: str = "<p>新的内容 <a href='/' id='in-part'>看名单</a></p>"
    new: int = 0
    events: int = 0
    live_up: bool = True
    slow_s: float = 0.0
    upload_fails: int = 0
    weight: dict[str, int] = field(default_factory=dict)


def _form(headers: Any, body: bytes) -> dict[str, list[str]]:
    kind = headers["Content-Type"]
    if kind.startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode(), keep_blank_values=True)
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
    answer: dict[str, list[str]] = {}
    for part in message.iter_parts():
        name = part["Content-Disposition"].params["name"]
        content = part.get_payload(decode=True)
        answer.setdefault(name, []).append(content.decode("utf-8", "replace") if isinstance(content, bytes) else "")
    return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ledger: Ledger

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests read the ledger."""

    def _send(self, body: str | bytes, kind: str = "text/html", status: int = 200, location: str = "") -> None:
        raw = body.encode() if isinstance(body, str) else body
        packed = gzip.compress(raw, 6)
        self.ledger.weight[urlsplit(self.path).path] = len(packed)
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(packed)

    def _json(self, value: object, status: int = 200) -> None:
        self._send(json.dumps(value), "application/json", status)

    def _live(self) -> None:
        self.send_response(200 if self.ledger.live_up else 503)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        told = self.ledger.events
        self.wfile.write(b": hello\n\n")
        while self.ledger.live_up:
            if self.ledger.events > told:
                told = self.ledger.events
                self.wfile.write(b"event: progress\ndata: {}\n\n")
            else:
                self.wfile.write(b": still here\n\n")
            self.wfile.flush()
            time.sleep(0.05)
        self.close_connection = True

    def do_GET(self) -> None:
        """Answer with a page, a file or a double of an endpoint."""
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        self.ledger.asked.append(self.path)
        pages: dict[str, Callable[[], str]] = {
            "/kit": kit_page,
            "/dialog": dialog_page,
            "/sign-in": sign_in_page,
            "/problem": problem_page,
            "/code": lambda: sign_in_page("code", "验证码不对，请看手机上现在的 6 位数字。"),
            "/bare": lambda: problem_page(NOBODY),
            "/nokeys": lambda: kit_page().replace("<body", '<body data-keys="off"'),
            "/done": lambda: kit_page(HE._replace(flash=Flash("ok", "已发送。", "", ""))),
            "/live-part": lambda: self.ledger.part,
        }
        answers: dict[str, Any] = {
            "/units/search": UNITS,
            "/units/children": TREE.get(query.get("group", query.get("parent", "")), []),
            "/units/count": {"count": 105, "cc": 3, "total": 108},
            "/new": {"count": self.ledger.new},
        }
        try:
            if parts.path == "/live":
                self._live()
            elif parts.path in pages:
                self._send(pages[parts.path]())
            elif parts.path in answers:
                self._json(answers[parts.path])
            elif parts.path.startswith("/static/"):
                file = ROOT / "templates" / parts.path.removeprefix("/")
                self._send(file.read_bytes(), TYPES[file.suffix])
            else:
                self._send(problem_page(), status=200)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_POST(self) -> None:
        """Note down what was sent; answer as the service would."""
        sent = _form(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/units/match":
            self._json(MATCH)
        elif self.path == "/files/upload":
            if self.ledger.upload_fails > 0:
                self.ledger.upload_fails -= 1
                self._json({}, 503)
                return
            time.sleep(self.ledger.slow_s)
            self.ledger.files.append(f"{self.headers['X-CSRF-Token']} {sent['file'][0]}")
            self._json({"id": f"up-{len(self.ledger.files)}", "name": "x", "size": 5, "media_type": "text/plain"}, 201)
        else:
            self.ledger.posts.append(sent)
            time.sleep(self.ledger.slow_s)
            self._send("", status=303, location="/done")


@contextmanager
def served() -> Iterator[tuple[str, Ledger]]:
    """Yields the address of the running kit and its ledger."""
    ledger = Ledger()
    handler = type("Handler", (_Handler,), {"ledger": ledger})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", ledger
    finally:
        ledger.live_up = False
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Write the page and its pictures to a new folder."""
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp(prefix="songda-kit-"))
    (folder / "kit.html").write_text(kit_page(), encoding="utf-8")
    with served() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_ARGS))
        for page_name in ("kit", "sign-in", "code", "problem", "bare", "dialog"):
            for width, height in ((1366, 768), (390, 844)):
                page = browser.new_page(viewport={"width": width, "height": height})
                page.goto(f"{address}/{page_name}")
                page.wait_for_timeout(600)
                page.screenshot(path=folder / f"{page_name}-{width}.png", full_page=page_name == "kit")
                page.close()
        browser.close()
    print(folder)


if __name__ == "__main__":
    main()
