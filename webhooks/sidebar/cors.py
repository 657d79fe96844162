"""Who may ask for the sidebar's pages from another address: the apps' own pages, by exact name.

A helpdesk that serves our app from its own address makes every request of the panel a request to
another site. A browser asks beforehand (without the session's token), and shows the page the answer
only where it is told to. No cookie travels either way.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from core.connection import Connection
from core.errors import AmendsError
from core.session import Session
from core.store import Store

PATHS = "/sidebar/"
#: The setting of a connection that holds them.
SETTING = "app_origins"
_LASTS_S = 600
_ASKED = (
    "Authorization, HX-Boosted, HX-Current-URL, HX-History-Restore-Request, HX-Prompt, "
    "HX-Request, HX-Target, HX-Trigger, HX-Trigger-Name"
)
_ANSWERED = (
    "HX-Location, HX-Push, HX-Push-Url, HX-Redirect, HX-Refresh, HX-Replace-Url, HX-Reselect, "
    "HX-Reswap, HX-Retarget, HX-Trigger, HX-Trigger-After-Settle, HX-Trigger-After-Swap, "
    "Retry-After"
)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII)


class BadOrigin(AmendsError):
    """This is no address that a page can be served from."""


def install(app: Flask, store: Store) -> None:
    """Answer what browsers ask beforehand, and mark the panel's own answers."""

    @app.before_request
    def beforehand() -> Response | None:
        asks = "Access-Control-Request-Method" in request.headers
        if request.method != "OPTIONS" or not asks or not request.path.startswith(PATHS):
            return None
        answer = Response(status=204)
        if _allowed(store):
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
            answer.headers["Access-Control-Allow-Headers"] = _ASKED
            answer.headers["Access-Control-Max-Age"] = str(_LASTS_S)
        return answer

    @app.after_request
    def mark(response: Response) -> Response:
        if not request.path.startswith(PATHS):
            return response
        response.vary.add("Origin")
        if _allowed(store) and _own(g.get("session")):
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = _ANSWERED
        return response


def _allowed(store: Store) -> bool:
    """Whether the page that asks is of an app of one of our helpdesks."""
    origin = request.headers.get("Origin")
    if not origin or origin == "null":
        return False
    with store.read() as reader:
        rows = reader.find(Connection, state="on")
    return any(origin in origins_of(row) for row in rows)


def _own(session: Session | None) -> bool:
    """Whether the page that asks is the one its session was begun for; where nobody came in, it
    may read that."""
    return session is None or session.origin == request.headers["Origin"]


def origins_of(connection: Connection) -> Collection[str]:
    """Where the helpdesk serves our app from."""
    settings = cast("dict[str, str]", connection.settings)
    return [part for part in settings.get(SETTING, "").split(",") if part]


def read_origin(text: str, *, private: bool) -> str:
    """An origin as browsers write it: https and a name; `private` allows this machine, too. Raises
    `BadOrigin`."""
    wrong = BadOrigin(
        f"{text!r:.100} is no origin; it looks like https://example.cloudfront.net, with nothing "
        "behind the name"
    )
    try:
        found = urlsplit(text)
        host, port = found.hostname or "", found.port
    except ValueError:
        raise wrong from None
    if text != f"{found.scheme}://{host}{f':{port}' if port is not None else ''}":
        raise wrong
    if private and found.scheme in ("http", "https") and _is_here(host):
        return text
    if found.scheme != "https" or _HOST.fullmatch(host) is None or port == 443:
        raise wrong
    return text


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
