"""What only the real Vendure shows of refunds."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core.money import Money
from core.ports import Declined, HostDenied, NotSent, Pending, Settled, Unknown, Unpayable, Who
from core.tax import divided
from tests.connectors.contract.bench import Bench
from tests.real.shop import REFUND

EUR = Money(1200, "EUR")


def test_eight_payouts_of_one_order_at_once_never_exceed_it(bench: Bench) -> None:
    made = bench.harness.instruction("refund", EUR)  # the order is worth two of them
    payouts = [
        replace(made, payout_id=f"{made.payout_id}{n}", marker=f"[amends:{made.payout_id}{n}]")
        for n in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        endings = list(pool.map(bench.till.pay, payouts))
    assert sum(isinstance(one, Settled) for one in endings) == 2
    assert all(isinstance(one, Settled | Declined | NotSent) for one in endings), endings
    assert list(bench.harness.paid(made)) == [EUR, EUR]


def test_the_same_payout_from_eight_threads_is_one(bench: Bench) -> None:
    made, together = bench.harness.instruction("refund", EUR), threading.Barrier(8)

    def pay(_: int) -> object:
        together.wait()
        return bench.till.pay(made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pay, range(8)))
    assert list(bench.harness.paid(made)) == [EUR]


def test_an_amount_alone_breaks_in_the_shop_after_the_handler_paid(bench: Bench) -> None:
    """Why lines, shipping and adjustment are always sent: without them nothing is written down."""
    made = bench.harness.instruction("refund", EUR)
    payment = bench.harness.shop.books(made.order_id)["payments"][0]["id"]
    bare = REFUND.replace("lines: [], shipping: 0, adjustment: 0", "")
    with pytest.raises(AssertionError, match="NOT NULL"):
        bench.harness.shop.admin(bare, payment=payment, amount=1200, reason=made.marker)
    assert list(bench.harness.paid(made)) == []


def test_pending_stays_pending_unless_the_method_has_no_gateway(bench: Bench) -> None:
    bench.settings.values["settle_methods"] = "another-method"
    made = bench.harness.instruction("refund", EUR)
    assert isinstance(bench.till.pay(made), Pending)
    assert isinstance(bench.till.find(made), Pending)
    (refund,) = bench.harness.shop.refunds(made.order_id)
    assert refund["state"] == "Pending"
    bench.settings.values["settle_methods"] = "cash, by-hand"
    assert isinstance(bench.till.find(made), Settled), "what a died process left is finished"
    (refund,) = bench.harness.shop.refunds(made.order_id)
    assert (refund["state"], refund["transactionId"]) == ("Settled", made.payout_id)


@pytest.mark.parametrize("when", ["before", "after"])
def test_settling_that_is_interrupted_is_taken_up_again(bench: Bench, when: str) -> None:
    made = bench.harness.instruction("refund", EUR)
    bench.harness.trouble("settleRefund", "drop", when)
    assert isinstance(bench.till.pay(made), Pending)
    assert isinstance(bench.till.find(made), Settled)
    assert list(bench.harness.paid(made)) == [EUR]


def test_more_than_is_left_is_a_plain_no_with_status_200(bench: Bench) -> None:
    made = bench.harness.instruction("refund", EUR)
    ending = bench.till.pay(replace(made, amount=Money(2401, "EUR")))
    assert isinstance(ending, Declined)
    assert ending.code == "REFUND_AMOUNT_ERROR"
    assert bench.till.quote(replace(made, amount=Money(9900, "EUR"))).payable == Money(2400, "EUR")


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 1235), ("KWD", 12340)])
def test_every_currency_is_counted_in_hundredths(bench: Bench, currency: str, minor: int) -> None:
    made = bench.harness.instruction("refund", Money(minor, currency))
    order = bench.till.order(made.order_id)
    assert order.total == order.refundable == Money(2 * minor, currency)
    assert isinstance(bench.till.pay(made), Settled)
    assert bench.till.order(made.order_id).refunded == Money(minor, currency)
    units = bench.harness.shop.refunds(made.order_id)[0]["total"]
    assert units == {"JPY": 123500, "KWD": 1234}[currency]


def test_a_dinars_third_digit_is_refused_if_it_comes_that_far(bench: Bench) -> None:
    made = bench.harness.instruction("refund", Money(12340, "KWD"))
    odd = replace(made, amount=Money(12345, "KWD"))
    assert bench.till.quote(odd).payable == Money(12340, "KWD")
    ending = bench.till.pay(odd)
    assert isinstance(ending, Declined)
    assert ending.code == "unpayable"


def test_a_key_that_lacks_a_permission_is_told_with_status_200(bench: Bench) -> None:
    made = bench.harness.instruction("refund", EUR)
    body = {"errors": [{"message": "not authorized", "extensions": {"code": "FORBIDDEN"}}]}
    bench.harness.trouble("refundOrder", "status", "before", status=200, body=body)
    assert isinstance(bench.till.pay(made), NotSent)
    bench.settings.values["api_key"] = "amends:of-nobody"
    with pytest.raises(HostDenied):
        bench.till.order(made.order_id)


def test_an_error_in_the_middle_is_unknown(bench: Bench) -> None:
    made = bench.harness.instruction("refund", EUR)
    error = {"message": "gateway broke", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    body = json.dumps({"errors": [error], "data": None})
    bench.harness.trouble("refundOrder", "status", "after", status=200, body=body)
    assert isinstance(bench.till.pay(made), Unknown)
    assert isinstance(bench.till.find(made), Settled)


def test_a_refund_by_hand_is_seen_by_the_sweep_though_its_order_did_not_change(
    bench: Bench,
) -> None:
    made = bench.harness.instruction("refund", EUR)
    before = bench.harness.shop.books(made.order_id)["updatedAt"]
    by_hand = bench.harness.shop.refund_by_hand(made.order_id, 250, "called in")
    records = {r.host_object: r for r in bench.till.recent(bench.harness.now - timedelta(hours=1))}
    record = records[by_hand]
    assert (record.marker, record.amount) == (None, Money(250, "EUR"))
    assert (record.order_id, record.ending) == (made.order_id, "pending")
    assert bench.harness.shop.books(made.order_id)["updatedAt"] == before


def test_another_currency_than_the_orders_is_refused(bench: Bench) -> None:
    made = replace(bench.harness.instruction("refund", EUR), amount=Money(1200, "USD"))
    with pytest.raises(Unpayable):
        bench.till.quote(made)
    assert isinstance(bench.till.pay(made), Declined)
    assert list(bench.harness.paid(made)) == []


def test_purchases_are_of_exactly_this_address(bench: Bench) -> None:
    email = f"{bench.harness.instruction('refund', EUR).payout_id}@example.com"
    ours = bench.harness.shop.order(2400, email=email.upper())
    bench.harness.shop.order(2400, email=f"x{email}")
    found = bench.till.purchases(Who(email=email))
    assert [order.id for order in found.orders] == [ours["id"]]
    assert [buyer.orders_count for buyer in found.buyers] == [1]
    assert found.orders[0].name == ours["code"]
    for nobody in (None, "", "%", "*@example.com", '" or 1=1'):
        assert bench.till.purchases(Who(email=nobody)).orders == ()


def test_the_tax_in_a_refund_is_told_by_the_lines_of_its_order(bench: Bench) -> None:
    """All that it cost stands in them. This shop reckons no tax, so that says nothing."""
    made = bench.harness.instruction("refund", EUR)
    ending = bench.till.pay(made)
    assert isinstance(ending, Settled)
    found = bench.till.find(replace(made, host_object=ending.receipt.host_object))
    assert isinstance(found, Settled)
    taxes = found.receipt.taxes
    assert taxes is not None
    assert (taxes.told, taxes.whole) == (False, Money(2400, "EUR"))
    assert sum(line.gross.minor for line in taxes.lines) == 2400
    assert [line.rate for line in taxes.lines if line.gross.minor] == ["0"]
    assert divided(EUR, taxes) is None
