"""A running django-helpdesk as its own people use it: customers open tickets, an agent works in the
web pages, its books are read by REST. Nothing here is shared with the connector."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.real.forms import form_of

AGENT = ("agent", "agent-password")
RESOLVED = 3


class Helpdesk:
    def __init__(self, url: str, home: Path) -> None:
        self.url, self._home = url, home
        self._api = requests.Session()
        self._api.auth = AGENT

    # -------------------------------------------------------------------------------- acting

    def open(self, *, email: str, title: str, text: str, **custom: str) -> int:
        form = {"queue": 1, "priority": 3, "title": title, "description": text}
        form |= {"submitter_email": email}
        named = {f"custom_{name}": value for name, value in custom.items()}
        made = self._call("POST", "tickets/", form | named)
        return int(made["id"])

    def resolve(self, ticket_id: int, comment: str = "") -> None:
        """As an agent does: log in, open the ticket's page, choose Resolved, press Update."""
        with requests.Session() as browser:
            self._log_in(browser)
            page = browser.get(f"{self.url}/tickets/{ticket_id}/", timeout=30).text
            form = form_of(page, "ticket-respond-form")
            form |= {"new_status": str(RESOLVED), "comment": comment}
            self._send(browser, f"tickets/{ticket_id}/update/", form)
        assert self.ticket(ticket_id)["status"] == RESOLVED, "the form was not accepted"

    def _log_in(self, browser: requests.Session) -> None:
        browser.get(f"{self.url}/login/", timeout=30).raise_for_status()
        name, password = AGENT
        form = {"username": name, "password": password, "next": "/tickets/"}
        form |= {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        self._send(browser, "login/", form)
        assert "sessionid" in browser.cookies

    def _send(self, browser: requests.Session, path: str, form: Mapping[str, str]) -> None:
        url = f"{self.url}/{path}"
        answer = browser.post(url, data=form, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, f"{path} answered {answer.status_code}"

    def set_by_rest(self, ticket_id: int, **fields: object) -> None:
        self._call("PATCH", f"tickets/{ticket_id}/", fields)

    def follow_up(self, ticket_id: int, comment: str) -> None:
        """As a colleague writes one, by REST."""
        form = {"ticket": ticket_id, "comment": comment, "public": False}
        self._call("POST", "followups/", form)

    def publish(self, followup_id: int) -> None:
        self._call("PATCH", f"followups/{followup_id}/", {"public": True})

    def delete(self, ticket_id: int) -> None:
        self._api.delete(f"{self.url}/api/tickets/{ticket_id}/", timeout=30).raise_for_status()

    def call(self, *urls: str) -> None:
        """Whom its webhooks call from now on."""
        (self._home / "webhooks.txt").write_text("\n".join(urls), "utf-8")

    # ------------------------------------------------------------------------------- looking

    def ticket(self, ticket_id: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._call("GET", f"tickets/{ticket_id}/")
        return found

    def follow_ups(self, ticket_id: int) -> list[Mapping[str, Any]]:
        """What was written after the customer's first message."""
        return list(self.ticket(ticket_id)["followup_set"][1:])

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        answer = self._api.request(method, f"{self.url}/api/{path}", json=body, timeout=30)
        assert answer.ok, answer.text[:500]
        return answer.json()
