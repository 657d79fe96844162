"""Facts as they come (JSON, CSV) into typed values: the one place where it happens.

A fact that is missing or does not fit becomes an `Unknown`, never an exception and never a guess:
touching it in a calculation or comparison raises `Undecided`, so it cannot be taken for an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, NoReturn

from core.money import MoneyError, parse_money
from core.policy.document import Listing, Node, Text
from core.policy.errors import PolicyError, Undecided
from core.policy.kinds import MAX_ITEMS, WORD, tidy
from core.policy.tree import SECONDS, Declared, Number, Tree, Type

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
    """A function from raw to typed. Money is done by `Inputs`, which knows the case's currency."""
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
    raise Unfit(f"{_shown(raw)} is not yes or no")


def _date(raw: object) -> date:
    if isinstance(raw, str) and _DATE.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise Unfit(f"{_shown(raw)} is not a date such as 2026-03-31")


def _instant(raw: object) -> datetime:
    if isinstance(raw, str) and _INSTANT.fullmatch(raw):
        try:
            return datetime.fromisoformat(raw).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Unfit(f"{_shown(raw)} is not an instant such as 2026-03-31T10:00:00Z")


def _words(values: Sequence[str | int]) -> Coerce:
    known = frozenset(values)
    listed = ", ".join(map(str, values))

    def coerce(raw: object) -> str:
        if isinstance(raw, str) and raw in known:
            return raw
        raise Unfit(f"{_shown(raw)} is not one of {listed[:200]}")

    return coerce


def _word(raw: object) -> str:
    if isinstance(raw, str) and WORD.fullmatch(raw):
        return raw
    raise Unfit(f"{_shown(raw)} is not a word")


def _numbers(kind: Type) -> Coerce:
    scale = Fraction(SECONDS.get(kind.unit, 1)) / (100 if kind.kind == "percent" else 1)
    known = frozenset(kind.values)
    factor = scale.numerator if scale.denominator == 1 else None

    def coerce(raw: object) -> Number:
        if type(raw) is int and factor is not None and -_LIMIT < raw < _LIMIT:
            value: Number = raw
        else:
            value = _decimal(raw, kind.decimals)
        if value < 0 and not kind.signed:
            raise Unfit(f"{_shown(raw)} is negative")
        if known and value not in known:
            raise Unfit(f"{_shown(raw)} is not one of {', '.join(map(str, kind.values))}")
        return value * factor if factor is not None else tidy(value * scale)

    return coerce


def _decimal(raw: object, decimals: int) -> Number:
    text = str(raw) if type(raw) is int else raw
    match = _NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= 30 else None
    if match is None:
        raise Unfit(f"{_shown(raw)} is not a plain number (as a text or a whole number)")
    digits = (match[3] or "").rstrip("0")
    if len(digits) > decimals:
        raise Unfit(f"{_shown(raw)} has more than {decimals} decimals")
    whole = int(match[1] + match[2])
    if not digits:
        return whole
    return Fraction(int(match[1] + match[2] + digits), 10 ** len(digits))


def _shown(raw: object) -> str:
    """A raw value for a message: short, and never the inside of a record."""
    if isinstance(raw, str):
        return repr(raw[:40])
    if isinstance(raw, bool | int) and abs(raw) < _LIMIT:
        return str(raw).lower()
    return f"a {type(raw).__name__}"


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


@dataclass(frozen=True, slots=True)
class _Slot:
    index: int
    name: str
    head: str
    tail: tuple[str, ...]
    declared: Declared
    coerce: Coerce | None
    single: bool


class Inputs:
    """Turns raw facts into a frame: a list whose place 0 is the index of the case's currency and
    whose next places are the declared facts, in order. Places for named values follow."""

    def __init__(self, tree: Tree) -> None:
        self._codes = {code: index for index, code in enumerate(tree.currencies)}
        self._single = len(tree.currencies) == 1 and tree.currency is None
        self._table = tree.currency is not None
        self._plain: list[_Slot] = []
        self._money: list[_Slot] = []
        for index, declared in enumerate(tree.facts, 1):
            head, *tail = declared.name.split(".")
            money = _holds_money(declared.type)
            plain = None if money or declared.type.kind == "list" else coercer(declared.type)
            single = declared.type.kind != "list"
            slot = _Slot(index, declared.name, head, tuple(tail), declared, plain, single)
            (self._money if money else self._plain).append(slot)
        self._size = 1 + len(tree.facts)
        codes = tree.currencies or ("",)
        self._by_currency = [_amounts(code) for code in codes]
        self._foreign = {
            slot.index: _amounts(slot.declared.type.currency)
            for slot in self._money
            if slot.declared.type.currency
        }

    def frame(
        self,
        facts: Mapping[str, object],
        extra: Sequence[object],
        currency: Callable[[list[Any]], Any],
    ) -> list[Any]:
        """The frame of a case. `currency` picks the currency's index where a table does."""
        frame: list[Any] = [0] * self._size
        frame += extra
        for slot in self._plain:
            frame[slot.index] = self._value(slot, facts, slot.coerce)
        if not self._single:
            frame[0] = currency(frame) if self._table else self._stated(facts)
        if self._money:
            coerce = self._in_currency(frame[0])
            for slot in self._money:
                one = self._foreign.get(slot.index, coerce)
                frame[slot.index] = self._value(slot, facts, one)
        return frame

    def _value(self, slot: _Slot, facts: Mapping[str, object], coerce: Coerce | None) -> Any:
        raw = facts.get(slot.head, _ABSENT)
        for key in slot.tail:
            if raw is None or raw is _ABSENT:
                raw = _ABSENT
                break
            if type(raw) is not dict and not isinstance(raw, Mapping):
                return Unknown(f"{slot.name}: {_shown(raw)} is not a record", slot.name)
            raw = raw.get(key, _ABSENT)
        if raw is not None and raw is not _ABSENT and slot.single and coerce is not None:
            try:
                return coerce(raw)
            except Unfit as error:
                return Unknown(f"{slot.name}: {error}", slot.name)
        declared = slot.declared
        if raw is _ABSENT:
            if declared.has_default:
                return declared.default
            return Unknown(f"{slot.name} is missing", slot.name)
        try:
            return _typed(raw, declared.type, slot.name, coerce)
        except Unfit as error:
            return Unknown(f"{slot.name}: {error}", slot.name)

    def _stated(self, facts: Mapping[str, object]) -> int | Unknown:
        """The currency that the amounts of the case are in."""
        for slot in self._money:
            raw: Any = facts.get(slot.head)
            for key in slot.tail:
                raw = raw.get(key) if isinstance(raw, Mapping) else None
            if slot.declared.type.currency is None and isinstance(raw, Mapping):
                code = raw.get("currency")
                if isinstance(code, str) and code in self._codes:
                    return self._codes[code]
                if isinstance(code, str):
                    return Unknown(f"the policy does not cover {code[:12]}", slot.name)
        return Unknown("no fact says in which currency the case is")

    def _in_currency(self, index: int | Unknown) -> Coerce:
        if isinstance(index, Unknown):
            problem = index.problem

            def unknown(raw: object) -> Any:
                return Unknown(problem)

            return unknown
        return self._by_currency[index]


def _amounts(code: str) -> Coerce:
    """Amounts in one currency, in minor units."""

    def coerce(raw: Any) -> int:
        if type(raw) is dict or isinstance(raw, Mapping):
            if raw.get("currency") != code:
                raise Unfit(f"the amount is in {str(raw.get('currency'))[:12]}, not in {code}")
            raw = raw.get("amount")
        if type(raw) is int:
            raw = str(raw)
        try:
            return parse_money(raw, code).minor
        except MoneyError as error:
            raise Unfit(str(error)) from None

    return coerce


_ABSENT: Any = object()


def _holds_money(kind: Type) -> bool:
    if kind.kind == "list" and kind.item is not None:
        parts = [part for _, part in kind.item.fields] or [kind.item]
        return any(part.kind == "money" for part in parts)
    return kind.kind == "money"


def _typed(raw: object, kind: Type, name: str, money: Coerce | None) -> Any:
    """One typed value. `money` is the coercer of plain values, or of amounts inside a list."""
    if raw is None:
        if kind.nullable:
            return None
        raise Unfit("it is null")
    if kind.kind != "list":
        return (money or coercer(kind))(raw)
    if isinstance(raw, str) or not isinstance(raw, Sequence):
        raise Unfit(f"{_shown(raw)} is not a list")
    if len(raw) > MAX_ITEMS:
        raise Unfit(f"more than {MAX_ITEMS} items")
    item = kind.item
    assert item is not None
    if not item.fields:
        return tuple(_part(one, item, name, str(index), money) for index, one in enumerate(raw, 1))
    return tuple(_record(one, item, name, index, money) for index, one in enumerate(raw, 1))


def _record(raw: object, kind: Type, name: str, index: int, money: Coerce | None) -> Any:
    """The fields of one item in their order; a JSON array gives them by position."""
    if isinstance(raw, Mapping):
        parts = [raw.get(field, _ABSENT) for field, _ in kind.fields]
    elif isinstance(raw, Sequence) and not isinstance(raw, str) and len(raw) == len(kind.fields):
        parts = list(raw)
    else:
        raise Unfit(f"item {index} is not a record of {len(kind.fields)} fields")
    return tuple(
        _part(part, field_kind, name, f"{index}.{field}", money)
        for part, (field, field_kind) in zip(parts, kind.fields, strict=True)
    )


def _part(raw: object, kind: Type, name: str, place: str, money: Coerce | None) -> Any:
    if raw is _ABSENT:
        if kind.nullable:
            return None
        return Unknown(f"{name}.{place} is missing", name)
    try:
        foreign = _amounts(kind.currency) if kind.currency else money
        return _typed(raw, kind, name, foreign if kind.kind == "money" else None)
    except Unfit as error:
        return Unknown(f"{name}.{place}: {error}", name)
