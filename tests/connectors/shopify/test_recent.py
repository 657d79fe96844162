"""The sweep: what the shop's books show, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import requests

from connectors.shopify.till import recent
from core.money import Money
from core.ports import HostUnclear, Settled
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
    requests.post(where, json={"amount": "7.50"}, timeout=30).raise_for_status()
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


def test_a_list_longer_than_can_be_looked_through_is_no_whole_list(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands behind the last page would else count as not there."""
    for _ in range(7):
        assert isinstance(
            bench.till.pay(bench.harness.instruction("refund", Money(300, "EUR"))), Settled
        )
    monkeypatch.setattr(recent, "_PAGES_MAX", 1)
    with pytest.raises(HostUnclear, match="more"):
        list(bench.till.recent(bench.harness.now - timedelta(hours=1)))


@pytest.mark.parametrize("count", [9, 10, 12])
def test_an_order_with_many_refunds_is_read_whole(bench: Bench, count: int) -> None:
    order = bench.harness.order(Money(5000, "EUR"))
    where = f"{bench.harness.address}/_sandbox/orders/{order.rpartition('/')[2]}/refund"
    for _ in range(count):
        requests.post(where, json={"amount": "1.00"}, timeout=30).raise_for_status()
    seen = list(bench.till.recent(bench.harness.now - timedelta(hours=1)))
    assert len({one.host_object for one in seen}) == len(seen) == count
    assert {one.order_id for one in seen} == {order}


def test_a_refund_out_of_many_payments_is_summed_whole(bench: Bench) -> None:
    order = bench.harness.order(Money(100, "EUR"), total="5.00")
    shop = bench.harness.state
    for move in shop.transactions.values():
        move.amount = Decimal(1)
    for _ in range(4):
        row = shop.orders[int(order.rpartition("/")[2])]
        shop.add_transaction(row, "SALE", "SUCCESS", Decimal(1), row.gateway)
    made = replace(bench.harness.instruction("refund", Money(500, "EUR")), order_id=order)
    assert isinstance(bench.till.pay(made), Settled)
    (record,) = bench.till.recent(bench.harness.now - timedelta(hours=1))
    assert (record.amount, record.remedy) == (Money(500, "EUR"), "refund")


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
