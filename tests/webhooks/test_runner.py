"""What a runner does besides the cases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import chores
from core.chores import Chore
from tests.webhooks.rig import Rig


def test_chores_are_not_starved_by_cases_that_never_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a sweep that never runs, a refund by hand would be in no limit."""
    monkeypatch.setattr(rig.runner._rounds, "run_due", lambda: 1)
    rig.runner.run_due()
    with rig.store.write() as tx:
        chores.plan(tx, "leftovers", "", rig.clock.now())
    rig.runner.run_due()
    assert not _done(rig)
    rig.clock.ahead += timedelta(seconds=61)
    rig.runner.run_due()
    assert _done(rig)


def _done(rig: Rig) -> bool:
    with rig.store.read() as reader:
        chore = reader.get(Chore, chores.id_of("leftovers", ""))
    return chore is not None and chore.done_at is not None
