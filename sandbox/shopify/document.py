"""The schema served, and how the shop words what is wrong with a document."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
)

from sandbox.shopify.money import read_decimal, write_decimal

_PARTS = ("root", "orders", "refunds", "credit", "sales")


@cache
def schema() -> GraphQLSchema:
    """The part of the Admin API that the shop serves, put together from `schema/*.graphql`."""
    folder = files("sandbox.shopify") / "schema"
    made = build_schema("\n".join((folder / f"{part}.graphql").read_text() for part in _PARTS))
    for name in ("Money", "Decimal"):
        scalar = made.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        # mypy takes these for methods; they are the scalar's settings (and both names are read)
        vars(scalar).update(parse_value=read_decimal, coerce_input_value=read_decimal)
        vars(scalar).update(serialize=write_decimal, coerce_output_value=write_decimal)
    return made


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is None:
        return found[0] if len(found) == 1 else None
    return next((one for one in found if one.name and one.name.value == name), None)


def root_fields(body: bytes) -> list[str]:
    """The root fields a request asks for; none where it cannot be read."""
    try:
        document = parse(json.loads(body)["query"])
    except (ValueError, KeyError, TypeError, GraphQLError):
        return []
    return [
        field.name.value
        for one in document.definitions
        if isinstance(one, OperationDefinitionNode)
        for field in one.selection_set.selections
        if isinstance(field, FieldNode)
    ]


_WORDED: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), message, code)
    for pattern, message, code in (
        (
            r"Cannot query field '(\w+)' on type '(\w+)'",
            "Field '{0}' doesn't exist on type '{1}'",
            "undefinedField",
        ),
        (r"Unknown directive '@(\w+)'", "Directive @{0} is not defined", "undefinedDirective"),
        (
            r"Directive '@(\w+)' may not be used on (\w+)",
            "'@{0}' can't be applied to {1}s",
            "directiveCannotBeApplied",
        ),
        (
            r"Argument '@(\w+)\((\w+):\)' of type .* is required",
            "Directive '{0}' is missing required arguments: {1}",
            "missingRequiredArguments",
        ),
        (
            r"Argument '[\w.]*?(\w+)\((\w+):\)' of type .* is required",
            "Field '{0}' is missing required arguments: {1}",
            "missingRequiredArguments",
        ),
        (
            r"Expected value of type '(\w+)' not to include unknown field '(\w+)'",
            "InputObject '{0}' doesn't accept argument '{1}'",
            "argumentNotAccepted",
        ),
    )
)


def worded(error: GraphQLError) -> dict[str, Any]:
    """An error in the shop's words, with its code."""
    shown = dict(error.formatted)
    if shown.get("extensions"):
        return shown
    message = error.message
    if message.startswith("Variable '$"):
        name = message.split("'")[1]
        shown["message"] = f"Variable {name} was provided invalid value: {message}"
        shown["extensions"] = {"code": "INVALID_VARIABLE"}
        return shown
    for pattern, words, code in _WORDED:
        if match := pattern.search(message):
            shown["message"] = words.format(*match.groups())
            shown["extensions"] = {"code": code}
            break
    return shown
