"""The in-memory store: for tests and the simulator, with the databases' rules.

Rows are the frozen records themselves, shared. One transaction runs at a time; it changes the
tables in place and keeps an undo log, so a commit costs nothing and a rollback what was changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from core.record import Record
from core.store import AlreadyExists, Lease, LeaseLost, NoSuchRow, Reader, Tx
from core.store.rows import Rows, Tables, Work

R = TypeVar("R", bound=Record)


class MemoryStore:
    """One workspace in memory. Safe to share among threads; gone with the process."""

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self._tables = Tables(workspace_id, {})
        self._turn = threading.Lock()
        self._writer: int | None = None

    def read(self) -> AbstractContextManager[Reader]:
        self._refuse_nesting()
        return _Read(self)

    def write(self, *leases: Lease) -> AbstractContextManager[Tx]:
        return _Write(self, leases)

    def append(self, record: Record) -> None:
        with self.write() as tx:
            tx.add(record)

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        leases: list[Lease] = []
        self._refuse_nesting()
        with self._turn:
            table = self._tables.of(kind)
            while len(leases) < limit:
                first = table.first_ready()
                if first is None or first[0] > now:
                    break
                id = first[1]
                work = table.work[id]
                fence = work.fence + 1
                future = work.wake_at is not None and work.wake_at > now
                table.set(
                    id,
                    table.rows[id],
                    Work(
                        owner,
                        now + length,
                        fence,
                        work.wake_at,
                        fence if future else work.woken_under,
                    ),
                )
                leases.append(Lease(kind, id, fence, now + length))
        return leases

    def renew(self, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
        self._refuse_nesting()
        with self._turn:
            table = self._tables.of(lease.kind)
            work = _held(table, lease)
            table.set(lease.id, table.rows[lease.id], work._replace(until=now + length))
        return Lease(lease.kind, lease.id, lease.fence, now + length)

    def next_due(self, kind: type[Record]) -> datetime | None:
        self._refuse_nesting()
        with self._turn:
            first = self._tables.of(kind).first_ready()
        return first[0] if first else None

    def clock(self) -> datetime | None:
        return None

    def wakes(self, until: threading.Event) -> Iterator[None]:
        return iter(())

    def close(self) -> None:
        """Nothing is held open."""

    def _refuse_nesting(self) -> None:
        if self._writer is not None and self._writer == threading.get_ident():
            raise RuntimeError("a transaction of this thread is open: use it instead of the store")


def _held(table: Rows, lease: Lease) -> Work:
    work = table.work.get(lease.id)
    if work is None or work.owner is None or work.fence != lease.fence:
        raise LeaseLost(f"{lease.id} was taken over: leave it to whoever has it now")
    return work


class _Read:
    """Every single read waits for the open transaction and so sees the last commit."""

    def __init__(self, store: MemoryStore) -> None:
        self.workspace_id = store.workspace_id
        self._tables = store._tables
        self._turn = store._turn
        self._refuse_nesting = store._refuse_nesting

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get(self, kind: type[R], id: str) -> R | None:
        self._refuse_nesting()
        with self._turn:
            return self._tables.get(kind, id)

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
        self._refuse_nesting()
        with self._turn:
            return self._tables.find(
                kind, newest_first=newest_first, after=after, limit=limit, **equals
            )

    def rows(
        self, kind: type[Record], /, *, after: str | None = None, limit: int
    ) -> list[tuple[Any, ...]]:
        self._refuse_nesting()
        with self._turn:
            return self._tables.rows(kind, after=after, limit=limit)

    def count(self, kind: type[Record], /, **equals: object) -> int:
        self._refuse_nesting()
        with self._turn:
            return self._tables.count(kind, **equals)

    def total(
        self, kind: type[Record], column: str, /, *, by: tuple[str, ...] = (), **equals: object
    ) -> dict[tuple[object, ...], int]:
        self._refuse_nesting()
        with self._turn:
            return self._tables.total(kind, column, by=by, **equals)


class _Write(Tables):
    """One transaction on the store's own tables: `_undo` holds what each changed row was."""

    def __init__(self, store: MemoryStore, leases: tuple[Lease, ...]) -> None:
        super().__init__(store.workspace_id, store._tables.all)
        self._store = store
        self._leases = leases
        self._undo: list[tuple[Rows, str, Record | None, Work | None]] = []
        self._last: list[Callable[[], None]] = []

    def __enter__(self) -> Tx:
        self._store._refuse_nesting()
        self._store._turn.acquire()
        self._store._writer = threading.get_ident()
        try:
            for lease in self._leases:
                _held(self.of(lease.kind), lease)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for step in self._last:
                    step()
            else:
                self._roll_back()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._end()

    def _roll_back(self) -> None:
        for table, id, row, work in reversed(self._undo):
            table.set(id, row, work)

    def _end(self) -> None:
        self._store._writer = None
        self._store._turn.release()

    def _set(self, table: Rows, id: str, new: Record | None, work: Work | None) -> None:
        self._undo.append((table, id, table.rows.get(id), table.work.get(id)))
        table.set(id, new, work)

    def lock(self, kind: type[R], id: str) -> R | None:
        return self.get(kind, id)

    def add(self, record: Record) -> None:
        self._add(record, Work())

    def _add(self, record: Record, work: Work) -> None:
        table = self.of(type(record))
        kept = table.checker.checked(record, None)
        if record.id in table.rows or table.collides(record):
            raise AlreadyExists(f"{table.name}: {record.id}, or one of its unique keys, is there")
        self._set(table, record.id, kept, work if table.leased else None)

    def put(self, record: Record) -> None:
        table = self.of(type(record))
        if table.append_only:
            raise TypeError(f"{table.name} is append-only")
        old = table.rows.get(record.id)
        kept = table.checker.checked(record, old)
        if old is None:
            raise NoSuchRow(f"{table.name}: {record.id} is not there; add it first")
        if table.keyed(record) != table.keyed(old) and table.collides(record):
            raise AlreadyExists(f"{table.name}: a unique key of {record.id} is another row's")
        self._set(table, record.id, kept, table.work.get(record.id))

    def remove(self, kind: type[Record], id: str) -> None:
        table = self.of(kind)
        if table.append_only:
            raise TypeError(f"{table.name} is append-only")
        if id not in table.rows:
            raise NoSuchRow(f"{table.name}: {id} is not there")
        self._set(table, id, None, None)

    def wake(self, kind: type[Record], id: str, at: datetime) -> None:
        table = self.of(kind)
        work = _work_of(table, id)
        if work.wake_at is None or at < work.wake_at:
            work = work._replace(wake_at=at)
        self._set(table, id, table.rows[id], work._replace(woken_under=work.fence))

    def release(self, lease: Lease) -> None:
        table = self.of(lease.kind)
        work = _held(table, lease)
        seen = work.woken_under < lease.fence
        self._set(
            table,
            lease.id,
            table.rows[lease.id],
            work._replace(owner=None, until=None, wake_at=None if seen else work.wake_at),
        )

    def claim_new(self, record: Record, *, owner: str, now: datetime, length: timedelta) -> Lease:
        table = self.of(type(record))
        if not table.leased:
            raise TypeError(f"{table.name} is not leased")
        self._add(record, Work(owner, now + length, 1))
        return Lease(type(record), record.id, 1, now + length)

    def at_end(self, step: Callable[[], None]) -> None:
        self._last.append(step)


def _work_of(table: Rows, id: str) -> Work:
    if not table.leased:
        raise TypeError(f"{table.name} is not leased")
    try:
        return table.work[id]
    except KeyError:
        raise NoSuchRow(f"{table.name}: {id} is not there") from None
