"""Freshdesk's API as the rest of this connector calls it: through python-freshdesk, kept on a lead.

The library (1.3.9) has no time limit on any call, tells the wait of a 429 only in a sentence, calls
a 500 by no name, takes only domains of freshdesk.com and reads numbers as floats. So: our session
with its limits, our reading of every answer, and its address set after its own check. What it makes
of custom statuses and sources (a KeyError) is not used: we look at the numbers under them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from freshdesk.v2.api import API

from connectors.http import ANSWER_DEPTH_MAX, Http
from connectors.pacing import retry_after
from connectors.strict import Json, NotJson, read_json
from connectors.wire import GuardedSession, WireError
from core.ports import (
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    Settings,
)

T = TypeVar("T")
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.freshdesk\.com", re.ASCII)
#: Any name passes the library's own check; its address is then replaced.
_STAND_IN = "address-of-our-own.freshdesk.com"


class Refused(HostUnclear):
    """Freshdesk understood and said no (400, 405, 409): nothing was changed."""


class FreshdeskApi:
    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._session = http.session.view()
        self._session.auth = self._sign
        self._session.headers["Content-Type"] = "application/json"

    def address(self) -> str:
        """Without a slash at the end. Raises `HostDenied` where the settings name none."""
        named = (self._settings.get("address") or "").rstrip("/")
        domain = (self._settings.get("domain") or "").lower()
        if not named and _DOMAIN.fullmatch(domain):
            return f"https://{domain}"
        if not named or "." not in (urlsplit(named).hostname or ""):
            raise HostDenied("this connection has no usable Freshdesk domain; correct it")
        return named

    def read(self, ask: Callable[[API], T]) -> T:
        """Ask, patiently. Raises `HostError`."""
        return self._http.patiently(lambda: self._call(ask))

    def write(self, change: Callable[[API], T]) -> T:
        """Change something, sent once. Raises `HostError`; `Refused` where it was not done."""
        with self._http.attempt():
            return self._call(change)

    def seconds_left(self) -> float:
        """How much of the time for one call is left, inside or outside of one."""
        with self._http.attempt() as attempt:
            return max(0.0, attempt.left())

    def one_call(self) -> AbstractContextManager[object]:
        """Around several requests that together may take no longer than one."""
        return self._http.attempt()

    def _call(self, act: Callable[[API], T]) -> T:
        try:
            return act(_Library(self.address(), self._session))
        except WireError as error:
            problem = self._http.unavailable(error)
        except HostError:
            raise
        except (requests.RequestException, LookupError, TypeError, ValueError, AttributeError,
                OverflowError, RecursionError) as error:  # fmt: skip
            # What the library does with an answer of another shape than it expects.
            kind = type(error).__name__
            raise HostUnclear(f"Freshdesk's answer is unreadable ({kind})") from None
        raise problem

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The key as it is now. The password may be anything; Freshdesk's examples say X."""
        key = self._settings.get("api_key")
        if not key:
            raise HostDenied("no API key is set: connect Freshdesk")
        signed: requests.PreparedRequest = requests.auth.HTTPBasicAuth(key, "X")(request)
        return signed


class _Library(API):  # type: ignore[misc]  # the library is not typed
    """python-freshdesk over our session, reading answers as we do."""

    def __init__(self, address: str, session: GuardedSession) -> None:
        super().__init__(_STAND_IN, "")
        self._session: GuardedSession = session
        self._api_prefix = f"{address}/api/v2/"

    def _action(self, req: requests.Response) -> Json:
        """Instead of the library's: its floats, its lost waits and its missing 500."""
        if not 200 <= req.status_code < 300:
            raise refusal(req)
        try:
            return read_json(req.content, size_max=len(req.content), depth_max=ANSWER_DEPTH_MAX)
        except NotJson as problem:
            raise HostUnclear(f"Freshdesk's answer is unreadable: {problem}") from None


def refusal(response: requests.Response) -> HostError:
    status = response.status_code
    said = f"Freshdesk answered with {status}"
    if status in (401, 403):
        return HostDenied(f"{said}: the API key is not valid or its agent lacks a permission")
    if status in (404, 410):
        return HostNotFound("Freshdesk does not have it (any more)")
    if status == 429 or status >= 500:
        wait = retry_after(response.headers.get("Retry-After"))
        return HostUnavailable(f"{said}: try again later", retry_after=wait)
    if status in (400, 405, 409):
        return Refused(f"{said}{_fields(response)}")
    return HostUnclear(f"{said}, which was not expected")


def _fields(response: requests.Response) -> str:
    """Which fields it did not like, without the values it was given."""
    try:
        said = read_json(response.content, size_max=64 * 1024)
    except NotJson:
        return ""
    errors = said.get("errors") if isinstance(said, dict) else None
    named = [
        f"{str(error.get('field'))[:40]} ({str(error.get('code'))[:40]})"
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]
    return f" about {', '.join(named[:5])}" if named else ""
