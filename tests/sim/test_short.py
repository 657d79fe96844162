"""A few short runs: what `make check` and the mutants have time for."""

from __future__ import annotations

import pytest

from core.store.memory import MemoryStore
from webhooks.proof.sim import run


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_short_run_breaks_no_promise(seed: int) -> None:
    outcome = run(MemoryStore("sim"), seed, 25)
    assert outcome.violations == []
    assert outcome.payouts > 10
