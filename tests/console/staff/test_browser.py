"""The pages of staff in a real browser: sign in from a mail's link, agree, end a task; three
languages, narrow and wide, light and dark, on paper, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core import letter as letters
from core.case import Outcome, Writing
from core.moment import Moment
from tests.browsing import Visits, axe, chromium, overflow, picture
from tests.console.staff.signing import MANAGER, invited, signed_in
from tests.core.message.test_hostile import SEEDS
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LATE_PARCEL, WITHOUT_REASON, SCRATCHED_TABLES = 4, 10, 16
NARROW, WIDE = {"width": 320, "height": 700}, {"width": 1200, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Something of everything; each test leaves what the others need."""
    store = open_store("sqlite", Path(tmp_path_factory.mktemp("staff")))
    with rigged(store) as made:
        for ticket in (LATE_PARCEL, WITHOUT_REASON, SCRATCHED_TABLES):
            made.solve(ticket)
        yield made
    store.close()


@pytest.fixture
def visit(browser: Browser, rig: Rig) -> Iterator[Visits]:
    visits = Visits(browser, rig.of.settings.public_url)
    yield visits
    assert visits.close() == []


@pytest.mark.parametrize(
    ("language", "scheme"), [("ar", "light"), ("en", "dark"), ("en", "light"), ("fa", "dark")]
)
def test_anybody_can_use_it(rig: Rig, visit: Visits, language: str, scheme: str) -> None:
    pages = {
        "tasks": "/console/tasks",
        "approvals": "/console/approvals",
        "cases": "/console/cases",
        "case": f"/console/cases/{rig.case(LATE_PARCEL).id}",
        "waiting": f"/console/cases/{rig.case(SCRATCHED_TABLES).id}",
        "missing": "/console/cases?q=none",
    }
    for size in (NARROW, WIDE):
        context = signed_in(rig, visit, MANAGER, viewport=size, color_scheme=scheme)
        for name, path in pages.items():
            sign = "&" if "?" in path else "?"
            page = visit(f"{path}{sign}lang={language}", context)
            assert axe(page) == [], name
            assert overflow(page) == 0, name
            picture(page, f"staff-{name}-{language}-{scheme}-{size['width']}")


def test_a_case_can_be_printed(rig: Rig, visit: Visits) -> None:
    page = visit(f"/console/cases/{rig.case(LATE_PARCEL).id}", signed_in(rig, visit, MANAGER))
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_have_count(0)
    expect(page.get_by_text("days_late", exact=True)).to_be_visible()
    picture(page, "staff-case-print")


def test_words_of_others_run_nothing(rig: Rig, visit: Visits) -> None:
    kept = rig.case(SCRATCHED_TABLES)
    context = signed_in(rig, visit, MANAGER, viewport=NARROW)
    page = visit("/console/approvals", context)
    page.on("dialog", lambda dialog: visit.said.append(f"dialog {dialog.message}"))
    for seed in SEEDS[::3]:
        evil = seed.encode("utf-8", "replace").decode().replace("\x00", "")[:400]
        with rig.store.write() as tx:
            tx.put(replace(kept, order_name=evil, reason=evil, override_note=evil))
            letters.keep(tx, kept.id, evil, None, "per_x", Moment(rig.clock.now()))
            for row in tx.find(Writing, case_id=kept.id):
                tx.put(replace(row, text=evil, why=evil))
        for path in ("/console/approvals", f"/console/cases/{kept.id}"):
            page.goto(rig.of.settings.public_url + path)
            assert overflow(page) == 0, seed
            assert page.locator("main script, main img, main h1 + h1").count() == 0
    with rig.store.write() as tx:
        tx.put(kept)
        letters.keep(tx, kept.id, None, None, "per_x", Moment(rig.clock.now()))


def test_a_link_from_a_mail_leads_through_sign_in_to_the_case(rig: Rig, visit: Visits) -> None:
    context = visit.context(java_script_enabled=False)
    case = f"/console/cases/{rig.case(SCRATCHED_TABLES).id}"
    page = visit(case, context)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(rig.of.settings.public_url + invited(rig, MANAGER))
    page.locator("main button").click()
    page.goto(rig.of.settings.public_url + case)
    expect(page.get_by_role("heading", name="Refund: 100.00 EUR")).to_be_visible()


def test_without_javascript_a_manager_works_through_what_waits(rig: Rig, visit: Visits) -> None:
    context = signed_in(rig, visit, MANAGER, java_script_enabled=False)
    page = visit("/console/tasks", context)
    page.get_by_label("What you did").fill("Asked the customer.")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Nothing has to be done.")).to_be_visible()
    page.get_by_role("link", name="Approvals").click()
    page.get_by_role("button", name="Agree: it is given at once").click()
    expect(page.get_by_text("Nothing waits for a yes.")).to_be_visible()
    rig.settle()
    assert rig.case(SCRATCHED_TABLES).outcome is Outcome.MADE_GOOD
    page.get_by_role("link", name="Cases").click()
    page.get_by_label("Ticket, order or case").fill("1017")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="16").click()
    expect(page.get_by_text("Arrived: the host confirmed it")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(rig.of.settings.public_url + "/console/tasks")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
