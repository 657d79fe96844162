"""Many runs against hostile hosts break no promise, and a seed is a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.store.memory import MemoryStore
from tests.sim.many import BLOCK, check
from tests.stores import open_store
from webhooks.proof.sim import run


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 101, BLOCK))
def test_no_run_breaks_a_promise(first: int) -> None:
    check(range(first, first + BLOCK))


@pytest.mark.slow
def test_the_same_on_sqlite(tmp_path: Path) -> None:
    broken = {}
    for seed in range(1, 21):
        store = open_store("sqlite", tmp_path)
        outcome = run(store, seed, 5)
        store.close()
        if outcome.violations:
            broken[f"amends sim --seed {seed} --cases 5 --store sqlite"] = outcome.violations[:3]
    assert broken == {}


def test_the_store_makes_no_difference_to_a_run(tmp_path: Path) -> None:
    store = open_store("sqlite", tmp_path)
    on_sqlite = run(store, 5, 10)
    store.close()
    in_memory = run(MemoryStore("sim"), 5, 10)
    assert (on_sqlite.states, on_sqlite.faults) == (in_memory.states, in_memory.faults)


def test_a_calm_run_pays_everybody() -> None:
    outcome = run(MemoryStore("sim"), 3, 40, ())
    assert outcome.violations == []
    assert not outcome.faults
    assert set(outcome.states) <= {
        "made_good", "nothing_due", "duplicate", "refused", "with_person", "waiting_approval",
    }  # fmt: skip
    assert outcome.states["made_good"] > 15


def test_a_seed_is_a_run_whatever_the_machine_does_with_its_hashes() -> None:
    found = set()
    for hashes in ("1", "2", "random"):
        done = subprocess.run(
            [sys.executable, "-m", "webhooks", "sim", "--seed", "11", "--cases", "12", "--json"],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout.partition('"seconds"')[0] + done.stdout.partition('"digest"')[2])
    assert len(found) == 1
