"""What agents and approvers do in the sidebar, in a real browser: by click, by keyboard alone, with
two people, and what is seen of it while it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from core.case import CaseState, Outcome, Task
from core.payout import PayoutState
from tests.browsing import chromium
from tests.console.sidebar.browsing import Desk, desk, shot
from tests.console.sidebar.stage import Sidebar
from tests.webhooks.sidebar.panels import MANAGER

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidebar]:
    made = Sidebar(tmp_path_factory.mktemp("sidebar"))
    yield made
    made.close()


@pytest.fixture
def at(browser: Browser, stage: Sidebar) -> Iterator[Desk]:
    with desk(browser, stage) as made:
        yield made


@pytest.fixture
def choices(stage: Sidebar) -> Iterator[None]:
    """A policy that leaves something to choose, for one test."""
    stage.policy()
    time.sleep(1.1)  # options are read anew after a second
    yield
    stage.options(policy="online-shop")
    time.sleep(1.1)


def _made_good(page: Page) -> None:
    expect(page.locator("#now .state")).to_have_text("Made good")


def test_one_click_is_followed_to_its_end(at: Desk, stage: Sidebar) -> None:
    stage.hold("shopify", operation="refundCreate")
    page = at.open("1")
    page.get_by_role("button", name="Refund 5.20 GBP").click()
    asking = page.locator(".steps .busy")
    expect(asking).to_have_text("Asking Shopify to give 5.20 GBP.")
    shot(page, "journey-asking")
    stage.let_go("shopify")
    stage.until(lambda: _settled(stage, "1"), "the refund")
    expect(page.locator(".steps")).to_contain_text("Shopify confirmed at")
    expect(page.locator(".steps")).to_contain_text("The customer was answered")
    _made_good(page)
    expect(page.locator("#amends-said")).to_contain_text("Made good")
    page.get_by_text("What was written on the ticket").click()
    # The panel is brought up to date once more, and what was opened stays open.
    expect(page.get_by_text("Made good once before")).to_be_visible()
    expect(page.get_by_text("Reply to the customer")).to_be_visible()
    shot(page, "journey-made-good")


def _settled(stage: Sidebar, ticket: str) -> bool:
    return any(p.state is PayoutState.SETTLED for p in stage.payouts(ticket))


def test_an_impatient_double_click_posts_once(at: Desk, stage: Sidebar) -> None:
    page = at.open("20")
    posted: list[str] = []
    page.on("request", lambda r: posted.append(r.url) if r.method == "POST" else None)
    page.get_by_role("button", name="Refund 6.40 EUR").dblclick()
    page.evaluate("document.querySelector('#give')?.requestSubmit()")
    _made_good(page)
    assert len(posted) == 1
    assert len(stage.cases("20")) == 1


def test_by_keyboard_alone(at: Desk, stage: Sidebar) -> None:
    page = at.open("3")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "give-button":
            break
    expect(page.locator("#give-button")).to_be_focused()
    page.keyboard.press("Enter")
    _made_good(page)
    expect(page.locator("#now:focus-within")).to_have_count(1)
    assert stage.cases("3")[-1].outcome is Outcome.MADE_GOOD


def test_a_sum_is_slid_by_keyboard_and_given(at: Desk, stage: Sidebar, choices: None) -> None:
    page = at.open("7")  # 6,800 JPY, late
    slider = page.get_by_role("slider", name="How much")
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "340\xa0JPY"
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Refund 2,720 JPY")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "2,720\xa0JPY")
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowLeft")
    button = page.locator("#give-button")
    expect(button).not_to_have_text("Refund 2,720\xa0JPY")
    words = button.inner_text()
    assert words.removeprefix("Refund ") in page.locator("#letter").input_value()
    shot(page, "journey-slide")
    button.click()
    _made_good(page)
    (payout,) = stage.payouts("7")
    assert payout.amount is not None
    assert words == f"Refund {payout.amount.minor:,}\xa0JPY"


def test_another_choice_keeps_the_place_and_the_gift_card_looks_like_one(
    at: Desk, stage: Sidebar, choices: None
) -> None:
    page = at.open("8")  # 165 AED, damaged
    page.get_by_label("Store credit 49.50 AED").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Give 49.50 AED of store credit")).to_be_visible()
    expect(page.locator("#option-1")).to_be_focused()
    page.locator("#option-2").click()
    expect(page.locator(".card")).to_contain_text("57.75")
    assert "{code}" in page.locator("#letter").input_value()
    shot(page, "journey-gift-card")
    under_way: list[Route] = []
    page.route("**/preview?part=tone", lambda route: under_way.append(route))
    page.locator("#tone").select_option("brief")
    page.locator("#letter").fill("Our own words")  # while the answer is on its way
    while not under_way:
        page.wait_for_timeout(50)
    with page.expect_response("**/preview?part=tone"):
        under_way[0].continue_()
    page.unroute("**/preview?part=tone")
    expect(page.locator("#message")).to_be_visible()
    page.wait_for_timeout(100)
    expect(page.locator("#letter")).to_have_value("Our own words")
    page.locator("#option-0").click()
    expect(page.get_by_role("button", name="Refund 33.00 AED")).to_be_visible()
    expect(page.locator("#letter")).to_have_value("Our own words")
    page.get_by_role("button", name="Take ours again").click()
    expect(page.locator("#letter")).not_to_have_value("Our own words")
    expect(page.get_by_role("button", name="Refund 33.00 AED")).to_be_visible()


def test_one_asks_and_another_agrees_in_the_same_sidebar(at: Desk, stage: Sidebar) -> None:
    page = at.open("16")
    page.get_by_text("Add a note for whoever decides").click()
    page.get_by_label("Note").fill("Two tables, both scratched")
    expect(page.locator(".act .primary")).to_contain_text("Ask ⁨Sam Okafor⁩ to approve")
    page.locator(".act .primary").click()
    expect(page.locator("#now .state")).to_have_text("Waiting for ⁨Sam Okafor⁩ to approve")
    shot(page, "journey-waiting")
    other = at.open("16", MANAGER)
    expect(other.get_by_text("Two tables, both scratched")).to_be_visible()
    shot(other, "journey-approving")
    other.get_by_role("button", name="Approve: Refund 100.00 EUR").click()
    _made_good(other)
    expect(page.locator("#now .state")).to_have_text("Made good")
    expect(page.locator(".steps")).to_contain_text("agreed at")


def test_the_customer_is_let_choose(at: Desk, stage: Sidebar, choices: None) -> None:
    page = at.open("5")
    page.get_by_role("button", name="Let the customer choose").click()
    expect(page.locator("#now .state")).to_have_text("The customer is choosing")
    assert stage.cases("5")[-1].state is CaseState.WAITING_CUSTOMER


def test_a_task_of_the_ticket_is_seen_and_done(at: Desk, stage: Sidebar) -> None:
    stage.world.solve("10")
    stage.until(lambda: stage.cases("10") and stage.cases("10")[-1].said == "no_reason", "the task")
    page = at.open("10")
    expect(
        page.get_by_role("heading", name="The ticket does not say what went wrong")
    ).to_be_visible()
    shot(page, "journey-task")
    page.get_by_text("It is done").click()
    note = page.get_by_label("What was done")
    note.fill("Asked back")
    again = _another_task(stage, "10")  # a note being written outlives what happens meanwhile
    expect(page.locator(".task")).to_have_count(2)
    expect(note.first).to_be_visible()
    expect(note.first).to_have_value("Asked back")
    expect(note.first).to_be_focused()
    expect(note.last).to_have_value("")
    with stage.store.write() as tx:
        tx.put(replace(again, state="done"))
    expect(page.locator(".task")).to_have_count(1)
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".task")).to_have_count(0)
    assert "Asked back" in [task.note for task in stage.tasks("10")]


def _another_task(stage: Sidebar, ticket: str) -> Task:
    one = stage.tasks(ticket)[-1]
    other = replace(one, id=stage.now().new("task"), opened_at=stage.now().now)
    with stage.store.write() as tx:
        tx.add(other)
    return other


def test_more_is_asked_for_and_an_approver_lets_it_go_on(at: Desk, stage: Sidebar) -> None:
    page = at.open("9")
    page.locator("#give-button").click()
    _made_good(page)
    page.get_by_role("button", name="Ask for more, with a reason").click()
    expect(page.get_by_text("Why should more be given?")).to_be_visible()
    page.get_by_label("Note").fill("It broke again")
    shot(page, "journey-more")
    page.get_by_role("button", name="Ask for more: Refund 14.40 EUR").click()
    expect(page.locator("#now .state")).to_have_text("Already made good; nothing more was given")
    other = at.open("9", MANAGER)
    other.get_by_label("Why should more be given?").fill("Fair enough")
    shot(other, "journey-override")
    other.get_by_role("button", name="Let it go on, on my authority").click()
    stage.until(lambda: stage.cases("9")[-1].overridden_by is not None, "the override")


def test_a_gift_card_is_taken_back(at: Desk, stage: Sidebar, choices: None) -> None:
    page = at.open("2")
    page.locator("#option-2").click()
    page.get_by_role("button", name="Give a gift card for 17.50 EUR").click()
    _made_good(page)
    expect(page.get_by_text("can be taken back by somebody")).to_be_visible()
    other = at.open("2", MANAGER)
    other.get_by_text("Take it back: Gift card 17.50 EUR").click()
    other.get_by_label("Why", exact=True).fill("It was for another customer")
    shot(other, "journey-undo")
    other.get_by_role("button", name="Take it back", exact=True).click()
    expect(other.locator("#now .state")).to_have_text("Taken back")
    assert [p.state for p in stage.payouts("2")] == [PayoutState.REVERSED]


def test_what_changes_on_the_ticket_is_seen_but_words_being_written_stay(
    at: Desk, stage: Sidebar
) -> None:
    page = at.open("4")
    expect(page.locator("#reason")).to_have_value("late_delivery")
    stage.desk("tickets/4/untag", tags=["amends_late_delivery"])
    stage.desk("tickets/4/tag", tags=["amends_wrong_item"])
    page.evaluate("window.ticketChanged()")
    expect(page.locator("#reason")).to_have_value("wrong_item")
    page.locator("#letter").fill("I am writing")
    page.evaluate("window.ticketChanged()")
    time.sleep(0.4)
    expect(page.locator("#letter")).to_have_value("I am writing")


def test_somebody_elses_start_is_seen_without_a_reload(at: Desk, stage: Sidebar) -> None:
    page = at.open("6")
    expect(page.locator("#give-button")).to_be_visible()
    stage.world.solve("6")
    expect(page.locator("#give-button")).to_have_count(0)
    _made_good(page)


def test_the_save_is_held_only_while_nobody_decided(at: Desk, stage: Sidebar) -> None:
    page = at.open("22")
    assert page.evaluate("window.maySave('solved')") is None
    stage.options(ask_on_solve=True)
    time.sleep(1.1)  # another reading of the options
    assert "Decide about making this good first" in page.evaluate("window.maySave('solved')")
    assert page.evaluate("window.maySave('pending')") is None
    stage.options(ask_on_solve=False)


def test_a_draft_is_put_into_the_agents_reply(at: Desk, stage: Sidebar) -> None:
    stage.options(reply="draft")
    time.sleep(1.1)
    page = at.open("21")
    expect(page.get_by_text("left on the ticket as a draft")).to_be_visible()
    page.locator("#give-button").click()
    _made_good(page)
    page.get_by_role("button", name="Put it into the reply").click()
    assert "We have refunded" in page.evaluate("window.reply")
    stage.options(reply="send")


def test_a_connection_that_fails_is_told_and_gives_nothing(at: Desk, stage: Sidebar) -> None:
    page = at.open("22")
    page.route("**/sidebar/tickets/22/give", lambda route: route.abort())
    page.locator("#give-button").click()
    stage.until(lambda: page.evaluate("window.notes.length"), "the notice")
    assert "Nothing is paid twice" in page.evaluate("window.notes[0][1]")
    assert stage.cases("22") == []
    expect(page.locator("#give-button")).to_be_enabled()


def test_a_first_look_that_fails_can_be_taken_again(at: Desk, stage: Sidebar) -> None:
    page = at.frame("about", width=320)
    page.route("**/sidebar/tickets/23", lambda route: route.abort())
    page.goto(stage.url + "/frame?ticket=23")
    page.get_by_role("button", name="Try again").wait_for()
    page.unroute("**/sidebar/tickets/23")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#give-button")).to_be_visible()


def test_a_session_that_is_over_says_so_in_words(at: Desk) -> None:
    page = at.frame("1", token="A" * 43)
    expect(page.get_by_text("Open the ticket again to go on.")).to_be_visible()


def test_the_frame_is_told_how_high_the_panel_is(at: Desk) -> None:
    page = at.open("23")
    height = page.evaluate("document.getElementById('amends').getBoundingClientRect().height")
    assert abs(page.evaluate("window.height") - height) <= 1


def test_the_script_asks_for_nothing_but_the_panels_own_addresses(at: Desk) -> None:
    page = at.open("23")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for there in ("/healthz", "/sidebar/tickets/1", "/sidebar/../healthz", "https://evil.example/"):
        page.evaluate(
            "p => htmx.ajax('GET', p, {target: '#amends', swap: 'none'}).catch(() => 0)", there
        )
    time.sleep(0.3)
    assert asked == []
