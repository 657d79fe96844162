"""The SQL tables, made from the record classes: nothing about storage is written twice.

`workspace_id` leads every key and index. Instants are whole microseconds in UTC, dates ISO text,
documents canonical JSON text. A leased table carries the lease, the fence and the wake; its
`ready_at` is computed by the database: when the row can next be claimed.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.record import Record
from core.store.values import FROM_COLUMN, TO_COLUMN, Kind, fields_of

#: Where record classes are declared. A test finds one that is declared anywhere else in core.
MODULES = (
    "core.approval",
    "core.authority.rows",
    "core.case",
    "core.chores",
    "core.clocks",
    "core.connection",
    "core.followup",
    "core.fx",
    "core.grant",
    "core.journal",
    "core.ledger",
    "core.letter",
    "core.link",
    "core.limits_kept",
    "core.notices",
    "core.offer",
    "core.pace",
    "core.payout",
    "core.people",
    "core.policies",
    "core.session",
    "core.signin",
)

_MAKING = threading.Lock()

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

#: PostgreSQL would order text by the server's language; ids are ordered by their bytes everywhere.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Instant(TypeDecorator[datetime]):
    """An aware instant as whole microseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else TO_COLUMN[Kind.INSTANT](value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else FROM_COLUMN[Kind.INSTANT](value)


class _AsText(TypeDecorator[Any]):
    impl = TEXT
    cache_ok = True
    kind: Kind

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else TO_COLUMN[self.kind](value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else FROM_COLUMN[self.kind](value)


class Day(_AsText):
    """A date as ISO text."""

    kind = Kind.DATE
    cache_ok = True


class Document(_AsText):
    """A JSON document as canonical text."""

    kind = Kind.DOC
    cache_ok = True


_TYPES: dict[Kind, Callable[[], TypeEngine[Any]]] = {
    Kind.TEXT: lambda: TEXT,
    Kind.INT: sa.BigInteger,
    Kind.BOOL: lambda: sa.Boolean(create_constraint=False),
    Kind.BYTES: sa.LargeBinary,
    Kind.INSTANT: Instant,
    Kind.DATE: Day,
    Kind.DOC: Document,
}

# The later of: when something is due (by itself or by a wake), and when the lease runs out.
_DUE = "CASE WHEN wake_at IS NULL OR due_at <= wake_at THEN due_at ELSE wake_at END"
_READY = f"CASE WHEN lease_until > ({_DUE}) THEN lease_until ELSE ({_DUE}) END"


def record_classes() -> tuple[type[Record], ...]:
    """Every record class of `MODULES`, by table name."""
    found: dict[str, type[Record]] = {}
    for name in MODULES:
        for value in vars(importlib.import_module(name)).values():
            if not isinstance(value, type) or not issubclass(value, Record) or value is Record:
                continue
            if found.setdefault(value.TABLE.name, value) is not value:
                raise TypeError(f"two record classes name the table {value.TABLE.name}")
    return tuple(found[name] for name in sorted(found))


def table_of(kind: type[Record], metadata: sa.MetaData = METADATA) -> sa.Table:
    """The table of a record class, made on first use, once: threads may need it at one moment."""
    with _MAKING:
        made = metadata.tables.get(kind.TABLE.name)
        return made if made is not None else _make(kind, metadata)


def _make(kind: type[Record], metadata: sa.MetaData) -> sa.Table:
    said = kind.TABLE
    columns: list[sa.Column[Any]] = [sa.Column("workspace_id", TEXT, nullable=False)]
    for field in fields_of(kind):
        columns.append(sa.Column(field.name, _TYPES[field.kind](), nullable=field.nullable))
    if said.leased:
        columns += [
            sa.Column("lease_owner", TEXT),
            sa.Column("lease_until", Instant()),
            sa.Column("fence", sa.BigInteger, nullable=False),
            sa.Column("wake_at", Instant()),
            sa.Column("woken_under", sa.BigInteger, nullable=False),
            sa.Column("ready_at", Instant(), sa.Computed(_READY, persisted=True)),
        ]
    table = sa.Table(
        said.name,
        metadata,
        *columns,
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        *(sa.UniqueConstraint("workspace_id", *cols) for cols in said.unique),
    )
    for cols in said.index:
        # `id` last: what is found this way is wanted in the order of ids.
        sa.Index(None, table.c.workspace_id, *(table.c[col] for col in cols), table.c.id)
    if said.leased:
        ready = table.c.ready_at
        some = ready.is_not(None)
        sa.Index(
            None, table.c.workspace_id, ready, table.c.id, sqlite_where=some, postgresql_where=some
        )
    return table


def metadata() -> sa.MetaData:
    """All tables."""
    for kind in record_classes():
        table_of(kind)
    return METADATA


def append_only_tables() -> tuple[str, ...]:
    return tuple(kind.TABLE.name for kind in record_classes() if kind.TABLE.append_only)
