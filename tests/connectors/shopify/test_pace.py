"""Shopify's points: said in every answer, and no process runs into the end of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.http import Http
from connectors.shopify.client import _reading, _wait
from core.money import Money
from core.pace import Pace, Pacer, Reading
from core.ports import HostUnavailable, NotSent, Till
from core.store.memory import MemoryStore
from sandbox.shopify.access import Bucket
from tests.connectors.contract.harness import StoredSettings
from tests.connectors.shopify.harness import Harness


def body(**status: object) -> dict[str, Any]:
    given = {"maximumAvailable": 2000, "currentlyAvailable": 1973, "restoreRate": 100, **status}
    return {"extensions": {"cost": {"requestedQueryCost": 33, "throttleStatus": given}}}


def test_what_the_answer_says() -> None:
    assert _reading(body()) == Reading(most=2000, left=1973, per_second=100)
    assert _reading(body(currentlyAvailable="1973.5")) == Reading(
        most=2000, left=1973, per_second=100
    )


@pytest.mark.parametrize("odd", [None, "many", "NaN", "Infinity", -5, "1e30", {}])
def test_odd_figures_say_nothing(odd: object) -> None:
    assert _reading(body(currentlyAvailable=odd)) is None
    assert _wait(body(currentlyAvailable=odd)) == timedelta(seconds=1)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the shop refused for want of points."""
    found: list[float] = []
    take = Bucket.take

    def counted(self: Bucket, points: float) -> bool:
        taken = take(self, points)
        if not taken:
            found.append(points)
        return taken

    monkeypatch.setattr(Bucket, "take", counted)
    return found


@pytest.fixture
def shop() -> Iterator[Harness]:
    harness = Harness()
    yield harness
    harness.close()


def till_of(shop: Harness, store: MemoryStore) -> tuple[Http, Till]:
    settings = StoredSettings(shop.settings())
    pacer = Pacer(store, "conn", lambda: datetime.now(UTC))
    http = Http.of(registry.spec("shopify"), settings, allow_private=True, pacer=pacer)
    till = registry.connect("shopify", settings, http).till
    assert till is not None
    return http, till


def test_several_ways_to_one_shop_share_its_points(shop: Harness, refused: list[float]) -> None:
    order = shop.order(Money(5000, "EUR"))
    bucket = shop.state.access.bucket
    bucket.maximum, bucket.left, bucket.rate = 600, 600, 300
    store = MemoryStore("ws")
    ways = [till_of(shop, store) for _ in range(3)]
    done: list[str] = []

    def look(till: Till) -> None:
        for _ in range(12):
            while True:
                try:
                    done.append(till.order(order).id)
                    break
                except HostUnavailable as error:
                    time.sleep((error.retry_after or timedelta(seconds=1)).total_seconds())

    threads = [threading.Thread(target=look, args=(till,)) for _, till in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for http, _ in ways:
        http.close()
    assert done == [order] * 36
    assert len(refused) <= 2, "the first calls know nothing yet"


def test_a_refund_whose_turn_has_not_come_is_not_sent(shop: Harness) -> None:
    store = MemoryStore("ws")
    http, till = till_of(shop, store)
    instruction = shop.instruction("refund", Money(1200, "EUR"))
    http.tell(Reading(most=1000, left=0, per_second=1))
    ending = till.pay(instruction)
    http.close()
    assert isinstance(ending, NotSent)
    assert ending.retry_after is not None
    assert ending.retry_after > timedelta(seconds=60)
    assert shop.paid(instruction) == []
    with store.read() as reader:
        assert reader.get(Pace, "conn") is not None
