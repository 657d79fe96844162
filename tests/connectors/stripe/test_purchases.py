"""Payments of a known customer are asked for at once, by a guess that is never believed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.money import Money
from core.ports import HostError, Purchases, Who
from sandbox.faults import Fault
from tests.connectors.contract.bench import Bench, on_the_bench
from tests.connectors.stripe.harness import BUYER
from tests.gate import PATIENCE_S, Gate


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("stripe") as bench:
        yield bench


@pytest.fixture
def paid(bench: Bench) -> str:
    instruction = bench.harness.instruction("refund", Money(1200, "EUR"))
    return str(instruction.order_id)


def look(bench: Bench, email: str = "mona@example.com") -> Purchases:
    return bench.till.purchases(Who(email=email))


@pytest.fixture
def gate(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, faults = Gate(), bench.harness.state.faults
    monkeypatch.setattr(faults, "hold", gate.hold)
    faults.add(Fault(kind="delay", match={"method": "GET"}, times=None))
    return gate


def rounds(bench: Bench, gate: Gate, *calls: int, email: str = "mona@example.com") -> None:
    """So many calls at once, and when they are answered so many, and no more."""
    before = bench.harness.requests()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look, bench, email)
        for count in calls:
            for _ in range(count):
                assert gate.met(), "one waited for the other's answer"
            gate.open(count)
        looking.result(PATIENCE_S)
    assert bench.harness.requests() - before == sum(calls)


def test_two_rounds_and_later_one(bench: Bench, paid: str, gate: Gate) -> None:
    rounds(bench, gate, 1, 1)
    rounds(bench, gate, 2)  # the same address again


def test_both_spellings_are_asked_for_at_once(bench: Bench, paid: str, gate: Gate) -> None:
    rounds(bench, gate, 2, 1, email="Mona@example.com")


def test_the_same_is_found_with_a_guess_and_without(bench: Bench, paid: str) -> None:
    first, second = look(bench), look(bench)
    assert first == second
    assert [order.id for order in first.orders] == [paid]


def test_a_new_payment_is_seen_behind_a_guess(bench: Bench, paid: str) -> None:
    look(bench)
    later = bench.harness.instruction("refund", Money(500, "EUR")).order_id
    assert {order.id for order in look(bench).orders} == {paid, later}


def test_an_address_that_has_moved_takes_no_payments_along(bench: Bench, paid: str) -> None:
    look(bench)
    customers = bench.harness.state.accounts[None]["customers"]
    customers[BUYER]["email"] = "moved@example.com"
    assert look(bench) == Purchases(buyers=(), orders=())
    assert [one.id for one in look(bench, "moved@example.com").buyers] == [BUYER]


def test_a_customer_that_is_gone_spoils_nothing(bench: Bench, paid: str) -> None:
    look(bench)
    bench.harness.state.seed({"customers": [{"id": "cus_new", "email": "mona@example.com"}]})
    gone = {"method": "GET", "path": "/v1/charges"}
    no_such = {"error": {"type": "invalid_request_error", "message": "No such customer"}}
    bench.harness.state.faults.add(Fault(kind="status", status=404, match=gone, body=no_such))
    found = look(bench)
    assert {one.id for one in found.buyers} == {BUYER, "cus_new"}
    assert [order.id for order in found.orders] == [paid], "asked for again, as without a guess"


def test_payments_that_cannot_be_read_are_not_none(bench: Bench, paid: str) -> None:
    look(bench)
    match = {"method": "GET", "path": "/v1/charges"}
    broken = Fault(kind="status", status=404, match=match, times=None, body={"error": {}})
    bench.harness.state.faults.add(broken)
    with pytest.raises(HostError):
        look(bench)


def test_no_address_is_kept(bench: Bench, paid: str) -> None:
    look(bench)
    guesses = bench.roles.till._guesses  # type: ignore[union-attr]
    assert list(guesses._known.values()) == [(BUYER,)]
    assert "@" not in repr(guesses._known)
