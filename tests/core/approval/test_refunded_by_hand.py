"""What somebody refunds by hand while a yes or a choice is waited for is not given once more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.case import CaseState
from core.ports import Order
from core.store import Store
from tests.core.authority.bench import Bench, money


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def with_more(order: Order, back: str) -> Order:
    more = money(back)
    return replace(order, refunded=order.refunded + more, refundable=order.refundable - more)


@pytest.mark.parametrize("remedy", ["refund", "store_credit", "coupon"])
def test_a_refund_by_hand_before_the_yes_is_acted_on(bench: Bench, remedy: str) -> None:
    """The order could still bear both; a credit or a coupon does not touch it at all."""
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    order = bench.order("100.00 EUR", refunded="5.00 EUR")
    case = bench.ask("10.00 EUR", by=jo, order=order, ask=True, remedy=remedy)
    bench.decide(case, sam)
    after = bench.step(case, with_more(order, "10.00 EUR"))
    assert (after.state, after.said) == (CaseState.WITH_PERSON, "changed_since")
    assert bench.payouts(case) == []
    assert bench.held() == []


def test_what_was_refunded_before_it_was_decided_and_by_us_since_changes_nothing(
    bench: Bench,
) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    order = bench.order("100.00 EUR", refunded="5.00 EUR")
    earlier = bench.ask("3.00 EUR", order=order, reason="size")
    case = bench.ask("10.00 EUR", by=jo, order=order, ask=True)
    bench.later(hours=1)
    bench.settle(earlier)
    bench.decide(case, sam)
    seen = with_more(order, "3.00 EUR")
    assert bench.step(case, seen).state is CaseState.PAYING


def test_a_cent_more_than_ours_is_somebody_elses(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    order = bench.order("100.00 EUR")
    bench.settle(bench.ask("2.00 EUR", order=order, reason="late"))
    bench.later(minutes=1)
    seen = with_more(order, "2.00 EUR")
    earlier = bench.ask("3.00 EUR", order=seen, reason="size")
    case = bench.ask("10.00 EUR", by=jo, order=seen, ask=True)
    bench.later(hours=1)
    bench.settle(earlier)
    bench.decide(case, sam)
    assert bench.step(case, with_more(seen, "3.01 EUR")).said == "changed_since"


@pytest.mark.parametrize(("remedy", "goes_on"), [("refund", False), ("coupon", True)])
def test_only_a_refund_is_bound_by_what_the_order_can_still_bear(
    bench: Bench, remedy: str, goes_on: bool
) -> None:
    """Nothing was refunded by hand: the shop pays nothing back any more, say after a year."""
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    order = bench.order("100.00 EUR")
    case = bench.ask("10.00 EUR", by=jo, order=order, ask=True, remedy=remedy)
    bench.decide(case, sam)
    after = bench.step(case, replace(order, refundable=money("9.99 EUR")))
    assert after.state is (CaseState.PAYING if goes_on else CaseState.WITH_PERSON)
