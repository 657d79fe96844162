"""A store that fails, and at whose commits a run may take another turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from core.record import Record
from core.store import Lease, Reader, Store, StoreUnavailable, Tx


class Steering(Protocol):
    def point(self) -> None: ...

    def strikes(self, kind: str) -> bool: ...


class ShakyStore:
    """What a runner sees of the store. Nothing happens inside a transaction."""

    def __init__(self, store: Store, steering: Steering) -> None:
        self._store, self._steering = store, steering
        self.workspace_id = store.workspace_id

    def read(self) -> AbstractContextManager[Reader]:
        return self._store.read()

    @contextmanager
    def write(self, *leases: Lease) -> Iterator[Tx]:
        self._steering.point()
        if self._steering.strikes("db_before"):
            raise StoreUnavailable("the database did not answer")
        with self._store.write(*leases) as tx:
            yield tx
        self._after_commit()

    def append(self, record: Record) -> None:
        if self._steering.strikes("db_before"):
            raise StoreUnavailable("the database did not answer")
        self._store.append(record)
        if self._steering.strikes("db_after"):
            raise StoreUnavailable("the database went away while it committed")

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        leases = self._store.claim(kind, owner=owner, now=now, length=length, limit=limit)
        if leases:
            self._after_commit()
        return leases

    def renew(self, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
        return self._store.renew(lease, now=now, length=length)

    def next_due(self, kind: type[Record]) -> datetime | None:
        return self._store.next_due(kind)

    def clock(self) -> datetime | None:
        return self._store.clock()

    def wakes(self, until: threading.Event) -> Iterator[None]:
        return self._store.wakes(until)

    def close(self) -> None:
        """The run closes the store."""

    def _after_commit(self) -> None:
        self._steering.point()
        if self._steering.strikes("db_after"):
            raise StoreUnavailable("the database went away while it committed")
