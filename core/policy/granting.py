"""From a grant to its component: the amount, its bounds, and what it is counted in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

from core.money import LIMIT_MINOR, Money
from core.policy.decision import Component
from core.policy.errors import Undecided
from core.policy.tree import Expr, Grant

Frame = list[Any]


class Values(Protocol):
    """Where the values of expressions come from. Raises `Undecided`."""

    def value(self, expr: Expr, frame: Frame) -> Any: ...


class Granting:
    """Makes the components of one policy."""

    def __init__(self, currencies: tuple[str, ...], engine: Values) -> None:
        self._currencies = currencies
        self._value = engine.value

    def component(self, grant: Grant, frame: Frame) -> Component | None:
        """None where it comes to nothing. Raises `Undecided`."""
        if grant.amount is None:
            return Component(grant.remedy, label=grant.label)
        if grant.unit != "money":
            return self._quantity(grant, grant.amount, frame)
        money = self._money(grant.amount, grant, frame)
        if grant.up_to is None:
            return (
                Component(grant.remedy, money, None, None, "", grant.label) if money.minor else None
            )
        most = self._money(grant.up_to, grant, frame)
        if most.minor < money.minor:
            raise Undecided(f"{grant.remedy}: the least sum is greater than the most")
        return Component(grant.remedy, money, most, None, "", grant.label) if most.minor else None

    def currency(self, frame: Frame) -> str:
        """The case's currency. An `Unknown` raises `Undecided` as it is taken for an index."""
        return self._currencies[frame[0]]

    def _money(self, expr: Expr, grant: Grant, frame: Frame) -> Money:
        minor = self._value(expr, frame)
        if minor < 0:
            raise Undecided(f"{grant.remedy}: the amount comes out below zero")
        if minor > LIMIT_MINOR:
            raise Undecided(f"{grant.remedy}: the amount is larger than anything that is paid")
        return Money(int(minor), self._currencies[frame[0]])

    def _quantity(self, grant: Grant, amount: Expr, frame: Frame) -> Component | None:
        value = self._value(amount, frame)
        unit: str = grant.unit
        if value < 0:
            raise Undecided(f"{grant.remedy}: the quantity comes out below zero")
        if value > LIMIT_MINOR:
            raise Undecided(f"{grant.remedy}: the quantity is larger than anything that is given")
        if unit == "percent":
            value = value * 100
        elif unit == "duration":
            unit, value = (
                ("days", value / Fraction(86400)) if value % 86400 == 0 else ("seconds", value)
            )
        text = decimal(value)
        return Component(grant.remedy, None, None, text, unit, grant.label) if value else None


def decimal(value: Any) -> str:
    """A number as plain decimal text, to at most six decimals."""
    exact = Fraction(value)
    units, rest = divmod(abs(exact.numerator) * 10**6, exact.denominator)
    units += 2 * rest >= exact.denominator
    whole, part = divmod(units, 10**6)
    text = f"{whole}.{part:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if exact < 0 and units else text
