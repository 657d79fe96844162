"""The sidebar as an agent has it: the demo's hosts, Amends with its runner, and a page that stands
in for a helpdesk's frame. What a helpdesk's client library would do is noted down instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from console.headers import content_policy
from console.sidebar import shell
from core import session
from core.case import Case, Task
from core.moment import Moment
from core.payout import Payout
from core.people import Person
from core.policies import version_in_force
from tests.console.stage import Demo
from tests.publishing import put_in_force
from tests.webhooks.sidebar.panels import AGENT, CHOICES
from webhooks import connecting

_ADAPTOR = """
import { start } from "/static/sidebar/sidebar.js";
const asked = new URLSearchParams(location.search);
window.notes = [];
start({
  name: asked.get("skin") || "zendesk",
  address: "",
  token: document.querySelector('meta[name="amends-token"]').content,
  ticketId: asked.get("ticket"),
  locale: asked.get("locale") || "en",
  theme: asked.get("theme") || "light",
  resize: (px) => { window.height = px; },
  notify: (text, kind) => { window.notes.push([kind, text]); },
  appendReply: (text) => { window.reply = text; },
  onTicketChanged: (callback) => { window.ticketChanged = callback; },
  onSave: (check) => { window.maySave = check; },
});
"""


class Sidebar(Demo):
    """`token` begins a session as a helpdesk's agent would have it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.store = self._of.store
        self.stage = self.world._stage
        self.app.register_blueprint(_frame(self))

    def now(self) -> Moment:
        return Moment(self._of.clock.now())

    def token(self, agent: str = AGENT) -> str:
        with self.store.write() as tx:
            return session.begin(tx, self.stage.desk_id, agent, self.url, self.now())

    def headers(self, agent: str = AGENT, language: str = "en") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(agent)}", "Accept-Language": language}

    def policy(self, text: str = CHOICES, name: str = "choices") -> None:
        """Have this policy decide from now on."""
        with self.store.write() as tx:
            if version_in_force(tx, name, self.now().now.date()) is None:
                put_in_force(tx, text, self.now())
        self.options(policy=name)

    def options(self, **changes: object) -> None:
        connecting.change_options(self._of, self.stage.desk_id, changes)

    def person(self, email: str) -> Person:
        with self.store.read() as reader:
            return reader.find(Person, email=email)[0]

    def cases(self, ticket_id: str) -> Sequence[Case]:
        with self.store.read() as reader:
            return reader.find(Case, ticket_id=ticket_id)

    def payouts(self, ticket_id: str) -> Sequence[Payout]:
        ids = tuple(case.id for case in self.cases(ticket_id))
        with self.store.read() as reader:
            return reader.find(Payout, case_id=ids) if ids else []

    def tasks(self, ticket_id: str) -> Sequence[Task]:
        ids = tuple(case.id for case in self.cases(ticket_id))
        with self.store.read() as reader:
            return reader.find(Task, case_id=ids) if ids else []

    def desk(self, path: str, **data: Any) -> None:
        self.control("zendesk", path, data)


def _frame(of: Sidebar) -> Blueprint:
    routes = Blueprint("frame", __name__)

    @routes.get("/frame")
    def framed() -> Response:
        agent = request.args.get("agent", AGENT)
        token = request.args.get("token") or of.token(agent)
        html = shell(host="zendesk", token=token, client_library="/frame-library.js")
        html = html.replace("/static/sidebar/zendesk.js", "/frame.js")
        answer = Response(html, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = content_policy()
        return answer

    @routes.get("/frame.js")
    def adaptor() -> Response:
        return Response(_ADAPTOR, content_type="text/javascript; charset=utf-8")

    @routes.get("/frame-library.js")
    def library() -> Response:
        return Response("", content_type="text/javascript; charset=utf-8")

    return routes


def path(ticket: str, **asked: str) -> str:
    given: Mapping[str, str] = {"ticket": ticket, **asked}
    return "/frame?" + "&".join(f"{name}={value}" for name, value in given.items())
