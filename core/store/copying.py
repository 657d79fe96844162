"""A database copied into another, of the same kind or not: every workspace, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from core.errors import AmendsError
from core.ledger import HEAD, Head
from core.ledger_check import verify
from core.people import Workspace
from core.store import schema
from core.store.database import parsed_url
from core.store.sql import SqlStore
from core.store.tables import metadata, table_of

_BATCH = 500
#: Why payouts are halted in a database that was copied, as `Workspace.halted_why` says it.
MOVED = "copied to another database with `amends db copy`; if this one is used after all: resume"


class CannotCopy(AmendsError):
    """Nothing was copied, or what was copied is not the same; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Copied:
    """Rows by table, ledger entries verified by workspace."""

    rows: Mapping[str, int]
    entries: Mapping[str, int]


def copy(source: str, target: str) -> Copied:
    """Copy everything, read it back, and verify each ledger. `target` is made where it is not there
    and must be empty. Nobody writes to the source meanwhile, and its payouts are halted afterwards:
    two databases that both pay would pay twice. Raises `CannotCopy`, `StoreUnavailable`."""
    if parsed_url(source) == parsed_url(target):
        raise CannotCopy("a database cannot be copied onto itself; name another one")
    if not schema.check(source).ok:
        raise CannotCopy("the database is not up to date: run `amends db upgrade` first")
    schema.upgrade(target)
    with schema.connected(source, writes=True) as here:
        _hold(here)
        before = _state(here)
        with schema.connected(target, writes=True) as there:
            _refuse_filled(there)
            for table in metadata().sorted_tables:
                _copy_table(here, there, table)
        with schema.connected(target, writes=False) as there:
            _compare(before, _state(there))
        entries = _verified(target, _workspaces(here))
        here.execute(sa.update(table_of(Workspace)).values(halted_why=MOVED))
    return Copied({name: count for name, (count, _) in before.items()}, entries)


def _hold(connection: sa.Connection) -> None:
    """Keep everybody else from writing. SQLite does it by the transaction alone."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(sorted(metadata().tables))
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def _refuse_filled(connection: sa.Connection) -> None:
    for name, table in metadata().tables.items():
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise CannotCopy(f"the other database has rows already (in {name}); name an empty one")


def _copy_table(here: sa.Connection, there: sa.Connection, table: sa.Table) -> None:
    plain = _plain(table)
    insert = sa.insert(plain)
    rows = _rows(here, table)
    while batch := list(islice(rows, _BATCH)):
        there.execute(insert, [dict(zip(plain.c.keys(), row, strict=True)) for row in batch])


def _plain(table: sa.Table) -> sa.TableClause:
    """The table's columns as the driver has them, without what the database computes."""
    columns = [column for column in table.columns if column.computed is None]
    return sa.table(table.name, *(sa.column(c.name, _as_kept(c.type)) for c in columns))


def _as_kept(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return type_.impl_instance if isinstance(type_, sa.types.TypeDecorator) else type_


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[tuple[object, ...]]:
    plain = _plain(table)
    query = sa.select(plain).order_by(*(plain.c[key.name] for key in table.primary_key))
    for row in connection.execute(query.execution_options(yield_per=_BATCH)):
        yield tuple(row)


def _state(connection: sa.Connection) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest over all of them."""
    found = {}
    for table in metadata().sorted_tables:
        digest, count = hashlib.sha256(), 0
        for count, row in enumerate(_rows(connection, table), 1):  # noqa: B007 - the last one counts
            digest.update(repr(row).encode())
        found[table.name] = (count, digest.hexdigest())
    return found


def _compare(before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]) -> None:
    for name, (count, digest) in before.items():
        if after[name] != (count, digest):
            raise CannotCopy(
                f"{name} is not the same in the copy ({count} rows here, {after[name][0]} there); "
                "throw the copy away and try again"
            )


def _workspaces(connection: sa.Connection) -> list[str]:
    heads = table_of(Head)
    return [str(id) for id in connection.scalars(sa.select(heads.c.workspace_id))]


def _verified(url: str, workspaces: list[str]) -> dict[str, int]:
    """Entries by workspace, each ledger read whole in the copy."""
    entries = {}
    for workspace in workspaces:
        store = SqlStore(url, workspace)
        try:
            with store.read() as reader:
                found, head = verify(reader), reader.get(Head, HEAD)
        finally:
            store.close()
        if not found.ok or head is None:
            raise CannotCopy(f"in the copy the ledger of {workspace} is wrong: {found.problem}")
        entries[workspace] = found.entries
    return entries
