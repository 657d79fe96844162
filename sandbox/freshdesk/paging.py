"""Lists: `page` and `per_page`, and a Link header where there is more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify, request

from sandbox.freshdesk.rules import invalid


def page(items: Sequence[Any]) -> Response:
    """The part of `items` the request asks for."""
    number = request.args.get("page", 1, type=int)
    size = request.args.get("per_page", 30, type=int)
    if not 1 <= size <= 100:
        raise invalid("per_page", "invalid_value", "It should be a Positive Integer less than 101")
    start = (number - 1) * size
    response = jsonify(list(items[start : start + size]))
    if start + size < len(items):
        rest = "&".join(f"{k}={v}" for k, v in request.args.items() if k != "page")
        link = f"{request.base_url}?{rest}{'&' if rest else ''}page={number + 1}"
        response.headers["Link"] = f'<{link}>; rel="next"'
    return response
