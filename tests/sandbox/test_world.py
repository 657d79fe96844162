"""The demo world hangs together, and a running sandbox takes it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import requests

from sandbox import world

CURRENCIES = {"EUR", "USD", "GBP", "SAR", "AED", "JPY", "KWD", "CHF"}
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_world_is_as_wide_as_it_says() -> None:
    seeds = world.seeds(NOW)
    orders = {order["name"]: order for order in seeds["shopify"]["orders"]}
    payments = {payment["description"]: payment for payment in seeds["stripe"]["payments"]}
    assert len(world.tickets()) >= 14
    assert {o["currency"] for o in orders.values()} >= CURRENCIES
    locales = {user.get("locale") for user in seeds["zendesk"]["users"]}
    assert locales >= {"ar", "fa", "en-US"}
    kinds = {ticket["expect"] for ticket in world.tickets()}
    assert kinds >= {"refund", "waiting_approval"}
    assert {kind.removeprefix("task:") for kind in kinds if kind.startswith("task:")} == {
        "no_reason", "two_reasons", "unknown_customer", "two_customers", "already_refunded",
        "cannot_decide", "ticket_closed", "several_orders",
    }  # fmt: skip
    for ticket in world.tickets() + world.tickets("freshdesk"):
        found = {**orders, **payments}.get(ticket.get("order", ""))
        assert ("order" in ticket) == (found is not None), ticket["id"]
        assert ("till_stripe" in ticket["tags"]) == (ticket.get("order") in payments)


def test_what_a_ticket_expects_is_what_its_order_allows() -> None:
    orders = {order["name"]: order for order in world.seeds(NOW)["shopify"]["orders"]}
    for ticket in world.tickets():
        order = orders.get(ticket.get("order", ""))
        if order is None:
            continue
        left = Decimal(order["paid"]) - Decimal(order["refunded"])
        assert (left > 0) == (ticket["expect"] != "task:already_refunded"), ticket["id"]
        late = order["delivered_at"] > order["promised_at"]
        assert late or "amends_late_delivery" not in ticket["tags"], ticket["id"]
        assert sum(Decimal(x["price"]) * x["quantity"] for x in order["lines"]) == Decimal(
            order["total"]
        )


def test_the_sandbox_runs_as_a_process_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "sandbox", "--world"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        books = requests.get(f"{urls['zendesk']}/_sandbox/books", timeout=30).json()
        assert len(books["tickets"]) == len(world.tickets())
        assert books["tickets"][3]["subject"] == "تأخر وصول الطلب أكثر من أسبوع"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
