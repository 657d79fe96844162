"""The demo's second helpdesk: the stand-in of Freshdesk, with our app beside its tickets."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from console.signin import link_address
from core import signin
from core.errors import AmendsError
from core.moment import Moment
from core.people import Person, PersonIdentity
from sandbox.world import AGENT, AGENT_ID, tickets
from webhooks import connecting
from webhooks.app import Services
from webhooks.demo.stage import POLICY, REASONS
from webhooks.demo.world import Host
from webhooks.hosts import opened, sealed
from webhooks.manifests import app_of
from webhooks.sidebar.cors import SETTING
from webhooks.sidebar.oauth import SECRET

API_KEY = "freshdesk-sandbox-key"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')
_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Freshdesk:
    """desk_id: our connection. app_id and address: the app's number at the stand-in, and where."""

    desk_id: str
    app_id: int
    address: str

    def tickets(self) -> Mapping[str, str]:
        """Ticket id -> the page on which the demo's agent works on it."""
        ids = [str(ticket["id"]) for ticket in tickets("freshdesk")]
        return {id: f"{self.address}/a/tickets/{id}?as={AGENT_ID}" for id in ids}


def connect_freshdesk(of: Services, address: str, till_id: str, **options: object) -> Freshdesk:
    """Connect the stand-in, install our app there, and say that the demo's agent is who they are.
    The agent still has to give the app access (`give_access`, or by hand)."""
    desk = connecting.add(
        of,
        "freshdesk",
        values={"domain": "shop.freshdesk.com", "address": address, "api_key": API_KEY},
        options={
            "policy": POLICY,
            "mode": "act",
            "reply": "send",
            "sign_off": "Jo, Hearth & Table",
            "reasons": REASONS,
            "tills": [{"connection": till_id}],
            **options,
        },
    )
    connecting.install(of, desk.id)
    package = app_of("freshdesk").build(of, desk).zipped()
    values = _settings(of, desk.id)
    host = Host(address)
    host.post(
        "webhooks",
        url=values["webhook_url"],
        secret=values["webhook_secret"],
        meta={"body": '{"v":1,"ticket_id":"{{ticket.id}}"}'},
    )
    made = host.post(
        "apps",
        package=base64.b64encode(package).decode(),
        oauth_iparams={"client_secret": values[SECRET]},
    )
    _store(of, desk.id, {SETTING: made["origin"]})
    _link(of, desk.id)
    return Freshdesk(desk.id, made["app_id"], address)


def invitation(of: Services) -> str:
    """A one-time link by which the demo's agent signs in."""
    with of.store.write() as tx:
        agent, moment = _agent(tx.find(Person)), Moment(of.clock.now())
        token = signin.invite(tx, agent, moment, leads_to="/sign-in")
    return link_address(of.settings.public_url, token)


def give_access(of: Services, at: Freshdesk, ticket_id: str) -> None:
    """The agent signs in by a one-time link and agrees, as in a browser. Amends must be serving.
    Raises `AmendsError`."""
    browser, link = requests.Session(), invitation(of)
    question = f"{at.address}/a/apps/{at.app_id}/authorize"
    asked = {"as": str(AGENT_ID), "ticket": ticket_id}
    try:
        _press(browser, browser.get(link, timeout=_SECONDS))
        done = _press(browser, browser.get(question, params=asked, timeout=_SECONDS))
    except requests.RequestException as error:
        raise AmendsError(f"no access was given: {error}") from None
    if not done.url.startswith(at.address):
        raise AmendsError("no access was given: Amends did not send the agent back")


def _press(browser: requests.Session, page: requests.Response) -> requests.Response:
    found = _TOKEN.search(page.text)
    if found is None:
        raise AmendsError("no access was given: the page has no form")
    form = {"form_token": found[1], "answer": "yes"}
    return browser.post(page.url, data=form, timeout=_SECONDS)


def _settings(of: Services, connection_id: str) -> dict[str, str]:
    return opened(connecting.existing(of, connection_id), of.sealer, of.store.workspace_id)


def _store(of: Services, connection_id: str, learned: Mapping[str, str]) -> None:
    row = connecting.existing(of, connection_id)
    values = {**_settings(of, connection_id), **learned}
    with of.store.write() as tx:
        tx.put(sealed(row, values, of.sealer, of.store.workspace_id))
    of.hosts.forget(connection_id)


def _agent(people: list[Person]) -> Person:
    return next(person for person in people if person.email == AGENT["email"])


def _link(of: Services, connection_id: str) -> None:
    moment = Moment(of.clock.now())
    with of.store.write() as tx:
        tx.add(
            PersonIdentity(
                id=moment.new("acc"),
                person_id=_agent(tx.find(Person)).id,
                kind="helpdesk",
                connection_id=connection_id,
                value=str(AGENT_ID),
                linked_at=moment.now,
            )
        )
