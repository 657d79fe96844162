"""Refusals in Stripe's shape, and the reading of form-encoded parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_INTEGER = re.compile(r"-?[0-9]{1,14}", re.ASCII)


class StripeNo(Exception):
    """An error answer. `started` is False where the request failed before anything ran, so that
    its idempotency key is not used up."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        started: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.started = started
        self.body: dict[str, Any] = {"error": {"message": message, "type": type}}
        for name, value in (("code", code), ("param", param)):
            if value is not None:
                self.body["error"][name] = value


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeNo:
    """A parameter that cannot be right; nothing ran."""
    return StripeNo(message, param=param, code=code, started=False)


def missing(kind: str, id: str, param: str = "id", status: int = 404) -> StripeNo:
    message = f"No such {kind}: '{id}'"
    return StripeNo(message, status=status, code="resource_missing", param=param)


Params = dict[str, Any]


def read_form(pairs: Iterable[tuple[str, str]]) -> Params:
    """`metadata[a]=1&expand[]=x` as nested dicts and lists."""
    made: Params = {}
    for name, value in pairs:
        path = re.findall(r"[^\[\]]+|\[\]", name)
        here: Any = made
        for at, step in enumerate(path):
            last = at == len(path) - 1
            if last and step != "[]":
                here[step] = value
            elif step == "[]":
                here.setdefault("", []).append(value)
            else:
                here = here.setdefault(step, {})
    return {name: _lists(value) for name, value in made.items()}


def _lists(value: Any) -> Any:
    """Dicts that were lists: `x[]=` gathers under "", `x[0]=` under digits."""
    if not isinstance(value, dict):
        return value
    if set(value) == {""}:
        return value[""]
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(one) for key, one in value.items()}


def only(params: Params, *allowed: str) -> None:
    """Refuse whatever is not a parameter of this call."""
    for name in params:
        if name not in allowed and name != "expand":
            raise invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")


def need(params: Params, name: str) -> Any:
    if params.get(name) in (None, ""):
        raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    return params[name]


def integer(params: Params, name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def choice(params: Params, name: str, *choices: str) -> str | None:
    value = params.get(name)
    if value is not None and value not in choices:
        listed = ", ".join(choices[:-1]) + f", or {choices[-1]}"
        raise invalid(f"Invalid {name}: must be one of {listed}", name)
    return value


def truth(params: Params, name: str) -> bool | None:
    value = params.get(name)
    if value is not None and value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name, "parameter_invalid_string")
    return None if value is None else value == "true"


def metadata(params: Params) -> dict[str, str]:
    """At most 50 keys of 40 characters, values of 500."""
    given: Any = params.get("metadata") or {}
    if not isinstance(given, Mapping):
        raise invalid("Invalid object", "metadata")
    for key, value in given.items():
        if len(key) > 40 or len(str(value)) > 500:
            raise invalid("Metadata keys have up to 40 characters, values up to 500", "metadata")
    if len(given) > 50:
        raise invalid("You can have up to 50 metadata keys", "metadata")
    return dict(given)
