"""Facts as they come (JSON, CSV) into typed values: the one place where it happens.

A fact that is missing or does not fit becomes an `Unknown`, never an exception and never a guess.
Each declared fact has a reader, made once: what is said here is done for every case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.policy.kinds import MAX_ITEMS
from core.policy.tree import Declared, Tree, Type
from core.policy.values import Coerce, Unfit, Unknown, amounts, coercer, shown

Read = Callable[[Mapping[str, object]], Any]
#: From a raw item and its number (from 1) to a typed one.
Item = Callable[[object, int], Any]
_ABSENT: Any = object()
#: Sequences of characters are no lists of values.
_TEXTS = (str, bytes, bytearray)


class Inputs:
    """Turns raw facts into a frame: a list whose place 0 is the index of the case's currency and
    whose next places are the declared facts, in order. Places for named values follow."""

    def __init__(self, tree: Tree) -> None:
        self._currencies = tree.currencies
        self._codes = {code: index for index, code in enumerate(tree.currencies)}
        self._single = len(tree.currencies) == 1 and tree.currency is None
        self._table = tree.currency is not None
        self._blank: list[Any] = [0] * (1 + len(tree.facts))
        self._plain: list[tuple[int, Read]] = []
        self._money: list[tuple[int, Declared]] = []
        for index, declared in enumerate(tree.facts, 1):
            if _holds_money(declared.type):
                self._money.append((index, declared))
            else:
                self._plain.append((index, _reader(declared, None)))
        self._in_currency: dict[int, list[tuple[int, Read]]] = {}

    def frame(
        self,
        facts: Mapping[str, object],
        extra: Sequence[object],
        currency: Callable[[list[Any]], Any],
    ) -> list[Any]:
        """The frame of a case. `currency` picks the currency's index where a table does."""
        frame = [*self._blank, *extra]
        for index, read in self._plain:
            frame[index] = read(facts)
        if not self._single:
            frame[0] = currency(frame) if self._table else self._stated(facts)
        if self._money:
            for index, read in self._amounts(frame[0]):
                frame[index] = read(facts)
        return frame

    def _stated(self, facts: Mapping[str, object]) -> int | Unknown:
        """The currency that the amounts of the case are in."""
        for _, declared in self._money:
            raw: Any = facts
            for key in declared.name.split("."):
                raw = raw.get(key) if _is_record(raw) else None
            if declared.type.currency is None and _is_record(raw):
                code = raw.get("currency")
                if isinstance(code, str) and code in self._codes:
                    return self._codes[code]
                if isinstance(code, str):
                    return Unknown(f"the policy does not cover {code[:12]}", declared.name)
        return Unknown("no fact says in which currency the case is")

    def _amounts(self, index: int | Unknown) -> list[tuple[int, Read]]:
        """The readers of amounts in a currency of the policy."""
        if type(index) is Unknown:
            return self._readers(_unreadable(index.problem))
        assert isinstance(index, int)
        if index not in self._in_currency:
            self._in_currency[index] = self._readers(amounts(self._currencies[index]))
        return self._in_currency[index]

    def _readers(self, money: Coerce) -> list[tuple[int, Read]]:
        return [(index, _reader(declared, money)) for index, declared in self._money]


def _unreadable(problem: str) -> Coerce:
    return lambda raw: Unknown(problem)


def _is_record(raw: object) -> bool:
    return type(raw) is dict or isinstance(raw, Mapping)


def _holds_money(kind: Type) -> bool:
    if kind.kind == "list" and kind.item is not None:
        parts = [part for _, part in kind.item.fields] or [kind.item]
        return any(part.kind == "money" for part in parts)
    return kind.kind == "money"


def _reader(declared: Declared, money: Coerce | None) -> Read:
    """How a fact is read. `money` reads amounts in the case's currency."""
    kind, name = declared.type, declared.name
    head, *tail = name.split(".")
    absent = declared.default if declared.has_default else Unknown(f"{name} is missing", name)
    null = None if kind.nullable else Unknown(f"{name}: it is null", name)
    coerce = _listing(kind, name, money) if kind.kind == "list" else _single(kind, money)

    def read(facts: Mapping[str, object]) -> Any:
        raw: Any = facts.get(head, _ABSENT)
        for key in tail:
            if raw is None or raw is _ABSENT:
                return absent
            if type(raw) is not dict and not isinstance(raw, Mapping):
                return Unknown(f"{name}: {shown(raw)} is not a record", name)
            raw = raw.get(key, _ABSENT)
        if raw is _ABSENT:
            return absent
        if raw is None:
            return null
        try:
            return coerce(raw)
        except Unfit as error:
            return Unknown(f"{name}: {error}", name)

    return read


def _single(kind: Type, money: Coerce | None) -> Coerce:
    if kind.kind != "money":
        return coercer(kind)
    coerce = amounts(kind.currency) if kind.currency else money
    assert coerce is not None
    return coerce


def _listing(kind: Type, name: str, money: Coerce | None) -> Coerce:
    """A list of plain values, or of records as tuples of their fields in order."""
    assert kind.item is not None
    item = (_record if kind.item.fields else _part)(kind.item, name, money)

    def coerce(raw: object) -> tuple[Any, ...]:
        if isinstance(raw, _TEXTS) or not isinstance(raw, Sequence):
            raise Unfit(f"{shown(raw)} is not a list")
        if len(raw) > MAX_ITEMS:
            raise Unfit(f"more than {MAX_ITEMS} items")
        return tuple([item(one, index) for index, one in enumerate(raw, 1)])

    return coerce


def _record(kind: Type, name: str, money: Coerce | None) -> Item:
    """The fields of one item in their order; a JSON array gives them by position."""
    names = [field for field, _ in kind.fields]
    parts = [_part(part, name, money, f".{field}") for field, part in kind.fields]

    def coerce(raw: object, index: int) -> tuple[Any, ...]:
        if isinstance(raw, Mapping):
            values = [raw.get(field, _ABSENT) for field in names]
        elif isinstance(raw, Sequence) and not isinstance(raw, _TEXTS) and len(raw) == len(names):
            values = list(raw)
        else:
            raise Unfit(f"item {index} is not a record of {len(names)} fields")
        return tuple([part(value, index) for part, value in zip(parts, values, strict=True)])

    return coerce


def _part(kind: Type, name: str, money: Coerce | None, field: str = "") -> Item:
    """A value inside a list; `field` is '' or `.name`."""
    single = _single(kind, money)

    def coerce(raw: object, index: int) -> Any:
        if raw is None or raw is _ABSENT:
            if kind.nullable:
                return None
            lacks = " is missing" if raw is _ABSENT else ": it is null"
            return Unknown(f"{name}.{index}{field}{lacks}", name)
        try:
            return single(raw)
        except Unfit as error:
            return Unknown(f"{name}.{index}{field}: {error}", name)

    return coerce
