"""The in-memory store's tables: rows with what is derived from them, kept in step."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from core.record import Record
from core.store.values import Checker, as_columns, fields_of

R = TypeVar("R", bound=Record)
_NONE: list[str] = []
_NOWHERE = object()


class Work(NamedTuple):
    """The store's own columns of a row that is work. `woken_under` is the fence that was current
    when `wake_at` was set: only a holder that came after it has seen the wake."""

    owner: str | None = None
    until: datetime | None = None
    fence: int = 0
    wake_at: datetime | None = None
    woken_under: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """Columns by which rows are found: sorted ids by those columns' values. These are a tuple, or
    the one value itself: `of` answers a record's, `wanted` those that are looked for."""

    cols: tuple[str, ...]
    of: Callable[[Record], object]
    wanted: Callable[[dict[str, object]], object]
    ids: dict[object, list[str]]

    def enter(self, value: object, id: str) -> None:
        found = self.ids.get(value)
        if found is None:
            self.ids[value] = [id]
        else:
            insort(found, id)

    def leave(self, value: object, id: str) -> None:
        found = self.ids[value]
        del found[bisect_left(found, id)]
        if not found:
            del self.ids[value]

    def any_of(self, values: Iterable[object]) -> list[str]:
        """Of a key with one column."""
        return sorted(id for value in set(values) for id in self.ids.get(value, ()))


def _key(cols: tuple[str, ...]) -> Key:
    return Key(cols, attrgetter(*cols), itemgetter(*cols), {})


class Rows:
    """One table: rows, sorted ids, keys, and due work in a heap whose entries
    count only while they agree with `ready`."""

    def __init__(self, kind: type[Record]) -> None:
        table = kind.TABLE
        self.kind = kind
        self.name = table.name
        self.leased = table.leased
        self.append_only = table.append_only
        self.columns = frozenset(field.name for field in fields_of(kind))
        self.checker = Checker(kind)
        self.rows: dict[str, Any] = {}
        self.ids: list[str] = []
        # As in the databases, a unique key of several columns also finds rows by the first of them.
        firsts = tuple(cols[:1] for cols in table.unique if len(cols) > 1)
        columns = dict.fromkeys((*table.unique, *table.index, *firsts))
        self.keys = [_key(cols) for cols in columns]
        self.uniques = self.keys[: len(table.unique)]
        #: All that a record is found by.
        self.keyed = attrgetter("id", *(col for cols in columns for col in cols))
        self._ways: dict[tuple[str, ...], list[tuple[Key, tuple[str, ...]]]] = {}
        self.work: dict[str, Work] = {}
        self.ready: dict[str, datetime] = {}
        self.heap: list[tuple[datetime, str]] = []

    def collides(self, record: Record) -> bool:
        for key in self.uniques:
            value = key.of(record)
            if value is None or (len(key.cols) > 1 and None in cast("tuple[object, ...]", value)):
                continue
            if key.ids.get(value, [record.id]) != [record.id]:
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
        if old is None or new is None or self.keyed(old) != self.keyed(new):
            self._set_keys(id, old, new)
        if old is None:
            insort(self.ids, id)
        if new is not None:
            self.rows[id] = new
        else:
            del self.rows[id]
            del self.ids[bisect_left(self.ids, id)]

    def _set_keys(self, id: str, old: Record | None, new: Record | None) -> None:
        for key in self.keys:
            before = key.of(old) if old is not None else _NOWHERE
            after = key.of(new) if new is not None else _NOWHERE
            if before != after:
                if before is not _NOWHERE:
                    key.leave(before, id)
                if after is not _NOWHERE:
                    key.enter(after, id)

    def _set_work(self, id: str, row: Any, work: Work | None) -> None:
        if row is None or work is None:
            self.work.pop(id, None)
            self.ready.pop(id, None)
            return
        self.work[id] = work
        due: datetime | None = row.due_at
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

    def candidates(self, equals: dict[str, object]) -> tuple[Sequence[str], Sequence[str]]:
        """Sorted ids of rows among which every match is: from the narrowest key that fits, or all.
        And the columns they still have to be compared by."""
        names = tuple(equals)
        ways = self._ways.get(names)
        if ways is None:
            self.refuse_unknown(names)
            ways = self._ways[names] = self._ways_by(names)
        several = tuple in map(type, equals.values())
        if several and any(isinstance(v, tuple) and None in v for v in equals.values()):
            raise TypeError("None cannot be one of several values looked for")
        ids: Sequence[str] = self.ids
        rest = names
        for key, left in ways:
            wanted = key.wanted(equals)
            if several and len(key.cols) > 1 and tuple in map(type, cast(Any, wanted)):
                continue
            if several and len(key.cols) == 1 and type(wanted) is tuple:
                found = key.any_of(wanted)
            else:
                found = key.ids.get(wanted, _NONE)
            if not left or not found:
                return found, left
            if len(found) < len(ids):
                ids, rest = found, left
        return ids, rest

    def _ways_by(self, names: tuple[str, ...]) -> list[tuple[Key, tuple[str, ...]]]:
        """The keys that can be looked up by these columns, and what each leaves to be compared: the
        least first."""
        ways = [
            (key, tuple(name for name in names if name not in key.cols))
            for key in self.keys
            if set(key.cols) <= set(names)
        ]
        return sorted(ways, key=lambda way: len(way[1]))


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
        found: R | None = self.of(kind).rows.get(id)
        return found

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
        matching = self._matching(kind, newest_first, after, equals)
        if limit is not None:
            matching = islice(matching, max(limit, 0))
        return list(matching)

    def rows(
        self, kind: type[Record], /, *, after: str | None = None, limit: int
    ) -> list[tuple[Any, ...]]:
        return [as_columns(record) for record in self.find(kind, after=after, limit=limit)]

    def count(self, kind: type[Record], /, **equals: object) -> int:
        ids, rest = self.of(kind).candidates(equals)
        return sum(1 for _ in self._matching(kind, False, None, equals)) if rest else len(ids)

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
    ) -> Iterator[Any]:
        table = self.of(kind)
        ids, rest = table.candidates(equals)
        if not ids:
            return iter(())
        if after is not None and newest_first:
            ids = ids[: bisect_left(ids, after)]
        elif after is not None:
            ids = ids[bisect_right(ids, after) :]
        ordered = reversed(ids) if newest_first else iter(ids)
        records: Iterator[Any] = map(table.rows.__getitem__, ordered)
        for name in rest:
            records = filter(_holds(name, equals[name]), records)
        return records


def _holds(column: str, value: object) -> Callable[[Record], bool]:
    get = attrgetter(column)
    if isinstance(value, tuple):
        return lambda record: get(record) in value
    return lambda record: bool(get(record) == value)
