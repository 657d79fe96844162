"""A helpdesk's agent with the panel of one ticket: what is on it is read back and posted as a
browser would."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import session
from core.moment import Moment
from tests.webhooks.rig import Rig
from webhooks.app import create_app

AGENT, MANAGER = "9001", "9002"

CHOICES = """policy: choices
basis: goodwill
currency: [EUR, GBP, USD, SAR, KWD, JPY, AED]
facts: {reason: [late_delivery, damaged_item, wrong_item], order.total: money}
give:
  - when: {reason: late_delivery}
    refund: 5% of order.total up to 40% of order.total
    reason: late
  - when: {reason: damaged_item}
    choice:
      - {refund: 20% of order.total}
      - {store_credit: 30% of order.total}
      - {gift_card: 35% of order.total}
    reason: damaged
  - {when: {reason: wrong_item}, gift_card: 10% of order.total, reason: wrong}
"""


class Form(HTMLParser):
    """The values of the controls of a form, by its `hx-post`, as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._own: dict[str, str] = {}  # controls that name the form `give`
        self._here: dict[str, str] | None = None
        self._select = self._area = ""
        self.feed(html)
        for action, values in self.forms.items():
            if action.rpartition("/")[2] in ("give", "ask", "preview"):
                values.update(self._own)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        name, value = named.get("name") or "", named.get("value") or ""
        into = self._own if named.get("form") == "give" else self._here
        if tag == "form":
            self._here = self.forms.setdefault(named.get("hx-post") or "", {})
        elif tag == "input" and into is not None and name:
            if named.get("type") != "radio" or "checked" in named:
                into[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in named:
            (self._own if self._here is None else self._here)[self._select] = value
        elif tag == "textarea" and into is not None:
            self._area = name
            into[name] = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._here is not None:
            self._here[self._area] += (
                data.removeprefix("\n") if not self._here[self._area] else data
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._here = None
        elif tag == "textarea":
            self._area = ""


class Agent:
    """One agent's session. `look` opens a ticket; `press` posts one of the panel's forms."""

    def __init__(self, rig: Rig, id: str = AGENT, app: Flask | None = None) -> None:
        self.rig = rig
        self.client: FlaskClient = (app or create_app(rig.of)).test_client()
        with rig.store.write() as tx:
            moment = Moment(rig.clock.now())
            self.token = session.begin(tx, rig.stage.desk_id, id, "https://desk.example", moment)
        self.headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}

    def get(self, ticket: int | str, part: str = "", **query: str) -> TestResponse:
        path = f"/sidebar/tickets/{ticket}{part}"
        return self.client.get(path, headers=self.headers, query_string=query)

    def look(self, ticket: int | str, **query: str) -> str:
        answer = self.get(ticket, **query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_data(as_text=True)

    def post(self, ticket: int | str, door: str, values: Mapping[str, str]) -> TestResponse:
        path = f"/sidebar/tickets/{ticket}/{door}"
        return self.client.post(path, headers=self.headers, data=dict(values))

    def form(self, ticket: int | str, door: str, html: str | None = None) -> dict[str, str]:
        found = Form(html if html is not None else self.look(ticket)).forms
        return found[f"/sidebar/tickets/{ticket}/{door}"]

    def press(self, ticket: int | str, door: str, **changes: str) -> TestResponse:
        return self.post(ticket, door, {**self.form(ticket, door), **changes})
