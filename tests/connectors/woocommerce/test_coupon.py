"""Coupons: one address, one use, small letters, and two at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.money import Money
from core.ports import Absent, Declined, Instruction, NotSent, Settled, Unknown, Unpayable
from tests.connectors.contract.bench import Bench
from tests.connectors.woocommerce.harness import EMAIL


def _coupon(bench: Bench) -> Instruction:
    made: Instruction = bench.harness.instruction("coupon", Money(1000, "EUR"))
    return made


def _sent(bench: Bench) -> dict[str, Any]:
    posts = [one for one in bench.harness.state.requests if one.method == "POST"]
    body: dict[str, Any] = json.loads(posts[-1].body)
    return body


def test_bound_to_one_address_and_one_use(bench: Bench) -> None:
    ends = datetime(2027, 2, 22, tzinfo=UTC)
    instruction = replace(_coupon(bench), expires_at=ends)
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Settled)
    assert ending.receipt.code == (instruction.code or "").lower()
    sent = _sent(bench)
    assert sent["email_restrictions"] == [EMAIL]
    assert (sent["usage_limit"], sent["usage_limit_per_user"]) == (1, 1)
    assert sent["individual_use"] is True
    assert sent["date_expires_gmt"] == "2027-02-22T00:00:00"
    assert sent["code"].islower()


def test_a_guests_coupon_is_bound_to_the_orders_address(bench: Bench) -> None:
    order = bench.harness.order(Money(2000, "EUR"), email="guest@mail.example", customer=None)
    instruction = replace(_coupon(bench), buyer_id=None, order_id=order)
    assert isinstance(bench.till.pay(instruction), Settled)
    assert _sent(bench)["email_restrictions"] == ["guest@mail.example"]


def test_without_anybody_to_bind_it_to_none_is_made(bench: Bench) -> None:
    instruction = replace(_coupon(bench), buyer_id=None, order_id=None)
    assert isinstance(bench.till.pay(instruction), Declined)
    with pytest.raises(Unpayable):
        bench.till.quote(instruction)
    assert bench.harness.state.coupons == {}


def test_a_code_that_is_taken_by_the_shop_is_not_ours(bench: Bench) -> None:
    instruction = _coupon(bench)
    other = replace(instruction, payout_id="pay_other", marker="[amends:pay_other]")
    assert isinstance(bench.till.pay(other), Settled)
    assert isinstance(bench.till.pay(instruction), Unknown)
    assert len(bench.harness.state.coupons) == 1


def test_taken_between_the_look_and_the_sending_is_looked_at_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is lost and the lists lag: the shop's "already exists" is then a yes."""
    instruction = _coupon(bench)
    bench.harness.fault("pay", "drop", "after")
    assert isinstance(bench.till.pay(instruction), Unknown)
    bench.harness.fault("read", "status", "before", status=200, body="[]")
    assert isinstance(bench.till.pay(instruction), Settled)
    assert len(bench.harness.state.coupons) == 1


def test_eight_at_once_make_one(bench: Bench) -> None:
    """The shop's check for a duplicate and its save are two steps."""
    bench.harness.state.pace_s = 0.05
    instruction = _coupon(bench)
    with ThreadPoolExecutor(8) as pool:
        endings = list(pool.map(bench.till.pay, [instruction] * 8))
    assert {type(ending) for ending in endings} <= {Settled, NotSent}
    assert len(bench.harness.state.coupons) == 1


def test_two_coupons_of_one_code_are_for_a_person(bench: Bench) -> None:
    instruction = _coupon(bench)
    bench.till.pay(instruction)
    coupons = bench.harness.state.coupons
    coupons[9999] = {**next(iter(coupons.values())), "id": 9999}
    assert isinstance(bench.till.find(instruction), Unknown)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "99.00"}, {"email_restrictions": []}, {"usage_limit": None},
        {"email_restrictions": ["a@b.example", EMAIL]}, {"discount_type": "percent"},
        {"description": "spring sale"},
    ],
)  # fmt: skip
def test_a_coupon_that_somebody_changed_is_not_settled(
    bench: Bench, change: dict[str, object]
) -> None:
    instruction = _coupon(bench)
    bench.till.pay(instruction)
    next(iter(bench.harness.state.coupons.values())).update(change)
    assert isinstance(bench.till.find(instruction), Unknown)


def test_only_in_the_shops_own_currency(bench: Bench) -> None:
    for currency in ("USD", None):
        instruction = replace(_coupon(bench), amount=Money(1000, currency or "EUR"))
        bench.settings.values["currency"] = "EUR" if currency else ""
        with pytest.raises(Unpayable):
            bench.till.quote(instruction)
        assert isinstance(bench.till.pay(instruction), Declined)


@pytest.mark.parametrize("code", [None, "short", "with space-1234567890", "é" * 20, "x" * 65])
def test_codes_that_are_not_ours(bench: Bench, code: str | None) -> None:
    instruction = replace(_coupon(bench), code=code)
    assert isinstance(bench.till.pay(instruction), Declined)
    assert isinstance(bench.till.find(instruction), Absent)


def test_reversed_until_it_is_used(bench: Bench) -> None:
    instruction = _coupon(bench)
    bench.till.pay(instruction)
    coupon = next(iter(bench.harness.state.coupons.values()))
    coupon["usage_count"] = 1
    used = bench.till.reverse(instruction)
    assert isinstance(used, Declined)
    assert used.code == "used"
    coupon["usage_count"] = 0
    assert isinstance(bench.till.reverse(instruction), Settled)
    assert isinstance(bench.till.find(instruction), Absent)
    assert isinstance(bench.till.reverse(instruction), Unknown)
