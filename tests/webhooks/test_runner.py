"""What a runner does besides the cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from benchmarks.cases import Counted, runner_on
from benchmarks.instant import delivery, furnish
from core import chores
from core.case import Case, Outcome
from core.chores import Chore
from core.moment import Moment
from core.store import Store
from core.store.memory import MemoryStore
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


def test_a_case_commits_no_more_often_than_its_promises_need() -> None:
    """The delivery claimed; the case opened; decided, with the intent of what it pays; paid; told.
    Before the hosts are read there is nothing to commit."""
    store = MemoryStore("bench")
    moment = Moment(datetime.now(UTC))
    furnish(store)
    counted = Counted(store)
    runner = runner_on(cast(Store, counted), 1)
    while runner.run_due():  # the first chores
        pass
    store.append(delivery(1, moment))
    before = counted.commits
    while runner.run_due():
        pass
    with store.read() as reader:
        assert [case.outcome for case in reader.find(Case)] == [Outcome.MADE_GOOD]
    assert counted.commits - before == 5


def _done(rig: Rig) -> bool:
    with rig.store.read() as reader:
        chore = reader.get(Chore, chores.id_of("leftovers", ""))
    return chore is not None and chore.done_at is not None
