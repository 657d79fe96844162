"""Account credit that stands as a credit note on the invoice, where the connection asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.money import Money
from core.ports import Absent, Declined, Instruction, Settled, Unknown
from sandbox.faults import Fault
from tests.connectors.contract.bench import Bench, on_the_bench
from tests.connectors.stripe.harness import BUYER


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("stripe") as bench:
        bench.settings.values["credit_notes"] = "yes"
        yield bench


@pytest.fixture
def asks(bench: Bench) -> Instruction:
    """12.00 of credit about a payment of 100.00, which paid an invoice."""
    intent = bench.harness.payment(10_000, "EUR")
    charge = intent.replace("pi_", "ch_")
    invoice = {"id": "in_1", "total": 10_000, "charge": charge, "currency": "eur"}
    bench.harness.state.seed({"invoices": [{**invoice, "customer": BUYER}]})
    made: Instruction = bench.harness.instruction("account_credit", Money(1200, "EUR"))
    return replace(made, order_id=intent)


def notes(bench: Bench) -> list[dict[str, Any]]:
    return list(bench.harness.state.accounts[None]["credit_notes"].values())


def balance(bench: Bench) -> int:
    return int(bench.harness.state.accounts[None]["customers"][BUYER]["balance"])


def posted(bench: Bench) -> list[str]:
    return [seen.path for seen in bench.harness.state.requests if seen.method == "POST"]


def test_the_note_carries_the_credit_to_the_balance_once(bench: Bench, asks: Instruction) -> None:
    first, second = bench.till.pay(asks), bench.till.pay(asks)
    assert isinstance(first, Settled)
    assert second == first
    (note,) = notes(bench)
    assert (note["invoice"], note["amount"]) == ("in_1", 1200)
    assert balance(bench) == -1200, "below zero is in the customer's favour"
    assert bench.till.find(replace(asks, host_object=first.receipt.host_object)) == first
    assert bench.till.find(asks) == first


def test_without_being_asked_for_credit_is_plain(bench: Bench, asks: Instruction) -> None:
    del bench.settings.values["credit_notes"]
    assert isinstance(bench.till.pay(asks), Settled)
    assert notes(bench) == []
    assert balance(bench) == -1200


@pytest.mark.parametrize("about", ["a payment without an invoice", "nothing"])
def test_what_has_no_invoice_gets_plain_credit(bench: Bench, asks: Instruction, about: str) -> None:
    other = bench.harness.payment(5000, "EUR") if about != "nothing" else None
    assert isinstance(bench.till.pay(replace(asks, order_id=other)), Settled)
    assert notes(bench) == []
    assert balance(bench) == -1200


def test_more_than_the_invoice_bears_is_stripe_s_no(bench: Bench, asks: Instruction) -> None:
    ending = bench.till.pay(replace(asks, amount=Money(10_100, "EUR")))
    assert isinstance(ending, Declined)
    assert balance(bench) == 0


def test_silence_after_acting_is_found_out(bench: Bench, asks: Instruction) -> None:
    fault = Fault(kind="drop", when="after", match={"path": "/v1/credit_notes", "method": "POST"})
    bench.harness.state.faults.add(fault)
    assert isinstance(bench.till.pay(asks), Unknown)
    assert isinstance(bench.till.find(asks), Settled)
    assert len(notes(bench)) == 1


def test_a_note_is_found_after_the_setting_was_taken_away(bench: Bench, asks: Instruction) -> None:
    """Else a payout in doubt would be given a second time, as plain credit."""
    assert isinstance(bench.till.pay(asks), Settled)
    del bench.settings.values["credit_notes"]
    assert isinstance(bench.till.find(asks), Settled)


def test_a_key_that_may_not_read_invoices_has_made_no_notes(
    bench: Bench, asks: Instruction
) -> None:
    del bench.settings.values["credit_notes"]
    no = {"error": {"type": "invalid_request_error", "message": "no permission"}}
    match = {"path": "/v1/invoice_payments"}
    fault = Fault(kind="status", status=403, match=match, times=None, body=no)
    bench.harness.state.faults.add(fault)
    assert isinstance(bench.till.find(asks), Absent)
    assert isinstance(bench.till.pay(asks), Settled)
    assert isinstance(bench.till.find(asks), Settled)


def test_a_void_note_gave_nothing(bench: Bench, asks: Instruction) -> None:
    bench.till.pay(asks)
    notes(bench)[0]["status"] = "void"
    assert isinstance(bench.till.find(asks), Unknown)


def test_the_unspent_part_is_taken_back_once(bench: Bench, asks: Instruction) -> None:
    bench.till.pay(asks)
    bench.harness.state.accounts[None]["customers"][BUYER]["balance"] = -500
    first, second = bench.till.reverse(asks), bench.till.reverse(asks)
    assert isinstance(first, Settled)
    assert first.receipt.amount == Money(500, "EUR")
    assert second == first
    assert balance(bench) == 0
    assert len([path for path in posted(bench) if path.endswith("balance_transactions")]) == 1
