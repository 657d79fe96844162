"""Exchange rates: whatever cannot be relied on is no rate; a limit is never counted too low."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core import fx
from core.fx import NoRate, RatesError
from core.money import Money
from core.store.memory import MemoryStore
from tests.stores import NOW

TODAY = NOW.date()
WEEK = timedelta(days=7)


def _store(*rows: str) -> MemoryStore:
    store = MemoryStore("a")
    text = "\n".join(["date,from,to,rate", *rows])
    with store.write() as tx:
        fx.keep(tx, fx.read_rates(text, today=date.max - WEEK, now=NOW))
    return store


def _converted(store: MemoryStore, amount: Money, to: str) -> int:
    with store.read() as reader:
        return fx.convert(reader, amount, to, today=TODAY, lasts=WEEK).minor


def _row(pair: str, rate: str, days: int = 0) -> str:
    return f"{TODAY + timedelta(days=days)},{pair},{rate}"


@pytest.mark.parametrize(
    ("amount", "to", "rate", "minor"),
    [
        (Money(100, "JPY"), "EUR", "JPY,EUR,0.006", 60),
        (Money(1, "JPY"), "KWD", "JPY,KWD,0.00201", 3),  # 2.01 fils: rounded up
        (Money(1, "KWD"), "JPY", "JPY,KWD,0.002", 1),  # half a yen, by the rate turned round
        (Money(1_000, "KWD"), "EUR", "KWD,EUR,3.25", 325),
    ],
)
def test_every_count_of_decimals_and_never_less(
    amount: Money, to: str, rate: str, minor: int
) -> None:
    assert _converted(_store(f"{TODAY},{rate}"), amount, to) == minor


def test_the_newest_counts_whichever_way_it_was_written() -> None:
    store = _store(_row("EUR,USD", "2", -2), _row("USD,EUR", "0.25", -1))
    assert _converted(store, Money(100, "EUR"), "USD") == 400


@pytest.mark.parametrize(("days", "why"), [(-8, "too old"), (2, "still to come")])
def test_a_rate_of_another_time_is_none(days: int, why: str) -> None:
    with pytest.raises(NoRate, match=why):
        _converted(_store(_row("EUR,USD", "2", days)), Money(100, "EUR"), "USD")


@pytest.mark.parametrize("days", [-7, 1])
def test_the_edges_still_count(days: int) -> None:
    assert _converted(_store(_row("EUR,USD", "2", days)), Money(100, "EUR"), "USD") == 200


def test_no_rate_is_no_rate() -> None:
    with pytest.raises(NoRate, match="there is no exchange rate"):
        _converted(_store(_row("EUR,USD", "2")), Money(100, "EUR"), "GBP")


def test_a_rate_of_the_same_day_is_replaced() -> None:
    store = _store(_row("EUR,USD", "2"), _row("EUR,USD", "3"))
    assert _converted(store, Money(100, "EUR"), "USD") == 300


def test_one_bad_row_and_nothing_is_taken() -> None:
    text = f"date,from,to,rate\n{TODAY},EUR,USD,2\n{TODAY + timedelta(days=9)},EUR,GBP,2"
    with pytest.raises(RatesError, match="line 3"):
        fx.read_rates(text, today=TODAY, now=NOW)
