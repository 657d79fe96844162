"""Zendesk's API as the rest of this connector calls it: reads through zenpy, writes sent once.

zenpy 2.0.57 is never left alone with the wire. Its own session would send a PUT four times on a
timeout or a 503 (three more notes), a second look at a ticket within 30 seconds would come from its
cache, and a 429 would put the thread to sleep in it (or end in a ValueError where `Retry-After` is
a date). So: our session, one client per call (its cache, which is what makes a sideloaded requester
reach us, dies with the call), and every 429 leaves as `HostUnavailable` before zenpy sees it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from zenpy import Zenpy
from zenpy.lib.exception import APIException, ZenpyException

from connectors.http import Answer, Http, answered
from connectors.pacing import retry_after
from connectors.strict import Json
from connectors.wire import WireError
from connectors.zendesk.oauth import RECONNECT, Signer
from core.ports import (
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    Settings,
)

# zenpy writes whole bodies, the customers' words in them, into its debug lines.
logging.getLogger("zenpy").setLevel(logging.WARNING)

T = TypeVar("T")
_SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


class ZendeskApi:
    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self.signer = Signer(settings, http, self.address)
        http.session.auth = self.signer
        self._session = http.session.view()
        self._session.hooks["response"].append(_never_wait)

    def address(self) -> str:
        """Without a slash at the end. Raises `HostDenied` where the settings name none."""
        named = (self._settings.get("address") or "").rstrip("/")
        subdomain = self._settings.get("subdomain") or ""
        if not named and _SUBDOMAIN.fullmatch(subdomain):
            return f"https://{subdomain}.zendesk.com"
        if not named or "." not in (urlsplit(named).hostname or ""):
            raise HostDenied("this connection has no usable subdomain or address; correct it")
        return named

    def one_call(self) -> AbstractContextManager[object]:
        """Around several requests that together may take no longer than one."""
        return self._http.attempt()

    def read(self, ask: Callable[[Zenpy], T]) -> T:
        """Ask through zenpy, patiently. Raises `HostError`.

        `ask` must use up what it wants: zenpy fetches pages and people only when looked at.
        """
        renewed = False

        def once() -> T:
            nonlocal renewed
            try:
                return self._translated(ask)
            except HostDenied:
                if renewed or not self.signer.renew_refused():
                    raise
                renewed = True
            raise HostUnavailable("the access token had ended early and was renewed")

        return self._http.patiently(once)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Json]:
        """Ask for what zenpy does not cover or would blur. Raises `HostError`."""
        return self._answer(path, params).json()

    def text(self, path: str) -> str:
        """Ask for what is no JSON. Raises `HostError`."""
        return self._answer(path).body.decode("utf-8", "replace")

    def _answer(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        url = f"{self.address()}/api/v2/{path}"
        try:
            return self._http.request("GET", url, params=params)
        except HostDenied:
            if not self.signer.renew_refused():
                raise
        return self._http.request("GET", url, params=params)

    def write(self, method: str, path: str, body: object = None) -> Answer:
        """Change something, sent once; the answer is a yes, or 409 or 422. Raises `HostError`."""
        answer = answered(self._http.send(method, f"{self.address()}/api/v2/{path}", json=body))
        if answer.status == 401 and self.signer.renew_refused():
            raise HostUnavailable("nothing was written: the access token was renewed first")
        return answer if answer.status in (409, 422) else answer.checked()

    def _translated(self, ask: Callable[[Zenpy], T]) -> T:
        """zenpy's errors as ours. Their texts hold addresses and bodies, so none is passed on."""
        problem: HostError
        try:
            return ask(self._zenpy())
        except (APIException, requests.HTTPError) as error:
            unread = HostUnclear("Zendesk's answer is unreadable")
            problem = unread if error.response is None else _refusal(error.response)
        except WireError as error:
            problem = self._http.unavailable(error)
        except (ZenpyException, requests.RequestException, LookupError, TypeError, ValueError,
                AttributeError, RecursionError) as error:  # fmt: skip
            problem = HostUnclear(f"Zendesk's answer is unreadable ({type(error).__name__})")
        raise problem

    def _zenpy(self) -> Zenpy:
        parts = urlsplit(self.address())
        subdomain, _, domain = parts.netloc.partition(".")
        client = Zenpy(subdomain=subdomain, domain=domain, session=self._session)
        for api in vars(client).values():
            if hasattr(api, "protocol"):
                api.protocol = parts.scheme
        return client


def _refusal(response: requests.Response) -> HostError:
    status = response.status_code
    if status in (401, 403):
        return HostDenied(f"{RECONNECT}, or give it the permissions it lacks ({status})")
    if status in (404, 410):
        return HostNotFound("Zendesk does not have it (any more)")
    if status >= 500:
        wait = retry_after(response.headers.get("Retry-After"))
        return HostUnavailable(f"Zendesk answered with {status}", retry_after=wait)
    return HostUnclear(f"Zendesk answered with {status}, which was not expected")


def _never_wait(response: requests.Response, **_: Any) -> None:
    if response.status_code == 429:
        wait = retry_after(response.headers.get("Retry-After"))
        raise HostUnavailable("Zendesk asks us to wait (429)", retry_after=wait)
