"""The published schema of the Admin API, and documents and variables held against it.

It comes with the npm package `@shopify/dev-mcp`, which the lock file names.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_client_schema,
    get_variable_values,
    parse,
    validate,
)

from connectors.shopify.client import API_VERSION

HERE = Path(__file__).parents[3]
FILE = HERE / "node_modules/@shopify/dev-mcp/dist/data" / f"admin_{API_VERSION}.json.gz"


@cache
def admin_schema() -> GraphQLSchema:
    assert FILE.is_file(), (
        f"{FILE.relative_to(HERE)} is not there: `make test` installs it (npm @shopify/dev-mcp)"
    )
    with gzip.open(FILE) as opened:
        published = json.load(opened)
    return build_client_schema({"__schema": published["data"]["__schema"]}, assume_valid=True)


def problems(document: str, variables: Mapping[str, Any] | None = None) -> list[str]:
    """What the real shop would have against a document, and the values sent with it."""
    parsed = parse(document)
    found = [error.message for error in validate(admin_schema(), parsed)]
    if found or variables is None:
        return found
    (operation,) = (d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))
    declared = operation.variable_definitions or ()
    values = get_variable_values(admin_schema(), declared, dict(variables), max_errors=20)
    unknown = set(variables) - {one.variable.name.value for one in declared}
    wrong = [error.message for error in values] if isinstance(values, list) else []
    return wrong + [f"the document has no variable ${name}" for name in sorted(unknown)]
