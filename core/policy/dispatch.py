"""Finding the first row that fits without trying every row.

Where most rows test the same name for a word or a band, rows are sorted by it: a dictionary for
words, a bisection for bands. What is left in a branch is tried in order. A row that does not test
the name is in every branch, so the order, and with it the first row that fits, stays what it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.policy import runtime
from core.policy.errors import Undecided
from core.policy.runtime import Fn
from core.policy.tree import Band, Expr, Fact, Named, OneOf

if TYPE_CHECKING:
    from core.policy.compiler import Compiled

_SMALL = 6
_MAX_LEVELS = 4
_SPREAD = 3

Row = tuple[int, tuple[Expr, ...]]


class Picker:
    """Builds the function that answers the first row that fits, or -1."""

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[Expr, ...]]) -> None:
        self._compiled = compiled
        self._rows: list[Row] = list(enumerate(rows))

    def function(self) -> Fn:
        fast = self._branch(self._rows, 0)
        careful: list[tuple[int, Fn]] = []

        def pick(frame: list[Any]) -> Any:
            try:
                return fast(frame)
            except Undecided:
                if not careful:
                    careful.extend(self._careful())
            for index, holds in careful:
                if holds(frame):
                    return index
            return -1

        return pick

    def _careful(self) -> list[tuple[int, Fn]]:
        """Row by row, in three values: what to do as soon as something is not known."""
        found = []
        for index, conditions in self._rows:
            tests = tuple(self._compiled.careful(condition) for condition in conditions)
            found.append((index, _all(tests)))
        return found

    def _branch(self, rows: list[Row], level: int) -> Fn:
        if len(rows) > _SMALL and level < _MAX_LEVELS:
            for subject in _subjects(rows):
                sorted_ = self._sorted(rows, subject, level)
                if sorted_ is not None:
                    return sorted_
        return self._leaf(rows)

    def _leaf(self, rows: list[Row]) -> Fn:
        """Compiled when it is first needed: few branches of a large policy ever are."""
        made: list[Fn] = []

        def leaf(frame: list[Any]) -> Any:
            if not made:
                made.append(_chained(self._compiled, rows))
            return made[0](frame)

        return leaf

    def _sorted(self, rows: list[Row], subject: Expr, level: int) -> Fn | None:
        tests = [(row, _test(row, subject)) for row in rows]
        if all(isinstance(test, OneOf) for _, test in tests if test is not None):
            return self._by_value(tests, subject, level)
        return self._by_band(tests, subject, level)

    def _by_value(self, tests: list[Any], subject: Expr, level: int) -> Fn | None:
        values = dict.fromkeys(value for _, test in tests if test for value in test.values)
        branches = {
            value: [
                _without(row, test) for row, test in tests if test is None or value in test.values
            ]
            for value in values
        }
        if sum(map(len, branches.values())) > _SPREAD * len(tests) + 64:
            return None
        table = {value: self._branch(rows, level + 1) for value, rows in branches.items()}
        rest = self._leaf([row for row, test in tests if test is None])
        get = self._compiled.getter(subject)
        return lambda frame: table.get(get(frame), rest)(frame)

    def _by_band(self, tests: list[Any], subject: Expr, level: int) -> Fn | None:
        ends: set[Any] = set()
        for _, test in tests:
            if isinstance(test, OneOf):
                ends.update(test.values)
            elif test is not None:
                ends.update(end for end in (test.low, test.high) if end is not None)
        points = sorted(ends)
        # Segments: below the first point, on it, between it and the next, on that, and so on.
        made: dict[tuple[int, ...], Fn] = {}
        branches, size = [], 0
        for segment in range(2 * len(points) + 1):
            rows = [
                _without(row, test)
                for row, test in tests
                if test is None or _fits(test, segment, points)
            ]
            key = tuple(index for index, _ in rows)
            if key not in made:
                size += len(rows)
                if size > _SPREAD * len(tests) + 64:
                    return None
                made[key] = self._branch(rows, level + 1)
            branches.append(made[key])
        rest = self._leaf([row for row, test in tests if test is None])
        get = self._compiled.getter(subject)

        def pick(frame: list[Any]) -> Any:
            value = get(frame)
            if value is None:
                return rest(frame)
            return branches[bisect_left(points, value) + bisect_right(points, value)](frame)

        return pick


def _subjects(rows: list[Row]) -> list[Expr]:
    """Names that at least two thirds of the rows test once, the most telling first."""
    counts: dict[Expr, int] = {}
    for _, conditions in rows:
        for subject in {c.subject for c in conditions if isinstance(c, OneOf | Band)}:
            if isinstance(subject, Fact | Named):
                counts[subject] = counts.get(subject, 0) + 1
    often = [subject for subject, count in counts.items() if 3 * count >= 2 * len(rows)]
    return sorted(often, key=lambda subject: (-counts[subject], repr(subject)))


def _test(row: Row, subject: Expr) -> OneOf | Band | None:
    """The test of `subject` that a row can be sorted by."""
    for condition in row[1]:
        if isinstance(condition, Band) and condition.subject == subject:
            return condition
        if isinstance(condition, OneOf) and condition.subject == subject and not condition.negated:
            return condition
    return None


def _without(row: Row, test: Expr | None) -> Row:
    return (row[0], tuple(condition for condition in row[1] if condition is not test))


def _fits(test: OneOf | Band, segment: int, points: list[Any]) -> bool:
    """Whether a segment lies inside the test."""
    on_point = segment % 2 == 1
    if isinstance(test, OneOf):
        return on_point and points[segment // 2] in test.values
    low = -1 if test.low is None else 2 * bisect_left(points, test.low) + 1
    high = 2 * len(points) + 1 if test.high is None else 2 * bisect_left(points, test.high) + 1
    above = segment > low or (segment == low and test.low_in)
    return above and (segment < high or (segment == high and test.high_in))


def _all(tests: tuple[Fn, ...]) -> Fn:
    return lambda frame: runtime.all_hold(frame, tests)


def _chained(compiled: Compiled, rows: list[Row]) -> Fn:
    """Pieces of a few rows each, one after another, so that no generated expression is deep."""
    pieces = [compiled.leaf(rows[start : start + 40]) for start in range(0, len(rows), 40)]
    if len(pieces) == 1:
        return pieces[0]

    def leaf(frame: list[Any]) -> Any:
        for piece in pieces:
            index = piece(frame)
            if index >= 0:
                return index
        return -1

    return leaf
