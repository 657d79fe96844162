"""Run by Alembic for each command of `core.store.schema`, on the connection it hands in."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from core.store import tables

# What SQLAlchemy makes by itself of every type of ours: a migration must not change with the code.
_PLAIN: dict[type[Any], str] = {
    tables.Instant: "sa.BigInteger()",
    tables.Day: "TEXT",
    tables.Document: "TEXT",
    sa.Text: "TEXT",
}


def render(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    return _PLAIN.get(type(item), False) if kind == "type" else False


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=tables.metadata(),
        render_item=render,
        # Batch mode rebuilds tables, by which SQLite silently loses their triggers.
        render_as_batch=False,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
