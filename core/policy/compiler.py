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
from core.policy.runtime import UNSET, Fn
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
    Let,
    Named,
    Negative,
    Not,
    OneOf,
    Or,
    Table,
    Threshold,
    Tree,
    spoken,
)  # fmt: skip
from core.policy.values import Unknown

_ALLOWED = (
    ast.Expression, ast.Lambda, ast.arguments, ast.arg, ast.Name, ast.Load, ast.Subscript,
    ast.Constant, ast.Call, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.UnaryOp, ast.USub, ast.Not,
    ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is,
    ast.IsNot, ast.BoolOp, ast.And, ast.Or, ast.IfExp, ast.Tuple,
)  # fmt: skip
_COMPARE: dict[str, ast.cmpop] = {
    "<": ast.Lt(), "<=": ast.LtE(), ">": ast.Gt(), ">=": ast.GtE(), "==": ast.Eq(),
    "!=": ast.NotEq(),
}  # fmt: skip
_OPERATOR: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}
_LOAD = ast.Load()


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
        self._fold_slot = self._slot()
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
        return self._lambda(_Careful(self).build(expr))

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
        return _Fast(self).build(expr)

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
        return ast.Name(name, _LOAD)

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1

    def fact(self, name: str) -> ast.expr:
        return place(self._facts[name])

    def item(self, expr: Item) -> ast.expr:
        found = place(self._fold_slot if expr.fold else self.item_slot)
        return ast.Subscript(found, ast.Constant(expr.index), _LOAD) if expr.field else found

    def named(self, expr: Named) -> ast.expr:
        function = ast.Name(self._columns[expr.name, expr.column], _LOAD)
        return ast.Call(function, [ast.Name("f", _LOAD)], [])

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


class _Fast:
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
        return ast.Subscript(table, place(0), _LOAD)

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
            return helper("exchanged", amount, rate, ast.Subscript(scales, place(0), _LOAD))
        if expr.function == "working_days_between":
            assert isinstance(expr.args[2], Const)
            count = self.compiled.constant(self.compiled.working_days(str(expr.args[2].value)))
            dates = [self.build(arg) for arg in expr.args[:2]]
            return ast.Call(count, [ast.Name("f", _LOAD), *dates], [])
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
        fold = runtime.fold(expr.function, compiled._fold_slot, value, where)
        return ast.Call(compiled.constant(fold), [ast.Name("f", _LOAD), self.build(expr.over)], [])

    def _threshold(self, expr: Threshold) -> ast.expr:
        parts = (self.build(expr.value), self.build(expr.limit))
        return helper("over" if expr.over else "from_", *parts)


class _Careful(_Fast):
    """Nodes of the careful form: leaves are looked at, and no `and` hides an unknown wrongly."""

    def build(self, expr: Expr) -> ast.expr:
        built = super().build(expr)
        if isinstance(expr, Fact | Named | Item | ByCurrency):
            return helper("known", built)
        return built

    def _bycurrency(self, expr: ByCurrency) -> ast.expr:
        table = self.compiled.constant(self.compiled.amounts(expr))
        return ast.Subscript(table, helper("known", place(0)), _LOAD)

    def _item(self, expr: Item) -> ast.expr:
        found = place(self.compiled._fold_slot if expr.fold else self.compiled.item_slot)
        whole = helper("known", found)
        return ast.Subscript(whole, ast.Constant(expr.index), _LOAD) if expr.field else whole

    def _and(self, expr: And) -> ast.expr:
        return self._kleene("all_hold", expr.items)

    def _or(self, expr: Or) -> ast.expr:
        return self._kleene("any_holds", expr.items)

    def _kleene(self, name: str, items: Sequence[Expr]) -> ast.expr:
        tests = tuple(self.compiled.careful(item) for item in items)
        return helper(name, ast.Name("f", _LOAD), self.compiled.constant(tests))


def place(index: int) -> ast.expr:
    """A place of the frame."""
    return ast.Subscript(ast.Name("f", _LOAD), ast.Constant(index), _LOAD)


def helper(name: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, _LOAD), list(args), [])


def _code(expr: Expr) -> str:
    assert isinstance(expr, Const)
    return str(expr.value)
