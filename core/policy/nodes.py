"""Expressions into syntax nodes, in the two forms that `core.policy.compiler` tells of."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.policy import runtime
from core.policy.tree import (
    And,
    Arithmetic,
    Band,
    ByCurrency,
    Call,
    Choose,
    Compare,
    Const,
    Expr,
    Fact,
    Fold,
    IsNull,
    Item,
    Named,
    Negative,
    Not,
    OneOf,
    Or,
    Threshold,
    spoken,
)  # fmt: skip

if TYPE_CHECKING:
    from core.policy.compiler import Compiled

_COMPARE: dict[str, ast.cmpop] = {
    "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(), "==": ast.Eq(),
    "!=": ast.NotEq(),
}  # fmt: skip
_OPERATOR: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}
LOAD = ast.Load()


class Fast:
    """Nodes of the fast form."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled

    def build(self, expr: Expr) -> ast.expr:
        method = getattr(self, f"_{type(expr).__name__.lower()}")
        built: ast.expr = method(expr)
        return built

    def _const(self, expr: Const) -> ast.expr:
        return self.compiled.constant(expr.value)

    def _fact(self, expr: Fact) -> ast.expr:
        return self.compiled.fact(expr.name)

    def _named(self, expr: Named) -> ast.expr:
        return self.compiled.named(expr)

    def _item(self, expr: Item) -> ast.expr:
        return self.compiled.item(expr)

    def _bycurrency(self, expr: ByCurrency) -> ast.expr:
        table = self.compiled.constant(self.compiled.amounts(expr))
        return ast.Subscript(table, place(0), LOAD)

    def _negative(self, expr: Negative) -> ast.expr:
        return ast.UnaryOp(ast.USub(), self.build(expr.value))

    def _arithmetic(self, expr: Arithmetic) -> ast.expr:
        left, right = self.build(expr.left), self.build(expr.right)
        if expr.left.type.kind in ("date", "instant"):
            if expr.right.type.kind in ("date", "instant"):
                return helper("gap", right, left)
            moved = right if expr.op == "+" else ast.UnaryOp(ast.USub(), right)
            return helper("shifted", left, moved)
        if expr.op == "/":
            return helper("divided", left, right)
        if expr.op == "of":
            return ast.BinOp(left, ast.Mult(), right)
        return ast.BinOp(left, _OPERATOR[expr.op], right)

    def _compare(self, expr: Compare) -> ast.expr:
        return ast.Compare(self.build(expr.left), [_COMPARE[expr.op]], [self.build(expr.right)])

    def _and(self, expr: And) -> ast.expr:
        if not expr.items:
            return ast.Constant(True)
        parts = [self.build(item) for item in expr.items]
        return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)

    def _or(self, expr: Or) -> ast.expr:
        return ast.BoolOp(ast.Or(), [self.build(item) for item in expr.items])

    def _not(self, expr: Not) -> ast.expr:
        return ast.UnaryOp(ast.Not(), self.build(expr.value))

    def _choose(self, expr: Choose) -> ast.expr:
        return ast.IfExp(self.build(expr.test), self.build(expr.yes), self.build(expr.no))

    def _oneof(self, expr: OneOf) -> ast.expr:
        subject = self.build(expr.subject)
        if len(expr.values) == 1:
            same: ast.cmpop = ast.NotEq() if expr.negated else ast.Eq()
            return ast.Compare(subject, [same], [self.compiled.constant(expr.values[0])])
        among: ast.cmpop = ast.NotIn() if expr.negated else ast.In()
        return ast.Compare(subject, [among], [self.compiled.constant(frozenset(expr.values))])

    def _band(self, expr: Band) -> ast.expr:
        subject = self.build(expr.subject)
        constant = self.compiled.constant
        if expr.subject.type.nullable:
            ends = (constant(expr.low), constant(expr.high))
            return helper("within", subject, *ends, constant(expr.low_in), constant(expr.high_in))
        upper: ast.cmpop = ast.LtE() if expr.high_in else ast.Lt()
        if expr.low is None:
            return ast.Compare(subject, [upper], [constant(expr.high)])
        if expr.high is None:
            lower: ast.cmpop = ast.GtE() if expr.low_in else ast.Gt()
            return ast.Compare(subject, [lower], [constant(expr.low)])
        lower = ast.LtE() if expr.low_in else ast.Lt()
        return ast.Compare(constant(expr.low), [lower, upper], [subject, constant(expr.high)])

    def _isnull(self, expr: IsNull) -> ast.expr:
        op: ast.cmpop = ast.IsNot() if expr.negated else ast.Is()
        return ast.Compare(helper("known", self.build(expr.subject)), [op], [ast.Constant(None)])

    def _call(self, expr: Call) -> ast.expr:
        if expr.function == "present":
            name = self.compiled.constant(spoken(expr.args[0]))
            return helper("present", self.build(expr.args[0]), name)
        if expr.function == "exchange":
            scales = self.compiled.constant(self.compiled.scales(expr.args[0].type.currency or ""))
            amount, rate = (self.build(arg) for arg in expr.args)
            return helper("exchanged", amount, rate, ast.Subscript(scales, place(0), LOAD))
        if expr.function == "working_days_between":
            assert isinstance(expr.args[2], Const)
            count = self.compiled.constant(self.compiled.working_days(str(expr.args[2].value)))
            dates = [self.build(arg) for arg in expr.args[:2]]
            return ast.Call(count, [ast.Name("f", LOAD), *dates], [])
        share = self._rounded_share(expr)
        if share is not None:
            return share
        return helper(expr.function, *(self.build(arg) for arg in expr.args))

    def _rounded_share(self, expr: Call) -> ast.expr | None:
        """`round(p/q of x, step)` for known p, q and step: whole numbers all the way."""
        if expr.function != "round":
            return None
        value, step = expr.args
        if not (isinstance(value, Arithmetic) and value.op == "of" and isinstance(step, Const)):
            return None
        if not (isinstance(value.left, Const) and type(step.value) is int and step.value > 0):
            return None
        top, bottom = runtime.ratio(value.left.value)
        known = (ast.Constant(one) for one in (top, bottom * step.value, step.value))
        return helper("rounded_share", self.build(value.right), *known)

    def _fold(self, expr: Fold) -> ast.expr:
        compiled = self.compiled
        value = compiled.function(expr.value) if expr.value is not None else None
        where = compiled.function(expr.where) if expr.where is not None else None
        fold = runtime.fold(expr.function, compiled.fold_slot, value, where)
        return ast.Call(compiled.constant(fold), [ast.Name("f", LOAD), self.build(expr.over)], [])

    def _threshold(self, expr: Threshold) -> ast.expr:
        parts = (self.build(expr.value), self.build(expr.limit))
        return helper("over" if expr.over else "from_", *parts)


class Careful(Fast):
    """Nodes of the careful form: leaves are looked at, and no `and` hides an unknown wrongly."""

    def build(self, expr: Expr) -> ast.expr:
        built = super().build(expr)
        if isinstance(expr, Fact | Named | Item | ByCurrency):
            return helper("known", built)
        return built

    def _bycurrency(self, expr: ByCurrency) -> ast.expr:
        table = self.compiled.constant(self.compiled.amounts(expr))
        return ast.Subscript(table, helper("known", place(0)), LOAD)

    def _item(self, expr: Item) -> ast.expr:
        found = place(self.compiled.fold_slot if expr.fold else self.compiled.item_slot)
        whole = helper("known", found)
        return ast.Subscript(whole, ast.Constant(expr.index), LOAD) if expr.field else whole

    def _and(self, expr: And) -> ast.expr:
        return self._kleene("all_hold", expr.items)

    def _or(self, expr: Or) -> ast.expr:
        return self._kleene("any_holds", expr.items)

    def _kleene(self, name: str, items: Sequence[Expr]) -> ast.expr:
        tests = tuple(self.compiled.careful(item) for item in items)
        return helper(name, ast.Name("f", LOAD), self.compiled.constant(tests))


def place(index: int) -> ast.expr:
    """A place of the frame."""
    return ast.Subscript(ast.Name("f", LOAD), ast.Constant(index), LOAD)


def helper(name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, LOAD), list(args), [])
