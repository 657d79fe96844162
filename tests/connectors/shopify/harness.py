"""Shopify for the contract suite: the stand-in of `sandbox/shopify`, and its signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.money import Money, parse_money
from core.ports import Instruction, RawRequest, Remedy
from sandbox.faults import Kind, When
from sandbox.host import serve
from sandbox.shopify import Shop, create
from sandbox.shopify.access import CLIENT_ID, CLIENT_SECRET, CUSTOM_TOKEN
from tests.connectors.contract.harness import What, plant

PAYS: dict[Remedy, str] = {
    "refund": "refundCreate",
    "store_credit": "refundCreate",
    "gift_card": "giftCardCreate",
    "coupon": "discountCodeBasicCreate",
    "replacement": "draftOrderComplete",
}
BUYER = 700


class Harness:
    proofs = ("x-shopify-hmac-sha256",)

    def __init__(self) -> None:
        self.state = Shop()
        self.running = serve({"shopify": create(self.state)})
        self.address = self.running.urls["shopify"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._numbers = itertools.count(1001)
        self._remedy: Remedy = "refund"
        self.state.seed({"customers": [customer()]})

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "shop": self.state.domain,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "access_token": CUSTOM_TOKEN,
            "address": self.address,
        }

    def requests(self) -> int:
        return len(self.state.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        operation = PAYS[self._remedy] if what == "pay" else "order"
        plant(self.state, {"operation": operation}, kind, when, **details)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        refund = {
            "id": 509562969,
            "order_id": 450789469,
            "created_at": "2026-11-20T10:00:00Z",
            "note": "Late [amends:pay_01]",
            "transactions": [
                {"kind": "refund", "status": "success", "amount": "10.00", "currency": "EUR"}
            ],
        }
        return self.signed(json.dumps(refund).encode())

    def unknown(self) -> RawRequest:
        return self.signed(b'{"id": 1}', topic="carts/teleported")

    def signed(self, body: bytes, *, topic: str = "refunds/create") -> RawRequest:
        mac = hmac.new(CLIENT_SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "x-shopify-topic": topic,
            "x-shopify-shop-domain": self.state.domain,
            "x-shopify-webhook-id": f"b54557e4-bdd9-4b37-8a5f-{next(self._numbers):012d}",
            "x-shopify-hmac-sha256": base64.b64encode(mac).decode(),
        }
        return RawRequest(headers, body)

    # -------------------------------------------------------------------------------------- till

    def order(self, paid: Money, **changes: Any) -> str:
        """Put an order into the shop and answer its id."""
        number = next(self._numbers)
        self.state.variants[number] = {"id": number, "title": "Lamp", "price": paid.text}
        given = {
            "id": number,
            "name": f"#{number}",
            "email": "mona@example.com",
            "currency": paid.currency,
            "total": paid.text,
            "customer": customer(),
            "created_at": "2026-11-01T10:00:00Z",
            "lines": [{"title": "Lamp", "quantity": 1, "price": paid.text, "variant_id": number}],
        }
        self.state.seed({"orders": [{**given, **changes}]})
        return f"gid://shopify/Order/{number}"

    def instruction(self, remedy: Remedy, amount: Money) -> Instruction:
        self._remedy = remedy
        number = next(self._numbers)
        worth = amount if remedy == "replacement" else amount + amount
        needs_order = remedy in ("refund", "store_credit", "replacement")
        return Instruction(
            payout_id=f"pay_{number:036d}",
            key=f"key-{number}",
            marker=f"[amends:pay_{number:036d}]",
            remedy=remedy,
            amount=amount,
            text="Sorry for the delay",
            order_id=self.order(worth) if needs_order else None,
            buyer_id=f"gid://shopify/Customer/{BUYER}",
            code=f"{number:016d}" if remedy in ("gift_card", "coupon") else None,
        )

    def refused(self, remedy: Remedy) -> Instruction | None:
        made = self.instruction(remedy, Money(1200, "EUR"))
        if remedy in ("refund", "store_credit"):
            return replace(made, amount=Money(999_900, "EUR"))
        if remedy == "replacement":
            return replace(made, order_id="gid://shopify/Order/1")
        return replace(made, buyer_id="gid://shopify/Customer/1")

    def paid(self, instruction: Instruction) -> Sequence[Money]:
        state, marker = self.state, instruction.marker
        if instruction.remedy in ("refund", "store_credit"):
            ours = [one.id for one in state.refunds.values() if marker in (one.note or "")]
            moves = [one for one in state.transactions.values() if one.refund_id in ours]
            return [
                parse_money(str(one.amount), state.orders[one.order_id].currency) for one in moves
            ]
        if instruction.remedy == "gift_card":
            cards = [one for one in state.cards.values() if one.code == instruction.code]
            return [parse_money(str(card.initial), card.currency) for card in cards]
        if instruction.remedy == "coupon":
            coupons = [one for one in state.discounts.values() if one.code == instruction.code]
            return [_off(one.given, state.currency) for one in coupons]
        return [
            parse_money(str(line.price * line.quantity), draft.given["presentmentCurrencyCode"])
            for draft in state.drafts.values()
            if instruction.payout_id in draft.given["tags"] and draft.completed_at
            for line in draft.lines
        ]

    def wrong_answer(self, remedy: Remedy) -> object | None:
        money = {"amount": "12.0", "currencyCode": "EUR"}
        if remedy in ("refund", "store_credit"):
            move = {
                "id": "gid://shopify/OrderTransaction/1",
                "kind": "REFUND",
                "status": "SUCCESS",
                "errorCode": None,
                "amountSet": {"presentmentMoney": money},
            }
            refund = {
                "id": "gid://shopify/Refund/1",
                "note": "somebody else's",
                "createdAt": "2026-11-20T10:00:00Z",
                "order": {"id": "gid://shopify/Order/2"},
                "transactions": {"nodes": [move]},
            }
            return _payload("refundCreate", refund=refund)
        if remedy == "gift_card":
            card = {
                "id": "gid://shopify/GiftCard/1",
                "note": None,
                "enabled": True,
                "lastCharacters": "zzzz",
                "createdAt": "2026-11-20T10:00:00Z",
                "customer": None,
                "initialValue": money,
                "balance": money,
            }
            return _payload("giftCardCreate", giftCard=card)
        if remedy == "coupon":
            discount = {"title": "Summer", "status": "ACTIVE"}
            node = {"id": "gid://shopify/DiscountCodeNode/1", "codeDiscount": discount}
            return _payload("discountCodeBasicCreate", codeDiscountNode=node)
        draft = {"id": "gid://shopify/DraftOrder/1", "status": "COMPLETED", "tags": []}
        return _payload("draftOrderComplete", draftOrder=draft)


def customer() -> dict[str, Any]:
    return {"id": BUYER, "first_name": "Mona", "last_name": "Aziz", "email": "mona@example.com"}


def _payload(root: str, **made: object) -> dict[str, Any]:
    return {"data": {root: {**made, "userErrors": []}}}


def _off(given: dict[str, Any], currency: str) -> Money:
    amount = given["customerGets"]["value"]["discountAmount"]["amount"]
    return parse_money(str(amount), currency)
