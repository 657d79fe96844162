"""The shop's state: its books, who may ask, and what it tells others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from time import sleep
from typing import Any

from sandbox.hooks import Delivery, Target
from sandbox.host import HostState
from sandbox.shopify import records, wire
from sandbox.shopify.access import Access
from sandbox.shopify.document import root_fields
from sandbox.shopify.money import exact, fixed


class Shop(HostState):
    """`pace_s` is how long the shop takes over a refund, `index_lag_s` how late its search is."""

    secret_paths = ("/admin/oauth/",)
    domain = "sandbox-shop.myshopify.com"
    api_version = "2026-10"

    def reset_books(self) -> None:
        self._ids = itertools.count(9001)
        self.currency = "EUR"
        self.name = "Sandbox Shop"
        self.pace_s = 0.0
        self.index_lag_s = 0.0
        self.endings: list[str] = []
        self.customers: dict[int, records.Customer] = {}
        self.orders: dict[int, records.Order] = {}
        self.transactions: dict[int, records.Transaction] = {}
        self.refunds: dict[int, records.Refund] = {}
        self.disputes: dict[int, records.Dispute] = {}
        self.accounts: dict[int, records.CreditAccount] = {}
        self.cards: dict[int, records.GiftCard] = {}
        self.discounts: dict[int, records.Discount] = {}
        self.drafts: dict[int, records.Draft] = {}
        self.variants: dict[int, dict[str, Any]] = {}
        self.keys: dict[str, records.KeyUse] = {}
        self.access = Access(self.clock, self.domain)

    def new_id(self) -> int:
        return next(self._ids)

    def think(self) -> None:
        """The shop is busy with a payment; others may ask meanwhile. Called with the lock held."""
        if self.pace_s:
            self.lock.release()
            try:
                sleep(self.pace_s)
            finally:
                self.lock.acquire()

    # --- reading the books ----------------------------------------------------------------------

    def of_order(self, order_id: int, *kinds: str) -> list[records.Transaction]:
        return [
            one
            for one in list(self.transactions.values())
            if one.order_id == order_id and (not kinds or one.kind in kinds)
        ]

    def received(self, order: records.Order) -> Decimal:
        return _total(self.of_order(order.id, "SALE", "CAPTURE"), "SUCCESS")

    def refunded(self, order: records.Order) -> Decimal:
        return _total(self.of_order(order.id, "REFUND"), "SUCCESS")

    def net(self, order: records.Order) -> Decimal:
        """What may still be refunded: refunds under way count as gone."""
        gone = _total(self.of_order(order.id, "REFUND"), "SUCCESS", "PENDING")
        return self.received(order) - gone

    def refunds_of(self, order_id: int) -> list[records.Refund]:
        return [one for one in list(self.refunds.values()) if one.order_id == order_id]

    def books(self) -> dict[str, Any]:
        """Every record, and per order what was received, refunded and is left."""
        tables = ("customers", "transactions", "disputes", "accounts", "cards", "discounts")
        return {
            **{name: [asdict(one) for one in getattr(self, name).values()] for name in tables},
            "refunds": [self._refund_line(one) for one in self.refunds.values()],
            "drafts": [asdict(one) for one in self.drafts.values()],
            "keys": sorted(self.keys),
            "orders": [
                {
                    **asdict(order),
                    "received": fixed(self.received(order), order.currency),
                    "refunded": fixed(self.refunded(order), order.currency),
                    "net": fixed(self.net(order), order.currency),
                }
                for order in self.orders.values()
            ],
        }

    def _refund_line(self, refund: records.Refund) -> dict[str, Any]:
        moves = [one for one in self.transactions.values() if one.refund_id == refund.id]
        order = self.orders[refund.order_id]
        done = _total(moves, "SUCCESS")
        return {
            **asdict(refund),
            "order": order.name,
            "amount": fixed(done, order.currency),
            "currency": order.currency,
            "statuses": [one.status for one in moves],
        }

    # --- filling the books ----------------------------------------------------------------------

    def seed(self, data: Mapping[str, Any]) -> None:
        """`shop`, `variants`, `customers` and `orders`; see `sandbox.world` for an order."""
        shop = data.get("shop", {})
        self.currency = shop.get("currency", self.currency)
        self.name = shop.get("name", self.name)
        for variant in data.get("variants", ()):
            self.variants[variant["id"]] = dict(variant)
        for customer in data.get("customers", ()):
            self.add_customer(customer)
        for order in data.get("orders", ()):
            self.add_order(order)

    def add_customer(self, given: Mapping[str, Any]) -> records.Customer:
        customer = records.Customer(
            id=given["id"],
            first_name=given.get("first_name", ""),
            last_name=given.get("last_name", ""),
            email=given["email"],
            created_at=given.get("created_at", self.clock.iso()),
            orders_count=given.get("orders_count", 0),
            total_spent=Decimal(given.get("total_spent", "0")),
            phone=given.get("phone"),
            locale=given.get("locale", "en"),
        )
        self.customers[customer.id] = customer
        return customer

    def add_order(self, given: Mapping[str, Any]) -> records.Order:
        """An order with its payment, and with what was refunded of it before."""
        customer = given.get("customer")
        if customer is not None:
            self.add_customer(customer)
        currency = given["currency"]
        order = records.Order(
            id=given["id"],
            name=given["name"],
            email=given.get("email"),
            currency=currency,
            shop_currency=given.get("shop_currency", currency),
            rate=Decimal(given.get("rate", "1")),
            total=Decimal(given["total"]),
            created_at=given.get("created_at", self.clock.iso()),
            gateway=given.get("gateway", "shopify_payments"),
            customer_id=customer["id"] if customer else None,
            shipping=Decimal(given.get("shipping", "0")),
            lines=[self.make_line(line) for line in given.get("lines", ())],
            delivered_at=given.get("delivered_at"),
            promised_at=given.get("promised_at"),
            risk=given.get("risk", "LOW"),
            address=given.get("address"),
            tags=list(given.get("tags", ())),
            taxes_included=given.get("taxes_included", True),
            shipping_tax=Decimal(given.get("shipping_tax", "0")),
        )
        order.updated_at = order.created_at
        self.orders[order.id] = order
        paid = Decimal(given.get("paid", given["total"]))
        if paid:
            self.add_transaction(order, "SALE", "SUCCESS", paid, order.gateway)
        refunded = Decimal(given.get("refunded", "0"))
        if refunded:
            refund = records.Refund(self.new_id(), order.id, None, order.created_at, by_hand=True)
            self.refunds[refund.id] = refund
            self.add_transaction(
                order, "REFUND", "SUCCESS", refunded, order.gateway, refund_id=refund.id
            )
        return order

    def make_line(self, given: Mapping[str, Any]) -> records.Line:
        return records.Line(
            id=given.get("id") or self.new_id(),
            title=given["title"],
            quantity=given["quantity"],
            price=Decimal(given["price"]),
            variant_id=given.get("variant_id"),
            tax=Decimal(given.get("tax", "0")),
        )

    def add_transaction(
        self,
        order: records.Order,
        kind: str,
        status: str,
        amount: Decimal,
        gateway: str,
        *,
        parent_id: int | None = None,
        refund_id: int | None = None,
    ) -> records.Transaction:
        made = records.Transaction(
            id=self.new_id(),
            order_id=order.id,
            kind=kind,
            status=status,
            gateway=gateway,
            amount=exact(amount, order.currency),
            created_at=self.clock.iso(),
            parent_id=parent_id,
            error_code="CARD_DECLINED" if status == "FAILURE" else None,
            refund_id=refund_id,
        )
        self.transactions[made.id] = made
        return made

    # --- telling others -------------------------------------------------------------------------

    def operations(self, method: str, path: str, body: bytes) -> Sequence[str]:
        """The root fields of a GraphQL document."""
        return root_fields(body) if path.endswith("/graphql.json") else ()

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        return wire.compose(self.domain, self.api_version, self.clock.iso(), target, topic, payload)

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        return wire.sign(delivery)

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> float | None:
        """Eight more tries over four hours; then a subscription made by an app is deleted."""
        if status is not None and 200 <= status < 300:
            return None
        if len(delivery.attempts) <= wire.RETRIES:
            return wire.RETRY_EVERY_S
        if delivery.target.meta.get("subscription"):
            self.hooks.targets.pop(delivery.target.id, None)
        return None


def _total(moves: Sequence[records.Transaction], *statuses: str) -> Decimal:
    return sum((one.amount for one in moves if one.status in statuses), Decimal(0))
