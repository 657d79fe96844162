"""A decision in the words of published cases: every remedy, every ending."""

from __future__ import annotations

from typing import Any

import pytest

from core.policy import Decision, decide, load
from core.policy.rules import REMEDIES
from core.policy.words import REMEDY, to_case_words

HEAD = "policy: words\nbasis: owed\ncurrency: EUR\nfacts: {price: money, on: date, name: word}\n"


def answer(give: str, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    return to_case_words(said(give, facts))


def said(give: str, facts: dict[str, Any] | None = None) -> Decision:
    known = {"price": "100.00", "on": "2026-01-10", "name": "x"}
    return decide(load(f"{HEAD}give:\n  - {give}\n"), known if facts is None else facts)


def test_every_remedy_has_a_word() -> None:
    assert REMEDY.keys() == REMEDIES


@pytest.mark.parametrize(
    ("give", "remedy", "amount"),
    [
        ("{cash: 5 EUR}", "cash", "5.00"),
        ("{refund: price}", "refund", "100.00"),
        ("{account_credit: 1 EUR, store_credit: 2 EUR}", "credit", "3.00"),
        ("{refund: 1 EUR, cash: 2 EUR}", "mixed", "3.00"),
        ("{apology: yes}", "apology", "0.00"),
        ("{extension: 7 days}", "extension", "0.00"),
        ("{cash: 0 EUR}", "none", "0.00"),
        ("{coupon: 10%}", "credit", "0.00"),
    ],
)
def test_remedy_and_amount(give: str, remedy: str, amount: str) -> None:
    words = answer(give)
    assert (words["remedy"], words["amount"], words["currency"]) == (remedy, amount, "EUR")


def test_what_is_left_to_the_agent_answers_the_most_and_the_least() -> None:
    words = answer("{refund: 2 EUR up to 50% of price}")
    assert (words["amount"], words["at_least"]) == ("50.00", "2.00")


def test_a_choice_is_no_sum() -> None:
    words = answer("{choice: [{refund: 2 EUR}, {store_credit: 3 EUR}]}")
    assert (words["remedy"], words["amount"]) == ("choice", "0.00")
    assert [(one["remedy"], one["amount"]) for one in words["choice"]] == [
        ("refund", "2.00"),
        ("credit", "3.00"),
    ]


def test_nobody_could_decide() -> None:
    words = answer("{refund: price}", {})
    assert words == {
        "remedy": "unknown", "amount": "0.00", "currency": "EUR", "reason": "price is missing",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("deadline", "text", "days"),
    [
        ("7 working days", "7 business days", None),
        ("20 days", "20 calendar days", 20),
        ("2 months", "2 months", None),
    ],
)
def test_a_deadline(deadline: str, text: str, days: int | None) -> None:
    words = answer(f"{{refund: price, deadline: {deadline}}}")
    assert words["deadline"] == text
    assert words.get("refund_within_days") == days


def test_consequences_hold_values_of_the_case() -> None:
    decision = said('{refund: price, also: {paid: "{price} to {name}", uptime_pct: "99.5"}}')
    assert decision.also == (("paid", "100.00 to x"), ("uptime_pct", "99.5"))
    words = to_case_words(decision)
    assert (words["paid"], words["uptime_pct"]) == ("100.00 to x", "99.500000")
    assert "also" not in words


def test_components_have_their_label() -> None:
    words = answer("{account_credit: 5 EUR, label: supply}")
    assert words["components"] == [
        {"remedy": "credit", "amount": "5.00", "currency": "EUR", "for": "supply"}
    ]
    assert words["reason"] == "supply"
    assert answer("{extension: 7 days}")["components"] == [
        {"remedy": "extension", "quantity": "7", "unit": "days"}
    ]
    assert answer("{extension: 7 days}")["extension_days"] == 7
