"""The sweep: what the shop's books show, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from core.money import Money
from core.ports import Settled
from tests.connectors.contract.bench import Bench, on_the_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("shopify") as bench:
        yield bench


@pytest.mark.parametrize("remedy", ["refund", "store_credit", "gift_card", "coupon", "replacement"])
def test_what_we_paid_is_seen_with_its_marker(bench: Bench, remedy: str) -> None:
    instruction = bench.harness.instruction(remedy, Money(1200, "EUR"))
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Settled)
    since = bench.harness.now - timedelta(hours=1)
    (record,) = [
        one for one in bench.till.recent(since) if one.host_object == ending.receipt.host_object
    ]
    assert record.remedy == remedy
    assert record.amount == (None if remedy == "replacement" else instruction.amount)
    assert record.marker == instruction.marker


def test_what_somebody_refunded_by_hand_is_seen_without(bench: Bench) -> None:
    order = bench.harness.order(Money(5000, "EUR"))
    where = f"{bench.harness.address}/_sandbox/orders/{order.rpartition('/')[2]}/refund"
    requests.post(where, json={"amount": "7.50"}, timeout=5).raise_for_status()
    (record,) = bench.till.recent(bench.harness.now - timedelta(hours=1))
    assert (record.amount, record.marker) == (Money(750, "EUR"), None)
    assert record.order_id == order


def test_many_orders_are_looked_through_page_by_page(bench: Bench) -> None:
    paid = []
    for _ in range(7):
        instruction = bench.harness.instruction("refund", Money(300, "EUR"))
        assert isinstance(bench.till.pay(instruction), Settled)
        paid.append(instruction.marker)
    seen = [one.marker for one in bench.till.recent(bench.harness.now - timedelta(hours=1))]
    assert sorted(seen, key=str) == sorted(paid)


def test_credit_without_an_order_is_paid_once(bench: Bench) -> None:
    made = bench.harness.instruction("store_credit", Money(1200, "EUR"))
    loose = replace(made, order_id=None)
    endings = [bench.till.pay(loose) for _ in range(2)]
    assert all(isinstance(ending, Settled) for ending in endings)
    (account,) = bench.harness.state.accounts.values()
    assert len(account.entries) == 1


def test_a_shop_s_own_discounts_and_open_drafts_are_none_of_ours(bench: Bench) -> None:
    """Codes for everybody and drafts of the staff are made every day."""
    ours = bench.harness.instruction("coupon", Money(1200, "EUR"))
    assert isinstance(bench.till.pay(ours), Settled)
    (made,) = bench.harness.state.discounts.values()
    made.given["title"] = "Summer sale"
    sent = bench.harness.instruction("replacement", Money(1200, "EUR"))
    assert isinstance(bench.till.pay(sent), Settled)
    (draft,) = bench.harness.state.drafts.values()
    draft.given["tags"] = ["wholesale"]
    assert list(bench.till.recent(bench.harness.now - timedelta(hours=1))) == []
