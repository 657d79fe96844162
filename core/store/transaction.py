"""What a store in SQL reads and writes on one connection: outside a transaction, and in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from core.record import Record
from core.store import AlreadyExists, Lease, LeaseLost, NoSuchRow
from core.store.database import Session
from core.store.statements import Plan
from core.store.values import to_micros

if TYPE_CHECKING:
    from core.store.sql import SqlStore

R = TypeVar("R", bound=Record)
#: A row to insert: its table's plan, its id, and all its values.
Row = tuple[Plan[Any], str, list[Any]]


def of_lease(store: SqlStore, lease: Lease) -> dict[str, object]:
    return {
        "in_workspace": store.workspace_id,
        "with_id": lease.id,
        "with_fence": lease.fence,
    }


def lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"{lease.id} was taken over: leave it to whoever has it now")


def exists(plan: Plan[Any], id: str) -> AlreadyExists:
    return AlreadyExists(f"{plan.name}: {id}, or one of its unique keys, is there")


def insert(
    store: SqlStore, session: Session, row: Row, lease: tuple[object, ...] = (None, None, 0)
) -> bool:
    """False where it is there already."""
    plan, _, values = row
    extra = lease if plan.leased else ()
    try:
        cursor = session.run(plan.insert.sql, (store.workspace_id, *values, *extra))
    except store.collision:  # SQLite's trigger against REPLACE speaks before the conflict is seen
        return False
    return bool(cursor.rowcount == 1)


class Reads:
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


class Transaction(Reads):
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
        if not insert(self._store, self._session, row, lease):
            raise exists(plan, record.id)

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
        values = plan.held.fill(of_lease(self._store, lease))
        if self._session.run(plan.held.sql, values).fetchone() is None:
            raise lost(lease)

    def release(self, lease: Lease) -> None:
        plan = self._store.work_plan(lease.kind)
        values = plan.release.fill(of_lease(self._store, lease))
        if self._session.run(plan.release.sql, values).rowcount != 1:
            raise lost(lease)

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
