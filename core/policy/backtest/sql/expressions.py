"""The typed tree as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.policy.backtest.sql.base import NUMBERS, Value, joined
from core.policy.backtest.sql.calls import Calls
from core.policy.backtest.sql.facts import constant_of, words_of
from core.policy.backtest.sql.terms import (
    ONE,
    NotVectorised,
    Ratio,
    Term,
    add,
    case,
    case_ratio,
    compare,
    multiply,
    negative,
    ratio,
    whole,
)
from core.policy.tree import (
    And,
    Arithmetic,
    Band,
    ByCurrency,
    Choose,
    Compare,
    Const,
    Expr,
    Fact,
    IsNull,
    Let,
    Named,
    Negative,
    Not,
    OneOf,
    Or,
    Table,
    Threshold,
)


class Writer(Calls):
    """Writes one policy's expressions."""

    def _const(self, expr: Const) -> Value:
        if expr.type.kind in NUMBERS and expr.value is not None:
            return ratio(expr.value)
        if expr.value is None and expr.type.kind == "null":
            raise NotVectorised("a null of no kind")
        return constant_of(expr.value, expr.type)

    def _fact(self, expr: Fact) -> Value:
        return self.columns.fact(expr.name)

    def _bycurrency(self, expr: ByCurrency) -> Ratio:
        stated = dict(expr.amounts)
        here = self.columns.currency
        if here.constant is not None:
            code = self.tree.currencies[here.constant]
            return ratio(stated[code]) if code in stated else Ratio(Term("NULL::BIGINT"), ONE)
        codes = [i for i, code in enumerate(self.tree.currencies) if code in stated]
        lines = " ".join(
            f"WHEN {index} THEN {stated[self.tree.currencies[index]]}::BIGINT" for index in codes
        )
        amounts = [whole(amount).low for amount in stated.values()]
        sure = here.sure and len(codes) == len(self.tree.currencies)
        return Ratio(Term(f"(CASE {here.text} {lines} END)", min(amounts), max(amounts), sure), ONE)

    def _negative(self, expr: Negative) -> Ratio:
        return negative(self.number(expr.value))

    def _arithmetic(self, expr: Arithmetic) -> Value:
        if expr.left.type.kind in ("date", "instant"):
            return self._dates(expr)
        left, right = self.number(expr.left), self.number(expr.right)
        if expr.op == "+":
            return add(left, right)
        if expr.op == "-":
            return add(left, negative(right))
        return self._divided(left, right) if expr.op == "/" else multiply(left, right)

    def _compare(self, expr: Compare) -> Term:
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, Ratio) and isinstance(right, Ratio):
            return compare(expr.op, left, right)
        assert isinstance(left, Term)
        assert isinstance(right, Term)
        op = {"==": "=", "!=": "<>"}.get(expr.op, expr.op)
        return Term(f"({left.text} {op} {right.text})", sure=left.sure and right.sure)

    def _and(self, expr: And) -> Term:
        return self.all_of(expr.items)

    def _or(self, expr: Or) -> Term:
        return joined("OR", [self.term(one) for one in expr.items], "FALSE")

    def _not(self, expr: Not) -> Term:
        value = self.term(expr.value)
        return Term(f"(NOT {value.text})", sure=value.sure)

    def _choose(self, expr: Choose) -> Value:
        test = self.hold(self.term(expr.test))
        return self.pick([test], [self.value(expr.yes)], self.value(expr.no))

    # ---- cells

    def _oneof(self, expr: OneOf) -> Term:
        subject = self.value(expr.subject)
        one = len(expr.values) == 1
        word = ("<>" if one else "NOT IN") if expr.negated else ("=" if one else "IN")
        if isinstance(subject, Ratio):
            if subject.bottom.constant is None:
                raise NotVectorised("a quotient among values")
            bottom = subject.bottom.constant
            found = [ratio(value) for value in expr.values]
            inside = [
                str((one.top.constant or 0) * bottom // (one.bottom.constant or 1))
                for one in found
                if (one.top.constant or 0) * bottom % (one.bottom.constant or 1) == 0
            ]
            if not inside:
                raise NotVectorised("a value its subject cannot have")
            text = f"{subject.top.text} {word} ({', '.join(inside)})"
            return _null_safe(subject.top, text, negated=expr.negated)
        if expr.subject.type.kind == "word":
            listed = words_of(expr.values)
        else:
            listed = ", ".join(self._constant(value, expr.subject) for value in expr.values)
        return _null_safe(subject, f"{subject.text} {word} ({listed})", negated=expr.negated)

    def _constant(self, value: Any, like: Expr) -> str:
        found = constant_of(value, like.type)
        assert isinstance(found, Term)
        return found.text

    def _band(self, expr: Band) -> Term:
        subject = self.value(expr.subject)
        parts = []
        ends = (
            (">=" if expr.low_in else ">", expr.low),
            ("<=" if expr.high_in else "<", expr.high),
        )
        for op, end in ends:
            if end is None:
                continue
            if isinstance(subject, Ratio):
                there = replace(subject, top=replace(subject.top, null=""))
                parts.append(compare(op, there, ratio(end)).text)
            else:
                parts.append(f"{subject.text} {op} {self._constant(end, expr.subject)}")
        top = subject.top if isinstance(subject, Ratio) else subject
        sure = subject.sure
        return _null_safe(replace(top, sure=sure), " AND ".join(parts), negated=False)

    def _isnull(self, expr: IsNull) -> Term:
        subject = self.value(expr.subject)
        top = subject.top if isinstance(subject, Ratio) else subject
        null = top.null or "FALSE"
        text = f"coalesce({null}, FALSE)"
        if not subject.sure:
            text = f"(CASE WHEN {null} THEN TRUE WHEN {top.text} IS NOT NULL THEN FALSE END)"
        return Term(f"(NOT {text})" if expr.negated else text, sure=subject.sure)

    def _threshold(self, expr: Threshold) -> Ratio:
        value, limit = self.held(self.number(expr.value)), self.number(expr.limit)
        test = compare(">" if expr.over else ">=", value, limit)
        return case_ratio([test], [value], ratio(0))

    # ---- named values

    def _named(self, expr: Named) -> Value:
        key = (expr.name, expr.column)
        if key not in self._values:
            found = self._let_value(self._lets[expr.name], expr.column)
            if isinstance(found, Ratio):
                found = self.held(found)
                if found.null:
                    top = self.hold(Term(found.null))
                    found = replace(found, top=replace(found.top, null=top.text))
            else:
                null = self.hold(Term(found.null)).text if found.null else ""
                found = replace(self.hold(found), null=null)
            self._values[key] = found
        return self._values[key]

    def _let_value(self, let: Let, column: str) -> Value:
        if not isinstance(let.value, Table):
            return self.value(let.value)
        at = let.value.columns.index(column)
        values = [self.value(row.values[at]) for row in let.value.rows]
        if len(values) == 1 and not let.value.rows[0].when:
            return values[0]
        row = self._row(let.name, let.value)
        tests = [Term(f"{row.text} = {index}", sure=True) for index in range(len(let.value.rows))]
        last = None
        if row.sure:
            last, tests, values = values[-1], tests[:-1], values[:-1]
        return self.pick(tests, values, last)

    def _row(self, name: str, table: Table) -> Term:
        """The index of the first row that fits; NULL where that is not known, or none does."""
        if name not in self._rows:
            whens = [row.when for row in table.rows]
            tests = self.tests(whens)
            values = [whole(index) for index in range(len(tests))]
            last = None if whens[len(tests) - 1] else values.pop()
            self._rows[name] = self.hold(case(tests[: len(values)], values, last))
        return self._rows[name]

    def tests(self, rows: Sequence[Sequence[Expr]]) -> list[Term]:
        """The test of each row, up to the first that always fits."""
        found: list[Term] = []
        for row in rows:
            test = self.all_of(row)
            found.append(test if test.sure else self.hold(test))
            if not row:
                break
        return found


def _null_safe(subject: Term, text: str, *, negated: bool) -> Term:
    """A cell's test: a null is in no band and none of the words."""
    if not subject.null:
        return Term(f"({text})", sure=subject.sure)
    settled = "TRUE" if negated else "FALSE"
    return Term(f"(CASE WHEN {subject.null} THEN {settled} ELSE {text} END)", sure=subject.sure)
