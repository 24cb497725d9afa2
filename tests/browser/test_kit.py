"""The kit page in a real browser: accessible, quiet, light, and its scripts do what the macros promise."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from tests.browser.kit import CHROMIUM_ARGS, Ledger, kit_page, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.fixture
def kit() -> Iterator[tuple[str, Ledger]]:
    """A fresh server for each test."""
    with served() as running:
        yield running


@pytest.fixture
def page(browser: Browser, kit: tuple[str, Ledger]) -> Iterator[Page]:
    """A page at the kit; a test fails if the console complained."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, base_url=kit[0])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto("/kit")
    expect(page.locator("[data-tree] [role=treeitem]")).to_have_count(2)
    yield page
    context.close()
    assert [c for c in complaints if "503" not in c and "ERR_" not in c] == []


def no_script_page(browser: Browser, address: str, path: str = "/kit") -> Page:
    """Returns `path` in a context that runs no scripts."""
    page = browser.new_context(java_script_enabled=False, base_url=address).new_page()
    page.goto(path)
    return page


@pytest.mark.parametrize("path", ["/kit", "/sign-in", "/code", "/problem", "/bare", "/dialog"])
@pytest.mark.parametrize(("width", "scheme"), [(1366, "light"), (390, "dark"), (320, "light")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, kit: tuple[str, Ledger], path: str, width: int, scheme: Any
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(kit[0] + path)
    if path == "/kit":
        expect(page.locator("[data-tree] [role=treeitem]")).to_have_count(2)
    found = Axe().run(page).response["violations"]
    bad = [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")]
    assert bad == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    context.close()


@pytest.mark.parametrize("width", [1366, 390])
def test_every_target_is_large_enough(browser: Browser, kit: tuple[str, Ledger], width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(kit[0] + "/kit")
    expect(page.locator("[data-tree] [role=treeitem]")).to_have_count(2)
    small = page.evaluate(
        """() => Array.from(document.querySelectorAll('a[href], button, select, input:not([type=hidden]), summary'))
        .filter((e) => e.offsetParent && !e.closest('p:not(.row), .sr, .tree, .seg, .t, .sumerr, .skip, td, .pick'))
        .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
        .filter(([, r]) => r.height < 23.5 || r.width < 23.5)
        .map(([h, r]) => `${h} ${r.width}x${r.height}`)"""
    )
    assert small == []
    page.close()


def test_no_inline_script_or_style_and_all_references_resolve() -> None:
    html = kit_page()
    assert re.findall(r"\sstyle=|\son[a-z]+=|<style", html) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
    ids = re.findall(r'\sid="([^"]+)"', re.sub(r"<template.*?</template>", "", html, flags=re.DOTALL))
    assert sorted(ids) == sorted(set(ids))
    for names in re.findall(r'(?:aria-describedby|aria-labelledby|aria-controls|\sfor)="([^"]+)"', html):
        assert set(names.split()) <= set(ids), names


def test_page_weighs_less_than_60_kb(page: Page, kit: tuple[str, Ledger]) -> None:
    files = {path: size for path, size in kit[1].weight.items() if path == "/kit" or path.startswith("/static/")}
    assert {"/kit", "/static/app.css", "/static/app.js", "/static/js/picker.js"} <= set(files)
    assert sum(files.values()) < 60_000


def test_one_press_sends_once_and_shows_that_it_is_busy(page: Page, kit: tuple[str, Ledger]) -> None:
    kit[1].slow_s = 0.5
    seen = page.evaluate(
        """() => new Promise((tell) => { const b = document.querySelector('#form button.primary'); b.click();
        setTimeout(() => { b.click(); tell([b.getAttribute('aria-busy'), b.textContent]); }, 60); })"""
    )
    assert seen == ["true", "正在发送…"]
    page.wait_for_url("**/done")
    assert len(kit[1].posts) == 1
    sent = kit[1].posts[0]
    assert (sent["csrf"], sent["once"], sent["group"], sent["unit"], sent["except"], sent["cc_unit"]) == (
        ["csrf-1"],
        ["once-1"],
        ["g1"],
        ["620821"],
        ["6208"],
        ["u9"],
    )
    assert "pasted" not in sent


def test_without_scripts_the_same_form_is_whole(browser: Browser, kit: tuple[str, Ledger]) -> None:
    page = no_script_page(browser, kit[0])
    page.get_by_label("粘贴或填写单位").first.fill("市教育局\n市公安局")
    expect(page.locator("#leave")).to_be_visible()
    expect(page.locator(".picker")).to_be_hidden()
    page.locator("summary.top-me").click()
    expect(page.get_by_role("link", name="我的账号")).to_be_visible()
    page.locator("summary.top-me").click()
    page.locator("#form button.primary").click()
    sent = kit[1].posts[0]
    assert sent["pasted"] == ["市教育局\r\n市公安局"]
    assert sent["group"] == ["g1"]
    assert sent["cc_unit"] == ["u9"]
    assert len(sent["staff_name"]) == 2
    assert sent["attachment"] == ["f1"]


def test_keys_move_select_search_and_explain(page: Page) -> None:
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.cur a")).to_have_text("第 1 份公文")
    expect(page.locator("tr.cur a")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("tr.cur input")).to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="快捷键")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("gtj")
    expect(page.locator("#q")).to_have_value("gtj")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/inbox")


def test_keys_are_off_for_those_who_switched_them_off(page: Page) -> None:
    page.goto("/nokeys")
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(page.locator("tr.cur")).to_have_count(0)


def test_dialog_opens_over_the_page_and_gives_the_focus_back(page: Page, kit: tuple[str, Ledger]) -> None:
    opener = page.get_by_role("link", name="退回…")
    opener.click()
    dialog = page.get_by_role("dialog", name="退回这份公文")
    expect(dialog.get_by_label("说明")).to_be_focused()
    dialog.get_by_role("link", name="不退了").click()
    expect(opener).to_be_focused()
    opener.click()
    dialog.get_by_label("说明").fill("缺附件")
    dialog.get_by_role("button", name="退回").click()
    page.wait_for_url("**/done")
    assert kit[1].posts[0]["say"] == ["缺附件"]


def test_live_part_is_swapped_and_the_focus_stays(page: Page, kit: tuple[str, Ledger]) -> None:
    expect(page.locator("[data-live-mark]")).to_have_text(re.compile(r"^实时，\d\d:\d\d 更新$"))
    page.locator("#in-part").focus()
    kit[1].new = 3
    kit[1].events += 1
    expect(page.locator("#part")).to_contain_text("新的内容")
    expect(page.locator("#in-part")).to_be_focused()
    expect(page.get_by_role("link", name="有 3 条新的，点这里显示")).to_be_visible()


def test_a_dropped_stream_says_so(page: Page, kit: tuple[str, Ledger]) -> None:
    kit[1].live_up = False
    expect(page.locator("[data-live-mark]")).to_have_text("已断开，每 30 秒刷新")


def test_people_fill_from_chips_and_the_summary_counts(page: Page) -> None:
    staff = page.get_by_role("group", name="工作人员")
    staff.get_by_role("button", name="郑“国”栋 & 子").click()
    expect(staff.locator("[data-part=name]").nth(1)).to_have_value("郑“国”栋 & 子")
    expect(staff.locator("[data-part=person]").nth(1)).to_have_value("p3")
    expect(staff.locator("[data-filled]")).to_have_text("，已填 2 人")
    staff.get_by_role("button", name="其他人…").click()
    expect(page.get_by_text("这里最多 2 人。")).to_be_visible()
    staff.get_by_role("button", name="去掉孙立民").click()
    expect(staff.locator("[data-list] .prow")).to_have_count(1)
    page.get_by_label("请假，由人替会").check()
    expect(page.locator("#leave")).to_be_visible()
    expect(page.locator("#first")).to_be_hidden()
    page.get_by_role("group", name="替会人").get_by_role("button", name="孙立民").click()
    expect(page.locator("[data-leave-sum]")).to_have_text("马文斌，由孙立民替会")
    expect(page.locator("[data-people-total]")).to_have_text("2")
    page.get_by_label("请假，不派人").check()
    expect(page.locator("[data-leave-sum]")).to_have_text("马文斌，不派人")


def test_picker_searches_adds_removes_and_counts(page: Page, kit: tuple[str, Ledger]) -> None:
    find = page.get_by_role("combobox", name="找单位")
    find.fill("jcx")
    expect(page.locator("[data-list] [role=option]")).to_have_count(2)
    find.press("ArrowDown")
    find.press("Enter")
    chips = page.locator('[data-chips=""]')
    expect(chips).to_contain_text("泾川县交通局")
    find.fill("jcx")
    expect(page.locator("[data-list] [role=option]")).to_have_count(2)
    with page.expect_request(lambda request: "cc_unit=u1" in request.url):
        find.press("Shift+Enter")
    expect(page.locator('[data-chips="cc_"]')).to_contain_text("泾川县教育局")
    expect(page.locator('[data-count="total"]')).to_have_text("108")
    asked = [path for path in kit[1].asked if path.startswith("/units/count")][-1]
    assert asked == "/units/count?group=g1&unit=620821&unit=u2&except=6208&cc_unit=u9&cc_unit=u1"
    find.press("Backspace")
    expect(chips).not_to_contain_text("市档案馆")


def test_picker_tree_by_keyboard_and_a_group_opened(page: Page) -> None:
    first = page.get_by_role("treeitem").first
    expect(first).to_have_attribute("aria-checked", "true")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("treeitem")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.get_by_role("treeitem", name="泾川县教育局")).to_have_attribute("aria-checked", "true")
    page.get_by_role("button", name="看市直各部门里的单位").click()
    inside = page.get_by_role("treeitem", name="市教育局")
    expect(inside).to_have_attribute("aria-checked", "true")
    expect(page.get_by_role("treeitem", name="市档案馆")).to_have_attribute("aria-checked", "false")
    inside.click()
    expect(page.locator('[data-chips=""]')).to_contain_text("除去：市教育局")


def test_a_pasted_list_is_matched_and_the_rest_is_asked(page: Page, kit: tuple[str, Ledger]) -> None:
    page.get_by_role("combobox", name="找单位").focus()
    page.evaluate(
        """() => { const data = new DataTransfer(); data.setData('text', '教育局\\n火星局\\n文旅局');
        const how = { clipboardData: data, bubbles: true, cancelable: true };
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', how)); }"""
    )
    expect(page.locator('[data-chips=""]')).to_contain_text("市教育局")
    expect(page.get_by_text("没有对上：火星局")).to_be_visible()
    page.get_by_role("button", name="泾川县文旅局", exact=True).click()
    expect(page.locator('[data-chips=""]')).to_contain_text("泾川县文旅局")
    page.locator("#form button.primary").click()
    page.wait_for_url("**/done")
    assert kit[1].posts[0]["pasted"] == ["火星局"]


def test_files_go_up_and_the_form_waits_for_them(page: Page, kit: tuple[str, Ledger]) -> None:
    kit[1].slow_s = 0.4
    page.set_input_files("#files", FilePayload(name="新.txt", mimeType="text/plain", buffer=b"hello"))
    page.locator("#form button.primary").click()
    expect(page.locator("#form button.primary")).to_contain_text("传完自动发出")
    page.wait_for_url("**/done")
    assert kit[1].files == ["csrf-1 hello"]
    assert kit[1].posts[0]["attachment"] == ["f1", "up-1"]


def test_a_lost_upload_is_tried_again_and_a_wrong_one_refused(page: Page, kit: tuple[str, Ledger]) -> None:
    kit[1].upload_fails = 1
    page.set_input_files("#files", FilePayload(name="a.txt", mimeType="text/plain", buffer=b"again"))
    expect(page.get_by_text("网断了，通了就重传")).to_be_visible()
    expect(page.get_by_text("已传完", exact=False).last).to_be_visible(timeout=8000)
    assert (kit[1].upload_fails, kit[1].files) == (0, ["csrf-1 again"])
    page.set_input_files("#files", FilePayload(name="a.exe", mimeType="application/x", buffer=b"MZ"))
    expect(page.locator("[data-word].bad")).to_have_text("这种文件不能传，请换 PDF、OFD、DOCX、XLSX、TXT。")
    page.get_by_role("button", name="上移 a.txt").click()
    expect(page.locator("[data-file] [data-name]").first).to_have_text("a.txt")


def test_typed_text_survives_until_it_was_taken(page: Page, kit: tuple[str, Ledger]) -> None:
    page.fill("#why", "很长的说明")
    page.wait_for_timeout(600)
    page.reload()
    expect(page.locator("#why")).to_have_value("很长的说明")
    expect(page.get_by_text("上次没有交上的内容已填回。")).to_be_visible()
    page.route("**/send", lambda route: route.abort())
    page.locator("#form button.primary").click()
    page.wait_for_timeout(300)
    page.goto("/problem")
    page.goto("/kit")
    expect(page.locator("#why")).to_have_value("很长的说明")
    page.unroute("**/send")
    page.locator("#form button.primary").click()
    page.wait_for_url("**/done")
    assert kit[1].posts[0]["why"] == ["很长的说明"]
    page.goto("/kit")
    expect(page.locator("#why")).to_have_value("第一行")


def test_time_left_follows_the_servers_clock(page: Page) -> None:
    expect(page.locator("[data-until]")).to_have_text("还剩 1 天 2 小时")


def test_error_summary_takes_the_focus_and_leads_to_the_field(page: Page) -> None:
    expect(page.locator(".sumerr")).to_be_focused()
    page.get_by_role("link", name="手机少了 1 位").click()
    expect(page.locator("#phone")).to_be_focused()


def test_menus_close_on_escape(page: Page) -> None:
    summary = page.locator(".top-me")
    summary.click()
    expect(page.get_by_role("link", name="我的账号")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="我的账号")).to_be_hidden()
    expect(summary).to_be_focused()
