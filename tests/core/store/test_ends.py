"""What a transaction does last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.case import Case, Task
from core.store import AlreadyExists, Store, Tx
from tests.stores import NOW, sample


def _adds(tx: Tx, id: str) -> Callable[[], None]:
    return lambda: tx.add(sample(Task, id, note=str(tx.count(Task))))


def test_the_last_steps_see_all_that_was_written_and_come_in_order(store: Store) -> None:
    with store.write() as tx:
        tx.at_end(_adds(tx, "t3"))
        tx.at_end(lambda: tx.at_end(_adds(tx, "t5")))
        tx.at_end(_adds(tx, "t4"))
        tx.add(sample(Task, "t1"))
        tx.add(sample(Task, "t2"))
        assert tx.count(Task) == 2
    with store.read() as reader:
        found = [(task.id, task.note) for task in reader.find(Task)]
    assert found[2:] == [("t3", "2"), ("t4", "3"), ("t5", "4")]


def test_a_last_step_that_fails_leaves_nothing(store: Store) -> None:
    with store.write() as tx:
        tx.add(sample(Task, "t1", state="open"))

    def collide() -> None:
        with store.write() as tx:
            tx.at_end(_adds(tx, "t2"))
            tx.at_end(_adds(tx, "t1"))
            tx.put(replace(sample(Task, "t1"), state="done"))
            tx.add(sample(Case, "case_1", due_at=NOW))

    with pytest.raises(AlreadyExists):
        collide()
    with store.read() as reader:
        assert [(task.id, task.state) for task in reader.find(Task)] == [("t1", "open")]
        assert reader.count(Case) == 0
    assert store.next_due(Case) is None
    with store.write() as tx:  # the turn was given back
        tx.at_end(_adds(tx, "t2"))
    with store.read() as reader:
        assert reader.count(Task) == 2


def test_nothing_is_done_last_where_the_transaction_fails(store: Store) -> None:
    done: list[str] = []

    def fail() -> None:
        with store.write() as tx:
            tx.at_end(lambda: done.append("last"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert done == []
