"""How fast one decision is: our compiled policy, zen-engine, CEL and a plain function, interleaved.

    .venv/bin/python -m benchmarks.policy

The same table everywhere: 50 rules over a reason, days late and a tier, each a percentage of the
order. Ratios count, for all are measured in the same run on the same cases; the absolute figures
are this machine's. zen-engine and CEL calculate in floats and do less: no types, no reason, no cap.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

import zen
from cel_expr_python import cel

from core.policy import blocked, decide, load, reference

REASONS = ("late", "damaged", "wrong", "missing", "colour")
TIERS = ("new", "regular")
BANDS = ((1, 2), (3, 6), (7, 13), (14, 29), (30, 99))
Case = dict[str, Any]
Run = Callable[[Case], Any]


def rules(count: int) -> list[tuple[str, str, int, int, int]]:
    """(reason, tier, from day, to day, percent), `count` of them and no two alike."""
    if count == 50:
        rows = product(REASONS, TIERS, BANDS)
        return [(r, t, a, b, 1 + i) for i, (r, t, (a, b)) in enumerate(rows)]
    days = [(3 * i, 3 * i + 2) for i in range(count // 10)]
    rows = product(REASONS, TIERS, days)
    return [(r, t, a, b, 1 + i % 90) for i, (r, t, (a, b)) in enumerate(rows)]


def policy_text(count: int) -> str:
    lines = [
        f"  - {{when: {{reason: {reason}, customer.tier: {tier}, days_late: {low}..{high}}}, "
        f"refund: {percent}% of order.total, reason: r{index}}}"
        for index, (reason, tier, low, high, percent) in enumerate(rules(count))
    ]
    return (
        "policy: bench\nbasis: goodwill\ncurrency: EUR\nfacts:\n"
        f"  reason: [{', '.join(REASONS)}]\n  customer.tier: [{', '.join(TIERS)}]\n"
        "  days_late: days\n  order.total: money\ngive:\n" + "\n".join(lines) + "\n"
    )


def cases(count: int, number: int = 500) -> list[Case]:
    rng = Random(7)
    table = rules(count)
    found = []
    for _ in range(number):
        reason, tier, low, high, _ = rng.choice(table)
        total = f"{rng.randint(100, 99999) / 100:.2f}"
        found.append(
            {
                "reason": reason, "customer": {"tier": tier}, "days_late": rng.randint(low, high),
                "order": {"total": total}, "total_number": float(total),
            }
        )  # fmt: skip
    return found


def plain_function() -> Run:
    """What somebody would write by hand: the same rules as an `if` chain over cents."""
    lines = ["def run(case):", " r = case['reason']; t = case['customer']['tier']"]
    lines += [" d = case['days_late']; whole, part = case['order']['total'].split('.')"]
    lines += [" cents = int(whole) * 100 + int(part)"]
    for reason, tier, low, high, percent in rules(50):
        lines.append(f" if r == {reason!r} and t == {tier!r} and {low} <= d <= {high}:")
        lines.append(f"  return (2 * cents * {percent} + 100) // 200")
    namespace: dict[str, Any] = {}
    exec("\n".join(lines), namespace)
    run: Run = namespace["run"]
    return run


def zen_engine() -> Run:
    inputs = [
        {"id": "i1", "name": "reason", "field": "reason"},
        {"id": "i2", "name": "tier", "field": "customer.tier"},
        {"id": "i3", "name": "days", "field": "days_late"},
    ]
    table = [
        {"_id": str(i), "i1": f'"{r}"', "i2": f'"{t}"', "i3": f"[{a}..{b}]", "o1": f"total_number * {p} / 100"}  # noqa: E501
        for i, (r, t, a, b, p) in enumerate(rules(50))
    ]  # fmt: skip
    content = {
        "hitPolicy": "first", "inputs": inputs, "rules": table,
        "outputs": [{"id": "o1", "name": "amount", "field": "amount"}],
    }  # fmt: skip
    graph = {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode"},
            {"id": "t", "name": "t", "type": "decisionTableNode", "content": content},
            {"id": "out", "name": "out", "type": "outputNode"},
        ],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "t", "type": "edge"},
            {"id": "e2", "sourceId": "t", "targetId": "out", "type": "edge"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(graph))
    return lambda case: decision.evaluate(case)["result"]["amount"]


def cel_expression() -> Run:
    # CEL refuses more than 32 levels, so the chain is broken into one for each reason.
    text = "-1.0"
    for reason in reversed(REASONS):
        chain = "-1.0"
        for of, tier, low, high, percent in reversed(rules(50)):
            if of == reason:
                test = f"tier == '{tier}' && days_late >= {low} && days_late <= {high}"
                chain = f"{test} ? total * {percent}.0 / 100.0 : {chain}"
        text = f"reason == '{reason}' ? ({chain}) : {text}"
    kinds = {
        "reason": cel.Type.STRING, "tier": cel.Type.STRING, "days_late": cel.Type.INT,
        "total": cel.Type.DOUBLE,
    }  # fmt: skip
    expression = cel.NewEnv(variables=kinds).compile(text)

    def run(case: Case) -> Any:
        data = {
            "reason": case["reason"], "tier": case["customer"]["tier"],
            "days_late": case["days_late"], "total": case["total_number"],
        }  # fmt: skip
        return expression.eval(data=data).value()

    return run


def microseconds(run: Run, table: list[Case], seconds: float) -> list[float]:
    """Microseconds a decision, in batches of 20, for about `seconds`."""
    times = []
    end = time.perf_counter() + seconds
    position = 0
    while time.perf_counter() < end:
        batch = table[position : position + 20] or table[:20]
        position = (position + 20) % len(table)
        start = time.perf_counter_ns()
        for case in batch:
            run(case)
        times.append((time.perf_counter_ns() - start) / 1000 / len(batch))
    return times


def ours(count: int) -> Run:
    policy = load(policy_text(count))
    return lambda case: decide(policy, case)


def main() -> None:
    fifty = cases(50)
    compiled, hand, zen_run, cel_run = ours(50), plain_function(), zen_engine(), cel_expression()
    for case in fifty[:100]:
        cents = hand(case)
        assert compiled(case).total.minor == cents
        assert abs(zen_run(case) * 100 - cents) <= 1
        assert abs(cel_run(case) * 100 - cents) <= 1
    many = cases(5000)
    policy = load(policy_text(50))
    runs: dict[str, tuple[Run, list[Case]]] = {
        "plain function, 50 rules": (hand, fifty),
        "Amends, 50 rules": (compiled, fifty),
        "Amends, 5,000 rules": (ours(5000), many),
        "Amends, reference interpreter": (lambda case: reference.decide(policy, case), fifty),
        "Amends, what blocked each row": (
            lambda case: blocked(policy, case, decide(policy, case)), fifty,
        ),
        "zen-engine, 50 rules": (zen_run, fifty),
        "cel-expr-python, 50 rules": (cel_run, fifty),
    }  # fmt: skip
    for run, table in runs.values():
        for case in table:
            run(case)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(10):
        for name, (run, table) in runs.items():
            times[name] += microseconds(run, table, 0.15)
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["Amends, 50 rules"]
    print(f"{'':34}{'median':>12}{'p99':>12}{'x ours':>10}")
    for name, values in times.items():
        worst = statistics.quantiles(values, n=100)[98]
        print(f"{name:34}{medians[name]:9.2f} us{worst:9.2f} us{medians[name] / base:9.2f}x")


if __name__ == "__main__":
    main()
