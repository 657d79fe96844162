"""Stripe for the contract suite: the stand-in of `sandbox/stripe`, and its signatures."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.money import EXPONENTS, Money
from core.ports import Instruction, RawRequest, Remedy
from sandbox.faults import Kind, When
from sandbox.host import serve
from sandbox.stripe import Stripe, create
from sandbox.stripe.books import SECRET_KEY
from tests.connectors.contract.harness import What, plant

WEBHOOK_SECRET = "whsec_canary-stripe-Lm2"
PAYS: dict[Remedy, str] = {
    "refund": "refunds.create",
    "account_credit": "customers.balance_transactions.create",
    "coupon": "promotion_codes.create",
}
BUYER = "cus_mona"


class Harness:
    proofs = ("stripe-signature",)

    def __init__(self) -> None:
        self.state = Stripe()
        self.running = serve({"stripe": create(self.state)})
        self.address = self.running.urls["stripe"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._numbers = itertools.count(2001)
        self._remedy: Remedy = "refund"
        self.state.seed({"customers": [{"id": BUYER, "email": "mona@example.com"}]})

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "secret_key": SECRET_KEY,
            "webhook_secret": WEBHOOK_SECRET,
            "address": self.address,
        }

    def requests(self) -> int:
        return len(self.state.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        match = {"operation": PAYS[self._remedy]} if what == "pay" else {"method": "GET"}
        plant(self.state, match, kind, when, **details)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        return self.signed(json.dumps(self._event("refund.created")).encode())

    def unknown(self) -> RawRequest:
        return self.signed(json.dumps(self._event("climate.order.teleported")).encode())

    def signed(self, body: bytes) -> RawRequest:
        stamp = str(int(self.now.timestamp()))
        mac = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        return RawRequest({"stripe-signature": f"t={stamp},v1={mac.hexdigest()}"}, body)

    def _event(self, kind: str) -> dict[str, Any]:
        refund = {
            "id": "re_1",
            "object": "refund",
            "amount": 1000,
            "currency": "eur",
            "charge": "ch_1",
            "payment_intent": "pi_1",
            "status": "succeeded",
            "metadata": {"amends_id": "pay_01"},
        }
        return {
            "id": f"evt_{next(self._numbers)}",
            "object": "event",
            "created": int(self.now.timestamp()),
            "type": kind,
            "data": {"object": refund},
        }

    # -------------------------------------------------------------------------------------- till

    def payment(self, paid: int, currency: str, **changes: Any) -> str:
        """Put a payment into the account and answer its intent. `paid` as Stripe counts."""
        number = next(self._numbers)
        given = {
            "customer": BUYER,
            "email": "mona@example.com",
            "payment_intent": f"pi_{number}",
            "charge": f"ch_{number}",
            "amount": paid,
            "currency": currency.lower(),
            "description": f"Order #{number}",
        }
        self.state.seed({"payments": [{**given, **changes}]})
        return f"pi_{number}"

    def instruction(self, remedy: Remedy, amount: Money) -> Instruction:
        self._remedy = remedy
        number = next(self._numbers)
        paid = 2 * amount.minor - 2 * amount.minor % 10
        return Instruction(
            payout_id=f"pay_{number:036d}",
            key=f"amends:{number}:1",
            marker=f"[amends:pay_{number:036d}]",
            remedy=remedy,
            amount=amount,
            text="Sorry for the delay",
            order_id=self.payment(paid, amount.currency) if remedy == "refund" else None,
            buyer_id=BUYER,
            code=f"SORRY-{number:016d}" if remedy == "coupon" else None,
        )

    def refused(self, remedy: Remedy) -> Instruction | None:
        made = self.instruction(remedy, Money(1200, "EUR"))
        if remedy == "refund":
            return replace(made, amount=Money(999_900, "EUR"))
        return replace(made, buyer_id="cus_nobody")

    def paid(self, instruction: Instruction) -> Sequence[Money]:
        account = self.state.accounts[None]
        table = {
            "refund": "refunds",
            "account_credit": "balance_transactions",
            "coupon": "promotion_codes",
        }[instruction.remedy]
        ours = [
            one
            for one in account[table].values()
            if one["metadata"].get("amends_id") == instruction.payout_id
        ]
        if instruction.remedy == "coupon":
            coupons = account["coupons"]
            found = [coupons[one["promotion"]["coupon"]] for one in ours]
            return [_money(one["amount_off"], one["currency"]) for one in found]
        return [_money(abs(one["amount"]), one["currency"]) for one in ours]

    def wrong_answer(self, remedy: Remedy) -> object | None:
        made = {"created": int(self.now.timestamp()), "metadata": {}}
        if remedy == "refund":
            refund = {"id": "re_x", "object": "refund", "amount": 1200, "currency": "eur"}
            return {**made, **refund, "payment_intent": "pi_other", "status": "succeeded"}
        if remedy == "account_credit":
            credit = {"id": "cbtxn_x", "object": "customer_balance_transaction"}
            return {**made, **credit, "amount": 1200, "currency": "eur", "customer": BUYER}
        code = {"id": "promo_x", "object": "promotion_code", "code": "SOMEBODY-ELSES"}
        return {**made, **code, "customer": BUYER}


def _money(count: int, currency: str) -> Money:
    """For the currencies the suite uses, Stripe counts as ISO 4217 does."""
    assert EXPONENTS[currency.upper()] in (0, 2, 3)
    return Money(count, currency.upper())
