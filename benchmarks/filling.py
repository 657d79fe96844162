"""Databases as they are after years, made in minutes.

The many are copies of cases that were really settled, made in SQL with ids of their own that are
older than theirs. Indexes and guards are taken away meanwhile and made once at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa

from core.store.schema import connected
from core.store.sqlite import connect_sqlite
from core.store.tables import metadata
from core.store.triggers import create as create_triggers
from core.store.triggers import expected

#: References to connections, of which there are as many as before.
_KEPT = frozenset({"workspace_id", "till_id", "desk_id", "connection_id"})
_NOT_COPIED = frozenset({"connections", "workspaces", "policy_versions", "ledger_heads", "chores"})
#: Copies made by one statement; each table is written through once for so many.
_AT_ONCE = 20


def multiply(url: str, times: int, mould: int) -> None:
    """Copy every row of the `mould` cases that are there, so many times. Nobody else may have the
    database open."""
    started = time.perf_counter()
    with bare(url) as connection:
        for table in metadata().tables.values():
            if table.name not in _NOT_COPIED:
                connection.exec_driver_sql(
                    f"CREATE TEMPORARY TABLE mould_{table.name} AS SELECT * FROM {table.name}"
                )
        statements = [sql for sql in map(_copying, metadata().tables.values()) if sql]
        for first in range(1, times + 1, _AT_ONCE):
            last = min(first + _AT_ONCE - 1, times)
            for sql in statements:
                connection.execute(sa.text(sql), {"first": first, "last": last})
            tell(f"{(last + 1) * mould:,} cases stored", started)
    tell("indexes made", started)


@contextmanager
def bare(url: str) -> Iterator[sa.Connection]:
    """A connection that is quick, each statement a transaction, and lost if the machine stops now.
    What slows writing is put back at the end."""
    engine = _engine(url)
    lite = engine.dialect.name == "sqlite"
    indexes = [index for table in metadata().tables.values() for index in table.indexes]
    with closing(engine.connect()) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            if lite:
                connection.exec_driver_sql(f"PRAGMA {pragma}").close()
        for _, name in expected("sqlite") if lite else ():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for index in indexes:
            index.drop(connection)
        yield connection
        for index in indexes:
            index.create(connection)
        if lite:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL").close()
        else:
            connection.exec_driver_sql("ANALYZE")  # as its own housekeeping would have by then
    engine.dispose()
    with connected(url, writes=True) as connection:
        create_triggers(connection)


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = str(parsed.database)
        return sa.create_engine("sqlite://", creator=lambda: connect_sqlite(path, writes=True))
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )


def _copying(table: sa.Table) -> str | None:
    """INSERT ... SELECT of the mould's rows, with other ids and unique keys."""
    if table.name in _NOT_COPIED:
        return None
    unique = {
        column.name
        for key in table.constraints
        if isinstance(key, sa.UniqueConstraint)
        for column in key.columns
    }
    names, values = [], []
    for column in table.columns:
        if column.computed is not None:
            continue
        name, quoted = column.name, f'"{column.name}"'
        referred = name == "id" or name.endswith("_id") or name in unique
        names.append(quoted)
        if name in _KEPT or not referred:
            values.append(quoted)
        elif isinstance(column.type, sa.Text):
            # In front, so that they are older than whatever is made from now on, and each index
            # is written at its end.
            values.append(f"(1000000 + n.i) || '~' || {quoted}")
        else:
            values.append("seq + n.i * 1000000" if name == "seq" else quoted)
    return (
        "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS BIGINT) UNION ALL"
        " SELECT i + 1 FROM n WHERE i < :last)"
        f" INSERT INTO {table.name} ({', '.join(names)})"
        f" SELECT {', '.join(values)} FROM n CROSS JOIN mould_{table.name}"
    )


def tell(what: str, started: float) -> None:
    """How far it is, on the terminal."""
    print(f"{what} ({time.perf_counter() - started:.0f} s)", file=sys.stderr, flush=True)
