"""What a host's no comes to: refused, or refused and perhaps paid all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from core.moment import Moment
from core.payout import GIVE_UP, Payout, PayoutState, conclude
from core.ports import LOOK_FIRST, Pays, Unknown
from core.settling import _trouble_of
from core.store.memory import MemoryStore
from tests.stores import NOW, sample

PAYS = Pays(retry="find")


@pytest.mark.parametrize(
    ("code", "kind"),
    [("too_much", "declined_by_host"), (LOOK_FIRST, "look_first"), ("look", "declined_by_host")],
)
def test_a_no_that_may_hide_a_payment_is_another_task(code: str, kind: str) -> None:
    refused = sample(Payout, "pay_1", state=PayoutState.DECLINED, why=f"{code}: timed out")
    trouble = _trouble_of(refused, PAYS, NOW)
    assert trouble is not None
    assert trouble.kind == kind


def _asked_about(first_sent_at: object) -> tuple[Payout, list[timedelta]]:
    """A payout nobody can say anything about, asked whenever it is due; and when that was."""
    store, times = MemoryStore("w"), []
    now = NOW
    with store.write() as tx:
        payout = sample(
            Payout, "pay_1", state=PayoutState.UNKNOWN, created_at=NOW, due_at=NOW, tries=1,
            first_sent_at=first_sent_at,
        )  # fmt: skip
        tx.add(payout)
        while _trouble_of(payout, PAYS, now) is None and now < NOW + 3 * GIVE_UP:
            assert payout.due_at is not None
            now = payout.due_at
            times.append(now - NOW)
            payout = conclude(tx, payout, Unknown("no answer"), pays=PAYS, moment=Moment(now))
    return payout, times


@pytest.mark.parametrize("first_sent_at", [NOW, None])  # None: planned, and then restored
def test_a_person_has_the_question_within_a_day(first_sent_at: object) -> None:
    payout, times = _asked_about(first_sent_at)
    assert times[-1] == GIVE_UP
    trouble = _trouble_of(payout, PAYS, NOW + times[-1])
    assert trouble is not None
    assert trouble.kind == "unknown_outcome"
    assert payout.due_at is not None
    assert payout.due_at > NOW + GIVE_UP  # and the host is still asked


def test_what_must_be_waited_for_is_waited_for_on_the_last_hour_too() -> None:
    slow = Pays(retry="find", visibility=timedelta(minutes=2))
    store, now = MemoryStore("w"), NOW + GIVE_UP - timedelta(seconds=5)
    with store.write() as tx:
        payout = sample(Payout, "pay_1", state=PayoutState.UNKNOWN, first_sent_at=NOW, tries=40)
        tx.add(payout)
        payout = conclude(tx, payout, Unknown("no answer"), pays=slow, moment=Moment(now))
    assert payout.due_at == now + slow.visibility


@pytest.mark.parametrize(("days", "kind"), [(6, None), (7, "pending_too_long")])
def test_what_stays_pending_is_a_persons_after_a_week(days: int, kind: str | None) -> None:
    pending = sample(Payout, "pay_1", state=PayoutState.PENDING, first_sent_at=NOW)
    trouble = _trouble_of(pending, PAYS, NOW + timedelta(days=days))
    assert (trouble.kind if trouble else None) == kind
    if trouble is not None:
        known = cast("Mapping[str, object]", trouble.known)
        assert known["since"] == NOW.isoformat()
    by_hand = _trouble_of(pending, replace(PAYS, by_hand=True), NOW + timedelta(days=days))
    assert by_hand is not None
    assert by_hand.kind == "pay_by_hand"
