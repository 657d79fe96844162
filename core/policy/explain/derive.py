"""The derivation of an amount: the same compiled expressions the decision used, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.policy.compiler import Compiled
from core.policy.dispatch import Picker
from core.policy.explain.model import Operand, Step
from core.policy.explain.printing import expression_text
from core.policy.runtime import Fn
from core.policy.tree import (
    Arithmetic,
    ByCurrency,
    Call,
    Choose,
    Const,
    Expr,
    Fact,
    Item,
    Let,
    Named,
    Table,
    Threshold,
    spoken,
)  # fmt: skip

_ARITHMETIC = {"of": "percent", "*": "times", "+": "plus", "-": "minus", "/": "divided"}
_ROUNDING = frozenset({"round", "round_up", "round_down", "round_even"})
_BOUNDS = {"min": ("cap", "least"), "max": ("floor", "greatest")}
#: Named values inside named values are followed this far; deeper ones are told by their value.
_CHAIN = 12


class Deriver:
    """Derives amounts of one policy."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._lets: dict[str, Let] = {let.name: let for let in compiled.tree.lets}
        self._pickers: dict[str, Fn] = {}

    def derive(self, expr: Expr, frame: list[Any], currency: str) -> tuple[Operand, list[Step]]:
        """The value of `expr` and the steps to it. Raises `Undecided` where it has none."""
        run = _Run(self, frame, currency)
        found = run.trace(expr)
        if not run.steps or run.steps[-1].kind == "chosen":
            run.steps.append(Step("stated", (found,), found.value, expr.type))
        return found, run.steps

    def value(self, expr: Expr, frame: list[Any]) -> Any:
        return self._compiled.value(expr, frame)

    def let(self, name: str) -> Let:
        return self._lets[name]

    def row(self, name: str, table: Table, frame: list[Any]) -> int:
        """The index of the row of a table that fits; it does, for its value was known."""
        pick = self._pickers.get(name)
        if pick is None:
            made = Picker(self._compiled, [row.when for row in table.rows])
            pick = self._pickers[name] = made.function()
        found: int = pick(frame)
        return found


class _Run:
    """One derivation: the steps so far, and the named values already told."""

    def __init__(self, of: Deriver, frame: list[Any], currency: str) -> None:
        self._of, self._frame, self._currency = of, frame, currency
        self._told: set[tuple[str, str]] = set()
        self._chain = 0
        self.steps: list[Step] = []

    def trace(self, expr: Expr) -> Operand:
        follow = _FOLLOW.get(type(expr))
        if follow is None:
            return self._comes_to(expr)
        return follow(self, expr)

    def _value(self, expr: Expr) -> Any:
        return self._of.value(expr, self._frame)

    def _leaf(self, expr: Expr) -> Operand:
        name = spoken(expr) if isinstance(expr, Fact | Item) else ""
        return Operand(name, self._value(expr), expr.type)

    def _step(self, kind: str, expr: Expr, operands: tuple[Operand, ...], **more: Any) -> Operand:
        result = self._value(expr)
        self.steps.append(Step(kind, operands, result, expr.type, **more))
        return Operand("", result, expr.type)

    def _comes_to(self, expr: Expr) -> Operand:
        return self._step("comes_to", expr, (), text=expression_text(expr, self._currency))

    def _arithmetic(self, expr: Arithmetic) -> Operand:
        operands = (self.trace(expr.left), self.trace(expr.right))
        return self._step(_ARITHMETIC[expr.op], expr, operands)

    def _call(self, expr: Call) -> Operand:
        if expr.function == "present":
            return self.trace(expr.args[0])
        if expr.function in _ROUNDING:
            return self._rounded(expr)
        if expr.function in _BOUNDS:
            return self._bounded(expr)
        if expr.function in ("floor", "ceil", "exchange", "clamp"):
            kind = {"exchange": "exchanged", "clamp": "between"}.get(expr.function, "whole")
            operands = tuple(self.trace(arg) for arg in expr.args)
            return self._step(kind, expr, operands, function=expr.function)
        return self._comes_to(expr)

    def _rounded(self, expr: Call) -> Operand:
        before, step = self.trace(expr.args[0]), self.trace(expr.args[1])
        if self._value(expr) == before.value:
            return before
        return self._step("rounded", expr, (before, step), function=expr.function)

    def _bounded(self, expr: Call) -> Operand:
        operands = tuple(self.trace(arg) for arg in expr.args)
        bound, several = _BOUNDS[expr.function]
        if len(operands) > 2:
            return self._step(several, expr, operands)
        binds = self._value(expr) != operands[0].value
        result = self._step(bound, expr, operands, binds=binds)
        return result if binds else operands[0]

    def _threshold(self, expr: Threshold) -> Operand:
        value, limit = self.trace(expr.value), self.trace(expr.limit)
        enough = value.value > limit.value if expr.over else value.value >= limit.value
        function = "over" if expr.over else "from"
        result = self._step("threshold", expr, (value, limit), binds=enough, function=function)
        return value if enough else result

    def _choose(self, expr: Choose) -> Operand:
        holds = bool(self._value(expr.test))
        text = expression_text(expr.test, self._currency)
        self.steps.append(Step("chosen", (), holds, expr.test.type, binds=holds, text=text))
        return self.trace(expr.yes if holds else expr.no)

    def _named(self, expr: Named) -> Operand:
        name = spoken(expr)
        found = Operand(name, self._value(expr), expr.type)
        key = (expr.name, expr.column)
        if key in self._told or self._chain >= _CHAIN:
            return found
        self._told.add(key)
        self._chain += 1
        self._tell(expr, name, found)
        self._chain -= 1
        return found

    def _tell(self, expr: Named, name: str, found: Operand) -> None:
        value = self._of.let(expr.name).value
        row = 0
        if isinstance(value, Table):
            index = self._of.row(expr.name, value, self._frame)
            row = index + 1 if len(value.rows) > 1 else 0
            value = value.rows[index].values[value.columns.index(expr.column)]
        inner = self.trace(value)
        if row or inner.name or not isinstance(value, Const | ByCurrency):
            self.steps.append(
                Step("row" if row else "named", (inner,), found.value, expr.type, None, name, row)
            )


_FOLLOW: dict[type[Expr], Callable[[_Run, Any], Operand]] = {
    Const: _Run._leaf, ByCurrency: _Run._leaf, Fact: _Run._leaf, Item: _Run._leaf,
    Arithmetic: _Run._arithmetic, Call: _Run._call, Threshold: _Run._threshold,
    Choose: _Run._choose, Named: _Run._named,
}  # fmt: skip
