"""The demo's stage: the sandbox in a process of its own, and Amends set up to work with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import AmendsError
from core.moment import Moment
from core.people import Person, PersonIdentity
from core.policies import publish_pack
from core.store.schema import upgrade
from core.store.sealing import new_key
from sandbox.world import AGENT
from webhooks import connecting, keys
from webhooks.app import Services, services
from webhooks.settings import Settings

POLICY = "online-shop"
REASONS = {
    "amends_late_delivery": "late_delivery",
    "amends_damaged_item": "damaged_item",
    "amends_wrong_item": "wrong_item",
}
MANAGER = "manager@shop.example"


class DemoFailed(AmendsError):
    """The demo could not be set up or did not finish; the message says where."""


@dataclass(frozen=True, slots=True)
class Stage:
    """urls: the sandbox hosts' addresses by name. desk_id and tills: our connections to them."""

    urls: Mapping[str, str]
    desk_id: str
    tills: Mapping[str, str]


class Sandbox:
    """`python -m sandbox` as a child, with the demo world in it or empty; it ends when we do."""

    def __init__(self, *, world: bool = True) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own stand-ins
            [sys.executable, "-m", "sandbox", *(["--world"] if world else [])],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DemoFailed("the sandbox did not start")
        self.urls: dict[str, str] = json.loads(line)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


def settings_for(home: Path, port: int, **changes: object) -> Settings:
    """The demo's settings: everything in one folder that is thrown away, and short waits."""
    values: dict[str, object] = {
        "database_url": f"sqlite:///{home / 'amends.sqlite3'}",
        "key_file": home / "amends.keys",
        "workspace": "demo",
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "allow_private_hosts": True,
        "call_seconds": 3,
        "lease_seconds": 11,
        "poll_seconds": 0.2,
        "log_level": "error",
    }
    return Settings.model_validate(values | changes)


def environment(settings: Settings) -> dict[str, str]:
    """The same settings for a child process."""
    said = {
        f"AMENDS_{name.upper()}": str(value)
        for name, value in settings.model_dump(exclude_none=True).items()
    }
    return {**os.environ, **said}


def set_up(settings: Settings) -> Services:
    """Keys, tables, an empty workspace."""
    keys.write(settings.key_file, [new_key()])
    upgrade(settings.database_url)
    return services(settings)


def connect(of: Services, urls: Mapping[str, str]) -> Stage:
    """Connect the sandbox hosts, publish the starter policy, add the people."""
    tills = {"shopify": _shopify(of, urls["shopify"]), "stripe": _stripe(of, urls["stripe"])}
    desk = connecting.add(
        of,
        "zendesk",
        values={"subdomain": "demo", "address": urls["zendesk"], "access_token": DESK_TOKEN},
        options={
            "policy": POLICY,
            "mode": "act",
            "reply": "send",
            "sign_off": "Jo, Hearth & Table",
            "reasons": REASONS,
            "tills": [
                {"connection": tills["shopify"]},
                {"connection": tills["stripe"], "tag": "till_stripe"},
            ],
        },
    )
    for connection_id in (desk.id, *tills.values()):
        connecting.install(of, connection_id)
    _people(of, desk.id)
    return Stage(urls, desk.id, tills)


#: What the sandbox hosts let in.
DESK_TOKEN = "zendesk-sandbox-token"  # noqa: S105 - a stand-in on this machine
SHOP = {
    "shop": "sandbox-shop.myshopify.com",
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "access_token": "shpat_sandbox",
}


def _shopify(of: Services, url: str) -> str:
    return connecting.add(of, "shopify", values={**SHOP, "address": url}).id


def _stripe(of: Services, url: str) -> str:
    values = {"secret_key": "sk_test_sandbox", "address": url}
    return connecting.add(of, "stripe", values=values).id


def _people(of: Services, desk_id: str) -> None:
    """The agent who solves the tickets, and a manager who may agree."""
    moment = Moment(of.clock.now())
    agent = Person(
        id=moment.new("per"),
        name=str(AGENT["name"]),
        email=str(AGENT["email"]),
        roles=["agent"],
        created_at=moment.now,
    )
    manager = Person(
        id=moment.new("per"),
        name="Sam Okafor",
        email=MANAGER,
        roles=["approver"],
        created_at=moment.now,
    )
    with of.store.write() as tx:
        publish_pack(tx, POLICY, effective_from=moment.now.date(), by=None, moment=moment)
        for person, account in ((agent, str(AGENT["id"])), (manager, "9002")):
            tx.add(person)
            tx.add(
                PersonIdentity(
                    id=moment.new("acc"),
                    person_id=person.id,
                    kind="helpdesk",
                    connection_id=desk_id,
                    value=account,
                    linked_at=moment.now,
                )
            )
