"""The in-memory store's tables: rows with what is derived from them, kept in step."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

from core.record import Record
from core.store.values import Checker, as_columns, fields_of

R = TypeVar("R", bound=Record)


class Work(NamedTuple):
    """The store's own columns of a row that is work. `woken_under` is the fence that was current
    when `wake_at` was set: only a holder that came after it has seen the wake."""

    owner: str | None = None
    until: datetime | None = None
    fence: int = 0
    wake_at: datetime | None = None
    woken_under: int = 0


class Rows:
    """One table: rows, sorted ids, unique keys, look-up keys, and due work in a heap whose entries
    count only while they agree with `ready`."""

    def __init__(self, kind: type[Record]) -> None:
        table = kind.TABLE
        self.kind = kind
        self.name = table.name
        self.leased = table.leased
        self.append_only = table.append_only
        self.columns = frozenset(field.name for field in fields_of(kind))
        self.checker = Checker(kind)
        self.rows: dict[str, Record] = {}
        self.ids: list[str] = []
        self.uniques = [(_key(cols), cols, cast(dict[object, str], {})) for cols in table.unique]
        self.lookups = [
            (_key(cols), cols, cast(dict[object, list[str]], {})) for cols in table.index
        ]
        self._by_one = {cols[0]: found for _, cols, found in self.lookups if len(cols) == 1}
        self.work: dict[str, Work] = {}
        self.ready: dict[str, datetime] = {}
        self.heap: list[tuple[datetime, str]] = []

    def collides(self, record: Record) -> bool:
        for key, _, taken in self.uniques:
            value = key(record)
            if None not in value and taken.get(value, record.id) != record.id:
                return True
        return False

    def set(self, id: str, new: Record | None, work: Work | None) -> None:
        """Make the row of `id` this one, with all that is derived from it. None: no row."""
        old = self.rows.get(id)
        if new is not old:
            self._set_row(id, old, new)
        if self.leased:
            self._set_work(id, new, work)

    def _set_row(self, id: str, old: Record | None, new: Record | None) -> None:
        for key, _, taken in self.uniques:
            before = key(old) if old is not None else None
            after = key(new) if new is not None else None
            if before != after:
                if before is not None and None not in before:
                    del taken[before]
                if after is not None and None not in after:
                    taken[after] = id
        for key, _, found in self.lookups:
            before = key(old) if old is not None else None
            after = key(new) if new is not None else None
            if before != after:
                if before is not None:
                    bucket = found[before]
                    del bucket[bisect_left(bucket, id)]
                if after is not None:
                    insort(found.setdefault(after, []), id)
        if old is None:
            insort(self.ids, id)
        if new is not None:
            self.rows[id] = new
        else:
            del self.rows[id]
            del self.ids[bisect_left(self.ids, id)]

    def _set_work(self, id: str, row: Record | None, work: Work | None) -> None:
        if row is None or work is None:
            self.work.pop(id, None)
            self.ready.pop(id, None)
            return
        self.work[id] = work
        due: datetime | None = cast(Any, row).due_at
        if work.wake_at is not None and (due is None or work.wake_at < due):
            due = work.wake_at
        if due is not None and work.until is not None and work.until > due:
            due = work.until
        if due is None:
            self.ready.pop(id, None)
        elif self.ready.get(id) != due:
            self.ready[id] = due
            heapq.heappush(self.heap, (due, id))

    def refuse_unknown(self, columns: Iterable[str]) -> None:
        for name in columns:
            if name not in self.columns:
                raise TypeError(f"{self.kind.__name__} has no column {name!r}")

    def first_ready(self) -> tuple[datetime, str] | None:
        heap = self.heap
        while heap and self.ready.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def candidates(self, equals: dict[str, object]) -> tuple[Sequence[str], bool]:
        """Sorted ids that hold every match: from the narrowest key that fits, else all. And whether
        each of them is a match."""
        if len(equals) == 1:  # as most are
            ((name, value),) = equals.items()
            bucket = self._by_one.get(name)
            if bucket is not None and not isinstance(value, tuple):
                return bucket.get((value,), ()), True
        self.refuse_unknown(equals)
        return self._narrowest(equals), not equals

    def _narrowest(self, equals: dict[str, object]) -> Sequence[str]:
        if any(isinstance(value, tuple) and None in value for value in equals.values()):
            raise TypeError("None cannot be one of several values looked for")
        plain = {name for name, value in equals.items() if not isinstance(value, tuple)}
        if "id" in plain:
            return [cast(str, equals["id"])]
        for _, cols, taken in self.uniques:
            if plain.issuperset(cols):
                wanted = tuple(equals[col] for col in cols)
                if None not in wanted:
                    return [taken[wanted]] if wanted in taken else []
        best: Sequence[str] | None = None
        for _, cols, found in self.lookups:
            if plain.issuperset(cols):
                bucket = found.get(tuple(equals[col] for col in cols), [])
            elif len(cols) == 1 and cols[0] in equals:
                values = set(cast(tuple[object, ...], equals[cols[0]]))
                bucket = sorted(id for value in values for id in found.get((value,), ()))
            else:
                continue
            if best is None or len(bucket) < len(best):
                best = bucket
        return self.ids if best is None else best


def _key(cols: tuple[str, ...]) -> Callable[[Record], tuple[object, ...]]:
    get = attrgetter(*cols)
    return get if len(cols) > 1 else lambda record: (get(record),)


class Tables:
    """Reads without a lock, for whoever holds the turn."""

    def __init__(self, workspace_id: str, all_tables: dict[type[Record], Rows]) -> None:
        self.workspace_id = workspace_id
        self.all = all_tables

    def of(self, kind: type[Record]) -> Rows:
        try:
            return self.all[kind]
        except KeyError:
            return self.all.setdefault(kind, Rows(kind))

    def get(self, kind: type[R], id: str) -> R | None:
        return cast("R | None", self.of(kind).rows.get(id))

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
        found: list[R] = []
        if limit is not None and limit <= 0:
            return found
        for record in self._matching(kind, newest_first, after, equals):
            found.append(cast(R, record))
            if len(found) == limit:
                break
        return found

    def rows(
        self, kind: type[Record], /, *, after: str | None = None, limit: int
    ) -> list[tuple[Any, ...]]:
        return [as_columns(record) for record in self.find(kind, after=after, limit=limit)]

    def count(self, kind: type[Record], /, **equals: object) -> int:
        ids, all_match = self.of(kind).candidates(equals)
        return len(ids) if all_match else sum(1 for _ in self._matching(kind, False, None, equals))

    def total(
        self, kind: type[Record], column: str, /, *, by: tuple[str, ...] = (), **equals: object
    ) -> dict[tuple[object, ...], int]:
        table = self.of(kind)
        table.refuse_unknown((column, *by))
        found: dict[tuple[object, ...], int] = {}
        for record in self._matching(kind, False, None, equals):
            key = tuple(getattr(record, name) for name in by)
            found[key] = found.get(key, 0) + (getattr(record, column) or 0)
        return found

    def _matching(
        self, kind: type[Record], newest_first: bool, after: str | None, equals: dict[str, object]
    ) -> Iterator[Record]:
        table = self.of(kind)
        ids, all_match = table.candidates(equals)
        start, stop = 0, len(ids)
        if after is not None and newest_first:
            stop = bisect_left(ids, after)
        elif after is not None:
            start = bisect_right(ids, after)
        steps = range(stop - 1, start - 1, -1) if newest_first else range(start, stop)
        wanted = () if all_match else tuple(equals.items())
        for step in steps:
            record = table.rows.get(ids[step])
            if record is None:
                continue
            for name, value in wanted:
                has = getattr(record, name)
                if (has not in value) if isinstance(value, tuple) else (has != value):
                    break
            else:
                yield record
