"""What is known about a case, as values for the words: by the kind each name has.

Facts come from stored documents as well as from calls, so money and instants may be text. A value
that is not what its name takes is treated as not known: its sentence is left out, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import TypeVar

from core.errors import AmendsError
from core.message.language import (
    Language,
    day_in,
    days_in,
    moment_in,
    money_in,
    number_in,
    time_in,
)
from core.message.values import Text, isolated, outside, own
from core.message.vocabulary import NAMES, Kind
from core.money import Money, parse_money

_LIMITS: dict[Kind, int] = {"name": 80, "code": 120, "text": 400}
_MOST_LISTED = 5
_VERSION_LENGTH = 8
_LARGEST_NUMBER = 10**15
_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+", re.ASCII)

T = TypeVar("T")


def fill(language: Language, facts: Mapping[str, object], zone: tzinfo = UTC) -> dict[str, Text]:
    """Values of the facts that have a name in the vocabulary and make sense as its kind."""
    values: dict[str, Text] = {}
    for name, fact in facts.items():
        kind = NAMES.get(name)
        if kind is None or kind == "own" or fact is None:
            continue
        if name == "policy_version" and isinstance(fact, str):
            fact = fact[:_VERSION_LENGTH]
        value = _value(language, kind, name, fact, zone)
        if value is not None:
            values[name] = value
    return values


def outside_value(language: Language, kind: Kind, fact: str) -> Text | None:
    return outside(fact, rtl=language.rtl, code=kind == "code", limit=_LIMITS[kind])


def join(language: Language, parts: Sequence[Text]) -> Text:
    comma = own(language.words.comma)
    return Text(comma.plain.join(p.plain for p in parts), comma.html.join(p.html for p in parts))


def _value(language: Language, kind: Kind, name: str, fact: object, zone: tzinfo) -> Text | None:
    if isinstance(fact, Sequence) and not isinstance(fact, str):
        return _listed(language, [_value(language, kind, name, one, zone) for one in fact])
    if kind == "said" and isinstance(fact, str):
        return _said(language, name.removesuffix("s"), fact)
    if kind in _LIMITS:
        number = _number(fact)
        shown = fact if isinstance(fact, str) else "" if number is None else str(number)
        if kind == "text":
            # The words end the sentence themselves; a policy's code reads better as words.
            shown = shown.rstrip(" .")
            shown = shown.replace("_", " ") if _CODE.fullmatch(shown) else shown
        return outside_value(language, kind, shown)
    figure = _figure(language, kind, fact, zone)
    return isolated(figure, rtl=language.rtl) if figure else None


def _listed(language: Language, parts: Iterable[Text | None]) -> Text | None:
    known = [part for part in parts if part is not None]
    more = [own("…")] if len(known) > _MOST_LISTED else []
    return join(language, known[:_MOST_LISTED] + more) if known else None


def _said(language: Language, group: str, code: str) -> Text | None:
    key = f"{group}.{code}"
    if language.words.has(key):
        return own(language.words.phrase(key))
    return outside_value(language, "text", code.replace("_", " "))


def _figure(language: Language, kind: Kind, fact: object, zone: tzinfo) -> str | None:
    if kind == "money":
        amount = _money(fact)
        return money_in(language, amount) if amount is not None and amount.minor >= 0 else None
    if kind in ("count", "days"):
        number = _number(fact)
        if number is None:
            return None
        return (days_in if kind == "days" else number_in)(language, number)
    if kind == "day":
        on = _read(date.fromisoformat, fact, date)
        return day_in(language, on) if on else None
    at = _read(datetime.fromisoformat, fact, datetime)
    if at is None or at.tzinfo is None:
        return None
    try:
        return (time_in if kind == "time" else moment_in)(language, at, zone)
    except OverflowError:
        return None  # the last hours of the calendar, in a zone ahead of UTC


def _number(fact: object) -> int | None:
    if not isinstance(fact, int) or isinstance(fact, bool):
        return None
    return fact if 0 <= fact < _LARGEST_NUMBER else None


def _money(fact: object) -> Money | None:
    """Money itself, `"12.50 EUR"`, or `{"amount": "12.50", "currency": "EUR"}`."""
    if isinstance(fact, Money):
        return fact
    text, currency = None, None
    if isinstance(fact, str):
        text, _, currency = fact.partition(" ")
    elif isinstance(fact, Mapping):
        text, currency = fact.get("amount"), fact.get("currency")
    try:
        return parse_money(text, currency) if isinstance(currency, str) else None
    except AmendsError:
        return None


def _read(parse: Callable[[str], T], fact: object, wanted: type[T]) -> T | None:
    if isinstance(fact, wanted):
        return fact
    try:
        return parse(fact) if isinstance(fact, str) else None
    except ValueError:
        return None
