"""A retry long after the first sending, at hosts that have forgotten the key by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.payout import PayoutState
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged

pytestmark = pytest.mark.slow

AWAY = (timedelta(hours=25), timedelta(days=7), timedelta(days=30))


@dataclass(frozen=True)
class Till:
    """A host with keys, a ticket about an order there, and the request that pays it."""

    name: str
    ticket: int
    pays: Mapping[str, str]


TILLS = (
    Till("shop", 1, {"operation": "refundCreate"}),
    Till("stripe", 20, {"method": "POST", "path": "/v1/refunds"}),
)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    store = open_store("sqlite", tmp_path)
    with rigged(store) as made:
        yield made
    store.close()


@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
@pytest.mark.parametrize("away", AWAY, ids=str)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_retry_after_the_key_is_forgotten_pays_nothing_twice(
    rig: Rig, till: Till, away: timedelta, when: str
) -> None:
    """The answer is lost and every webhook held back; nobody looks until the key is forgotten."""
    host = getattr(rig, till.name)
    host.post("webhooks/hold")
    host.post("faults", kind="drop", when=when, match=dict(till.pays))
    rig.solve(till.ticket)
    assert _payout(rig, till).state is PayoutState.UNKNOWN
    assert len(_paid(rig, till)) == (when == "after")
    for each in (rig.desk, rig.shop, rig.stripe):
        each.post("clock", advance_s=away.total_seconds())
    rig.later(seconds=away.total_seconds())
    for _ in range(3):
        rig.later(hours=1)
    host.post("webhooks/release")
    rig.later(minutes=5)
    payout = _payout(rig, till)
    assert payout.state is PayoutState.SETTLED
    assert payout.key_number == (2 if when == "before" else 1)
    (paid,) = _paid(rig, till)
    assert str(paid["id"]) in str(payout.host_object)


def _payout(rig: Rig, till: Till) -> Any:
    (payout,) = rig.payouts(rig.cases(till.ticket)[0])
    return payout


def _paid(rig: Rig, till: Till) -> list[Any]:
    refunds = getattr(rig, till.name).get("books")["refunds"]
    return [one for one in refunds if not one.get("by_hand")]
