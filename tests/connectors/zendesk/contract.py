"""Zendesk's published OpenAPI description, as far as it describes what is sent to it.

It is not ours to ship: https://developer.zendesk.com/zendesk/oas.yaml. Whoever has a copy, as JSON
or YAML, names it in the variable `AMENDS_ZENDESK_OPENAPI`, and every write is held against it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

VARIABLE = "AMENDS_ZENDESK_OPENAPI"


#: Where Zendesk's pages say otherwise than its description of a ticket's update: a custom field's
#: value was described as the field itself, and the audit's metadata was left out.
#: https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#json-format
_VALUE = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "value": {}},
    "required": ["id", "value"],
}
_BY_THE_PAGES = {
    "custom_fields": {"type": "array", "items": _VALUE},
    "metadata": {"type": "object"},
}


class Contract:
    def __init__(self, described: dict[str, Any]) -> None:
        self._described = described
        update = described["components"]["schemas"].get("TicketUpdateInput")
        if update is not None:
            update["properties"].update(_BY_THE_PAGES)
        self._paths = {
            re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))): methods
            for path, methods in described["paths"].items()
        }

    @classmethod
    def named(cls) -> Contract | None:
        """The copy that the variable names; None where it names none."""
        place = os.environ.get(VARIABLE)
        if not place:
            return None
        text = Path(place).read_text(encoding="utf-8")
        return cls(json.loads(text) if place.endswith(".json") else yaml.safe_load(text))

    def problems(self, method: str, path: str, body: object) -> list[str]:
        """What of a call does not fit; ["not described"] for a call it does not know."""
        found = next((m for at, m in self._paths.items() if at.fullmatch(path)), None)
        if found is None or method.lower() not in found:
            return ["not described"]
        content = found[method.lower()].get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return []
        errors = Draft202012Validator(self._closed(schema, 0)).iter_errors(body)
        return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in errors]

    def _closed(self, schema: Any, depth: int) -> Any:
        """With references put in, `nullable` as JSON Schema has it, and no property more than is
        described: a name written wrong is a mistake."""
        if isinstance(schema, list):
            return [self._closed(one, depth) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if depth > 12:  # an object that holds its own kind
            return {}
        if "$ref" in schema:
            target: Any = self._described
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return self._closed(target, depth + 1)
        made = {key: self._closed(value, depth) for key, value in schema.items()}
        if made.pop("nullable", False) and isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if isinstance(made.get("properties"), dict):
            made.setdefault("additionalProperties", False)
        return made
