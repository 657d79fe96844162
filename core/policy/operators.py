"""What operators take and what comes of them: the kinds of sums, comparisons and folds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from core.policy import kinds
from core.policy.errors import PolicyError, Pos
from core.policy.kinds import describe, same
from core.policy.tree import Call, Compare, Const, Expr, Type


def present(expr: Expr) -> Expr:
    """`expr`, or unknown where it is null: what every calculation and comparison asks for."""
    if expr.type.kind == "null":
        raise PolicyError("null cannot be calculated with; ask `is null`", expr.at)
    if not expr.type.nullable:
        return expr
    return Call(
        function="present", args=(expr,), type=replace(expr.type, nullable=False), at=expr.at
    )


def fold_type(name: str, value: Expr | None, where: Expr | None, at: Pos) -> Type:
    if name == "count":
        return kinds.COUNT
    if value is None:
        if where is None:
            raise PolicyError(f"{name} needs `where` and a condition", at)
        return kinds.YESNO
    addable = ("money", "percent", "duration", "number", "km")
    if value.type.kind not in (addable if name in ("sum", "mean") else kinds.ORDERED):
        raise PolicyError(f"{describe(value.type)} has no {name}", value.at)
    return replace(value.type, whole=value.type.whole and name != "mean", values=())


def compared(op: str, left: Expr, right: Expr, at: Pos) -> Expr:
    """`left op right`, checked."""
    left, right = present(left), present(right)
    if not same(left.type, right.type) or left.type.kind == "list":
        hint = "; write the unit" if right.type.kind == "number" else ""
        raise PolicyError(
            f"{describe(left.type)} cannot be compared with {describe(right.type)}{hint}", right.at
        )
    if op not in ("==", "!=") and left.type.kind not in kinds.ORDERED:
        raise PolicyError(f"{describe(left.type)} has no order; use == or !=", at)
    for known, other in ((left.type.values, right), (right.type.values, left)):
        if known and isinstance(other, Const) and other.value not in known:
            raise PolicyError(
                f"{other.value!r} is not one of {', '.join(map(str, known))}", other.at
            )
    return Compare(op=cast(Any, op), left=left, right=right, type=kinds.YESNO, at=at)


def arithmetic_type(op: str, left: Type, right: Type) -> Type | str:
    plain = ("money", "percent", "duration", "number", "km")
    signed = left.signed or right.signed or op == "-"
    if op == "of":
        if left.kind != "percent" or right.kind not in plain:
            return "`of` takes a percentage of an amount (`25% of order.total`)"
        return replace(right, whole=False, signed=signed, values=())
    if op in "+-":
        return _sum_type(op, left, right, signed)
    if left.kind not in plain or right.kind not in plain:
        return f"{describe(left)} {op} {describe(right)} has no meaning"
    if op == "*":
        base = right if left.kind == "number" else left
        if "number" not in (left.kind, right.kind):
            share = "; write `of`" if "percent" in (left.kind, right.kind) else ""
            return f"{describe(left)} times {describe(right)} has no meaning{share}"
        return replace(base, whole=left.whole and right.whole, signed=signed, values=())
    if same(left, right):
        return replace(kinds.NUMBER, signed=signed)
    if right.kind == "number":
        return replace(left, whole=False, signed=signed, values=())
    return f"{describe(left)} divided by {describe(right)} has no meaning"


def _sum_type(op: str, left: Type, right: Type, signed: bool) -> Type | str:
    if left.kind in ("date", "instant"):
        if right.kind == "duration" and right.whole and right.unit == "days":
            return left
        if op == "-" and right.kind == left.kind:
            return kinds.SPAN
        return "a date takes whole days (`paid_on + 14 days`)"
    if not same(left, right) or left.kind not in ("money", "percent", "duration", "number", "km"):
        return f"{describe(left)} {op} {describe(right)} has no meaning"
    return replace(left, whole=left.whole and right.whole, signed=signed, values=())
