"""Many at once: nothing lost, nothing had twice. Threads here, and real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.case import Case
from core.connection import Delivery
from core.ledger import Head
from core.store import AlreadyExists, Store
from core.store.memory import MemoryStore
from core.store.sql import SqlStore
from tests.stores import NOW, SQL_KINDS, new_url, new_workspace, sample

THREADS = 8
ROUNDS = 25
ROOT = Path(__file__).parents[3]


def _together(work: Callable[[int], None], count: int = THREADS) -> None:
    """Run `work(0)` to `work(count - 1)` in threads that start at one moment."""
    start = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not errors, errors


def _count_up(store: Store, rounds: int) -> None:
    for _ in range(rounds):
        with store.write() as tx:
            row = tx.lock(Head, "counter")
            assert row is not None
            tx.put(replace(row, seq=row.seq + 1))


def _counter(store: Store) -> int:
    with store.read() as reader:
        row = reader.get(Head, "counter")
        assert row is not None
        return row.seq


def test_no_update_is_lost_among_threads(store: Store) -> None:
    with store.write() as tx:
        tx.add(sample(Head, "counter", seq=0))
    _together(lambda _: _count_up(store, ROUNDS))
    assert _counter(store) == THREADS * ROUNDS


@pytest.mark.parametrize("kind", SQL_KINDS)
def test_no_update_is_lost_among_processes(kind: str, tmp_path: Path) -> None:
    url, workspace = new_url(kind, tmp_path), new_workspace()
    store = SqlStore(url, workspace)
    with store.write() as tx:
        tx.add(sample(Head, "counter", seq=0))
    script = (
        "from core.store.sql import SqlStore\n"
        "from tests.core.store.test_races import _count_up\n"
        f"_count_up(SqlStore({url!r}, {workspace!r}), 150)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    children = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    assert _counter(store) == 300
    store.close()


def test_each_row_is_claimed_once(store: Store) -> None:
    with store.write() as tx:
        for number in range(60):
            tx.add(sample(Case, f"c{number:02}", due_at=NOW))
    taken: list[str] = []

    def work(number: int) -> None:
        while leases := store.claim(
            Case, owner=f"w{number}", now=NOW, length=timedelta(hours=1), limit=2
        ):
            assert all(lease.fence == 1 for lease in leases)
            taken.extend(lease.id for lease in leases)

    _together(work)
    assert sorted(taken) == [f"c{number:02}" for number in range(60)]


def test_the_same_key_is_added_once(store: Store) -> None:
    won: list[str] = []

    def work(number: int) -> None:
        for round in range(5):
            try:
                with store.write() as tx:
                    tx.add(sample(Delivery, f"d_{number}_{round}", connection_id="c",
                                  dedupe_key=f"event {round}"))  # fmt: skip
            except AlreadyExists:
                continue
            won.append(f"event {round}")

    _together(work)
    assert sorted(won) == [f"event {round}" for round in range(5)]


def test_appending_together_each_hears_of_its_own_row(store: Store) -> None:
    kept: list[str] = []
    refused: list[str] = []

    def work(number: int) -> None:
        for round in range(6):
            key = f"{round}" if number < 4 else f"{round} of {number}"
            id = f"d_{number}_{round}"
            try:
                store.append(sample(Delivery, id, connection_id="c", dedupe_key=key))
            except AlreadyExists:
                refused.append(id)
            else:
                with store.read() as reader:  # durable, and seen, before it returns
                    assert reader.get(Delivery, id) is not None
                kept.append(id)

    _together(work, 12)
    assert len(kept) == 6 + 8 * 6
    assert len(refused) == 3 * 6
    with store.read() as reader:
        assert sorted(row.id for row in reader.find(Delivery)) == sorted(kept)


def test_uncommitted_rows_are_not_seen(store: Store) -> None:
    seen: list[int] = []
    written = threading.Event()
    looked = threading.Event()

    def write() -> None:
        with store.write() as tx:
            tx.add(sample(Case, "c1", due_at=NOW))
            written.set()
            # In memory a reader waits for the writer instead of seeing the state before.
            looked.wait(0.3 if isinstance(store, MemoryStore) else 30)

    def read() -> None:
        written.wait(30)
        with store.read() as reader:
            seen.append(reader.count(Case))
        looked.set()

    _together(lambda number: write() if number else read(), 2)
    assert seen == ([1] if isinstance(store, MemoryStore) else [0])
    with store.read() as reader:
        assert reader.count(Case) == 1


@pytest.mark.parametrize("kind", SQL_KINDS)
def test_a_forked_child_has_connections_of_its_own(kind: str, tmp_path: Path) -> None:
    """In a process of its own, so that no thread of the tests is forked."""
    url, workspace = new_url(kind, tmp_path), new_workspace()
    script = f"""
import os
from core.case import Task
from core.store.sql import SqlStore
from tests.stores import sample
store = SqlStore({url!r}, {workspace!r})
store.append(sample(Task, "t0"))
children = []
for number in (1, 2):
    pid = os.fork()
    if pid == 0:
        store.append(sample(Task, f"t{{number}}"))
        with store.write() as tx:
            tx.add(sample(Task, f"t{{number}}b"))
        os._exit(0)
    children.append(pid)
with store.write() as tx:
    tx.add(sample(Task, "t3"))
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
with store.read() as reader:
    assert [row.id for row in reader.find(Task)] == ["t0", "t1", "t1b", "t2", "t2b", "t3"]
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, check=True, timeout=60)
