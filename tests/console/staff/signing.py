"""People of staff, signed in: for the test client, and for a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext

from core import signin
from core.moment import Moment
from core.people import Person, PersonIdentity
from tests.browsing import Visits
from tests.webhooks.rig import Rig
from webhooks.app import create_app

MANAGER = "manager@shop.example"
AGENT = "jo.marsh@shop.example"


def person(rig: Rig, email: str, roles: Sequence[str], account: str | None = None) -> Person:
    """Somebody new, linked to a helpdesk account where one is given."""
    moment = Moment(rig.clock.now())
    made = Person(
        id=moment.new("per"),
        name=email.partition("@")[0].title(),
        email=email,
        roles=list(roles),
        created_at=moment.now,
    )
    with rig.store.write() as tx:
        tx.add(made)
        if account is not None:
            tx.add(
                PersonIdentity(
                    id=moment.new("acc"),
                    person_id=made.id,
                    kind="helpdesk",
                    connection_id=rig.stage.desk_id,
                    value=account,
                    linked_at=moment.now,
                )
            )
    return made


def invited(rig: Rig, email: str) -> str:
    """The path of a link that signs this person in."""
    who = rig.person(email)
    with rig.store.write() as tx:
        token = signin.invite(tx, who, Moment(rig.clock.now()))
    return f"/sign-in/{token}"


class Staff:
    """A test client signed in as somebody; forms are filled in as a page has them."""

    def __init__(self, rig: Rig, email: str, app: Flask | None = None) -> None:
        self.client: FlaskClient = (app or create_app(rig.of, rig.runner)).test_client()
        path = invited(rig, email)
        self.client.post(path, data=_hidden(self.client.get(path).get_data(as_text=True)))

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def status(self, path: str) -> int:
        return self.client.get(path).status_code

    def send(self, page: str, action: str, **fields: str) -> int:
        """The form of `page` (a path) that goes to `action`, with these fields; its status."""
        shown = self.get(page)
        form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', shown, re.DOTALL)
        assert form, shown
        return self.post(action, {**_hidden(form[0]), **fields})

    def post(self, action: str, fields: Mapping[str, str]) -> int:
        answer = self.client.post(action, data=dict(fields))
        self.last = answer.get_data(as_text=True)
        return answer.status_code


def signed_in(rig: Rig, visits: Visits, email: str, **options: object) -> BrowserContext:
    """A browser's context in which this person is signed in."""
    context = visits.context(**options)
    page = visits(invited(rig, email), context)
    page.locator("main button").click()
    page.wait_for_load_state()
    page.close()
    return context


def _hidden(html: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html)
    return dict(found)
