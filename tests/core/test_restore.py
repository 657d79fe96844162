"""Which payouts may have been given between a backup and its restore; on every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import restore
from core.case import CaseStep
from core.moment import Moment
from core.payout import Payout
from core.people import Workspace
from core.store import Store
from tests.stores import NOW, sample, store

__all__ = ["store"]

PAYOUT = sample(Payout, "pay_1", case_id="case_1")
AGO, LATER = NOW - timedelta(days=1), NOW + timedelta(seconds=1)


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


@pytest.mark.parametrize(
    ("since", "perhaps"),
    [(AGO.isoformat(), True), (NOW.isoformat(), True), (LATER.isoformat(), False), (None, True)],
)
def test_a_ticket_that_was_there_may_have_been_solved(
    store: Store, since: str | None, perhaps: bool
) -> None:
    assert _perhaps(store, ("decided", {"ticket_since": since} if since else {})) is perhaps


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
