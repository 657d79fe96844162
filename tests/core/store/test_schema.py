"""The migrated database is what the records say, and its guards are in place."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.schema import ColumnCollectionConstraint

import core
from core.ledger import Entry
from core.record import Record
from core.store import AlreadyExists, StoreUnavailable
from core.store.schema import check, differences, upgrade
from core.store.sql import SqlStore
from core.store.tables import METADATA, MODULES, metadata, record_classes
from tests.stores import new_postgres, new_url, new_workspace, sample


def test_every_record_class_has_its_table() -> None:
    for module in pkgutil.walk_packages(core.__path__, "core."):
        if ".migrations." not in module.name:
            importlib.import_module(module.name)
    found = {_name(kind) for kind in _below(Record) if kind.__module__.startswith("core.")}
    known = {_name(kind) for kind in record_classes()}
    assert found == known, f"add the module to MODULES, now {MODULES}"


def _name(kind: type[Record]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _below(kind: type[Record]) -> set[type[Record]]:
    """By name: a dataclass with slots leaves the class it was made from behind."""
    return {each for below in kind.__subclasses__() for each in ({below} | _below(below))}


def test_the_workspace_leads_every_key_and_index() -> None:
    for table in metadata().tables.values():
        bound = [c for c in table.constraints if isinstance(c, ColumnCollectionConstraint)]
        keys = [index.columns for index in table.indexes] + [key.columns for key in bound]
        assert len(keys) > 0
        for columns in keys:
            assert next(iter(columns)).name == "workspace_id", table.name


def test_a_migrated_database_is_what_the_records_say(sql_url: str) -> None:
    """Where this fails, write a migration: `python -m core.store.schema "what changed"`."""
    assert differences(sql_url) == []
    assert check(sql_url).ok


def test_migrations_make_the_very_tables_the_records_make(tmp_path: Path) -> None:
    """Text for text, which also sees what a comparison of names and types does not."""
    made = sa.create_engine(f"sqlite:///{tmp_path}/made.db")
    metadata().create_all(made)
    made.dispose()
    tables = _tables(f"{tmp_path}/made.db")
    migrated = _tables(new_url("sqlite", tmp_path).removeprefix("sqlite:///"))
    assert tables.keys() == migrated.keys()
    assert {name: migrated[name] for name in tables} == tables
    assert METADATA.tables.keys() <= tables.keys()


def _tables(path: str) -> dict[str, list[str]]:
    rows = sqlite3.connect(path).execute(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL "
        "AND name NOT LIKE 'alembic%'"
    )
    # One line a column or constraint; in which order they stand is no difference.
    return {
        name: sorted(line.strip().rstrip(",") for line in sql.splitlines()) for name, sql in rows
    }


def test_upgrading_again_changes_nothing(sql_url: str) -> None:
    upgrade(sql_url)
    assert check(sql_url).ok


def test_a_new_database_wants_upgrading(tmp_path: Path) -> None:
    state = check(new_postgres())
    assert (state.current, state.ok) == (None, False)
    assert "ledger_entries_no_change" in state.missing_triggers
    with pytest.raises(StoreUnavailable):
        check(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()


def test_an_upgrade_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "half.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE payouts (x)")  # in the way of the migration
    with pytest.raises(StoreUnavailable):
        upgrade(f"sqlite:///{path}")
    assert list(_tables(str(path))) == ["payouts"]


_SQLITE_EDITS = (
    "UPDATE ledger_entries SET amount_minor = 2",
    "DELETE FROM ledger_entries",
    "REPLACE INTO ledger_entries SELECT * FROM ledger_entries",
    "INSERT OR REPLACE INTO ledger_entries SELECT workspace_id, 'other', seq, at, debit, credit,"
    " 9, currency, kind, number, case_id, payout_id, previous, hash FROM ledger_entries",
    "UPDATE OR REPLACE ledger_entries SET seq = seq",
)


@pytest.mark.parametrize("edit", _SQLITE_EDITS)
def test_sqlite_refuses_to_change_the_ledger(edit: str, tmp_path: Path) -> None:
    """By any program: this connection sets nothing up, recursive_triggers least of all."""
    url = new_url("sqlite", tmp_path)
    store = SqlStore(url, "w")
    entry = sample(Entry, "1")
    store.append(entry)
    with pytest.raises(AlreadyExists):
        store.append(entry)
    foreign = sqlite3.connect(url.removeprefix("sqlite:///"))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        foreign.execute(edit)
    foreign.close()
    with store.read() as reader:
        assert reader.find(Entry) == [entry]
    store.close()


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE ledger_entries SET amount_minor = 2",
        "DELETE FROM ledger_entries WHERE false",
        "TRUNCATE ledger_entries",
        "TRUNCATE cases, ledger_entries CASCADE",
        "SET session_replication_role = replica; DELETE FROM ledger_entries",
        "INSERT INTO ledger_entries SELECT * FROM ledger_entries "
        "ON CONFLICT (workspace_id, id) DO UPDATE SET amount_minor = 2",
        "MERGE INTO ledger_entries a USING ledger_entries b ON a.id = b.id "
        "WHEN MATCHED THEN DELETE",
    ],
)
def test_postgresql_refuses_to_change_the_ledger(edit: str, tmp_path: Path) -> None:
    url = new_url("postgresql", tmp_path)
    store = SqlStore(url, new_workspace())
    entry = sample(Entry, "1")
    store.append(entry)
    with psycopg.connect(url) as foreign, pytest.raises(psycopg.errors.RestrictViolation):
        foreign.execute(edit)
    with store.read() as reader:
        assert reader.find(Entry) == [entry]
    store.close()


def test_a_guard_that_is_gone_or_hollow_is_seen_and_put_back(tmp_path: Path) -> None:
    lite, post = new_url("sqlite", tmp_path), new_postgres()
    upgrade(post)
    with sqlite3.connect(lite.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TRIGGER ledger_entries_no_update")
        connection.execute("DROP TRIGGER ledger_entries_no_delete")
        connection.execute(
            "CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries "
            "BEGIN SELECT 1; END"
        )
    assert check(lite).missing_triggers == ("ledger_entries_no_delete", "ledger_entries_no_update")
    for weaken in (
        "ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_no_change",
        "ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_no_change",
        "CREATE OR REPLACE FUNCTION amends_refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NULL; END'",
        "DROP TRIGGER ledger_entries_no_change ON ledger_entries",
    ):
        with psycopg.connect(post) as connection:
            connection.execute(weaken)
        assert "ledger_entries_no_change" in check(post).missing_triggers, weaken
        upgrade(post)
        assert check(post).ok, weaken
    upgrade(lite)
    assert check(lite).ok
