"""The functions of the language as SQL, and arithmetic that is not plain: quotients, dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import lcm

from core.money import exponent
from core.policy.backtest.sql.base import Base, Value
from core.policy.backtest.sql.terms import (
    ONE,
    NotVectorised,
    Ratio,
    Term,
    case,
    case_ratio,
    compare,
    in_parts,
    minus,
    multiply,
    negative,
    plus,
    quotient,
    signed,
    size,
    times,
    whole,
)
from core.policy.tree import (
    Arithmetic,
    Call,
    Expr,
)


class Calls(Base):
    """Writes calls."""

    def _call(self, expr: Call) -> Value:
        method = getattr(self, f"_call_{expr.function}", None)
        if method is None:
            if expr.function.startswith("round"):
                return self._rounded(expr)
            raise NotVectorised(f"{expr.function} needs a calendar")
        found: Value = method(*expr.args)
        return found

    def _call_present(self, of: Expr) -> Value:
        value = self.value(of)
        if isinstance(value, Ratio):
            top = value.top
            return value if not top.null else Ratio(replace(top, null="", sure=False), value.bottom)
        return value if not value.null else replace(value, null="", sure=False)

    def _call_min(self, *args: Expr) -> Value:
        return self._extreme("<=", args)

    def _call_max(self, *args: Expr) -> Value:
        return self._extreme(">=", args)

    def _call_clamp(self, of: Expr, low: Expr, high: Expr) -> Value:
        kept = self._better("<=", self.value(of), self.value(high))
        return self._better(">=", self.value(low), kept)

    def _extreme(self, op: str, args: Sequence[Expr]) -> Value:
        found = self.value(args[0])
        for other in args[1:]:
            found = self._better(op, found, self.value(other))
        return found

    def _better(self, op: str, left: Value, right: Value) -> Value:
        """The lesser or greater. Not LEAST, which passes over what is not known."""
        if isinstance(left, Ratio) and isinstance(right, Ratio):
            return self._better_number(op, left, right)
        assert isinstance(left, Term)
        assert isinstance(right, Term)
        left, right = self.hold(left), self.hold(right)
        test = Term(f"{left.text} {op} {right.text}", sure=left.sure and right.sure)
        return case([test], [left], right)

    def _better_number(self, op: str, left: Ratio, right: Ratio) -> Ratio:
        common = lcm(left.bottom.constant or 0, right.bottom.constant or 0)
        if not common:
            left, right = self.held(left), self.held(right)
            return case_ratio([compare(op, left, right)], [left], right)
        tops = (in_parts(left, common), in_parts(right, common))
        best, name = (min, "least") if op == "<=" else (max, "greatest")
        low, high = best(one.low for one in tops), best(one.high for one in tops)
        if left.sure and right.sure:
            text = f"{name}({tops[0].text}, {tops[1].text})"
            return Ratio(Term(text, low, high, True), whole(common))
        one, other = self.hold(tops[0]), self.hold(tops[1])
        test = Term(f"{one.text} {op} {other.text}", sure=False)
        found = case([test], [one], other)
        return Ratio(replace(found, low=low, high=high), whole(common))

    def _call_floor(self, of: Expr) -> Ratio:
        return Ratio(self._floor(self.number(of)), ONE)

    def _call_ceil(self, of: Expr) -> Ratio:
        return Ratio(minus(self._floor(negative(self.number(of)))), ONE)

    def _floor(self, of: Ratio) -> Term:
        """Downwards, also below zero, where `//` would cut towards it."""
        if of.bottom.constant == 1:
            return of.top
        of = self.held(of)
        down = quotient(of.top, of.bottom)
        if of.top.low >= 0:
            return down
        most = max(abs(of.top.low), abs(of.top.high))
        rest = plus(minus(of.top), plus(of.bottom, whole(-1)))
        text = (
            f"(CASE WHEN {of.top.text} >= 0 THEN {of.top.text} // {of.bottom.text} "
            f"ELSE 0 - ({rest.text} // {of.bottom.text}) END)"
        )
        return Term(text, -most, most, of.sure and rest.sure)

    def _call_percent(self, part: Expr, of: Expr) -> Ratio:
        return self._divided(self.number(part), self.number(of))

    def _call_exchange(self, amount: Expr, rate: Expr) -> Ratio:
        there = exponent(amount.type.currency or "")
        digits = [exponent(code) - there for code in self.tree.currencies]
        least = min(0, *digits)
        both = multiply(self.number(amount), self.number(rate))
        bottom = times(both.bottom, whole(10**-least))
        here = self.columns.currency
        if len(set(digits)) == 1:
            return Ratio(times(both.top, whole(10 ** (digits[0] - least))), bottom)
        factors = [10 ** (one - least) for one in digits]
        lines = " ".join(f"WHEN {index} THEN {one}::BIGINT" for index, one in enumerate(factors))
        by = Term(f"(CASE {here.text} {lines} END)", min(factors), max(factors), here.sure)
        return Ratio(times(both.top, by), bottom)

    def _call_days_between(self, start: Expr, end: Expr) -> Ratio:
        first, last = self._day(start), self._day(end)
        days = Term(f"({last.text} - {first.text})", -3_700_000, 3_700_000,
                    first.sure and last.sure)  # fmt: skip
        return Ratio(times(days, whole(86400)), ONE)

    def _call_calendar_months_between(self, start: Expr, end: Expr) -> Ratio:
        first, last = self._day(start), self._day(end)
        return Ratio(_months(first, last), ONE)

    def _call_months_between(self, start: Expr, end: Expr) -> Ratio:
        first, last = self._day(start), self._day(end)
        months = _months(first, last).text
        text = (
            f"(CASE WHEN {last.text} < {first.text} "
            f"THEN {months} + (day({last.text}) > day({first.text}))::BIGINT "
            f"ELSE {months} - (day({last.text}) < day({first.text}))::BIGINT END)"
        )
        return Ratio(Term(text, -120_000, 120_000, first.sure and last.sure), ONE)

    def _call_month_length(self, of: Expr) -> Ratio:
        day = self._day(of)
        text = f"(day(last_day({day.text})) * 86400::BIGINT)"
        return Ratio(Term(text, 28 * 86400, 31 * 86400, day.sure), ONE)

    def _day(self, expr: Expr) -> Term:
        found = self.term(expr)
        if expr.type.kind == "instant":
            return self.hold(replace(found, text=f"make_timestamp({found.text})::DATE"))
        return self.hold(found)

    def _rounded(self, expr: Call) -> Ratio:
        value, step = self.held(self.number(expr.args[0])), self.held(self.number(expr.args[1]))
        if step.top.constant is None and step.top.low <= 0:
            top = step.top
            step = Ratio(Term(f"(CASE WHEN {top.text} > 0 THEN {top.text} END)", 1, top.high),
                         step.bottom)  # fmt: skip
        elif step.top.low <= 0:
            return Ratio(Term("NULL::BIGINT"), ONE)
        part, unit = times(size(value.top), step.bottom), times(value.bottom, step.top)
        units = self._units(expr.function, part, unit)
        result = signed(value.top, times(units, step.top))
        return Ratio(result, step.bottom)

    def _units(self, function: str, part: Term, unit: Term) -> Term:
        """`part / unit`, which is not negative, to a whole number."""
        two = whole(2)
        if unit.constant == 1 or function == "round_down":
            return quotient(part, unit)
        if function == "round_up":
            return quotient(plus(part, plus(unit, whole(-1))), unit)
        half_up = quotient(plus(times(two, part), unit), times(two, unit))
        if function == "round":
            return half_up
        part, unit, half_up = self.hold(part), self.hold(unit), self.hold(half_up)
        exact = f"2 * ({part.text} % {unit.text}) = {unit.text}"
        text = f"({half_up.text} - ({exact} AND {half_up.text} % 2 = 1)::BIGINT)"
        return Term(text, 0, half_up.high, half_up.sure)

    # ---- quotients and dates

    def _divided(self, left: Ratio, right: Ratio) -> Ratio:
        """`left / right`; by zero is unknown. The sign goes to the top."""
        top, bottom = times(left.top, right.bottom), times(left.bottom, right.top)
        if bottom.constant is not None:
            if bottom.constant == 0:
                return Ratio(replace(top, text="NULL::BIGINT", sure=False, constant=None), ONE)
            return (
                Ratio(minus(top), whole(-bottom.constant))
                if bottom.constant < 0
                else Ratio(top, bottom)
            )
        bottom = self.hold(bottom)
        below = Term(f"NULLIF({size(bottom).text}, 0)", 1, size(bottom).high)
        if bottom.low >= 0:
            return Ratio(top, below)
        top = self.hold(top)
        turned = Term(
            f"(CASE WHEN {bottom.text} < 0 THEN 0 - {top.text} ELSE {top.text} END)",
            -size(top).high, size(top).high, top.sure and bottom.sure,
        )  # fmt: skip
        return Ratio(turned, below)

    def _dates(self, expr: Arithmetic) -> Value:
        left = self.term(expr.left)
        if expr.right.type.kind in ("date", "instant"):
            right = self.term(expr.right)
            sure = left.sure and right.sure
            if expr.left.type.kind == "instant":
                span = 2 * 10**18
                return Ratio(Term(f"({left.text} - {right.text})", -span, span, sure),
                             whole(10**6))  # fmt: skip
            days = Term(f"({left.text} - {right.text})", -3_700_000, 3_700_000, sure)
            return Ratio(times(days, whole(86400)), ONE)
        moved = self.number(expr.right)
        if moved.top.constant is None or moved.bottom.constant is None:
            raise NotVectorised("a date moved by a calculated number of days")
        days_ = moved.top.constant // moved.bottom.constant // 86400
        if expr.op == "-":
            days_ = -moved.top.constant // moved.bottom.constant // 86400
        if expr.left.type.kind == "instant":
            return plus(left, whole(days_ * 86400 * 10**6))
        if abs(days_) > 40_000:
            raise NotVectorised("a date moved by more than a century")
        return Term(f"({left.text} + {days_})", sure=left.sure)


def _months(first: Term, last: Term) -> Term:
    text = (
        f"((year({last.text}) - year({first.text})) * 12 "
        f"+ month({last.text}) - month({first.text}))::BIGINT"
    )
    return Term(f"({text})", -120_000, 120_000, first.sure and last.sure)
