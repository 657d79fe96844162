"""One Stripe account through stripe-python, behind the guarded session.

The library is kept from what only the engine may do: it re-sends nothing, and a request without a
readable answer reaches us as what it is. https://docs.stripe.com/api/errors
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import requests
import stripe

from connectors.http import ANSWER_DEPTH_MAX, Http
from connectors.pacing import retry_after
from connectors.strict import NotJson, read_json
from connectors.wire import NoAnswer, Unreached, WireError
from core.ports import (
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Settings,
    Unknown,
)

#: What stripe-python 16 was generated for; events are rendered in their endpoint's own version.
API_VERSION = "2026-10-28.endive"

# The library writes whole addresses into its log, and with them the e-mail asked about.
logging.getLogger("stripe").setLevel(logging.WARNING)

Node = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """Stripe said no. `code` is its word for why."""

    code: str
    message: str


class _Wait(Exception):
    """429: nothing was done. Also sent where another request holds the object (lock_timeout)."""

    def __init__(self, wait: timedelta | None) -> None:
        super().__init__("Stripe asks us to wait")
        self.wait = wait


class _NoWord(Exception):
    """A status that does not say whether it was done."""


class _Client(stripe.HTTPClient):
    """stripe-python's way out: once, through the guarded session."""

    name = "guarded"

    def __init__(self, http: Http) -> None:
        super().__init__()
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        try:
            answer = self._http.session.request(method, url, headers=headers, data=post_data)
        except WireError:
            raise
        except (requests.RequestException, ValueError):
            # Only building the request can still fail here, before anything goes out.
            raise Unreached("the address of Stripe in the settings is not possible") from None
        if answer.status_code == 429:
            raise _Wait(retry_after(answer.headers.get("retry-after")))
        if not 200 <= answer.status_code < 500 or 300 <= answer.status_code < 400:
            raise _NoWord(f"Stripe answered with {answer.status_code}")
        _check_form(answer.content)
        return answer.content, answer.status_code, answer.headers

    def close(self) -> None:
        """The session belongs to the connection."""


class Account:
    """Safe to share among threads."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def read(self, call: Callable[[stripe.StripeClient], stripe.StripeObject]) -> Node:
        """What a call that changes nothing answers. Raises `HostError`."""

        def once() -> Node:
            try:
                return _plain(call(self._stripe()))
            except WireError as error:
                raise self._http.unavailable(error) from None
            except _Wait as error:
                raise HostUnavailable(str(error), retry_after=error.wait) from None
            except _NoWord as error:
                raise HostUnavailable(f"{error}: try again later") from None
            except stripe.StripeError as error:
                raise self._unread(error) from None

        return self._http.patiently(once)

    def write(
        self, call: Callable[[stripe.StripeClient], stripe.StripeObject]
    ) -> Node | Refused | NotSent | Unknown:
        """The answer to a call that changes something, made once. Raises nothing."""
        try:
            client = self._stripe()
        except HostError as error:  # no key to ask with
            return NotSent(str(error))
        try:
            return _plain(call(client))
        except Unreached as error:
            return self._http.not_sent(error)
        except NoAnswer as error:
            return Unknown(self._http.redact(str(error)))
        except _Wait as error:
            return NotSent(str(error), error.wait)
        except _NoWord as error:
            return Unknown(f"{error}, which does not say whether it was done")
        except HostError as error:
            return Unknown(str(error))
        except stripe.StripeError as error:
            return self._unwritten(error)

    def _stripe(self) -> stripe.StripeClient:
        """Made anew for each call, because the key may have been changed meanwhile."""
        key = self._settings.get("secret_key")
        if not key:
            raise HostDenied("no secret key is set: connect Stripe")
        address = self._settings.get("address")
        return stripe.StripeClient(
            key,
            stripe_account=self._settings.get("account") or None,
            stripe_version=API_VERSION,
            base_addresses={"api": address.rstrip("/")} if address else None,
            max_network_retries=0,
            http_client=_Client(self._http),
        )

    def _unread(self, error: stripe.StripeError) -> HostError:
        status, said = error.http_status, self._said(error)
        if status in (401, 403):
            return HostDenied(f"{said}: our key is not valid or lacks a permission")
        if status == 404:
            return HostNotFound(said)
        return HostUnclear(said)

    def _unwritten(self, error: stripe.StripeError) -> Refused | NotSent | Unknown:
        status, said, told = error.http_status, self._said(error), _error_of(error)
        if status in (401, 403):
            return NotSent(f"{said}: our key is not valid or lacks a permission; reconnect")
        if isinstance(error, stripe.IdempotencyError):
            return Unknown(
                "Stripe knows this key with other values: a payout may stand there already. Look"
                " at the payment's refunds before anything else"
            )
        if status == 409:
            # The library gives such an error no code of its own; either way nothing is known.
            return Unknown("Stripe is still working on this very request: ask again in a minute")
        if told is None or status not in (400, 402, 404):
            return Unknown(said)
        return Refused(str(told.get("code") or told.get("type") or "refused"), said)

    def _said(self, error: stripe.StripeError) -> str:
        told = _error_of(error)
        message = str(told.get("message", "")) if told else ""
        return self._http.redact(f"Stripe says: {message[:300] or error.http_status}")


def _check_form(body: bytes) -> None:
    """The library falls over a list, or over an error that is a text, with whatever exception
    comes first. Raises `HostUnclear`."""
    try:
        found = read_json(body, size_max=len(body), depth_max=ANSWER_DEPTH_MAX)
    except NotJson as problem:
        raise HostUnclear(f"Stripe's answer is unreadable: {problem}") from None
    if not isinstance(found, dict) or not isinstance(found.get("error", {}), dict):
        raise HostUnclear("Stripe's answer is not of the form Stripe's answers have")


def _error_of(error: stripe.StripeError) -> Node | None:
    body = error.json_body
    told = body.get("error") if isinstance(body, Mapping) else None
    return told if isinstance(told, Mapping) else None


def _plain(answer: stripe.StripeObject) -> Node:
    found: Node = answer.to_dict()
    return found
