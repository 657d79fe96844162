"""Tokens that are over and askings nobody answered are removed by night, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from core.chores import Chore, id_of
from core.connection import PendingGrant
from core.store import Store
from tests.stores import NOW, sample, store
from tests.webhooks.rig import Rig
from webhooks.engine import leftovers

__all__ = ["store"]

DAY = timedelta(days=1)
MANY = 450  # more than two batches


def test_each_batch_goes_on_where_the_last_one_ended(store: Store) -> None:
    with store.write() as tx:
        for kind in leftovers.KINDS:
            for number in range(MANY if kind is leftovers.KINDS[1] else 5):
                over = number % 3 == 0
                at = NOW - (DAY if over else timedelta(hours=23))
                tx.add(sample(kind, f"{number:04d}", expires_at=at))
    batches, said = 0, None
    while said is not None or not batches:
        with store.write() as tx:
            said = leftovers.remove(tx, said or {}, NOW)
        batches += 1
    assert batches == len(leftovers.KINDS) + MANY // 200
    with store.read() as reader:
        for kind in leftovers.KINDS:
            left = {row.id for row in reader.find(kind)}
            size = MANY if kind is leftovers.KINDS[1] else 5
            assert left == {f"{n:04d}" for n in range(size) if n % 3}, kind


def test_the_runner_does_it_by_night(rig: Rig) -> None:
    now = rig.clock.now()
    with rig.store.write() as tx:
        tx.add(sample(PendingGrant, "old", expires_at=now - DAY))
        tx.add(sample(PendingGrant, "new", expires_at=now + 2 * DAY))
    rig.runner._house.begin()
    rig.later(hours=24)
    with rig.store.read() as reader:
        assert [row.id for row in reader.find(PendingGrant)] == ["new"]
        chore = reader.get(Chore, id_of("leftovers", ""))
        assert chore is not None
        assert (chore.due_at, chore.result) == (None, None)
