"""The shop's search: `field:value` terms, all of which must hold, over an index that may lag."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from typing import TypeVar

from sandbox.shopify.books import Shop
from sandbox.shopify.calls import instant

_TERM = re.compile(r"""(?:(\w+):)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S+)""")
_DATE = re.compile(r"(>=|<=|>|<|)['\"]?([^'\"]+)['\"]?")
_WORD = re.compile(r"[^\W_]+")
T = TypeVar("T")
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def found(
    shop: Shop, query: str | None, rows: Iterable[tuple[float, T, dict[str, list[str]]]]
) -> list[T]:
    """The rows that match. A row is its time of making, itself, and its searchable values; the
    values under `""` are those a bare word is compared with.

    A field the shop does not know is ignored without a word. An e-mail address without quotes is
    compared word by word, so `a@b.com` also finds `x.a@b.com`.
    """
    if not query or not query.strip():
        return [row for _, row, _ in rows]
    terms = [(field, value) for field, value in _TERM.findall(query)]
    newest = shop.clock.epoch() - shop.index_lag_s
    return [
        row
        for made, row, values in rows
        if made <= newest and all(_holds(field, value, values) for field, value in terms)
    ]


def _holds(field: str, raw: str, values: dict[str, list[str]]) -> bool:
    if field not in values:
        return True
    if field.endswith("_at"):
        return _dated(raw, values[field][0])
    quoted = raw[0] in "\"'"
    wanted = (raw[1:-1] if quoted else raw).casefold()
    stored = [value.casefold() for value in values[field]]
    if field == "email" and not quoted:
        words = set(_WORD.findall(wanted))
        return any(words <= set(_WORD.findall(value)) for value in stored)
    return wanted in stored


def _dated(raw: str, stored: str) -> bool:
    """`>=2026-11-20` or `<'2026-11-20T10:00:00Z'`; what is no date filters nothing."""
    match = _DATE.fullmatch(raw)
    try:
        bound, value = instant(match[2] if match else None), instant(stored)
    except ValueError:
        return True
    if match is None or bound is None or value is None:
        return True
    return bool(_COMPARE.get(match[1], operator.eq)(value, bound))
