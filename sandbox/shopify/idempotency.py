"""`@idempotent(key:)`: mandatory on `refundCreate` since 2026-04, remembered for a day.

The texts are those the shop was seen to answer, or documents; where it was not seen for
`refundCreate` (a payload without codes), they arrive as the message of a user error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError
from graphql.execution.values import get_directive_values

from sandbox.shopify.calls import Info, no, refused, shop_of
from sandbox.shopify.records import KeyUse

KEPT_S = 24 * 3600
MISSING = "The @idempotent directive is required for this mutation but was not provided."
MISMATCH = "The same idempotency key cannot be used with different operation parameters."
RUNNING = "This request is currently in progress, please try again."
FAILED = "The previous attempt failed. Retry with a new idempotency key."

Answer = dict[str, Any]


def key_of(info: Info) -> str:
    """The key given on the field. Raises the shop's BAD_REQUEST without one."""
    directive = info.schema.get_directive("idempotent")
    assert directive is not None
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    key = (values or {}).get("key")
    if key is None:
        raise GraphQLError(MISSING, extensions={"code": "BAD_REQUEST"})
    if not str(key).strip():
        raise GraphQLError(
            "The idempotency key can't be blank.", extensions={"code": "BAD_REQUEST"}
        )
    return str(key)


def once(
    info: Info, arguments: Mapping[str, Any], empty: tuple[str, ...], act: Callable[[], Answer]
) -> Answer:
    """Do `act` once for the request's key, within the day that the shop remembers it."""
    shop, key = shop_of(info), key_of(info)
    now = shop.clock.epoch()
    for old in [one for one, use in shop.keys.items() if use.at + KEPT_S <= now]:
        del shop.keys[old]
    written = json.dumps(arguments, sort_keys=True, default=str)
    used = shop.keys.get(key)
    if used is None:
        used = shop.keys[key] = KeyUse(written, now)
        shop.think()
        answer = act()
        used.failed = bool(answer["userErrors"])
        used.answer = answer
        return answer
    if used.arguments != written:
        return refused(no(None, MISMATCH), *empty)
    if used.failed:
        return refused(no(None, FAILED), *empty)
    if used.answer is None:
        return refused(no(None, RUNNING), *empty)
    return used.answer
