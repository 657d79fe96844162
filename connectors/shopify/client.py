"""One shop's GraphQL Admin API: reads that wait as told, writes sent once.

HTTP 200 says little here. Three layers are looked at: `errors` beside the data (throttling, access,
a document that does not fit), `userErrors` in the payload (the shop's no), and, by the callers, the
state of what was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.http import Answer, Http
from connectors.shopify.oauth import Tokens, base_address
from connectors.shopify.shapes import Node, at, many, maybe_text, text
from core.pace import Reading
from core.ports import (
    HostDenied,
    HostError,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Settings,
    Unknown,
)

#: Fixed: documents are written for it, and newer versions change what they mean.
API_VERSION = "2026-10"

# Refused before anything ran: the document or its variables do not fit.
_UNFIT = {
    "BAD_REQUEST",
    "INVALID_VARIABLE",
    "MISSING_REQUIRED_ARGUMENTS",
    "ARGUMENT_LITERALS_INCOMPATIBLE",
    "ARGUMENT_NOT_ACCEPTED",
    "UNDEFINED_FIELD",
    "UNDEFINED_DIRECTIVE",
    "MAX_COST_EXCEEDED",
}
_WAIT_MAX = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Refused:
    """The shop said no to a mutation. `code` is its word where it gave one ("" where not)."""

    code: str
    message: str


class Admin:
    """Safe to share among threads."""

    def __init__(self, settings: Settings, http: Http, tokens: Tokens) -> None:
        self._settings = settings
        self._http = http
        self._tokens = tokens

    def read(self, document: str, **variables: object) -> Node:
        """The `data` of a query. Raises `HostError`."""

        def once() -> Node:
            return _data(self._ask(document, variables))

        return self._http.patiently(once)

    def write(
        self, document: str, root: str, **variables: object
    ) -> Node | Refused | NotSent | Unknown:
        """The payload of the mutation `root`, sent once. Raises nothing for what the host does."""
        try:
            token = self._tokens.current()
            request = self._request(document, variables, token)
        except HostError as error:
            return NotSent(str(error), error.retry_after)
        sent = self._http.send("POST", self._url, **request)
        if not isinstance(sent, Answer):
            return sent
        if sent.status == 401:
            return self._rejected(token)
        if sent.status in (402, 403, 404, 423):
            # Not a shop of ours any more, frozen, locked: looked at before any document is run.
            return NotSent(f"{sent.asked} was answered with {sent.status}: check the connection")
        try:
            return _payload(self._noted(sent.json()), root)
        except HostError as error:
            return Unknown(str(error))

    def _rejected(self, token: str) -> NotSent:
        """Access is looked at before the document is run, so nothing happened."""
        try:
            renewed = self._tokens.current(rejected=token) != token
        except HostError as error:
            return NotSent(f"the access token was refused, and: {error}")
        if renewed:
            return NotSent("the access token had ended and was renewed", timedelta(0))
        return NotSent("Shopify refused the access token: connect the shop again")

    def _ask(self, document: str, variables: Mapping[str, object]) -> Node:
        token = self._tokens.current()
        answer = self._http.request(
            "POST", self._url, judge=(401,), **self._request(document, variables, token)
        )
        if answer.status == 401:
            if self._tokens.current(rejected=token) == token:
                raise HostDenied("Shopify refused the access token: connect the shop again")
            raise HostUnavailable("the access token was renewed", retry_after=timedelta(0))
        return self._noted(answer.json())

    def _noted(self, body: Node) -> Node:
        """Each answer says what is left of the shop's points."""
        found = _reading(body)
        if found is not None:
            self._http.tell(found)
        return body

    def _request(
        self, document: str, variables: Mapping[str, object], token: str
    ) -> dict[str, Any]:
        return {
            "json": {"query": document, "variables": dict(variables)},
            "headers": {"X-Shopify-Access-Token": token},
        }

    @property
    def _url(self) -> str:
        return f"{base_address(self._settings)}/admin/api/{API_VERSION}/graphql.json"


def _codes(body: Node) -> list[tuple[str, str]]:
    """(code, message) of every top-level error. Raises `HostUnclear` for another shape."""
    errors = body.get("errors") or []
    if isinstance(errors, str):  # the form of the layers before GraphQL: {"errors": "Not Found"}
        return [("", errors)]
    if not isinstance(errors, list):
        raise HostUnclear("Shopify answered with errors of an unknown form")
    found = []
    for error in errors:
        if not isinstance(error, Mapping):
            raise HostUnclear("Shopify answered with errors of an unknown form")
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else ""
        # Codes come as BAD_REQUEST and as missingRequiredArguments.
        shouted = code if isinstance(code, str) else ""
        if not shouted.isupper():
            shouted = "".join(f"_{c}" if c.isupper() else c for c in shouted).upper()
        found.append((shouted, str(error.get("message", ""))[:300]))
    return found


def _figure(body: Node, *path: str) -> float:
    """A number of `extensions.cost`. Raises `ValueError`."""
    try:
        found = float(at(body, "extensions", "cost", *path))
    except (HostUnclear, TypeError):
        raise ValueError("Shopify says nothing of the cost") from None
    if not 0 <= found < 1e9:  # NaN is not either
        raise ValueError("a cost out of all bounds")
    return found


def _reading(body: Node) -> Reading | None:
    try:
        most, left, rate = (
            int(_figure(body, "throttleStatus", name))
            for name in ("maximumAvailable", "currentlyAvailable", "restoreRate")
        )
    except ValueError:
        return None
    return Reading(most=most, left=left, per_second=rate)


def _wait(body: Node) -> timedelta:
    """Until the bucket holds what the request asks for, by the figures in the answer."""
    try:
        asked = _figure(body, "requestedQueryCost")
        left = _figure(body, "throttleStatus", "currentlyAvailable")
        seconds = (asked - left) / _figure(body, "throttleStatus", "restoreRate")
    except (ValueError, ArithmeticError):
        return timedelta(seconds=1)
    return timedelta(seconds=min(max(seconds, 0.05), _WAIT_MAX.total_seconds()))


def _data(body: Node) -> Node:
    for code, message in _codes(body):
        if code == "THROTTLED":
            raise HostUnavailable("Shopify asks us to wait", retry_after=_wait(body))
        if code == "ACCESS_DENIED":
            raise HostDenied(f"Shopify says this app lacks a permission: {message}")
        raise HostUnclear(f"Shopify refused the query: {message}")
    data = body.get("data")
    if not isinstance(data, Mapping):
        raise HostUnclear("Shopify's answer has no data")
    return data


def _payload(body: Node, root: str) -> Node | Refused | NotSent | Unknown:
    errors = _codes(body)
    data = body.get("data")
    payload = data.get(root) if isinstance(data, Mapping) else None
    if errors and payload is not None:
        return Unknown(f"Shopify did it only in part: {errors[0][1]}")
    for code, message in errors:
        if code == "THROTTLED":
            return NotSent("Shopify asks us to wait", _wait(body))
        if code == "ACCESS_DENIED":
            return NotSent(f"Shopify says this app lacks a permission: {message}")
        if code in _UNFIT:
            return Refused(code, message)
        return Unknown(f"Shopify answered with an error: {message}")
    if not isinstance(payload, Mapping):
        return Unknown("Shopify's answer says nothing about what was asked")
    refusals = many(payload, "userErrors")
    if refusals:
        first = refusals[0]
        code_given = maybe_text(first, "code") if "code" in first else None
        return Refused(code_given or "", text(first, "message")[:300])
    return payload
