"""Which payouts may have been given between a backup and its restore; on every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core import chores, restore
from core.case import CaseStep
from core.moment import Moment
from core.payout import Payout
from core.people import Workspace
from core.store import Store
from tests.stores import NOW, sample, store

__all__ = ["store"]

PAYOUT = sample(Payout, "pay_1", case_id="case_1")
AGO, LATER = NOW - timedelta(days=1), NOW + timedelta(seconds=1)
SURELY_AFTER = (NOW + timedelta(hours=1, seconds=1)).isoformat()


def _perhaps(store: Store, *steps: tuple[str, dict[str, object]], marked: bool = True) -> bool:
    with store.write() as tx:
        tx.add(sample(Workspace, "workspace", halted_why=None))
        if marked:
            restore.mark(tx, Moment(NOW))
        for what, data in steps:
            moment = Moment(data.get("at", LATER))  # type: ignore[arg-type]
            kept = {name: value for name, value in data.items() if name != "at"}
            tx.add(
                CaseStep(
                    id=moment.new("step"), case_id="case_1", at=moment.now, what=what, data=kept
                )
            )  # fmt: skip
    with store.read() as reader:
        return restore.perhaps_given(reader, PAYOUT)


def test_without_a_restore_nothing_was_lost(store: Store) -> None:
    assert not _perhaps(store, marked=False)


@pytest.mark.parametrize("what", ["ticket_since", "order_since"])
@pytest.mark.parametrize(
    ("since", "perhaps"),
    [
        (AGO.isoformat(), True),
        (NOW.isoformat(), True),
        (LATER.isoformat(), True),  # as far as clocks can tell
        (SURELY_AFTER, False),
        (None, True),
    ],
)
def test_for_what_was_there_something_may_have_been_given(
    store: Store, what: str, since: str | None, perhaps: bool
) -> None:
    known = {"ticket_since": SURELY_AFTER, "order_since": SURELY_AFTER, what: since}
    assert _perhaps(store, ("decided", {k: v for k, v in known.items() if v})) is perhaps


def test_what_was_never_decided_is_not_known(store: Store) -> None:
    assert _perhaps(store)


@pytest.mark.parametrize(
    ("said", "perhaps"),
    [
        ({"payout": "pay_1"}, False),
        ({"payout": "pay_2"}, True),
        ({"payout": "pay_1", "at": AGO}, True),  # before this restore
    ],
)
def test_a_persons_word_counts_for_its_payout_since_the_restore(
    store: Store, said: dict[str, object], perhaps: bool
) -> None:
    decided = ("decided", {"ticket_since": AGO.isoformat(), "at": AGO - timedelta(hours=1)})
    assert _perhaps(store, decided, ("absent_by_person", said)) is perhaps


def test_what_was_found_without_an_order_is_remembered_through_the_next_restore(
    store: Store,
) -> None:
    with store.write() as tx:
        tx.add(sample(Workspace, "workspace", halted_why="odd refunds"))
        restore.unplaced(tx)
        assert not restore.has_unplaced(tx)  # before any restore nothing was lost
        restore.mark(tx, Moment(NOW))
        assert not restore.has_unplaced(tx)
        restore.unplaced(tx)
        restore.mark(tx, Moment(LATER))
        restore.halt(tx, "odd again")
        assert restore.has_unplaced(tx)
        restore.lift(tx, [], Moment(LATER))
        workspace = tx.get(Workspace, "workspace")
    assert workspace is not None
    assert workspace.halted_why == "odd again"


def test_no_sweep_from_before_counts_whatever_the_clock_says(store: Store) -> None:
    """The machine was put back as well, and its clock is a day behind."""
    with store.write() as tx:
        tx.add(sample(Workspace, "workspace", halted_why=None))
        tx.put(replace(chores.known(tx, "sweep", "till"), done_at=NOW + timedelta(days=1)))
        restore.mark(tx, Moment(NOW))
        assert not restore.lift(tx, ["till"], Moment(NOW))
        tx.put(replace(chores.known(tx, "sweep", "till"), done_at=NOW))
        assert restore.lift(tx, ["till"], Moment(NOW))
