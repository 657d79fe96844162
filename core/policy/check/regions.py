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
from typing import Any

from core.policy.check.segments import Test, segments
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
)  # fmt: skip

#: Boxes one row may come to, and pieces one subtraction may leave; beyond that it is not analysed.
MAX_BOXES = 200
MAX_PIECES = 4_000

_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

#: A box: for some axes, the segments a value may lie in, as bits. Axes it does not name are free.
Box = dict[int, int]


class TooMuch(Exception):
    """More pieces than are worth looking at."""


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


def test_of(expr: Expr) -> tuple[Test, bool] | None:
    """A simple condition and whether it is negated; None for what is opaque."""
    match expr:
        case Band():
            ends = (expr.low, expr.high, expr.low_in, expr.high_in)
            return Test(expr.subject, *ends), False
        case OneOf():
            return Test(expr.subject, values=expr.values), expr.negated
        case IsNull():
            return Test(expr.subject, values=(None,)), expr.negated
        case Compare():
            return _comparison(expr)
        case Fact() | Named() | Item() if expr.type.kind == "yesno" and not expr.type.nullable:
            return Test(expr, values=(True,)), False
    return None


def _comparison(expr: Compare) -> tuple[Test, bool] | None:
    """A name against a value. What may be null is asked for by a call, and so is opaque: where it
    is null the comparison is neither yes nor no."""
    left, right, op = expr.left, expr.right, expr.op
    if isinstance(left, Const):
        left, right, op = right, left, _FLIP[op]  # type: ignore[assignment]
    if not isinstance(left, Fact | Named | Item) or not isinstance(right, Const):
        return None
    value = right.value
    if op in ("==", "!="):
        return Test(left, values=(value,)), op == "!="
    if op in ("<", "<="):
        return Test(left, high=value, high_in=op == "<="), False
    return Test(left, low=value, low_in=op == ">="), False


class Space:
    """The axes of some rows, and their conditions as boxes."""

    def __init__(self, rows: Sequence[Sequence[Expr]]) -> None:
        self.axes: list[Axis] = []
        self._index: dict[tuple[bool, Expr], int] = {}
        ends: dict[int, list[Test]] = {}
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


class Near:
    """Which earlier rows may meet a row at all, by the axis that tells most of them apart."""

    def __init__(self, space: Space, rows: Sequence[list[Box] | None]) -> None:
        self._space = space
        counts: dict[int, int] = {}
        for axis in (axis for boxes in rows for box in boxes or () for axis in box):
            counts[axis] = counts.get(axis, 0) + 1
        often = [axis for axis, count in counts.items() if 3 * count >= 2 * len(rows)]
        self._pivot = max(often, key=lambda one: len(space.axes[one].segments), default=-1)
        self._at: dict[int, list[int]] = {}
        self._always: list[int] = []
        for index, boxes in enumerate(rows):
            bits = self._bits(boxes or [])
            if bits.bit_count() > _WIDE:
                self._always.append(index)
            else:
                for bit in _each(bits):
                    self._at.setdefault(bit, []).append(index)

    def _bits(self, boxes: list[Box]) -> int:
        full = self._space.axes[self._pivot].full if self._pivot >= 0 else -1
        found = 0
        for box in boxes:
            found |= box.get(self._pivot, full)
        return found if found >= 0 else (1 << (_WIDE + 1)) - 1

    def before(self, index: int, boxes: list[Box]) -> Iterable[int]:
        """Rows before `index` that may have something in common with these boxes, in order."""
        bits = self._bits(boxes)
        if self._pivot < 0 or bits.bit_count() > _WIDE:
            return range(index)
        near = set(self._always)
        for bit in _each(bits):
            near.update(self._at.get(bit, ()))
        return sorted(one for one in near if one < index)


#: A row that takes more segments than this is looked at with every row.
_WIDE = 64


def _each(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


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
