"""What must be remembered: a few coarse verbs, kept the same by every store.

A store is opened for one workspace and never shows another's rows. Reads see the last commit.
Writes happen in a transaction that either commits whole or leaves nothing. `Case` and `Delivery`
rows are work: a runner claims those that are due, under a lease with a fencing number, and a commit
under an old number is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from core.errors import AmendsError
from core.record import Record

R = TypeVar("R", bound=Record)


class AlreadyExists(AmendsError):
    """A row with this id, or with one of its unique column sets, is there. The transaction goes
    on as if the call had not been made."""


class NoSuchRow(AmendsError):
    """`put` was given a record whose id is not there."""


class LeaseLost(AmendsError):
    """Somebody else has the work now: nothing of this transaction was kept."""


class StoreUnavailable(AmendsError):
    """The database did not answer or is full. Nothing was kept; the same may be tried again."""


class NewerTables(StoreUnavailable):
    """A newer version of Amends has changed the tables: this process does not know what they mean
    now, writes nothing any more, and is to be started again as that version."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one row until `until`; `fence` grows with every claim."""

    kind: type[Record]
    id: str
    fence: int
    until: datetime


class Reader(Protocol):
    @property
    def workspace_id(self) -> str: ...

    def get(self, kind: type[R], id: str) -> R | None: ...

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
        """Rows whose columns equal what is given (a tuple means any of them), ordered by id.
        `after` is the id to go on from, in the order asked for."""
        ...

    def rows(
        self, kind: type[Record], /, *, after: str | None = None, limit: int
    ) -> list[tuple[Any, ...]]:
        """As `find` of every row, each as the values of its columns, in the order of the record's
        fields and as a database keeps them (an instant in microseconds): nothing is made of them,
        which is for whoever reads a million."""
        ...

    def count(self, kind: type[Record], /, **equals: object) -> int: ...

    def total(
        self, kind: type[Record], column: str, /, *, by: tuple[str, ...] = (), **equals: object
    ) -> dict[tuple[object, ...], int]:
        """The sum of a whole-number column (None counts nothing) for each set of values of the
        columns `by`; without any, of all, under `()`. No rows, no key."""
        ...


class Tx(Reader, Protocol):
    """Reads inside a transaction see its own writes."""

    def add(self, record: Record) -> None:
        """Raises `AlreadyExists`."""
        ...

    def put(self, record: Record) -> None:
        """Replace the row of this id whole. Raises `NoSuchRow`, or `AlreadyExists` where a unique
        column set would collide; refused for append-only tables (`TypeError`)."""
        ...

    def remove(self, kind: type[Record], id: str) -> None:
        """The row is gone for good: for what has no meaning any more, such as a token that is over.
        Raises `NoSuchRow`; refused for append-only tables (`TypeError`)."""
        ...

    def lock(self, kind: type[R], id: str) -> R | None:
        """As `get`; nobody else can change or lock the row before this transaction ends."""
        ...

    def wake(self, kind: type[Record], id: str, at: datetime) -> None:
        """Make leased-table work due by `at` at the latest, also while somebody works on it: then
        it is due again once they let go."""
        ...

    def release(self, lease: Lease) -> None:
        """Let the row go with this commit."""
        ...

    def claim_new(self, record: Record, *, owner: str, now: datetime, length: timedelta) -> Lease:
        """`add` a row of a leased table and hold it at once. Raises `AlreadyExists`."""
        ...

    def at_end(self, step: Callable[[], None]) -> None:
        """Take this step just before the commit, after those given earlier: for a row that every
        transaction wants, which is then locked last and for as short as can be. What it raises
        leaves nothing of the transaction."""
        ...


class Store(Protocol):
    @property
    def workspace_id(self) -> str: ...

    def read(self) -> AbstractContextManager[Reader]: ...

    def write(self, *leases: Lease) -> AbstractContextManager[Tx]:
        """A transaction, serial with every other that touches the same rows; rolled back if the
        block raises. With leases: raises `LeaseLost` unless each is still ours, checked inside.
        Raises `StoreUnavailable` where the database cannot commit."""
        ...

    def append(self, record: Record) -> None:
        """`add` one row and return once it is durable. Callers that wait at the same moment share
        one commit; each gets its own `AlreadyExists`. Raises `StoreUnavailable`."""
        ...

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        """Take up to `limit` rows that are due and not held, oldest due first."""
        ...

    def renew(self, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
        """Hold on longer. Raises `LeaseLost`."""
        ...

    def next_due(self, kind: type[Record]) -> datetime | None:
        """When a row can next be claimed: it is due and let go, or its lease runs out. None if no
        row waits for a time."""
        ...

    def clock(self) -> datetime | None:
        """The database's own clock, where that may be another machine's; None where it is ours.
        Raises `StoreUnavailable`."""
        ...

    def wakes(self, until: threading.Event) -> Iterator[None]:
        """Yields whenever a commit left work due, whoever's it was, until the event is set. A help
        and no promise: one may be missed, and where other processes cannot tell there are none."""
        ...

    def close(self) -> None: ...
