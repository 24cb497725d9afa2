"""Chromium for the files of this folder, one a file; contexts whose pages must stay quiet."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, sync_playwright

from tests.browser.kit import CHROMIUM_ARGS

Opener = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the consoles of a test's pages said: errors, warnings, what the content policy stopped. A test may take lines out."""
    return []


@pytest.fixture
def opened(browser: Browser, complaints: list[str]) -> Iterator[Opener]:
    """Opens contexts, closes them at the end; the test fails if a console complained."""
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    def open_one(**options: Any) -> BrowserContext:
        context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **options)
        context.set_default_timeout(15_000)
        context.on("console", heard)
        context.on("weberror", lambda e: complaints.append(str(e.error)))
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
