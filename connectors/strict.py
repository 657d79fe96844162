"""Reading JSON that others wrote, without the leniencies of `json.loads`.

Numbers stay text until somebody says what they are (no float is ever made), constants (`NaN`),
duplicate keys, deep nesting, byte-order marks, other encodings than UTF-8 and lone surrogates are
refused.
"""

from __future__ import annotations

import json
from typing import Any

from core.errors import AmendsError

#: JSON as read here: dict, list, str, bool, None, int; a number with a point or exponent is text.
Json = Any


class NotJson(AmendsError):
    """The bytes are not JSON as it should be."""


def read_json(body: bytes, *, size_max: int, depth_max: int = 32) -> Json:
    """Raises `NotJson` with the reason."""
    if len(body) > size_max:
        raise NotJson(f"larger than {size_max} bytes")
    try:
        text = body.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise NotJson("not UTF-8") from None
    if text.startswith("\ufeff"):
        raise NotJson("starts with a byte-order mark")
    try:
        value = json.loads(
            text, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_no_duplicates
        )
    except RecursionError:
        raise NotJson(f"nested deeper than {depth_max}") from None
    except ValueError:
        # Also a whole number with thousands of digits: int() refuses it.
        raise NotJson("not valid JSON") from None
    _walk(value, depth_max, surrogates_possible="\\ud" in text or "\\uD" in text)
    return value


def _no_constant(name: str) -> Json:
    raise NotJson(f"contains {name}, which is not a number")


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("the same key stands twice in one object")
    return found


def _walk(value: Json, depth_max: int, *, surrogates_possible: bool) -> None:
    """Level by level, so that no nesting however deep becomes a recursion of ours."""
    level, depth = [value], 0
    while level:
        deeper: list[Json] = []
        for item in level:
            if isinstance(item, dict | list):
                if depth == depth_max:
                    raise NotJson(f"nested deeper than {depth_max}")
                deeper.extend(item.values() if isinstance(item, dict) else item)
            if surrogates_possible and isinstance(item, dict | str):
                for text in item if isinstance(item, dict) else (item,):
                    _no_lone_surrogate(text)
        level, depth = deeper, depth + 1


def _no_lone_surrogate(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotJson("contains half of a character (a lone surrogate)") from None
