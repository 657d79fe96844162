"""What is owed is given in full; goodwill tops up; nothing is paid twice for one harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.policy import Decision, decide, load
from core.policy.combine import COVERED, Combined, WrongBasis, combine
from core.policy.decision import read_decision

HEAD = "policy: {basis}-one\nbasis: {basis}\ncurrency: {code}\nfacts: {{price: money, n: count}}\n"


def decided(
    basis: str, give: str, *, code: str = "EUR", more: str = "", facts: Any = None
) -> Decision:
    text = HEAD.format(basis=basis, code=code) + more + f"give:\n  - {give}\n"
    return decide(load(text), facts if facts is not None else {"price": "100.00"})


def both(owed: str, goodwill: str, **more: Any) -> Combined:
    return combine(decided("owed", owed), decided("goodwill", goodwill, **more))


@pytest.mark.parametrize(
    ("owed", "goodwill", "given"),
    [
        ("{cash: 40 EUR}", "{refund: 30 EUR}", "cash 40.00 EUR"),
        ("{cash: 40 EUR}", "{refund: 40 EUR}", "cash 40.00 EUR"),
        ("{cash: 40 EUR}", "{refund: 40.01 EUR}", "cash 40.00 EUR + refund 0.01 EUR"),
        ("{cash: 40 EUR}", "{refund: 100 EUR, at_most: 25 EUR}", "cash 40.00 EUR"),
        ("{cash: 40 EUR}", "{apology: yes}", "cash 40.00 EUR + apology"),
        ("{cash: 40 EUR}", "{points: 500}", "cash 40.00 EUR + points 500"),
        ("{cash: 40 EUR}", "{donation: 5 EUR}", "cash 40.00 EUR + donation 5.00 EUR"),
        ("{cash: 40 EUR}", "{all: [{refund: 30 EUR}, {coupon: 15 EUR}]}",
         "cash 40.00 EUR + coupon 5.00 EUR"),
        ("{apology: yes}", "{refund: 30 EUR}", "apology + refund 30.00 EUR"),
        ("{cash: 1 EUR, only_from: 4 EUR}", "{refund: 30 EUR}", "refund 30.00 EUR"),
        ("{cash: 40 EUR}", "{refund: 10 EUR up to 60 EUR}",
         "cash 40.00 EUR + refund 0.00 EUR up to 20.00 EUR"),
        ("{cash: 40 EUR}", "{refund: 50 EUR up to 60 EUR}",
         "cash 40.00 EUR + refund 10.00 EUR up to 20.00 EUR"),
    ],
)  # fmt: skip
def test_goodwill_tops_up(owed: str, goodwill: str, given: str) -> None:
    found = both(owed, goodwill)
    assert found.problem == ""
    assert " + ".join(map(str, found.components)) == given


def test_each_offer_is_topped_up_by_itself_and_an_empty_one_is_none() -> None:
    found = both("{cash: 30 EUR}", "{choice: [{refund: 20 EUR}, {store_credit: 50 EUR}]}")
    assert str(found.goodwill) == "choose store_credit 20.00 EUR"
    assert str(found.owed) == "give cash 30.00 EUR"


@pytest.mark.parametrize(
    "give",
    [
        "{cash: 40 EUR}",
        "{all: [{refund: 30 EUR}, {coupon: 15 EUR}, {points: 500}, {apology: yes}]}",
        "{refund: 10 EUR up to 60 EUR, ask_over: 20 EUR, reason: agent_decides}",
        "{choice: [{refund: 20 EUR}, {store_credit: 50 EUR}], deadline: 14 days}",
        "{when: {n: 1..}, cash: 40 EUR}",
    ],
)
def test_a_kept_decision_is_read_as_it_was(give: str) -> None:
    for facts in ({"price": "100.00", "n": 1}, {"price": "100.00"}):
        decision = decided("goodwill", give, facts=facts)
        assert read_decision(decision.to_data()) == decision


def test_of_things_owed_to_choose_from_the_dearest_counts() -> None:
    found = both("{choice: [{cash: 20 EUR}, {voucher: 45 EUR}]}", "{refund: 50 EUR}")
    assert str(found.goodwill) == "give refund 5.00 EUR"
    assert len(found.owed.offers) == 2


def test_covered_goodwill_says_so_and_asks_nobody() -> None:
    found = both("{cash: 80 EUR}", "{refund: 60 EUR, ask_over: 50 EUR, deadline: 5 days}")
    assert (found.goodwill.outcome, found.goodwill.reason) == ("nothing", COVERED)
    assert not found.needs_yes
    assert found.goodwill.due is None


def test_only_what_goes_beyond_is_measured_against_the_limit_of_goodwill() -> None:
    assert not both("{cash: 80 EUR}", "{refund: 120 EUR, ask_over: 50 EUR}").needs_yes
    assert both("{cash: 60 EUR}", "{refund: 120 EUR, ask_over: 50 EUR}").needs_yes


def test_what_nobody_can_decide_goes_to_a_person() -> None:
    unknown = both("{cash: 40 EUR, each: n}", "{refund: 60 EUR}")
    assert "n is missing" in unknown.problem
    assert unknown.components == ()
    two = both("{cash: 40 EUR}", "{refund: 60 USD}", code="USD")
    assert "40.00 EUR is owed" in two.problem
    # Goodwill that cannot be decided holds nothing back.
    late = both("{cash: 40 EUR}", "{refund: 60 EUR, each: n}")
    assert late.problem == ""
    assert list(map(str, late.components)) == ["cash 40.00 EUR"]


def test_refused_of_goodwill_is_owed_all_the_same() -> None:
    goodwill = decided(
        "goodwill", "{refund: 60 EUR}", more="refuse:\n  - {when: price > 50 EUR, reason: enough}\n"
    )
    found = combine(decided("owed", "{cash: 40 EUR}"), goodwill)
    assert list(map(str, found.components)) == ["cash 40.00 EUR"]


def test_two_of_one_basis_are_not_combined() -> None:
    owed = decided("owed", "{cash: 40 EUR}")
    with pytest.raises(WrongBasis):
        combine(owed, owed)


@given(
    owed=st.integers(0, 300), parts=st.lists(st.integers(0, 200), min_size=1, max_size=4),
    cap=st.integers(0, 100),
)  # fmt: skip
def test_the_customer_gets_the_greater_of_the_two_and_never_less_than_is_owed(
    owed: int, parts: list[int], cap: int
) -> None:
    lines = ", ".join(f"{{refund: {part} EUR, at_most: {cap} EUR}}" for part in parts)
    found = both(f"{{cash: {owed} EUR}}", f"{{all: [{lines}]}}")
    goodwill = sum(min(part, cap) for part in parts)
    money = [one.money for one in found.components if one.money is not None]
    assert sum(one.minor for one in money) == 100 * max(owed, goodwill)
    assert sum(one.minor for one in money if one.currency == "EUR") >= 100 * owed
    if owed:
        assert str(found.owed) == f"give cash {owed}.00 EUR"
