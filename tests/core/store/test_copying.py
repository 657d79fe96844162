"""A database copied into another: whole, compared, and the old one does not pay any more."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest

from core.booking import settlement
from core.case import Case, Harm
from core.connection import Delivery
from core.ledger import Entry, post
from core.money import Money
from core.people import Person, Workspace
from core.store import StoreUnavailable, copying
from core.store.copying import MOVED, CannotCopy
from core.store.schema import upgrade
from core.store.sql import SqlStore
from tests.stores import NOW, SQL_KINDS, new_postgres, sample

KINDS = (Case, Harm, Delivery, Person, Workspace, Entry)


def _empty(kind: str, tmp_path: Path, name: str) -> str:
    return new_postgres() if kind == "postgresql" else f"sqlite:///{tmp_path / name}"


def _filled(url: str) -> None:
    upgrade(url)
    for workspace in ("one", "two"):
        store = SqlStore(url, workspace)
        with store.write() as tx:
            tx.add(sample(Workspace, "workspace", name=workspace))
            tx.add(sample(Person, "p", active=False, roles=["admin", "نقش"]))
            tx.add(sample(Case, "c1", due_at=NOW, facts={"b": [1, None, "é😀"]}))
            tx.add(sample(Harm, "h", active_key=None, happened_on=date(2026, 3, 1)))
            for number in range(1201):  # more than two batches
                body = bytes([number % 256, 0, 255])
                tx.add(sample(Delivery, f"d{number:05d}", body=body, due_at=NOW))
            for number in range(7):
                amount = Money(100 + number, "EUR")
                cost = settlement(f"pay_{number}", "c1", "t", "refund", "owed", "late", amount)
                post(tx, cost, now=NOW)
        store.claim(Case, owner="somebody", now=NOW, length=NOW - NOW.replace(hour=11))
        store.close()


def _content(url: str, workspace: str) -> list[object]:
    store = SqlStore(url, workspace)
    with store.read() as reader:
        found: list[object] = [row for kind in KINDS for row in reader.find(kind)]
    found.append(store.next_due(Case))
    store.close()
    return found


@pytest.mark.parametrize("to", SQL_KINDS)
@pytest.mark.parametrize("of", SQL_KINDS)
def test_everything_is_there_and_the_old_one_is_halted(of: str, to: str, tmp_path: Path) -> None:
    source, target = _empty(of, tmp_path, "of.db"), _empty(to, tmp_path, "to.db")
    _filled(source)
    before = {name: _content(source, name) for name in ("one", "two")}
    done = copying.copy(source, target)
    assert done.entries == {"one": 7, "two": 7}
    assert done.rows["deliveries"] == 2402
    assert {name: _content(target, name) for name in ("one", "two")} == before
    for name in ("one", "two"):
        store = SqlStore(source, name)
        with store.write() as tx:
            assert [row.halted_why for row in tx.find(Workspace)] == [MOVED]
        store.close()
        store = SqlStore(target, name)
        with store.write() as tx:  # it is lived in: halted by nobody, its guards in place
            (workspace,) = tx.find(Workspace)
            assert workspace.halted_why is None
            with pytest.raises(TypeError):
                tx.put(replace(tx.find(Entry)[0], amount_minor=1))
        store.close()


def test_a_copy_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _empty("sqlite", tmp_path, "of.db")
    _filled(source)
    copy_table = copying._copy_table

    def lossy(here, there, table) -> None:  # type: ignore[no-untyped-def]
        copy_table(here, there, table)
        if table.name == "deliveries":
            there.exec_driver_sql("UPDATE deliveries SET state = 'odd' WHERE id = 'd00700'")

    monkeypatch.setattr(copying, "_copy_table", lossy)
    with pytest.raises(CannotCopy, match="deliveries is not the same"):
        copying.copy(source, _empty("sqlite", tmp_path, "to.db"))
    assert None in [row.halted_why for row in _content(source, "one") if isinstance(row, Workspace)]


def test_a_ledger_that_was_wrong_before_is_not_carried_over(tmp_path: Path) -> None:
    source = _empty("sqlite", tmp_path, "of.db")
    _filled(source)
    with sqlite3.connect(tmp_path / "of.db") as raw:
        (guard,) = raw.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'ledger_entries_no_update'"
        ).fetchone()
        raw.execute("DROP TRIGGER ledger_entries_no_update")
        raw.execute("UPDATE ledger_entries SET amount_minor = 1 WHERE seq = 3")
        raw.execute(guard)
    with pytest.raises(CannotCopy, match="wrong: changed"):
        copying.copy(source, _empty("sqlite", tmp_path, "to.db"))


def test_what_cannot_be_copied_is_said(tmp_path: Path) -> None:
    source, target = _empty("sqlite", tmp_path, "of.db"), _empty("sqlite", tmp_path, "to.db")
    with pytest.raises(StoreUnavailable):
        copying.copy(source, target)
    _filled(source)
    with pytest.raises(CannotCopy, match="itself"):
        copying.copy(source, source)
    _filled(target)
    with pytest.raises(CannotCopy, match="rows already"):
        copying.copy(source, target)
    with sqlite3.connect(tmp_path / "of.db") as raw:
        raw.execute("DROP TRIGGER ledger_entries_no_update")
    with pytest.raises(CannotCopy, match="amends db upgrade"):
        copying.copy(source, _empty("sqlite", tmp_path, "third.db"))


def test_nobody_writes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = new_postgres()
    _filled(source)
    tried: list[str] = []
    compare = copying._compare

    def meanwhile(before, after) -> None:  # type: ignore[no-untyped-def]
        compare(before, after)
        with psycopg.connect(source, autocommit=True) as other:
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("UPDATE cases SET state = 'paying'")
            tried.append("refused")

    monkeypatch.setattr(copying, "_compare", meanwhile)
    copying.copy(source, _empty("sqlite", tmp_path, "to.db"))
    assert tried == ["refused"]
