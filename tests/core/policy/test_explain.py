"""Explanations: what they say is so. Every derivation ends in the sum given, every row named as
blocked is blocked by that condition, and every change of a fact that is named was worth naming."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from random import Random
from typing import Any

import pytest

from core.message.words import Words
from core.policy import Policy, decide, load
from core.policy.canonical import canonical_json
from core.policy.errors import PolicyError, Undecided
from core.policy.explain import Explanation, explain, in_words
from core.policy.explain.words import languages
from core.policy.reference import Reference
from tests.core.policy.generate import draw_facts, write_policy

ROUNDS = int(os.environ.get("POLICY_ROUNDS", "120"))

PARCEL = """\
policy: late-parcel
basis: goodwill
currency: [EUR, KWD]
facts: {days_late: days, order.total: money, customer.tier: [new, regular, vip]}
give:
  - {when: {days_late: 1..2}, apology: yes}
  - {when: {days_late: 3..6}, coupon: 10% of order.total, at_most: {EUR: 25.00, KWD: 8.500}}
  - {when: {days_late: 7.., customer.tier: vip}, refund: 50% of order.total}
  - {when: {days_late: 7..}, refund: 25% of order.total, at_most: {EUR: 50.00, KWD: 16.000}}
"""


def parcel(days: int, total: str = "50.00", tier: str | None = "regular") -> dict[str, Any]:
    facts: dict[str, Any] = {"days_late": days}
    facts["order"] = {"total": {"amount": total, "currency": "EUR"}}
    return facts | ({"customer": {"tier": tier}} if tier else {})


def lines(explained: Explanation, language: str = "en") -> list[str]:
    return in_words(explained, language).plain.split("\n")


def one(
    rule: str, facts: dict[str, Any], *, head: str = "facts: {n: count, price: money}"
) -> Explanation:
    policy = load(f"policy: p\nbasis: goodwill\ncurrency: EUR\n{head}\ngive:\n  - {rule}\n")
    return explain(policy, facts)


def test_the_answer_in_words() -> None:
    assert lines(explain(load(PARCEL), parcel(9))) == [
        "Refund 12.50\u00a0EUR. Rule 4.",
        "It applies because days_late is 9 days.",
        "25\u00a0% of 50.00\u00a0EUR (order.total) is 12.50\u00a0EUR.",
        "The cap of 50.00\u00a0EUR does not bind.",
        "Rule 1 did not apply: days_late is 9 days, needs 1 day to 2 days.",
        "Rule 2 did not apply: days_late is 9 days, needs 3 days to 6 days.",
        "Rule 3 did not apply: customer.tier is regular, needs vip.",
        "With days_late at 6 days: Coupon 5.00\u00a0EUR.",
        "With order.total at 0.01\u00a0EUR: Nothing is given: give.4.",
        "With customer.tier at vip: Refund 25.00\u00a0EUR.",
    ]


def test_a_cap_that_binds() -> None:
    assert "The cap of 50.00\u00a0EUR binds: 50.00\u00a0EUR." in lines(
        explain(load(PARCEL), parcel(9, "300.00"))
    )


def test_a_missing_fact_and_what_each_answer_to_it_would_give() -> None:
    explained = explain(load(PARCEL), parcel(9, tier=None))
    said = lines(explained)
    assert said[0] == "This cannot be decided: customer.tier is not known."
    assert "Rule 3 could not be judged: customer.tier is not known." in said
    assert {(c.fact, c.raw) for c in explained.changes} == {
        ("days_late", 6), ("customer.tier", "new"), ("customer.tier", "regular"),
        ("customer.tier", "vip"),
    }  # fmt: skip


def test_nothing_fits_says_why_of_every_row_and_what_would() -> None:
    explained = explain(load(PARCEL), parcel(0))
    assert lines(explained)[0] == "Nothing is given: no rule fits."
    assert [row.row for row in explained.rows] == ["give.1", "give.2", "give.3", "give.4"]
    assert [(c.fact, c.raw, str(c.decision)) for c in explained.changes] == [
        ("days_late", 1, "give apology")
    ]


STEPS = """
{refund: price, each: n} | 2.00 EUR (price) times 3 (n) is 6.00 EUR.
{refund: price, at_least: 5 EUR} | The least of 5.00 EUR binds: 5.00 EUR.
{refund: price, at_least: 1 EUR} | The least of 1.00 EUR does not bind.
{refund: price, only_from: 5 EUR} | It is less than 5.00 EUR, so it is not given.
{refund: price, only_over: 2 EUR} | It is not more than 2.00 EUR, so it is not given.
{refund: 8.25% of price} | 0.165 EUR rounded to the nearest multiple of 0.01 EUR is 0.17 EUR.
{refund: price / 4, round: up to 0.2} | 0.50 EUR rounded up to a multiple of 0.20 EUR is 0.60 EUR.
{refund: price if n > 2 else 1 EUR} | This holds: n › 2.
{refund: price if n > 2 else 1 EUR} | The amount is 2.00 EUR (price).
{refund: 7 EUR} | The amount is 7.00 EUR.
{refund: up to 50% of price} | Refund up to 1.00 EUR. Rule 1.
{choice: [{refund: price}, {points: 5}]} | To choose from: Refund 2.00 EUR or Points 5. Rule 1.
{refund: price, points: n, apology: yes} | Refund 2.00 EUR, Points 3 and Apology. Rule 1.
{refund: price - 5 EUR} | This cannot be decided: refund: the amount comes out below zero.
{coupon: 12.5%} | Coupon 12.5 %. Rule 1.
{extension: 3 days} | Extension 3 days. Rule 1.
"""


@pytest.mark.parametrize("line", STEPS.strip().split("\n"))
def test_the_words_of_a_step(line: str) -> None:
    rule, _, said = line.partition(" | ")
    explained = one(rule, {"n": 3, "price": "2.00"})
    assert said in [line.replace("\u00a0", " ") for line in lines(explained)]


def test_the_nearest_change_is_found_where_no_band_states_it() -> None:
    rule = "{when: price * 2 > 77.77 EUR and n * n < 50, points: 3}"
    explained = one(rule, {"n": 3, "price": "12.00"})
    assert [(c.fact, c.raw) for c in explained.changes] == [
        ("price", {"amount": "38.89", "currency": "EUR"})
    ]
    explained = one(rule, {"n": 3, "price": "100.00"})
    assert {(c.fact, str(c.value)) for c in explained.changes} == {("price", "3888"), ("n", "8")}


def test_items_of_a_list_and_rows_that_give_less() -> None:
    head = "combine: best\nfacts: {items: {list: {price: money, bad: yes/no}}, vip: yes/no}"
    text = (
        f"policy: p\nbasis: goodwill\ncurrency: EUR\n{head}\ngive:\n"
        "  - {for_each: item in items, when: {item.bad: yes}, refund: item.price}\n"
        "  - {when: {vip: yes}, refund: 5 EUR}\n"
    )
    facts = {"items": [["4.00", True], ["9.00", False], ["3.00", True]], "vip": True}
    said = [line.replace("\u00a0", " ") for line in lines(explain(load(text), facts))]
    assert said[0] == "Refund 4.00 EUR and Refund 3.00 EUR. Rule 1."
    assert "Rule 2 fits too and gives less." in said
    facts["items"] = []
    said = lines(explain(load(text), facts))
    assert "Rule 1 did not apply: none of items fits." in said


# ------------------------------------------------------------------------------- on drawn policies


def drawn(seed: int) -> tuple[Policy, list[dict[str, Any]]] | None:
    rng = Random(seed)
    try:
        policy = load(write_policy(rng))
    except PolicyError:
        return None
    return policy, [draw_facts(rng) for _ in range(6)]


def check_rows(policy: Policy, facts: Any, explained: Explanation) -> None:
    """By the reference interpreter: what is said to hold holds, what is said not to does not."""
    engine = Reference(policy.tree)
    frame = engine.frame(facts)
    loops = {rule.id or f"give.{rule.number}": rule.over for rule in policy.tree.give}
    for row in (*explained.rows, *explained.decided):
        if row.expr is None or loops.get(row.row) is not None:
            continue
        held = bool(engine.value(row.expr, frame))
        assert held is (row.status == "fits"), row
    stuck = explained.stuck
    if stuck is not None and stuck.expr is not None and loops.get(stuck.row) is None:
        with pytest.raises(Undecided):
            engine.value(stuck.expr, frame)


def check_amounts(explained: Explanation) -> None:
    decision = explained.decision
    offers = decision.offers or (decision.components,)
    given = sorted(c.most.minor for offer in offers for c in offer if c.most and c.most.minor)
    derived = sorted(
        int(a.result) for a in explained.amounts
        if a.type.kind == "money" and a.result and (a.up_to or not _ranged(explained, a))
    )  # fmt: skip
    assert derived == given
    for amount in explained.amounts:
        # A cap or a threshold that changes nothing is told after the sum it leaves alone.
        results = [step.result for step in amount.steps]
        results += [operand.value for step in amount.steps for operand in step.operands]
        assert amount.result in results


def _ranged(explained: Explanation, amount: Any) -> bool:
    return any(
        a.up_to and (a.rule, a.offer, a.item, a.remedy) ==
        (amount.rule, amount.offer, amount.item, amount.remedy) for a in explained.amounts
    )  # fmt: skip


def check_changes(policy: Policy, facts: Any, explained: Explanation) -> None:
    for change in explained.changes:
        after = decide(policy, change.applied(facts))
        assert after.to_bytes() == change.decision.to_bytes()
        assert after.to_bytes() != explained.decision.to_bytes()


def test_explanations_of_drawn_policies_are_so() -> None:
    seen: Counter[str] = Counter()
    for seed in range(ROUNDS):
        found = drawn(seed)
        for facts in found[1] if found else ():
            assert found is not None
            policy = found[0]
            explained = explain(policy, facts)
            seen[explained.decision.outcome] += 1
            seen["stuck"] += explained.stuck is not None
            seen["changes"] += bool(seed % 5 == 0 and explained.changes)
            seen.update(step.kind for amount in explained.amounts for step in amount.steps)
            seen.update(row.status for row in (*explained.rows, *explained.decided))
            check_rows(policy, facts, explained)
            if explained.decision.outcome == "give":
                check_amounts(explained)
            if seed % 5 == 0:
                check_changes(policy, facts, explained)
                for language in ("en", "ar", "fa"):
                    assert in_words(explained, language, changes=False).plain
            assert json.loads(canonical_json(explained.to_data())) == explained.to_data()
            assert explain(policy, facts).to_bytes() == explained.to_bytes()
    kinds = {
        "percent", "times", "plus", "minus", "divided", "cap", "floor", "between", "rounded",
        "whole", "exchanged", "threshold", "chosen", "row", "named", "stated", "comes_to",
        "give", "refused", "nothing", "cannot_decide", "stuck", "changes", "no", "fits", "no_item",
        "less",
    }  # fmt: skip
    assert not kinds - seen.keys(), f"never drawn: {kinds - seen.keys()}"


# ------------------------------------------------------------------------------------------ words


def names(words: Words) -> dict[str, list[str]]:
    return {key: sorted(sentences[0][0].names) for key, sentences in words.entries.items()}


def test_the_three_languages_say_the_same() -> None:
    found = languages()
    assert set(found) >= {"en", "ar", "fa"}
    for code, words in found.items():
        assert names(words) == names(found["en"]), code


@pytest.mark.parametrize("code", ["ar", "fa"])
def test_each_is_in_its_own_script(code: str) -> None:
    for key, sentences in languages()[code].entries.items():
        said = "".join(sentences[0][0].literals)
        assert not re.search(r"[A-Za-z0-9,;?]", said), key
        assert not re.search("[یکگچپژۀ]" if code == "ar" else "[يكةى]", said), key


@pytest.mark.parametrize("code", ["ar", "fa"])
def test_codes_stand_isolated_in_text_that_runs_right_to_left(code: str) -> None:
    said = in_words(explain(load(PARCEL), parcel(9)), code)
    assert "\u2066customer.tier\u2069" in said.plain
    outside = re.sub("[\u2066\u2068].*?\u2069", "", said.plain)
    assert not re.search("[A-Za-z]", outside)
    assert said.html.startswith(f'<div dir="rtl" lang="{code}">')
    assert '<bdi dir="ltr">customer.tier</bdi>' in said.html
    assert ("۱۲٫۵۰" in said.plain) is (code == "fa")
    assert "duration" not in said.plain
