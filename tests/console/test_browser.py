"""The demo page in a real browser: by click, by keyboard, without JavaScript, in three languages.

Whatever the browser's console says about the Content-Security-Policy, or any error in it, fails
the test; nothing here goes round the policy (axe runs by `page.evaluate`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.browsing import axe, chromium, overflow
from tests.console.stage import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("demo"))
    yield made
    made.close()


@pytest.fixture
def visit(browser: Browser, stage: Demo) -> Iterator[Open]:
    """Open a path in a fresh context; at the end its console must have been silent."""
    said: list[str] = []
    contexts = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    def visit(path: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(stage.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []


def test_a_click_is_followed_to_its_end(visit: Open, stage: Demo) -> None:
    stage.hold("shopify", operation="refundCreate")
    page = visit("/?ticket=1")
    page.get_by_role("button", name="Solve this ticket").click()
    expect(page.get_by_text("Working on it")).to_be_visible()
    stage.let_go("shopify")
    expect(page.locator("#standing")).to_have_text("Made good")
    expect(page.locator("#row-1")).to_contain_text("Made good")
    expect(page.get_by_text("Reply to the customer")).to_be_visible()
    expect(page.get_by_text("Both books agree.")).to_be_visible()
    expect(page.locator("#live[hx-get]")).to_have_count(0)  # at rest: no more asking


def test_a_change_is_seen_within_two_seconds(visit: Open, stage: Demo) -> None:
    """Two seconds by the page's own clock, which stands while the refund is made."""
    stage.hold("shopify", operation="refundCreate")
    page = visit("/?ticket=2")
    asking = set[Request]()
    page.on("request", lambda request: asking.add(request))
    page.on("requestfinished", lambda request: asking.discard(request))
    page.clock.install()
    page.reload()
    page.get_by_role("button", name="Solve this ticket").click()
    expect(page.get_by_text("Working on it")).to_be_visible()
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    stage.let_go("shopify")
    stage.until(lambda: stage.made_good("2"), "the refund")
    while asking:  # what was asked before that is answered first
        page.wait_for_timeout(50)
    page.clock.run_for(2_000)
    expect(page.locator("#standing")).to_have_text("Made good")


def test_a_manager_approves(visit: Open) -> None:
    page = visit("/?ticket=16")
    page.get_by_role("button", name="Solve this ticket").click()
    approve = page.get_by_role("button", name="Approve as manager: Sam Okafor")
    approve.click()
    expect(page.locator("#standing")).to_have_text("Made good")


def test_by_keyboard_alone(visit: Open) -> None:
    page = visit("/?ticket=3")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "solve":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#standing")).to_have_text("Made good")


def test_without_javascript(visit: Open) -> None:
    page = visit("/?ticket=5", java_script_enabled=False)
    page.get_by_role("button", name="Solve this ticket").click()
    expect(page).to_have_url(re.compile(r"/\?ticket=5$"))
    expect(page.locator("#standing")).to_have_text("Made good")  # refreshes itself


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("dark", 320), ("light", 1280)])
def test_anybody_can_use_it(
    visit: Open, stage: Demo, language: str, scheme: str, width: int
) -> None:
    for ticket, ending in (("4", "Both books agree."), ("12", "What to do:")):
        if stage.status(ticket) != "solved":
            stage.world.solve(ticket)
        stage.page(ticket, ending)
    size = {"width": width, "height": 900}
    paths = [f"/?ticket=4&lang={language}", f"/?ticket=12&lang={language}"]
    if width < 992:  # below, the list is a page of its own
        paths.append(f"/?lang={language}")
    for path in paths:
        page = visit(path, viewport=size, color_scheme=scheme)
        assert axe(page) == []
        assert overflow(page) == 0
