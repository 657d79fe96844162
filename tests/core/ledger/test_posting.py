"""Postings: balanced by their shape, once each, chained in one order."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from core.booking import budget, clearing, expense, liability, settlement, spent, undoing
from core.case import Case
from core.ledger import (
    GENESIS,
    Account,
    Entry,
    LedgerError,
    Posting,
    balances,
    chain_hash,
    entries_of,
    post,
)
from core.ledger_check import verify
from core.money import LIMIT_MINOR, Money
from core.store import AlreadyExists, Store
from tests.stores import NOW, open_store, sample


def _settled(pay: str, minor: int = 500, remedy: str = "refund", currency: str = "EUR",
             budgets: Sequence[str] = ()) -> list[Posting]:  # fmt: skip
    amount = Money(minor, currency)
    return settlement(pay, "case_1", "conn_1", remedy, "owed", "late", amount, budgets=budgets)


def _post(store: Store, *postings: Posting) -> list[Entry]:
    with store.write() as tx:
        post(tx, postings, now=NOW)
    with store.read() as reader:
        return reader.find(Entry, newest_first=True, limit=len(postings))[::-1]


def test_a_refund_costs_and_leaves_by_its_till(store: Store) -> None:
    (entry,) = _post(store, *_settled("pay_1"))
    assert (entry.debit, entry.credit) == ("expense:owed:late", "clearing:conn_1")
    assert (entry.amount_minor, entry.currency, entry.seq) == (500, "EUR", 1)
    assert entry.previous == GENESIS
    (second,) = _post(store, *_settled("pay_2", 20))
    assert (second.seq, second.previous) == (2, entry.hash)
    with store.read() as reader:
        assert reader.find(Entry) == [entry, second]
        assert balances(reader) == {
            (expense("owed", "late"), "EUR"): 520,
            (clearing("conn_1"), "EUR"): -520,
        }
        assert verify(reader).ok


@pytest.mark.parametrize("remedy", ["store_credit", "gift_card", "coupon", "account_credit"])
def test_credit_is_owed_until_it_is_taken_back(store: Store, remedy: str) -> None:
    _post(store, *_settled("pay_1", 900, remedy))
    with store.read() as reader:
        entries = entries_of(reader, "pay_1")
        assert balances(reader)[liability(remedy), "EUR"] == -900
    _post(store, *undoing(entries, "reversed", 1, Money(400, "EUR")))
    _post(store, *undoing(entries, "reversed", 2, Money(100, "EUR")))
    with store.read() as reader:
        assert balances(reader) == {
            (liability(remedy), "EUR"): -400,
            (expense("owed", "late"), "EUR"): 400,
        }
    with pytest.raises(LedgerError, match="only 9"):
        undoing(entries, "reversed", 3, Money(901, "EUR"))


def test_a_later_failure_undoes_all_of_it(store: Store) -> None:
    entries = _post(store, *_settled("pay_1", 700, budgets=("all", "team")))
    with store.read() as reader:
        assert balances(reader)[budget("team"), "EUR"] == -700
        assert balances(reader)[budget("all"), "EUR"] == -700
        assert balances(reader)[spent("team"), "EUR"] == 700
    undone = _post(store, *undoing(entries, "failed", 1))
    kinds = [(entry.kind, entry.number) for entry in undone]
    assert kinds == [("failed", 1), ("budget_failed", 1), ("budget_failed", 2)]
    with store.read() as reader:
        assert set(balances(reader).values()) == {0}


def test_budgets_get_back_what_is_taken_back_in_parts(store: Store) -> None:
    entries = _post(store, *_settled("pay_1", 700, "gift_card", budgets=("all", "team")))
    for number in (1, 2, 3):
        _post(store, *undoing(entries, "reversed", number, Money(100, "EUR")))
    with store.read() as reader:
        assert {balances(reader)[spent(id), "EUR"] for id in ("all", "team")} == {400}
        numbers = [e.number for e in entries_of(reader, "pay_1") if e.kind == "budget_reversed"]
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_a_posting_is_made_once(store: Store) -> None:
    _post(store, *_settled("pay_1"))
    with store.write() as tx:
        for again in (_settled("pay_1", 9), [*_settled("pay_2"), *_settled("pay_1")],
                      [*_settled("pay_3"), *_settled("pay_3")]):  # fmt: skip
            with pytest.raises(AlreadyExists):
                post(tx, again, now=NOW)
        post(tx, _settled("pay_4"), now=NOW)  # the chain is as if nothing had been asked
    with store.read() as reader:
        assert [entry.payout_id for entry in reader.find(Entry)] == ["pay_1", "pay_4"]
        assert verify(reader).ok


def test_bad_postings_are_refused_whole(store: Store) -> None:
    (good,) = _settled("pay_1")
    for bad in (
        replace(good, amount=Money(0, "EUR")),
        replace(good, amount=Money(-1, "EUR")),
        replace(good, amount=Money(1, "XDR")),
        replace(good, debit=good.credit),
    ):
        with store.write() as tx, pytest.raises(LedgerError):
            post(tx, [good, bad], now=NOW)
    assert _post(store, replace(good, amount=Money(LIMIT_MINOR, "JPY")))[0].seq == 1


def test_a_transaction_that_fails_leaves_no_gap(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            post(tx, _settled("pay_1"), now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _post(store, *_settled("pay_2"))[0].seq == 1
    assert _post(store) == []


def test_a_part_of_an_account_stays_one_part() -> None:
    assert expense("owed", "a:b") == Account("expense:owed:a%3Ab")
    assert expense("owed:a", "b") != expense("owed", "a:b")


def test_many_threads_post_one_chain(store: Store) -> None:
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for round in range(8):
            _post(store, *_settled(f"pay_{number}_{round}", 1 + number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.read() as reader:
        checked = verify(reader)
        assert (checked.entries, checked.problem) == (48, None)
        assert sum(balances(reader).values()) == 0


def test_who_has_posted_and_is_not_done_holds_up_nobody(tmp_path: Path) -> None:
    """Where transactions run beside each other, the head is taken when one ends, after every other
    row: so nobody waits for a row who has what others wait for."""
    store = open_store("postgresql", tmp_path)
    with ThreadPoolExecutor(1) as beside, store.write() as tx:
        post(tx, _settled("pay_1"), now=NOW)
        other = beside.submit(_post, store, *_settled("pay_2"))
        assert [entry.seq for entry in other.result(timeout=10)] == [1]
        tx.add(sample(Case, "case_1"))
    with store.read() as reader:
        assert [entry.payout_id for entry in reader.find(Entry)] == ["pay_2", "pay_1"]
        assert verify(reader).ok
    store.close()


def test_a_posting_made_twice_at_one_moment_is_kept_once(store: Store) -> None:
    def twice() -> None:
        with store.write() as tx:
            post(tx, _settled("pay_1"), now=NOW)
            post(tx, _settled("pay_2"), now=NOW)
            post(tx, _settled("pay_1"), now=NOW)

    with pytest.raises(AlreadyExists):
        twice()
    assert [entry.seq for entry in _post(store, *_settled("pay_2"))] == [1]


def test_who_posts_first_and_who_posts_last_never_wait_for_each_other(store: Store) -> None:
    """One locks a case and posts, the other posts and then wants that case."""
    with store.write() as tx:
        tx.add(sample(Case, "case_1"))
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for round in range(8):
            with store.write() as tx:
                if number % 2:
                    tx.lock(Case, "case_1")
                post(tx, _settled(f"pay_{number}_{round}"), now=NOW)
                tx.lock(Case, "case_1")

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, number) for number in range(6)]:
            done.result()  # a deadlock is `StoreUnavailable`
    with store.read() as reader:
        assert verify(reader).entries == 48


def test_a_hash_is_over_a_json_list_of_every_column(store: Store) -> None:
    """Written down here once more, because it may never change."""
    assert GENESIS == "0" * 64
    (entry,) = _post(store, *_settled("pay_1"))
    odd = replace(entry, case_id='"],[\\\n\x1f\u2028é😀', payout_id="", debit="\ud800")
    for one in (entry, odd):
        micros = 1_772_366_400_000_000  # 2026-03-01 12:00 UTC
        columns = [
            1, "w", one.id, one.seq, micros, one.debit, one.credit, one.amount_minor, one.currency,
            one.kind, one.number, one.case_id, one.payout_id, one.previous,
        ]  # fmt: skip
        text = json.dumps(columns, separators=(",", ":"), ensure_ascii=True)
        assert chain_hash("w", one) == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_posted_stays(store: Store) -> None:
    (entry,) = _post(store, *_settled("pay_1"))
    with store.write() as tx, pytest.raises(TypeError, match="append-only"):
        tx.put(replace(entry, amount_minor=1))
    with pytest.raises(FrozenInstanceError):
        entry.amount_minor = 1  # type: ignore[misc]


def test_one_account_is_not_on_both_sides_however_it_was_made(store: Store) -> None:
    (posting,) = _settled("pay_1")
    same = Account("".join(list(posting.debit)))
    with store.write() as tx, pytest.raises(LedgerError, match="both sides"):
        post(tx, [replace(posting, credit=same)], now=NOW)
