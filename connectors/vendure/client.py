"""One shop's Admin API: GraphQL reads, and writes sent once.

HTTP 200 says nothing here. A mutation's plain no is a member of the answer's union with an
`errorCode`; what goes wrong underneath stands in `errors`, where only a few codes are sure to come
before anything was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from connectors.http import Answer, Http
from core.ports import HostDenied, HostUnavailable, HostUnclear, NotSent, Settings, Unknown

Node = Mapping[str, Any]
PAGE = 100
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
#: One payout of an order, one coupon of a code at a time in this process.
_LOCKS = tuple(Lock() for _ in range(128))

#: Said by the guard, or by the parser, before any resolver ran.
_DENIED = {"FORBIDDEN", "UNAUTHORIZED", "CHANNEL_NOT_FOUND"}
_UNFIT = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}
#: Said by a resolver that looked for the thing first, and did nothing.
_MISSING = {"ENTITY_NOT_FOUND"}


@dataclass(frozen=True, slots=True)
class Refused:
    """The shop said no: its code and its words."""

    code: str
    message: str


class Admin:
    """Safe to share among threads."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def read(self, document: str, **variables: object) -> Node:
        """The `data` of a query. Raises `HostError`."""
        return self._http.patiently(lambda: self._ask(document, variables))

    def listed(
        self, document: str, root: str, options: Mapping[str, object], *, pages_max: int
    ) -> Iterator[tuple[Node, Node]]:
        """Every item of the list `root` with the whole answer it came in, page by page.

        Raises `HostError`; `HostUnclear` where there are more pages than that, for a part of a list
        must never look like an absence.
        """
        for page in range(pages_max):
            asked = {**options, "take": PAGE, "skip": page * PAGE}
            data = self.read(document, options=asked)
            found = data.get(root)
            items = found.get("items") if isinstance(found, Mapping) else None
            if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
                raise HostUnclear(f"Vendure's answer has no list of {root}")
            yield from ((item, data) for item in items)
            if len(items) < PAGE:
                return
        raise HostUnclear(f"Vendure lists more {root} than can be looked through")

    def write(
        self, document: str, root: str, made: str, **variables: object
    ) -> Node | Refused | NotSent | Unknown:
        """What the mutation `root` answered, if it is a `made`; sent once. Raises nothing."""
        try:
            url, headers = self._url(), self._headers()
        except HostDenied as error:
            return NotSent(str(error))
        asked = {"query": document, "variables": variables}
        sent = self._http.send("POST", url, json=asked, headers=headers)
        if not isinstance(sent, Answer):
            return sent
        try:
            return self._judged(sent, root, made)
        except HostUnclear as error:
            return Unknown(str(error))

    def one_call(self) -> AbstractContextManager[object]:
        """Around several requests that together may take no longer than one."""
        return self._http.attempt()

    @contextmanager
    def alone(self, thing: str) -> Iterator[None]:
        """Nobody else in this process changes `thing` of this shop meanwhile. Raises
        `HostUnavailable` where the time of the call goes by with waiting."""
        with self._http.attempt() as attempt:
            lock = _LOCKS[hash((self._url(), thing)) % len(_LOCKS)]
            if not lock.acquire(timeout=max(0.0, attempt.left())):
                raise HostUnavailable("another payout of this order is being made")
            try:
                yield
            finally:
                lock.release()

    # ---------------------------------------------------------------------------------- innards

    def _ask(self, document: str, variables: Mapping[str, object]) -> Node:
        asked = {"query": document, "variables": dict(variables)}
        headers = self._headers()
        answer = self._http.request("POST", self._url(), json=asked, headers=headers, judge={400})
        body = answer.json()
        for code, message in _errors(body):
            said = self._http.redact(message)
            if code in _DENIED:
                raise HostDenied(f"Vendure says that the API key may not do this: {said}")
            raise HostUnclear(f"Vendure cannot answer: {said}")
        data = body.get("data")
        if answer.status == 400 or not isinstance(data, Mapping):
            raise HostUnclear("Vendure's answer has no data")
        return data

    def _judged(self, sent: Answer, root: str, made: str) -> Node | Refused | NotSent | Unknown:
        body = sent.json()
        for code, message in _errors(body):
            said = self._http.redact(message)
            if code in _DENIED:
                return NotSent(f"Vendure says that the API key may not do this: {said}")
            if code in _UNFIT | _MISSING:
                return Refused(code, said)
            return Unknown(f"Vendure failed in the middle of it: {said}")
        data = body.get("data")
        payload = data.get(root) if isinstance(data, Mapping) else None
        if not isinstance(payload, Mapping):
            return Unknown(f"{sent.asked} was answered with {sent.status} and says nothing")
        if payload.get("__typename") == made:
            return payload
        named, why = payload.get("errorCode"), payload.get("message")
        if not isinstance(named, str) or not isinstance(why, str):
            return Unknown("Vendure answered with something that was not asked for")
        return Refused(named, self._http.redact(why)[:300])

    def _url(self) -> str:
        """Raises `HostDenied`."""
        named = (self._settings.get("address") or "").rstrip("/")
        parts = urlsplit(named)
        if parts.scheme not in ("https", "http") or "." not in (parts.hostname or ""):
            raise HostDenied("this connection has no usable address of a shop; correct it")
        return f"{named}/admin-api"

    def _headers(self) -> dict[str, str]:
        """The key as it is now. Raises `HostDenied`."""
        key, channel = self._settings.get("api_key") or "", self._settings.get("channel") or ""
        if _TOKEN.fullmatch(key) is None:
            raise HostDenied("no usable API key is set: connect the shop")
        if channel and _TOKEN.fullmatch(channel) is None:
            raise HostDenied("the token of the channel is not one; correct it")
        return {"vendure-api-key": key, **({"vendure-token": channel} if channel else {})}


def is_id(text: str | None) -> bool:
    return text is not None and _ID.fullmatch(text) is not None


def _errors(body: Node) -> list[tuple[str, str]]:
    """(code, message) of everything in `errors`. Raises `HostUnclear` for another shape."""
    errors = body.get("errors") or []
    if not isinstance(errors, list) or not all(isinstance(one, Mapping) for one in errors):
        raise HostUnclear("Vendure answered with errors of an unknown form")
    found = []
    for error in errors:
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        found.append((str(code or ""), str(error.get("message", ""))[:300]))
    return found
