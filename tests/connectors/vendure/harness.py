"""Vendure for the contract suite: the real one, with a door in front for the trouble."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.money import Money, exponent
from core.ports import Instruction, RawRequest, Remedy
from sandbox.faults import Kind, When
from tests.connectors.contract.harness import What, plant
from tests.real import hosts
from tests.real.proxy import RealHost, in_front_of

SECRET = "canary-vendure-plugin-secret-Qp4"
PAYS: dict[Remedy, str] = {"refund": "refundOrder", "coupon": "createPromotion"}
EMAIL = "mona@example.com"
DIGITS = 2  # the shop's own unit is a hundredth of every currency

_numbers = itertools.count(1)
_run = hashlib.sha256(str(datetime.now(UTC)).encode()).hexdigest()[:12]


class Harness:
    proofs = ("x-amends-signature", "x-amends-timestamp")

    def __init__(self) -> None:
        self.shop = hosts.shop()
        self.door = RealHost(self.shop.url)
        self.running = in_front_of(self.door)
        self.address = self.running.urls["real"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._remedy: Remedy = "refund"

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "address": self.address,
            "api_key": hosts.VENDURE_KEY,
            "settle_methods": "by-hand",
            "webhook_secret": SECRET,
        }

    def requests(self) -> int:
        return len(self.door.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        match = {"operation": PAYS[self._remedy] if what == "pay" else "query"}
        plant(self.door, match, kind, when, **details)

    def trouble(self, operation: str, kind: Kind, when: When, **details: Any) -> None:
        """For one mutation by its name."""
        plant(self.door, {"operation": operation}, kind, when, **details)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        number = str(next(_numbers))
        refund = {"id": number, "state": "Settled", "reason": "Late [amends:pay_01]"}
        at = self.now.strftime("%Y-%m-%dT%H:%M:%S.123Z")
        body = {"v": 1, "type": "refund", "at": at, "order": "7", "refund": refund}
        return self.signed(json.dumps(body).encode())

    def unknown(self) -> RawRequest:
        return self.signed(b'{"v":2,"type":"parcel","order":"7"}')

    def signed(self, body: bytes) -> RawRequest:
        stamp = str(int(self.now.timestamp()))
        message = stamp.encode() + b"." + body
        mac = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        headers = {"x-amends-timestamp": stamp, "x-amends-signature": mac}
        return RawRequest({"content-type": "application/json", **headers}, body)

    # -------------------------------------------------------------------------------------- till

    def instruction(self, remedy: Remedy, amount: Money) -> Instruction:
        """A coupon needs no order."""
        self._remedy = remedy
        payout = f"pay_{_run}{next(_numbers):08d}"
        order = self.shop.order(_units(amount) * 2, amount.currency, email=EMAIL)
        return Instruction(
            payout_id=payout,
            key=f"amends:{payout}:1",
            marker=f"[amends:{payout}]",
            remedy=remedy,
            amount=amount,
            text="Sorry for the delay",
            order_id=order["id"],
            buyer_id=order["customer"]["id"],
            code=f"SORRY-{payout[4:].upper()}" if remedy == "coupon" else None,
        )

    def refused(self, remedy: Remedy) -> Instruction | None:
        made = self.instruction(remedy, Money(1200, "EUR"))
        if remedy == "refund":
            return replace(made, amount=Money(9_999_00, "EUR"))
        return replace(made, amount=Money(1200, "USD"))

    def paid(self, instruction: Instruction) -> Sequence[Money]:
        assert instruction.amount is not None
        currency = instruction.amount.currency
        if instruction.remedy == "coupon":
            there = self.shop.promotions(str(instruction.code))
            return [_money(int(one["actions"][0]["args"][0]["value"]), currency) for one in there]
        there = self.shop.refunds(str(instruction.order_id))
        return [_money(one["total"], currency) for one in there]

    def wrong_answer(self, remedy: Remedy) -> object | None:
        made = {"id": "99", "createdAt": "2026-01-08T10:12:07.000Z", "state": "Settled"}
        if remedy == "refund":
            refund = {"__typename": "Refund", **made, "total": 1200, "reason": "[amends:pay_other]"}
            return {"data": {"refundOrder": refund}}
        discount = [{"name": "discount", "value": "1200"}]
        promotion = {
            "__typename": "Promotion",
            **made,
            "couponCode": "SOMEBODY-ELSES-CODE",
            "description": "",
            "usageLimit": 1,
            "enabled": True,
            "actions": [{"code": "order_fixed_discount", "args": discount}],
        }
        return {"data": {"createPromotion": promotion}}


def _units(money: Money) -> int:
    """In the shop's own unit; what it cannot say is cut off, as its own importer would."""
    return int(money.minor * 10**DIGITS // 10 ** exponent(money.currency))


def _money(units: int, currency: str) -> Money:
    return Money(units * 10 ** exponent(currency) // 10**DIGITS, currency)
