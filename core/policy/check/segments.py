"""What values an axis can have, cut where tests begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from core.policy.explain.changes import smallest
from core.policy.tree import Expr, Fact, Type


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values between two ends, both left out; None is open. `value` is one of them."""

    low: Any
    high: Any
    value: Any


class Other:
    """Any word that no condition names."""

    def __repr__(self) -> str:
        return "any other word"


OTHER = Other()


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on an axis: a band, words, or null; `negated` is done by the caller."""

    subject: Expr
    low: Any = None
    high: Any = None
    low_in: bool = True
    high_in: bool = True
    values: tuple[Any, ...] | None = None

    def holds(self, segment: Any) -> bool:
        if self.values is not None:
            return not isinstance(segment, Stretch | Other) and segment in self.values
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


def segments(subject: Expr, tests: Sequence[Test]) -> list[Any]:
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
