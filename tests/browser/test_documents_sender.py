"""A secretary sends a document, in a real browser against the real service: compose, forty pasted names, checks, upload, progress live.

The receivers act as programs here: their pages have journeys of their own.
"""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from exchange import numbering
from ground.db import Database, Tx
from ground.directory import sessions, units
from ground.directory.units import NewUnit
from tests.browser import steps
from tests.browser.conftest import Opener
from tests.browser.house import House, cast, local, now, prepared, serving

pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1366, "height": 768}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
YEAR = local(0, "12:00")[:4]
TITLE = "关于做好清明节假期安全工作的通知"
TOWNS = [f"北区第{n}镇人民政府" for n in range(1, 38)]
PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData('text/plain', text);
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}"""


class Stage(NamedTuple):
    """The running service, and a token of 北区's clerk."""

    house: House
    token: str
    north: int

    def sign(self, document: int) -> None:
        """北区 opens and signs, and leaves the attachments for later."""
        path = f"/api/v1/receipts/{document}-{self.north}"
        shown = self._ask("POST", f"{path}/opening", {})
        waived = [file["id"] for file in shown["files"] if file["part"] == "attachment"]
        self._ask("POST", f"{path}/signature", {"waived": waived})

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        data = json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.house.address}{path}", data=data, headers=headers, method=method)
        with urllib.request.urlopen(asked) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


async def furnish(db: Database) -> tuple[str, int]:
    """The cast, 37 towns below 北区 that have nobody, a series for 市府办, a token."""
    city = await cast(db)
    world = city.world

    async def fill(tx: Tx) -> str:
        for n, name in enumerate(TOWNS, 1):
            town = NewUnit(f"62000101{n:02}", name, f"第{n}镇", world.north, "政府", 3)
            await units.open_unit(tx, town, today="2025-01-01", at=now())
        await numbering.open_series(tx, "测政办发", "测试市人民政府办公室文件", unit=world.office, by=None, at=now())
        clerk = world.north_clerk
        return await sessions.issue_token(tx, clerk.person_id, clerk.unit_id, "办公系统", days=9, at=now())

    return await db.write(fill), world.north


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The service, and the cast in it."""
    folder = tmp_path_factory.mktemp("sender")
    token, north = prepared(folder, furnish)
    with serving(folder) as house:
        yield Stage(house, token, north)


def desk(opened: Opener, stage: Stage, **options: object) -> Page:
    """The secretary's browser, signed in."""
    page = opened(base_url=stage.house.address, **(options or DESK)).new_page()
    steps.sign_in(page, "tianzq")
    return page


def upload(page: Page, field: str, name: str) -> None:
    """Choose a file, and wait until it has gone up."""
    hidden = {"body": "body", "attachments": "attachment"}[field]
    before = page.locator(f"input[name={hidden}]").count()
    page.locator(f"input#{field}").set_input_files({"name": name, "mimeType": "application/pdf", "buffer": steps.PDF})
    expect(page.locator(f"input[name={hidden}]")).to_have_count(before + 1)


def document_of(page: Page) -> int:
    found = re.search(r"/documents/(\d+)/progress", page.url)
    assert found, page.url
    return int(found[1])


def test_forty_names_are_pasted_checked_sent_and_watched(stage: Stage, opened: Opener) -> None:
    page = desk(opened, stage)
    page.get_by_role("navigation", name="主导航", exact=True).get_by_role("link", name="发文", exact=True).click()
    page.get_by_role("link", name="发公文").click()
    page.get_by_label("标题", exact=True).fill(TITLE)
    page.locator("#main-find").focus()
    page.evaluate(PASTE, "\n".join([*TOWNS, "北区政府", "火星局", "南区政府"]))
    expect(page.locator("[data-match]")).to_contain_text("火星局")
    expect(page.locator("[data-match]")).not_to_contain_text("南区政府")
    page.locator("[data-match]").get_by_role("button", name="不加这行").click()
    expect(page.locator('[data-count="total"]')).to_have_text("39")
    checks = page.locator("#checks")
    expect(checks).to_contain_text("37 个单位没有能通知的人")
    upload(page, "body", "正文.pdf")
    upload(page, "attachments", "附件.pdf")
    expect(page.locator("[data-saved]")).to_contain_text("已自动保存")
    checks.get_by_role("button", name="照样发").first.click()
    expect(page.locator("#checks")).to_contain_text("37 个单位没有能通知的人，照样发")
    expect(page.get_by_label("标题", exact=True)).to_have_value(TITLE)
    expect(page.locator("[data-number]")).to_contain_text(f"测政办发〔{YEAR}〕1号")
    page.get_by_role("button", name=re.compile("^发送给")).click()
    expect(page.get_by_role("status").first).to_contain_text(f"已发给 39 个单位，字号 测政办发〔{YEAR}〕1号")
    id = document_of(page)
    expect(page.locator("[data-live-mark]").first).to_contain_text("实时")
    page.evaluate("() => { document.body.dataset.mark = 'stayed'; }")
    signed = page.locator(".facts .key a.v")
    expect(signed).to_have_text("0")
    stage.sign(id)
    expect(signed).to_have_text("1")
    expect(page.locator(".under")).to_contain_text("签收率 = 1 ÷ 39")
    assert page.locator("body").get_attribute("data-mark") == "stayed", "the page was loaded again"
    page.get_by_label("单位名称、拼音首字母").fill("nqzf")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("table[data-rows] tbody tr")).to_have_count(1)
    page.get_by_role("button", name="催南区政府").click()
    expect(page.get_by_role("status").first).to_contain_text("已催 1 个单位")


def test_to_copies_and_back_on_a_telephone(stage: Stage, opened: Opener) -> None:
    page = desk(opened, stage, **PHONE)
    page.goto("/documents/new")
    page.get_by_label("标题", exact=True).fill("关于调整值班安排的函")
    page.get_by_label("文种").select_option("函")
    page.get_by_label("发文字号").select_option("0")
    page.locator("[data-groups]").get_by_role("button", name="各区政府").click()
    page.get_by_role("radio", name="抄送").check()
    page.locator("[data-groups]").get_by_role("button", name="市直部门").click()
    expect(page.locator("#checks")).to_contain_text("主送 2，抄送 3")
    upload(page, "body", "正文.pdf")
    page.get_by_role("button", name=re.compile("^发送给")).click()
    expect(page.get_by_role("status").first).to_contain_text("已发给 5 个单位，消息")
    id = document_of(page)
    stage.sign(id)
    page.goto(f"/documents/{id}/recall")
    expect(page.locator("form.dlg")).to_contain_text("4 个单位没有签收，立即撤回。1 个单位已经签收")
    page.get_by_label("撤回原因").fill("附件有误")
    page.get_by_role("button", name="撤回", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("已从 4 个单位撤回；1 个已签收，等对方决定。")
    expect(page.locator(".under")).to_contain_text("减去撤回 4")


def test_more_units_are_checked_before_they_get_it(stage: Stage, opened: Opener) -> None:
    page = desk(opened, stage)
    page.goto("/documents/new")
    page.get_by_label("标题", exact=True).fill("关于报送材料的通知")
    page.locator("[data-groups]").get_by_role("button", name="各区政府").click()
    upload(page, "body", "正文.pdf")
    page.get_by_role("button", name=re.compile("^发送给")).click()
    expect(page.get_by_role("status").first).to_contain_text("已发给 2 个单位")
    page.get_by_role("link", name="补发", exact=True).click()
    for group in ("各区政府", "市直部门"):
        page.locator("[data-groups]").get_by_role("button", name=group).click()
    expect(page.locator("#checks")).to_contain_text("有 2 个已经收到过，会跳过")
    press = page.get_by_role("button", name=re.compile("^补发给 3 个单位"))
    press.click()
    expect(page.get_by_role("status").first).to_contain_text("已补发给 3 个单位，另外 2 个早已收到")


def test_a_refusal_keeps_what_was_typed(stage: Stage, opened: Opener, complaints: list[str]) -> None:
    page = desk(opened, stage)
    page.goto("/documents/new")
    page.get_by_label("标题", exact=True).fill("【机密】关于安全工作的通知")
    page.locator("[data-groups]").get_by_role("button", name="各区政府").click()
    upload(page, "body", "正文.pdf")
    expect(page.locator("#checks")).to_contain_text("标题或内容里有密级标志")
    page.get_by_role("button", name=re.compile("^发送给")).click()
    expect(page.get_by_role("alert")).to_contain_text("密级标志")
    assert [("422" in line) for line in complaints] == [True]
    complaints.clear()
    expect(page.locator(".chip.grp")).to_contain_text("各区政府")
    expect(page.locator(".files").first).to_contain_text("正文.pdf")
    page.get_by_label("标题", exact=True).fill("关于安全工作的通知")
    page.get_by_role("button", name=re.compile("^发送给")).click()
    expect(page.get_by_role("status").first).to_contain_text("已发给 2 个单位")
