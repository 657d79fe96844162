"""Payments of a known customer are asked for at once, by a guess that is never believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors import wire
from core.money import Money
from core.ports import HostError, Purchases, Who
from sandbox.faults import Fault
from tests.connectors.contract.bench import Bench, on_the_bench
from tests.connectors.stripe.harness import BUYER

DELAY = 0.25


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("stripe", within=timedelta(seconds=5)) as bench:
        yield bench


@pytest.fixture
def paid(bench: Bench) -> str:
    instruction = bench.harness.instruction("refund", Money(1200, "EUR"))
    return str(instruction.order_id)


def look(bench: Bench, email: str = "mona@example.com") -> Purchases:
    return bench.till.purchases(Who(email=email))


def slow(bench: Bench) -> None:
    match = {"method": "GET"}
    bench.harness.state.faults.add(Fault(kind="delay", seconds=DELAY, match=match, times=None))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """When each request began and ended."""
    found: list[tuple[float, float]] = []
    send = wire.GuardedSession.send

    def timed(self: wire.GuardedSession, request: Any, **how: Any) -> Any:
        begun = time.monotonic()
        try:
            return send(self, request, **how)
        finally:
            found.append((begun, time.monotonic()))

    monkeypatch.setattr(wire.GuardedSession, "send", timed)
    return found


def rounds(bench: Bench, calls: list[tuple[float, float]], email: str = "mona@example.com") -> int:
    """How many calls followed upon each other, others going on beside them."""
    calls.clear()
    look(bench, email)
    count, free = 0, 0.0
    for begun, ended in sorted(calls, key=lambda call: call[1]):
        if begun >= free:
            count, free = count + 1, ended
    return count


def test_two_rounds_and_later_one(
    bench: Bench, paid: str, calls: list[tuple[float, float]]
) -> None:
    slow(bench)
    assert rounds(bench, calls) == 2
    assert rounds(bench, calls) == 1, "the same address again"


def test_both_spellings_are_asked_for_at_once(
    bench: Bench, paid: str, calls: list[tuple[float, float]]
) -> None:
    slow(bench)
    assert rounds(bench, calls, "Mona@example.com") == 2
    assert len(calls) == 3


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
