"""A secretary receives documents, in a real browser: two clicks sign and register, a return is printed, also on a telephone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exchange import sending
from exchange.document import Contents
from exchange.sending import Attached
from ground.db import Database, Tx
from ground.directory.groups import Wanted
from ground.files import Store, record
from tests.browser import steps
from tests.browser.conftest import Opener
from tests.browser.house import House, cast, now, prepared, serving, utc
from tests.world import told

pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1366, "height": 650}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PLAIN = ("关于做好汛期值守的通知", "关于开展安全生产检查的通知", "关于报送工作总结的通知")
ATTACHED = ("关于报送排查清单的通知", "关于填报问题台账的通知")


async def fill(db: Database, store: Store) -> None:
    """The cast, and documents for the north: some with an attachment, some without."""
    city = await cast(db)
    stored = await store.put_bytes(steps.PDF)

    async def send(tx: Tx) -> None:
        sender = city.world.organiser
        for n, title in enumerate((*PLAIN, *ATTACHED)):
            files = [  # of its own: what is opened for one document is opened for all that carry the file
                (await record(tx, stored, name, unit=sender.unit_id, person=sender.person_id, at=now())).id
                for name in ("正文.pdf", "附件1.pdf")
            ]
            attached = Attached(files[0], (files[1],) if title in ATTACHED else ())
            new = Contents("通知", title, dated=now()[:10], sign_by=utc(1 + n, "18:00"))
            await sending.send(
                tx, sender, new, Wanted((city.world.districts,)), Wanted(), attached=attached, told=told(), now=now(),
                today=now()[:10],
            )  # fmt: skip

    await db.write(send)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The service with the documents in it."""
    folder = tmp_path_factory.mktemp("receiver")
    store = Store(folder / "files", max_bytes=1 << 20, min_free=0)
    prepared(folder, lambda db: fill(db, store))
    with serving(folder) as house:
        yield house


def begin(opened: Opener, house: House, **options: Any) -> Page:
    """The north's secretary at 今日."""
    page = opened(base_url=house.address, **options).new_page()
    steps.sign_in(page, "hesz")
    page.goto("/")
    return page


def open_it(page: Page, title: str) -> None:
    """Click one."""
    page.get_by_role("link", name=re.compile(f"^打开签收.*{title}")).click()
    expect(page.locator("h1")).to_contain_text(title)


def clean(page: Page) -> None:
    """Nothing that axe minds."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [one["id"] for one in found] == []


def test_two_clicks_sign_and_register_and_the_next_is_one_key_away(opened: Opener, house: House) -> None:
    page = begin(opened, house, **DESK)
    open_it(page, PLAIN[0])
    button = page.get_by_role("button", name="签收", exact=True)
    expect(button).to_be_in_viewport()
    clean(page)
    page.keyboard.press("s")
    expect(button).to_be_focused()
    button.click()
    said = page.get_by_role("status").first
    expect(said).to_contain_text(re.compile(r"已签收，收文号 \d{4}-0001。"))
    clean(page)
    page.keyboard.press("j")
    expect(page.locator("h1")).to_contain_text(PLAIN[1])
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text("收文")


def test_returned_with_the_checklist_and_printed(opened: Opener, house: House) -> None:
    page = begin(opened, house, **DESK)
    open_it(page, PLAIN[1])
    page.get_by_role("link", name="退回…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("12 缺附件或缺页").check()
    dialog.get_by_label("说明").fill("附件2只有表头，请补齐后重发。")
    dialog.get_by_role("button", name="退回").click()
    expect(page.locator("h1")).to_have_text("退文告知单")
    expect(page.locator("article")).to_contain_text("☑12 缺附件或缺页")
    clean(page)
    page.emulate_media(media="print")
    expect(page.locator("article")).to_be_visible()
    expect(page.locator("header.top")).to_be_hidden()


def test_an_unopened_attachment_is_led_to(opened: Opener, house: House) -> None:
    page = begin(opened, house, **DESK)
    open_it(page, ATTACHED[0])
    button = page.get_by_role("button", name="签收", exact=True)
    button.click()
    expect(page.locator("[data-unopened-said]")).to_be_focused()
    with page.expect_download():
        page.get_by_role("link", name="附件1.pdf").click()
    expect(page.locator("[data-unopened]")).to_have_count(0)
    button.click()
    expect(page.get_by_role("status").first).to_contain_text("已签收，收文号")


def test_on_a_telephone(opened: Opener, house: House) -> None:
    page = begin(opened, house, **PHONE)
    open_it(page, ATTACHED[1])
    clean(page)
    button = page.get_by_role("button", name="签收", exact=True)
    expect(button).to_be_in_viewport()
    button.tap()
    expect(page.locator("[data-unopened-said]")).to_be_in_viewport()
    page.get_by_label(re.compile("^稍后再看")).check()
    button.tap()
    expect(page.get_by_role("status").first).to_contain_text("已签收，收文号")
    page.goto("/")
    open_it(page, PLAIN[2])
    page.get_by_role("link", name="退回…").tap()
    page.get_by_label("23 不属本单位职责").check()
    page.get_by_label("说明").fill("请改送市应急管理局。")
    page.get_by_role("button", name="退回").tap()
    expect(page.locator("article")).to_contain_text("☑23 不属本单位职责")
    clean(page)
