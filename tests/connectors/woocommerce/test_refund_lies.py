"""Where WooCommerce lies about refunds: a no as 500, over-refunds at once, money nobody marked."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.money import Money
from core.ports import (
    LOOK_FIRST,
    Absent,
    Declined,
    HostUnclear,
    Instruction,
    NotSent,
    Settled,
    Unknown,
    Unpayable,
)
from sandbox.woocommerce import refunds as shop_refunds
from sandbox.woocommerce.books import Order
from sandbox.woocommerce.errors import refusal
from tests.connectors.contract.bench import Bench

EUR = Money(1000, "EUR")


def _refund(bench: Bench, amount: Money = EUR) -> Instruction:
    made: Instruction = bench.harness.instruction("refund", amount)
    return made


def _order(bench: Bench, instruction: Instruction) -> Order:
    order: Order = bench.harness.state.orders[int(instruction.order_id or 0)]
    return order


def _posts(bench: Bench) -> list[Any]:
    seen = bench.harness.state.requests
    return [json.loads(one.body) for one in seen if one.method == "POST"]


def test_the_marker_stands_in_the_reason_and_booleans_are_said(bench: Bench) -> None:
    instruction = _refund(bench)
    assert isinstance(bench.till.pay(instruction), Settled)
    assert _posts(bench) == [
        {
            "amount": "10.00",
            "reason": f"Sorry for the delay {instruction.marker}",
            "api_refund": True,
            "api_restock": False,
        }
    ]


def test_a_no_with_500_is_a_no_and_is_not_hammered(bench: Bench) -> None:
    instruction = replace(_refund(bench), amount=Money(999_900, "EUR"))
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Declined)
    assert ending.code == "too_much"
    assert len(_posts(bench)) == 1


def test_a_gateway_that_cannot_refund_is_a_no(bench: Bench) -> None:
    instruction = _refund(bench)
    _order(bench, instruction).gateway = "bacs"
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Declined)
    assert ending.code == "not_automatic"


def test_a_gateways_own_words_are_a_persons_task_and_never_paid_again(bench: Bench) -> None:
    """The row is gone then, so asking would say absent, and absent is sent again."""
    bench.harness.state.gateway_refuses = ["cURL error 28: Operation timed out"]
    instruction = _refund(bench)
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Declined)
    assert ending.code == LOOK_FIRST
    assert "timed out" in ending.why


def test_a_500_with_our_refund_on_the_order_is_no_refusal(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of a refusal, and the refund stands there and was paid."""
    real = shop_refunds.create

    def lying(*args: Any) -> Any:
        real(*args)
        raise refusal(shop_refunds._CANNOT, "Invalid refund amount.", 500)

    monkeypatch.setattr(shop_refunds, "create", lying)
    assert isinstance(bench.till.pay(_refund(bench)), Settled)


def test_a_500_that_cannot_be_looked_after_is_unknown(bench: Bench) -> None:
    instruction = _refund(bench)
    bench.harness.fault("read", "delay", "before", seconds=0)  # the look before
    bench.harness.fault("read", "drop", "before", times=None)  # every look after
    ending = bench.till.pay(replace(instruction, amount=Money(999_900, "EUR")))
    assert isinstance(ending, Unknown)


@pytest.mark.parametrize("crash", ["before_gateway", "after_gateway"])
def test_a_row_the_gateway_did_not_confirm_is_unknown_for_ever(bench: Bench, crash: str) -> None:
    bench.harness.state.crashes = [crash]
    instruction = _refund(bench)
    assert isinstance(bench.till.pay(instruction), Unknown)
    for _ in range(2):
        assert isinstance(bench.till.find(instruction), Unknown)
        assert isinstance(bench.till.pay(instruction), Unknown)
    assert len(_posts(bench)) == 1
    assert len(_order(bench, instruction).refunds) == 1


def test_a_crash_after_the_gateway_marked_it_is_found_without_metadata(bench: Bench) -> None:
    bench.harness.state.crashes = ["before_meta"]
    instruction = _refund(bench)
    assert isinstance(bench.till.pay(instruction), Unknown)
    assert isinstance(bench.till.find(instruction), Settled)
    assert isinstance(bench.till.pay(instruction), Settled)
    assert len(_posts(bench)) == 1


def test_eight_at_once_do_not_exceed_what_was_paid(bench: Bench) -> None:
    """The shop alone accepts three refunds of 12.00 on an order of 20.00."""
    bench.harness.state.pace_s = 0.05
    first = _refund(bench, Money(1200, "EUR"))
    _order(bench, first).total = _order(bench, first).total.__class__("20.00")
    eight = [
        replace(first, payout_id=f"pay_{n}", marker=f"[amends:pay_{n}]", key=str(n))
        for n in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        endings = list(pool.map(bench.till.pay, eight))
    assert sum(isinstance(ending, Settled) for ending in endings) == 1, endings
    assert str(_order(bench, first).gateway_paid_back) in ("12", "12.00")
    assert all(isinstance(ending, Settled | Declined | NotSent) for ending in endings)


def test_the_same_payout_eight_at_once_is_paid_once(bench: Bench) -> None:
    bench.harness.state.pace_s = 0.05
    instruction = _refund(bench)
    with ThreadPoolExecutor(8) as pool:
        endings = list(pool.map(bench.till.pay, [instruction] * 8))
    assert {type(ending) for ending in endings} <= {Settled, NotSent}
    assert bench.harness.paid(instruction) == [EUR]


def test_two_rows_with_our_marker_are_for_a_person(bench: Bench) -> None:
    instruction = _refund(bench)
    bench.till.pay(instruction)
    order = _order(bench, instruction)
    order.refunds.append({**order.refunds[0], "id": 9999})
    assert isinstance(bench.till.find(instruction), Unknown)
    assert isinstance(bench.till.pay(instruction), Unknown)


def test_markers_are_compared_whole_and_amounts_too(bench: Bench) -> None:
    instruction = _refund(bench)
    bench.till.pay(instruction)
    longer = replace(instruction, payout_id=instruction.payout_id + "1")
    assert isinstance(bench.till.find(longer), Absent)
    assert isinstance(bench.till.find(replace(instruction, amount=Money(999, "EUR"))), Unknown)


def test_found_on_the_second_page_and_never_missed_by_an_early_end(bench: Bench) -> None:
    instruction = _refund(bench)
    bench.till.pay(instruction)
    order = _order(bench, instruction)
    ours = order.refunds.pop()
    other = {**ours, "reason": "by hand"}
    order.refunds[:] = [ours, *({**other, "id": n} for n in range(150))]
    assert isinstance(bench.till.find(instruction), Settled)
    order.refunds[:] = [ours, *({**other, "id": n} for n in range(1100))]
    assert isinstance(bench.till.find(instruction), Unknown)


def test_a_refund_that_was_deleted_is_absent_by_its_id(bench: Bench) -> None:
    instruction = _refund(bench)
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Settled)
    known = replace(instruction, host_object=ending.receipt.host_object)
    assert isinstance(bench.till.find(known), Settled)
    _order(bench, instruction).refunds.clear()
    assert isinstance(bench.till.find(known), Absent)


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(-500, "EUR"), None])
def test_a_refund_of_nothing_is_not_sent(bench: Bench, amount: Money | None) -> None:
    """The shop would accept it with 201."""
    instruction = replace(_refund(bench), amount=amount)
    assert isinstance(bench.till.pay(instruction), Declined)
    assert _posts(bench) == []


@pytest.mark.parametrize("order_id", ["1/../../coupons", "abc", "", "7?x=1", "٧", "9" * 40])
def test_order_ids_are_numbers_before_anything_goes_out(bench: Bench, order_id: str) -> None:
    instruction = replace(_refund(bench), order_id=order_id)
    before = bench.harness.requests()
    assert isinstance(bench.till.pay(instruction), Declined)
    assert bench.harness.requests() == before


def test_an_order_that_is_gone_is_a_no(bench: Bench) -> None:
    assert isinstance(bench.till.pay(replace(_refund(bench), order_id="404")), Declined)


def test_a_key_that_may_only_read_sends_nothing(bench: Bench) -> None:
    for key in bench.harness.state.keys.values():
        key.permissions = "read"
    ending = bench.till.pay(_refund(bench))
    assert isinstance(ending, NotSent)


def test_quote_pays_in_the_steps_the_shop_is_set_to(bench: Bench) -> None:
    """A shop set to no decimals rounds 10.50 to 11: it is asked for 10."""
    instruction = _refund(bench, Money(1050, "EUR"))
    order = _order(bench, instruction)
    order.money = lambda amount: f"{amount:.0f}"  # type: ignore[method-assign]
    assert bench.till.quote(instruction).payable == Money(1000, "EUR")


def test_quote_says_what_is_left_and_in_which_currency(bench: Bench) -> None:
    instruction = _refund(bench)
    bench.till.pay(instruction)
    quote = bench.till.quote(replace(instruction, amount=Money(5000, "EUR")))
    assert (quote.payable, quote.limit) == (EUR, EUR)
    with pytest.raises(Unpayable):
        bench.till.quote(replace(instruction, amount=Money(100, "USD")))


def test_an_order_that_was_never_paid_bears_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox.woocommerce import views

    real = views.order
    monkeypatch.setattr(views, "order", lambda of: {**real(of), "date_paid": None})
    instruction = _refund(bench)
    order = bench.till.order(instruction.order_id or "")
    assert not order.refundable.minor
    assert not order.paid.minor


def test_the_sweep_sees_hand_made_and_unclear_refunds(bench: Bench) -> None:
    bench.harness.state.crashes = ["after_gateway"]
    ours = _refund(bench)
    bench.till.pay(ours)
    order = _order(bench, ours)
    shop = bench.harness.state
    with shop.lock:
        shop_refunds.create(shop, order, {"amount": "3.00", "reason": "by hand"})
    since = bench.harness.now - timedelta(hours=1)
    found = {record.marker: record for record in bench.till.recent(since)}
    assert found[None].amount == Money(300, "EUR")
    assert found[None].ending == "settled"
    assert found[ours.marker].ending == "pending"
    assert list(bench.till.recent(bench.harness.now + timedelta(hours=1))) == []


def test_unreadable_amounts_are_unclear(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    instruction = _refund(bench)
    _order(bench, instruction).currency = "EURO"
    with pytest.raises(HostUnclear):
        bench.till.order(instruction.order_id or "")
