"""Single values as they come (text, whole numbers, yes and no) into typed ones, exactly.

What is not known becomes an `Unknown`, never an exception and never a guess: touching it in a
calculation or comparison raises `Undecided`, so it cannot be taken for an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, NoReturn

from core.money import MoneyError, minor_parser
from core.policy.document import Listing, Node, Text
from core.policy.errors import PolicyError, Undecided
from core.policy.kinds import WORD, tidy
from core.policy.tree import SECONDS, Number, Type

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NUMBER = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,12}))?", re.ASCII)
_LIMIT = 10**12


class Unknown:
    """A value nobody knows. Every use of it raises `Undecided`."""

    __slots__ = ("fact", "problem")

    def __init__(self, problem: str, fact: str | None = None) -> None:
        self.problem = problem
        self.fact = fact

    def fail(self, *_: object) -> NoReturn:
        raise Undecided(self.problem, self.fact)

    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __hash__ = __neg__ = __iter__ = fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = fail
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = fail
    __eq__ = __ne__ = fail
    __len__ = __getitem__ = __contains__ = __index__ = __abs__ = __getattr__ = fail


class Unfit(Exception):
    """The value is not of its type; the text says why, without the fact's name."""


Coerce = Callable[[Any], Any]


def coercer(kind: Type) -> Coerce:
    """A function from raw to typed. Money is read by `amounts`, in a known currency."""
    if kind.kind == "yesno":
        return _yes_no
    if kind.kind == "date":
        return _date
    if kind.kind == "instant":
        return _instant
    if kind.kind == "word":
        return _words(kind.values) if kind.values else _word
    if kind.kind == "money":
        raise TypeError("money needs the currency of the case")
    return _numbers(kind)


def _yes_no(raw: object) -> bool:
    if raw is True or raw is False:
        return raw
    if raw in ("yes", "true"):
        return True
    if raw in ("no", "false"):
        return False
    raise Unfit(f"{shown(raw)} is not yes or no")


def _date(raw: object) -> date:
    if isinstance(raw, str) and _DATE.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise Unfit(f"{shown(raw)} is not a date such as 2026-03-31")


def _instant(raw: object) -> datetime:
    if isinstance(raw, str) and _INSTANT.fullmatch(raw):
        try:
            return datetime.fromisoformat(raw).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Unfit(f"{shown(raw)} is not an instant such as 2026-03-31T10:00:00Z")


def _words(values: Sequence[str | int]) -> Coerce:
    known = frozenset(values)
    listed = ", ".join(map(str, values))

    def coerce(raw: object) -> str:
        if isinstance(raw, str) and raw in known:
            return raw
        raise Unfit(f"{shown(raw)} is not one of {listed[:200]}")

    return coerce


def _word(raw: object) -> str:
    if isinstance(raw, str) and WORD.fullmatch(raw):
        return raw
    raise Unfit(f"{shown(raw)} is not a word")


def _numbers(kind: Type) -> Coerce:
    scale = Fraction(SECONDS.get(kind.unit, 1)) / (100 if kind.kind == "percent" else 1)
    known = frozenset(kind.values)
    factor = scale.numerator if scale.denominator == 1 else None

    def coerce(raw: object) -> Number:
        value = raw if type(raw) is int and -_LIMIT < raw < _LIMIT else _decimal(raw, kind.decimals)
        if value < 0 and not kind.signed:
            raise Unfit(f"{shown(raw)} is negative")
        if known and value not in known:
            raise Unfit(f"{shown(raw)} is not one of {', '.join(map(str, kind.values))}")
        return value * factor if factor is not None else tidy(value * scale)

    return coerce


def _decimal(raw: object, decimals: int) -> Number:
    text = str(raw) if type(raw) is int else raw
    match = _NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= 30 else None
    if match is None:
        raise Unfit(f"{shown(raw)} is not a plain number (as a text or a whole number)")
    digits = (match[3] or "").rstrip("0")
    if len(digits) > decimals:
        raise Unfit(f"{shown(raw)} has more than {decimals} decimals")
    whole = int(match[1] + match[2])
    if not digits:
        return whole
    return Fraction(int(match[1] + match[2] + digits), 10 ** len(digits))


def shown(raw: object) -> str:
    """A raw value for a message: short, and never the inside of a record."""
    if isinstance(raw, str):
        return repr(raw[:40])
    if isinstance(raw, bool | int) and abs(raw) < _LIMIT:
        return str(raw).lower()
    return f"a {type(raw).__name__}"


def amounts(code: str) -> Coerce:
    """Amounts in one currency, in minor units."""
    parse = minor_parser(code)

    def coerce(raw: Any) -> int:
        if type(raw) is not str:
            if type(raw) is dict or isinstance(raw, Mapping):
                if raw.get("currency") != code:
                    raise Unfit(f"the amount is in {str(raw.get('currency'))[:12]}, not in {code}")
                raw = raw.get("amount")
            if type(raw) is int:
                raw = str(raw)
        try:
            return parse(raw)
        except MoneyError as error:
            raise Unfit(str(error)) from None

    return coerce


def coerce_default(node: Node, kind: Type) -> object:
    """The value of a stated default. Money may only default to 0, lists only to []."""
    if kind.kind == "list":
        if isinstance(node, Listing) and not node.items:
            return ()
        raise PolicyError("a list may only default to []", node.at)
    if not isinstance(node, Text):
        raise PolicyError("a default is a single value", node.at)
    if node.value == "null" and kind.nullable:
        return None
    if kind.kind == "money":
        if node.value == "0":
            return 0
        raise PolicyError("an amount may only default to 0 or null", node.at)
    try:
        return coercer(kind)(node.value)
    except Unfit as error:
        raise PolicyError(str(error), node.at) from None
