"""A refund for named lines and shipping: written down for them, never more than they bear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.shopify import documents
from core.money import Money
from core.ports import Declined, Instruction, Settled
from tests.connectors.contract.bench import Bench, on_the_bench
from tests.connectors.shopify.schema import problems

EUR = "EUR"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("shopify") as bench:
        yield bench


@pytest.fixture
def asks(bench: Bench) -> Instruction:
    """Of an order of two lamps at 10.00, a shade at 5.00, and 4.00 for shipping."""
    made: Instruction = bench.harness.instruction("refund", Money(1000, EUR))
    lines = [
        {"title": "Lamp", "quantity": 2, "price": "10.00"},
        {"title": "Shade", "quantity": 1, "price": "5.00"},
    ]
    order = bench.harness.order(Money(2900, EUR), lines=lines, shipping="4.00")
    return replace(made, order_id=order)


def line(bench: Bench, asks: Instruction, title: str) -> str:
    found = bench.till.order(asks.order_id or "")
    return next(one.id for one in found.lines if one.title == title)


def sent(bench: Bench) -> dict[str, Any]:
    bodies = [json.loads(one.body) for one in bench.harness.state.requests]
    (found,) = [body for body in bodies if "mutation refundCreate" in body["query"]]
    assert problems(documents.REFUND_CREATE, found["variables"]) == []
    return dict(found["variables"]["input"])


def test_a_plain_sum_names_no_line(bench: Bench, asks: Instruction) -> None:
    assert isinstance(bench.till.pay(asks), Settled)
    assert {"refundLineItems", "shipping"} & set(sent(bench)) == set()


def test_one_of_two_lamps(bench: Bench, asks: Instruction) -> None:
    asks = replace(asks, lines=((line(bench, asks, "Lamp"), 1),))
    assert bench.till.quote(asks).limit == Money(1000, EUR)
    assert isinstance(bench.till.pay(asks), Settled)
    (item,) = sent(bench)["refundLineItems"]
    assert item == {
        "lineItemId": line(bench, asks, "Lamp"), "quantity": 1, "restockType": "NO_RESTOCK",
    }  # fmt: skip
    (refund,) = bench.harness.state.refunds.values()
    assert [(quantity, how) for _, quantity, how in refund.lines] == [(1, "NO_RESTOCK")]
    assert bench.harness.paid(asks) == [Money(1000, EUR)]


def test_a_part_of_a_line_and_the_shipping(bench: Bench, asks: Instruction) -> None:
    shade = line(bench, asks, "Shade")
    asks = replace(asks, amount=Money(650, EUR), lines=((shade, 1),), shipping=Money(400, EUR))
    assert isinstance(bench.till.pay(asks), Settled)
    assert sent(bench)["shipping"] == {"amount": "4.00"}
    (refund,) = bench.harness.state.refunds.values()
    assert str(refund.shipping) == "4.00"
    assert bench.harness.paid(asks) == [Money(650, EUR)]


def test_more_than_the_lines_bear_is_not_sent(bench: Bench, asks: Instruction) -> None:
    asks = replace(asks, lines=((line(bench, asks, "Shade"), 1),))
    assert bench.till.quote(asks).payable == Money(500, EUR)
    assert isinstance(bench.till.pay(asks), Declined)
    assert bench.harness.paid(asks) == []


def test_more_of_a_line_than_was_bought_is_shopify_s_no(bench: Bench, asks: Instruction) -> None:
    asks = replace(asks, lines=((line(bench, asks, "Lamp"), 3),))
    ending = bench.till.pay(asks)
    assert isinstance(ending, Declined)
    assert "more items than were purchased" in ending.why
    assert bench.harness.paid(asks) == []


def test_the_same_lines_are_refunded_once(bench: Bench, asks: Instruction) -> None:
    asks = replace(asks, lines=((line(bench, asks, "Lamp"), 1),))
    first, second = bench.till.pay(asks), bench.till.pay(asks)
    assert isinstance(first, Settled)
    assert second == first
    assert bench.harness.paid(asks) == [Money(1000, EUR)]
