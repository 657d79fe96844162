"""Values and expressions of a tree as text, in the words they were written in.

The text is for reading: a date in an expression stands as it is written, a band as its cell.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

from core.money import exponent
from core.policy.tree import (
    SECONDS,
    And,
    Arithmetic,
    Band,
    ByCurrency,
    Call,
    Choose,
    Compare,
    Const,
    Expr,
    Fold,
    IsNull,
    Negative,
    Not,
    OneOf,
    Or,
    Threshold,
    Type,
    spoken,
)  # fmt: skip

_LOOSE = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "of": 6}
_ATOM = 9


def number_text(value: Any) -> str:
    """Plain decimal text; a fraction where six decimals are not enough."""
    return _decimal(value.numerator, value.denominator)


def _decimal(top: int, bottom: int) -> str:
    """In whole numbers: this is most of what an explanation as data takes."""
    if bottom == 1:
        return str(top)
    units, rest = divmod(abs(top) * 10**6, bottom)
    if rest:
        exact = Fraction(top, bottom)
        return f"{exact.numerator}/{exact.denominator}"
    whole, part = divmod(units, 10**6)
    shown = f"{whole}.{part:06d}".rstrip("0").rstrip(".")
    return f"-{shown}" if top < 0 else shown


def money_parts(minor: Any, currency: str) -> str:
    """Minor units in major ones, with every digit the currency has, or more if there are more."""
    digits = exponent(currency)
    if type(minor) is not int and minor.denominator != 1:
        return _decimal(minor.numerator, minor.denominator * 10**digits)
    sign, units = ("-", -int(minor)) if minor < 0 else ("", int(minor))
    if not digits:
        return f"{sign}{units}"
    return f"{sign}{units // 10**digits}.{units % 10**digits:0{digits}d}"


def unit_of(value: Any, kind: Type) -> str:
    """The unit a length of time is shown in: its own, or the largest that fits."""
    if kind.unit and value * 100 % SECONDS[kind.unit] == 0:
        return kind.unit
    return next(
        u
        for u in ("days", "hours", "minutes", "seconds")
        if value % SECONDS[u] == 0 or u == "seconds"
    )


def kind_name(kind: Type) -> str:
    """What a type is called where facts are declared."""
    return kind.unit or {"yesno": "yes/no"}.get(kind.kind, kind.kind)


def value_text(value: Any, kind: Type, currency: str) -> str:
    """`12.50 EUR`, `25%`, `3 days`, `yes`, `vip`, `2026-03-01`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"{len(value)} items"
    if kind.kind == "money":
        code = kind.currency or currency
        return f"{money_parts(value, code)} {code}" if code else number_text(value)
    if kind.kind == "percent":
        return f"{_decimal(value.numerator * 100, value.denominator)}%"
    if kind.kind == "duration":
        unit = unit_of(value, kind)
        whole, rest = divmod(value, SECONDS[unit])
        number = Fraction(value) / SECONDS[unit] if rest else whole
        return f"{number_text(number)} {unit}"
    return f"{number_text(value)} km" if kind.kind == "km" else number_text(value)


def value_data(value: Any, kind: Type, currency: str) -> Any:
    """A value as JSON: an amount with its currency, yes and no, null; the rest as its text."""
    if value is None or isinstance(value, bool):
        return value
    if kind.kind == "money" and not isinstance(value, str | tuple):
        code = kind.currency or currency
        return {"amount": money_parts(value, code), "currency": code} if code else str(value)
    return value_text(value, kind, currency)


def cell_text(expr: Expr, currency: str) -> str:
    """The cell of a band, of words or of null: `3 days..6 days`, `not vip`."""
    if isinstance(expr, Band):
        kind = expr.subject.type
        low = "" if expr.low is None else value_text(expr.low, kind, currency)
        high = "" if expr.high is None else value_text(expr.high, kind, currency)
        return f"{low}{'' if expr.low_in else '<'}..{'' if expr.high_in else '<'}{high}"
    if isinstance(expr, OneOf):
        words = [value_text(value, expr.subject.type, currency) for value in expr.values]
        listed = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
        return f"not {listed}" if expr.negated else listed
    assert isinstance(expr, IsNull)
    return "not null" if expr.negated else "null"


def expression_text(expr: Expr, currency: str) -> str:
    """The expression as it could be written."""
    return _Printer(currency).text(expr)[0]


class _Printer:
    """Answers text and how tightly it holds together."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def text(self, expr: Expr) -> tuple[str, int]:
        match expr:
            case Const():
                return self._constant(expr), _ATOM
            case ByCurrency():
                shown = (f"{code}: {money_parts(minor, code)}" for code, minor in expr.amounts)
                return f"{{{', '.join(shown)}}}", _ATOM
            case Negative():
                return f"-{self._inside(expr.value, 7)}", 7
            case Arithmetic():
                return self._two(expr.left, expr.op, expr.right, _LOOSE[expr.op])
            case Compare():
                return self._two(expr.left, expr.op, expr.right, _LOOSE["compare"])
            case And() | Or():
                word = "and" if isinstance(expr, And) else "or"
                parts = (self._inside(item, _LOOSE[word] + 1) for item in expr.items)
                return f" {word} ".join(parts), _LOOSE[word]
            case Not():
                return f"not {self._inside(expr.value, _LOOSE['not'])}", _LOOSE["not"]
            case Choose():
                return self._choice(expr), 0
            case Band() | OneOf():
                return f"{self._inside(expr.subject, 5)}: {cell_text(expr, self.currency)}", 4
            case IsNull():
                cell = cell_text(expr, self.currency)
                return f"{self._inside(expr.subject, 5)} is {cell}", _LOOSE["compare"]
            case Call():
                return self._call(expr)
            case Fold():
                return self._fold(expr), _ATOM
            case Threshold():
                return self.text(expr.value)
        return spoken(expr), _ATOM

    def _inside(self, expr: Expr, least: int) -> str:
        text, tight = self.text(expr)
        return text if tight >= least else f"({text})"

    def _two(self, left: Expr, op: str, right: Expr, level: int) -> tuple[str, int]:
        return f"{self._inside(left, level)} {op} {self._inside(right, level + 1)}", level

    def _constant(self, expr: Const) -> str:
        if expr.type.kind == "word":
            return f"'{expr.value}'"
        return value_text(expr.value, expr.type, self.currency)

    def _choice(self, expr: Choose) -> str:
        parts = (self._inside(part, 1) for part in (expr.yes, expr.test))
        return f"{' if '.join(parts)} else {self._inside(expr.no, 0)}"

    def _call(self, expr: Call) -> tuple[str, int]:
        if expr.function == "present":
            return self.text(expr.args[0])
        args = ", ".join(self.text(arg)[0] for arg in expr.args)
        return f"{expr.function}({args})", _ATOM

    def _fold(self, expr: Fold) -> str:
        value = "" if expr.value is None else f"{self.text(expr.value)[0]} for "
        where = "" if expr.where is None else f" where {self.text(expr.where)[0]}"
        return f"{expr.function}({value}{expr.variable} in {expr.over.name}{where})"
