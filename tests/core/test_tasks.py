"""Ending a task: not while what it is about is still in doubt; on every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import tasks
from core.case import Case, Task
from core.message import languages
from core.message import task as words
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.settling import payout_doc
from core.store import Store
from core.tasks import StillInDoubt
from tests.stores import NOW, sample, store

__all__ = ["store"]

PAYOUT = sample(Payout, "pay_1", case_id="case_1", state=PayoutState.UNKNOWN, due_at=None)


def _end(store: Store, state: PayoutState, kind: str = "unknown_outcome") -> str:
    with store.write() as tx:
        tx.add(sample(Case, "case_1", open_key=None))
        tx.add(sample(Payout, "pay_1", case_id="case_1", state=state, due_at=None))
        task = sample(Task, "task_1", case_id="case_1", state="open", known={"payout": "pay_1"})
        tx.add(replace(task, kind=kind))
    with store.write() as tx:
        return tasks.done(tx, "task_1", "person_1", "done", Moment(NOW)).state


def test_a_payout_of_which_nobody_knows_keeps_its_task(store: Store) -> None:
    """Ticked off, it would be neither paid nor asked about again, and nobody would know."""
    with pytest.raises(StillInDoubt, match="amends payout settle"):
        _end(store, PayoutState.UNKNOWN)
    with store.read() as reader:
        (task,) = reader.find(Task)
    assert task.state == "open"


def test_once_it_is_known_the_task_ends(store: Store) -> None:
    assert _end(store, PayoutState.SETTLED) == "done"


def test_other_tasks_about_it_end(store: Store) -> None:
    assert _end(store, PayoutState.UNKNOWN, "disputed") == "done"


@pytest.mark.parametrize("language", sorted(languages()))
def test_it_says_how_to_say_whether_it_was_paid(language: str) -> None:
    todo = words(language, "unknown_outcome", payout_doc(PAYOUT)).todo
    assert "amends payout settle pay_1 --object ID" in todo
    assert "amends payout absent pay_1" in todo


@pytest.mark.parametrize("language", sorted(languages()))
def test_whose_data_are_asked_for_is_said(language: str) -> None:
    todo = words(language, "export_asked", {"customer_id": "cust_1"}).todo
    assert "amends person-data export --customer cust_1" in todo
