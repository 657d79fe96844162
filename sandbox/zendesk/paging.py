"""Lists as the API answers them: by cursor where asked for with `page[size]`, else by offset."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from flask import request

from sandbox.answers import Refused

_MOST = 100


def page(items: Sequence[Any], key: str) -> dict[str, Any]:
    """The part of `items` the request asks for, under `key`, with its page links."""
    if "page[size]" in request.args or "page[after]" in request.args:
        return _by_cursor(items, key)
    number = request.args.get("page", 1, type=int)
    size = min(request.args.get("per_page", _MOST, type=int), _MOST)
    start = (number - 1) * size
    more = start + size < len(items)
    return {
        key: list(items[start : start + size]),
        "next_page": f"{request.base_url}?page={number + 1}&per_page={size}" if more else None,
        "previous_page": f"{request.base_url}?page={number - 1}" if number > 1 else None,
        "count": len(items),
    }


def _by_cursor(items: Sequence[Any], key: str) -> dict[str, Any]:
    size = request.args.get("page[size]", _MOST, type=int)
    if size > _MOST:
        body = {"error": "TooManyValues", "description": "page[size] is too large"}
        raise Refused(400, body | {"max_count": _MOST})
    start = decode(request.args.get("page[after]", ""))
    end = start + size
    more = end < len(items)
    after = encode(end) if more else None
    link = f"{request.base_url}?page[size]={size}&page[after]={after}" if more else None
    return {
        key: list(items[start:end]),
        "meta": {"has_more": more, "after_cursor": after, "before_cursor": None},
        "links": {"next": link, "prev": None},
    }


def encode(position: int) -> str:
    return base64.urlsafe_b64encode(f"o:{position}".encode()).decode()


def decode(cursor: str) -> int:
    """The position a cursor stands for; 0 for none. Raises `Refused` for one we never gave."""
    if not cursor:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(cursor).decode().partition(":")
        if kind == "o":
            return int(number)
    except ValueError:
        pass
    raise Refused(400, {"error": "InvalidCursor", "description": "The cursor is not valid"})
