"""The reference interpreter: what a policy means, written to be read and not to be fast.

Every other back end (the compiled function, the backtest) has to agree with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from core.money import exponent
from core.policy import calendars
from core.policy.answer import Answerer
from core.policy.decision import Decision
from core.policy.errors import Undecided
from core.policy.exact import compare, rounded, within
from core.policy.granting import Frame
from core.policy.inputs import Inputs
from core.policy.telling import handed_in
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

if TYPE_CHECKING:
    from core.policy import Policy


def decide(policy: Policy, facts: Mapping[str, object]) -> Decision:
    """What `core.policy.decide` answers, worked out step by step."""
    return _answerer(policy).decide(facts)


@lru_cache(maxsize=32)
def _answerer(policy: Policy) -> Answerer:
    engine = Reference(policy.tree)
    return Answerer(policy.tree, policy.version_hash, engine, engine.item_slot)


class Reference:
    """An `Engine` that walks the tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.inputs = Inputs(tree)
        self.facts = {declared.name: index for index, declared in enumerate(tree.facts, 1)}
        self.types = {declared.name: declared.type for declared in tree.facts}
        self.calendars = {calendar.name: calendar for calendar in tree.calendars}
        first = 1 + len(tree.facts)
        self.lets = {let.name: first + index for index, let in enumerate(tree.lets)}
        self.item_slot = first + len(tree.lets)
        self.fold_slot = self.item_slot + 1

    def frame(self, facts: Mapping[str, object]) -> Frame:
        """The frame, with every named value worked out: its columns, each a value or an Unknown."""
        extra = [None] * (len(self.tree.lets) + 2)
        frame = self.inputs.frame(facts, extra, self._currency)
        for let in self.tree.lets:
            frame[self.lets[let.name]] = self._columns(let, frame)
        return frame

    def _columns(self, let: Let, frame: Frame) -> dict[str, Any]:
        if not isinstance(let.value, Table):
            return {"": self._attempt(let.value, frame)}
        try:
            row = let.value.rows[self._row(let.value, let.name, frame)]
        except Undecided as unknown:
            lost = Unknown(unknown.problem, unknown.fact)
            return dict.fromkeys(let.value.columns, lost)
        values = (self._attempt(expr, frame) for expr in row.values)
        return dict(zip(let.value.columns, values, strict=True))

    def _attempt(self, expr: Expr, frame: Frame) -> Any:
        try:
            return self.value(expr, frame)
        except Undecided as unknown:
            return Unknown(unknown.problem, unknown.fact)

    def _currency(self, frame: Frame) -> Any:
        table = self.tree.currency
        assert table is not None
        try:
            row = self._row(table, "currency", frame)
        except Undecided as unknown:
            return Unknown(unknown.problem, unknown.fact)
        code = table.rows[row].values[0]
        assert isinstance(code, Const)
        return self.tree.currencies.index(str(code.value))

    def _row(self, table: Table, name: str, frame: Frame) -> int:
        for index, row in enumerate(table.rows):
            if self.holds(row.when, frame):
                return index
        raise Undecided(f"{name.partition('#')[0]}: no row fits")

    def refusal(self, frame: Frame) -> int:
        return self._first([refusal.when for refusal in self.tree.refuse], frame)

    def first(self, frame: Frame) -> int:
        return self._first([rule.when for rule in self.tree.give], frame)

    def _first(self, rows: Sequence[Sequence[Expr]], frame: Frame) -> int:
        for index, conditions in enumerate(rows):
            if self.holds(conditions, frame):
                return index
        return -1

    def holds(self, conditions: Sequence[Expr], frame: Frame) -> bool:
        """All of them: a no settles it, an unknown is worse than a yes."""
        return self._kleene(conditions, frame, settles=False)

    def _kleene(self, items: Sequence[Expr], frame: Frame, *, settles: bool) -> bool:
        unknown: Undecided | None = None
        for item in items:
            try:
                if bool(self.value(item, frame)) is settles:
                    return settles
            except Undecided as error:
                unknown = unknown or error
        if unknown is not None:
            raise unknown
        return not settles

    def value(self, expr: Expr, frame: Frame) -> Any:
        """What `expr` comes to."""
        match expr:
            case Const():
                return expr.value
            case Fact():
                return _known(frame[self.facts[expr.name]])
            case Named():
                return self._named(expr, frame)
            case Item():
                return self._item(expr, frame)
            case ByCurrency():
                return self._by_currency(expr, frame)
            case Negative():
                return -self.value(expr.value, frame)
            case Arithmetic():
                return self._arithmetic(expr, frame)
            case Compare():
                return compare(expr.op, self.value(expr.left, frame), self.value(expr.right, frame))
            case And():
                return self._kleene(expr.items, frame, settles=False)
            case Or():
                return self._kleene(expr.items, frame, settles=True)
            case Not():
                return not self.value(expr.value, frame)
            case Choose():
                chosen = expr.yes if self.value(expr.test, frame) else expr.no
                return self.value(chosen, frame)
            case OneOf():
                found = self.value(expr.subject, frame) in expr.values
                return found is not expr.negated
            case Band():
                return within(expr, self.value(expr.subject, frame))
            case IsNull():
                return (self.value(expr.subject, frame) is None) is not expr.negated
            case Call():
                return self._call(expr, frame)
            case Fold():
                return self._fold(expr, frame)
            case Threshold():
                return self._threshold(expr, frame)
        raise AssertionError(f"no meaning for {type(expr).__name__}")

    def _named(self, expr: Named, frame: Frame) -> Any:
        return _known(frame[self.lets[expr.name]][expr.column])

    def _item(self, expr: Item, frame: Frame) -> Any:
        item = _known(frame[self.fold_slot if expr.fold else self.item_slot])
        return _known(item[expr.index]) if expr.field else item

    def _by_currency(self, expr: ByCurrency, frame: Frame) -> int:
        code = self.tree.currencies[_known(frame[0])]
        for currency, minor in expr.amounts:
            if currency == code:
                return minor
        raise Undecided(f"no amount is stated for {code}")

    def _arithmetic(self, expr: Arithmetic, frame: Frame) -> Any:
        left, right = self.value(expr.left, frame), self.value(expr.right, frame)
        if isinstance(left, date):
            if isinstance(right, date):
                return calendars.gap(right, left)
            return calendars.shifted(left, right if expr.op == "+" else -right)
        if expr.op == "/":
            if right == 0:
                raise Undecided("a division by zero")
            return Fraction(left) / Fraction(right)
        if expr.op == "+":
            return left + right
        return left - right if expr.op == "-" else Fraction(left) * right

    def _call(self, expr: Call, frame: Frame) -> Any:
        args = [self.value(arg, frame) for arg in expr.args]
        match expr.function:
            case "present":
                return _not_null(expr.args[0], args[0])
            case "min":
                return min(args)
            case "max":
                return max(args)
            case "clamp":
                return max(args[1], min(args[0], args[2]))
            case "floor":
                return args[0] // 1
            case "ceil":
                return -(-args[0] // 1)
            case "percent":
                if args[1] == 0:
                    raise Undecided("a division by zero")
                return Fraction(args[0]) / Fraction(args[1])
            case "exchange":
                digits = exponent(self.tree.currencies[_known(frame[0])])
                digits -= exponent(expr.args[0].type.currency or "")
                return args[0] * Fraction(args[1]) * Fraction(10) ** digits
            case "days_between":
                return calendars.days_between(args[0], args[1])
            case "months_between":
                return calendars.months_between(args[0], args[1])
            case "calendar_months_between":
                return calendars.calendar_months_between(args[0], args[1])
            case "month_length":
                return calendars.month_length(args[0])
            case "working_days_between":
                calendar = self.calendars[args[2]]
                days = _known(frame[self.facts[calendar.fact]]) if calendar.fact else None
                holidays = calendar.holidays if days is None else handed_in(days)
                return calendars.working_days_between(args[0], args[1], calendar, holidays)
        return rounded(expr.function, Fraction(args[0]), Fraction(args[1]))

    def _fold(self, expr: Fold, frame: Frame) -> Any:
        items = self.value(expr.over, frame)
        if expr.function in ("any", "all"):
            assert expr.where is not None
            return self._settled(expr.where, items, frame, settles=expr.function == "any")
        values = []
        for item in items:
            frame[self.fold_slot] = item
            if expr.where is None or self.value(expr.where, frame):
                values.append(1 if expr.value is None else self.value(expr.value, frame))
        if expr.function in ("sum", "count"):
            return sum(values)
        if not values:
            raise Undecided(f"the {expr.function} of an empty list")
        if expr.function == "mean":
            return Fraction(sum(values)) / len(values)
        return min(values) if expr.function == "min" else max(values)

    def _settled(self, test: Expr, items: Sequence[Any], frame: Frame, *, settles: bool) -> bool:
        unknown: Undecided | None = None
        for item in items:
            frame[self.fold_slot] = item
            try:
                if bool(self.value(test, frame)) is settles:
                    return settles
            except Undecided as error:
                unknown = unknown or error
        if unknown is not None:
            raise unknown
        return not settles

    def _threshold(self, expr: Threshold, frame: Frame) -> Any:
        value, limit = self.value(expr.value, frame), self.value(expr.limit, frame)
        enough = value > limit if expr.over else value >= limit
        return value if enough else 0


def _known(value: Any) -> Any:
    if isinstance(value, Unknown):
        value.fail()
    return value


def _not_null(expr: Expr, value: Any) -> Any:
    if value is None:
        raise Undecided(f"{spoken(expr)} is null")
    return value
