"""A large file goes up in pieces in a real browser: the line breaks, the page is closed, and it goes on where it stopped."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import steps
from tests.browser.conftest import Opener
from tests.browser.house import House, cast, prepared, serving

pytestmark = pytest.mark.browser
SIZE = 20 * 2**20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The service with the cast in it."""
    folder = tmp_path_factory.mktemp("uploads")
    prepared(folder, cast)
    with serving(folder, work=False) as house:
        yield house


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of 20 MB that is no office file."""
    path = tmp_path / "会场平面图.dat"
    path.write_bytes(b"\0" + os.urandom(SIZE - 1))
    return path


def choose(page: Page, large: Path) -> None:
    page.goto("/meetings/new")
    page.set_input_files("#attachments", large)


def offsets(page: Page) -> list[str]:
    """The Upload-Offset of every piece that the page sends from now on."""
    seen: list[str] = []
    page.on("request", lambda r: seen.append(r.headers["upload-offset"]) if r.method == "PATCH" else None)
    return seen


def test_a_broken_line_and_a_closed_page(opened: Opener, house: House, large: Path, complaints: list[str]) -> None:
    context = opened(base_url=house.address)
    page = context.new_page()
    steps.sign_in(page, "wujia")
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.headers.get("upload-offset") == str(8 * 2**20):
            lost.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(re.compile("/uploads/"), lose)
    sent = offsets(page)
    choose(page, large)
    expect(page.get_by_text("网断了，通了就接着传")).to_be_visible(timeout=60_000)
    page.close()
    assert len(lost) >= 1

    again = context.new_page()
    sent = offsets(again)
    choose(again, large)
    expect(again.locator("[data-word]").first).to_have_text("20.0 MB　已传完", timeout=60_000)
    assert sent == [str(8 * 2**20), str(16 * 2**20)]
    file = again.locator("[data-file] input[name=attachment]").first.input_value()
    answer = context.request.get(f"/files/{file}")
    assert answer.body() == large.read_bytes()
    complaints[:] = [said for said in complaints if "ERR_CONNECTION_RESET" not in said]


def test_what_the_server_refuses_is_said(opened: Opener, house: House, tmp_path: Path, complaints: list[str]) -> None:
    page = opened(base_url=house.address).new_page()
    steps.sign_in(page, "wujia")
    program = tmp_path / "通知.pdf"
    program.write_bytes(b"MZ" + bytes(6 * 2**20))
    choose(page, program)
    expect(page.locator("[data-word].bad")).to_have_text(
        "这是程序或脚本，不能上传。请换成 PDF、OFD 或 Word 文件。", timeout=20_000
    )
    assert any("422" in said for said in complaints)
    complaints[:] = [said for said in complaints if "422" not in said]
