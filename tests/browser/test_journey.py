"""A city answers a meeting notice, in a real browser against the real service: the story of the whole module.

The organiser sends to two groups without one unit; a secretary signs and enters two people with the keyboard alone; another asks
leave with a stand-in; the organiser sees both without reloading, approves, chases, changes the time, takes the lists home. Then
the same with a telephone, and the bad days: a double click, the back button, a service that stops while somebody types.
"""

import json
import re
from collections.abc import Iterator
from itertools import count as numbers
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from python_calamine import CalamineWorkbook

from tests.browser import steps
from tests.browser.conftest import Opener
from tests.browser.house import House, cast, prepared, serving
from tests.browser.steps import Called

pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1366, "height": 768}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
COMING = {"马文斌", "孙立民", "杜晓燕"}
_numbers = numbers(1)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The service with its worker, and the cast in it."""
    folder = tmp_path_factory.mktemp("journey")
    prepared(folder, cast)
    with serving(folder, work=True) as house:
        yield house


@pytest.fixture
def title() -> str:
    """A title of its own for each test's meeting."""
    return f"文物保护工作会议之{next(_numbers)}"


def desk(opened: Opener, house: House, login: str, **options: object) -> Page:
    """Somebody's own browser, signed in."""
    page = opened(base_url=house.address, **(options or DESK)).new_page()
    steps.sign_in(page, login)
    return page


def publish(page: Page, title: str) -> Called:
    """Write the notice and send it."""
    steps.compose(page, title)
    steps.send_button(page).click()
    return steps.published(page, title)


def watch(page: Page, called: Called) -> None:
    """Open the organiser's page and mark it: the mark is gone when the page is loaded again."""
    page.goto(called.progress)
    expect(page.locator("[data-live-mark]").first).to_contain_text("实时")
    page.evaluate("() => { document.body.dataset.mark = 'stayed'; }")


def sees(page: Page, coming: str, none: str, asked: str) -> None:
    """The counts of the page that has stayed open."""
    for word, figure in (("已报名", coming), ("没有答复", none), ("请假待批", asked)):
        expect(steps.count(page, word)).to_have_text(figure)
    assert page.locator("body").get_attribute("data-mark") == "stayed", "the page was loaded again"


def spooled(house: House, title: str) -> list[tuple[str, str]]:
    """Mobile and text of every SMS about the meeting."""
    found = [json.loads(f.read_text(encoding="utf-8")) for f in (house.folder / "spool").rglob("*.json")]
    return [(one["mobile"], one["text"]) for one in found if title in one["text"]]


def told(house: House, title: str, word: str) -> set[str]:
    """Who was told of something."""
    return {mobile for mobile, text in spooled(house, title) if word in text}


def check_lists(page: Page, called: Called, folder: Path) -> None:
    """The workbook and the printed list name exactly those who come."""
    page.goto(called.progress)
    rows = CalamineWorkbook.from_path(steps.download(page, "Excel", folder)).get_sheet_by_index(0).to_python()
    head = next(i for i, row in enumerate(rows) if "姓名" in row)
    at = rows[head].index("姓名")
    assert sorted(str(row[at]) for row in rows[head + 1 :] if row[at]) == sorted(COMING)
    sheet = pypdfium2.PdfDocument(steps.download(page, "打印名单", folder))
    text = "\n".join(sheet[i].get_textpage().get_text_range() for i in range(len(sheet)))
    sheet.close()
    mobiles = set(re.findall(r"1\d{10}", re.sub(r"(?<=\d) (?=\d)", "", text)))
    assert mobiles == {"13800006012", "13900002206", "13800004417"}
    assert all(name in text for name in COMING)


def test_the_whole_story(house: House, opened: Opener, title: str, tmp_path: Path) -> None:
    organiser, other = desk(opened, house, "wujia"), opened(base_url=house.address, **DESK).new_page()
    called = publish(organiser, title)
    watch(organiser, called)
    sees(organiser, "0", "4", "0")
    steps.sign_in_by_keys(other, "hesz")
    steps.answer_by_keys(other, called)
    sees(organiser, "1", "3", "0")
    south = desk(opened, house, "gaoming")
    steps.ask_leave(south, called)
    sees(organiser, "1", "2", "1")
    expect(organiser.locator(".lv")).to_contain_text("杜晓燕")
    steps.approve_and_chase(organiser)
    steps.change_the_time(organiser, called)
    watch(organiser, called)
    for page in (other, south):
        steps.confirm(page, called)
    organiser.goto(called.progress)
    expect(organiser.locator("main")).not_to_contain_text("个单位没有确认")
    watch(organiser, called)
    sees(organiser, "2", "2", "0")
    check_lists(organiser, called, tmp_path)
    clerks = {"13900003158", "13800001932", "13700002648", "13500000012"}
    assert steps.within(10, lambda: told(house, title, "改为") == clerks), spooled(house, title)
    assert {mobile for mobile, _ in spooled(house, title)} >= clerks
    assert "13500000013" not in {mobile for mobile, _ in spooled(house, title)}
    assert list((house.folder / "spool").rglob("*.eml"))


def test_the_same_on_a_telephone(house: House, opened: Opener, title: str, tmp_path: Path) -> None:
    organiser = desk(opened, house, "wujia", **PHONE)
    called = publish(organiser, title)
    watch(organiser, called)
    north, south = desk(opened, house, "hesz", **PHONE), desk(opened, house, "gaoming", **PHONE)
    steps.answer(north, called)
    sees(organiser, "1", "3", "0")
    steps.ask_leave(south, called)
    sees(organiser, "1", "2", "1")
    steps.approve_and_chase(organiser)
    steps.change_the_time(organiser, called)
    for page in (north, south):
        steps.confirm(page, called)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    organiser.goto(called.progress)
    expect(steps.count(organiser, "已报名")).to_have_text("2")
    leader = desk(opened, house, "mawb", **PHONE)
    leader.goto(called.unit)
    expect(leader.locator("main")).to_contain_text("马文斌")


def test_a_double_click_sends_once(house: House, opened: Opener, title: str) -> None:
    page = desk(opened, house, "wujia")
    steps.compose(page, title)
    steps.send_button(page).dblclick()
    steps.published(page, title)
    page.goto("/meetings?tab=organised")
    expect(page.get_by_role("link", name=title)).to_have_count(1)


def test_back_after_signing(house: House, opened: Opener, title: str) -> None:
    called = publish(desk(opened, house, "wujia"), title)
    page = desk(opened, house, "hesz")
    steps.answer(page, called)
    page.go_back()
    expect(page.locator("h1")).to_contain_text(title)
    button = page.get_by_role("button", name=re.compile("签收并报名|保存修改"))
    expect(button).to_be_enabled()
    button.click()
    expect(page.locator(".flash, .sumerr").first).to_be_visible()
    page.goto(called.unit)
    expect(page.locator("[data-people-total]")).to_have_text("2")


def away(context: BrowserContext, complaints: list[str]) -> None:
    """Take out what a console says of a service that is not there."""
    context.pages[0].wait_for_timeout(200)
    complaints[:] = [c for c in complaints if not re.search(r"ERR_|compose:|keep:|Failed to fetch", c)]


def test_the_service_stops_while_an_answer_is_typed(house: House, opened: Opener, title: str, complaints: list[str]) -> None:
    called = publish(desk(opened, house, "wujia"), title)
    page = desk(opened, house, "gaoming")
    steps.write_leave(page, called)
    page.wait_for_timeout(600)  # what is typed is kept once typing pauses
    house.stop()
    page.get_by_role("button", name="签收并报名").click()
    page.wait_for_timeout(500)
    house.start()
    page.goto(called.unit)
    role = page.locator("#role-principal")
    expect(role.get_by_label("请假原因")).to_have_value("赴兰州参加全省会议")
    expect(role.locator("[data-leave-standin] [data-part=name]")).to_have_value("杜晓燕")
    page.get_by_role("button", name="签收并报名").click()
    expect(page.get_by_role("status").first).to_contain_text("请假待批")
    away(page.context, complaints)


def test_the_service_stops_while_a_notice_is_written(house: House, opened: Opener, title: str, complaints: list[str]) -> None:
    page = desk(opened, house, "wujia")
    steps.compose(page, title)
    house.stop()
    page.get_by_label("地点", exact=True).fill("文化馆报告厅")
    expect(page.locator("[data-saved]")).to_contain_text("没有存上，内容还在本页")
    house.start()
    expect(page.get_by_label("地点", exact=True)).to_have_value("文化馆报告厅")
    steps.send_button(page).click()
    steps.published(page, title)
    expect(page.locator(".head")).to_contain_text("文化馆报告厅")
    away(page.context, complaints)
