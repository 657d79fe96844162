"""The customer's page in a real browser: by click, by keyboard, without JavaScript, in three
languages, narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import Visits, axe, chromium, overflow, picture
from tests.console.choice.sending import offers, send
from tests.core.message.test_hostile import SEEDS
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NARROW, WIDE = {"width": 320, "height": 700}, {"width": 1200, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    store = open_store("sqlite", tmp_path)
    with rigged(store) as made:
        yield made
    store.close()


@pytest.fixture
def visit(browser: Browser, rig: Rig) -> Iterator[Visits]:
    visits = Visits(browser, rig.of.settings.public_url)
    yield visits
    assert visits.close() == []


def settle(rig: Rig, page: Page) -> None:
    """What was chosen has arrived; let Amends give it."""
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    rig.settle()


def test_a_click_is_followed_to_the_gift(rig: Rig, visit: Visits) -> None:
    page = visit(f"/choose/{send(rig)}", viewport=NARROW)
    button = page.locator("button.chosen")
    expect(button).to_have_text("Choose one above", use_inner_text=True)
    page.get_by_text("Gift card", exact=True).click()
    expect(page.get_by_role("button", name="Choose: Gift card 15.00 EUR")).to_be_visible()
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. We are on it.")
    rig.settle()
    expect(page.get_by_role("heading", level=1)).to_have_text("It is done. Thank you.")
    picture_ = page.get_by_alt_text("The same code as a QR")
    expect(picture_).to_be_visible()
    assert picture_.evaluate("image => image.complete && image.naturalWidth > 0")
    assert page.locator("#live[hx-get]").count() == 0  # at rest: no more asking
    assert axe(page) == []
    picture(page, "choice-gift-320")


def test_the_code_can_be_copied(rig: Rig, visit: Visits) -> None:
    context = visit.context(permissions=["clipboard-read", "clipboard-write"])
    page = visit(f"/choose/{send(rig)}", context)
    page.locator("#option-4").check()
    page.locator("button.chosen").click()
    settle(rig, page)
    button = page.get_by_role("button", name="Copy the code")
    button.click()
    expect(page.get_by_text("Copied")).to_be_visible()
    (coupon,) = rig.shop.get("books")["discounts"]
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.lower() == coupon["code"].lower()


def test_without_javascript(rig: Rig, visit: Visits) -> None:
    page = visit(f"/choose/{send(rig)}", java_script_enabled=False, viewport=NARROW)
    page.locator("button.chosen").click()  # nothing is marked: the browser itself says so
    assert page.locator(".option").count() == 4
    page.locator("#option-2").check()
    page.locator("button.chosen").click()
    expect(page.get_by_role("link", name="Look again")).to_be_visible()
    rig.settle()
    expect(page.locator(".gift .letters")).to_be_visible()  # refreshes itself
    expect(page.get_by_role("button", name="Copy the code")).to_be_hidden()


def test_by_keyboard_alone(rig: Rig, visit: Visits) -> None:
    page = visit(f"/choose/{send(rig)}")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "option":
            break
    page.keyboard.press("ArrowDown")
    expect(page.locator("#option-2")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settle(rig, page)
    expect(page.locator(".gift")).to_be_visible()


def test_two_tabs_and_the_way_back(rig: Rig, visit: Visits) -> None:
    context = visit.context()
    path = f"/choose/{send(rig)}"
    first, second = visit(path, context), visit(path, context)
    first.locator("#option-1").check()
    second.locator("#option-3").check()
    first.locator("button.chosen").click()
    expect(first.get_by_text("We are preparing this for you.")).to_be_visible()
    first.go_back()
    first.reload()
    expect(first.locator("form")).to_have_count(0)
    second.locator("button.chosen").click()
    expect(second.get_by_role("alert")).to_contain_text("What you chose first stays")
    expect(second.get_by_role("heading", level=2)).to_contain_text("Refund")
    rig.settle()
    assert len(rig.refunds()) == 1
    assert "status of 409" in visit.said.pop()  # the browser's own remark about the answer


@pytest.mark.parametrize(
    ("language", "scheme"), [("ar", "light"), ("en", "dark"), ("en", "light"), ("fa", "dark")]
)
def test_anybody_can_use_it(rig: Rig, visit: Visits, language: str, scheme: str) -> None:
    path = f"/choose/{send(rig)}?lang={language}"
    for size in (NARROW, WIDE):
        page = visit(path, viewport=size, color_scheme=scheme)
        page.locator("#option-2").check()
        assert axe(page) == []
        assert overflow(page) == 0
        picture(page, f"choice-{language}-{scheme}-{size['width']}")
    page.locator("button.chosen").click()
    expect(page.locator("#live")).to_be_visible()
    assert axe(page) == []
    rig.settle()
    for size in (NARROW, WIDE):
        page = visit(path, viewport=size, color_scheme=scheme)
        assert axe(page) == []
        assert overflow(page) == 0
        picture(page, f"choice-gift-{language}-{scheme}-{size['width']}")


def test_words_of_others_run_nothing(rig: Rig, visit: Visits) -> None:
    token = send(rig)
    assert len(offers(rig)) == 4
    for seed in SEEDS[:24]:
        name = seed.encode("utf-8", "replace").decode().replace("\x00", "")[:60]
        if not name.strip():
            continue
        rig.options(brand={"name": name, "colour": "#ffffff"}, sign_off=name)
        rig.of.hosts.forget(rig.stage.desk_id)
        page = visit(f"/choose/{token}", viewport=NARROW)
        page.on("dialog", lambda dialog: visit.said.append(f"dialog {dialog.message}"))
        assert overflow(page) == 0
        assert page.locator("script").count() == 0
        page.close()
