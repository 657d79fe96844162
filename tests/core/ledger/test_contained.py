"""What a sum contains is told beside it, by rate, and goes back with it to the last unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.booking import (
    budget,
    clearing,
    contained,
    expense,
    liability,
    settlement,
    spent,
    split,
    standing,
    undoing,
)
from core.ledger import Entry, Posting, balances, entries_of, post
from core.ledger_check import verify
from core.money import Money
from core.store import Store
from core.store.memory import MemoryStore
from core.tax import Share, Split
from tests.stores import NOW


def _parts(*by_rate: tuple[str | None, int, int], told: bool = False) -> Split:
    shares = [
        Share(line=f"l{at}", rate=rate, net_minor=net, tax_minor=tax)
        for at, (rate, net, tax) in enumerate(by_rate)
    ]
    return Split(currency="EUR", told=told, shares=tuple(shares))


def _settled(parts: Split, remedy: str = "refund", pay: str = "pay_1") -> list[Posting]:
    minor = sum(share.net_minor + share.tax_minor for share in parts.shares)
    amount = Money(minor, "EUR")
    return settlement(
        pay, "case_1", "conn_1", remedy, "owed", "late", amount, budgets=("all",), parts=parts
    )


def _post(store: Store, *postings: Posting) -> list[Entry]:
    with store.write() as tx:
        post(tx, postings, now=NOW)
    with store.read() as reader:
        return reader.find(Entry, newest_first=True, limit=len(postings))[::-1]


def _undo(store: Store, kind: str, amount: Money | None = None, pay: str = "pay_1") -> list[Entry]:
    with store.read() as reader:
        given = standing(entries_of(reader, pay))
    return _post(store, *undoing(given, kind, 1, amount))


def test_two_rates_beside_a_sum_that_is_booked_whole(store: Store) -> None:
    _post(store, *_settled(_parts(("7", 200, 14), ("19", 661, 125))))
    with store.read() as reader:
        assert verify(reader).ok
        kinds = [(e.kind, e.number) for e in entries_of(reader, "pay_1")]
        assert kinds == [
            ("settled", 1), ("budget", 1), ("net", 1), ("tax", 1), ("net", 2), ("tax", 2)
        ]  # fmt: skip
        assert balances(reader) == {
            (expense("owed", "late"), "EUR"): 1000,
            (clearing("conn_1"), "EUR"): -1000,
            (spent("all"), "EUR"): 1000,
            (budget("all"), "EUR"): -1000,
            ("net:reckoned:conn_1:7", "EUR"): 200,
            ("tax:reckoned:conn_1:7", "EUR"): 14,
            ("net:reckoned:conn_1:19", "EUR"): 661,
            ("tax:reckoned:conn_1:19", "EUR"): 125,
            (split("owed", "late"), "EUR"): -1000,
        }


def test_no_tax_at_a_rate_is_no_posting_and_the_rest_is_numbered_on(store: Store) -> None:
    parts = _parts(("0", 500, 0), ("7", 200, 14), (None, 0, 3), told=True)
    _post(store, *_settled(parts))
    with store.read() as reader:
        found = [(e.kind, e.number, e.debit) for e in entries_of(reader, "pay_1")][2:]
    assert found == [
        ("net", 1, "net:told:conn_1:0"),
        ("net", 2, "net:told:conn_1:7"),
        ("tax", 1, "tax:told:conn_1:7"),
        ("tax", 2, contained("tax", True, "conn_1", None)),
    ]
    _undo(store, "failed")
    with store.read() as reader:
        assert set(balances(reader).values()) == {0}


def test_a_part_goes_back_in_proportion_and_the_rest_to_the_last_unit(store: Store) -> None:
    parts = _parts(("7", 200, 14), ("19", 661, 125), told=True)
    _post(store, *_settled(parts, "account_credit"))
    back = _undo(store, "reversed", Money(333, "EUR"))
    assert [(e.kind, e.number, e.amount_minor) for e in back] == [
        ("reversed", 1, 333), ("budget_reversed", 1, 333), ("net_reversed", 1, 66),
        ("tax_reversed", 1, 5), ("net_reversed", 2, 220), ("tax_reversed", 2, 42),
    ]  # fmt: skip
    with store.read() as reader:
        held = balances(reader)
        assert held[liability("account_credit"), "EUR"] == -667
        assert held[split("owed", "late"), "EUR"] == -667
        left = [e.amount_minor for e in standing(entries_of(reader, "pay_1"))]
        assert left == [667, 667, 134, 9, 441, 83]
    _undo(store, "failed", Money(667, "EUR"))
    with store.read() as reader:
        assert set(balances(reader).values()) == {0}
        assert standing(entries_of(reader, "pay_1")) == []
        assert verify(reader).ok


_RATES = st.tuples(st.sampled_from(["0", "7", "19", None]), st.integers(1, 900), st.integers(0, 99))


@given(st.lists(_RATES, min_size=2, max_size=6), st.integers(0, 10**6))
def test_whatever_part_comes_back_first_nothing_is_left(
    by_rate: list[tuple[str | None, int, int]], some: int
) -> None:
    whole = sum(net + tax for _, net, tax in by_rate)
    store, first = MemoryStore("w"), 1 + some % (whole - 1)
    _post(store, *_settled(_parts(*by_rate), "account_credit"))
    back = _undo(store, "reversed", Money(first, "EUR"))
    assert sum(e.amount_minor for e in back if e.kind in ("net_reversed", "tax_reversed")) == first
    _undo(store, "failed", Money(whole - first, "EUR"))
    with store.read() as reader:
        assert set(balances(reader).values()) == {0}


@pytest.mark.parametrize("kind", ["failed", "reversed"])
def test_a_whole_undoing_without_a_sum_undoes_what_stands(store: Store, kind: str) -> None:
    _post(store, *_settled(_parts(("19", 84, 16))))
    undone = _undo(store, kind)
    assert [e.kind for e in undone] == [kind, *(f"{k}_{kind}" for k in ("budget", "net", "tax"))]
    with store.read() as reader:
        assert set(balances(reader).values()) == {0}
