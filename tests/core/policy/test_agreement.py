"""The compiled function answers what the reference interpreter answers, byte for byte, on random
policies and facts; and the draw is looked at: a construct that never came up is a failure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from core.policy import Policy, PolicyError, decide, load, reference
from core.policy.errors import Undecided
from core.policy.functions import FUNCTIONS
from core.policy.tree import Band, Call, Compare, Expr, Fold, Table, Threshold, walk
from tests.core.policy.generate import draw_facts, write_policy

ROUNDS = int(os.environ.get("POLICY_ROUNDS", "160"))
FACTS_EACH = 12

NODES = {
    "Const", "ByCurrency", "Fact", "Named", "Item", "Negative", "Arithmetic", "Compare", "And",
    "Or",
    "Not", "Choose", "OneOf", "Band", "IsNull", "Call", "Fold", "Threshold",
}  # fmt: skip
FOLDS = {"sum", "count", "mean", "min", "max", "any", "all"}
OUTCOMES = {"give", "refused", "nothing", "cannot_decide"}
SIDES = {f"{end} {side}" for end in ("low in", "low out", "high in", "high out") for side in "<=>"}


def expressions(policy: Policy) -> Iterator[Expr]:
    """Every expression of a policy, whole."""
    tree = policy.tree
    tables = [let.value for let in tree.lets]
    for value in [*tables, *([tree.currency] if tree.currency else [])]:
        rows = value.rows if isinstance(value, Table) else ()
        yield from (expr for row in rows for expr in (*row.when, *row.values))
        if isinstance(value, Expr):
            yield value
    for refusal in tree.refuse:
        yield from refusal.when
    for rule in tree.give:
        yield from rule.when
        for grant in (grant for offer in rule.offers for grant in offer):
            yield from (expr for expr in (grant.amount, grant.up_to) if expr is not None)


def count_constructs(policy: Policy, seen: Counter[str]) -> list[Band]:
    bands = []
    for expr in (part for whole in expressions(policy) for part in walk(whole)):
        seen[type(expr).__name__] += 1
        if isinstance(expr, Call):
            seen[f"call {expr.function}"] += 1
        elif isinstance(expr, Fold):
            seen[f"fold {expr.function}"] += 1
        elif isinstance(expr, Compare):
            seen[f"compare {expr.op}"] += 1
        elif isinstance(expr, Threshold):
            seen[f"threshold {expr.over}"] += 1
        elif isinstance(expr, Band):
            bands.append(expr)
    seen[f"combine {policy.tree.combine}"] += 1
    seen["table of currencies"] += policy.tree.currency is not None
    for rule in policy.tree.give:
        seen["choice"] += rule.choice
        seen["for each"] += rule.over is not None
        seen["deadline"] += bool(rule.deadlines)
        seen["up to"] += any(grant.up_to for offer in rule.offers for grant in offer)
        for grant in (grant for offer in rule.offers for grant in offer):
            seen[f"unit {grant.unit}"] += 1
    return bands


def count_sides(policy: Policy, bands: list[Band], facts: Any, seen: Counter[str]) -> None:
    engine = reference.Reference(policy.tree)
    frame = engine.frame(facts)
    for band in bands:
        try:
            value = engine.value(band.subject, frame)
        except (Undecided, TypeError):
            continue
        if value is None:
            seen["null in a band"] += 1
            continue
        ends = (("low", band.low, band.low_in), ("high", band.high, band.high_in))
        for name, end, inside in ends:
            if end is not None:
                side = "<" if value < end else "=" if value == end else ">"
                seen[f"{name} {'in' if inside else 'out'} {side}"] += 1


def test_the_engines_agree_and_nothing_was_left_undrawn() -> None:
    seen: Counter[str] = Counter()

    @seed(20260401)
    @settings(
        max_examples=ROUNDS, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(st.integers(0, 2**64 - 1))
    def agree(number: int) -> None:
        rng = Random(number)
        try:
            policy = load(write_policy(rng))
        except PolicyError:
            seen["refused to load"] += 1
            return
        seen["loaded"] += 1
        bands = count_constructs(policy, seen)
        for _ in range(FACTS_EACH):
            facts = draw_facts(rng)
            fast, slow = decide(policy, facts), reference.decide(policy, facts)
            assert fast.to_bytes() == slow.to_bytes()
            assert fast == slow
            seen[fast.outcome] += 1
            seen["missing fact"] += bool(fast.missing)
            seen["needs yes"] += fast.needs_yes
            count_sides(policy, bands, facts, seen)

    agree()
    wanted = NODES | OUTCOMES | SIDES | {f"fold {name}" for name in FOLDS}
    wanted |= {f"call {name}" for name in FUNCTIONS} | {"call present", "null in a band"}
    wanted |= {f"compare {op}" for op in ("<", "<=", ">", ">=", "==", "!=")}
    wanted |= {f"combine {way}" for way in ("first", "best", "sum", "choice")}
    wanted |= {f"unit {unit}" for unit in ("money", "points", "percent", "duration", "items", "")}
    wanted |= {"choice", "for each", "deadline", "up to", "table of currencies", "missing fact"}
    wanted |= {"threshold True", "threshold False", "needs yes"}
    assert {name for name in wanted if not seen[name]} == set()
    assert seen["loaded"] > seen["refused to load"] / 2, seen
