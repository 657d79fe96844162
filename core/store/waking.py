"""How a worker hears at once of work that others left, where PostgreSQL keeps the tables.

The tables are the truth, and this only saves waiting. A trigger says so on the workspace's channel
where a row of a leased table can be claimed from now on. PostgreSQL passes it on once for each
transaction, when it commits, and not at all when it is rolled back; whoever does not listen at that
moment never hears of it, and finds the row by looking.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import closing

import sqlalchemy as sa

from core.store.database import open_database, unavailable
from core.store.postgres import Postgres
from core.store.tables import record_classes

log = logging.getLogger(__name__)

_FUNCTION = "amends_say_due"
#: The same name as `channel` makes: any workspace's, in the 63 bytes a name may have.
_FUNCTION_BODY = """
BEGIN
    PERFORM pg_notify('amends_' || left(encode(
        sha256(convert_to(NEW.workspace_id, 'UTF8')), 'hex'), 32), '');
    RETURN NULL;
END
"""
#: In whole microseconds by the database's clock, which may be a second behind ours.
_SOON = "extract(epoch FROM clock_timestamp()) * 1000000 + 1000000"

_LOOK_SECONDS = 0.5
_PASSES_WITHIN_SECONDS = 2.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0


def channel(workspace_id: str) -> str:
    return "amends_" + hashlib.sha256(workspace_id.encode()).hexdigest()[:32]


def create(connection: sa.Connection) -> None:
    """Have every leased table say so. Nothing is done on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
        f"AS $${_FUNCTION_BODY}$$"
    )
    for table in silent(connection):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_due ON {table}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_due AFTER INSERT OR UPDATE ON public.{table} FOR EACH ROW "
            f"WHEN (NEW.ready_at <= {_SOON}) EXECUTE FUNCTION {_FUNCTION}()"
        )


def silent(connection: sa.Connection) -> tuple[str, ...]:
    """Leased tables that do not say when a row becomes due. None on SQLite."""
    if connection.dialect.name != "postgresql":
        return ()
    there = connection.exec_driver_sql(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    present = set(there.scalars())
    leased = [kind.TABLE.name for kind in record_classes() if kind.TABLE.leased]
    return tuple(name for name in leased if f"{name}_due" not in present)


def heard(database: Postgres, workspace_id: str, until: threading.Event) -> Iterator[None]:
    """Yields once for each thing heard, and whenever something may have been missed: at the start,
    and after each lost connection. Ends soon after `until` is set."""
    pause = _PAUSE_SECONDS
    while not until.is_set():
        try:
            with closing(database.connect()) as connection:
                connection.execute(f"LISTEN {channel(workspace_id)}")
                yield
                pause = _PAUSE_SECONDS
                while not until.is_set():
                    for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                        yield
        except database.failures as error:
            log.warning("new work is found by looking for it: %s", unavailable(error))
            until.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def passes(url: str, workspace_id: str) -> bool:
    """Whether what is said is heard; true on SQLite, where nobody is to listen. A pooler that lends
    a connection for a transaction only takes the listener's away. Raises `StoreUnavailable`."""
    database = open_database(url)
    if not isinstance(database, Postgres):
        return True
    try:
        with closing(database.connect()) as listens, closing(database.connect()) as says:
            listens.execute(f"LISTEN {channel(workspace_id)}")
            says.execute("SELECT pg_notify(%s, '')", (channel(workspace_id),))
            return any(listens.notifies(timeout=_PASSES_WITHIN_SECONDS, stop_after=1))
    except database.failures as error:
        raise unavailable(error) from None
