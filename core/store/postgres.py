"""PostgreSQL: its connections and transactions. The driver is asked for only where it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from core.store.database import WAIT_SECONDS, Session, unavailable
from core.store.versions import LOCK, VERSION, refuse_newer

#: In one go. Whoever upgrades holds the lock alone, so the tables stay what they are found to be
#: until the transaction ends.
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    f"SELECT pg_advisory_xact_lock_shared({LOCK}); {VERSION}"
)


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
            timeout=WAIT_SECONDS,
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
            session.run(_BEGIN)
            while session.cursor.nextset():
                pass
            refuse_newer(session.cursor.fetchone())
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
