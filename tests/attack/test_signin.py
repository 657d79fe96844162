"""Attack book F3, F4 and S6a where staff sign in, and where an app is given access.

The whole of it stands in tests/webhooks/signin and tests/webhooks/sidebar; here is each attack by
its number, as somebody would try it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.grant import AppGrant
from core.store import Store
from tests.stores import open_store
from tests.webhooks.sidebar.agents import PUBLIC, Desk, desk_at
from tests.webhooks.signin.site import (
    COOKIE,
    Site,
    asked,
    cookie,
    get,
    is_in,
    post,
    press,
    token_of,
    until,
)

FOREIGN = [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("memory", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def site(store: Store) -> Site:
    return Site(store)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_f3_nobody_is_signed_in_as_somebody_else_by_another_page(
    site: Site, headers: dict[str, str]
) -> None:
    """Login CSRF: the attacker's own link, sent from their page, in the victim's browser."""
    mallory = site.person("Mallory", "mallory@shop.example")
    path = site.invite(mallory)
    theirs = token_of(get(site.browser(), site, path))
    victim = site.browser()
    press(victim, site, site.invite())
    for form in ({}, {"form_token": theirs}):
        sent = victim.post(path, base_url=site.public_url, data=form, headers=headers)
        assert sent.status_code == 403
        assert post(victim, site, path, **form).status_code == 403
    assert get(victim, site, "/inside").text.startswith("Sara")


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_f3_no_other_page_gives_an_app_access(desk: Desk, headers: dict[str, str]) -> None:
    victim = desk.signed_in()
    known = token_of(victim.get(desk.question(), base_url=PUBLIC))
    form = {"answer": "yes", "form_token": known}
    sent = victim.post(desk.question(), base_url=PUBLIC, data=form, headers=headers)
    assert sent.status_code == 403
    assert victim.post(desk.question(), base_url=PUBLIC, json=form).status_code == 403
    with desk.of.store.read() as reader:
        assert reader.count(AppGrant) == 0


def test_f4_a_cookie_that_was_put_there_counts_for_nothing(site: Site) -> None:
    browser = site.browser()
    browser.set_cookie(COOKIE, "fixed", domain="amends.example")
    press(browser, site, site.invite())
    thief = site.browser()
    thief.set_cookie(COOKIE, "fixed", domain="amends.example")
    assert is_in(browser, site)
    assert not is_in(thief, site)


def test_f4_a_stolen_cookie_ends_with_its_owners_sign_out(site: Site) -> None:
    browser, thief = site.browser(), site.browser()
    press(browser, site, site.invite())
    thief.set_cookie(COOKIE, str(cookie(browser)), domain="amends.example")
    assert is_in(thief, site)
    form_token = token_of(get(browser, site, "/sign-in"))
    post(browser, site, "/sign-out", form_token=form_token)
    assert not is_in(thief, site)


def test_f4_a_link_is_not_used_up_by_looking_nor_good_when_forwarded(site: Site) -> None:
    browser, other = site.browser(), site.browser()
    asked(site, browser, "sara@shop.example")
    until(lambda: len(site.sent) == 1)
    path = site.sent[0][1].removeprefix(site.public_url)
    assert other.head(path, base_url=site.public_url).status_code == 400
    assert get(other, site, path).status_code == 400
    own = token_of(get(other, site, "/sign-in"))
    assert post(other, site, path, form_token=own).status_code == 400
    assert press(browser, site, path).status_code == 303


def test_f4_what_an_address_holds_is_handed_on_to_nobody(site: Site) -> None:
    page = get(site.browser(), site, site.invite())
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "http" not in page.text.replace("http-equiv", "")  # nothing is loaded from elsewhere
    assert "/sign-in/" not in page.text  # nor does the token stand in a link of its own page


def test_s6a_guessing_asking_and_poisoning_come_to_nothing(site: Site) -> None:
    browser = site.browser()
    for guess in ("x" * 43, "0" * 43, "admin", "a" * 5000):
        assert get(browser, site, f"/sign-in/{guess}").status_code == 400
    known, unknown = (asked(site, site.browser(), e) for e in ("sara@shop.example", "a@b.example"))
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    page = browser.get("/sign-in", base_url="https://evil.example")
    form = {"email": "sara@shop.example", "form_token": token_of(page)}
    browser.post("/sign-in", base_url="https://evil.example", data=form)
    until(lambda: len(site.sent) == 2)
    assert {link.split("/sign-in/")[0] for _, link, _ in site.sent} == {"https://amends.example"}


def test_s6a_a_flood_fills_no_mailbox_and_keeps_nobody_out(site: Site) -> None:
    site.person("Bob", "bob@shop.example")
    for number in range(30):
        asked(site, site.browser(), "sara@shop.example" if number % 2 else f"x{number}@b.example")
    asked(site, site.browser(), "bob@shop.example")
    until(lambda: "bob@shop.example" in [email for email, _, _ in site.sent])
    until(lambda: len(site.sent) >= 6)
    assert [email for email, _, _ in site.sent].count("sara@shop.example") == 5
