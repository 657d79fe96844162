"""A policy's own `ask_over` counts whatever is given: goods, points and days as well as sums."""

from __future__ import annotations

from contextlib import suppress

import pytest

from core import authority
from core.case import CaseState
from core.policies import PolicyTaken
from core.store import Store
from tests.core.test_history import Desk
from tests.stores import store

__all__ = ["store"]


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def asks(desk: Desk, give: str, paid: str = "50.00 EUR", *, alternatives: bool = False) -> bool:
    with suppress(PolicyTaken):
        desk.policy(give, "order.total: money", "ask_over: 20.00 EUR\n")
    case = desk.opened()
    found = desk.gathered(case, desk.order(paid), alternatives=alternatives)
    if not alternatives:
        waits = desk.commit(case, found).state is CaseState.WAITING_APPROVAL
        assert waits is found.ask is found.summary["needs_yes"]
    return found.ask


@pytest.mark.parametrize(("paid", "needed"), [("20.00 EUR", False), ("20.01 EUR", True)])
def test_a_replacement_counts_as_what_the_order_came_to(
    desk: Desk, paid: str, needed: bool
) -> None:
    assert asks(desk, "{replacement: 1}", paid) is needed


def test_a_replacement_counts_together_with_what_is_given_beside_it(desk: Desk) -> None:
    assert asks(desk, "{replacement: 1, refund: 10.00 EUR}", "10.00 EUR") is False
    assert asks(desk, "{replacement: 1, refund: 10.00 EUR}", "10.01 EUR") is True


@pytest.mark.parametrize("give", ["{points: 1}", "{extension: 1 day}"])
def test_what_has_no_known_worth_is_never_nothing(desk: Desk, give: str) -> None:
    assert asks(desk, give) is True
    desk.limits("policy: {per_transaction: 900.00}\nworth: {points: 0.01, extension: 1.50}\n")
    assert asks(desk, give) is False


@pytest.mark.parametrize(("points", "needed"), [(2000, False), (2001, True)])
def test_points_count_as_the_limits_say(desk: Desk, points: int, needed: bool) -> None:
    desk.limits("policy: {per_transaction: 900.00}\nworth: {points: 0.01}\n")
    assert asks(desk, f"{{points: {points}}}") is needed


def test_a_worth_that_cannot_be_converted_is_never_nothing(desk: Desk) -> None:
    with desk.store.write() as tx:
        text = "limits: 1\ncurrency: USD\npolicy: {per_day: {count: 9}}\nworth: {points: 0.01}\n"
        authority.set_limits(tx, text, by=None, moment=desk.moment)
    assert asks(desk, "{points: 1}") is True
    desk.rates(f"{desk.now.date()},USD,EUR,0.9")
    assert asks(desk, "{points: 1}") is False


def test_each_answer_that_may_be_chosen_counts(desk: Desk) -> None:
    choice = "{choice: [{refund: 1.00 EUR}, {replacement: 1}]}"
    assert asks(desk, choice, "20.00 EUR", alternatives=True) is False
    assert asks(desk, choice, "20.01 EUR", alternatives=True) is True
