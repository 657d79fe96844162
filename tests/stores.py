"""The three stores for tests, so that whatever is remembered is tried on all of them.

    from tests.stores import KINDS, open_store, store  # `store` is a fixture over all three

PostgreSQL is a real one from PyPI, started once per test process on a socket of its own and stopped
with it. Its tests share one migrated database: each store gets a workspace nobody else has.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pgserver
import psycopg
import pytest

from core.record import Record
from core.store import Store
from core.store.memory import MemoryStore
from core.store.schema import upgrade
from core.store.sql import SqlStore
from core.store.values import Kind, fields_of

R = TypeVar("R", bound=Record)

KINDS = ("memory", "sqlite", "postgresql")
SQL_KINDS = ("sqlite", "postgresql")

_numbers = itertools.count(1)


def new_workspace() -> str:
    """A workspace id that no other test of this run has."""
    return f"ws_{os.getpid()}_{next(_numbers)}"


@functools.cache
def postgres_server() -> str:
    """URL of the server's own database. Ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="amends-pg-"))
    server = pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.cleanup)
    return str(server.get_uri())


def new_postgres(name: str | None = None) -> str:
    """URL of a new, empty database."""
    name = name or f"db_{os.getpid()}_{next(_numbers)}"
    base = postgres_server()
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return base.replace("/postgres?", f"/{name}?", 1)


@functools.cache
def _migrated_postgres() -> str:
    url = new_postgres()
    upgrade(url)
    return url


@functools.cache
def _migrated_sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def new_url(kind: str, tmp_path: Path) -> str:
    """URL of a migrated database: a new file, or the PostgreSQL that tests share."""
    if kind == "postgresql":
        return _migrated_postgres()
    path = tmp_path / f"amends_{next(_numbers)}.db"
    path.write_bytes(_migrated_sqlite())
    return f"sqlite:///{path}"


def open_store(kind: str, tmp_path: Path, workspace_id: str | None = None) -> Store:
    """An empty store of this kind; close it when done."""
    workspace_id = workspace_id or new_workspace()
    if kind == "memory":
        return MemoryStore(workspace_id)
    return SqlStore(new_url(kind, tmp_path), workspace_id)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind in turn."""
    opened = open_store(request.param, tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=SQL_KINDS)
def sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of each kind in turn."""
    return new_url(request.param, tmp_path)


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

_PLAIN: dict[Kind, object] = {
    Kind.TEXT: "text",
    Kind.INT: 1,
    Kind.BOOL: True,
    Kind.BYTES: b"body",
    Kind.INSTANT: NOW,
    Kind.DATE: NOW.date(),
    Kind.DOC: {},
}


def sample(kind: type[R], id: str, **given: object) -> R:
    """A record of this class; what is not given is filled in, unique keys by the id."""
    values: dict[str, Any] = {}
    keys = {column for columns in kind.TABLE.unique for column in columns}
    for field in fields_of(kind):
        if field.name in given:
            values[field.name] = given[field.name]
        elif field.nullable:
            values[field.name] = None
        elif field.enum is not None:
            values[field.name] = next(iter(field.enum))
        elif field.kind is Kind.TEXT and field.name in keys:
            values[field.name] = id
        else:
            values[field.name] = _PLAIN[field.kind]
    return kind(**{**values, "id": id})
