"""Conditions as regions: sets of boxes over axes, each axis cut into segments by what rows ask.

An axis is what a condition asks about (a fact, a column of a table). Its segments are the words of
an enumeration, yes and no, null, or the points and the stretches between the ends of bands, as far
as a value can lie there. A condition that cannot be cut up so (a comparison of two calculations) is
an axis of its own with the segments yes and no, as if it could be either way whatever the facts.

That makes too much possible, never too little: a row that is covered here is covered for all facts,
while a region that is open here may hold no facts, so gaps have to be tried before they are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from core.policy.explain.changes import smallest
from core.policy.tree import (
    And,
    Band,
    Compare,
    Const,
    Expr,
    Fact,
    IsNull,
    Item,
    Named,
    Not,
    OneOf,
    Or,
    Type,
)  # fmt: skip

#: Boxes one row may come to, and pieces one subtraction may leave; beyond that it is not analysed.
MAX_BOXES = 200
MAX_PIECES = 4_000

_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

#: A box: for some axes, the segments a value may lie in, as bits. Axes it does not name are free.
Box = dict[int, int]


class TooMuch(Exception):
    """More pieces than are worth looking at."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values between two ends, both left out; None is open. `value` is one of them."""

    low: Any
    high: Any
    value: Any


class _Other:
    """Any word that no condition names."""

    def __repr__(self) -> str:
        return "any other word"


OTHER = _Other()


@dataclass(slots=True)
class Axis:
    """One axis. `segments` are values, `OTHER`, or stretches; of an opaque condition yes and no."""

    subject: Expr
    opaque: bool
    segments: list[Any] = field(default_factory=list)

    @property
    def full(self) -> int:
        return (1 << len(self.segments)) - 1

    def bits(self, fits: Iterable[bool]) -> int:
        return sum(1 << index for index, one in enumerate(fits) if one)


@dataclass(frozen=True, slots=True)
class _Test:
    """A condition on an axis: a band, words, or null; `negated` is done by the caller."""

    subject: Expr
    low: Any = None
    high: Any = None
    low_in: bool = True
    high_in: bool = True
    values: tuple[Any, ...] | None = None

    def holds(self, segment: Any) -> bool:
        if self.values is not None:
            return not isinstance(segment, Stretch | _Other) and segment in self.values
        if segment is None:
            return False
        if isinstance(segment, Stretch):
            # Ends of bands are segments of their own, so a stretch is in or out as a whole.
            above = self.low is None or (segment.low is not None and segment.low >= self.low)
            return above and (
                self.high is None or (segment.high is not None and segment.high <= self.high)
            )
        if self.low is not None and not (
            segment >= self.low if self.low_in else segment > self.low
        ):
            return False
        return self.high is None or bool(
            segment <= self.high if self.high_in else segment < self.high
        )


def test_of(expr: Expr) -> tuple[_Test, bool] | None:
    """A simple condition and whether it is negated; None for what is opaque."""
    match expr:
        case Band():
            ends = (expr.low, expr.high, expr.low_in, expr.high_in)
            return _Test(expr.subject, *ends), False
        case OneOf():
            return _Test(expr.subject, values=expr.values), expr.negated
        case IsNull():
            return _Test(expr.subject, values=(None,)), expr.negated
        case Compare():
            return _comparison(expr)
        case Fact() | Named() | Item() if expr.type.kind == "yesno" and not expr.type.nullable:
            return _Test(expr, values=(True,)), False
    return None


def _comparison(expr: Compare) -> tuple[_Test, bool] | None:
    """A name against a value. What may be null is opaque: there it is neither yes nor no."""
    left, right, op = expr.left, expr.right, expr.op
    if isinstance(left, Const):
        left, right, op = right, left, _FLIP[op]  # type: ignore[assignment]
    if not isinstance(left, Fact | Named | Item) or not isinstance(right, Const):
        return None
    if left.type.nullable:
        return None
    value = right.value
    if op in ("==", "!="):
        return _Test(left, values=(value,)), op == "!="
    if op in ("<", "<="):
        return _Test(left, high=value, high_in=op == "<="), False
    return _Test(left, low=value, low_in=op == ">="), False


class Space:
    """The axes of some rows, and their conditions as boxes."""

    def __init__(self, rows: Sequence[Sequence[Expr]]) -> None:
        self.axes: list[Axis] = []
        self._index: dict[tuple[bool, Expr], int] = {}
        ends: dict[int, list[_Test]] = {}
        for expr in (part for row in rows for condition in row for part in _atoms(condition)):
            found = test_of(expr)
            subject = expr if found is None else found[0].subject
            index = self._axis(subject, opaque=found is None)
            if found is not None:
                ends.setdefault(index, []).append(found[0])
        for index, axis in enumerate(self.axes):
            tests = ends.get(index, [])
            axis.segments = [True, False] if axis.opaque else segments(axis.subject, tests)

    def _axis(self, subject: Expr, *, opaque: bool) -> int:
        index = self._index.get((opaque, subject))
        if index is None:
            index = self._index[opaque, subject] = len(self.axes)
            self.axes.append(Axis(subject, opaque))
        return index

    def boxes(self, conditions: Sequence[Expr]) -> list[Box]:
        """Where all the conditions hold. Raises `TooMuch`."""
        found: list[Box] = [{}]
        for condition in conditions:
            found = self._met(found, self._where(condition, True))
        return found

    def _where(self, expr: Expr, wanted: bool) -> list[Box]:
        if isinstance(expr, Not):
            return self._where(expr.value, not wanted)
        if isinstance(expr, And | Or):
            if isinstance(expr, And) is wanted:
                found: list[Box] = [{}]
                for item in expr.items:
                    found = self._met(found, self._where(item, wanted))
                return found
            return _few([box for item in expr.items for box in self._where(item, wanted)])
        if isinstance(expr, Const) and isinstance(expr.value, bool):
            return [{}] if expr.value is wanted else []
        return self._atom(expr, wanted)

    def _atom(self, expr: Expr, wanted: bool) -> list[Box]:
        found = test_of(expr)
        index = self._index[found is None, expr if found is None else found[0].subject]
        axis = self.axes[index]
        if found is None:
            bits = 1 if wanted else 2
        else:
            test, negated = found
            bits = axis.bits(test.holds(one) is not negated for one in axis.segments)
            bits = bits if wanted else axis.full & ~bits
        return [{index: bits}] if bits else []

    def _met(self, left: list[Box], right: list[Box]) -> list[Box]:
        both = (meet(one, other) for one in left for other in right)
        return _few([box for box in both if box is not None])

    def subtract(self, boxes: list[Box], away: Box) -> list[Box]:
        """What of the boxes lies outside `away`, as boxes that do not overlap each other more."""
        left: list[Box] = []
        for box in boxes:
            if meet(box, away) is None:
                left.append(box)
                continue
            rest = dict(box)
            for index, bits in away.items():
                own = rest.get(index, self.axes[index].full)
                if own & ~bits:
                    left.append({**rest, index: own & ~bits})
                rest[index] = own & bits
            if len(left) > MAX_PIECES:
                raise TooMuch
        return left


def meet(left: Box, right: Box) -> Box | None:
    """Where both hold; None if nowhere."""
    found = dict(left)
    for index, bits in right.items():
        both = found.get(index, bits) & bits
        if not both:
            return None
        found[index] = both
    return found


def _few(boxes: list[Box]) -> list[Box]:
    if len(boxes) > MAX_BOXES:
        raise TooMuch
    return boxes


def _atoms(expr: Expr) -> Iterable[Expr]:
    """The conditions a condition is put together from."""
    if isinstance(expr, And | Or):
        for item in expr.items:
            yield from _atoms(item)
    elif isinstance(expr, Not):
        yield from _atoms(expr.value)
    elif not isinstance(expr, Const):
        yield expr


def segments(subject: Expr, tests: Sequence[_Test]) -> list[Any]:
    """Every value the subject can have, in as few pieces as the tests need."""
    kind = subject.type
    null = [None] if kind.nullable else []
    if kind.kind == "yesno":
        return [True, False, *null]
    named = [value for test in tests for value in (test.values or ())]
    if kind.values and (kind.kind == "word" or isinstance(subject, Fact)):
        return [*dict.fromkeys([*kind.values, *(v for v in named if v is not None)]), *null]
    if kind.kind not in _MEASURED:
        words = list(dict.fromkeys(value for value in named if value is not None))
        return [*words, OTHER, *null]
    ends = {value for value in named if value is not None}
    ends.update(end for test in tests for end in (test.low, test.high) if end is not None)
    return [*_cut(subject, sorted(ends)), *null]


_MEASURED = frozenset({"money", "percent", "duration", "number", "km", "date", "instant"})


def _cut(subject: Expr, points: list[Any]) -> list[Any]:
    """Points, and the stretches between them that hold a value."""
    kind = subject.type
    step = smallest(kind) if isinstance(subject, Fact) and kind.kind not in _DAYS else None
    least = 0 if isinstance(subject, Fact) and not kind.signed and kind.kind not in _DAYS else None
    found: list[Any] = []
    for low, high in zip([None, *points], [*points, None], strict=True):
        value = _between(low, high, kind, step, least)
        if value is not None:
            found.append(Stretch(low, high, value))
        if high is not None and _possible(high, step, least):
            found.append(high)
    return found


_DAYS = frozenset({"date", "instant"})


def _possible(value: Any, step: Fraction | None, least: int | None) -> bool:
    if least is not None and value < least:
        return False
    return step is None or (Fraction(value) / step).denominator == 1


def _between(low: Any, high: Any, kind: Type, step: Fraction | None, least: int | None) -> Any:
    """A value strictly between the ends, as near to the middle of things as it goes; or None."""
    if kind.kind in _DAYS:
        return _day_between(kind, low, high)
    if low is None and least is not None:
        if high is not None and high <= least:
            return None
        return least
    unit = step or Fraction(1)
    if low is None:
        return _tidy(unit * ((0 if high is None else Fraction(high) / unit // 1) - 1))
    after = _tidy(unit * (Fraction(low) / unit // 1 + 1))
    if least is not None and after < least:
        after = least
    if high is None or after < high:
        return after
    return None if step is not None else _tidy(Fraction(low + high) / 2)


def _tidy(value: Fraction | int) -> Any:
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


def _day_between(kind: Type, low: Any, high: Any) -> Any:
    instant = kind.kind == "instant"
    one = timedelta(microseconds=1) if instant else timedelta(days=1)
    try:
        if low is None:
            some = datetime(2026, 1, 1, tzinfo=UTC) if instant else date(2026, 1, 1)
            return some if high is None else high - one
        return low + one if high is None or low + one < high else None
    except OverflowError:
        return None
