"""Who must agree is read again when it is released: a matrix that wants more by now counts."""

from __future__ import annotations

import pytest

from core.case import CaseState
from core.store import Store
from tests.core.authority.bench import Bench

PEOPLE = (
    "roles: {agent: {per_day: 500.00}, approver: {per_day: 500.00}, admin: {per_day: 500.00}}\n"
)
RICH = "{over: 10.00, customer_spent_over: 1000.00, roles: [admin], people: 2}"


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def matrix(*rows: str) -> str:
    return f"{PEOPLE}approval: {{ask: [{', '.join(rows)}]}}\n"


@pytest.mark.parametrize(
    ("before", "after", "paid"),
    [
        ([], [], True),
        (["{over: 20.00}"], ["{over: 20.00}"], True),
        (["{over: 20.00}"], ["{over: 20.00, people: 2}"], False),
        (["{over: 20.00}"], ["{over: 20.00, roles: [admin]}"], False),
        ([], ["{over: 20.00, people: 2}"], False),
        (["{over: 20.00}"], ["{over: 60.00, people: 2}"], True),
        (["{over: 20.00}"], ["{over: 20.00, roles: [approver, admin, finance]}"], True),
        ([RICH], [RICH, "{over: 90.00}"], True),
        ([RICH], [RICH, "{over: 40.00, people: 3}"], False),
    ],
)
def test_a_yes_is_worth_what_the_matrix_says_when_it_is_acted_on(
    bench: Bench, before: list[str], after: list[str], paid: bool
) -> None:
    bench.limits(matrix(*before))
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("50.00 EUR", by=jo, ask=True, spent="1.00 EUR")
    bench.decide(case, sam)
    bench.limits(matrix(*after) + "budgets: {all: {value: 900.00}}\n")
    released = bench.step(case)
    assert (released.state is CaseState.PAYING) is paid
    assert released.said == (None if paid else "approval_void")
    assert bool(bench.payouts(case)) is paid


def test_the_first_limits_there_are_count_too(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("50.00 EUR", by=jo, ask=True)
    bench.decide(case, sam)
    bench.limits(matrix("{over: 20.00, people: 2}"))
    assert bench.step(case).said == "approval_void"
