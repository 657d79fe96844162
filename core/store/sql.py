"""The store in SQL: SQLite, with nothing to install, or PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.record import Record
from core.store import AlreadyExists, Lease, LeaseLost, NoSuchRow, Reader, Tx, waking
from core.store.database import Database, Guard, Postgres, Session, open_database
from core.store.statements import Plan, WorkPlan
from core.store.turns import SharedCommits
from core.store.values import from_micros, to_micros

R = TypeVar("R", bound=Record)
_Row = tuple[Plan[Any], str, list[Any]]


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
        self._shared: SharedCommits[_Row] = SharedCommits(self._keep)

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
            yield _Reads(self, session)

    @contextmanager
    def write(self, *leases: Lease) -> Iterator[Tx]:
        with self._writing() as session:
            tx = _Transaction(self, session)
            for lease in sorted(leases, key=lambda lease: (lease.kind.TABLE.name, lease.id)):
                tx.check(lease)
            yield tx
            tx.end()

    def append(self, record: Record) -> None:
        self._here()
        plan = self.plan(type(record))
        self._shared.add((plan, record.id, plan.encode(record)))

    def _keep(self, take: Callable[[], list[_Row]]) -> list[BaseException | None]:
        """Insert what is waiting once the turn to write has come."""
        with self._writing() as session:
            return [
                None if _insert(self, session, row) else _exists(row[0], row[1]) for row in take()
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
        values = {**_of(self, lease), "until": to_micros(until)}
        with self._writing() as session:
            if session.run(plan.renew.sql, plan.renew.fill(values)).rowcount != 1:
                raise _lost(lease)
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


def _of(store: SqlStore, lease: Lease) -> dict[str, object]:
    return {
        "in_workspace": store.workspace_id,
        "with_id": lease.id,
        "with_fence": lease.fence,
    }


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"{lease.id} was taken over: leave it to whoever has it now")


def _exists(plan: Plan[Any], id: str) -> AlreadyExists:
    return AlreadyExists(f"{plan.name}: {id}, or one of its unique keys, is there")


def _insert(
    store: SqlStore, session: Session, row: _Row, lease: tuple[object, ...] = (None, None, 0)
) -> bool:
    """False where it is there already."""
    plan, _, values = row
    extra = lease if plan.leased else ()
    try:
        cursor = session.run(plan.insert.sql, (store.workspace_id, *values, *extra))
    except store.collision:  # SQLite's trigger against REPLACE speaks before the conflict is seen
        return False
    return bool(cursor.rowcount == 1)


class _Reads:
    """Each read sees the last commit."""

    def __init__(self, store: SqlStore, session: Session) -> None:
        self.workspace_id = store.workspace_id
        self._store = store
        self._session = session

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        self._store.refuse_nesting()
        return self._session.run(sql, values)

    def get(self, kind: type[R], id: str) -> R | None:
        plan = self._store.plan(kind)
        row = self._run(plan.get.sql, (self.workspace_id, id)).fetchone()
        return plan.decode(row) if row else None

    def find(
        self,
        kind: type[R],
        /,
        *,
        newest_first: bool = False,
        after: str | None = None,
        limit: int | None = None,
        **equals: object,
    ) -> list[R]:
        if limit is not None and limit < 1:
            return []
        plan = self._store.plan(kind)
        statement = plan.find(equals, newest_first, after is not None, limit is not None)
        values = {**plan.matches(equals), "after": after, "limit": limit}
        rows = self._run(statement.sql, statement.fill(values)).fetchall()
        return [plan.decode(row) for row in rows]

    def rows(
        self, kind: type[Record], /, *, after: str | None = None, limit: int
    ) -> list[tuple[Any, ...]]:
        plan = self._store.plan(kind)
        statement = plan.find({}, False, after is not None, True)
        values = {**plan.matches({}), "after": after, "limit": limit}
        found: list[tuple[Any, ...]] = self._run(statement.sql, statement.fill(values)).fetchall()
        return found

    def count(self, kind: type[Record], /, **equals: object) -> int:
        plan = self._store.plan(kind)
        statement = plan.count(equals)
        values = statement.fill(plan.matches(equals))
        return int(self._run(statement.sql, values).fetchone()[0])

    def total(
        self, kind: type[Record], column: str, /, *, by: tuple[str, ...] = (), **equals: object
    ) -> dict[tuple[object, ...], int]:
        plan = self._store.plan(kind)
        statement = plan.total(column, by, equals)
        rows = self._run(statement.sql, statement.fill(plan.matches(equals))).fetchall()
        return {plan.decode_columns(by, row): int(row[-1]) for row in rows}


class _Transaction(_Reads):
    def __init__(self, store: SqlStore, session: Session) -> None:
        super().__init__(store, session)
        self._last: list[Callable[[], None]] = []

    def _run(self, sql: str, values: Sequence[object]) -> Any:
        return self._session.run(sql, values)

    def lock(self, kind: type[R], id: str) -> R | None:
        plan = self._store.plan(kind)
        row = self._run(plan.lock.sql, (self.workspace_id, id)).fetchone()
        return plan.decode(row) if row else None

    def add(self, record: Record) -> None:
        self._add(record, (None, None, 0))

    def _add(self, record: Record, lease: tuple[object, ...]) -> None:
        plan = self._store.plan(type(record))
        row = (plan, record.id, plan.encode(record))
        if not _insert(self._store, self._session, row, lease):
            raise _exists(plan, record.id)

    def put(self, record: Record) -> None:
        plan = self._store.plan(type(record))
        if plan.append_only:
            raise TypeError(f"{plan.name} is append-only")
        if not self._replaced(plan, plan.encode(record)):
            raise NoSuchRow(f"{plan.name}: {record.id} is not there; add it first")

    def _replaced(self, plan: Plan[Any], values: list[Any]) -> bool:
        """False where the row is not there."""
        id, *rest = values
        by_id = (self.workspace_id, id)
        if plan.update_rest is not None:  # it cannot collide, and most rows keep their unique keys
            filled = (*rest, *plan.unique_of(values), *by_id)
            if self._session.run(plan.update_rest.sql, filled).rowcount == 1:
                return True
        elif not plan.has_uniques:
            return bool(self._session.run(plan.update.sql, (*rest, *by_id)).rowcount == 1)
        try:
            with self._store.trying(self._session):
                return bool(self._session.run(plan.update.sql, (*rest, *by_id)).rowcount == 1)
        except self._store.collision:
            raise AlreadyExists(f"{plan.name}: a unique key of {id} is another row's") from None

    def remove(self, kind: type[Record], id: str) -> None:
        plan = self._store.plan(kind)
        if plan.append_only:
            raise TypeError(f"{plan.name} is append-only")
        if self._session.run(plan.delete.sql, (self.workspace_id, id)).rowcount != 1:
            raise NoSuchRow(f"{plan.name}: {id} is not there")

    def wake(self, kind: type[Record], id: str, at: datetime) -> None:
        plan = self._store.work_plan(kind)
        values = {"in_workspace": self.workspace_id, "with_id": id, "at": to_micros(at)}
        if self._session.run(plan.wake.sql, plan.wake.fill(values)).rowcount != 1:
            raise NoSuchRow(f"{plan.name}: {id} is not there")

    def check(self, lease: Lease) -> None:
        plan = self._store.work_plan(lease.kind)
        values = plan.held.fill(_of(self._store, lease))
        if self._session.run(plan.held.sql, values).fetchone() is None:
            raise _lost(lease)

    def release(self, lease: Lease) -> None:
        plan = self._store.work_plan(lease.kind)
        values = plan.release.fill(_of(self._store, lease))
        if self._session.run(plan.release.sql, values).rowcount != 1:
            raise _lost(lease)

    def claim_new(self, record: Record, *, owner: str, now: datetime, length: timedelta) -> Lease:
        plan = self._store.work_plan(type(record))
        until = now + length
        self._add(record, (owner, to_micros(until), 1))
        return Lease(plan.kind, record.id, 1, until)

    def at_end(self, step: Callable[[], None]) -> None:
        self._last.append(step)

    def end(self) -> None:
        for step in self._last:
            step()
