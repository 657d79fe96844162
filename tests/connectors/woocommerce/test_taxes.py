"""What WooCommerce says of the tax in a refund; and that no refund hangs on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.woocommerce.till import taxes
from core.money import Money
from core.ports import Instruction, Settled, Taxes
from core.tax import divided
from tests.connectors.contract.bench import Bench

EUR = "EUR"
LAMPS = {"id": 41, "title": "Lamp", "quantity": 2, "price": "10.00", "tax": "19"}
BOOK = {"id": 42, "title": "Book", "quantity": 1, "price": "5.00", "tax": "7.5"}


def _asks(bench: Bench, minor: int, total: int, **order: Any) -> Instruction:
    made: Instruction = bench.harness.instruction("refund", Money(minor, EUR))
    return replace(made, order_id=bench.harness.order(Money(total, EUR), **order))


def _told(bench: Bench, asks: Instruction) -> Taxes | None:
    ending = bench.till.pay(asks)
    assert isinstance(ending, Settled), ending
    found = bench.till.find(replace(asks, host_object=ending.receipt.host_object))
    assert isinstance(found, Settled)
    return found.receipt.taxes


def _seen(found: Taxes | None) -> list[tuple[str, str, str | None]]:
    assert found is not None
    return [(one.gross.text, one.tax.text, one.rate) for one in found.lines]


@pytest.mark.parametrize(
    ("included", "total", "seen"),
    [
        (True, 2900, [("20.00", "3.19", "19"), ("5.00", "0.35", "7.5"), ("4.00", "0.64", "19")]),
        (False, 3394, [("23.80", "3.80", "19"), ("5.38", "0.38", "7.5"), ("4.76", "0.76", "19")]),
    ],
)
def test_a_plain_sum_has_the_lines_of_its_order(
    bench: Bench, included: bool, total: int, seen: object
) -> None:
    order = {"shipping": "4.00", "shipping_tax": "19", "prices_include_tax": included}
    found = _told(bench, _asks(bench, 580, total, lines=[LAMPS, BOOK], **order))
    assert found is not None
    assert (found.told, found.whole) == (False, Money(total, EUR))
    assert _seen(found) == seen
    assert divided(Money(580, EUR), found) is not None


def test_a_refund_that_somebody_divided_says_it_itself(bench: Bench) -> None:
    """A plugin of the shop may divide what we refund."""
    asks = _asks(bench, 1190, 2500, lines=[LAMPS, BOOK])
    ending = bench.till.pay(asks)
    assert isinstance(ending, Settled)
    (made,) = bench.harness.state.orders[int(asks.order_id or 0)].refunds
    taxed = [{"id": 261, "total": "-1.90", "subtotal": ""}]
    made["line_items"] = [
        {"id": 9, "name": "Lamp", "quantity": -1, "total": "-10.00", "total_tax": "-1.90",
         "taxes": taxed},
    ]  # fmt: skip
    found = bench.till.find(asks)
    assert isinstance(found, Settled)
    assert found.receipt.taxes is not None
    assert found.receipt.taxes.told
    assert _seen(found.receipt.taxes) == [("11.90", "1.90", "19")]


def test_an_order_that_cannot_be_read_hides_no_refund(bench: Bench) -> None:
    asks = _asks(bench, 580, 2500, lines=[LAMPS, BOOK])
    ending = bench.till.pay(asks)
    assert isinstance(ending, Settled)
    asks = replace(asks, host_object=ending.receipt.host_object)
    bench.harness.fault("read", "delay", "before", seconds=0)  # the refund
    bench.harness.fault("read", "drop", "before", times=None)  # its order
    found = bench.till.find(asks)
    assert found == ending
    assert isinstance(found, Settled)
    assert found.receipt.taxes is None


LINE = {"id": 1, "total": "16.81", "total_tax": "3.19", "taxes": [{"id": 7, "total": "3.19"}]}
ORDER = {
    "total": "20.00", "line_items": [LINE], "shipping_lines": [], "fee_lines": [],
    "tax_lines": [{"rate_id": 7, "rate_percent": 19}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, [("20.00", "3.19", "19")]),
        ({"tax_lines": [{"rate_id": 7}]}, [("20.00", "3.19", None)]),  # an older shop
        ({"tax_lines": [{"rate_id": 7, "rate_percent": "19.0"}]}, [("20.00", "3.19", "19")]),
        ({"line_items": None}, None),
        ({"line_items": [{**LINE, "total_tax": "3.1933"}]}, None),
        ({"fee_lines": [{**LINE, "total": "-2.00"}]}, None),  # a discount as a fee
        ({"total": 20}, None),
    ],
)
def test_answers_of_many_shops(changes: dict[str, Any], seen: object) -> None:
    found = taxes.of({"line_items": []}, {**ORDER, **changes}, Money(500, EUR))
    assert (found and _seen(found)) == seen
