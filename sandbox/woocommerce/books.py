"""The shop's state. It keeps no idempotency keys, for the real one has none."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from time import sleep
from typing import Any

from sandbox.hooks import Delivery, Target
from sandbox.host import HostState
from sandbox.woocommerce import taxes, wire

Object = dict[str, Any]
#: The key pair every fresh shop knows; it may read and write.
CONSUMER_KEY, CONSUMER_SECRET = "ck_sandbox", "cs_sandbox"
_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}


@dataclass
class Key:
    secret: str
    permissions: str = "read_write"


@dataclass
class Order:
    """An order as stored. `gateway_paid_back` is what the gateway really moved."""

    id: int
    number: str
    email: str
    currency: str
    total: Decimal
    created_at: str
    customer_id: int = 0
    first_name: str = ""
    last_name: str = ""
    gateway: str = "stripe"
    status: str = "completed"
    modified_at: str = ""
    lines: list[Object] = field(default_factory=list)
    shipping_lines: list[Object] = field(default_factory=list)
    tax_lines: list[Object] = field(default_factory=list)
    prices_include_tax: bool = True
    meta: list[Object] = field(default_factory=list)
    refunds: list[Object] = field(default_factory=list)
    gateway_paid_back: Decimal = Decimal(0)

    def money(self, amount: Decimal) -> str:
        step = Decimal(1).scaleb(-_DIGITS.get(self.currency, 2))
        return f"{amount.quantize(step, ROUND_HALF_UP):f}"

    def remaining(self) -> Decimal:
        return self.total - sum((Decimal(one["amount"]) for one in self.refunds), Decimal(0))


class Shop(HostState):
    """`pace_s`: how long the gateway and the database take, during which others are served.
    `gateway_refuses`: the next refunds are refused by the gateway with these words.
    `crashes`: the next refunds die `before_gateway`, `after_gateway` (money moved, the row not
    marked) or `before_meta`; the caller gets WordPress's critical error page."""

    secret_paths = ("/wc-auth/",)
    source = "https://sandbox-woo.example"
    #: Gateways that can move money back by themselves.
    automatic = ("stripe", "woocommerce_payments", "ppcp-gateway")

    def reset_books(self) -> None:
        self._ids = itertools.count(5001)
        self.currency = "EUR"
        self.pace_s = 0.0
        self.gateway_refuses: list[str] = []
        self.crashes: list[str] = []
        self.keys = {CONSUMER_KEY: Key(CONSUMER_SECRET)}
        self.orders: dict[int, Order] = {}
        self.customers: dict[int, Object] = {}
        self.coupons: dict[int, Object] = {}
        self.webhooks: dict[int, Object] = {}

    def new_id(self) -> int:
        return next(self._ids)

    def stamp(self) -> str:
        """`2026-01-08T10:12:07`: the shop's REST dates carry no zone."""
        return self.clock.iso().removesuffix("Z")

    def linger(self) -> None:
        """Time passes between two statements; others are served. Called with the lock held."""
        if self.pace_s:
            self.lock.release()
            try:
                sleep(self.pace_s)
            finally:
                self.lock.acquire()

    def books(self) -> dict[str, Any]:
        """Orders with their refunds and what the gateway really paid back."""
        return {
            "orders": [
                {
                    "id": one.id,
                    "number": one.number,
                    "currency": one.currency,
                    "total": one.money(one.total),
                    "remaining": one.money(one.remaining()),
                    "gateway_paid_back": one.money(one.gateway_paid_back),
                    "status": one.status,
                    "refunds": one.refunds,
                }
                for one in self.orders.values()
            ],
            "refunds": [
                {**refund, "order": one.number, "currency": one.currency}
                for one in self.orders.values()
                for refund in one.refunds
            ],
            "coupons": list(self.coupons.values()),
            "customers": list(self.customers.values()),
        }

    # --- filling --------------------------------------------------------------------------------

    def seed(self, data: Mapping[str, Any]) -> None:
        """`orders` (see `sandbox.world`; `gateway` is one of WooCommerce's) and `customers`."""
        self.currency = data.get("currency", self.currency)
        for person in data.get("customers", ()):
            self._customer(person)
        for given in data.get("orders", ()):
            self._order(given)

    def _customer(self, given: Mapping[str, Any]) -> None:
        self.customers[given["id"]] = {
            "id": given["id"],
            "date_created": self.stamp(),
            "email": given["email"],
            "first_name": given.get("first_name", ""),
            "last_name": given.get("last_name", ""),
            "role": given.get("role", "customer"),
            "username": given["email"].partition("@")[0],
            "is_paying_customer": True,
            "meta_data": [],
        }

    def _order(self, given: Mapping[str, Any]) -> None:
        person = given.get("customer") or {}
        if person:
            self._customer(person)
        made = Order(
            id=given["id"],
            number=given.get("name", str(given["id"])).lstrip("#"),
            email=given["email"],
            currency=given["currency"],
            total=Decimal(given["total"]),
            created_at=given.get("created_at", self.stamp()).removesuffix("Z"),
            customer_id=person.get("id", 0),
            first_name=person.get("first_name", ""),
            last_name=person.get("last_name", ""),
            gateway=given.get("gateway", "stripe"),
            prices_include_tax=given.get("prices_include_tax", True),
            meta=[
                {"id": self.new_id(), "key": f"_{name}", "value": given[name]}
                for name in ("promised_at", "delivered_at")
                if given.get(name)
            ],
        )
        made.modified_at = made.created_at
        self._lines(made, given)
        self.orders[made.id] = made
        refunded = Decimal(given.get("refunded", "0"))
        if refunded:
            self.add_refund(made, refunded, "", paid=True)
            made.gateway_paid_back = refunded

    def _lines(self, made: Order, given: Mapping[str, Any]) -> None:
        """A line's `tax`, and `shipping_tax`, are in percent."""
        for line in given.get("lines", ()):
            paid = Decimal(line["price"]) * line["quantity"]
            about = {"name": line["title"], "quantity": line["quantity"], "price": line["price"]}
            made.lines.append(self._taxed(made, paid, line.get("tax", "0"), line.get("id"), about))
        if "shipping" in given:
            paid, percent = Decimal(given["shipping"]), given.get("shipping_tax", "0")
            about = {"method_title": "Flat rate"}
            made.shipping_lines.append(self._taxed(made, paid, percent, None, about))
        percents = [line["tax"] for line in given.get("lines", ()) if "tax" in line]
        percents.append(given.get("shipping_tax", "0"))
        made.tax_lines = taxes.tax_lines([Decimal(one) for one in percents])

    def _taxed(
        self, made: Order, paid: Decimal, percent: str, id: int | None, about: Object
    ) -> Object:
        net, tax = taxes.amounts(paid, Decimal(percent), made.prices_include_tax)
        return {
            "id": id or self.new_id(), **about, **taxes.totals(net, tax, Decimal(percent)),
        }  # fmt: skip

    def add_refund(self, order: Order, amount: Decimal, reason: str, *, paid: bool) -> Object:
        made: Object = {
            "id": self.new_id(),
            "date_created": self.stamp(),
            "amount": order.money(amount),
            "reason": reason,
            "refunded_by": 1,
            "refunded_payment": paid,
            "meta_data": [],
            "line_items": [],
        }
        order.refunds.append(made)
        return made

    # --- telling --------------------------------------------------------------------------------

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        second = int(self.clock.epoch())
        return wire.compose(self.source, second, target, topic, payload)

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        return wire.sign(delivery)

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> None:
        """Never again. Seven failures in a row switch the webhook off."""
        hook = self.webhooks.get(int(delivery.target.id) if delivery.target.id.isdigit() else 0)
        if hook is None or delivery.topic == wire.PING:
            return
        good = status is not None and 200 <= status <= 302
        hook["failures"] = 0 if good else hook["failures"] + 1
        if hook["failures"] >= wire.DISABLED_AT:
            hook["status"] = "disabled"
            self.hooks.targets.pop(delivery.target.id, None)

    def operations(self, method: str, path: str, body: bytes) -> Sequence[str]:
        """`refunds.create`, `orders.list` and the like."""
        parts = path.strip("/").split("/")[3:]
        words = [part for part in parts if not part.isdigit()]
        if not words:
            return ()
        alone = not parts[-1].isdigit()
        verbs = {"GET": "list" if alone else "retrieve", "POST": "create" if alone else "update"}
        return [f"{words[-1]}.{verbs.get(method, method.lower())}"]
