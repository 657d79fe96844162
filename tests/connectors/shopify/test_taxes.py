"""What Shopify says of the tax in a refund, read back with it; and that no refund hangs on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.shopify.till import taxes
from core.money import Money, parse_money
from core.ports import Instruction, Settled, Taxed, Taxes
from core.tax import divided
from tests.connectors.contract.bench import Bench, on_the_bench
from tests.connectors.scripted import Says
from tests.connectors.shopify.lying import ORDER, Shop, asks, bag, refund

EUR = "EUR"
LAMPS = {"title": "Lamp", "quantity": 2, "price": "10.00", "tax": "19"}
BOOK = {"title": "Book", "quantity": 1, "price": "5.00", "tax": "7"}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("shopify") as bench:
        yield bench


def _paid(bench: Bench, amount: Money, order: str, **changes: Any) -> Taxes | None:
    """What is told of a refund that was paid, when it is read back."""
    made: Instruction = bench.harness.instruction("refund", amount)
    wanted = replace(made, order_id=order, **changes)
    ending = bench.till.pay(wanted)
    assert isinstance(ending, Settled), ending
    found = bench.till.find(replace(wanted, host_object=ending.receipt.host_object))
    assert isinstance(found, Settled)
    assert found == ending
    return found.receipt.taxes


def _seen(found: Taxes | None) -> list[tuple[str, str, str | None]]:
    assert found is not None
    return [(one.gross.text, one.tax.text, one.rate) for one in found.lines]


def test_a_plain_sum_has_the_lines_of_its_order(bench: Bench) -> None:
    order = bench.harness.order(
        Money(2900, EUR), lines=[LAMPS, BOOK], shipping="4.00", shipping_tax="19"
    )
    found = _paid(bench, Money(580, EUR), order)
    assert found is not None
    assert (found.told, found.whole) == (False, Money(2900, EUR))
    assert _seen(found) == [("20.00", "3.19", "19"), ("5.00", "0.33", "7"), ("4.00", "0.64", "19")]
    lines = bench.till.order(order).lines
    assert [one.line for one in found.lines][:2] == [line.id for line in lines]
    split = divided(Money(580, EUR), found)
    assert split is not None
    assert split.by_rate() == [("7", 93, 7), ("19", 403, 77)]


def test_where_prices_are_without_tax_it_is_put_on_top(bench: Bench) -> None:
    order = bench.harness.order(Money(2915, EUR), lines=[LAMPS, BOOK], taxes_included=False)
    found = _paid(bench, Money(1000, EUR), order)
    assert _seen(found) == [("23.80", "3.80", "19"), ("5.35", "0.35", "7")]
    assert divided(Money(1000, EUR), found) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("currency", "total", "tax"), [("JPY", "1100", "100"), ("KWD", "12.345", "1.122")]
)
def test_currencies_with_other_digits(bench: Bench, currency: str, total: str, tax: str) -> None:
    line = {"title": "Tray", "quantity": 1, "price": total, "tax": "10"}
    order = bench.harness.order(parse_money(total, currency), lines=[line])
    found = _paid(bench, Money(333, currency), order)
    assert _seen(found) == [(total, tax, "10")]
    split = divided(Money(333, currency), found)  # type: ignore[arg-type]
    assert split is not None
    assert split.by_rate() == [("10", 303, 30)]


def test_a_refund_written_down_for_lines_says_it_itself(bench: Bench) -> None:
    order = bench.harness.order(Money(2500, EUR), lines=[LAMPS, BOOK])
    lamp, book = bench.till.order(order).lines
    found = _paid(bench, Money(1500, EUR), order, lines=((lamp.id, 1), (book.id, 1)))
    assert found is not None
    assert (found.told, found.whole) == (True, Money(1500, EUR))
    assert _seen(found) == [("10.00", "1.60", "19"), ("5.00", "0.33", "7")]
    split = divided(Money(1500, EUR), found)
    assert split is not None
    assert split.by_rate() == [("7", 467, 33), ("19", 840, 160)]


def test_less_than_the_lines_bear_is_not_divided_by_guess(bench: Bench) -> None:
    order = bench.harness.order(Money(2500, EUR), lines=[LAMPS, BOOK])
    lamp = bench.till.order(order).lines[0]
    found = _paid(bench, Money(700, EUR), order, lines=((lamp.id, 1),))
    assert found is not None
    assert found.told
    assert divided(Money(700, EUR), found) is None


def test_an_order_that_does_not_list_all_it_costs_says_nothing(bench: Bench) -> None:
    order = bench.harness.order(Money(4000, EUR), lines=[LAMPS])  # a tip, or more lines than fit
    assert divided(Money(700, EUR), _paid(bench, Money(700, EUR), order)) is None  # type: ignore[arg-type]


# ---------------------------------------------------------------------- answers nobody can read


def _taxed(**changes: Any) -> dict[str, Any]:
    """A refund of 15.00 of an order of one line at 50.00, as Shopify would show it."""
    tax = {"ratePercentage": "19.0", "priceSet": bag("7.98")}
    line = {"id": "gid://shopify/LineItem/1", "discountedTotalSet": bag("50.0"), "taxLines": [tax]}
    order = {
        "id": ORDER,
        "taxesIncluded": True,
        "totalPriceSet": bag("50.0"),
        "lineItems": {"nodes": [line]},
        "shippingLines": {"nodes": []},
    }
    nothing = {"pageInfo": {"hasNextPage": False}, "nodes": []}
    return refund(
        "SUCCESS",
        **{
            "order": {**order, **changes.pop("order", {})},
            "refundLineItems": nothing,
            "refundShippingLines": {"nodes": []},
            **changes,
        },
    )


def test_a_rate_with_a_point() -> None:
    found = taxes.of(_taxed(), Money(1500, EUR))
    line = Taxed(
        line="gid://shopify/LineItem/1", gross=Money(5000, EUR), tax=Money(798, EUR), rate="19"
    )
    assert found == Taxes(lines=(line,), whole=Money(5000, EUR))


@pytest.mark.parametrize(
    "changes",
    [
        {"order": {"lineItems": None}},
        {"order": {"lineItems": {"nodes": [{"id": "1", "discountedTotalSet": bag("50.0")}]}}},
        {"order": {"totalPriceSet": bag("50.005")}},
        {"order": {"shippingLines": {"nodes": [{"id": 7}]}}},
        {"refundLineItems": {"pageInfo": {"hasNextPage": True}, "nodes": []}},
        {"refundLineItems": 7},
    ],
)
def test_what_cannot_be_read_is_not_known_and_the_refund_stands(changes: dict[str, Any]) -> None:
    assert taxes.of(_taxed(**changes), Money(1500, EUR)) is None
    shop = Shop()
    try:
        shop.says["refund"] = Says({"data": {"refund": _taxed(**changes)}})
        found = shop.till.find(asks(host_object="gid://shopify/Refund/5"))
        assert isinstance(found, Settled), found
        assert found.receipt.taxes is None
    finally:
        shop.close()


def test_the_tax_is_asked_for_with_the_refund_and_by_no_call_of_its_own(bench: Bench) -> None:
    order = bench.harness.order(Money(2500, EUR), lines=[LAMPS, BOOK])
    made = replace(bench.harness.instruction("refund", Money(500, EUR)), order_id=order)
    ending = bench.till.pay(made)
    assert isinstance(ending, Settled)
    before = len(bench.harness.state.requests)
    bench.till.find(replace(made, host_object=ending.receipt.host_object))
    (asked,) = bench.harness.state.requests[before:]
    assert "ratePercentage" in json.loads(asked.body)["query"]


def test_a_shop_that_refuses_to_tell_taxes_still_tells_the_refund() -> None:
    shop = Shop()
    try:
        denied = {"message": "Access denied for taxLines", "extensions": {"code": "ACCESS_DENIED"}}
        shop.says["ratePercentage"] = Says({"errors": [denied], "data": {"refund": None}})
        shop.books["refund"] = refund("SUCCESS")
        found = shop.till.find(asks(host_object="gid://shopify/Refund/5"))
        assert isinstance(found, Settled), found
        assert found.receipt.taxes is None
    finally:
        shop.close()
