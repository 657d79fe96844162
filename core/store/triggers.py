"""Triggers that keep append-only tables so, and the look whether they are in place.

They stop mistakes and casual edits by every door, also other programs'. Whoever owns the database
can take them away: that is what `amends ledger verify` and an anchor are for.
"""

from __future__ import annotations

import sqlalchemy as sa

from core.record import Record
from core.store.tables import record_classes

_SAYS = "append-only: rows of {table} cannot be changed"

_FUNCTION = "amends_refuse_change"
_FUNCTION_BODY = """
BEGIN
    RAISE EXCEPTION 'append-only: rows of % cannot be changed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
"""


def expected(dialect: str) -> dict[tuple[str, str], str]:
    """(table, trigger's name) -> SQL of every trigger there should be."""
    found: dict[tuple[str, str], str] = {}
    for kind in record_classes():
        if kind.TABLE.append_only:
            made = _sqlite(kind) if dialect == "sqlite" else _postgresql(kind.TABLE.name)
            found.update({(kind.TABLE.name, name): sql for name, sql in made.items()})
    return found


def _sqlite(kind: type[Record]) -> dict[str, str]:
    table = kind.TABLE.name
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_SAYS.format(table=table)}'); END"
    keys = [("id",), *kind.TABLE.unique]
    # Without recursive_triggers REPLACE deletes unasked, and other programs do not set it: so
    # a row that would take another's place is refused before it is looked at as a conflict.
    # One look-up for each key: as one condition with OR it would read the whole table.
    taken = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE workspace_id = NEW.workspace_id AND "  # noqa: S608
        + " AND ".join(f"{column} = NEW.{column}" for column in key)
        + ")"
        for key in keys
    )
    return {
        f"{table}_no_update": f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"{table}_no_delete": f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        f"{table}_no_replace": f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN {taken} {refuse}",
    }


def _postgresql(table: str) -> dict[str, str]:
    name = f"{table}_no_change"
    return {
        name: f"CREATE TRIGGER {name} BEFORE DELETE OR UPDATE OR TRUNCATE ON public.{table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"
    }


def create(connection: sa.Connection) -> None:
    """Put every trigger in place. To be called at the end of every migration: rebuilding a table
    drops its triggers without a word."""
    wanted = expected(connection.dialect.name)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$%s$$" % _FUNCTION_BODY.replace("%", "%%")
        )
    there = sa.inspect(connection)
    present = _present(connection)
    for (table, name), sql in wanted.items():
        if present.get(name) == sql or not there.has_table(table):
            continue
        connection.exec_driver_sql(_drop(connection.dialect.name, table, name))
        connection.exec_driver_sql(sql)
        if connection.dialect.name == "postgresql":
            # ALWAYS: also for a session that says it is replaying a replica's changes.
            connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def _drop(dialect: str, table: str, name: str) -> str:
    return f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if dialect == "postgresql" else "")


def missing(connection: sa.Connection) -> tuple[str, ...]:
    """Names of triggers that are not there, are switched off, or say something else."""
    present = _present(connection)
    wanted = expected(connection.dialect.name)
    return tuple(sorted(name for (_, name), sql in wanted.items() if present.get(name) != sql))


def _present(connection: sa.Connection) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type='trigger'"
        )
        return {str(name): str(sql) for name, sql in rows}
    rows = connection.execute(
        sa.text(
            "SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t "
            "JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE NOT t.tgisinternal AND t.tgenabled = 'A' AND p.prosrc = :body"
        ),
        {"body": _FUNCTION_BODY},
    )
    return {str(name): str(sql) for name, sql in rows}
