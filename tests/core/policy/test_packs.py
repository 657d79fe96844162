"""The packs that ship: each names itself, and the starter for shops answers as its trade would."""

from __future__ import annotations

from typing import Any

import pytest

from core.money import Money
from core.policy import Decision, all_packs, decide, load_pack


@pytest.mark.parametrize("name", sorted(all_packs()))
def test_the_pack_loads_and_names_itself(name: str) -> None:
    policy = load_pack(name)
    assert policy.name == name
    assert policy.basis in ("owed", "goodwill")
    assert policy.basis == "goodwill" or dict(policy.tree.about).keys() >= {
        "source",
        "jurisdiction",
        "certainty",
    }


def shop(reason: str, total: str, currency: str, left: str | None = None, **more: Any) -> Decision:
    order = {
        "total": {"amount": total, "currency": currency},
        "refundable": {"amount": left or total, "currency": currency},
    }
    return decide(load_pack("online-shop"), {"reason": reason, "order": order, **more})


@pytest.mark.parametrize(
    ("decision", "answer", "asks"),
    [
        (shop("late_delivery", "80.00", "EUR", days_late=2), "give apology", False),
        (shop("late_delivery", "80.00", "EUR", days_late=3), "give refund 8.00 EUR", False),
        (shop("late_delivery", "80.00", "EUR", days_late=7), "give refund 16.00 EUR", False),
        (shop("late_delivery", "900.00", "EUR", days_late=7), "give refund 40.00 EUR", False),
        (shop("late_delivery", "80.00", "EUR", days_late=0), "refused: not_late", False),
        (shop("damaged_item", "99.99", "EUR"), "give refund 50.00 EUR", False),
        (shop("damaged_item", "190.00", "EUR"), "give refund 95.00 EUR", True),
        (shop("damaged_item", "100.00", "EUR", left="12.00"), "give refund 12.00 EUR", False),
        (shop("damaged_item", "33.333", "KWD"), "give refund 16.667 KWD", False),
        (shop("damaged_item", "9999", "JPY"), "give refund 5000 JPY", False),
        (shop("wrong_item", "80.00", "CHF"), "cannot decide: the policy does not cover CHF", False),
    ],
)
def test_the_online_shop(decision: Decision, answer: str, asks: bool) -> None:
    assert str(decision) == answer
    assert decision.needs_yes is asks


def test_a_wrong_item_is_never_paid_more_than_what_is_left() -> None:
    assert shop("wrong_item", "80.00", "SAR", left="3.00").total == Money(300, "SAR")
    assert shop("wrong_item", "80.00", "SAR", left="0").total in (None, Money(0, "SAR"))


def test_the_tier_decides_how_much() -> None:
    vip = shop("damaged_item", "150.00", "EUR", customer={"tier": "vip"})
    assert str(vip) == "give refund 90.00 EUR"
    assert vip.needs_yes
    assert vip.reason == "damaged_vip"
