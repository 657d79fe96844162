"""The demo world: customers, orders and tickets of a shop that ships to many countries.

`world.yaml` describes it once; `seeds` turns it into each host's part and `load` hands that over
through `POST /_sandbox/seed`. Amounts are text in major units as the currency writes them
(`"50.00"`, `"6800"`, `"12.500"`), except for Stripe, which counts minor units. Instants are ISO
8601 in UTC, counted back from the day the world is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import requests
import yaml

#: Who solves the tickets in the helpdesks.
AGENT_ID = 9001
AGENT = {"id": AGENT_ID, "name": "Jo Marsh", "email": "jo.marsh@shop.example", "role": "agent"}


class Line(TypedDict):
    title: str
    quantity: int
    price: str  # of one piece, with its tax
    tax: NotRequired[str]  # in percent


class ShopCustomer(TypedDict):
    id: int
    first_name: str
    last_name: str
    email: str
    orders_count: int
    total_spent: str


class Order(TypedDict):
    """An order in the shop. `customer` is None for a guest."""

    id: int
    name: str  # "#1001"
    email: str
    currency: str
    total: str
    paid: str
    refunded: str
    created_at: str
    promised_at: str
    delivered_at: str | None
    lines: list[Line]
    customer: ShopCustomer | None
    gateway: str  # "shopify_payments"
    risk: str  # "LOW", "MEDIUM", "HIGH"


class StripePayment(TypedDict):
    """A payment taken with Stripe outside of any shop host. `amount` counts minor units."""

    customer: str  # "cus_..."
    email: str
    name: str
    payment_intent: str  # "pi_..."
    charge: str  # "ch_..."
    amount: int
    refunded: int
    currency: str  # lower case
    description: str  # "Order #2001"
    created_at: str


class ShopSeed(TypedDict):
    """What `POST /_sandbox/seed` of a shop host receives."""

    orders: list[Order]


class StripeSeed(TypedDict):
    """What `POST /_sandbox/seed` of the Stripe stand-in receives."""

    payments: list[StripePayment]


class DeskSeed(TypedDict):
    """What `POST /_sandbox/seed` of a helpdesk receives."""

    users: list[dict[str, Any]]
    tickets: list[dict[str, Any]]


class Ticket(TypedDict):
    """A ticket of the world and how it ends; `expect` is explained at the top of the file."""

    id: int
    customer: str
    subject: str
    text: str
    tags: list[str]
    expect: str
    order: NotRequired[str]
    steps: NotRequired[list[str]]


@cache
def _told() -> Mapping[str, Any]:
    text = Path(__file__).with_name("world.yaml").read_text(encoding="utf-8")
    return cast(Mapping[str, Any], yaml.safe_load(text))


def tickets(host: str = "zendesk") -> list[Ticket]:
    """The tickets a helpdesk starts with, in the order they are to be worked on."""
    name = "tickets" if host == "zendesk" else f"{host}_tickets"
    return cast(list[Ticket], _told()[name])


def seeds(now: datetime | None = None) -> dict[str, Mapping[str, Any]]:
    """Each host's part of the world, by the host's name."""
    now = now or datetime.now(UTC)
    return {
        "zendesk": _desk("zendesk", now),
        "freshdesk": _desk("freshdesk", now),
        "shopify": ShopSeed(orders=[_order(told, now) for told in _told()["orders"]]),
        "stripe": StripeSeed(payments=[_payment(told, now) for told in _told()["payments"]]),
    }


def load(urls: Mapping[str, str]) -> None:
    """Hand every running host its part; hosts that are not there are left out."""
    for name, seed in seeds().items():
        if name in urls:
            requests.post(f"{urls[name]}/_sandbox/seed", json=seed, timeout=10).raise_for_status()


def _ago(now: datetime, days: int) -> str:
    return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _total(order: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(price) * number for _, number, price, *_ in order["lines"]), Decimal(0))


def _line(title: str, quantity: int, price: str, *tax: str) -> Line:
    made = Line(title=title, quantity=quantity, price=price)
    return {**made, "tax": tax[0]} if tax else made


def _customer(key: str) -> ShopCustomer:
    told = _told()["customers"][key]
    mine = [order for order in _told()["orders"] if order["customer"] == key]
    return ShopCustomer(
        id=told["id"],
        first_name=told["first_name"],
        last_name=told["last_name"],
        email=told["email"],
        orders_count=len(mine),
        total_spent=str(sum((_total(order) for order in mine), Decimal(0))),
    )


def _order(told: Mapping[str, Any], now: datetime) -> Order:
    customer, total = _customer(told["customer"]), str(_total(told))
    return Order(
        id=told["id"],
        name=f"#{told['id']}",
        email=customer["email"],
        currency=told["currency"],
        total=total,
        paid=total,
        refunded=told.get("refunded", "0"),
        created_at=_ago(now, told["ordered"]),
        promised_at=_ago(now, told["promised"]),
        delivered_at=_ago(now, told["delivered"]),
        lines=[_line(*line) for line in told["lines"]],
        customer=customer,
        gateway="shopify_payments",
        risk=told.get("risk", "LOW"),
    )


def _payment(told: Mapping[str, Any], now: datetime) -> StripePayment:
    customer, number = _customer(told["customer"]), told["number"]
    return StripePayment(
        customer=f"cus_demo{number}",
        email=customer["email"],
        name=f"{customer['first_name']} {customer['last_name']}",
        payment_intent=f"pi_demo{number}",
        charge=f"ch_demo{number}",
        amount=told["amount"],
        refunded=0,
        currency=told["currency"],
        description=f"Order #{number}",
        created_at=_ago(now, told["created"]),
    )


def _desk(host: str, now: datetime) -> DeskSeed:
    """The customers who write to this helpdesk, one agent, and the tickets, all open."""
    told, customers = tickets(host), _told()["customers"]
    users: list[dict[str, Any]] = [dict(AGENT)]
    for key in dict.fromkeys(ticket["customer"] for ticket in told):
        one = customers[key]
        name = f"{one['first_name']} {one['last_name']}"
        users.append(
            {"id": one["id"], "name": name, "email": one["email"], "locale": one["locale"]}
        )
    made = [
        {
            "id": ticket["id"],
            "subject": ticket["subject"],
            "description": ticket["text"],
            "status": "open",
            "tags": ticket["tags"],
            "requester_id": customers[ticket["customer"]]["id"],
            "assignee_id": AGENT_ID,
            "created_at": _ago(now, 1),
        }
        for ticket in told
    ]
    return DeskSeed(users=users, tickets=made)
