"""Comparing, banding and rounding as the reference interpreter means them: exact, and not fast."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from core.policy.errors import Undecided
from core.policy.tree import Band


def compare(op: str, left: Any, right: Any) -> bool:
    match op:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "==":
            return bool(left == right)
    return bool(left != right)


def within(band: Band, value: Any) -> bool:
    if value is None:
        return False
    if band.low is not None and not (value >= band.low if band.low_in else value > band.low):
        return False
    return band.high is None or bool(value <= band.high if band.high_in else value < band.high)


def rounded(function: str, value: Fraction, step: Fraction) -> Any:
    if step <= 0:
        raise Undecided("a step to round to that is not greater than zero")
    units = abs(value) / step
    whole, rest = units // 1, units % 1
    if function == "round_up":
        whole += rest > 0
    elif function == "round":
        whole += rest >= Fraction(1, 2)
    elif function == "round_even":
        whole += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    result = whole * step
    return -result if value < 0 else result
