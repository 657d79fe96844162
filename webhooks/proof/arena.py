"""Amends and its hosts as real processes: a helpdesk, a shop that honours keys and one that knows
none, and as many tickets as are wanted, each about an order of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import requests
from werkzeug.serving import make_server

from core.moment import Moment
from core.store.schema import upgrade
from core.store.sealing import new_key
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from sandbox.world import AGENT
from webhooks import connecting, keys
from webhooks.app import Services, create_app, services
from webhooks.demo.stage import DESK_TOKEN, SHOP, Sandbox
from webhooks.demo.world import Host
from webhooks.engine.watch import Watch
from webhooks.proof.policy import in_force_always
from webhooks.settings import Settings

#: Which till a ticket is about: one that honours keys, one where only looking helps.
KINDS = ("key", "find")
POLICY = """
policy: proof
basis: goodwill
currency: [EUR]
facts: {reason: [damaged_item], order.total: money}
give:
  - {refund: 50% of order.total, reason: damaged}
"""
_TOTAL, _HALF = "40.00", "20.00"


@dataclass(frozen=True, slots=True)
class Arena:
    """A set-up installation, connected to hosts that run in a process of their own. Ticket `n` is
    about an order of the shop with keys where n is odd, else of the other one."""

    of: Services
    desk: Host
    shops: Mapping[str, Host]

    def solve(self, ticket: int) -> None:
        """An agent solves it, and the delivery about it is kept."""
        self.desk.post(f"tickets/{ticket}/solve")
        self.idle()

    def idle(self) -> None:
        """Whatever the hosts have to say has been said."""
        for host in (self.desk, *self.shops.values()):
            host.post("webhooks/idle", timeout_s=10)

    def refunds(self, ticket: int) -> list[str]:
        """The amounts paid back for the ticket's order, out of the shop's own books."""
        kind, order = kind_of(ticket), _order_id(ticket)
        found = self.shops[kind].get("books")["refunds"]
        if kind == "key":
            return [r["amount"] for r in found if r["order_id"] == order]
        return [r["amount"] for r in found if r["order"] == str(order)]

    def comments(self, ticket: int) -> list[Mapping[str, Any]]:
        """What was written on it after the customer's own words."""
        books = self.desk.get("books")["tickets"]
        found: list[Mapping[str, Any]] = next(t for t in books if t["id"] == ticket)["comments"]
        return found[1:]


def kind_of(ticket: int) -> str:
    return KINDS[(ticket + 1) % 2]


def tickets_of(kind: str) -> Iterator[int]:
    """Every ticket about an order of that kind of shop."""
    return count(1 + KINDS.index(kind), len(KINDS))


@contextlib.contextmanager
def arena(
    home: Path, database_url: str, tickets: int, *, web: bool = True, **changes: object
) -> Iterator[Arena]:
    """`home` is a folder to be thrown away. With `web`, deliveries are taken in by this process."""
    values: dict[str, object] = {
        "database_url": database_url,
        "key_file": home / "amends.keys",
        "workspace": "proof",
        "allow_private_hosts": True,
        "call_seconds": 5,
        "lease_seconds": 60,
        "log_level": "critical",
    }
    settings = Settings.model_validate(values | changes)
    keys.write(settings.key_file, [new_key()])
    upgrade(settings.database_url)
    of = services(settings)
    with Sandbox(world=False) as sandbox, contextlib.ExitStack() as stack:
        stack.callback(of.store.close)
        if web:
            settings.public_url = f"http://127.0.0.1:{stack.enter_context(_served(of))}"
        _fill(sandbox.urls, tickets)
        _connect(of, sandbox.urls)
        # This machine is known, so that its first process does no more than the others.
        Watch(of.store, of.clock, settings.lease_length).holds()
        yield Arena(
            of,
            Host(sandbox.urls["zendesk"]),
            {"key": Host(sandbox.urls["shopify"]), "find": Host(sandbox.urls["woocommerce"])},
        )


@contextlib.contextmanager
def _served(of: Services) -> Iterator[int]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, create_app(of), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _connect(of: Services, urls: Mapping[str, str]) -> None:
    moment = Moment(of.clock.now())
    shopify = connecting.add(of, "shopify", values={**SHOP, "address": urls["shopify"]})
    woo = connecting.add(
        of,
        "woocommerce",
        values={
            "address": urls["woocommerce"],
            "consumer_key": CONSUMER_KEY,
            "consumer_secret": CONSUMER_SECRET,
        },
    )
    desk = connecting.add(
        of,
        "zendesk",
        values={"subdomain": "proof", "address": urls["zendesk"], "access_token": DESK_TOKEN},
        options={
            "policy": "proof",
            "mode": "act",
            "reply": "send",
            "reasons": {"damaged": "damaged_item"},
            "tills": [
                {"connection": shopify.id, "tag": "till_key"},
                {"connection": woo.id, "tag": "till_find"},
            ],
        },
    )
    for connection in (shopify, woo, desk):
        connecting.install(of, connection.id)
    with of.store.write() as tx:
        tx.add(in_force_always(POLICY, moment))


def _fill(urls: Mapping[str, str], tickets: int) -> None:
    numbers = range(1, tickets + 1)
    seeds: dict[str, Mapping[str, object]] = {
        "zendesk": {
            "users": [dict(AGENT), *(_user(n) for n in numbers)],
            "tickets": [_ticket(n) for n in numbers],
        },
        "shopify": {"orders": [_order(n) for n in numbers if kind_of(n) == "key"]},
        "woocommerce": {
            "orders": [{**_order(n), "gateway": "stripe"} for n in numbers if kind_of(n) == "find"]
        },
    }
    for name, seed in seeds.items():
        requests.post(f"{urls[name]}/_sandbox/seed", json=seed, timeout=60).raise_for_status()


def _order_id(ticket: int) -> int:
    return 100_000 + ticket


def _user(n: int) -> dict[str, object]:
    return {"id": 500_000 + n, "name": f"Customer {n}", "email": _email(n), "locale": "en"}


def _email(n: int) -> str:
    return f"customer.{n}@mail.example"


def _ticket(n: int) -> dict[str, object]:
    return {
        "id": n,
        "subject": "It came damaged",
        "description": f"My order #{_order_id(n)} came damaged.",
        "status": "open",
        "tags": ["damaged", f"till_{kind_of(n)}"],
        "requester_id": 500_000 + n,
        "assignee_id": AGENT["id"],
        "created_at": _ago(1),
    }


def _order(n: int) -> dict[str, object]:
    return {
        "id": _order_id(n),
        "name": f"#{_order_id(n)}",
        "email": _email(n),
        "currency": "EUR",
        "total": _TOTAL,
        "paid": _TOTAL,
        "refunded": "0",
        "created_at": _ago(20),
        "promised_at": _ago(10),
        "delivered_at": _ago(5),
        "lines": [{"title": "A thing", "quantity": 1, "price": _TOTAL}],
        "customer": {
            "id": 700_000 + n,
            "first_name": "Customer",
            "last_name": str(n),
            "email": _email(n),
            "orders_count": 1,
            "total_spent": _TOTAL,
        },
        "gateway": "shopify_payments",
        "risk": "LOW",
    }


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def paid_once(amounts: Sequence[str]) -> bool:
    return [amount.removeprefix("-") for amount in amounts] == [_HALF]
