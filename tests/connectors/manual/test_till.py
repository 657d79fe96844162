"""A till that only ever asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from connectors.http import Http
from connectors.manual import SPEC, connect
from connectors.manual.till import PAID_BY_HAND
from core.money import Money
from core.payout import CODED
from core.ports import (
    Absent,
    Declined,
    HostNotFound,
    Instruction,
    Pending,
    Purchases,
    Remedy,
    Till,
    Unpayable,
    Who,
)
from tests.connectors.contract.harness import StoredSettings


@pytest.fixture
def till() -> Till:
    roles = connect(StoredSettings({}), Http())
    assert roles.till is not None
    return roles.till


def asking(remedy: Remedy, amount: Money | None, quantity: int | None = None) -> Instruction:
    return Instruction(
        payout_id="pay_1",
        key="pay_1:1",
        marker="[amends:pay_1]",
        remedy=remedy,
        amount=amount,
        quantity=quantity,
        order_id="7",
    )


TEN = Money(1000, "EUR")


@pytest.mark.parametrize("remedy", PAID_BY_HAND)
def test_paying_and_finding_only_ever_wait(till: Till, remedy: Remedy) -> None:
    instruction = asking(remedy, TEN)
    assert till.quote(instruction).payable == TEN
    first = till.pay(instruction)
    assert isinstance(first, Pending)
    assert (first.receipt.host_object, first.receipt.amount) == ("pay_1", TEN)
    assert till.pay(instruction) == first == till.find(instruction)
    assert isinstance(till.reverse(instruction), Declined)


def test_what_has_a_code_of_ours_or_goes_back_the_way_it_came_is_not_for_hands(till: Till) -> None:
    assert not set(SPEC.pays) & (CODED | {"refund", "apology"})
    for remedy in set(get_args(Remedy)) - set(PAID_BY_HAND):
        with pytest.raises(Unpayable):
            till.quote(asking(remedy, TEN))
        assert isinstance(till.pay(asking(remedy, TEN)), Declined)
        assert isinstance(till.find(asking(remedy, TEN)), Absent)


def test_points_are_counted_and_nothing_is_not_given(till: Till) -> None:
    points = till.pay(asking("points", None, 200))
    assert isinstance(points, Pending)
    assert points.receipt.quantity == 200
    assert isinstance(till.pay(asking("replacement", None)), Pending)
    for odd in (
        asking("cash", None),
        asking("cash", Money(0, "EUR")),
        asking("cash", Money(500, "XDR")),
        asking("points", None, 0),
        asking("points", None, -5),
    ):
        assert isinstance(till.pay(odd), Declined)


def test_it_knows_nobody_and_no_orders(till: Till) -> None:
    assert till.purchases(Who(email="a@mail.example")) == Purchases(buyers=(), orders=())
    assert list(till.recent(datetime(2026, 1, 1, tzinfo=UTC))) == []
    with pytest.raises(HostNotFound):
        till.order("7")


def test_every_remedy_says_that_a_person_pays_it() -> None:
    assert all(pays.by_hand and pays.retry == "none" for pays in SPEC.pays.values())
