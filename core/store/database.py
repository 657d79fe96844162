"""A database as the store uses it: one transaction, and what may go wrong in it.

SQLAlchemy keeps the pools; statements run on the drivers' own cursors (see `statements`). What is
SQLite's own stands in `sqlite`, what is PostgreSQL's in `postgres`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from core.errors import AmendsError
from core.store import StoreUnavailable

#: How long a connection of the pool, or a turn to write, is waited for.
WAIT_SECONDS = 30.0


class Session:
    """One transaction, or a connection that is only read from."""

    __slots__ = ("_database", "_failed", "connection", "cursor")

    def __init__(self, database: Database, connection: Any) -> None:
        self._database = database
        self._failed = False
        self.connection = connection
        self.cursor = connection.cursor()

    def run(self, sql: str, values: Sequence[object] = ()) -> Any:
        """The cursor after the statement. Raises `StoreUnavailable`, after which nothing more is
        done in this transaction, or the driver's `IntegrityError`."""
        if self._failed:
            raise StoreUnavailable("the database failed earlier in this transaction; try it again")
        try:
            return self.cursor.execute(sql, values)
        except self._database.mistakes:
            raise
        except self._database.failures as error:
            self._failed = True
            raise unavailable(error) from None

    def commit(self) -> None:
        """Where a server is lost in the middle of it, nobody knows whether it was kept."""
        failed = self._failed
        try:
            self.run("COMMIT")
        except StoreUnavailable:
            if failed:
                raise
            said = "look whether it was kept before you do it again"
            raise StoreUnavailable(f"the database was lost during a commit: {said}") from None


def unavailable(error: Exception) -> StoreUnavailable:
    """What the driver said in one line: it names no values and no password."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "unable to open database file" in said:
        return StoreUnavailable(
            "there is no database at AMENDS_DATABASE_URL, or its folder is not there: look at the "
            f"setting, then run `amends db upgrade` ({said})"
        )
    if "no such table" in said or "does not exist" in said or "no such column" in said:
        return StoreUnavailable(
            f"the database has not our tables: run `amends db upgrade` ({said})"
        )
    return StoreUnavailable(f"the database could not be used; nothing was kept ({said})")


class Database(Protocol):
    dialect: sa.Dialect
    #: What a driver raises where a unique key collides, or where the statement is wrong.
    mistakes: tuple[type[Exception], ...]
    #: What it raises where the database cannot be used.
    failures: tuple[type[Exception], ...]
    #: What a driver raises where a unique key would collide.
    collision: tuple[type[Exception], ...]
    #: Asks for its own clock in microseconds, where it may be another machine's.
    clock: str | None
    pid: int

    def reading(self) -> contextlib.AbstractContextManager[Session]: ...

    def writing(self) -> contextlib.AbstractContextManager[Session]:
        """Committed at the end, rolled back if the block raises."""
        ...

    def trying(self, session: Session) -> contextlib.AbstractContextManager[None]:
        """Around a statement that may collide, after which the transaction is to go on."""
        ...

    def close(self) -> None: ...


class BadAddress(AmendsError, ValueError):
    """What should be the address of a database is none; it may hold a password and is not shown."""

    def __init__(self) -> None:
        super().__init__("a database is sqlite:///a/file.db or postgresql://user@host/name")


def parsed_url(url: str) -> sa.URL:
    """Raises `BadAddress`."""
    try:
        parsed = sa.make_url(url)
        kind = parsed.get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        raise BadAddress from None
    in_a_file = kind == "sqlite" and parsed.database not in (None, "", ":memory:")
    if not in_a_file and kind != "postgresql":
        raise BadAddress
    return parsed


def open_database(url: str) -> Database:
    """`sqlite:///path` or `postgresql://...`. Raises `BadAddress` for anything else."""
    from core.store.postgres import Postgres
    from core.store.sqlite import Sqlite

    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Sqlite(str(parsed.database))
    return Postgres(parsed)


class Guard(threading.local):
    """Whether this thread has a transaction open: a second one would wait for the first for ever,
    and a read outside it would not see what it wrote."""

    writing = False

    def refuse_nesting(self) -> None:
        if self.writing:
            raise RuntimeError("a transaction of this thread is open: use it instead of the store")
