"""What resolvers share: the context of one request, refusals, and reading arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.shopify.access import Token
from sandbox.shopify.books import Shop

#: A resolver takes the info and the field's arguments; its errors are part of its answer.
Info = GraphQLResolveInfo


@dataclass
class Call:
    """The context of one request."""

    shop: Shop
    token: Token


def shop_of(info: Info) -> Shop:
    call: Call = info.context
    return call.shop


def demand(info: Info, scope: str) -> None:
    """Raise the shop's ACCESS_DENIED unless the token has `scope`."""
    call: Call = info.context
    if not call.token.may(scope):
        needed = f"`{scope}` access scope."
        raise GraphQLError(
            f"Access denied for {info.field_name} field. Required access: {needed}",
            extensions={
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": needed,
            },
        )


def no(field: Sequence[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    """One user error; payloads without codes never show `code`."""
    return {"field": list(field) if field else None, "message": message, "code": code}


def refused(error: dict[str, Any], *empty: str) -> dict[str, Any]:
    """A payload of one user error, its other fields null."""
    return {**dict.fromkeys(empty), "userErrors": [error]}


def instant(text: str | None) -> float | None:
    """An ISO instant as epoch seconds; a date counts from its first moment in UTC."""
    if not text:
        return None
    made = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return made.timestamp() if made.tzinfo else made.replace(tzinfo=UTC).timestamp()


def given(arguments: Mapping[str, Any], *names: str) -> Any:
    """A value nested in optional inputs; None where a step is missing."""
    value: Any = arguments
    for name in names:
        value = (value or {}).get(name)
    return value
