"""Syntax into typed expressions: names resolved, units read, kinds checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any, cast

from lark import Token

from core.money import EXPONENTS, MoneyError, parse_money
from core.policy import kinds
from core.policy.document import Text
from core.policy.errors import PolicyError, Pos
from core.policy.functions import FOLDS, FUNCTIONS
from core.policy.kinds import describe, same, tidy
from core.policy.scope import Scope
from core.policy.syntax import MAX_LEVELS, Syntax, parse, place
from core.policy.tree import (
    SECONDS,
    And,
    Arithmetic,
    ByCurrency,
    Call,
    Choose,
    Compare,
    Const,
    Expr,
    Fact,
    Fold,
    IsNull,
    Negative,
    Not,
    Number,
    Or,
    Type,
    walk,
)  # fmt: skip

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(.*)", re.ASCII)
_UNITS = {
    "s": "seconds", "second": "seconds", "seconds": "seconds", "min": "minutes",
    "minute": "minutes", "minutes": "minutes", "h": "hours", "hour": "hours", "hours": "hours",
    "d": "days", "day": "days", "days": "days",
}  # fmt: skip
_DIGITS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


def expression(text: str, start: Pos, scope: Scope) -> Expr:
    """The typed expression of `text`, which begins at `start`. Raises `PolicyError`."""
    stripped = text.strip()
    return Builder(scope, start).build(parse(stripped, start), 0)


def condition(text: str, start: Pos, scope: Scope) -> Expr:
    """An expression that is yes or no."""
    return _required(expression(text, start, scope), "yesno")


def of_node(node: Text, scope: Scope) -> Expr:
    return expression(node.value, node.start, scope)


def _required(expr: Expr, kind: str) -> Expr:
    if expr.type.kind != kind:
        wanted = describe(Type(kind=cast(Any, kind)))
        raise PolicyError(f"{wanted} belongs here, not {describe(expr.type)}", expr.at)
    return present(expr)


def present(expr: Expr) -> Expr:
    """`expr`, or unknown where it is null: what every calculation and comparison asks for."""
    if expr.type.kind == "null":
        raise PolicyError("null cannot be calculated with; ask `is null`", expr.at)
    if not expr.type.nullable:
        return expr
    return Call(
        function="present", args=(expr,), type=replace(expr.type, nullable=False), at=expr.at
    )


def number(text: str, at: Pos) -> Number:
    """A plain number, exactly. At most twelve digits, then six decimals."""
    if not _DIGITS.fullmatch(text):
        raise PolicyError(f"{text[:30]!r} is not a plain number of 12 digits and 6 decimals", at)
    return tidy(Fraction(text))


def quantity(text: str, at: Pos, scope: Scope) -> Expr:
    """A number with its unit: `250 EUR`, `50%`, `24 h`, `3 km`, `7`."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise PolicyError(f"{text[:30]!r} is not a number with a unit such as 250 EUR or 24 h", at)
    digits, unit = match[1], match[2].strip()
    if unit in _UNITS:
        value = kinds.in_seconds(number(digits, at), _UNITS[unit])
        whole = value % SECONDS[_UNITS[unit]] == 0
        return Const(value=value, type=Type(kind="duration", unit=_UNITS[unit], whole=whole), at=at)
    if unit == "%":
        return Const(value=tidy(Fraction(number(digits, at)) / 100), type=kinds.PERCENT, at=at)
    if unit == "km" or not unit:
        value = number(digits, at)
        kind = Type(kind="km" if unit else "number", whole=isinstance(value, int))
        return Const(value=value, type=kind, at=at)
    return amount(digits, unit, at, scope)


def amount(digits: str, currency: str, at: Pos, scope: Scope) -> Expr:
    """Money; in one of the policy's own currencies it is the case's, else foreign."""
    minor = minor_units(digits, currency, at)
    if scope.currencies == (currency,):
        return Const(value=minor, type=kinds.MONEY, at=at)
    if currency in scope.currencies:
        return ByCurrency(amounts=((currency, minor),), type=kinds.MONEY, at=at)
    return Const(value=minor, type=replace(kinds.MONEY, currency=currency), at=at)


def minor_units(digits: str, currency: str, at: Pos) -> int:
    if currency not in EXPONENTS:
        raise PolicyError(f"{currency!r} is not a unit or a currency of ISO 4217", at)
    try:
        return parse_money(digits, currency).minor
    except MoneyError as error:
        raise PolicyError(str(error), at) from None


class Builder:
    """Turns one syntax tree into one typed expression."""

    def __init__(self, scope: Scope, start: Pos) -> None:
        self.scope = scope
        self.start = start

    def build(self, syntax: Syntax, depth: int) -> Expr:
        at = place(syntax, self.start)
        if depth > MAX_LEVELS:
            raise PolicyError(
                f"more than {MAX_LEVELS} steps inside each other; name a part under `let`", at
            )
        if isinstance(syntax, Token):
            raise PolicyError(f"{syntax[:20]!r} cannot stand here", at)
        method: Callable[[list[Any], Pos, int], Expr] = getattr(self, f"_{syntax.data}")
        return method(syntax.children, at, depth + 1)

    # ---- leaves

    def _name(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return self.scope.name(str(parts[0]), at)

    def _quantity(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return quantity(str(parts[0]), at, self.scope)

    def _date(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return Const(value=day(str(parts[0]), at), type=kinds.DATE, at=at)

    def _word(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        text = str(parts[0])[1:-1]
        return Const(value=text, type=replace(kinds.WORDS, values=(text,)), at=at)

    def _yes(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return Const(value=True, type=kinds.YESNO, at=at)

    def _no(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return Const(value=False, type=kinds.YESNO, at=at)

    def _null(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return Const(value=None, type=kinds.NULL, at=at)

    # ---- yes or no

    def _choose(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        if len(parts) == 1:
            return self.build(parts[0], depth)
        yes, test, no = (self.build(part, depth) for part in parts)
        kind = kinds.joined(yes.type, no.type)
        if kind is None:
            raise PolicyError(
                f"one side is {describe(yes.type)}, the other {describe(no.type)}", no.at
            )
        return Choose(test=_required(test, "yesno"), yes=yes, no=no, type=kind, at=at)

    def _either(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        items = tuple(_required(self.build(part, depth), "yesno") for part in parts)
        return Or(items=items, type=kinds.YESNO, at=at)

    def _both(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        items = tuple(_required(self.build(part, depth), "yesno") for part in parts)
        return And(items=items, type=kinds.YESNO, at=at)

    def _not_(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        value = _required(self.build(parts[0], depth), "yesno")
        return Not(value=value, type=kinds.YESNO, at=at)

    def _compare(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        left, right = self.build(parts[0], depth), self.build(parts[2], depth)
        return compared(str(parts[1]), left, right, at)

    def _is_null(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        return IsNull(subject=self._nullable(parts[0], depth), type=kinds.YESNO, at=at)

    def _is_not_null(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        subject = self._nullable(parts[0], depth)
        return IsNull(subject=subject, negated=True, type=kinds.YESNO, at=at)

    def _nullable(self, syntax: Syntax, depth: int) -> Expr:
        subject = self.build(syntax, depth)
        if not subject.type.nullable:
            raise PolicyError("this is never null; declare the fact with `or null`", subject.at)
        return subject

    # ---- numbers

    def _negative(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        value = present(self.build(parts[1], depth))
        if value.type.kind not in ("money", "percent", "duration", "number", "km"):
            raise PolicyError(f"{describe(value.type)} has no negative", at)
        return Negative(value=value, type=replace(value.type, signed=True, values=()), at=at)

    def _arithmetic(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        left = present(self.build(parts[0], depth))
        right = present(self.build(parts[2], depth))
        op = str(parts[1])
        kind = _arithmetic_type(op, left.type, right.type)
        if isinstance(kind, str):
            raise PolicyError(kind, place(parts[1], self.start))
        return Arithmetic(op=cast(Any, op), left=left, right=right, type=kind, at=at)

    def _call(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        name = str(parts[0])
        function = FUNCTIONS.get(name)
        if function is None:
            known = ", ".join([*FUNCTIONS, *sorted(FOLDS - FUNCTIONS.keys())])
            raise PolicyError(f"{name!r} is not a function; there are {known}", at)
        args = tuple(present(self.build(part, depth)) for part in parts[1:])
        if not function.least <= len(args) <= function.most:
            raise PolicyError(f"{name} does not take {len(args)} values", at)
        kind = function.type([arg.type for arg in args])
        if isinstance(kind, str):
            raise PolicyError(f"{name}: {kind}", at)
        return Call(function=name, args=args, type=kind, at=at)

    # ---- lists

    def _fold(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        name, value, variable, over, where = parts
        return self._folded(str(name), value, variable, over, where, at, depth)

    def _fold_where(self, parts: list[Any], at: Pos, depth: int) -> Expr:
        name, variable, over, where = parts
        return self._folded(str(name), None, variable, over, where, at, depth)

    def _folded(
        self, name: str, value: Syntax | None, variable: Token, over: Token,
        where: Syntax | None, at: Pos, depth: int,
    ) -> Expr:  # fmt: skip
        if name not in FOLDS or (value is None) != (name in ("count", "any", "all")):
            raise PolicyError(f"{name!r} does not go through a list like this", at)
        if self.scope.items:
            raise PolicyError("a list cannot be gone through inside another", at)
        source = self.scope.name(str(over), place(over, self.start))
        if not isinstance(source, Fact):
            raise PolicyError(f"{str(over)!r} is not a fact that is a list", source.at)
        self.scope.bind(str(variable), source, place(variable, self.start))
        self.scope.folding = True
        try:
            inner = None if value is None else present(self.build(value, depth))
            test = None if where is None else _required(self.build(where, depth), "yesno")
        finally:
            self.scope.folding = False
            del self.scope.items[str(variable)]
        kind = _fold_type(name, inner, test, at)
        fold = Fold(
            function=cast(Any, name), variable=str(variable), over=source, value=inner,
            where=test, type=kind, at=at,
        )  # fmt: skip
        self.scope.count_fold(sum(1 for _ in walk(fold)), at)
        return fold


def _fold_type(name: str, value: Expr | None, where: Expr | None, at: Pos) -> Type:
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


def _arithmetic_type(op: str, left: Type, right: Type) -> Type | str:
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


def day(text: str, at: Pos) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise PolicyError(f"{text[:20]!r} is not a date such as 2026-03-31", at) from None
