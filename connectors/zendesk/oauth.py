"""Who we are at Zendesk: a bearer token that is renewed in time, or the old API token.

Access tokens live 30 minutes and each renewal ends both tokens of the pair, so one at a time may
renew (`Settings.renew`), and whoever comes second finds the new pair already there.
https://developer.zendesk.com/documentation/api-basics/authentication/refresh-token/
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

import requests

from connectors.http import Answer, Http, answered
from core.ports import HostDenied, HostUnclear, Settings

EARLY_SECONDS = 60
RECONNECT = "Zendesk no longer accepts our access: connect it again"
_NO_CODE = (
    "Zendesk does not take back the code it sent: it is good once, for two minutes, and for the "
    "OAuth client whose identifier, secret and redirect address are filled in here; agree again"
)


class Signer:
    """Signs each request with the token that is valid now, and only requests to our helpdesk: a
    `next_page` that points elsewhere gets nothing."""

    def __init__(
        self,
        settings: Settings,
        http: Http,
        address: Callable[[], str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._http = http
        self._address = address
        self._now = now
        self._used = threading.local()

    def __repr__(self) -> str:
        return "<signer>"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if _origin(request.url or "") != _origin(self._address()):
            raise HostUnclear("Zendesk's answer leads to another host, which is not followed")
        request.headers["Authorization"] = self._authorization()
        return request

    def _authorization(self) -> str:
        token = self._settings.get("access_token")
        if token:
            if self._ends_soon(self._settings.get("access_expires_at")):
                self._renew(token)
                token = self._settings["access_token"]
            self._used.token = token
            return f"Bearer {token}"
        email, key = self._settings.get("email"), self._settings.get("api_token")
        if not email or not key:
            raise HostDenied("this connection has neither an access token nor an API token")
        return "Basic " + base64.b64encode(f"{email}/token:{key}".encode()).decode()

    def _ends_soon(self, at: str | None) -> bool:
        return bool(at and at.isdigit() and int(at) - EARLY_SECONDS < self._now())

    def renew_refused(self) -> bool:
        """After a 401: whether there is another token now, so that asking again makes sense.

        Raises `HostDenied` if the refresh token is not accepted either.
        """
        token = getattr(self._used, "token", None)
        if token is None or not self._settings.get("refresh_token"):
            return False
        self._renew(token)
        current = self._settings.get("access_token")
        return current is not None and current != str(token)

    def _renew(self, spent: str) -> None:
        def using(stored: Mapping[str, str]) -> Mapping[str, str]:
            if stored.get("access_token") != spent:
                return {}  # somebody else was first
            return self._exchange(
                {"grant_type": "refresh_token", "refresh_token": stored.get("refresh_token", "")},
                stored,
            )

        self._settings.renew(using)

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> None:
        """Trade the code of an authorization for tokens, and store them. Raises `HostError`."""
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "scope": "read write",
        }
        self._settings.renew(lambda stored: self._exchange(asked, stored, _NO_CODE))

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Where an admin agrees; `challenge` is the S256 of the verifier given to `redeem`."""
        asked = {
            "response_type": "code",
            "client_id": self._settings["client_id"],
            "redirect_uri": redirect_uri,
            "scope": "read write",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._address()}/oauth/authorizations/new?{urlencode(asked)}"

    def _exchange(
        self, asked: Mapping[str, str], stored: Mapping[str, str], refused: str = RECONNECT
    ) -> Mapping[str, str]:
        client = {name: stored.get(name, "") for name in ("client_id", "client_secret")}
        answer = answered(
            self._http.send(
                "POST",
                f"{self._address()}/oauth/tokens",
                json={**asked, **{name: value for name, value in client.items() if value}},
                auth=_unsigned,
            )
        )
        if answer.status in (400, 401, 403):
            raise HostDenied(f"{refused} ({_error(answer)})")
        body = answer.checked().json()
        access, refresh = body.get("access_token"), body.get("refresh_token")
        life = body.get("expires_in")
        if not isinstance(access, str) or not access:
            raise HostUnclear("Zendesk's answer to a token request has no access token")
        expires = str(int(self._now()) + life) if type(life) is int and life > 0 else ""
        kept = refresh if isinstance(refresh, str) and refresh else ""
        return {"access_token": access, "refresh_token": kept, "access_expires_at": expires}


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _error(answer: Answer) -> str:
    word = answer.json().get("error")
    return word if isinstance(word, str) and word.isidentifier() and len(word) < 40 else "refused"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
