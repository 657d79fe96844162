"""WooCommerce for the contract suite: the stand-in of `sandbox/woocommerce`, and its signatures."""

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
from sandbox.woocommerce import Shop, create
from sandbox.woocommerce.books import CONSUMER_KEY, CONSUMER_SECRET
from tests.connectors.contract.harness import What, plant

SECRET = "canary-woocommerce-webhook-Ht3"
PAYS: dict[Remedy, str] = {"refund": "refunds.create", "coupon": "coupons.create"}
EMAIL = "mona@example.com"
BUYER = {"id": 7, "email": EMAIL, "first_name": "Mona", "last_name": "Haddad"}


class Harness:
    proofs = ("x-wc-webhook-signature",)

    def __init__(self) -> None:
        self.state = Shop()
        self.running = serve({"woocommerce": create(self.state)})
        self.address = self.running.urls["woocommerce"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._numbers = itertools.count(2001)
        self._remedy: Remedy = "refund"
        self.state.seed({"customers": [BUYER]})

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "address": self.address,
            "consumer_key": CONSUMER_KEY,
            "consumer_secret": CONSUMER_SECRET,
            "currency": "EUR",
            "webhook_secret": SECRET,
        }

    def requests(self) -> int:
        return len(self.state.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        match = {"operation": PAYS[self._remedy]} if what == "pay" else {"method": "GET"}
        plant(self.state, match, kind, when, **details)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        order = {
            "id": next(self._numbers),
            "currency": "EUR",
            "date_modified_gmt": "2026-01-08T10:12:07",
            "refunds": [{"id": 900, "reason": "Late [amends:pay_01]", "total": "-5.00"}],
        }
        return self.signed(json.dumps(order).encode())

    def unknown(self) -> RawRequest:
        request = self.signed(b'{"id":1}')
        return replace(request, headers={**request.headers, "x-wc-webhook-topic": "order.flown"})

    def signed(self, body: bytes) -> RawRequest:
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
        return RawRequest(
            {
                "content-type": "application/json",
                "x-wc-webhook-topic": "order.updated",
                "x-wc-webhook-id": "12",
                "x-wc-webhook-delivery-id": "0cc175b9c0f1b6a831c399e269772661",
                "x-wc-webhook-signature": base64.b64encode(mac).decode(),
            },
            body,
        )

    # -------------------------------------------------------------------------------------- till

    def order(self, total: Money, **changes: Any) -> str:
        number = next(self._numbers)
        given = {
            "id": number,
            "name": f"#{number}",
            "email": EMAIL,
            "currency": total.currency,
            "total": total.text,
            "customer": BUYER,
            "lines": [{"title": "Cup", "quantity": 2, "price": "3.50"}],
        }
        self.state.seed({"orders": [{**given, **changes}]})
        return str(number)

    def instruction(self, remedy: Remedy, amount: Money) -> Instruction:
        self._remedy = remedy
        number = next(self._numbers)
        return Instruction(
            payout_id=f"pay_{number:036d}",
            key=f"amends:{number}:1",
            marker=f"[amends:pay_{number:036d}]",
            remedy=remedy,
            amount=amount,
            text="Sorry for the delay",
            order_id=self.order(amount + amount),
            buyer_id="7",
            code=f"SORRY-{number:016d}" if remedy == "coupon" else None,
        )

    def refused(self, remedy: Remedy) -> Instruction | None:
        made = self.instruction(remedy, Money(1200, "EUR"))
        if remedy == "refund":
            return replace(made, amount=Money(999_900, "EUR"))
        return replace(made, buyer_id="404")

    def paid(self, instruction: Instruction) -> Sequence[Money]:
        if instruction.remedy == "coupon":
            return [
                parse_money(one["amount"], "EUR")
                for one in self.state.coupons.values()
                if instruction.marker in one["description"]
            ]
        order = self.state.orders[int(instruction.order_id or 0)]
        return [
            parse_money(one["amount"], order.currency)
            for one in order.refunds
            if instruction.marker in one["reason"]
        ]

    def wrong_answer(self, remedy: Remedy) -> object | None:
        made = {"id": 99, "date_created": "2026-01-08T10:12:07", "amount": "12.00"}
        if remedy == "refund":
            return {**made, "reason": "[amends:pay_other]", "refunded_payment": True}
        return {**made, "code": "somebody-elses-code", "description": "", "usage_limit": 1}
