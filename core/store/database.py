"""SQLite and PostgreSQL as the store uses them: connections, transactions, and what may go wrong.

SQLAlchemy keeps the pools; statements run on the drivers' own cursors (see `statements`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from core.errors import AmendsError
from core.store import StoreUnavailable
from core.store.turns import Turns

_WAIT_SECONDS = 30.0
_BUSY_SECONDS = 10.0


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
    parsed = parsed_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Sqlite(str(parsed.database))
    return Postgres(parsed)


def connect_sqlite(path: str, *, writes: bool) -> sqlite3.Connection:
    """A connection as every part of ours has it. `isolation_level=None` leaves transactions to us:
    the driver's own would begin as readers and lose updates when they turn writers."""
    mode = "rwc" if writes else "ro"
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(
        f"file:{quoted}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_SECONDS,
        cached_statements=512,
    )
    try:
        if writes:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            # Else REPLACE deletes rows without asking the triggers that guard the ledger.
            connection.execute("PRAGMA recursive_triggers=ON")
        else:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


class Sqlite:
    """One writing connection, handed from thread to thread in turn; readers of their own that see
    the last commit. Other processes may write too and are waited for."""

    collision: tuple[type[Exception], ...] = (sqlite3.IntegrityError,)
    mistakes: tuple[type[Exception], ...] = (
        sqlite3.IntegrityError,
        sqlite3.ProgrammingError,
        sqlite3.DataError,
    )
    failures: tuple[type[Exception], ...] = (sqlite3.Error,)
    clock: str | None = None

    def __init__(self, path: str) -> None:
        from sqlalchemy.dialects import sqlite

        self.dialect: sa.Dialect = sqlite.dialect(paramstyle="qmark")
        self.pid = os.getpid()
        self._path = path
        self._turns = Turns()
        self._writer: sqlite3.Connection | None = None
        self._readers = QueuePool(
            lambda: connect_sqlite(path, writes=False),  # type: ignore[arg-type]
            pool_size=16,
            max_overflow=48,
            timeout=_WAIT_SECONDS,
            reset_on_return=None,
            use_lifo=True,
        )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        try:
            connection = self._readers.connect()
        except (sqlite3.Error, sa.exc.TimeoutError) as error:
            raise unavailable(error) from None
        session = Session(self, connection)
        try:
            yield session
        finally:
            session.cursor.close()  # a statement half read would hold on to an old state
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        if not self._turns.acquire(_WAIT_SECONDS):
            raise StoreUnavailable("another transaction has been writing for too long; try again")
        try:
            session = self._begin()
            try:
                yield session
                session.run("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        finally:
            self._turns.release()

    def _begin(self) -> Session:
        try:
            if self._writer is None:
                self._writer = connect_sqlite(self._path, writes=True)
            session = Session(self, self._writer)
        except sqlite3.Error as error:
            raise unavailable(error) from None
        session.run("BEGIN IMMEDIATE")
        return session

    def _roll_back(self) -> None:
        writer = self._writer
        try:
            if writer is not None and writer.in_transaction:
                writer.execute("ROLLBACK")
        except sqlite3.Error:
            self._writer = None
            if writer is not None:
                writer.close()

    @contextmanager
    def trying(self, session: Session) -> Iterator[None]:
        yield  # SQLite undoes the statement alone

    def close(self) -> None:
        """Waits for the open transaction."""
        self._turns.acquire(_WAIT_SECONDS)
        try:
            self._readers.dispose()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        finally:
            self._turns.release()


class Postgres:
    """A pool of connections, READ COMMITTED; whoever is to be waited for is locked by row."""

    clock: str | None = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

    def __init__(self, url: sa.URL) -> None:
        import psycopg
        from psycopg import errors
        from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

        self.dialect: sa.Dialect = PGDialect_psycopg(paramstyle="format")  # type: ignore[no-untyped-call]
        self.failures: tuple[type[Exception], ...] = (
            psycopg.OperationalError,  # lost connections, full disks, deadlocks, timeouts
            psycopg.InterfaceError,
            errors.ReadOnlySqlTransaction,
            errors.IdleInTransactionSessionTimeout,
            errors.UndefinedTable,
            errors.UndefinedColumn,
        )
        self.collision: tuple[type[Exception], ...] = (errors.UniqueViolation,)
        self.mistakes: tuple[type[Exception], ...] = ()
        self._refusals: tuple[type[Exception], ...] = (*self.failures, sa.exc.TimeoutError)
        self.pid = os.getpid()
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool = QueuePool(
            self.connect,
            pool_size=8,
            max_overflow=24,
            timeout=_WAIT_SECONDS,
            reset_on_return=None,
            use_lifo=True,
        )

    def connect(self) -> Any:
        """A connection beside the pool. Whether the other machine is still there is asked of it by
        the system after half a minute without a word: whoever listens says none for hours."""
        import psycopg

        connection = psycopg.connect(
            self._conninfo,
            autocommit=True,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        connection.prepared_max = 500
        # A process that was stopped in the middle must not keep everybody else from its rows.
        connection.execute("SET lock_timeout = '20s'")
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        return connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        connection = self._check_out()
        session = Session(self, connection)
        try:
            yield session
        finally:
            self._check_in(connection)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        connection = self._check_out()
        try:
            session = Session(self, connection)
            session.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            yield session
            session.commit()
        finally:
            self._check_in(connection)

    def _check_out(self) -> Any:
        try:
            return self._pool.connect()
        except self._refusals as error:
            raise unavailable(error) from None

    def _check_in(self, connection: Any) -> None:
        """Back to the pool as it came: outside a transaction. One that cannot be is thrown away,
        and if the server closed it, so are the others that lie idle."""
        from psycopg.pq import TransactionStatus

        raw = connection.dbapi_connection
        try:
            if not raw.closed and raw.info.transaction_status != TransactionStatus.IDLE:
                raw.execute("ROLLBACK")
        except self.failures:
            raw.close()
        if raw.closed:
            connection.invalidate()
            idle, self._pool = self._pool, self._pool.recreate()
            idle.dispose()
        else:
            connection.close()

    @contextmanager
    def trying(self, session: Session) -> Iterator[None]:
        session.run("SAVEPOINT attempt")
        try:
            yield
        except self.collision:
            session.run("ROLLBACK TO SAVEPOINT attempt")
            raise
        session.run("RELEASE SAVEPOINT attempt")

    def close(self) -> None:
        self._pool.dispose()


class Guard(threading.local):
    """Whether this thread has a transaction open: a second one would wait for the first for ever,
    and a read outside it would not see what it wrote."""

    writing = False

    def refuse_nesting(self) -> None:
        if self.writing:
            raise RuntimeError("a transaction of this thread is open: use it instead of the store")
