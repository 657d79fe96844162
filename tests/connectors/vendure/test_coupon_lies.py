"""What only the real Vendure shows of coupons."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.money import Money
from core.ports import Declined, Settled, Unknown, Unpayable
from tests.connectors.contract.bench import Bench

EUR = Money(1200, "EUR")
TWIN = """mutation($code: String!) { createPromotion(input: {enabled: true, couponCode: $code,
  conditions: [], actions: [{code: "order_fixed_discount",
  arguments: [{name: "discount", value: "1200"}]}],
  translations: [{languageCode: en, name: "twin"}]}) { ... on Promotion { id } } }"""
CURRENCIES = """mutation($codes: [CurrencyCode!]!) { updateChannel(input: {id: "1",
  availableCurrencyCodes: $codes}) { ... on Channel { id } } }"""


def test_the_code_takes_its_sum_off_a_cart(bench: Bench) -> None:
    made = bench.harness.instruction("coupon", EUR)
    assert isinstance(bench.till.pay(made), Settled)
    cart = bench.harness.shop.cart_with(made.code, 5000)
    assert cart["totalWithTax"] == 3800
    (discount,) = cart["discounts"]
    assert (discount["amountWithTax"], discount["description"]) == (-1200, made.code)
    assert "amends:" not in str(cart), "customers see no marker"


def test_the_shop_takes_a_second_promotion_with_the_same_code_and_we_see_it(bench: Bench) -> None:
    made = bench.harness.instruction("coupon", EUR)
    assert isinstance(bench.till.pay(made), Settled)
    assert bench.harness.shop.admin(TWIN, code=made.code)["createPromotion"]["id"]
    assert bench.harness.shop.cart_with(made.code, 5000)["totalWithTax"] == 2600, "both count"
    assert isinstance(bench.till.find(made), Unknown)
    assert isinstance(bench.till.pay(made), Unknown)
    assert len(bench.harness.paid(made)) == 2, "and a third is not made"


def test_a_code_of_somebody_elses_is_not_ours(bench: Bench) -> None:
    made = bench.harness.instruction("coupon", EUR)
    bench.harness.shop.admin(TWIN, code=made.code)
    assert isinstance(bench.till.pay(made), Unknown)
    assert len(bench.harness.paid(made)) == 1


def test_no_coupon_where_its_number_would_count_in_several_currencies(bench: Bench) -> None:
    made = bench.harness.instruction("coupon", EUR)
    bench.harness.shop.admin(CURRENCIES, codes=["EUR", "JPY"])
    try:
        with pytest.raises(Unpayable, match="several currencies"):
            bench.till.quote(made)
        assert isinstance(bench.till.pay(made), Declined)
    finally:
        bench.harness.shop.admin(CURRENCIES, codes=["EUR"])
    assert list(bench.harness.paid(made)) == []


def test_an_expired_coupon_takes_nothing_off(bench: Bench) -> None:
    made = bench.harness.instruction("coupon", EUR)
    ended = replace(made, expires_at=bench.harness.now - timedelta(minutes=1))
    assert isinstance(bench.till.pay(ended), Settled)
    refused = bench.harness.shop.cart_with(made.code, 5000)
    assert refused["errorCode"] == "COUPON_CODE_EXPIRED_ERROR"
