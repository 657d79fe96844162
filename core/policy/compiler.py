"""A tree into Python functions, built from syntax nodes.

No text of a policy is ever pasted into code: names in the generated code are ours (`f`, `c12`,
`share`), every value of the policy is a constant handed over by reference, and every node is
checked against a list of allowed ones before it is compiled.

Each expression has two forms. The *fast* form lets Python's own operators run over the frame and
relies on an `Unknown` to raise when it is touched. If it raises, the *careful* form runs: it looks
at every leaf from left to right and gives `and`, `or`, `any` and `all` their three values.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from core.money import exponent
from core.policy import runtime
from core.policy.dispatch import Picker
from core.policy.errors import Undecided
from core.policy.inputs import Inputs
from core.policy.kinds import YESNO as _YESNO
from core.policy.nodes import LOAD, Careful, Fast, place
from core.policy.runtime import UNSET, Fn
from core.policy.tree import (
    And,
    ByCurrency,
    Const,
    Expr,
    Item,
    Let,
    Named,
    Table,
    Tree,
)  # fmt: skip
from core.policy.values import Unknown

_ALLOWED = (
    ast.Expression, ast.Lambda, ast.arguments, ast.arg, ast.Name, ast.Load, ast.Subscript,
    ast.Constant, ast.Call, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.UnaryOp, ast.USub, ast.Not,
    ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is,
    ast.IsNot, ast.BoolOp, ast.And, ast.Or, ast.IfExp, ast.Tuple,
)  # fmt: skip


class Compiled:
    """An `Engine` of compiled functions. Rows with an equality or a band in common are indexed."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._inputs = Inputs(tree)
        self._facts = {declared.name: index for index, declared in enumerate(tree.facts, 1)}
        self._calendars = {calendar.name: calendar for calendar in tree.calendars}
        self._names: dict[str, Any] = dict(runtime.HELPERS)
        self._functions: dict[int, Fn] = {}
        self._held: dict[int, Fn] = {}
        self._slots = 1 + len(tree.facts)
        self.item_slot = self._slot()
        self.fold_slot = self._slot()
        self._columns: dict[tuple[str, str], str] = {}
        self._currency = self._currency_picker()
        for let in tree.lets:
            self._let(let)
        self.refusal = self._picker([refusal.when for refusal in tree.refuse])
        self.first = self._picker([rule.when for rule in tree.give])
        self._extra = [UNSET] * (self._slots - 1 - len(tree.facts))

    # ---- the engine

    def frame(self, facts: Any) -> list[Any]:
        return self._inputs.frame(facts, self._extra, self._currency)

    def value(self, expr: Expr, frame: list[Any]) -> Any:
        function = self._functions.get(id(expr))
        if function is None:
            function = self._functions[id(expr)] = self.function(expr)
        return function(frame)

    def holds(self, conditions: Sequence[Expr], frame: list[Any]) -> bool:
        test = self._held.get(id(conditions))
        if test is None:
            test = self._held[id(conditions)] = self.function(
                And(items=tuple(conditions), type=_YESNO)
            )
        return bool(test(frame))

    # ---- building

    def function(self, expr: Expr) -> Fn:
        """A function of the frame that answers `expr` or raises `Undecided`."""
        fast = self._lambda(self._fast(expr))
        careful: list[Fn] = []

        def call(frame: list[Any]) -> Any:
            try:
                value = fast(frame)
                if type(value) is Unknown:
                    value.fail()
            except Undecided:
                if not careful:
                    careful.append(self.careful(expr))
                return careful[0](frame)
            return value

        return call

    def careful(self, expr: Expr) -> Fn:
        return self._lambda(Careful(self).build(expr))

    def leaf(self, rows: Sequence[tuple[int, tuple[Expr, ...]]]) -> Fn:
        """The index of the first of `rows` that fits, or -1, in fast form."""
        found: ast.expr = ast.Constant(-1)
        for index, conditions in reversed(rows):
            parts = [self._fast(condition) for condition in conditions]
            if not parts:
                found = ast.Constant(index)
                continue
            test = parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
            found = ast.IfExp(test, ast.Constant(index), found)
        return self._lambda(found)

    def getter(self, expr: Expr) -> Fn:
        return self._lambda(self._fast(expr))

    def _fast(self, expr: Expr) -> ast.expr:
        return Fast(self).build(expr)

    def _lambda(self, body: ast.expr) -> Fn:
        arguments = ast.arguments(
            posonlyargs=[], args=[ast.arg("f")], kwonlyargs=[], kw_defaults=[], defaults=[]
        )
        tree = ast.Expression(ast.Lambda(arguments, body))
        for node in ast.walk(tree):
            if not isinstance(node, _ALLOWED):
                raise AssertionError(f"{type(node).__name__} must not be generated")
            if isinstance(node, ast.Name) and node.id != "f" and node.id not in self._names:
                raise AssertionError("a name must not be generated")
        code = compile(ast.fix_missing_locations(tree), "<policy>", "eval")
        function: Fn = eval(code, self._names)  # noqa: S307  (our own nodes, checked above)
        return function

    def constant(self, value: Any) -> ast.expr:
        """A value by reference."""
        if value is None or isinstance(value, bool | int):
            return ast.Constant(value)
        name = f"c{len(self._names)}"
        self._names[name] = value
        return ast.Name(name, LOAD)

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1

    def fact(self, name: str) -> ast.expr:
        return place(self._facts[name])

    def item(self, expr: Item) -> ast.expr:
        found = place(self.fold_slot if expr.fold else self.item_slot)
        return ast.Subscript(found, ast.Constant(expr.index), LOAD) if expr.field else found

    def named(self, expr: Named) -> ast.expr:
        function = ast.Name(self._columns[expr.name, expr.column], LOAD)
        return ast.Call(function, [ast.Name("f", LOAD)], [])

    def amounts(self, expr: ByCurrency) -> Any:
        stated = dict(expr.amounts)
        return tuple(
            stated.get(code, Unknown(f"no amount is stated for {code}"))
            for code in self.tree.currencies
        )

    def scales(self, foreign: str) -> tuple[Any, ...]:
        """What a minor unit of `foreign` is in the case's minor units at a rate of one."""
        return tuple(
            runtime.power_of_ten(exponent(code) - exponent(foreign))
            for code in self.tree.currencies
        )

    def working_days(self, name: str) -> Callable[..., int]:
        calendar = self._calendars[name]
        return runtime.working_days(calendar, self._facts.get(calendar.fact, 0))

    def _picker(self, rows: Sequence[tuple[Expr, ...]]) -> Fn:
        return Picker(self, rows).function()

    def _currency_picker(self) -> Fn:
        table = self.tree.currency
        if table is None:
            return lambda frame: 0
        pick = self._picker([row.when for row in table.rows])
        codes = [self.tree.currencies.index(_code(row.values[0])) for row in table.rows]

        def currency(frame: list[Any]) -> Any:
            try:
                row = pick(frame)
            except Undecided as unknown:
                return Unknown(unknown.problem, unknown.fact)
            return codes[row] if row >= 0 else Unknown("currency: no row fits")

        return currency

    def _let(self, let: Let) -> None:
        if not isinstance(let.value, Table):
            self._column(let.name, "", runtime.remembered(self._slot(), self.function(let.value)))
            return
        pick = self._picker([row.when for row in let.value.rows])
        row = runtime.remembered(self._slot(), runtime.must_fit(pick, let.name.partition("#")[0]))
        for index, column in enumerate(let.value.columns):
            values = [line.values[index] for line in let.value.rows]
            if all(isinstance(value, Const) for value in values):
                constants = tuple(value.value for value in values if isinstance(value, Const))
                self._column(let.name, column, runtime.looked_up(row, constants))
            else:
                functions = tuple(self.function(value) for value in values)
                chosen = runtime.chosen(row, functions)
                self._column(let.name, column, runtime.remembered(self._slot(), chosen))

    def _column(self, name: str, column: str, function: Fn) -> None:
        key = f"v{len(self._names)}"
        self._names[key] = function
        self._columns[name, column] = key


def _code(expr: Expr) -> str:
    assert isinstance(expr, Const)
    return str(expr.value)
