"""What must never go wrong, one thing a test: ends of bands in indexed tables, halves, signs,
currencies, the hash, and what a decision looks like when it is kept."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

import pytest

from core.money import Money
from core.policy import Decision, blocked, decide, load, reference, unfit_facts

HEAD = (
    "policy: p\nbasis: owed\ncurrency: {}\nfacts: {{a: money, other: money, n: number, w: word}}\n"
)


_loaded = cache(load)


def both(text: str, facts: dict[str, Any]) -> Decision:
    policy = _loaded(text)
    decision = decide(policy, facts)
    assert decision.to_bytes() == reference.decide(policy, facts).to_bytes()
    return decision


@pytest.mark.parametrize(
    ("currency", "amount", "paid"),
    [
        ("EUR", "0.04", "nothing: give.1"), ("EUR", "0.05", "give cash 0.01 EUR"),
        ("EUR", "0.14", "give cash 0.01 EUR"), ("EUR", "0.15", "give cash 0.02 EUR"),
        ("JPY", "4", "nothing: give.1"), ("JPY", "5", "give cash 1 JPY"),
        ("KWD", "1.234", "give cash 0.123 KWD"), ("KWD", "1.235", "give cash 0.124 KWD"),
    ],
)  # fmt: skip
def test_halves_go_up_at_the_smallest_unit(currency: str, amount: str, paid: str) -> None:
    text = HEAD.format(currency) + "give: [{cash: 10% of a}]\n"
    assert str(both(text, {"a": amount})) == paid


def test_an_amount_below_zero_is_never_given_and_never_taken() -> None:
    text = HEAD.format("EUR") + "give: [{cash: a - other}]\n"
    assert str(both(text, {"a": "2", "other": "2"})) == "nothing: give.1"
    below = both(text, {"a": "1", "other": "2"})
    assert below.outcome == "cannot_decide"
    assert below.problem == "cash: the amount comes out below zero"


@pytest.mark.parametrize("currency", ["EUR", "[EUR, USD]"])
def test_amounts_of_two_currencies_never_meet(currency: str) -> None:
    text = HEAD.format(currency) + "give: [{cash: a + other}]\n"
    facts = {"a": {"amount": "1", "currency": "EUR"}, "other": {"amount": "1", "currency": "USD"}}
    decision = both(text, facts)
    assert str(decision) == "cannot decide: other: the amount is in USD, not in EUR"
    assert decision.missing == ("other",)


def test_a_single_currency_does_not_take_another() -> None:
    text = HEAD.format("EUR") + "give: [{cash: a}]\n"
    assert both(text, {"a": {"amount": "1", "currency": "USD"}}).outcome == "cannot_decide"
    assert both(text, {"a": {"amount": "1"}}).outcome == "cannot_decide"
    assert both(text, {"a": 1.5}).outcome == "cannot_decide"


def band_rows(rng: Random, words: bool) -> str:
    rows = []
    for index in range(30):
        low = rng.randint(0, 18)
        band = rng.choice(
            ["{0}..{1}", "{0}<..{1}", "{0}..<{1}", "{0}<..<{1}", "{0}..", "..<{1}", "{0}"]
        )
        word = f", w: {rng.choice('xyz')}" if words or rng.random() < 0.2 else ""
        cell = band.format(low, low + rng.randint(1, 4))
        rows.append(f"  - {{when: {{n: {cell}{word}}}, points: {index + 1}}}")
    return "\n".join(rows)


@pytest.mark.parametrize("number", range(12))
def test_an_indexed_table_finds_the_row_that_a_plain_search_finds(number: int) -> None:
    rng = Random(number)
    text = HEAD.format("EUR") + "give:\n" + band_rows(rng, words=number % 2 == 0) + "\n"
    for half in range(-2, 48):
        for word in ("x", "y", "other"):
            both(text, {"n": f"{half // 2}.{5 * (half % 2)}", "w": word})
    assert both(text, {"n": "3"}).outcome in ("give", "cannot_decide", "nothing")


def test_a_false_condition_settles_what_an_unknown_one_cannot() -> None:
    rule = "give:\n  - {when: {w: x, n: 1..}, points: 1}\n  - {points: 2}\n"
    text = HEAD.format("EUR") + rule
    assert str(both(text, {"w": "y"})) == "give points 2"
    assert both(text, {"w": "x"}).missing == ("n",)
    either = HEAD.format("EUR") + "give: [{when: n > 1 or w == 'x', points: 1}]\n"
    assert str(both(either, {"w": "x"})) == "give points 1"
    assert both(either, {"w": "y"}).missing == ("n",)


def test_the_hash_is_of_the_content_and_not_of_the_text() -> None:
    text = HEAD.format("EUR") + "give:\n  - {when: {n: 1..2}, cash: 10% of a}\n"
    same = text.replace("{when: {n: 1..2}, cash", "{when:   {n: '1 .. 2'},   cash") + "# said\n"
    assert load(text).version_hash == load(same).version_hash
    assert load(text).version_hash != load(text.replace("10%", "11%")).version_hash
    assert load(text).version_hash != load(text.replace("1..2", "1..<2")).version_hash


def test_a_decision_is_kept_as_canonical_json() -> None:
    text = HEAD.format("EUR") + "give: [{cash: a, reason: why, cite: Art. 1}]\n"
    decision = both(text, {"a": "12.50"})
    data = json.loads(decision.to_bytes())
    assert (data["kind"], data["v"], data["outcome"], data["rule"]) == (
        "decision",
        1,
        "give",
        "give.1",
    )
    assert data["components"] == [
        {"remedy": "cash", "money": {"amount": "12.50", "currency": "EUR"}}
    ]
    assert decision.to_bytes() == json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def test_what_blocked_each_earlier_row_and_what_does_not_fit() -> None:
    rows = (
        "give:\n  - {when: {w: x, n: 1..}, points: 1}\n"
        "  - {when: {n: 9}, points: 2}\n  - {points: 3}\n"
    )
    policy = load(HEAD.format("EUR") + rows)
    facts = {"w": "x", "n": "0", "a": "NaN"}
    found = blocked(policy, facts, decide(policy, facts))
    assert [(one.rule, one.condition) for one in found] == [("give.1", 2), ("give.2", 1)]
    assert found[0].at.line == 6
    assert unfit_facts(policy, facts) == (
        "a: 'NaN' is not an amount; write plain digits such as 12.50",
    )


def test_a_sum_left_to_the_agent_asks_by_the_most_it_may_be() -> None:
    text = HEAD.format("EUR") + "ask_over: 40 EUR\ngive:\n  - {refund: up to 50% of a}\n"
    for total, asks in (("80.00", False), ("80.01", True), ("79.99", False), ("99.00", True)):
        decision = both(text, {"a": total})
        assert decision.needs_yes is asks, total
        assert decision.ask_over == Money(4000, "EUR")


def test_a_share_is_rounded_to_the_step_that_is_stated() -> None:
    for step, paid in (("0.01", "1.23"), ("0.05", "1.25"), ("0.50", "1.00"), ("1", "1.00")):
        by_step = f"{{cash: 10% of a, round: half_up to {step}}}"
        by_function = f'{{cash: "round(10% of a, {step} EUR)"}}'
        for row in (by_step, by_function):
            text = HEAD.format("EUR") + f"give:\n  - {row}\n"
            assert str(both(text, {"a": "12.34"})) == f"give cash {paid} EUR"
    text = HEAD.format("EUR") + "give:\n  - {cash: 10% of a / 3, round: half_up to 0.05}\n"
    assert str(both(text, {"a": "12.34"})) == "give cash 0.40 EUR"


def test_a_default_stands_for_what_is_not_there_and_not_for_null() -> None:
    head = "policy: p\nbasis: owed\ncurrency: EUR\nfacts: {n: {type: count, default: 2}}\n"
    assert str(both(head + "give:\n  - {points: n}\n", {})) == "give points 2"
    decision = both(head + "give:\n  - {points: n}\n", {"n": None})
    assert (decision.outcome, decision.problem) == ("cannot_decide", "n: it is null")
