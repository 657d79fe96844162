"""Syntax into typed expressions: names resolved, units read, kinds checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from lark import Token

from core.policy import kinds
from core.policy.document import Text
from core.policy.errors import PolicyError, Pos
from core.policy.functions import FOLDS, FUNCTIONS
from core.policy.kinds import describe
from core.policy.operators import arithmetic_type, compared, fold_type, present
from core.policy.quantities import day, quantity
from core.policy.scope import Scope
from core.policy.syntax import MAX_LEVELS, Syntax, parse, place
from core.policy.tree import (
    And,
    Arithmetic,
    Call,
    Choose,
    Const,
    Expr,
    Fact,
    Fold,
    IsNull,
    Negative,
    Not,
    Or,
    Type,
    walk,
)  # fmt: skip


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
        kind = arithmetic_type(op, left.type, right.type)
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
        kind = fold_type(name, inner, test, at)
        fold = Fold(
            function=cast(Any, name), variable=str(variable), over=source, value=inner,
            where=test, type=kind, at=at,
        )  # fmt: skip
        self.scope.count_fold(sum(1 for _ in walk(fold)), at)
        return fold
