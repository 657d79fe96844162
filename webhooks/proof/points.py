"""Numbered points of a process: before and after each commit, and each request to a host.

Only a process of the proof counts them. At the one that `AMENDS_CRASH_AT` names it dies by SIGKILL
(`12:before`, `12:after`) or stands still by SIGSTOP (`12:stop`, which is before).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from connectors import wire
from core.errors import AmendsError
from core.record import Record
from core.store import Lease, Reader, Store, Tx

VARIABLE = "AMENDS_CRASH_AT"


class BadPoint(AmendsError):
    """The variable does not name a point."""


class Points:
    """`names` are the points passed so far, in order; the first has number 1."""

    def __init__(self, crash_at: str | None) -> None:
        self.names: list[str] = []
        number, _, self._when = (crash_at or "0:before").partition(":")
        if not number.isdigit() or self._when not in ("before", "after", "stop"):
            raise BadPoint(f"{VARIABLE} is a number with :before, :after or :stop: {crash_at!r}")
        self._number = int(number)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.names.append(name)
        here = len(self.names) == self._number
        if here and self._when != "after":
            end(signal.SIGSTOP if self._when == "stop" else signal.SIGKILL)
        yield
        if here and self._when == "after":
            end(signal.SIGKILL)


def end(by: signal.Signals) -> None:
    """As if the power had gone, or as if the machine slept: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), by)


def count_calls(points: Points) -> None:
    """Every request of this process to a host is a point from now on."""
    send = wire.GuardedSession.send

    def counted(self: wire.GuardedSession, request: Any, **how: Any) -> Any:
        with points.around(f"{request.method} {wire.path_shape(request.path_url)}"):
            return send(self, request, **how)

    wire.GuardedSession.send = counted  # type: ignore[method-assign, assignment]


class CountedStore:
    """A store whose every commit is a point. `ahead`: as with the clocks of its process, by how
    much the database's is before the machine's."""

    def __init__(self, store: Store, points: Points, ahead: timedelta) -> None:
        self._store, self._points, self._ahead = store, points, ahead
        self.workspace_id = store.workspace_id

    def read(self) -> AbstractContextManager[Reader]:
        return self._store.read()

    @contextmanager
    def write(self, *leases: Lease) -> Iterator[Tx]:
        inside = self._store.write(*leases)
        tx = inside.__enter__()
        try:
            yield tx
        except BaseException as error:
            inside.__exit__(type(error), error, error.__traceback__)
            raise
        with self._points.around("commit"):
            inside.__exit__(None, None, None)

    def append(self, record: Record) -> None:
        with self._points.around("commit of one row"):
            self._store.append(record)

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        if (due := self._store.next_due(kind)) is None or due > now:
            return self._store.claim(kind, owner=owner, now=now, length=length, limit=limit)
        with self._points.around(f"claim of a {kind.__name__.lower()}"):
            return self._store.claim(kind, owner=owner, now=now, length=length, limit=limit)

    def renew(self, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
        return self._store.renew(lease, now=now, length=length)

    def next_due(self, kind: type[Record]) -> datetime | None:
        return self._store.next_due(kind)

    def clock(self) -> datetime | None:
        theirs = self._store.clock()
        return theirs + self._ahead if theirs else None

    def wakes(self, until: threading.Event) -> Iterator[None]:
        return self._store.wakes(until)

    def close(self) -> None:
        self._store.close()
