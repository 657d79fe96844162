"""Columns of tickets as typed SQL values, as strict as `inputs.py` or stricter.

What this does not read with certainty is NULL, which sends the ticket to the compiled function:
being stricter costs time, never a cent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from core.money import exponent
from core.policy.backtest.sql.terms import UNKNOWN, NotVectorised, Ratio, Term, ratio, whole
from core.policy.backtest.tickets import CURRENCY, TicketFile, identifier, quoted
from core.policy.kinds import WORD
from core.policy.tree import SECONDS, Declared, Tree, Type

#: Whole digits that are read; an amount beyond goes to the compiled function.
_DIGITS = 9
_LIMIT = 10**_DIGITS - 1
_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT",
                       "UINTEGER", "UBIGINT"})  # fmt: skip
_DECIMAL = re.compile(r"DECIMAL\(([0-9]+),([0-9]+)\)")
#: Days with room to add to and to take from before a calendar ends.
_YEARS = (1800, 2999)
_DAY = "(1[89]|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}"
_TIME = (
    _DAY + r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
)
EMPTY = "''"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Columns:
    """The lowest layers of the query: the case's currency (`base`), and over it one column for each
    fact that is used (`lines`). `known` has the tests of which all hold where all is known."""

    def __init__(self, tree: Tree, file: TicketFile, prefix: str, *, sure: bool) -> None:
        self.tree, self.file, self.prefix, self.sure = tree, file, prefix, sure
        self.declared = {one.name: one for one in tree.facts}
        self.base: dict[str, str] = {}
        self.lines: dict[str, str] = {}
        self.known: list[str] = []
        self._terms: dict[str, Term | Ratio] = {}
        self._currency: Term | None = None

    def fact(self, name: str) -> Term | Ratio:
        if name not in self._terms:
            self._terms[name] = self._fact(self.declared[name])
        return self._terms[name]

    @property
    def currency(self) -> Term:
        """The index of the case's currency."""
        if self._currency is None:
            self._currency = self._case_currency()
        return self._currency

    def column(self, text: str, *, known: str = "") -> str:
        """A new column of the first layer; `known` says in SQL that it is known."""
        name = f"{self.prefix}f{len(self.lines)}"
        self.lines[name] = text
        if known:
            self.known.append(known.replace("?", name))
        return name

    # ---- one fact

    def _fact(self, declared: Declared) -> Term | Ratio:
        kind = declared.type
        if kind.kind == "list":
            raise NotVectorised(f"{declared.name} is a list")
        if declared.name not in self.file.columns:
            return constant_of(declared.default, kind) if declared.has_default else unknown(kind)
        text = self.file.text(declared.name)
        plain = self.file.types.get(declared.name, "VARCHAR") == "VARCHAR"
        absent = f"({identifier(declared.name)} IS NULL{f' OR {text} = {EMPTY}' if plain else ''})"
        value, low, high, bottom = self._value(declared.name, kind, text)
        null = self._null(declared, text if plain else "", absent)
        if declared.has_default and declared.default is not None:
            default = constant_of(declared.default, kind)
            top, default_text = _as_read(default, bottom, kind)
            value = f"CASE WHEN {absent} THEN {default_text} ELSE {value} END"
            low, high = min(low, top), max(high, top)
        number = kind.kind in ("money", "percent", "duration", "number", "km")
        factor = _unit(kind) / bottom if number else Fraction(1)
        if factor.numerator != 1:
            value = f"({value}) * {factor.numerator}"
        known = "(? IS NOT NULL)" if not null else f"(? IS NOT NULL OR {null})"
        name = self.column(value, known=known)
        term = Term(name, low * factor.numerator, high * factor.numerator, self.sure, null)
        return Ratio(term, whole(factor.denominator)) if number else term

    def _null(self, declared: Declared, text: str, absent: str) -> str:
        if not declared.type.nullable:
            return ""
        tests = [f"coalesce({text} = 'null', FALSE)"] if text else []
        if declared.has_default and declared.default is None:
            tests.append(absent)
        return self.column(" OR ".join(tests)) if tests else ""

    def _value(self, name: str, kind: Type, text: str) -> tuple[str, int, int, int]:
        """SQL of the value, its range, and what it is counted in: so many to one."""
        stored = self.file.types.get(name, "VARCHAR")
        match kind.kind:
            case "yesno":
                if stored == "BOOLEAN":
                    return identifier(name), 0, 0, 1
                yes, no = f"{text} IN ('yes', 'true')", f"{text} IN ('no', 'false')"
                return f"CASE WHEN {yes} THEN TRUE WHEN {no} THEN FALSE END", 0, 0, 1
            case "word":
                return self._word(kind, text), 0, 0, 1
            case "date":
                if stored == "DATE":
                    column = identifier(name)
                    return (
                        f"CASE WHEN year({column}) BETWEEN 1000 AND 8999 THEN {column} END",
                        0,
                        0,
                        1,
                    )
                return (
                    f"CASE WHEN {_matches(text, _DAY)} THEN TRY_CAST({text} AS DATE) END",
                    0,
                    0,
                    1,
                )
            case "instant":
                cast = f"epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))"
                return f"CASE WHEN {_matches(text, _TIME)} THEN {cast} END", -(10**17), 10**18, 1
            case "money":
                return self._money(name, kind, text, stored)
        low = -_LIMIT if kind.signed else 0
        bottom = 10**kind.decimals
        value = _number(identifier(name), text, stored, kind.decimals, signed=kind.signed)
        if kind.values:
            listed = ", ".join(str(int(one) * bottom) for one in kind.values)
            value = f"CASE WHEN ({value}) IN ({listed}) THEN ({value}) END"
        return value, low * bottom, (_LIMIT + 1) * bottom, bottom

    def _word(self, kind: Type, text: str) -> str:
        if kind.values:
            listed = ", ".join(quoted(str(one)) for one in kind.values if one != "null")
            return f"TRY_CAST({text} AS ENUM({listed}))"
        return f"CASE WHEN {_matches(text, WORD.pattern)} AND {text} <> 'null' THEN {text} END"

    def _money(self, name: str, kind: Type, text: str, stored: str) -> tuple[str, int, int, int]:
        """In minor units. The ticket's currency, where it states one, is the amount's."""
        column = identifier(name)
        if kind.currency is not None:
            digits = exponent(kind.currency)
            return _number(column, text, stored, digits), 0, (_LIMIT + 1) * 10**digits, 1
        codes = self.tree.currencies
        most = max((exponent(code) for code in codes), default=0)
        high = (_LIMIT + 1) * 10**most
        if len(codes) == 1 and self.tree.currency is None:
            value = _number(column, text, stored, most)
            if CURRENCY in self.file.columns:
                code = f"coalesce({self.file.text(CURRENCY)}, '')"
                value = f"CASE WHEN {code} IN ('', {quoted(codes[0])}) THEN {value} END"
            return value, 0, high, 1
        here = self.currency.text
        lines = []
        for digits in sorted({exponent(code) for code in codes}):
            those = ", ".join(str(i) for i, code in enumerate(codes) if exponent(code) == digits)
            lines.append(f"WHEN {here} IN ({those}) THEN {_number(column, text, stored, digits)}")
        return f"CASE {' '.join(lines)} END", 0, high, 1

    # ---- the case's currency

    def _case_currency(self) -> Term:
        codes = self.tree.currencies
        if self.tree.currency is not None:
            raise NotVectorised("the currency is chosen by a table")
        if len(codes) == 1:
            return whole(0)
        amounts = [
            self._there(one.name)
            for one in self.tree.facts
            if one.type.kind == "money" and not one.type.currency
            and one.name in self.file.columns
        ]  # fmt: skip
        if CURRENCY not in self.file.columns or not amounts or not codes:
            return UNKNOWN
        lines = " ".join(f"WHEN {quoted(code)} THEN {index}" for index, code in enumerate(codes))
        text = (
            f"CASE WHEN {' OR '.join(amounts)} THEN CASE {self.file.text(CURRENCY)} {lines} END END"
        )
        name = f"{self.prefix}currencyindex"
        self.base[name] = text
        self.known.append(f"{name} IS NOT NULL")
        return Term(name, 0, len(codes) - 1, self.sure)

    def _there(self, name: str) -> str:
        """An amount that is stated, readable or not."""
        if self.file.types.get(name, "VARCHAR") == "VARCHAR":
            return f"coalesce({identifier(name)}, '') NOT IN ('', 'null')"
        return f"{identifier(name)} IS NOT NULL"


def _unit(kind: Type) -> Fraction:
    return Fraction(SECONDS.get(kind.unit, 1)) / (100 if kind.kind == "percent" else 1)


def _as_read(default: Term | Ratio, bottom: int, kind: Type) -> tuple[int, str]:
    """A default, which the tree holds in seconds, shares and minor units, as the column counts."""
    if isinstance(default, Term):
        return 0, default.text
    value = Fraction(default.top.constant or 0, default.bottom.constant or 1)
    found = value / _unit(kind) * bottom
    if found.denominator != 1:
        raise NotVectorised("a default with more decimals than its fact")
    return found.numerator, str(found.numerator)


def _number(column: str, text: str, stored: str, digits: int, *, signed: bool = False) -> str:
    """A decimal of at most `digits` decimals, times ten to that power, as BIGINT."""
    low = f"-{_LIMIT}" if signed else "0"
    factor = 10**digits
    if stored in _INTEGERS:
        times = f" * {factor}" if digits else ""
        return f"CASE WHEN {column} BETWEEN {low} AND {_LIMIT} THEN {column}::BIGINT{times} END"
    decimal = _DECIMAL.fullmatch(stored)
    if decimal is not None and int(decimal[2]) <= 4:
        places = int(decimal[2])
        shifted = f"({column} * {10**places}::DECIMAL({places + 1}, 0))::BIGINT"
        fits = f"{column} BETWEEN {low} AND {_LIMIT}"
        if places <= digits:
            return f"CASE WHEN {fits} THEN {shifted} * {10 ** (digits - places)} END"
        step = 10 ** (places - digits)
        return f"CASE WHEN {fits} AND {shifted} % {step} = 0 THEN {shifted} // {step} END"
    cast = f"TRY_CAST({text} AS DECIMAL(18, {digits}))"
    if digits:
        cast = f"{cast} * {factor}::DECIMAL({digits + 1}, 0)"
    some = rf"[0-9]{{1,{digits}}}0{{0,{max(4 - digits, 0)}}}|" if digits else ""
    pattern = rf"{'-?' if signed else ''}[0-9]{{1,{_DIGITS}}}(\.({some}0{{1,4}}))?"
    return f"CASE WHEN {_matches(text, pattern)} THEN ({cast})::BIGINT END"


def _within(column: str) -> str:
    return f"CASE WHEN year({column}) BETWEEN {_YEARS[0]} AND {_YEARS[1]} THEN {column} END"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {quoted(pattern)})"


def unknown(kind: Type) -> Term | Ratio:
    """A fact no ticket has."""
    if kind.kind in ("money", "percent", "duration", "number", "km"):
        return Ratio(UNKNOWN, whole(1))
    types = {"yesno": "BOOLEAN", "date": "DATE", "instant": "BIGINT"}
    return Term(f"NULL::{types.get(kind.kind, 'VARCHAR')}")


def constant_of(value: Any, kind: Type) -> Term | Ratio:
    """A value of the tree as SQL."""
    if value is None:
        found = unknown(kind)
        if isinstance(found, Ratio):
            return Ratio(Term(found.top.text, sure=True, null="TRUE"), found.bottom)
        return Term(found.text, sure=True, null="TRUE")
    if isinstance(value, bool):
        return Term(str(value).upper(), sure=True)
    if isinstance(value, int | Fraction):
        return ratio(value)
    if isinstance(value, datetime):
        micros = (value - _EPOCH) // timedelta(microseconds=1)
        return Term(str(micros), micros, micros, True)
    if isinstance(value, date):
        if not _YEARS[0] <= value.year <= _YEARS[1]:
            raise NotVectorised("a date centuries away")
        return Term(f"DATE {quoted(value.isoformat())}", sure=True)
    return Term(quoted(str(value)), sure=True)


def words_of(values: Sequence[Any]) -> str:
    return ", ".join(map(quoted, map(str, values)))
