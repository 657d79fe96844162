"""Refunds and promotions are counted apart in the shop: number 7 may be one of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from connectors.vendure.client import Admin
from connectors.vendure.shapes import Units
from connectors.vendure.till import coupon, refund
from core.money import Money
from core.ports import Instruction, Settled

PROMOTION = {
    "id": "7",
    "createdAt": "2026-01-08T10:12:07.000Z",
    "couponCode": "sorry-sorry-sorry-1",
    "description": "Amends [amends:pay_1]",
    "enabled": True,
    "usageLimit": 1,
    "actions": [{"code": "order_fixed_discount", "args": [{"name": "discount", "value": "1200"}]}],
}
REFUND = {
    "id": "7",
    "createdAt": "2026-01-08T10:12:07.000Z",
    "state": "Settled",
    "total": 1200,
    "reason": "Sorry [amends:pay_1]",
}


def _instruction(remedy: str) -> Instruction:
    return Instruction(
        payout_id="pay_1",
        key="pay_1:1",
        marker="[amends:pay_1]",
        remedy=remedy,  # type: ignore[arg-type]
        amount=Money(1200, "EUR"),
        order_id="3",
        code="sorry-sorry-sorry-1",
    )


class Listing:
    def listed(self, *_: object, **__: object) -> Iterator[tuple[object, object]]:
        channel = {"defaultCurrencyCode": "EUR", "availableCurrencyCodes": ["EUR"]}
        precision = {"serverConfig": {"moneyStrategyPrecision": 2}}
        yield PROMOTION, {"activeChannel": channel, "globalSettings": precision}


def test_a_coupon_and_a_refund_of_one_number_have_two_names() -> None:
    """One host object settles at most one payout, so a shared name would keep one in doubt for
    ever, and the sweep would take one for the other."""
    given = coupon.judged(PROMOTION, Units(2), _instruction("coupon"))
    paid = refund.judged(REFUND, 1200, _instruction("refund"))
    assert isinstance(given, Settled)
    assert isinstance(paid, Settled)
    assert given.receipt.host_object != paid.receipt.host_object == "7"


def test_the_sweep_finds_a_coupon_by_the_name_it_was_settled_with() -> None:
    given = coupon.judged(PROMOTION, Units(2), _instruction("coupon"))
    assert isinstance(given, Settled)
    (listed,) = coupon.Coupon(cast(Admin, Listing())).recent(given.receipt.at)  # type: ignore[arg-type]
    assert listed.host_object == given.receipt.host_object
