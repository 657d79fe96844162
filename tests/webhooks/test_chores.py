"""What the runner does by itself, when it goes wrong through a fault of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from core import chores
from core.case import Task
from core.store.memory import MemoryStore
from core.store.sealing import Sealer, new_key, read_keys
from tests.stores import NOW
from webhooks.engine.clock import Clock
from webhooks.engine.housekeeping import Habits, Housekeeping
from webhooks.hosts import Hosts


def test_a_chore_that_fails_again_and_again_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep nobody hears of finds nothing, and after a restore nothing is ever paid."""
    store, now = MemoryStore("w"), [NOW]
    house = Housekeeping(
        store,
        cast(Hosts, None),
        sealer=Sealer(read_keys(new_key())),
        clock=Clock(now=lambda: now[0], steady=lambda: 0.0),
        owner="me",
        lease_length=timedelta(seconds=90),
        habits=Habits(),
    )

    def broken() -> None:
        raise KeyError("what nobody thought of")

    monkeypatch.setattr(house._sweeper, "connections", broken)
    with store.write() as tx:
        chores.plan(tx, "night", "", NOW)
    told = []
    for _ in range(6):
        assert house.run_due() == 1
        now[0] += timedelta(hours=2)
        with store.read() as reader:
            told.append([(t.kind, t.known) for t in reader.find(Task, state="open")])
    assert told[1] == []
    assert told[2:] == [[("our_fault", {"what": "KeyError", "chore": "night|"})]] * 4
