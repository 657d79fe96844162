"""Two hundred hostile texts in every field that others write: each is read, none does anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core.case import CaseState
from tests.browsing import chromium
from tests.console.sidebar.browsing import Desk, desk, overflow_of, shot
from tests.console.sidebar.hostile import texts
from tests.console.sidebar.stage import Sidebar
from tests.webhooks.sidebar.panels import MANAGER
from webhooks.demo.stage import REASONS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST_TICKET, FIRST_USER, FIRST_ORDER = 5_000, 60_000, 70_000
ASKING = (
    "policy: asking\nbasis: goodwill\ncurrency: [EUR]\n"
    "facts: {reason: [late_delivery, damaged_item, wrong_item]}\n"
    "ask_over: 0.01 EUR\ngive:\n  - {refund: 2.00 EUR, reason: late}\n"
)
#: What must not be there after any of them was shown.
_TRACES = """() => [
  window.hacked, window.notes.length || undefined,
  document.querySelector('#amends :is(script, img, iframe, object, svg, style, b[onmouseover], a)')
    ?.outerHTML,
  [...document.querySelectorAll('#amends *')].find(
    e => [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style'
      || a.name.startsWith('hx-on')))?.outerHTML,
].filter(x => x !== undefined && x !== null)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidebar]:
    made = Sidebar(tmp_path_factory.mktemp("hostile"))
    made.policy(ASKING, "asking")
    _seed(made, texts())
    yield made
    made.close()


@pytest.fixture
def at(browser: Browser, stage: Sidebar) -> Iterator[Desk]:
    with desk(browser, stage) as made:
        yield made


def _seed(stage: Sidebar, told: Sequence[str]) -> None:
    """A customer, an order and a ticket for each text, named by it."""
    users, tickets, orders = [], [], list[dict[str, Any]]()
    for number, text in enumerate(told):
        email = f"hostile{number}@mail.example"
        user, order = FIRST_USER + number, FIRST_ORDER + number
        users.append({"id": user, "name": text, "email": email, "locale": "en-GB"})
        tickets.append(
            {
                "id": FIRST_TICKET + number, "subject": text, "description": f"{text} is late",
                "status": "open", "tags": ["amends_late_delivery"], "requester_id": user,
                "assignee_id": 9001, "created_at": "2026-01-01T00:00:00Z",
            }
        )  # fmt: skip
        orders.append(
            {
                "id": order, "name": text.strip() or "#1", "email": email, "currency": "EUR",
                "total": "20.00", "paid": "20.00", "refunded": "0",
                "created_at": "2026-01-01T00:00:00Z", "promised_at": "2026-01-02T00:00:00Z",
                "delivered_at": "2026-01-09T00:00:00Z",
                "lines": [{"title": text, "quantity": 1, "price": "20.00"}],
                "customer": {
                    "id": user, "first_name": text, "last_name": text, "email": email,
                    "orders_count": 1, "total_spent": "20.00",
                },
                "gateway": "shopify_payments", "risk": "LOW",
            }
        )  # fmt: skip
    stage.control("zendesk", "seed", {"users": users, "tickets": tickets})
    stage.control("shopify", "seed", {"orders": orders})


def test_the_customers_name_the_subject_and_the_orders_name(at: Desk, stage: Sidebar) -> None:
    page = at.frame("1")
    shown = 0
    for number, text in enumerate(texts()):
        page.goto(f"{stage.url}/frame?ticket={FIRST_TICKET + number}")
        expect(page.locator("#panel")).to_be_visible()
        assert page.evaluate(_TRACES) == [], text
        assert overflow_of(page) == 0, text
        shown += page.locator("#give-button, .act .primary").count()
    assert shown >= 180  # of nearly all of them an offer is made, as of any other
    shot(page, "hostile-name")


def test_the_reasons_of_a_workspace_and_their_words(at: Desk, stage: Sidebar) -> None:
    named = {f"tag{number}": text.strip() or "x" for number, text in enumerate(texts())}
    told = {text: [text if text.strip(" \n\t'\"<>&") else "x"] for text in named.values()}
    words = {reason: [w for w in ws if any(c.isalnum() for c in w)] for reason, ws in told.items()}
    stage.options(reasons=named, reason_words=words)
    stage.until(lambda: "hacked" in _page(stage, "1"), "the reasons")
    page = at.open("1")
    assert page.locator("#reason option").count() >= 180
    page.locator("#reason").select_option(index=3)
    expect(page.locator("#panel")).to_be_visible()
    assert page.evaluate(_TRACES) == []
    assert overflow_of(page) == 0
    stage.options(reasons=REASONS, reason_words={})
    stage.until(lambda: "hacked" not in _page(stage, "1"), "the reasons of before")


def _page(stage: Sidebar, ticket: str) -> str:
    client = stage.app.test_client()
    return client.get(f"/sidebar/tickets/{ticket}", headers=stage.headers()).get_data(as_text=True)


def test_the_message_and_the_note_as_an_approver_reads_them(at: Desk, stage: Sidebar) -> None:
    for number, (letter, note) in enumerate(_packed()):
        ticket = str(FIRST_TICKET + number)
        page = at.open(ticket)
        page.locator("#letter").fill(letter)
        page.locator(".note summary").click()
        page.locator("#note").fill(note)
        page.locator(".act .primary").click()
        stage.until(
            lambda ticket=ticket: (
                [c.state for c in stage.cases(ticket)]  # type: ignore[misc]
                == [CaseState.WAITING_APPROVAL]
            ),
            "the request",
        )
        _check(page)
        other = at.open(ticket, MANAGER)
        expect(other.locator("blockquote")).to_have_count(1)
        other.get_by_text("The message, as it was changed").click()
        _check(other)
        at.close()


def _check(page: Page) -> None:
    assert page.evaluate(_TRACES) == []
    assert overflow_of(page) == 0


def _packed() -> list[tuple[str, str]]:
    """All texts, as few messages and notes as they fit into."""
    letters = _joined([t.replace("\x00", "") for t in texts() if t.strip()], 9_990)
    notes = _joined([t.replace("\x00", "")[:900] for t in texts() if t.strip()], 990)
    return [(letters[n % len(letters)], note) for n, note in enumerate(notes)]


def _joined(parts: Sequence[str], most: int) -> list[str]:
    found = [""]
    for part in parts:
        if len(found[-1]) + len(part) + 1 > most:
            found.append("")
        found[-1] += f"{part[: most - 1]}\n"
    return found
