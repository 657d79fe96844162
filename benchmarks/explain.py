"""How long an explanation takes, beside the decision it explains, in the same run.

    .venv/bin/python -m benchmarks.explain

The 50-rule table of `benchmarks.policy`: `explain` with its decision handed in, then with its JSON
data; the words and the changes are for one reader at a time and are timed once each.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.policy import cases, policy_text
from core.policy import decide, load
from core.policy.explain import explain, in_words

ROUNDS = 15


def main() -> None:
    policy = load(policy_text(50))
    decided = [(case, decide(policy, case)) for case in cases(50)]
    runs: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
        "decide": (lambda one: decide(policy, one[0]), decided),
        "explain": (lambda one: explain(policy, *one), decided),
        "explain, as data": (lambda one: explain(policy, *one).to_data(), decided),
        "explain, what would change": (lambda one: explain(policy, *one).changes, decided[:20]),
        "explain, in words": (
            lambda one: in_words(explain(policy, *one), "ar", changes=False), decided[:20],
        ),
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, (run, of) in runs.items():
            times[name].append(microseconds(run, of))
    base = statistics.median(times["decide"])
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:28} {median:9.1f} us  {median / base:7.1f} x decide  best {min(found):9.1f}")


def microseconds(run: Callable[[Any], Any], of: list[Any]) -> float:
    start = time.perf_counter_ns()
    for one in of:
        run(one)
    return (time.perf_counter_ns() - start) / 1000 / len(of)


if __name__ == "__main__":
    main()
