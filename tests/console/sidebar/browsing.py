"""A real browser with the panel open. Whatever its console says about the Content-Security-Policy,
and any error in it, is kept and fails the test; nothing here goes round the policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect

from tests.console.sidebar.stage import Sidebar, path
from tests.webhooks.sidebar.panels import AGENT

ROOT = Path(__file__).parents[3]
SHOTS = ROOT / "artifacts" / "sidebar"


class Desk:
    """Opens panels, each as an agent of their own; `said` is what their consoles said."""

    def __init__(self, browser: Browser, stage: Sidebar) -> None:
        self.browser, self.stage, self.said = browser, stage, list[str]()
        self._contexts: list[Any] = []

    def open(self, ticket: str, agent: str = AGENT, *, width: int = 320, **asked: str) -> Page:
        """The panel of a ticket, as soon as it is there."""
        page = self.frame(ticket, width=width, agent=agent, **asked)
        expect(page.locator("#panel")).to_be_visible()
        return page

    def frame(self, ticket: str, *, width: int = 320, **asked: str) -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": 640})
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", self._asked)
        page.goto(self.stage.url + path(ticket, **asked))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        # That a request was answered by a no is what some tests are about.
        quiet = ("Failed to load resource", "htmx:")
        if message.type in ("error", "warning") and not message.text.startswith(quiet):
            self.said.append(message.text)

    def _asked(self, dialog: Dialog) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()

    def close(self) -> None:
        while self._contexts:
            self._contexts.pop().close()


@contextmanager
def desk(browser: Browser, stage: Sidebar) -> Iterator[Desk]:
    made = Desk(browser, stage)
    yield made
    made.close()
    assert made.said == [], f"the console said {made.said}"


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def styled(page: Page, selector: str, *names: str) -> list[str]:
    """What the browser makes of these properties of an element."""
    script = "(e, names) => names.map(n => getComputedStyle(e).getPropertyValue(n))"
    found: list[str] = page.locator(selector).first.evaluate(script, list(names))
    return found


def overflow_of(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(script))
