"""One request as its handler sees it, and what handlers share: look-ups, lists, expansion."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.books import Account, Object, Stripe
from sandbox.stripe.errors import Params, integer, invalid, missing, only

_KINDS = {"payment_intents": "payment_intent", "webhook_endpoints": "webhook endpoint"}
_EXPANDS = {
    "charge": "charges",
    "latest_charge": "charges",
    "payment_intent": "payment_intents",
    "customer": "customers",
    "coupon": "coupons",
}


@dataclass
class Call:
    stripe: Stripe
    account: Account
    params: Params

    def one(self, table: str, id: str, param: str = "id", status: int = 404) -> Object:
        """The object of that id; raises Stripe's `resource_missing`."""
        found = self.account[table].get(id)
        if found is None:
            raise missing(_KINDS.get(table, table.removesuffix("s")), id, param, status)
        return found

    def named(self, table: str, param: str) -> Object:
        """The object that a parameter names."""
        return self.one(table, str(self.params[param]), param, 404)


Handler = Callable[..., Object]


def listing(call: Call, path: str, rows: Sequence[Object], *filters: str) -> Object:
    """A page of `rows`, newest first."""
    only(call.params, "limit", "starting_after", "ending_before", "created", *filters)
    limit = integer(call.params, "limit")
    if limit is not None and not 1 <= limit <= 100:
        raise invalid(f"Invalid integer: {limit}; limit must be between 1 and 100", "limit")
    newest = _dated(list(reversed(rows)), call.params.get("created"))
    after = call.params.get("starting_after")
    if after is not None:
        ids = [one["id"] for one in newest]
        if after not in ids:
            raise missing("object", after, "starting_after", 400)
        newest = newest[ids.index(after) + 1 :]
    shown = newest[: limit or 10]
    return {
        "object": "list",
        "data": shown,
        "has_more": len(newest) > len(shown),
        "url": f"/v1/{path}",
    }


def _dated(rows: list[Object], created: Any) -> list[Object]:
    if created is None:
        return rows
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}
    tests: dict[str, Callable[[int, int], bool]] = {
        "gt": int.__gt__,
        "gte": int.__ge__,
        "lt": int.__lt__,
        "lte": int.__le__,
    }
    only(bounds, *tests)
    return [
        one
        for one in rows
        if all(tests[name](one["created"], int(value)) for name, value in bounds.items())
    ]


def expanded(call: Call, answer: Object) -> Object:
    """The answer with the fields named in `expand[]` as objects."""
    paths = call.params.get("expand") or []
    made: Object = json.loads(json.dumps(answer))
    for path in paths if isinstance(paths, list) else [paths]:
        name = path.removeprefix("data.")
        rows = made["data"] if path.startswith("data.") else [made]
        if name not in _EXPANDS or not all(name in row for row in rows):
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        for row in rows:
            row[name] = call.account[_EXPANDS[name]].get(row[name], row[name])
    return made
