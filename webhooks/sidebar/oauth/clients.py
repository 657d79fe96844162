"""The apps that may ask for access: one for every connection to a helpdesk that has such an app.

Nothing about them is stored apart: the client's id is the connection's, its secret one of the
connection's sealed settings, its address Freshworks' own.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from authlib.oauth2.rfc6749 import ClientMixin

from core.errors import AmendsError
from webhooks.hosts import Hosts

#: The helpdesk whose app asks by OAuth, and the setting that is the client's secret.
CONNECTOR, SECRET = "freshdesk", "app_secret"
#: Where Freshworks takes the code, for every app: contracts of its developer platform,
#: https://developers.freshworks.com/docs/app-sdk/v3.0/support_ticket/advanced-interfaces/request-method/oauth
CALLBACK = "https://oauth.freshdev.io/auth/callback"
#: The same where an app runs on a developer's own machine.
LOCAL_CALLBACK = "http://localhost:10001/auth/callback"
SCOPE = "sidebar"
_ID = re.compile(r"conn_[0-9a-f-]{36}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """Authlib asks it what it may."""

    connection_id: str
    title: str
    secret: str = field(repr=False)
    callbacks: tuple[str, ...]

    def get_client_id(self) -> str:
        return self.connection_id

    @property
    def client_id(self) -> str:
        return self.connection_id

    def get_default_redirect_uri(self) -> None:
        """There is none: an address that was not said cannot be compared."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.callbacks

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return SCOPE if scope in (None, "", SCOPE) else None

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(client_secret.encode(), self.secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


def client_of(hosts: Hosts, client_id: str, *, private: bool) -> Client | None:
    """None: there is no such app, or it is not connected. `private`: hosts on this machine may be
    asked for, so an app that runs here may be given access."""
    if _ID.fullmatch(client_id) is None:
        return None
    try:
        host = hosts.get(client_id)
    except AmendsError:
        return None
    secret = host.settings.get(SECRET) if host.connection.connector == CONNECTOR else None
    if not secret:
        return None
    callbacks = [CALLBACK]
    if private:
        callbacks.append(LOCAL_CALLBACK)
        address = host.settings.get("address")
        if address:
            callbacks.append(f"{address.rstrip('/')}/auth/callback")
    return Client(client_id, host.connection.title, secret, tuple(callbacks))
