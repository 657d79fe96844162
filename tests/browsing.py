"""A real browser for tests: silent consoles, axe without a way round the policy, pictures to keep.

Whatever a page's console says about the Content-Security-Policy, or any error in it, fails the
test; `bypass_csp` is used nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

_ROOT = Path(__file__).parents[1]
_AXE = _ROOT / "node_modules" / "axe-core" / "axe.min.js"
_PICTURES = _ROOT / "artifacts"
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: What should come is waited for as long as Playwright waits for a click, not its five seconds: a
#: machine that does much else besides may stand still for some.
expect.set_options(timeout=30_000)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        yield made
        made.close()


class Visits:
    """Pages of one site, each in a context of its own unless one is handed in. `close` ends them
    and answers what their consoles said."""

    def __init__(self, browser: Browser, base: str) -> None:
        self._browser, self._base = browser, base
        self._contexts: list[BrowserContext] = []
        self.said: list[str] = []

    def __call__(self, path: str, context: BrowserContext | None = None, **options: Any) -> Page:
        page = (context or self.context(**options)).new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(self._base + path)
        return page

    def context(self, **options: Any) -> BrowserContext:
        made = self._browser.new_context(**options)
        self._contexts.append(made)
        return made

    def close(self) -> list[str]:
        for context in self._contexts:
            context.close()
        return self.said

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)


def axe(page: Page) -> list[str]:
    """What axe finds wrong, by WCAG 2.2 AA and its own advice."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
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


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, for people to look at."""
    _PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=_PICTURES / f"{name}.png", full_page=True)
