"""The demo world: customers, orders and tickets of a shop that ships to many countries.

One structure describes it; `load` hands each host its part through `POST /_sandbox/seed`. Amounts
are text in major units as the currency writes them (`"50.00"`, `"5000"`, `"12.500"`), except for
Stripe, which counts minor units. Instants are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import requests


class Line(TypedDict):
    title: str
    quantity: int
    price: str  # of one piece


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


def seeds() -> dict[str, Mapping[str, Any]]:
    """Each host's part of the world, by the host's name."""
    return {"shopify": ShopSeed(orders=[]), "stripe": StripeSeed(payments=[])}


def load(urls: Mapping[str, str]) -> None:
    """Hand every running host its part; hosts that are not there are left out."""
    for name, seed in seeds().items():
        if name in urls:
            requests.post(f"{urls[name]}/_sandbox/seed", json=seed, timeout=10).raise_for_status()
