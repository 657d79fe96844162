"""A shop that says what a test tells it to, and the pieces of its answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.http import Http
from connectors.shopify import connect
from core.money import Money
from core.ports import (
    Instruction,
    Till,
)
from tests.connectors.contract.harness import StoredSettings
from tests.connectors.scripted import Asked, Says, Scripted

ORDER = "gid://shopify/Order/1"
EUR = "EUR"


class Shop:
    """Answers by root field: reads from `books`, the write under test from `says`."""

    def __init__(self) -> None:
        self.books: dict[str, Any] = {}
        self.says: dict[str, Says] = {}
        self.host = Scripted(self._answer)
        values = {"shop": "a.myshopify.com", "access_token": "shpat_canary-1"}
        self.settings = StoredSettings({**values, "address": self.host.address})
        self.http = Http(within=timedelta(seconds=15), allow_private=True)
        till = connect(self.settings, self.http).till
        assert till is not None
        self.till: Till = till

    def _answer(self, asked: Asked) -> Says:
        query = json.loads(asked.body)["query"]
        for root, says in self.says.items():
            if f" {root}(" in query or f" {root} " in query:
                return says
        return Says({"data": self.books})

    def sent(self, root: str) -> list[dict[str, Any]]:
        bodies = [json.loads(one.body) for one in self.host.seen]
        return [one["variables"] for one in bodies if f"{root}(" in one["query"]]

    def close(self) -> None:
        self.http.close()
        self.host.close()


def bag(amount: str, currency: str = EUR) -> dict[str, Any]:
    return {"presentmentMoney": {"amount": amount, "currencyCode": currency}}


def sale(number: str, amount: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "shopify_payments",
        "manualPaymentGateway": False,
        "amountSet": bag(amount),
        "parentTransaction": None,
        **changes,
    }


def order(*moves: dict[str, Any], limit: str = "50.0", **changes: Any) -> dict[str, Any]:
    return {
        "id": ORDER,
        "presentmentCurrencyCode": EUR,
        "refundable": True,
        "customer": {"id": "gid://shopify/Customer/7"},
        "disputes": [],
        "suggestedRefund": {"maximumRefundableSet": bag(limit)},
        "transactions": list(moves),
        "refunds": [],
        **changes,
    }


def asks(**changes: Any) -> Instruction:
    wanted = Instruction(
        payout_id="pay_1",
        key="key-1",
        marker="[amends:pay_1]",
        remedy="refund",
        amount=Money(1500, EUR),
        order_id=ORDER,
        buyer_id="gid://shopify/Customer/7",
    )
    return replace(wanted, **changes)


def refund(*statuses: str, amount: str = "15.0", **changes: Any) -> dict[str, Any]:
    moves = [
        {
            "id": f"gid://shopify/OrderTransaction/{20 + at}",
            "kind": "REFUND",
            "status": status,
            "errorCode": "CARD_DECLINED" if status == "FAILURE" else None,
            "amountSet": bag(amount),
        }
        for at, status in enumerate(statuses)
    ]
    return {
        "id": "gid://shopify/Refund/5",
        "note": "[amends:pay_1]",
        "createdAt": "2026-11-20T10:00:00Z",
        "order": {"id": ORDER},
        "transactions": {"nodes": moves},
        **changes,
    }


def created(made: dict[str, Any] | None) -> Says:
    return Says({"data": {"refundCreate": {"refund": made, "userErrors": []}}})


def refused(message: str, root: str = "refundCreate", **more: Any) -> Says:
    error = {"field": None, "message": message, **more}
    return Says({"data": {root: {"refund": None, "userErrors": [error]}}})


def card(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "gid://shopify/GiftCard/3",
        "note": "[amends:pay_1]",
        "enabled": True,
        "lastCharacters": "2345",
        "createdAt": "2026-11-20T10:00:00Z",
        "customer": {"id": "gid://shopify/Customer/7"},
        "initialValue": {"amount": "15.0", "currencyCode": EUR},
        "balance": {"amount": "15.0", "currencyCode": EUR},
    }
    return {**made, **changes}


def buyer(number: int, email: str | None) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Customer/{number}",
        "numberOfOrders": "3",
        "amountSpent": {"amount": "90.5", "currencyCode": EUR},
        "defaultEmailAddress": None if email is None else {"emailAddress": email},
    }


def details(number: int, email: str | None, customer: dict[str, Any] | None) -> dict[str, Any]:
    return {
        **order(sale("9", "50.0")),
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "email": email,
        "createdAt": "2026-11-01T23:30:00Z",
        "customer": customer,
        "totalPriceSet": bag("50.0"),
        "totalReceivedSet": bag("50.0"),
        "totalRefundedSet": bag("0.0"),
        "fulfillments": [
            {"estimatedDeliveryAt": "2026-11-10T22:30:00Z", "deliveredAt": "2026-11-14T10:00:00Z"}
        ],
        "lineItems": {"nodes": []},
    }
