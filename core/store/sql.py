"""The store in SQL: SQLite, with nothing to install, or PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.record import Record
from core.store import Lease, Reader, Tx, waking
from core.store.database import Database, Guard, Session, open_database
from core.store.leased import WorkPlan
from core.store.postgres import Postgres
from core.store.statements import Plan
from core.store.transaction import Reads, Row, Transaction, exists, insert, lost, of_lease
from core.store.turns import SharedCommits
from core.store.values import from_micros, to_micros

R = TypeVar("R", bound=Record)


class SqlStore:
    """One workspace of the database at `url`. Safe to share among threads. A child process made by
    fork gets connections of its own. The tables are made by `core.store.schema.upgrade`."""

    def __init__(self, url: str, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self._url = url
        self._guard = Guard()
        self._plans: dict[type[Record], Plan[Any]] = {}
        self._inherited: list[object] = []
        self._open()

    def _open(self) -> None:
        self._database: Database = open_database(self._url)
        self._shared: SharedCommits[Row] = SharedCommits(self._keep)

    def _here(self) -> Database:
        """This process's connections, to be used outside any transaction. Those of a parent are
        kept, unused, for ever: closing them here would end the parent's locks."""
        if self._database.pid != os.getpid():
            self._inherited.append((self._database, self._shared))
            self._guard = Guard()
            self._open()
        self._guard.refuse_nesting()
        return self._database

    def plan(self, kind: type[R]) -> Plan[R]:
        plan = self._plans.get(kind)
        if plan is None:
            make = WorkPlan if kind.TABLE.leased else Plan
            plan = self._plans[kind] = make(kind, self._database.dialect, self.workspace_id)
        return plan

    def work_plan(self, kind: type[R]) -> WorkPlan[R]:
        plan = self.plan(kind)
        if not isinstance(plan, WorkPlan):
            raise TypeError(f"{plan.name} is not leased")
        return plan

    @contextmanager
    def read(self) -> Iterator[Reader]:
        with self._here().reading() as session:
            yield Reads(self, session)

    @contextmanager
    def write(self, *leases: Lease) -> Iterator[Tx]:
        with self._writing() as session:
            tx = Transaction(self, session)
            for lease in sorted(leases, key=lambda lease: (lease.kind.TABLE.name, lease.id)):
                tx.check(lease)
            yield tx
            tx.end()

    def append(self, record: Record) -> None:
        self._here()
        plan = self.plan(type(record))
        self._shared.add((plan, record.id, plan.encode(record)))

    def _keep(self, take: Callable[[], list[Row]]) -> list[BaseException | None]:
        """Insert what is waiting once the turn to write has come."""
        with self._writing() as session:
            return [
                None if insert(self, session, row) else exists(row[0], row[1]) for row in take()
            ]

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        plan, at = self.work_plan(kind), to_micros(now)
        first = self.next_due(kind)  # a look costs no turn to write
        if first is None or first > now or limit < 1:
            return []
        until = now + length
        values = {
            "in_workspace": self.workspace_id,
            "now": at,
            "limit": limit,
            "owner": owner,
            "until": to_micros(until),
        }
        with self._writing() as session:
            rows = session.run(plan.claim.sql, plan.claim.fill(values)).fetchall()
        rows.sort(key=lambda row: (min(due for due in row[2:] if due is not None), row[0]))
        return [Lease(kind, row[0], row[1], until) for row in rows]

    def renew(self, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
        plan, until = self.work_plan(lease.kind), now + length
        values = {**of_lease(self, lease), "until": to_micros(until)}
        with self._writing() as session:
            if session.run(plan.renew.sql, plan.renew.fill(values)).rowcount != 1:
                raise lost(lease)
        return Lease(lease.kind, lease.id, lease.fence, until)

    def next_due(self, kind: type[Record]) -> datetime | None:
        plan = self.work_plan(kind)
        with self._here().reading() as session:
            values = plan.ready.fill({"in_workspace": self.workspace_id})
            row = session.run(plan.ready.sql, values).fetchone()
        return from_micros(row[0]) if row else None

    def clock(self) -> datetime | None:
        asking = self._here().clock
        if asking is None:
            return None
        with self._here().reading() as session:
            return from_micros(session.run(asking).fetchone()[0])

    def wakes(self, until: threading.Event) -> Iterator[None]:
        database = self._here()
        if isinstance(database, Postgres):
            return waking.heard(database, self.workspace_id, until)
        return iter(())

    def close(self) -> None:
        """Close this process's connections, after the open transaction."""
        self._here().close()

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._here().writing() as session:
            guard = self._guard
            guard.writing = True
            try:
                yield session
            finally:
                guard.writing = False

    def refuse_nesting(self) -> None:
        self._guard.refuse_nesting()

    def trying(self, session: Session) -> AbstractContextManager[None]:
        return self._database.trying(session)

    @property
    def collision(self) -> tuple[type[Exception], ...]:
        return self._database.collision
