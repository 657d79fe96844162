"""The journal: months in the workspace's zone, closed ones the same for ever, inert cells."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest

from core import booking, journal, ledger
from core.journal import BadMonth, Closing
from core.moment import Moment
from core.money import Money
from core.people import Workspace
from core.store import Store
from core.tax import Share, Split
from tests.stores import NOW, store

__all__ = ["store"]

DECEMBER = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)
JANUARY = datetime(2027, 1, 7, 9, 0, tzinfo=UTC)


@pytest.fixture
def tehran(store: Store) -> Store:
    """A workspace three and a half hours ahead of UTC."""
    with store.write() as tx:
        tx.add(
            Workspace(id="workspace", name="w", zone="Asia/Tehran", first_weekday=5, created_at=NOW)
        )
    return store


def _post(
    store: Store, pay: str, at: datetime, minor: int = 1250, currency: str = "EUR",
    cause: str = "late",
) -> None:  # fmt: skip
    with store.write() as tx:
        amount = Money(minor, currency)
        posting = booking.settlement(pay, "case_1", "conn_1", "refund", "owed", cause, amount)
        ledger.post(tx, posting, now=at)


def _undo(store: Store, pay: str, at: datetime) -> None:
    with store.write() as tx:
        found = ledger.entries_of(tx, pay)
        ledger.post(tx, booking.undoing(found, "failed", 1), now=at)


def _rows(store: Store, month: str) -> list[dict[str, str]]:
    with store.read() as reader:
        text = journal.export(reader, month).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _close(store: Store, month: str, at: datetime) -> Closing:
    with store.write() as tx:
        return journal.close(tx, month, "person_1", Moment(at))


def test_a_line_says_all_that_finance_needs(tehran: Store) -> None:
    _post(tehran, "pay_1", datetime(2026, 11, 3, 12, 0, tzinfo=UTC))
    (row,) = _rows(tehran, "2026-11")
    assert row == {
        "date": "2026-11-03",
        "number": "1",
        "debit": "expense:owed:late",
        "credit": "clearing:conn_1",
        "amount": "12.50",
        "currency": "EUR",
        "kind": "settled",
        "basis": "owed",
        "cause": "late",
        "case": "case_1",
        "payout": "pay_1",
        "happened_on": "2026-11-03",
    }


def _taxed(store: Store, pay: str, at: datetime) -> None:
    """12.50 EUR of which 2.00 are tax at 19 percent, as far as can be reckoned."""
    share = Share(line="l1", rate="19", net_minor=1050, tax_minor=200)
    parts = Split(currency="EUR", told=False, shares=(share,))
    amount = Money(1250, "EUR")
    with store.write() as tx:
        posting = booking.settlement(
            pay, "case_1", "conn_1", "refund", "goodwill", "late", amount, parts=parts
        )
        ledger.post(tx, posting, now=at)


def test_what_a_sum_contains_stands_in_lines_of_its_own(tehran: Store) -> None:
    _taxed(tehran, "pay_1", datetime(2026, 11, 3, 12, 0, tzinfo=UTC))
    _post(tehran, "pay_2", datetime(2026, 11, 4, 12, 0, tzinfo=UTC))
    rows = _rows(tehran, "2026-11")
    shown = ("kind", "debit", "credit", "amount")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        ("settled", "expense:goodwill:late", "clearing:conn_1", "12.50"),
        ("net", "net:reckoned:conn_1:19", "split:goodwill:late", "10.50"),
        ("tax", "tax:reckoned:conn_1:19", "split:goodwill:late", "2.00"),
        ("settled", "expense:owed:late", "clearing:conn_1", "12.50"),
    ]
    why = [(row["basis"], row["cause"], row["payout"]) for row in rows]
    assert why == [("goodwill", "late", "pay_1")] * 3 + [("owed", "late", "pay_2")]


def test_a_month_closed_before_stays_when_what_it_contained_is_undone(tehran: Store) -> None:
    _taxed(tehran, "pay_1", datetime(2026, 11, 3, 12, 0, tzinfo=UTC))
    closing = _close(tehran, "2026-11", DECEMBER)
    with tehran.write() as tx:
        given = booking.standing(ledger.entries_of(tx, "pay_1"))
        ledger.post(tx, booking.undoing(given, "failed", 1), now=DECEMBER)
    with tehran.read() as reader:
        assert hashlib.sha256(journal.export(reader, "2026-11")).hexdigest() == closing.digest
        assert journal.changed(reader) == []
    kinds = [(row["kind"], row["debit"], row["amount"]) for row in _rows(tehran, "2026-12")]
    assert kinds == [
        ("failed", "clearing:conn_1", "12.50"),
        ("net_failed", "split:goodwill:late", "10.50"),
        ("tax_failed", "split:goodwill:late", "2.00"),
    ]


@pytest.mark.parametrize(("minor", "currency", "text"), [(500, "JPY", "500"), (1, "KWD", "0.001")])
def test_amounts_have_their_currencys_digits(
    tehran: Store, minor: int, currency: str, text: str
) -> None:
    _post(tehran, "pay_1", datetime(2026, 11, 3, tzinfo=UTC), minor, currency)
    assert _rows(tehran, "2026-11")[0]["amount"] == text


def test_the_day_is_the_workspaces_own(tehran: Store) -> None:
    _post(tehran, "pay_1", datetime(2026, 11, 30, 20, 29, tzinfo=UTC))
    _post(tehran, "pay_2", datetime(2026, 11, 30, 20, 30, tzinfo=UTC))
    assert [row["date"] for row in _rows(tehran, "2026-11")] == ["2026-11-30"]
    assert [row["date"] for row in _rows(tehran, "2026-12")] == ["2026-12-01"]


def test_a_closed_month_does_not_change(tehran: Store) -> None:
    """What comes later about it goes into the first open month, whatever day it happened on."""
    november = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    _post(tehran, "pay_1", november)
    _post(tehran, "pay_2", DECEMBER - timedelta(days=2))  # before the closing, not of the month
    closing = _close(tehran, "2026-11", DECEMBER)
    assert (closing.entries, closing.last_seq, closing.open_from) == (1, 2, 2)
    with tehran.read() as reader:
        before = journal.export(reader, "2026-11")
    assert hashlib.sha256(before).hexdigest() == closing.digest
    _undo(tehran, "pay_1", DECEMBER)
    _post(tehran, "pay_3", november + timedelta(days=1))  # a clock that was wrong
    with tehran.read() as reader:
        assert journal.export(reader, "2026-11") == before
        assert journal.changed(reader) == []
    december = {
        row["payout"]: (row["date"], row["happened_on"]) for row in _rows(tehran, "2026-12")
    }
    assert december == {
        "pay_2": ("2026-12-03", "2026-12-03"),
        "pay_1": ("2026-12-05", "2026-12-05"),
        "pay_3": ("2026-12-01", "2026-11-21"),
    }


def test_a_change_of_zone_does_not_move_what_is_closed(tehran: Store) -> None:
    _post(tehran, "pay_1", datetime(2026, 11, 30, 20, 15, tzinfo=UTC))
    _post(tehran, "pay_2", datetime(2026, 11, 30, 20, 45, tzinfo=UTC))
    closing = _close(tehran, "2026-11", DECEMBER)
    with tehran.write() as tx:
        row = tx.get(Workspace, "workspace")
        assert row is not None
        from dataclasses import replace

        tx.put(replace(row, zone="America/New_York"))
    with tehran.read() as reader:
        assert hashlib.sha256(journal.export(reader, "2026-11")).hexdigest() == closing.digest
    assert [row["payout"] for row in _rows(tehran, "2026-12")] == ["pay_2"]


def test_every_entry_is_in_exactly_one_month(tehran: Store) -> None:
    """Closings made late, one after the other, with postings in between."""
    for n, day in enumerate((3, 33, 63, 34, 64, 5)):
        _post(tehran, f"pay_{n}", datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=day))
    _close(tehran, "2026-10", JANUARY)
    _post(tehran, "pay_6", datetime(2026, 10, 9, tzinfo=UTC))
    _close(tehran, "2026-11", JANUARY)
    _post(tehran, "pay_7", datetime(2026, 11, 9, tzinfo=UTC))
    _close(tehran, "2026-12", JANUARY)
    _post(tehran, "pay_8", datetime(2026, 10, 9, tzinfo=UTC))
    months = ("2026-10", "2026-11", "2026-12", "2027-01")
    found = [row["payout"] for month in months for row in _rows(tehran, month)]
    assert sorted(found) == [f"pay_{n}" for n in range(9)]
    with tehran.read() as reader:
        assert journal.changed(reader) == []


@pytest.mark.parametrize("month", ["2026-13", "2026", "11-2026", "2026-11-01", "", "٢٠٢٦-١١"])
def test_what_is_no_month(tehran: Store, month: str) -> None:
    with pytest.raises(BadMonth), tehran.read() as reader:
        journal.export(reader, month)


def test_months_are_closed_in_order_when_they_are_over_and_once(tehran: Store) -> None:
    _post(tehran, "pay_1", datetime(2026, 10, 3, tzinfo=UTC))
    _post(tehran, "pay_2", datetime(2026, 11, 3, tzinfo=UTC))
    with pytest.raises(BadMonth, match="2026-10 has entries"):
        _close(tehran, "2026-11", DECEMBER)
    with pytest.raises(BadMonth, match="not over"):
        _close(tehran, "2026-12", DECEMBER)
    _close(tehran, "2026-10", DECEMBER)
    with pytest.raises(BadMonth, match="is closed"):
        _close(tehran, "2026-10", DECEMBER)
    _close(tehran, "2026-11", DECEMBER)


@pytest.mark.parametrize("cause", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "  =1", "\rx"])
def test_no_cell_is_a_formula(tehran: Store, cause: str) -> None:
    _post(tehran, "pay_1", datetime(2026, 11, 3, tzinfo=UTC), cause=cause)
    (row,) = _rows(tehran, "2026-11")
    assert row["cause"] == f"'{cause}"


def test_a_closing_cannot_be_changed(tehran: Store) -> None:
    closing = _close(tehran, "2026-11", DECEMBER)
    with pytest.raises(TypeError), tehran.write() as tx:
        tx.put(closing)
