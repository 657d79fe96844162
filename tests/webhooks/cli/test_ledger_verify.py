"""`amends ledger verify`: what a person is told of books that somebody has been at."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import booking, journal, ledger, ledger_check
from core.journal import Closing
from core.moment import Moment
from core.money import Money
from core.people import Workspace
from core.store.sql import SqlStore
from tests.stores import new_url, sample
from webhooks.cli import keeping

NOVEMBER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 5, 9, 0, tzinfo=UTC)


class Books:
    def __init__(self, folder: Path) -> None:
        self.url = new_url("sqlite", folder)
        self.store = SqlStore(self.url, "w")
        with self.store.write() as tx:
            tx.add(sample(Workspace, "workspace", zone="UTC"))
        self.post("pay_1", NOVEMBER)

    def post(self, payout: str, at: datetime) -> None:
        with self.store.write() as tx:
            one = booking.settlement(
                payout, "case_1", "till", "refund", "owed", "late", Money(500, "EUR")
            )
            ledger.post(tx, one, now=at)

    def meddle(self, *statements: str) -> None:
        with sqlite3.connect(self.url.removeprefix("sqlite:///")) as connection:
            for statement in statements:
                connection.execute(statement)

    def verify(self, capsys: pytest.CaptureFixture[str], anchor: str | None = None) -> list[str]:
        """The problems it names; and it exits with 1 where there is one."""
        callback: Any = keeping.verify.callback
        of = SimpleNamespace(store=self.store, settings=SimpleNamespace(database_url=self.url))
        ended = 0
        try:
            callback.__wrapped__(of, anchor=anchor, json_=True)
        except SystemExit as end:
            ended = int(end.code or 0)
        said = json.loads(capsys.readouterr().out)
        assert (said["ok"], ended) == ((True, 0) if not said["problems"] else (False, 1))
        problems: list[str] = said["problems"]
        return problems


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def test_books_in_order(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    with books.store.write() as tx:
        journal.close(tx, "2026-11", "per_1", Moment(DECEMBER))
    with books.store.read() as reader:
        line = ledger_check.anchor(reader, at=DECEMBER).line()
    books.post("pay_2", DECEMBER)
    assert books.verify(capsys, line) == []


def test_a_closed_month_with_other_bytes(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    """Finance has booked it as it was closed; nobody else would compare the two."""
    with books.store.write() as tx:
        closing = journal.close(tx, "2026-11", "per_1", Moment(DECEMBER))
    assert closing.entries == 1
    guard = Closing.TABLE.name
    books.meddle(
        *(f"DROP TRIGGER {name}" for name in _triggers(books, guard)),
        f"UPDATE {guard} SET zone = 'Asia/Tokyo', digest = '{'0' * 64}'",
    )
    problems = books.verify(capsys)
    assert "2026-11 is not as it was closed" in problems
    assert any("guard" in one for one in problems)


def _triggers(books: Books, table: str) -> list[str]:
    with sqlite3.connect(books.url.removeprefix("sqlite:///")) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        ).fetchall()
    return [str(row[0]) for row in found]


def test_a_guard_that_is_gone(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    names = _triggers(books, ledger.Entry.TABLE.name)
    assert names
    books.meddle(f"DROP TRIGGER {names[0]}")
    assert books.verify(capsys) == [f"the guard {names[0]} is missing"]


def test_a_changed_entry(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    names = _triggers(books, ledger.Entry.TABLE.name)
    books.meddle(
        *(f"DROP TRIGGER {name}" for name in names),
        f"UPDATE {ledger.Entry.TABLE.name} SET amount_minor = 499",
    )
    assert "entry 1: changed" in books.verify(capsys)


def test_a_ledger_shorter_than_its_anchor(
    books: Books, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    books.post("pay_2", NOVEMBER)
    with books.store.read() as reader:
        line = ledger_check.anchor(reader, at=DECEMBER).line()
    assert Books(tmp_path).verify(capsys, line) == ["entry 2: anchor"]
