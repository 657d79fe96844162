"""Remedies other than a refund, and several at once, from the policy to the host's books."""

from __future__ import annotations

import re

import pytest

from core.case import Outcome
from core.payout import PayoutState
from tests.webhooks.rig import Rig

TEAPOT = 2  # 50.00 EUR at the shop
THROW = 3  # 64.00 USD
FROM_STRIPE = 20


@pytest.mark.parametrize(
    ("give", "book"),
    [("{coupon: 10.00 EUR}", "discounts"), ("{gift_card: 10.00 EUR}", "cards")],
)
def test_a_code_is_ours_sealed_and_told_to_the_customer_only(
    rig: Rig, give: str, book: str
) -> None:
    rig.policy(give, currency="EUR")
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    assert case.outcome is Outcome.MADE_GOOD, (case.said, rig.payouts(case), rig.tasks(case))
    note, reply = rig.comments(TEAPOT)
    (code,) = re.findall(r"\b[a-z0-9]{16}\b", reply["body"])
    assert code in str(rig.shop.get("books")[book])
    assert code not in note["body"]
    (payout,) = rig.payouts(case)
    assert payout.sealed_code is not None
    assert code not in payout.sealed_code
    for writing in rig.writings(case):
        assert code not in (writing.text or "")


def test_store_credit_goes_through_the_order(rig: Rig) -> None:
    rig.policy("{store_credit: 20% of order.total}")
    rig.solve(TEAPOT)
    (payout,) = rig.payouts(rig.case(TEAPOT))
    assert payout.state is PayoutState.SETTLED, payout


def test_several_remedies_are_paid_one_by_one_and_told_together(rig: Rig) -> None:
    rig.policy("{refund: 5.00 EUR, coupon: 5.00 EUR, apology: yes}", currency="EUR")
    rig.shop.post(
        "faults", kind="drop", when="before", match={"operation": "discountCodeBasicCreate"}
    )
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    assert {p.remedy: p.state for p in rig.payouts(case)}["refund"] is PayoutState.SETTLED
    assert [c for c in rig.comments(TEAPOT) if c["public"]] == []
    rig.later(minutes=3)
    rig.later(minutes=3)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1
    assert len([c for c in rig.comments(TEAPOT) if c["public"]]) == 1


def test_an_apology_alone_needs_no_till(rig: Rig) -> None:
    rig.policy("{apology: yes}")
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert rig.payouts(rig.case(TEAPOT)) == []
    assert [c["public"] for c in rig.comments(TEAPOT)] == [False, True]


def test_a_remedy_the_till_does_not_pay_is_a_persons_task(rig: Rig) -> None:
    rig.policy("{points: 500}")
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["not_payable"]
    assert rig.refunds() == []


def test_a_sum_is_paid_in_the_hosts_own_steps(rig: Rig) -> None:
    """Stripe moves Kuwaiti dinar in tens of fils: 2.775 becomes 2.770, never more."""
    rig.policy("{refund: 15% of order.total}")
    rig.solve(23)
    (payout,) = rig.payouts(rig.case(23))
    assert str(payout.amount) == "2.770 KWD"
    (refund,) = rig.stripe.get("books")["refunds"]
    assert refund["amount"] == 2770


def test_a_coupon_in_another_currency_than_the_shops_is_a_persons_task(rig: Rig) -> None:
    rig.policy("{coupon: 10.00 USD}", currency="USD")
    rig.solve(THROW)
    assert rig.tasks(rig.case(THROW)) == ["not_payable"]


def test_more_than_the_order_can_bear_is_a_persons_task(rig: Rig) -> None:
    rig.policy("{refund: 140% of order.total}")
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["not_payable"]
    assert rig.refunds() == []


def test_a_guest_is_found_by_the_order_they_placed(rig: Rig) -> None:
    orders = rig.running.states["shopify"].orders  # type: ignore[attr-defined]
    guest = orders[1002]
    guest.customer_id = None
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD, rig.case(TEAPOT).said
