"""The app as it is built, beside a ticket of the practice desk, in a real browser.

Whatever the browser's console says about the Content-Security-Policy, or any error in it, fails the
test. The agent's access comes from really going through our provider.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FrameLocator,
    Page,
    Response,
    expect,
)

from core.case import Case
from core.grant import AppToken
from core.session import Session
from tests.browsing import axe, chromium, overflow
from tests.webhooks.sidebar.freshdesk_stage import Stage
from webhooks import connecting
from webhooks.demo.freshdesk import give_access, invitation
from webhooks.hosts import opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOTS = Path(__file__).parents[3] / "artifacts"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("desk"))
    yield made
    made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own; at the end its console must have been silent."""
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    made = browser.new_context(viewport={"width": 1280, "height": 1000})
    made.on("console", hear)
    made.on("weberror", lambda error: said.append(str(error.error)))
    yield made
    made.close()
    assert said == []


def panel(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def ticket(stage: Stage, number: str, extra: str = "") -> str:
    return stage.desk.tickets()[number] + extra


def test_an_agent_gives_access_and_then_gives_the_customer(
    stage: Stage, context: BrowserContext
) -> None:
    """From an agent nobody knows yet to a refund in the shop's books."""
    page = context.new_page()
    page.goto(ticket(stage, "101"))
    expect(panel(page).get_by_role("alert")).to_contain_text("Give Amends access first")
    page.get_by_role("link", name="Authorize this app").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()  # by nobody yet

    page.goto(invitation(stage.of))
    page.screenshot(path=SHOTS / "freshdesk-sign-in.png")
    assert axe(page) == []
    page.get_by_role("button", name="Sign in as Jo Marsh").click()
    expect(page.get_by_text("You are signed in")).to_be_visible()

    page.goto(ticket(stage, "101"))
    page.get_by_role("link", name="Authorize this app").click()
    expect(page.get_by_text("jo.marsh@shop.example")).to_be_visible()
    page.screenshot(path=SHOTS / "freshdesk-access.png")
    assert axe(page) == []
    page.get_by_role("button", name="Let it act as me").click()

    expect(page).to_have_url(re.compile(r"/a/tickets/101\?as=9001$"))
    button = panel(page).get_by_role("button", name="Refund 12.90 USD")
    button.click()
    expect(panel(page).locator("#now")).to_contain_text("Refunded")
    expect(page.get_by_text("private note").first).to_be_visible()
    page.screenshot(path=SHOTS / "freshdesk-given.png")
    case = next(c for c in _cases(stage, "101") if c.outcome == "made_good")
    assert case.desk_id == stage.desk.desk_id
    assert stage.ticket_at_desk("101")["conversations"][0]["private"] is True


def _cases(stage: Stage, number: str) -> list[Case]:
    with stage.world.store.read() as reader:
        return reader.find(Case, ticket_id=number)


def test_one_template_call_opens_a_ticket(stage: Stage, context: BrowserContext) -> None:
    give_access(stage.of, stage.desk, "102")
    page = context.new_page()
    calls: list[str] = []
    page.on("request", lambda r: calls.append(r.url) if r.url.endswith("/invoke") else None)
    page.goto(ticket(stage, "102"))
    expect(panel(page).get_by_role("button", name=re.compile("^Refund"))).to_be_visible()
    assert len(calls) == 1
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    page.wait_for_function(
        """height => Math.abs(document.querySelector("iframe").offsetHeight - height) <= 4""",
        arg=frame.evaluate("document.querySelector('#amends').getBoundingClientRect().height"),
    )  # with its border
    assert frame.evaluate("document.documentElement.dataset.skin") == "freshdesk"


def test_no_secret_reaches_a_browser(stage: Stage, context: BrowserContext) -> None:
    """Every word of every answer, and of every request: no access or refresh token, no client
    secret. The session's own token is the only one that a page holds, and it is no cookie."""
    give_access(stage.of, stage.desk, "102")
    page = context.new_page()
    texts: list[str] = []

    def read(answer: Response) -> None:
        request = answer.request
        texts.extend([request.url, str(request.headers), request.post_data or ""])
        if answer.status not in (204, 303):
            texts.append(answer.text())

    page.on("response", read)
    page.goto(ticket(stage, "102"))
    expect(panel(page).get_by_role("button", name=re.compile("^Refund"))).to_be_visible()
    seen = "\n".join(texts)
    hashes = {hashlib.sha256(word.encode()).hexdigest() for word in re.findall(r"[\w-]{43}", seen)}
    with stage.world.store.read() as reader:
        tokens = {row.id for row in reader.find(AppToken)}
        sessions = {row.id for row in reader.find(Session)}
    assert tokens
    assert not tokens & hashes
    assert len(sessions & hashes) == 1
    secret = opened(connecting.existing(stage.of, stage.desk.desk_id), stage.of.sealer, "demo")[
        "app_secret"
    ]
    assert secret not in seen
    assert context.cookies(stage.url) == []


def test_solving_asks_first_where_that_is_wanted(stage: Stage, context: BrowserContext) -> None:
    connecting.change_options(stage.of, stage.desk.desk_id, {"ask_on_solve": True})
    give_access(stage.of, stage.desk, "103")
    page = context.new_page()
    page.clock.install()
    page.goto(ticket(stage, "103"))
    give = panel(page).get_by_role("button", name=re.compile("^Refund"))
    expect(give).to_be_visible()
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))  # no answer is too late
    page.get_by_label("Status").select_option("Resolved")
    for button in ("Update", "Close"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("status").last).to_contain_text("Decide about making this good")
        assert stage.ticket_at_desk("103")["status"] == 2
        page.clock.run_for(9_000)  # until the notice goes
    page.clock.resume()
    page.get_by_label("Status").select_option("Pending")
    page.get_by_role("button", name="Update").click()  # that solves nothing
    expect(page.locator("#status-now")).to_have_text("Pending")
    give = panel(page).get_by_role("button", name=re.compile("^Refund"))
    give.click()
    expect(page.get_by_text("private note").first).to_be_visible()
    page.get_by_label("Status").select_option("Resolved")
    page.get_by_role("button", name="Update").click()
    expect(page.locator("#status-now")).to_have_text("Resolved")


def test_a_ticket_stays_solvable_while_amends_is_away(
    stage: Stage, context: BrowserContext
) -> None:
    connecting.change_options(stage.of, stage.desk.desk_id, {"ask_on_solve": True})
    give_access(stage.of, stage.desk, "101")
    page = context.new_page()
    page.goto(ticket(stage, "101"))
    expect(panel(page).locator("#panel")).to_be_visible()
    held: list[Any] = []
    page.route("**/may-save*", lambda route: held.append(route))  # no answer comes
    page.get_by_label("Status").select_option("Resolved")
    page.get_by_role("button", name="Update").click()
    expect(page.locator("#status-now")).to_have_text("Resolved")
    assert len(held) == 1  # it was asked, and did not wait for ever


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_in_the_agents_language(stage: Stage, context: BrowserContext, language: str) -> None:
    give_access(stage.of, stage.desk, "102")
    page = context.new_page()
    page.goto(ticket(stage, "102", f"&lang={language}"))
    expect(panel(page).locator("button").last).to_be_visible()
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    expect(panel(page).locator("#panel")).to_be_visible()
    assert frame.evaluate("document.documentElement.lang") == language
    assert frame.evaluate("document.documentElement.dir") == ("ltr" if language == "en" else "rtl")
    assert overflow(page) == 0
    page.screenshot(path=SHOTS / f"freshdesk-{language}.png")


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_what_cannot_be_is_said(stage: Stage, context: BrowserContext, language: str) -> None:
    """Too many openings in the account; the page from somewhere that is not allowed."""
    give_access(stage.of, stage.desk, "102")
    stage.control("freshdesk", "limits", {"templates": 0})
    page = context.new_page()
    address = ticket(stage, "102", f"&lang={language}")
    page.goto(address)
    first = panel(page).get_by_role("alert")
    expect(first).to_be_visible()
    too_fast = first.text_content()
    stage.control("freshdesk", "limits", {"templates": 50})
    page.goto(address.replace("127.0.0.1", "localhost"))  # and the app from 127.0.0.1
    expect(first).to_be_visible()
    assert first.text_content() not in (too_fast, None)
    told = panel(page).locator("p[dir=ltr]")
    expect(told).to_contain_text(f"amends manifest allow {stage.desk.desk_id}")
    if language == "en":
        assert too_fast is not None
        assert too_fast.startswith("Too many tickets")
    else:
        assert re.search(r"[\u0600-\u06ff]{3}", str(too_fast))


def test_alone_it_says_where_it_belongs(stage: Stage, context: BrowserContext) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(f"{stage.desk.address}/_app/{stage.desk.app_id}/index.html")
    page.clock.run_for(16_000)
    expect(page.get_by_role("alert")).to_have_text("Open this beside a ticket in Freshdesk.")


def test_messages_of_other_frames_are_not_believed(stage: Stage, context: BrowserContext) -> None:
    """Another window of the same browser says that it is the helpdesk, or the app."""
    give_access(stage.of, stage.desk, "102")
    page = context.new_page()
    page.goto(ticket(stage, "102"))
    expect(panel(page).get_by_role("button", name=re.compile("^Refund"))).to_be_visible()
    page.evaluate(
        """async () => {
          const other = document.createElement("iframe");
          document.body.append(other);
          other.contentWindow.eval(`
            const app = parent.document.querySelector("aside iframe").contentWindow;
            app.postMessage({event: "ticket.statusChanged", data: {}, intercepts: false}, "*");
            app.postMessage({begun: true}, "*");
            const given = ["showNotify", {message: "forged"}];
            parent.postMessage({ask: "interface", given, id: 9}, "*");
          `);
          await new Promise((resolve) => setTimeout(resolve, 500));
        }"""
    )
    expect(page.get_by_text("forged")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_anybody_can_sign_in(stage: Stage, browser: Browser, language: str) -> None:
    """In each language, on a narrow screen, light and dark, without JavaScript."""
    for scheme in ("light", "dark"):
        context = browser.new_context(
            viewport={"width": 320, "height": 700}, color_scheme=scheme, locale=language
        )
        page = context.new_page()
        for path in ("/sign-in", invitation(stage.of), "/sign-in/used"):
            page.goto(path if path.startswith("http") else stage.url + path)
            assert page.evaluate("document.documentElement.lang") == language
            assert axe(page) == []
            assert overflow(page) == 0
        context.close()
    plain = browser.new_context(locale=language, java_script_enabled=False)
    page = plain.new_page()
    page.goto(invitation(stage.of))
    page.locator("button").click()
    expect(page).to_have_url(f"{stage.url}/sign-in")
    expect(page.locator("h1")).not_to_be_empty()
    page.screenshot(path=SHOTS / f"sign-in-{language}.png")
    plain.close()


def test_a_panel_page_shows_in_no_frame_of_somebody_elses(
    stage: Stage, context: BrowserContext
) -> None:
    """Our own pages that can act, sign-in and the question of access, let nobody frame them."""
    page = context.new_page()
    for path in ("/sign-in", "/oauth/authorize?client_id=x"):
        answer = page.request.get(stage.url + path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
