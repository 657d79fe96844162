"""Exact arithmetic as SQL: whole numbers, fractions of them, and what is not known.

A `Term` is one SQL value: NULL where it is not known, so SQL's own three values of yes, no and
unknown are those of the language. Whole numbers are BIGINT and carry the range they can take, so
that it is known when compiled whether an operation can leave 64 bits; one that can is written as
`TRY(...)`, which makes the one row unknown instead of ending the query. A `Ratio` is a fraction:
nothing is ever divided before a rounding says how, and then by `//` of whole numbers (`/` is
floating in DuckDB, and `//` cuts towards zero, so signs are taken apart first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

INT64 = 2**63 - 1


class NotVectorised(Exception):
    """This policy cannot be written as one query; the text says which part. Never leaves the
    backtest: it then goes row by row."""


@dataclass(frozen=True, slots=True)
class Term:
    """One SQL value.

    low, high: the range of a whole number. sure: never NULL (but where `null` is true).
    null: SQL that is true where the value is known to be null, or '' where it never is.
    constant: of a whole number that is written out.
    """

    text: str
    low: int = 0
    high: int = 0
    sure: bool = False
    null: str = ""
    constant: int | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """`top / bottom`, where `bottom` is greater than zero."""

    top: Term
    bottom: Term

    @property
    def null(self) -> str:
        return self.top.null

    @property
    def sure(self) -> bool:
        return self.top.sure and self.bottom.sure


UNKNOWN = Term("NULL::BIGINT")


def whole(value: int) -> Term:
    """A number; unknown where it has more than 64 bits."""
    if abs(value) > INT64:
        return UNKNOWN
    # DuckDB would take a small constant for 32 bits, and its product too.
    return Term(f"{value}::BIGINT", value, value, True, constant=value)


ONE = whole(1)


def ratio(value: Any) -> Ratio:
    exact = Fraction(value)
    return Ratio(whole(exact.numerator), whole(exact.denominator))


def _checked(text: str, low: int, high: int, sure: bool) -> Term:
    if low >= -INT64 and high <= INT64:
        return Term(f"({text})", low, high, sure)
    return Term(f"TRY({text})", max(low, -INT64), min(high, INT64), False)


def plus(left: Term, right: Term) -> Term:
    if left.constant is not None and right.constant is not None:
        return whole(left.constant + right.constant)
    low, high = left.low + right.low, left.high + right.high
    return _checked(f"{left.text} + {right.text}", low, high, left.sure and right.sure)


def times(left: Term, right: Term) -> Term:
    if left.constant is not None and right.constant is not None:
        return whole(left.constant * right.constant)
    if left.constant == 1:
        return right
    if right.constant == 1:
        return left
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    sure = left.sure and right.sure
    return _checked(f"{left.text} * {right.text}", min(corners), max(corners), sure)


def minus(one: Term) -> Term:
    if one.constant is not None:
        return whole(-one.constant)
    return _checked(f"0 - {one.text}", -one.high, -one.low, one.sure)


def size(one: Term) -> Term:
    """Without its sign."""
    if one.low >= 0:
        return one
    most = max(abs(one.low), abs(one.high))
    return Term(f"(CASE WHEN {one.text} < 0 THEN 0 - {one.text} ELSE {one.text} END)", 0, most,
                one.sure)  # fmt: skip


def quotient(top: Term, bottom: Term) -> Term:
    """Rounded down, of two that are not negative; `bottom` is not zero."""
    if top.constant is not None and bottom.constant is not None:
        return whole(top.constant // bottom.constant)
    if bottom.constant == 1:
        return top
    text = f"({top.text} // {bottom.text})"
    return Term(text, 0, top.high // max(bottom.low, 1), top.sure and bottom.sure)


def signed(of: Term, result: Term) -> Term:
    """`result` with the sign of `of`."""
    if of.low >= 0:
        return result
    text = f"(CASE WHEN {of.text} < 0 THEN 0 - {result.text} ELSE {result.text} END)"
    return Term(text, -result.high, result.high, of.sure and result.sure)


def case(tests: Sequence[Term], values: Sequence[Term], otherwise: Term | None) -> Term:
    """The first value whose test holds; unknown where a test before it is. `otherwise` is unknown
    if it is not said."""
    if not tests and otherwise is not None:
        return otherwise
    lines = []
    for test, value in zip(tests, values, strict=True):
        lines.append(f"WHEN {test.text} THEN {value.text}")
        if not test.sure:
            lines.append(f"WHEN ({test.text}) IS NULL THEN NULL")
    if otherwise is not None:
        lines.append(f"ELSE {otherwise.text}")
    everything = [*values, *([otherwise] if otherwise is not None else [])]
    sure = otherwise is not None and all(one.sure for one in (*tests, *everything))
    text = f"(CASE {' '.join(lines)} END)"
    return Term(
        text, min(one.low for one in everything), max(one.high for one in everything), sure,
        _nulls(tests, values, otherwise),
    )  # fmt: skip


def _nulls(tests: Sequence[Term], values: Sequence[Term], otherwise: Term | None) -> str:
    last = otherwise.null if otherwise is not None else ""
    if not last and not any(value.null for value in values):
        return ""
    lines = []
    for test, value in zip(tests, values, strict=True):
        lines.append(f"WHEN {test.text} THEN {value.null or 'FALSE'}")
        if not test.sure:
            lines.append(f"WHEN ({test.text}) IS NULL THEN NULL")
    return f"(CASE {' '.join(lines)} ELSE {last or 'FALSE'} END)"


def case_ratio(tests: Sequence[Term], values: Sequence[Ratio], otherwise: Ratio | None) -> Ratio:
    everything = [*values, *([otherwise] if otherwise is not None else [])]
    bottoms = [one.bottom.constant for one in everything]
    if all(bottom is not None for bottom in bottoms):
        common = lcm(*(bottom or 1 for bottom in bottoms))
        tops = [in_parts(one, common) for one in everything]
        last = tops.pop() if otherwise is not None else None
        return Ratio(case(tests, tops, last), whole(common))
    return Ratio(
        case(tests, [one.top for one in values], otherwise.top if otherwise else None),
        case(tests, [one.bottom for one in values], otherwise.bottom if otherwise else None),
    )


def in_parts(one: Ratio, common: int) -> Term:
    """How many `common`-th parts it is; its bottom is a constant that `common` is a multiple of."""
    factor = common // (one.bottom.constant or 1)
    return replace(times(one.top, whole(factor)), null=one.top.null)


def add(left: Ratio, right: Ratio) -> Ratio:
    if left.bottom.constant is not None and right.bottom.constant is not None:
        common = lcm(left.bottom.constant, right.bottom.constant)
        return Ratio(plus(in_parts(left, common), in_parts(right, common)), whole(common))
    top = plus(times(left.top, right.bottom), times(right.top, left.bottom))
    return Ratio(top, times(left.bottom, right.bottom))


def multiply(left: Ratio, right: Ratio) -> Ratio:
    return _reduced(Ratio(times(left.top, right.top), times(left.bottom, right.bottom)))


def _reduced(one: Ratio) -> Ratio:
    if one.top.constant is not None and one.bottom.constant is not None:
        return ratio(Fraction(one.top.constant, one.bottom.constant))
    return one


def negative(one: Ratio) -> Ratio:
    return Ratio(minus(one.top), one.bottom)


def compare(op: str, left: Ratio, right: Ratio) -> Term:
    """`left op right`, multiplied out."""
    sql = {"==": "=", "!=": "<>"}.get(op, op)
    if left.bottom.constant is not None and right.bottom.constant is not None:
        common = lcm(left.bottom.constant, right.bottom.constant)
        one, other = in_parts(left, common), in_parts(right, common)
    else:
        one, other = times(left.top, right.bottom), times(right.top, left.bottom)
    return Term(f"({one.text} {sql} {other.text})", sure=one.sure and other.sure)
