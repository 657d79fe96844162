"""Authlib's authorization server over our rows: the code grant with PKCE, refreshing, revoking.

Codes and refresh tokens are used up the moment they are looked up, in one transaction, so that of
two that come at once only one gets anything.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749 import grants as flows
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Request, request

from core import grant
from core.grant import AppGrant
from core.moment import Moment
from core.people import Person
from core.store import Store
from webhooks.hosts import Hosts
from webhooks.sidebar.oauth.clients import SCOPE, Client, client_of

# It writes tokens into its debug lines.
logging.getLogger("authlib").setLevel(logging.INFO)

_AUTHENTICATES = ["client_secret_basic", "client_secret_post"]


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """One for an application."""

    def __init__(
        self, store: Store, hosts: Hosts, now: Callable[[], datetime], *, private: bool
    ) -> None:
        super().__init__()
        self.store, self.hosts, self.now, self.private = store, hosts, now, private
        self.register_token_generator("default", _tokens)
        self.register_grant(_Codes, [_Pkce(required=False)])
        self.register_grant(_Refreshing)
        self.register_endpoint(_Revoking)

    def query_client(self, client_id: str) -> Client | None:
        return client_of(self.hosts, client_id, private=self.private)

    def save_token(self, token: dict[str, Any], asked: OAuth2Request) -> None:
        found: AppGrant = asked.credential
        with self.store.write() as tx:
            grant.keep(tx, found, token["access_token"], token["refresh_token"], self.now())

    def create_oauth2_request(self, asked: object) -> OAuth2Request:
        return _Asked(request)


class _Asked(FlaskOAuth2Request):  # type: ignore[misc]
    """Behind a proxy that ends TLS a request looks like http, which Authlib refuses; whether the
    public address is https is checked where an app is built for it."""

    def __init__(self, asked: Request) -> None:
        OAuth2Request.__init__(
            self, method=asked.method, uri=f"https://here{asked.path}", headers=asked.headers
        )
        self._request = asked
        self.payload = FlaskOAuth2Payload(asked)


def _tokens(**asked: Any) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "access_token": secrets.token_urlsafe(32),
        "expires_in": int(grant.ACCESS_LASTS.total_seconds()),
        "refresh_token": secrets.token_urlsafe(32),
        "scope": SCOPE,
    }


class _Pkce(CodeChallenge):  # type: ignore[misc]
    """S256 only: a challenge without a method would mean plain."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, flow: Any, redirect_uri: str) -> None:
        data = flow.request.payload.data
        if data.get("code_challenge") and data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The 'code_challenge_method' must be S256")
        super().validate_code_challenge(flow, redirect_uri)


class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code as Authlib wants to see it."""

    code_challenge_method = "S256"

    def __init__(self, of: AppGrant) -> None:
        self.grant, self.code_challenge = of, of.challenge

    def get_redirect_uri(self) -> str:
        return self.grant.redirect_uri

    def get_scope(self) -> str:
        return SCOPE


class _Codes(flows.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _AUTHENTICATES

    def generate_authorization_code(self) -> str:
        """The yes is kept with its code, so both are made at once."""
        server: Server = self.server
        data, person = self.request.payload.data, self.request.user
        with server.store.write() as tx:
            return grant.agree(
                tx,
                person,
                self.request.client.client_id,
                self.redirect_uri,
                data.get("code_challenge"),
                Moment(server.now()),
            )

    def save_authorization_code(self, code: str, asked: OAuth2Request) -> None:
        """It is kept already."""

    def query_authorization_code(self, code: str, client: Client) -> _Code | None:
        server: Server = self.server
        with server.store.write() as tx:
            found = grant.take_code(tx, code, client.client_id, server.now())
        self.request.credential = found
        return _Code(found) if found else None

    def authenticate_user(self, code: _Code) -> str:
        return code.grant.person_id

    def delete_authorization_code(self, code: _Code) -> None:
        """It is used up already."""


class _Refresh:
    """A refresh token as Authlib wants to see it: it was looked up for this client."""

    def check_client(self, client: Client) -> bool:
        return True

    def get_scope(self) -> str:
        return SCOPE


class _Refreshing(flows.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = _AUTHENTICATES
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Refresh | None:
        server: Server = self.server
        client: Client = self.request.client
        with server.store.write() as tx:
            found = grant.take_refresh(tx, refresh_token, client.client_id, server.now())
        self.request.credential = found
        return _Refresh() if found else None

    def authenticate_user(self, token: _Refresh) -> str:
        found: AppGrant = self.request.credential
        return found.person_id

    def revoke_old_credential(self, token: _Refresh) -> None:
        """It is used up already."""


class _Held:
    """A token that is to be revoked, with what it hangs on."""

    def __init__(self, of: AppGrant) -> None:
        self.grant = of

    def check_client(self, client: Client) -> bool:
        return self.grant.connection_id == client.client_id


class _Revoking(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = _AUTHENTICATES

    def query_token(self, token: str, hint: str | None) -> _Held | None:
        server: Server = self.server
        with server.store.read() as reader:
            found = grant.grant_of(reader, token)
        return _Held(found) if found else None

    def revoke_token(self, token: _Held, asked: OAuth2Request) -> None:
        """Whichever token it was: the app has no access as that person any more."""
        server: Server = self.server
        with server.store.write() as tx:
            grant.end(tx, token.grant, server.now())


def may_agree(server: Server, person: Person, client: Client) -> bool:
    """Whether somebody is known in the helpdesk that the app is in."""
    with server.store.read() as reader:
        return bool(grant.accounts_of(reader, person, client.connection_id))
