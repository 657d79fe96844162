"""Figures of an explanation, as the reader's language writes them."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from core.message.language import Language, money_in, number_in
from core.money import Money, exponent
from core.policy.explain.printing import unit_of
from core.policy.tree import SECONDS, Type

UNITS = {"seconds": "second", "minutes": "minute", "hours": "hour", "days": "day"}


class Figures:
    def __init__(self, language: Language) -> None:
        self._language = language
        # Babel writes the separators of a numbering system but Latin digits.
        digits = "".join(number_in(language, digit) for digit in range(10))
        self._digits = str.maketrans("0123456789", digits)

    def value(self, value: Fraction, kind: Type, currency: str) -> str:
        if kind.kind == "money":
            code = kind.currency or currency
            if code and value.denominator == 1 and value >= 0:
                return money_in(self._language, Money(int(value), code))
            shown = self._plain(value / 10 ** exponent(code) if code else value)
            return f"{shown} {code}".strip()
        if kind.kind == "percent":
            return self._percent(value)
        if kind.kind == "duration":
            unit = unit_of(value, kind)
            return self._measured(value / SECONDS[unit], f"duration-{UNITS[unit]}")
        if kind.kind == "km":
            return self._measured(value, "length-kilometer")
        return self._plain(value)

    def _measured(self, value: Fraction, unit: str) -> str:
        locale, number = self._language.locale, _decimal(value)
        shown = format_unit(number, unit, "long", locale=locale, numbering_system="default")
        if unit in shown:
            # Where the long form is the short one, Babel does not look there and shows its key.
            shown = format_unit(number, unit, "short", locale=locale, numbering_system="default")
        return shown.translate(self._digits)

    def _plain(self, value: Fraction) -> str:
        shown = format_decimal(
            _decimal(value), format="#,##0.######", locale=self._language.locale,
            numbering_system="default",
        )  # fmt: skip
        return shown.translate(self._digits)

    def _percent(self, value: Fraction) -> str:
        shown = format_percent(
            _decimal(value), format="#,##0.######\u00a0%", locale=self._language.locale,
            numbering_system="default",
        )  # fmt: skip
        return shown.translate(self._digits)


def _decimal(value: Fraction) -> Decimal:
    """To eight decimals, so that a percentage has six."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return exact.quantize(Decimal("1E-8")).normalize()
