"""How the sidebar looks and reads: two helpdesks, light and dark, three languages, narrow and wide;
for eyes, for a screen reader, and in few bytes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browsing import axe, chromium, overflow
from tests.console.sidebar.browsing import ROOT, Desk, desk, shot, styled
from tests.console.sidebar.stage import Sidebar

STATIC = ROOT / "console" / "static"
_MOST_BYTES = 60_000

#: From the helpdesks' own design: text, background, primary button, border, focus, radius.
TOKENS = {
    ("zendesk", "light"): ("rgb(41, 50, 57)", "rgb(255, 255, 255)", "rgb(31, 115, 183)"),
    ("zendesk", "dark"): ("rgb(216, 220, 222)", "rgb(21, 26, 30)", "rgb(38, 148, 214)"),
    ("freshdesk", "light"): ("rgb(24, 50, 71)", "rgb(255, 255, 255)", "rgb(18, 52, 77)"),
    ("freshdesk", "dark"): ("rgb(216, 220, 222)", "rgb(21, 26, 30)", "rgb(111, 155, 240)"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidebar]:
    made = Sidebar(tmp_path_factory.mktemp("looks"))
    made.policy()
    made.world.solve("10")
    made.world.solve("4")
    made.until(lambda: made.cases("10") and made.cases("4"), "two cases")
    made.until(lambda: made.cases("4")[-1].outcome is not None, "the refund")
    yield made
    made.close()


@pytest.fixture
def at(browser: Browser, stage: Sidebar) -> Iterator[Desk]:
    with desk(browser, stage) as made:
        yield made


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(  # every two of these meet
    ("language", "skin", "theme", "width"),
    [
        ("ar", "freshdesk", "dark", 400),
        ("ar", "zendesk", "light", 320),
        ("en", "freshdesk", "light", 320),
        ("en", "zendesk", "dark", 320),
        ("en", "zendesk", "light", 400),
        ("fa", "freshdesk", "light", 400),
        ("fa", "zendesk", "dark", 320),
    ],
)
def test_anybody_can_read_and_use_it(
    at: Desk, language: str, skin: str, theme: str, width: int
) -> None:
    for ticket in ("2", "4", "10"):
        page = at.open(ticket, width=width, locale=language, skin=skin, theme=theme)
        if page.locator(".because summary").count():
            page.locator(".because summary").click()
            expect(page.locator(".because li").nth(1)).to_be_visible()
        shot(page, f"{ticket}-{skin}-{theme}-{width}-{language}")
        assert axe(page) == [], ticket
        assert overflow(page) == 0, ticket
        root = page.locator("html")
        assert root.get_attribute("lang") == language
        assert root.get_attribute("dir") == ("ltr" if language == "en" else "rtl")
        size, line = styled(page, "body", "font-size", "line-height")
        assert (size, line) == (("14px", "20px") if language == "en" else ("16px", "25.6px"))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(("skin", "theme"), sorted(TOKENS))
def test_it_is_at_home_in_each_helpdesk(at: Desk, skin: str, theme: str) -> None:
    page = at.open("1", skin=skin, theme=theme)
    text, ground, primary = TOKENS[skin, theme]
    assert styled(page, "body", "color", "background-color") == [text, ground]
    assert styled(page, "#give-button", "background-color", "border-radius") == [primary, "4px"]
    page.keyboard.press("Tab")
    width, style = styled(page, ":focus-visible", "outline-width", "outline-style")
    assert (width, style) == ("1px" if skin == "freshdesk" else "2px", "solid")


@pytest.mark.browser
@pytest.mark.slow
def test_every_control_is_large_enough_to_hit(at: Desk) -> None:
    page = at.open("2")
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, summary, select, label.option, textarea')]
            .filter(e => e.checkVisibility())
            .map(e => [e.textContent.trim().slice(0, 20), e.getBoundingClientRect().height])
            .filter(([_, height]) => height < 24)"""
    )
    assert small == []


@pytest.mark.browser
@pytest.mark.slow
def test_the_usual_case_needs_no_scrolling(at: Desk) -> None:
    page = at.open("1")
    expect(page.locator("#give-button")).to_be_in_viewport(ratio=1)


@pytest.mark.browser
@pytest.mark.slow
def test_a_skeleton_holds_the_place_while_facts_come(at: Desk, stage: Sidebar) -> None:
    stage.hold("zendesk", path="/api/v2/tickets*")
    page = at.frame("1")
    expect(page.locator(".skeleton")).to_be_visible()
    expect(page.locator("#amends")).to_have_attribute("aria-busy", "true")
    assert axe(page) == []
    stage.let_go("zendesk")
    expect(page.locator("#panel")).to_be_visible()
    expect(page.locator("#amends")).not_to_have_attribute("aria-busy", "true")


def test_scripts_and_styles_are_small() -> None:
    files = [
        "sidebar/sidebar.js",
        "sidebar/sidebar.css",
        "sidebar/zendesk.js",
        "vendor/htmx.min.js",
    ]
    sizes = {name: len(gzip.compress((STATIC / name).read_bytes())) for name in files}
    assert sum(sizes.values()) <= _MOST_BYTES, sizes


def test_nothing_is_pinned_to_left_or_right() -> None:
    css = (STATIC / "sidebar" / "sidebar.css").read_text(encoding="utf-8")
    sides = r"(?<![-\w])(?:margin-|padding-|border-)?(?:left|right)\s*:"
    assert re.findall(sides, css) == []
    assert re.findall(r"text-align:\s*(?:left|right)", css) == []
