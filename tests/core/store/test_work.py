"""Work: claimed when due, under a lease with a fence, and woken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.case import Case, Task
from core.connection import Delivery
from core.store import AlreadyExists, Lease, LeaseLost, NoSuchRow, Store
from tests.stores import NOW, sample

MINUTE = timedelta(minutes=1)


def _add(store: Store, *cases: Case) -> None:
    with store.write() as tx:
        for case in cases:
            tx.add(case)


def _claim(store: Store, now=NOW, owner="one", limit=1) -> list[Lease]:  # type: ignore[no-untyped-def]
    return store.claim(Case, owner=owner, now=now, length=MINUTE, limit=limit)


def _put_and_release(store: Store, lease: Lease, **changes: object) -> None:
    with store.write(lease) as tx:
        case = tx.get(Case, lease.id)
        assert case is not None
        tx.put(replace(case, **changes))  # type: ignore[arg-type]
        tx.release(lease)


def test_what_is_due_is_claimed_oldest_first(store: Store) -> None:
    _add(
        store,
        sample(Case, "c1", due_at=NOW - MINUTE),
        sample(Case, "c2", due_at=NOW - 2 * MINUTE),
        sample(Case, "c3", due_at=NOW + MINUTE),
        sample(Case, "c4", due_at=None),
        sample(Case, "c5", due_at=NOW),
    )
    assert store.next_due(Case) == NOW - 2 * MINUTE
    assert [lease.id for lease in _claim(store, limit=2)] == ["c2", "c1"]
    assert [lease.id for lease in _claim(store, limit=9)] == ["c5"]
    assert _claim(store) == []
    assert store.next_due(Case) == NOW + MINUTE
    assert store.claim(Delivery, owner="one", now=NOW, length=MINUTE) == []


def test_a_lease_that_ran_out_is_anybody_s(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=NOW))
    (first,) = _claim(store)
    assert (first.fence, first.until) == (1, NOW + MINUTE)
    assert store.next_due(Case) == NOW + MINUTE
    (second,) = _claim(store, NOW + MINUTE, "two")
    assert second.fence == 2
    for use in (
        lambda: store.write(first).__enter__(),
        lambda: store.renew(first, now=NOW + MINUTE, length=MINUTE),
        lambda: _put_and_release(store, first, tries=9),
    ):
        with pytest.raises(LeaseLost):
            use()
    _put_and_release(store, second, due_at=None, tries=1)
    with store.read() as reader:
        assert [case.tries for case in reader.find(Case)] == [1]
    with pytest.raises(LeaseLost), store.write(second):  # let go is let go
        pass


def test_a_lease_that_ran_out_and_was_not_taken_is_still_ours(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=NOW))
    (lease,) = _claim(store)
    renewed = store.renew(lease, now=NOW + 2 * MINUTE, length=MINUTE)
    assert renewed == replace(lease, until=NOW + 3 * MINUTE)
    assert _claim(store, NOW + 2 * MINUTE) == []
    _put_and_release(store, lease, due_at=None)
    assert store.next_due(Case) is None


def test_nothing_is_kept_under_a_lost_lease(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=NOW), sample(Case, "c2", due_at=NOW))
    lost, held = _claim(store, limit=2)
    _claim(store, NOW + MINUTE, "two", limit=1)  # takes c1 only
    with pytest.raises(LeaseLost), store.write(held, lost) as tx:
        tx.add(sample(Task, "t"))

    def let_go_of_another_s() -> None:
        with store.write(held) as tx:
            tx.add(sample(Task, "t"))
            tx.release(lost)

    with pytest.raises(LeaseLost):
        let_go_of_another_s()
    with store.write(held) as tx:
        assert tx.count(Task) == 0


def test_a_wake_makes_due(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=None), sample(Case, "c2", due_at=NOW + 9 * MINUTE))
    with store.write() as tx:
        tx.wake(Case, "c1", NOW + MINUTE)
        tx.wake(Case, "c2", NOW + 2 * MINUTE)
        tx.wake(Case, "c2", NOW + 3 * MINUTE)  # at the latest: the earlier one stays
        with pytest.raises(NoSuchRow):
            tx.wake(Case, "c3", NOW)
        with pytest.raises(TypeError):
            tx.wake(Task, "t", NOW)
    assert store.next_due(Case) == NOW + MINUTE
    assert [lease.id for lease in _claim(store, NOW + 2 * MINUTE, limit=5)] == ["c1", "c2"]
    with store.read() as reader:
        case = reader.get(Case, "c2")
        assert case is not None
        assert case.due_at == NOW + 9 * MINUTE


def test_a_wake_is_answered_once(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=None))
    with store.write() as tx:
        tx.wake(Case, "c1", NOW)
    (lease,) = _claim(store)
    _put_and_release(store, lease, tries=1)
    assert store.next_due(Case) is None


def test_a_wake_during_a_lease_comes_after_it(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=NOW))
    (lease,) = _claim(store)
    with store.write() as tx:
        tx.wake(Case, "c1", NOW)
    assert _claim(store) == []
    _put_and_release(store, lease, due_at=None)
    assert store.next_due(Case) == NOW
    (again,) = _claim(store)
    assert again.fence == 2
    _put_and_release(store, again, tries=2)
    assert store.next_due(Case) is None


def test_a_wake_still_to_come_outlives_a_claim_for_something_else(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=NOW))
    with store.write() as tx:
        tx.wake(Case, "c1", NOW + 5 * MINUTE)
    (lease,) = _claim(store)
    _put_and_release(store, lease, due_at=None)
    assert store.next_due(Case) == NOW + 5 * MINUTE


def test_a_wake_is_not_lost_with_its_worker(store: Store) -> None:
    _add(store, sample(Case, "c1", due_at=None))
    with store.write() as tx:
        tx.wake(Case, "c1", NOW)
    _claim(store)  # and then it dies
    assert store.next_due(Case) == NOW + MINUTE
    (lease,) = _claim(store, NOW + MINUTE, "two")
    _put_and_release(store, lease, tries=1)
    assert store.next_due(Case) is None


def test_new_work_is_held_at_once(store: Store) -> None:
    with store.write() as tx:
        lease = tx.claim_new(sample(Case, "c1", due_at=NOW), owner="one", now=NOW, length=MINUTE)
        with pytest.raises(AlreadyExists):
            tx.claim_new(sample(Case, "c1"), owner="one", now=NOW, length=MINUTE)
        with pytest.raises(TypeError):
            tx.claim_new(sample(Task, "t"), owner="one", now=NOW, length=MINUTE)
    assert _claim(store) == []
    _put_and_release(store, lease, due_at=NOW)
    (next_lease,) = _claim(store)
    assert next_lease.fence == lease.fence + 1


def test_a_replaced_row_keeps_its_lease_and_its_wake(store: Store) -> None:
    case = sample(Case, "c1", due_at=NOW)
    _add(store, case)
    (lease,) = _claim(store)
    with store.write() as tx:
        tx.wake(Case, "c1", NOW)
        tx.put(replace(case, tries=7, due_at=None))
    assert _claim(store) == []
    with store.write(lease) as tx:
        tx.release(lease)
    assert store.next_due(Case) == NOW
