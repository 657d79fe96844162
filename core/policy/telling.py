"""What a decision says beside what it gives: its reason, other consequences, when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

from core.money import exponent, round_money
from core.policy import calendars
from core.policy.decision import Due
from core.policy.granting import Frame, Granting, Values, decimal
from core.policy.tree import Deadline, Expr, Reason, Rule, Tree
from core.policy.values import Unknown


class Judge(Values, Protocol):
    """`Values` that also judges conditions. Raises `Undecided`."""

    def holds(self, conditions: Sequence[Expr], frame: Frame) -> bool: ...


class Telling:
    """Words and dates of one policy's decisions."""

    def __init__(self, tree: Tree, engine: Judge, granting: Granting) -> None:
        self._engine, self._granting = engine, granting
        self._facts = {declared.name: index for index, declared in enumerate(tree.facts, 1)}
        self._calendars = {calendar.name: calendar for calendar in tree.calendars}

    def reason(self, reason: Reason, frame: Frame) -> str:
        if len(reason.parts) == 1 and isinstance(reason.parts[0], str):
            return reason.parts[0]
        return "".join(
            part if isinstance(part, str) else self._printed(part, frame) for part in reason.parts
        )

    def also(self, rule: Rule, frame: Frame) -> tuple[tuple[str, str], ...]:
        return tuple((key, self.reason(said, frame)) for key, said in rule.also)

    def _printed(self, expr: Expr, frame: Frame) -> str:
        value = self._engine.value(expr, frame)
        if isinstance(value, str):
            return value
        if expr.type.kind == "money":
            code = self._granting.currency(frame)
            return round_money(Fraction(value) / 10 ** exponent(code), code).text
        return decimal(value * 100 if expr.type.kind == "percent" else value)

    def due(self, deadlines: tuple[Deadline, ...], frame: Frame) -> Due | None:
        for deadline in deadlines:
            if self._engine.holds(deadline.when, frame):
                return Due(deadline.count, deadline.unit, self._day(deadline, frame))
        return None

    def _day(self, deadline: Deadline, frame: Frame) -> str | None:
        if deadline.after is None:
            return None
        start = self._engine.value(deadline.after, frame)
        if deadline.unit == "months":
            return calendars.add_months(start, deadline.count).isoformat()
        if deadline.unit == "days":
            return calendars.add_days(start, deadline.count).isoformat()
        calendar = self._calendars[deadline.calendar]
        holidays = (
            handed_in(frame[self._facts[calendar.fact]]) if calendar.fact else calendar.holidays
        )
        return calendars.after_working_days(start, deadline.count, calendar, holidays).isoformat()


def handed_in(days: Any) -> list[Any]:
    """Holidays that came as a fact, every one of them known."""
    known = list(days)
    for day in known:
        if isinstance(day, Unknown):
            day.fail()
    return known
