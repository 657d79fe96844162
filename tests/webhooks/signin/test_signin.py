"""Signing in by a one-time link: who gets in, who does not, and what a browser keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from console.signin import own_path
from core import signin
from core.signin import SignIn, SignInLink
from core.store import Store
from tests.stores import open_store
from tests.webhooks.signin.site import (
    COOKIE,
    MARK,
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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("memory", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def site(store: Store) -> Site:
    return Site(store)


def test_a_link_and_a_button_sign_in(site: Site) -> None:
    browser = site.browser()
    assert not is_in(browser, site)
    path = site.invite(leads_to="/inside?x=1")
    shown = get(browser, site, path)
    assert "Sara" in shown.text
    assert not is_in(browser, site)  # looking does nothing
    answer = press(browser, site, path)
    assert (answer.status_code, answer.location) == (303, "/inside?x=1")
    assert get(browser, site, "/inside").text.startswith("Sara ")


def test_nothing_that_could_be_used_is_kept(site: Site) -> None:
    browser, path = site.browser(), site.invite()
    press(browser, site, path)
    with site.store.read() as reader:
        kept = f"{reader.find(SignInLink)} {reader.find(SignIn)}"
    assert path.rpartition("/")[2] not in kept
    assert str(cookie(browser)) not in kept


def test_the_cookie_is_for_this_host_and_no_script(site: Site) -> None:
    browser, path = site.browser(), site.invite()
    answer = press(browser, site, path)
    said = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{COOKIE}="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(said.split("; "))
    assert "Domain" not in said


def test_on_the_own_machine_it_works_without_https(store: Store) -> None:
    site = Site(store, "http://127.0.0.1:8410")
    answer = press(site.browser(), site, site.invite())
    said = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("amends="))
    assert "Secure" not in said
    assert "HttpOnly" in said


def test_elsewhere_http_gets_no_usable_cookie(store: Store) -> None:
    assert Site(store, "http://amends.example").signins.cookies.secure


# -------------------------------------------------------------------------- links that do not work


def test_a_link_works_once(site: Site) -> None:
    path = site.invite()
    press(site.browser(), site, path)
    other = site.browser()
    assert get(other, site, path).status_code == 400
    form_token = token_of(get(other, site, site.invite()))
    assert post(other, site, path, form_token=form_token).status_code == 400
    assert not is_in(other, site)


@pytest.mark.parametrize(
    ("mark", "life"), [(None, signin.INVITED), ("m" * 43, signin.ASKED)], ids=["invited", "asked"]
)
def test_a_link_ends(site: Site, mark: str | None, life: timedelta) -> None:
    path = site.invite(browser=mark)
    with site.store.read() as reader:
        before = site.now + life - timedelta(seconds=1)
        signin.look(reader, path.rpartition("/")[2], mark, before)
    site.now += life
    assert get(site.browser(), site, path).status_code == 400


def test_nobody_who_left_comes_in(site: Site) -> None:
    browser, path = site.browser(), site.invite()
    press(browser, site, site.invite())
    assert is_in(browser, site)
    with site.store.write() as tx:
        tx.put(replace(site.sara, active=False))
    assert not is_in(browser, site)
    assert get(browser, site, path).status_code == 400


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_of_many_that_press_at_once_one_gets_in(tmp_path: Path, kind: str) -> None:
    store = open_store(kind, tmp_path)
    try:
        site = Site(store)
        path = site.invite()
        browsers = [site.browser() for _ in range(8)]
        tokens = [token_of(get(browser, site, path)) for browser in browsers]
        statuses: list[int] = []

        def press_at_once(browser: FlaskClient, token: str) -> None:
            statuses.append(post(browser, site, path, form_token=token).status_code)

        pressing = [
            threading.Thread(target=press_at_once, args=pair)
            for pair in zip(browsers, tokens, strict=True)
        ]
        for thread in pressing:
            thread.start()
        for thread in pressing:
            thread.join()
        assert sorted(statuses) == [303] + [400] * 7
    finally:
        store.close()


def test_a_look_ahead_uses_nothing_up(site: Site) -> None:
    path = site.invite()
    for _ in range(3):
        assert site.browser().head(path, base_url=site.public_url).status_code == 200
        assert get(site.browser(), site, path).status_code == 200
    assert press(site.browser(), site, path).status_code == 303


# ----------------------------------------------------------------------------- asking for a link


def test_a_link_that_was_asked_for_works_where_it_was_asked_for(site: Site) -> None:
    browser = site.browser()
    asked(site, browser, " Sara@Shop.example ")
    until(lambda: len(site.sent) == 1)
    email, link, language = site.sent[0]
    assert (email, language) == ("sara@shop.example", "en")
    assert link.startswith(site.url("/sign-in/"))
    path = link.removeprefix(site.public_url)
    thief = site.browser()  # the mail was forwarded, or read by somebody else
    assert get(thief, site, path).status_code == 400
    form_token = token_of(get(thief, site, site.invite()))
    assert post(thief, site, path, form_token=form_token).status_code == 400
    assert press(browser, site, path).location == "/inside"
    assert is_in(browser, site)


def test_who_is_known_cannot_be_told_from_the_answer(site: Site) -> None:
    known, unknown = site.browser(), site.browser()
    first, second = asked(site, known, "sara@shop.example"), asked(site, unknown, "no@no.example")
    assert (first.status_code, first.text) == (second.status_code, second.text)
    until(lambda: len(site.sent) == 1)


def test_a_mailbox_cannot_be_flooded(site: Site) -> None:
    for _ in range(8):
        asked(site, site.browser(), "sara@shop.example")
    until(lambda: len(site.sent) >= 5)
    time.sleep(0.5)
    assert len(site.sent) == 5
    assert press(site.browser(), site, site.invite()).status_code == 303  # an admin's still works


def test_the_link_names_our_own_address_whatever_the_request_says(site: Site) -> None:
    browser = site.browser()
    page = browser.get("/sign-in", base_url="https://evil.example")
    browser.post(
        "/sign-in", base_url="https://evil.example",
        data={"email": "sara@shop.example", "form_token": token_of(page)},
    )  # fmt: skip
    until(lambda: len(site.sent) == 1)
    assert site.sent[0][1].startswith("https://amends.example/sign-in/")


@pytest.mark.parametrize(
    "wanted",
    [
        *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example"),
        *("javascript:alert(1)", "/%0d%0aSet-Cookie: x=1\r\n", "evil", "", None),
        *("/\u202eevil", "/" + "x" * 4001, "/\t/evil.example"),
    ],
)
def test_a_link_leads_to_no_other_site(site: Site, wanted: str | None) -> None:
    assert own_path(wanted) == "/sign-in"


# ------------------------------------------------------------------------------------- sessions


def test_signing_in_makes_a_new_cookie_and_ends_the_old_one(site: Site) -> None:
    """Fixation: whatever cookie a browser was given before counts for nothing afterwards."""
    browser = site.browser()
    browser.set_cookie(COOKIE, "chosen-by-somebody-else", domain="amends.example")
    press(browser, site, site.invite())
    first = cookie(browser)
    assert first != "chosen-by-somebody-else"
    press(browser, site, site.invite())
    assert cookie(browser) != first
    other = site.browser()
    other.set_cookie(COOKIE, str(first), domain="amends.example")
    assert not is_in(other, site)


def test_signing_out_ends_it_on_the_server(site: Site) -> None:
    browser = site.browser()
    press(browser, site, site.invite())
    kept = str(cookie(browser))
    form_token = token_of(get(browser, site, "/sign-in"))
    assert post(browser, site, "/sign-out", form_token=form_token).status_code == 303
    assert not cookie(browser)
    thief = site.browser()
    thief.set_cookie(COOKIE, kept, domain="amends.example")
    assert not is_in(thief, site)


def test_a_cookie_is_exchanged_now_and_then(site: Site) -> None:
    browser = site.browser()
    press(browser, site, site.invite())
    first = str(cookie(browser))
    page = get(browser, site, "/inside")
    site.now += timedelta(hours=9)
    assert is_in(browser, site)
    second = str(cookie(browser))
    assert second != first
    beside = site.browser()  # a request that was under way with the old one
    beside.set_cookie(COOKIE, first, domain="amends.example")
    assert is_in(beside, site)
    assert str(cookie(beside)) == first
    # A page that stood open meanwhile still works.
    assert post(browser, site, "/inside", form_token=token_of(page)).status_code == 200
    site.now += timedelta(seconds=31)
    assert not is_in(beside, site)
    assert is_in(browser, site)
    form_token = token_of(get(browser, site, "/sign-in"))
    post(browser, site, "/sign-out", form_token=form_token)
    for old in (first, second):
        beside.set_cookie(COOKIE, old, domain="amends.example")
        assert not is_in(beside, site)


def test_signing_out_ends_the_cookie_that_was_just_exchanged_too(site: Site) -> None:
    browser, beside = site.browser(), site.browser()
    press(browser, site, site.invite())
    beside.set_cookie(COOKIE, str(cookie(browser)), domain="amends.example")
    site.now += timedelta(hours=9)
    assert is_in(browser, site)  # and has a new cookie now
    assert is_in(beside, site)
    form_token = token_of(get(browser, site, "/sign-in"))
    post(browser, site, "/sign-out", form_token=form_token)
    assert not is_in(beside, site)


def test_a_sign_in_ends_by_itself(site: Site) -> None:
    browser = site.browser()
    press(browser, site, site.invite())
    site.now += signin.IDLE
    assert not is_in(browser, site)
    press(browser, site, site.invite())
    for _ in range(14):
        assert is_in(browser, site)
        site.now += timedelta(days=1)
    assert not is_in(browser, site)


def test_all_of_a_persons_browsers_can_be_signed_out(site: Site) -> None:
    browsers = [site.browser(), site.browser()]
    for browser in browsers:
        press(browser, site, site.invite())
    waiting = site.invite()
    with site.store.write() as tx:
        assert signin.sign_out_everywhere(tx, site.sara.id, site.now) == 2
    assert not any(is_in(browser, site) for browser in browsers)
    assert get(site.browser(), site, waiting).status_code == 400


# ---------------------------------------------------------------------------------------- forms


def test_a_form_needs_the_token_of_its_own_browser(site: Site) -> None:
    browser, other = site.browser(), site.browser()
    press(browser, site, site.invite())
    bob = site.person("Bob", "bob@shop.example")
    press(other, site, site.invite(bob))
    theirs = token_of(get(other, site, "/inside"))
    for wrong in ("", "0" * 64, theirs, "ü"):
        assert post(browser, site, "/inside", form_token=wrong).status_code == 403
    own = token_of(get(browser, site, "/inside"))
    assert post(browser, site, "/inside", form_token=own).status_code == 200


def test_a_form_from_before_signing_in_does_not_count(site: Site) -> None:
    browser = site.browser()
    before = token_of(get(browser, site, "/sign-in"))
    press(browser, site, site.invite())
    assert post(browser, site, "/inside", form_token=before).status_code == 403


def test_a_mark_that_somebody_else_chose_makes_no_form(site: Site) -> None:
    """Cookies can be put into a browser; a form's token hangs on the sign-in as well."""
    chosen = "m" * 43
    browser, theirs = site.browser(), site.browser()
    for one in (browser, theirs):
        one.set_cookie(MARK, chosen, domain="amends.example")
    known = token_of(get(theirs, site, site.invite()))
    press(browser, site, site.invite())
    assert cookie(browser, MARK) != chosen  # signing in makes a new one
    browser.set_cookie(MARK, chosen, domain="amends.example")
    assert post(browser, site, "/inside", form_token=known).status_code == 403


def test_login_csrf_somebody_elses_link_cannot_be_pressed_for_me(site: Site) -> None:
    """The attacker knows their own link and their own form token; my browser has neither."""
    mallory = site.person("Mallory", "mallory@shop.example")
    path = site.invite(mallory)
    theirs = token_of(get(site.browser(), site, path))
    victim = site.browser()
    get(victim, site, "/sign-in")
    for form in ({}, {"form_token": theirs}):
        assert post(victim, site, path, **form).status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site"}
    sent = {"form_token": token_of(get(victim, site, path))}
    answer = victim.post(path, base_url=site.public_url, data=sent, headers=headers)
    assert answer.status_code == 403
    assert not is_in(victim, site)


def test_a_form_of_nobody_is_told_to_sign_in(site: Site) -> None:
    assert post(site.browser(), site, "/inside").status_code == 401
    answer = get(site.browser(), site, "/inside?case=7")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/inside?case%3D7")
