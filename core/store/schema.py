"""The database's schema: brought up to date, looked at, and new migrations drafted."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.types import TypeEngine

from core.store import triggers, waking
from core.store.database import parsed_url, unavailable
from core.store.sqlite import connect_sqlite
from core.store.tables import metadata
from core.store.versions import LOCK, MIGRATIONS, refuse_newer

# It is looked at on every start, and Alembic would tell of each look.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`current` and `wanted` are revisions; `missing_triggers` are guards of append-only tables
    that are not in place, `silent_tables` tell no worker when something is due."""

    current: str | None
    wanted: str
    missing_triggers: tuple[str, ...]
    silent_tables: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.current == self.wanted and not (self.missing_triggers or self.silent_tables)


def upgrade(url: str) -> None:
    """Bring the database up to date, whole or not at all; nothing is done where it is. Two that do
    it at once do it one after the other, and not in the middle of anybody's transaction. Raises
    `StoreUnavailable`."""
    with connected(url, writes=True) as connection:
        _refuse_newer(connection)
        command.upgrade(_config(connection), "head")
        triggers.create(connection)
        waking.create(connection)


def require_known(url: str) -> None:
    """Raises `NewerTables`, and `StoreUnavailable` where there is no such database."""
    with connected(url, writes=False) as connection:
        _refuse_newer(connection)


def _refuse_newer(connection: sa.Connection) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    refuse_newer((current,) if current is not None else None)


def check(url: str) -> SchemaState:
    """Raises `StoreUnavailable` where there is no such database."""
    with connected(url, writes=False) as connection:
        return SchemaState(
            MigrationContext.configure(connection).get_current_revision(),
            str(ScriptDirectory.from_config(_config(None)).get_current_head()),
            triggers.missing(connection),
            waking.silent(connection),
        )


def differences(url: str) -> list[object]:
    """What a migrated database lacks or has too much, against the record classes."""
    with connected(url, writes=False) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": _other_type})
        return list(compare_metadata(context, metadata()))


def _other_type(
    context: MigrationContext,
    inspected: sa.Column[Any],
    wanted: sa.Column[Any],
    inspected_type: TypeEngine[Any],
    wanted_type: TypeEngine[Any],
) -> bool:
    """Whether a column is declared otherwise than the database has it, in the database's words."""
    dialect = context.dialect
    return inspected_type.compile(dialect) != wanted_type.compile(dialect)


def draft(message: str) -> None:
    """Write a migration from what the last one made to what the record classes say now."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/draft.db"
        made = len(list((MIGRATIONS / "versions").glob("*.py")))
        if made:
            upgrade(url)
        with connected(url, writes=True) as connection:
            config = _config(connection)
            command.revision(config, message, autogenerate=True, rev_id=f"{made + 1:04d}")


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


@contextmanager
def connected(url: str, *, writes: bool) -> Iterator[sa.Connection]:
    """One transaction on a connection of its own."""
    parsed = parsed_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            path = str(parsed.database)
            engine = sa.create_engine(
                "sqlite://",
                creator=lambda: connect_sqlite(path, writes=writes),
                poolclass=sa.NullPool,
            )
        else:
            engine = sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool
            )
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                # The driver is left without transactions of its own, so SQLAlchemy opens none.
                connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            elif writes:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            yield connection
            connection.commit()
    except sa.exc.DBAPIError as error:
        raise unavailable(error.orig if isinstance(error.orig, Exception) else error) from None


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]) or "change")
