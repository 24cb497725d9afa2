"""What people do in the browser, step by step, in the words of their pages; shared by the journeys."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Locator, Page, expect

from tests.browser.house import PASSWORD, local

PDF = b"%PDF-1.4\n" + b"a page\n" * 50
SUN = ("孙立民", "文物科科长", "13900002206")
DU = ("杜晓燕", "办公室主任", "13800004417")


class Called(NamedTuple):
    """A meeting that was published."""

    id: int
    title: str

    @property
    def progress(self) -> str:
        """The organiser's page."""
        return f"/meetings/{self.id}/progress"

    @property
    def unit(self) -> str:
        """The invited unit's page."""
        return f"/meetings/{self.id}"


def sign_in(page: Page, login: str) -> None:
    """With name and password, from the sign-in page to 今日."""
    page.goto("/sign-in")
    page.get_by_label("手机号或账号").fill(login)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("header.top")).to_be_visible()


def compose(page: Page, title: str) -> None:
    """Fill in a notice to both groups without 市档案馆, with one attachment; nothing is sent."""
    page.goto("/meetings/new")
    page.get_by_label("会议名称").fill(title)
    page.get_by_label("开始", exact=True).fill(local(5, "15:00"))
    page.get_by_label(re.compile("^答复时限")).fill(local(3, "12:00"))
    page.get_by_label("地点", exact=True).fill("市政府四楼会议室")
    groups = page.locator("[data-groups]")
    groups.get_by_role("button", name="各区政府").click()
    groups.get_by_role("button", name="市直部门").click()
    page.locator(".chip.grp", has_text="市直部门").get_by_role("button").first.click()
    page.get_by_role("treeitem", name="市档案馆").click()
    expect(page.locator(".chip.out")).to_contain_text("市档案馆")
    page.locator("input[type=file]").set_input_files({"name": "会议方案.pdf", "mimeType": "application/pdf", "buffer": PDF})
    expect(page.locator(".files")).to_contain_text("会议方案.pdf")
    expect(page.locator("input[name=attachment]")).to_have_count(1)
    expect(send_button(page)).to_contain_text("发送给 4 个单位")


def send_button(page: Page) -> Locator:
    """The one primary button of the page that writes a notice."""
    return page.get_by_role("button", name=re.compile("^发送给"))


def published(page: Page, title: str) -> Called:
    """The meeting of the progress page that publishing leads to."""
    expect(page.get_by_role("status").first).to_contain_text("已发给 4 个单位")
    expect(page.locator("h1")).to_contain_text(title)
    found = re.search(r"/meetings/(\d+)/progress", page.url)
    assert found, page.url
    return Called(int(found[1]), title)


def count(page: Page, word: str) -> Locator:
    """One of the four counts of the organiser's page."""
    return page.locator(".facts li", has=page.locator(".k", has_text=re.compile(f"^{word}"))).locator("a.v")


# --- the keyboard alone ---------------------------------------------------------------------------------------------------


def tab_to(page: Page, place: Locator, most: int = 150) -> None:
    """Press Tab until the focus is there, and see that it is shown."""
    expect(place).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Tab")
        if place.evaluate("(e) => e === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {place}")


def sign_in_by_keys(page: Page, login: str) -> None:
    """The same as `sign_in`, without a mouse."""
    page.goto("/sign-in")
    tab_to(page, page.get_by_label("手机号或账号"))
    page.keyboard.type(login)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("header.top")).to_be_visible()


def answer_by_keys(page: Page, called: Called) -> None:
    """From 今日: open, take the leader from the chips, type a second person, sign and register; only keys."""
    tab_to(page, page.get_by_role("link", name=re.compile(f"^去报名.*{called.title}")))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(called.title)
    role = page.locator("#role-principal")
    tab_to(page, role.get_by_role("button", name=re.compile("马文斌")))
    page.keyboard.press("Enter")
    expect(role.locator("[data-part=name]").first).to_have_value("马文斌")
    tab_to(page, page.locator("#role-staff").get_by_role("button", name="其他人"))
    page.keyboard.press("Enter")
    expect(page.locator("#role-staff [data-part=name]")).to_be_focused()
    for at, text in enumerate(SUN):
        if at:
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    expect(page.locator("[data-people-total]")).to_have_text("2")
    tab_to(page, page.get_by_label("附件稍后再看"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="签收并报名"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("已报名，2 人参加")


# --- by hand --------------------------------------------------------------------------------------------------------------


def fill_row(rows: Locator, person: Sequence[str]) -> None:
    """Type name, position and mobile into the first row."""
    for part, text in zip(("name", "position", "mobile"), person, strict=True):
        rows.locator(f"[data-part={part}]").first.fill(text)


def answer(page: Page, called: Called) -> None:
    """The same answer with a pointer."""
    page.goto(called.unit)
    page.locator("#role-principal").get_by_role("button", name=re.compile("马文斌")).click()
    page.locator("#role-staff").get_by_role("button", name="其他人").click()
    fill_row(page.locator("#role-staff"), SUN)
    page.get_by_text("附件稍后再看").click()
    page.get_by_role("button", name="签收并报名").click()
    expect(page.get_by_role("status").first).to_contain_text("已报名，2 人参加")


def write_leave(page: Page, called: Called) -> None:
    """高建国 asks leave, 杜晓燕 stands in; nothing is sent."""
    page.goto(called.unit)
    role = page.locator("#role-principal")
    role.get_by_role("radio", name="请假，由人替会").check()
    role.get_by_label("请假人").fill("高建国")
    role.locator("[name=principal_who_position]").fill("副区长")
    role.get_by_label("请假原因").fill("赴兰州参加全省会议")
    fill_row(role.locator("[data-leave-standin]"), DU)
    expect(page.locator("[data-leave-sum]")).to_contain_text("高建国，由杜晓燕替会")
    page.get_by_text("附件稍后再看").click()


def ask_leave(page: Page, called: Called) -> None:
    """The same, sent."""
    write_leave(page, called)
    page.get_by_role("button", name="签收并报名").click()
    expect(page.get_by_role("status").first).to_contain_text("请假待批")


def confirm(page: Page, called: Called) -> None:
    """See the old and the new time, and confirm."""
    page.goto("/")
    page.get_by_role("link", name=re.compile(f"^去确认.*{called.title}")).click()
    expect(page.locator(".flash .was")).to_contain_text("15:00")
    expect(page.locator(".flash b.num")).to_contain_text("15:30")
    page.get_by_role("button", name="确认，报名不变").click()
    expect(page.locator("main")).to_contain_text("已确认第 2 版")


def approve_and_chase(page: Page) -> None:
    """On the organiser's page: agree to the one leave, chase the two units that are left."""
    page.get_by_role("button", name=re.compile("^同意")).click()
    expect(page.get_by_role("status").first).to_contain_text("已同意高建国请假")
    page.get_by_role("button", name="催办 2 个单位").click()
    expect(page.get_by_role("status").first).to_contain_text("已催 2 个单位")


def change_the_time(page: Page, called: Called) -> None:
    """Half an hour later; all four are told, two must confirm."""
    page.goto(called.progress)
    page.get_by_role("link", name="改时间地点").click()
    page.get_by_label("开始", exact=True).fill(local(5, "15:30"))
    expect(page.locator("#checks")).to_contain_text("已答复的 2 个单位要再确认")
    page.get_by_role("button", name="把变更发给 4 个单位").click()
    expect(page.locator("main")).to_contain_text("2 个单位没有确认")


def within(seconds: float, look: Callable[[], bool]) -> bool:
    """Whether `look` comes true in time."""
    until = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return seen


def download(page: Page, name: str, folder: Path) -> Path:
    """Press a link that downloads, keep the file."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path
