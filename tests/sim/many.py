"""Many runs: 200 seeds of 200 orders, in two files so that two processes share them."""

from __future__ import annotations

from collections.abc import Iterable

from core.store.memory import MemoryStore
from sandbox.sim.weather import FAULTS
from webhooks.proof.sim import run

#: Orders in each run, and runs in each test.
CASES, BLOCK = 200, 10


def check(seeds: Iterable[int]) -> None:
    """Fails with the command that shows what was broken again."""
    broken = {}
    cases = payouts = 0
    seen: set[str] = set()
    for seed in seeds:
        outcome = run(MemoryStore("sim"), seed, CASES)
        cases, payouts = cases + outcome.cases, payouts + outcome.payouts
        seen |= set(outcome.faults)
        if outcome.violations:
            broken[f"amends sim --seed {seed} --cases {CASES}"] = outcome.violations[:3]
    assert broken == {}
    assert seen == set(FAULTS)  # every fault struck
    assert payouts > cases / 2  # and money moved all the same
