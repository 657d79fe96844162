"""The functions of the language: what they take and what they give. There are no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.policy import kinds
from core.policy.kinds import COUNT, NUMBER, ORDERED, PERCENT, same
from core.policy.tree import Type

#: Decides the type of a call from the types of its arguments, or answers what is wrong.
Signature = Callable[[Sequence[Type]], Type | str]


@dataclass(frozen=True, slots=True)
class Function:
    least: int
    most: int
    type: Signature


def _alike(args: Sequence[Type]) -> Type | str:
    first = args[0]
    if first.kind not in ORDERED:
        return "only numbers, money, lengths of time and dates have a lesser and a greater"
    if not all(same(first, other) for other in args[1:]):
        return "the values are not of one kind"
    return replace(
        first,
        whole=all(arg.whole for arg in args),
        signed=any(arg.signed for arg in args),
        values=(),
    )


def _whole(args: Sequence[Type]) -> Type | str:
    if args[0].kind != "number":
        return "only a plain number has a whole part; divide by the unit first (`late / 1 h`)"
    return replace(NUMBER, whole=True, decimals=0)


def _rounded(args: Sequence[Type]) -> Type | str:
    value, step = args
    if value.kind not in ("money", "number", "percent", "duration", "km") or not same(value, step):
        return "the step to round to is of the same kind as the value (`round(x, 0.05 EUR)`)"
    return replace(value, whole=value.kind == "money", values=())


def _percent(args: Sequence[Type]) -> Type | str:
    if not same(*args) or args[0].kind not in ("money", "number", "duration", "km"):
        return "a share needs two values of one kind"
    return replace(PERCENT, signed=True)


def _exchange(args: Sequence[Type]) -> Type | str:
    amount, rate = args
    if amount.kind != "money" or amount.currency is None:
        return "the first value is an amount of another currency than the case's"
    return kinds.MONEY if rate.kind == "number" else "the rate is a number"


def _between(*extra: str) -> Signature:
    def check(args: Sequence[Type]) -> Type | str:
        if any(arg.kind not in ("date", "instant") for arg in args[:2]):
            return "the first two values are dates"
        if tuple(arg.kind for arg in args[2:]) != extra:
            return f"the third value is a {extra[0]}" if extra else "two dates are enough"
        return replace(COUNT, signed=True)

    return check


def _days(args: Sequence[Type]) -> Type | str:
    if any(arg.kind not in ("date", "instant") for arg in args):
        return "the values are dates"
    return replace(kinds.SPAN, decimals=0, whole=True)


def _month(args: Sequence[Type]) -> Type | str:
    if args[0].kind not in ("date", "instant"):
        return "the value is a date"
    return replace(kinds.SPAN, decimals=0, whole=True, signed=False)


FUNCTIONS: dict[str, Function] = {
    "min": Function(2, 8, _alike),
    "max": Function(2, 8, _alike),
    "clamp": Function(3, 3, _alike),
    "floor": Function(1, 1, _whole),
    "ceil": Function(1, 1, _whole),
    "round": Function(2, 2, _rounded),
    "round_up": Function(2, 2, _rounded),
    "round_down": Function(2, 2, _rounded),
    "round_even": Function(2, 2, _rounded),
    "percent": Function(2, 2, _percent),
    "exchange": Function(2, 2, _exchange),
    "days_between": Function(2, 2, _days),
    "working_days_between": Function(3, 3, _between("calendar")),
    "months_between": Function(2, 2, _between()),
    "calendar_months_between": Function(2, 2, _between()),
    "month_length": Function(1, 1, _month),
}
FOLDS = frozenset({"sum", "count", "mean", "min", "max", "any", "all"})
