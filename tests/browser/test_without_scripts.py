"""Scripts switched off: the main pages are whole, and their forms do what they say."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Opener
from tests.browser.house import House, cast, local, prepared, serving
from tests.browser.steps import Called

pytestmark = pytest.mark.browser

PLAIN = {"viewport": {"width": 1366, "height": 768}, "java_script_enabled": False}
PLAIN_PHONE = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False}
TITLE = "全市防汛抗旱工作调度会"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The service with the cast."""
    folder = tmp_path_factory.mktemp("without-scripts")
    prepared(folder, cast)
    with serving(folder) as house:
        yield house


def plain(opened: Opener, house: House, login: str, **options: object) -> Page:
    """Somebody's browser without scripts, signed in."""
    page = opened(base_url=house.address, **(options or PLAIN)).new_page()
    steps.sign_in(page, login)
    return page


@pytest.mark.parametrize(
    ("login", "paths"),
    [
        ("wujia", ("/", "/meetings?tab=organised", "/meetings/new", "/groups", "/account", "/search?q=会议")),
        ("hesz", ("/", "/inbox", "/meetings", "/groups/new", "/account/password")),
        ("qiaolei", ("/", "/units", "/units/all", "/units/people", "/units/620001", "/units/new", "/units/import", "/messages")),
    ],
)
@pytest.mark.parametrize("options", [PLAIN, PLAIN_PHONE], ids=["1366", "390"])
def test_pages_are_whole(house: House, opened: Opener, login: str, paths: tuple[str, ...], options: dict[str, object]) -> None:
    page = plain(opened, house, login, **options)
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(".js-only:visible")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def publish(page: Page) -> Called:
    """Write a notice with its list of units as lines."""
    page.goto("/meetings/new")
    page.get_by_label("会议名称").fill(TITLE)
    page.get_by_label("开始", exact=True).fill(local(5, "15:00"))
    page.get_by_label("地点", exact=True).fill("市政府四楼会议室")
    page.get_by_label("各区政府").check()
    page.get_by_label(re.compile("^粘贴或填写单位")).fill("市气象局\n市文旅局\n市档案馆")
    page.get_by_label(re.compile("^除去这些单位")).fill("市档案馆")
    page.get_by_role("button", name="检查").first.click()
    expect(page.locator("#checks")).to_contain_text("4 个单位")
    expect(page.get_by_label("会议名称")).to_have_value(TITLE)
    steps.send_button(page).click()
    return steps.published(page, TITLE)


def test_the_main_forms(house: House, opened: Opener) -> None:
    organiser, north, south = (plain(opened, house, login) for login in ("wujia", "hesz", "gaoming"))
    called = publish(organiser)
    north.goto(called.unit)
    steps.fill_row(north.locator("#principal-come"), ("马文斌", "区长", "13800006012"))
    north.get_by_role("button", name="签收并报名").click()
    expect(north.get_by_role("status").first).to_contain_text("已报名，1 人参加")
    south.goto(called.unit)
    role = south.locator("#role-principal")
    role.get_by_role("radio", name="请假，由人替会").check()
    role.get_by_label("请假人").fill("高建国")
    role.get_by_label("请假原因").fill("赴兰州参加全省会议")
    steps.fill_row(role.locator("[data-leave-standin]"), steps.DU)
    south.get_by_role("button", name="签收并报名").click()
    expect(south.get_by_role("status").first).to_contain_text("请假待批")
    organiser.goto(called.progress)
    steps.approve_and_chase(organiser)
    expect(steps.count(organiser, "已报名")).to_have_text("2")


def test_a_question_is_a_page_of_its_own(house: House, opened: Opener) -> None:
    page = plain(opened, house, "wujia")
    called = publish(page)
    page.goto(called.progress)
    page.locator("summary", has_text="更多").first.click()
    page.get_by_role("link", name="取消会议").click()
    expect(page.locator("h1")).to_contain_text("取消")
    page.locator("form.dlg textarea, form.dlg input[name=reason]").first.fill("主要领导另有安排")
    page.locator("form.dlg button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("会议已取消")
