"""The GraphQL endpoint: token, cost, throttle, and the three layers in which it says no."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Blueprint, Response, request
from graphql import (
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    validate,
)

from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Call
from sandbox.shopify.document import operation_of, schema, worded
from sandbox.shopify.roots import ROOTS

MUTATION_POINTS = 10
SINGLE_QUERY_MAX = 1000
_VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)|unstable")


def graphql_api(shop: Shop) -> Blueprint:
    api = Blueprint("graphql", __name__)

    @api.post("/admin/api/<version>/graphql.json")
    def endpoint(version: str) -> Response:
        if not _VERSION.fullmatch(version):
            return _json(shop, {"errors": "Not Found"}, 404)
        token = shop.access.token(request.headers.get("X-Shopify-Access-Token"))
        if token is None:
            words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return _json(shop, {"errors": words}, 401)
        asked = request.get_json(silent=True)
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return _json(shop, {"errors": {"query": "Required parameter missing or invalid"}}, 400)
        with shop.lock:
            return _json(shop, answer(Call(shop, token), asked))

    return api


def _json(shop: Shop, body: dict[str, Any], status: int = 200) -> Response:
    response = Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/json")
    response.headers["X-Shopify-API-Version"] = shop.api_version
    return response


def answer(call: Call, asked: dict[str, Any]) -> dict[str, Any]:
    """One document, run against the books. Called with the lock held."""
    try:
        document = parse(asked["query"])
    except GraphQLError as error:
        return {"errors": [worded(error)]}
    errors = validate(schema(), document)
    if errors:
        return {"errors": [worded(error) for error in errors]}
    operation = operation_of(document, asked.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    points = cost(operation.selection_set)
    if operation.operation == OperationType.MUTATION:
        points += MUTATION_POINTS
    bucket = call.shop.access.bucket
    if points > SINGLE_QUERY_MAX:
        words = f"Query cost is {points}, which exceeds the single query max cost limit (1000)."
        refusal = {"message": words, "extensions": {"code": "MAX_COST_EXCEEDED"}}
        return {"errors": [refusal], **_cost(call.shop, points, None)}
    if not bucket.take(points):
        refusal = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return {"errors": [refusal], **_cost(call.shop, points, None)}
    done = execute_sync(
        schema(),
        document,
        root_value=ROOTS,
        context_value=call,
        variable_values=asked.get("variables") or {},
        operation_name=asked.get("operationName"),
    )
    shown: dict[str, Any] = {"data": done.data} if done.data is not None else {}
    if done.errors:
        shown = {"errors": [worded(error) for error in done.errors], **shown}
    return {**shown, **_cost(call.shop, points, points)}


def cost(selected: SelectionSetNode | None) -> int:
    """Points of a selection: an object costs one, a list or connection two and half its length.

    The real formula is not published in full; this one has its size and its direction.
    """
    points = 0
    for one in selected.selections if selected else ():
        if isinstance(one, InlineFragmentNode):
            points += cost(one.selection_set)
        elif isinstance(one, FieldNode) and one.selection_set:
            points += 1 + cost(one.selection_set) + _length(one) // 2
    return points


def _length(field: FieldNode) -> int:
    for argument in field.arguments or ():
        if argument.name.value in ("first", "last"):
            value = getattr(argument.value, "value", "0")
            return 2 + (int(value) if str(value).isdigit() else 0)
    return 0


def _cost(shop: Shop, asked: int, actual: int | None) -> dict[str, Any]:
    bucket = shop.access.bucket
    return {
        "extensions": {
            "cost": {
                "requestedQueryCost": asked,
                "actualQueryCost": actual,
                "throttleStatus": {
                    "maximumAvailable": bucket.maximum,
                    "currentlyAvailable": int(bucket.available()),
                    "restoreRate": bucket.rate,
                },
            }
        }
    }
