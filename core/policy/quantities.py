"""Numbers with their units, amounts and dates, as they are written, read exactly."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from fractions import Fraction

from core.money import EXPONENTS, MoneyError, parse_money
from core.policy import kinds
from core.policy.errors import PolicyError, Pos
from core.policy.kinds import tidy
from core.policy.scope import Scope
from core.policy.tree import SECONDS, ByCurrency, Const, Expr, Number, Type

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(.*)", re.ASCII)
_UNITS = {
    "s": "seconds", "second": "seconds", "seconds": "seconds", "min": "minutes",
    "minute": "minutes", "minutes": "minutes", "h": "hours", "hour": "hours", "hours": "hours",
    "d": "days", "day": "days", "days": "days",
}  # fmt: skip
_DIGITS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)


def number(text: str, at: Pos) -> Number:
    """A plain number, exactly. At most twelve digits, then six decimals."""
    if not _DIGITS.fullmatch(text):
        raise PolicyError(f"{text[:30]!r} is not a plain number of 12 digits and 6 decimals", at)
    return tidy(Fraction(text))


def quantity(text: str, at: Pos, scope: Scope) -> Expr:
    """A number with its unit: `250 EUR`, `50%`, `24 h`, `3 km`, `7`."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise PolicyError(f"{text[:30]!r} is not a number with a unit such as 250 EUR or 24 h", at)
    digits, unit = match[1], match[2].strip()
    if unit in _UNITS:
        value = kinds.in_seconds(number(digits, at), _UNITS[unit])
        whole = value % SECONDS[_UNITS[unit]] == 0
        return Const(value=value, type=Type(kind="duration", unit=_UNITS[unit], whole=whole), at=at)
    if unit == "%":
        return Const(value=tidy(Fraction(number(digits, at)) / 100), type=kinds.PERCENT, at=at)
    if unit == "km" or not unit:
        value = number(digits, at)
        kind = Type(kind="km" if unit else "number", whole=isinstance(value, int))
        return Const(value=value, type=kind, at=at)
    return amount(digits, unit, at, scope)


def amount(digits: str, currency: str, at: Pos, scope: Scope) -> Expr:
    """Money; in one of the policy's own currencies it is the case's, else foreign."""
    minor = minor_units(digits, currency, at)
    if scope.currencies == (currency,):
        return Const(value=minor, type=kinds.MONEY, at=at)
    if currency in scope.currencies:
        return ByCurrency(amounts=((currency, minor),), type=kinds.MONEY, at=at)
    return Const(value=minor, type=replace(kinds.MONEY, currency=currency), at=at)


def minor_units(digits: str, currency: str, at: Pos) -> int:
    if currency not in EXPONENTS:
        raise PolicyError(f"{currency!r} is not a unit or a currency of ISO 4217", at)
    try:
        return parse_money(digits, currency).minor
    except MoneyError as error:
        raise PolicyError(str(error), at) from None


def day(text: str, at: Pos) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise PolicyError(f"{text[:20]!r} is not a date such as 2026-03-31", at) from None
