"""Where the Amends app inside Freshdesk begins: the agent's access, exchanged for a session.

Freshworks serves the app's page from its own address and signs nothing. What it does have is the
access that this agent gave the app here (`webhooks.sidebar.oauth`): its servers call this address
with it, once for each opening of a ticket, and the page never sees it.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue

from core import grant, session
from core.connection import Connection
from core.errors import AmendsError
from core.grant import NoAccess, OtherAccount
from core.people import Person
from core.store import Store
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts
from webhooks.settings import Settings
from webhooks.sidebar import cors, oauth
from webhooks.sidebar.cors import origins_of

log = logging.getLogger(__name__)

CONNECTOR = "freshdesk"
_BODY_MAX = 4 * 1024
_TOKEN = re.compile(r"Bearer ([A-Za-z0-9_-]{20,200})", re.ASCII | re.IGNORECASE)
#: Openings of a person in a minute; whoever leafs through tickets faster waits.
_A_MINUTE = 40


class UnknownOrigin(AmendsError):
    """The app's page is served from an address that nobody has allowed."""


class TooFast(AmendsError):
    """More tickets are opened than anybody can read."""


@dataclass(frozen=True, slots=True)
class _No:
    """code: what the app's page has words for."""

    status: int
    code: str


_NO: Mapping[type[AmendsError], _No] = {
    NoAccess: _No(401, "no_access"),
    OtherAccount: _No(403, "other_account"),
    UnknownOrigin: _No(403, "unknown_origin"),
    TooFast: _No(429, "too_fast"),
}


def install(app: Flask, store: Store, hosts: Hosts, clock: Clock, settings: Settings) -> None:
    """Everything that the app in Freshdesk needs of an application with sign-in."""
    private = settings.allow_private_hosts
    app.register_blueprint(oauth.blueprint(store, hosts, clock.now, private=private))
    app.register_blueprint(blueprint(store, clock, settings.public_url))
    cors.install(app, store)


def blueprint(store: Store, clock: Clock, public_url: str) -> Blueprint:
    """`POST /freshdesk/<connection>/session`, bearer: the agent's access token, JSON `agent` (who
    the page says is looking) and `origin` (where it was served from).

    200: `token`, `address`, `expires_in` (seconds). 401, 403, 429: `error` and `say`, a sentence.
    """
    routes = Blueprint("freshdesk", __name__)
    paces = _Paces()

    @routes.post("/freshdesk/<connection_id>/session")
    def exchange(connection_id: str) -> ResponseReturnValue:
        request.max_content_length = _BODY_MAX
        try:
            access, said = _bearer(), _said(request.get_data())
            token = _begin(store, clock, paces, connection_id, access, said)
        except AmendsError as error:
            no = _NO.get(type(error))
            if no is None:
                raise
            log.info("no session for %.64r: %s", connection_id, no.code)
            headers = {"Cache-Control": "no-store"}
            if no.status == 401:
                headers["WWW-Authenticate"] = "Bearer"
            if no.status == 429:
                headers["Retry-After"] = "60"
            return {"error": no.code, "say": str(error)}, no.status, headers
        made = {
            "token": token,
            "address": public_url,
            "expires_in": int(session.LASTS.total_seconds()),
        }
        return made, 200, {"Cache-Control": "no-store"}

    return routes


def _begin(
    store: Store,
    clock: Clock,
    paces: _Paces,
    connection_id: str,
    access: str,
    said: Mapping[str, str],
) -> str:
    moment = clock.moment()
    with store.read() as reader:
        person = grant.find_access(reader, access, connection_id, moment.now)
        connection = reader.get(Connection, connection_id)
        if connection is None or (connection.connector, connection.state) != (CONNECTOR, "on"):
            raise NoAccess("Freshdesk is not connected to Amends any more; ask an admin")
        agent_id = grant.account_of(reader, person, connection_id, said["agent"])
    paces.step(person, moment.now)
    if said["origin"] not in origins_of(connection):
        raise UnknownOrigin(
            "the app is served from an address that is not allowed yet; ask an admin to run "
            f"`amends manifest allow {connection_id} ORIGIN` with {said['origin']}"
        )
    with store.write() as tx:
        return session.begin(tx, connection_id, agent_id, said["origin"], moment)


def _bearer() -> str:
    found = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise NoAccess("give the app access again")
    return found[1]


def _said(body: bytes) -> Mapping[str, str]:
    """What the page said, as short text; what is missing or no text is empty, and fits nothing."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = {}
    values = found if isinstance(found, dict) else {}
    return {
        name: value if isinstance(value := values.get(name), str) and len(value) <= 200 else ""
        for name in ("agent", "origin")
    }


class _Paces:
    """How fast each person opens tickets, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, deque[datetime]] = {}

    def step(self, person: Person, now: datetime) -> None:
        with self._lock:
            steps = self._steps.setdefault(person.id, deque(maxlen=_A_MINUTE))
            if len(steps) == _A_MINUTE and now - steps[0] < timedelta(minutes=1):
                raise TooFast("too many tickets were opened at once; wait a minute")
            steps.append(now)
