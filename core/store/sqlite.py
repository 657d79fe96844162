"""SQLite: its connections and transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import QueuePool

from core.store import StoreUnavailable
from core.store.database import WAIT_SECONDS, Session, unavailable
from core.store.turns import Turns
from core.store.versions import VERSION, refuse_newer

_BUSY_SECONDS = 10.0


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
        self.dialect: sa.Dialect = sqlite.dialect(paramstyle="qmark")
        self.pid = os.getpid()
        self._path = path
        self._turns = Turns()
        self._writer: sqlite3.Connection | None = None
        self._readers = QueuePool(
            lambda: connect_sqlite(path, writes=False),  # type: ignore[arg-type]
            pool_size=16,
            max_overflow=48,
            timeout=WAIT_SECONDS,
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
        if not self._turns.acquire(WAIT_SECONDS):
            raise StoreUnavailable("another transaction has been writing for too long; try again")
        try:
            session = self._begin()
            try:
                refuse_newer(session.run(VERSION).fetchone())
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
        self._turns.acquire(WAIT_SECONDS)
        try:
            self._readers.dispose()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        finally:
            self._turns.release()
