"""The demo page in a real browser: by click, by keyboard, without JavaScript, in three languages.

Whatever the browser's console says about the Content-Security-Policy, or any error in it, fails
the test; nothing here goes round the policy (axe runs by `page.evaluate`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.console.stage import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield made
        made.close()


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


def axe(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": _WCAG}}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def _slow_shop(stage: Demo) -> None:
    """The next refund takes a while, as it does in a real shop."""
    match = {"operation": "refundCreate"}
    stage.control("shopify", "faults", {"kind": "delay", "match": match, "seconds": 1.5})


def test_a_click_is_followed_to_its_end(visit: Open, stage: Demo) -> None:
    _slow_shop(stage)
    page = visit("/?ticket=1")
    page.get_by_role("button", name="Solve this ticket").click()
    expect(page.get_by_text("Working on it")).to_be_visible(timeout=2_000)
    expect(page.locator("#standing")).to_have_text("Made good", timeout=8_000)
    expect(page.locator("#row-1")).to_contain_text("Made good", timeout=3_000)
    expect(page.get_by_text("Reply to the customer")).to_be_visible(timeout=4_000)
    expect(page.get_by_text("Both books agree.")).to_be_visible()
    expect(page.locator("#live[hx-get]")).to_have_count(
        0, timeout=12_000
    )  # at rest: no more asking


def test_a_change_is_seen_within_two_seconds(visit: Open, stage: Demo) -> None:
    _slow_shop(stage)
    page = visit("/?ticket=2")
    page.get_by_role("button", name="Solve this ticket").click()
    end = time.monotonic() + 10
    while not stage.made_good("2") and time.monotonic() < end:
        time.sleep(0.02)
    expect(page.locator("#standing")).to_have_text("Made good", timeout=2_000)


def test_a_manager_approves(visit: Open) -> None:
    page = visit("/?ticket=16")
    page.get_by_role("button", name="Solve this ticket").click()
    approve = page.get_by_role("button", name="Approve as manager: Sam Okafor")
    approve.click(timeout=8_000)
    expect(page.locator("#standing")).to_have_text("Made good", timeout=8_000)


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
    expect(page.locator("#standing")).to_have_text("Made good", timeout=8_000)


def test_without_javascript(visit: Open) -> None:
    page = visit("/?ticket=5", java_script_enabled=False)
    page.get_by_role("button", name="Solve this ticket").click()
    expect(page).to_have_url(re.compile(r"/\?ticket=5$"))
    expect(page.locator("#standing")).to_have_text("Made good", timeout=12_000)  # refreshes itself


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
