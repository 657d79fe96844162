"""Freshdesk's agents and Freshworks' servers, as far as they meet Amends' provider."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import signin
from core.connection import Connection
from core.moment import Moment
from core.people import Person, PersonIdentity
from core.store.sealing import Sealer, new_key, read_keys
from tests.stores import open_store
from webhooks import connecting
from webhooks.app import Services, create_app, ensure_workspace
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts
from webhooks.settings import Settings
from webhooks.sidebar.oauth import CALLBACK

PUBLIC = "https://amends.example"
ORIGIN = "https://d123abc.cloudfront.net"
SECRET = "canary-client-secret-Zk4vB9"
OTHER_SECRET = "canary-client-secret-of-another-Qp2"
VERIFIER = "a-verifier-of-at-least-forty-three-letters-0123"
AGENT = "48000000777"


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Desk:
    """Amends with two Freshdesk connections, and Sara, an agent of the first."""

    def __init__(self, of: Services) -> None:
        self.of, self.now = of, datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.app = create_app(of)
        self.id = self._connect("shop.freshdesk.com", SECRET)
        self.other_id = self._connect("other.freshdesk.com", OTHER_SECRET)
        self.sara = self.person("Sara", "sara@shop.example", AGENT)

    def _connect(self, domain: str, secret: str) -> str:
        values = {
            "domain": domain, "api_key": "k", "app_secret": secret, "app_origins": ORIGIN,
        }  # fmt: skip
        return connecting.add(self.of, "freshdesk", values=values).id

    def person(self, name: str, email: str, *agents: str) -> Person:
        moment = Moment(self.now)
        made = Person(
            id=moment.new("per"), name=name, email=email, roles=["agent"], created_at=self.now
        )
        with self.of.store.write() as tx:
            tx.add(made)
            for agent in agents:
                tx.add(
                    PersonIdentity(
                        id=moment.new("acc"), person_id=made.id, kind="helpdesk",
                        connection_id=self.id, value=agent, linked_at=self.now,
                    )
                )  # fmt: skip
        return made

    def switch_off(self, connection_id: str) -> None:
        with self.of.store.write() as tx:
            row = tx.get(Connection, connection_id)
            assert row is not None
            tx.put(replace(row, state="off"))
        self.of.hosts.forget(connection_id)

    # ---------------------------------------------------------------------- the agent's browser

    def signed_in(self, person: Person | None = None) -> FlaskClient:
        browser = self.app.test_client()
        with self.of.store.write() as tx:
            token = signin.invite(tx, person or self.sara, Moment(self.now))
        path = f"/sign-in/{token}"
        form = {"form_token": token_of(browser.get(path, base_url=PUBLIC))}
        assert browser.post(path, base_url=PUBLIC, data=form).status_code == 303
        return browser

    def question(self, **changes: str | None) -> str:
        """The address that Freshworks sends the agent to."""
        asked = {
            "response_type": "code", "client_id": self.id, "redirect_uri": CALLBACK,
            "state": "st/a te&1", "scope": "sidebar", **changes,
        }  # fmt: skip
        return "/oauth/authorize?" + urlencode({k: v for k, v in asked.items() if v is not None})

    def answer(self, browser: FlaskClient, path: str, answer: str = "yes") -> TestResponse:
        form = {"form_token": token_of(browser.get(path, base_url=PUBLIC)), "answer": answer}
        return browser.post(path, base_url=PUBLIC, data=form)

    def code(self, person: Person | None = None, **changes: str | None) -> str:
        """Asked, agreed, sent back."""
        sent = self.answer(self.signed_in(person), self.question(**changes))
        assert sent.status_code == 303, sent.text
        return query_of(sent)["code"]

    # ----------------------------------------------------------------------- Freshworks' servers

    def token(self, **form: str | None) -> TestResponse:
        sent = {
            "grant_type": "authorization_code", "client_id": self.id, "client_secret": SECRET,
            "redirect_uri": CALLBACK, **form,
        }  # fmt: skip
        kept = {k: v for k, v in sent.items() if v is not None}
        return self.app.test_client().post("/oauth/token", base_url=PUBLIC, data=kept)

    def refresh(self, token: str, **form: str | None) -> TestResponse:
        return self.token(
            grant_type="refresh_token", refresh_token=token, redirect_uri=None, **form
        )

    def tokens(self, person: Person | None = None) -> dict[str, Any]:
        answer = self.token(code=self.code(person))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json or {}
        return found

    def exchange(
        self, access: str | None, *, connection_id: str | None = None, **said: object
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {access}"} if access is not None else {}
        return self.app.test_client().post(
            f"/freshdesk/{connection_id or self.id}/session",
            base_url=PUBLIC,
            headers=headers,
            json={"agent": AGENT, "origin": ORIGIN, **said},
        )

    def works(self, access: str) -> bool:
        return self.exchange(access).status_code == 200


def token_of(answer: TestResponse) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', answer.text)
    assert found, answer.text
    return found[1]


def query_of(answer: TestResponse) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


@contextmanager
def desk_at(tmp_path: Path, *, private: bool = False, kind: str = "memory") -> Iterator[Desk]:
    store = open_store(kind, tmp_path)
    settings = Settings(
        workspace=store.workspace_id, public_url=PUBLIC, allow_private_hosts=private
    )
    sealer = Sealer(read_keys(new_key()))
    hosts = Hosts(store, sealer, allow_private=private, call_within=settings.call_within)
    desks: list[Desk] = []
    clock = Clock(
        now=lambda: desks[0].now if desks else datetime(2026, 3, 1, 12, tzinfo=UTC),
        steady=lambda: 0.0,
    )
    of = Services(settings, store, sealer, hosts, clock)
    ensure_workspace(store, "test", clock)
    desks.append(Desk(of))
    try:
        yield desks[0]
    finally:
        store.close()
