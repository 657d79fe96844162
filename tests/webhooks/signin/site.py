"""A site with sign-in and one page that needs it, and the browsers that come to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from console.signin import SignIns, current_person, form_token, sign_in_required
from core import signin
from core.moment import Moment
from core.people import Person
from core.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COOKIE, MARK = "__Host-amends", "__Host-amends_form"


class Site:
    """An application with sign-in and one page that needs it."""

    def __init__(self, store: Store, public_url: str = "https://amends.example") -> None:
        self.store, self.now = store, NOW
        self.sent: list[tuple[str, str, str]] = []
        self.public_url = public_url
        self.signins = SignIns(store, lambda: self.now, public_url=public_url, send=self._send)
        self.app = Flask("tried")
        self.signins.install(self.app)
        _needing_sign_in(self.app)
        self.sara = self.person("Sara", "sara@shop.example")

    def _send(self, person: Person, link: str, language: str) -> None:
        self.sent.append((person.email, link, language))

    def person(self, name: str, email: str) -> Person:
        made = Person(
            id=Moment(self.now).new("per"), name=name, email=email, roles=["agent"],
            created_at=self.now,
        )  # fmt: skip
        with self.store.write() as tx:
            tx.add(made)
        return made

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def invite(self, person: Person | None = None, **given: Any) -> str:
        """A link's path."""
        with self.store.write() as tx:
            token = signin.invite(tx, person or self.sara, Moment(self.now), **given)
        return f"/sign-in/{token}"

    def url(self, path: str) -> str:
        return self.public_url + path


def _needing_sign_in(app: Flask) -> None:
    @app.route("/inside", methods=["GET", "POST"])
    @sign_in_required
    def inside() -> ResponseReturnValue:
        person = current_person()
        assert person is not None
        return f'{person.name} <input name="form_token" value="{form_token()}">'


def get(browser: FlaskClient, site: Site, path: str) -> TestResponse:
    return browser.get(path, base_url=site.public_url)


def token_of(answer: TestResponse) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', answer.text)
    assert found, answer.text
    return found[1]


def post(browser: FlaskClient, site: Site, path: str, **form: str) -> TestResponse:
    return browser.post(path, base_url=site.public_url, data=form)


def press(browser: FlaskClient, site: Site, path: str) -> TestResponse:
    """Open a link and press its button."""
    return post(browser, site, path, form_token=token_of(get(browser, site, path)))


def cookie(browser: FlaskClient, name: str = COOKIE) -> str | None:
    kept = browser.get_cookie(name, domain="amends.example")
    return kept.value if kept else None


def is_in(browser: FlaskClient, site: Site) -> bool:
    return get(browser, site, "/inside").status_code == 200


def asked(site: Site, browser: FlaskClient, email: str, leads_to: str = "/inside") -> TestResponse:
    page = get(browser, site, f"/sign-in?next={leads_to}")
    return post(browser, site, "/sign-in", email=email, next=leads_to, form_token=token_of(page))


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)
