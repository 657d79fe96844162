"""The sidebar inside the practice Zendesk, in a real browser: what an agent does with it, and what
other pages and frames try with it (F1, F2). The console must stay silent but where a test says so.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, ConsoleMessage, Frame, Page, expect
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from connectors.registry import spec
from core.connection import Connection
from core.payout import Payout
from tests.browsing import chromium
from tests.console.stage import Demo
from webhooks import connecting
from webhooks.demo.panel import ticket_page
from webhooks.hosts import opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHOTS = Path(__file__).parents[3] / "artifacts" / "zendesk"
WIDE = {"width": 1200, "height": 820}

#: In place of the panel: the adaptor alone, its `host` in the hands of the test.
_BARE = """
export function start(host) {
  window.host = host;
  window.changes = 0;
  document.querySelector("main").removeAttribute("aria-busy");
  document.querySelector("main").textContent = "bare";
  host.onTicketChanged(() => { window.changes += 1; });
}
"""

Open = Callable[..., Page]


class Desk(Demo):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.stage = self.world._stage

    def ticket(self, id: str, **asked: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return f"{ticket_page(self.stage, id)}?{query}"

    def options(self, **changes: object) -> None:
        connecting.change_options(self._of, self.stage.desk_id, changes)

    def secrets(self) -> list[str]:
        """Every secret value of every connection."""
        with self._of.store.read() as reader:
            rows = reader.find(Connection)
        found = []
        for row in rows:
            values = opened(row, self._of.sealer, self._of.store.workspace_id)
            names = [setting.name for setting in spec(row.connector).settings if setting.secret]
            found += [row.path_token, *(values[name] for name in names if values.get(name))]
        assert len(found) > 5
        return found

    def paid(self) -> list[Payout]:
        with self._of.store.read() as reader:
            return reader.find(Payout)

    def signed_post(self, id: str = "1") -> tuple[str, str]:
        """The address and the token of the form in a ticket's page."""
        page = requests.get(self.ticket(id), timeout=30).text
        action = re.search(r'action="([^"]+)"', page)
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert action is not None
        assert token is not None
        return action[1].replace("&amp;", "&"), token[1]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def said() -> list[str]:
    """Errors and warnings of the browser's console; a test that expects one takes it out."""
    return []


@pytest.fixture
def visit(browser: Browser, said: list[str]) -> Iterator[Open]:
    contexts = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    def visit(address: str, *, bare: bool = False, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: said.append(str(error)))
        if bare:
            page.route(
                "**/static/sidebar/sidebar.js",
                lambda route: route.fulfill(content_type="text/javascript", body=_BARE),
            )
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []


def _frame(page: Page) -> Frame:
    """The app's frame, once the page in it has begun."""
    page.frame_locator("iframe").locator("main:not([aria-busy])").first.wait_for()
    return page.frames[1]


@contextmanager
def _served(html: str) -> Iterator[str]:
    """A page of somebody else's. A real one: what a test only pretends to serve is not allowed to
    ask for anything on this machine."""
    page = Response(html, content_type="text/html")
    server = make_server("127.0.0.1", 0, page, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _until(frame: Frame, holds: str) -> None:
    """Asked from outside: the page's own policy lets nothing be evaluated in it."""
    end = time.monotonic() + 30
    while not frame.evaluate(holds):
        assert time.monotonic() < end, holds
        frame.page.wait_for_timeout(50)


def _shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


# -------------------------------------------------------------------------------- what agents do


def test_an_agent_opens_a_ticket_and_gives_what_is_fair(visit: Open, desk: Desk) -> None:
    page = visit(desk.ticket("1"))
    panel = page.frame_locator("iframe")
    give = panel.get_by_role("button", name="Refund 5.20")
    expect(give).to_be_visible()
    assert page.frames[1].evaluate("document.querySelector('meta[name=amends-token]')") is None
    _shot(page, "offer")
    give.click()
    expect(panel.get_by_text("confirmed", exact=False).first).to_be_visible()
    expect(page.locator("#comments li.private").first).to_contain_text("5.20")
    _shot(page, "given")
    books = requests.get(f"{desk.hosts['shopify']}/_sandbox/books", timeout=30).json()
    assert [r["amount"] for r in books["refunds"] if r["order_id"] == 1001] == ["5.20"]


def test_the_frame_is_as_high_as_what_is_in_it(visit: Open, desk: Desk) -> None:
    page = visit(desk.ticket("2"))
    panel = page.frame_locator("iframe")
    expect(panel.get_by_role("button", name="Refund").first).to_be_visible()
    height = int(_frame(page).evaluate("document.querySelector('main').offsetHeight"))
    page.wait_for_function("px => document.querySelector('iframe').offsetHeight >= px", arg=height)
    assert page.evaluate("document.querySelector('iframe').offsetHeight") <= height + 60


@pytest.mark.parametrize(
    ("language", "direction"), [("ar", "rtl"), ("en-GB", "ltr"), ("fa", "rtl")]
)
def test_the_panel_speaks_the_agents_language(
    visit: Open, desk: Desk, language: str, direction: str
) -> None:
    page = visit(desk.ticket("3", lang=language, theme="dark"))
    expect(page.frame_locator("iframe").locator("button").last).to_be_visible()
    root = _frame(page).evaluate("({...document.documentElement.dataset, "
                                 "lang: document.documentElement.lang, "
                                 "dir: document.documentElement.dir})")  # fmt: skip
    assert (root["lang"], root["dir"]) == (language[:2], direction)
    assert (root["theme"], root["skin"]) == ("dark", "zendesk")
    _shot(page, f"dark-{language}")


def test_solving_asks_first_where_the_desk_wants_it(visit: Open, desk: Desk) -> None:
    desk.options(ask_on_solve=True)
    try:
        page = visit("about:blank")
        page.clock.install()
        page.goto(desk.ticket("4"))
        expect(page.frame_locator("iframe").locator("button").last).to_be_visible()
        page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))  # no answer is too late
        page.select_option("#status", "solved")
        page.click("#submit")
        expect(page.locator("#notices .error")).to_be_visible()
        _shot(page, "asked-first")
        assert desk.status("4") == "open"
        page.clock.resume()
        page.select_option("#status", "pending")
        page.click("#submit")
        expect(page.locator("#status-now")).to_have_text("pending")
    finally:
        desk.options(ask_on_solve=False)


def test_an_agent_nobody_knows_sees_it_and_can_give_nothing(visit: Open, desk: Desk) -> None:
    stranger = {"id": 9777, "name": "Kim", "email": "kim@shop.example", "role": "agent"}
    desk.control("zendesk", "seed", {"users": [stranger]})
    before = len(desk.paid())
    page = visit(desk.ticket("6", **{"as": "9777"}))
    expect(page.frame_locator("iframe").get_by_text("amends person link")).to_be_visible()
    assert len(desk.paid()) == before


def test_no_secret_reaches_the_browser(visit: Open, desk: Desk) -> None:
    """Neither in a page nor in an address; and the session's token goes in a header alone."""
    page = visit("about:blank")
    seen: list[Any] = []
    page.on("response", lambda answer: seen.append(answer))
    page.goto(desk.ticket("2"))
    give = page.frame_locator("iframe").get_by_role("button", name="Refund").last
    expect(give).to_be_visible()
    ours = [answer for answer in seen if answer.url.startswith(desk.url)]
    bearers = {answer.request.headers.get("authorization") for answer in ours} - {None}
    assert len(bearers) == 1
    token = str(bearers.pop()).removeprefix("Bearer ")
    shown = [answer for answer in ours if "text" in answer.headers.get("content-type", "")]
    assert len(shown) >= 4  # the page, styles, scripts, the panel
    texts = {answer.url: answer.text() for answer in shown}
    for secret in desk.secrets():
        assert [url for url, text in texts.items() if secret in text or secret in url] == []
    first = [url for url, text in texts.items() if token in text]
    assert [url.partition("?")[0] for url in first] == [
        f"{desk.url}/zendesk/{desk.stage.desk_id}/sidebar"
    ]
    assert not any(token in answer.url for answer in seen)
    assert not any("cookie" in answer.request.headers for answer in ours)


# ------------------------------------------------------------------------------------ the adaptor


def test_everything_a_panel_may_ask_of_the_ticket(visit: Open, desk: Desk) -> None:
    page = visit(desk.ticket("7"), bare=True)
    frame = _frame(page)
    told = frame.evaluate("({...host, token: host.token.length})")
    assert (told["name"], told["address"], told["ticketId"]) == ("zendesk", "", "7")
    assert (told["locale"], told["theme"]) == ("en-US", "light")
    assert told["token"] == 43
    frame.evaluate("host.resize(333.2)")
    page.wait_for_function("document.querySelector('iframe').style.blockSize === '334px'")
    frame.evaluate("host.appendReply('Dear Emma, <b>sorry</b>')")
    expect(page.locator("#text")).to_have_value("Dear Emma, <b>sorry</b>")
    frame.evaluate("host.notify('Given to <img src=x onerror=alert(1)>', 'notice')")
    expect(page.locator("#notices")).to_have_text("Given to ‹img src=x onerror=alert(1)›")
    assert page.locator("#notices img").count() == 0


def test_the_panel_follows_the_helpdesks_theme(visit: Open, desk: Desk) -> None:
    page = visit(desk.ticket("7"))
    frame = _frame(page)
    for box, theme in ((True, "dark"), (False, "light")):
        page.locator("#dark").set_checked(box)
        _until(frame, f"document.documentElement.dataset.theme === '{theme}'")


def test_a_change_of_the_ticket_is_heard_once(visit: Open, desk: Desk) -> None:
    page = visit(desk.ticket("8"), bare=True)
    frame = _frame(page)
    assert frame.evaluate("changes") == 0
    page.select_option("#status", "pending")
    _until(frame, "changes === 1")
    desk.control("zendesk", "tickets/8/tag", {"tags": ["seen_elsewhere"]})
    _until(frame, "changes === 2")


@pytest.mark.parametrize(
    ("check", "saved"),
    [
        ("async (status) => status === 'solved' ? 'Say <b>first</b>' : null", False),
        ("async () => null", True),
        ("async () => { throw new Error('we are broken') }", True),
        ("() => new Promise(() => {})", True),  # never answers
    ],
    ids=["no", "yes", "broken", "late"],
)
def test_a_ticket_is_kept_from_being_saved_by_a_reason_alone(
    visit: Open, desk: Desk, check: str, saved: bool
) -> None:
    desk.control("zendesk", "tickets/9/reopen", {})
    page = visit(desk.ticket("9"), bare=True)
    _frame(page).evaluate(f"host.onSave({check})")
    page.select_option("#status", "solved")
    page.click("#submit")
    if saved:
        expect(page.locator("#status-now")).to_have_text("solved")
    else:
        expect(page.locator("#notices .error")).to_have_text("Say ‹b›first‹/b›")
        assert desk.status("9") == "open"


# ------------------------------------------------------------------------------------ F1 and F2

_FORGED = """(target) => {
  const frame = document.createElement("iframe");
  frame.srcdoc = "<!doctype html>";
  frame.addEventListener("load", () => {
    const say = frame.contentWindow.Function("target", `
      for (const message of [
        {key: "zaf.ticket.status.changed", message: "solved"},
        {key: "zaf.ticket.updated", message: {}},
        {key: "zaf.ticket.save", needsReply: true},
        {key: "zaf.context.updated", message: {ticketId: 99}},
      ]) target.postMessage(JSON.stringify(message), "*");
      parent.postMessage(JSON.stringify({id: 1, request: "invoke",
        params: {notify: ["forged", "notice"], "ticket.comment.appendText": ["forged"]}}), "*");
      parent.postMessage(JSON.stringify({key: "iframe.reply:ticket.save"}), "*");
    `);
    say(window.frames[0]);
  });
  document.body.append(frame);
}"""


def test_messages_of_another_frame_are_nobodys(visit: Open, desk: Desk) -> None:
    page = visit(desk.ticket("10"), bare=True)
    frame = _frame(page)
    frame.evaluate("host.onSave(async () => { window.asked = true; return null; })")
    page.evaluate(_FORGED)
    page.wait_for_timeout(1_000)
    assert frame.evaluate("[changes, window.asked ?? false, host.ticketId]") == [0, False, "10"]
    expect(page.locator("#notices")).to_have_text("")
    expect(page.locator("#text")).to_have_value("")


def test_no_other_page_can_frame_it(visit: Open, desk: Desk, said: list[str]) -> None:
    """Even with a token that is good, an evil page shows nothing."""
    action, token = desk.signed_post()
    html = f"""<!doctype html><link rel="icon" href="data:,"><iframe name="f"></iframe>
    <form method="post" target="f" action="{action}"><input name="token" value="{token}"></form>"""
    with _served(html) as evil:
        page = visit(evil)
        with page.expect_event("console", lambda m: "frame-ancestors" in m.text) as blocked:
            page.evaluate("document.querySelector('form').submit()")
    assert desk.hosts["zendesk"] in blocked.value.text
    page.wait_for_timeout(300)
    assert page.frames[1].url.startswith("chrome-error:")
    assert all("frame-ancestors" in text for text in said)
    said.clear()


def test_a_page_in_a_window_of_its_own_is_refused(visit: Open, desk: Desk, said: list[str]) -> None:
    action, token = desk.signed_post()
    page = visit(desk.ticket("1"), bare=True)
    page.evaluate(
        """([action, token]) => {
          const form = document.createElement("form");
          Object.assign(form, { method: "post", action });
          form.innerHTML = `<input name="token" value="${token}">`;
          document.body.append(form);
          form.submit();
        }""",
        [action, token],
    )
    expect(page.get_by_role("heading")).to_have_text("This page opens inside your helpdesk")
    assert all("401" in text for text in said)
    said.clear()


def test_a_page_that_was_opened_before_is_refused_in_words(
    visit: Open, desk: Desk, said: list[str]
) -> None:
    page = visit(desk.ticket("11"), bare=True)
    _frame(page)
    page.evaluate("document.querySelector('.app form').submit()")
    heading = page.frame_locator("iframe").get_by_role("heading")
    expect(heading).to_have_text("This page opens inside your helpdesk")
    _shot(page, "opened-before")
    assert all("401" in text for text in said)
    said.clear()


def test_without_zendesks_own_mark_the_adaptor_does_nothing(visit: Open, desk: Desk) -> None:
    action, token = desk.signed_post("11")
    page = visit(desk.ticket("11"), bare=True)
    _frame(page)
    page.evaluate(
        """([action, token]) => {
          const form = document.querySelector(".app form");
          form.action = action.replace(/&app_guid=[^&]*/, "");
          form.token.value = token;
          form.submit();
        }""",
        [action, token],
    )
    main = page.frame_locator("iframe").locator("main")
    expect(main).to_have_text("Open this beside a ticket in Zendesk.")
    assert page.frames[1].evaluate("window.host ?? null") is None


def test_the_bare_address_in_a_browser(visit: Open, desk: Desk, said: list[str]) -> None:
    page = visit(f"{desk.url}/zendesk/{desk.stage.desk_id}/sidebar", locale="ar")
    expect(page.get_by_role("heading")).to_be_visible()
    assert all("401" in text for text in said)
    said.clear()
