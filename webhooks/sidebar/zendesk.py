"""Where the Amends app inside Zendesk begins: one signed post, answered with a page and a session.

Only this first load is signed. What follows carries the session's token in a header and no cookie,
which a browser would not send from inside a frame anyhow.
"""

from __future__ import annotations

import logging
import re

from flask import Blueprint, Response, render_template, request

from console.base import page
from console.headers import content_policy
from console.sidebar import shell
from core import session
from core.errors import AmendsError
from core.moment import Moment
from core.ports import Opened, Panel, Unverified
from core.store import Store
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)

CONNECTOR = "zendesk"
_BODY_MAX = 16 * 1024
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def blueprint(store: Store, hosts: Hosts, clock: Clock) -> Blueprint:
    """`POST /zendesk/<connection>/sidebar?origin=...` with the form field `token`.

    200: the page, with a new session. 401: in words, and the same words whatever is wrong.
    """
    # What the browser brings is signed and good once, so it does not matter which page sent it.
    routes = page("zendesk", bearer=True)

    @routes.post("/zendesk/<connection_id>/sidebar")
    def opened(connection_id: str) -> Response:
        request.max_content_length = _BODY_MAX
        signed, claimed = request.form.get("token", ""), request.args.get("origin", "")
        panel = None
        try:
            panel = _panel(hosts, connection_id)
            found = panel.opened(signed, clock.now())
            if claimed != found.origin:
                raise Unverified("the page names another origin than its signature")
            if request.headers.get("Sec-Fetch-Dest", "iframe") != "iframe":
                raise Unverified("the page is in a window of its own")
            token = _begin(store, clock.moment(), connection_id, found)
        except AmendsError as error:
            log.info("a page of %.64r was refused: %s", connection_id, error)
            return _refused(claimed if panel and claimed == panel.origin else None)
        html = shell(host=CONNECTOR, token=token, client_library=found.library)
        return _framed(html, 200, found.origin, found.library)

    @routes.get("/zendesk/<connection_id>/sidebar")
    def alone(connection_id: str) -> Response:
        """Somebody looks at the address itself."""
        return _refused(None)

    return routes


def _panel(hosts: Hosts, connection_id: str) -> Panel:
    """Raises an `AmendsError` where this is no connection to such a helpdesk."""
    if _ID.fullmatch(connection_id) is None:
        raise Unverified("that is no connection")
    host = hosts.get(connection_id)
    if host.connection.connector != CONNECTOR or host.roles.panel is None:
        raise Unverified("that connection has no such app")
    return host.roles.panel


def _begin(store: Store, moment: Moment, connection_id: str, opened: Opened) -> str:
    """The token of a new session. Raises `UsedBefore`."""
    with store.write() as tx:
        session.take_once(tx, opened.proof, opened.until)
        return session.begin(tx, connection_id, opened.agent_id, opened.origin, moment)


def _framed(html: str, status: int, origin: str, *scripts: str) -> Response:
    answer = Response(html, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = content_policy((origin,), scripts)
    return answer


def _refused(origin: str | None) -> Response:
    """The same page for everybody. It shows inside a helpdesk that is one of ours, where an agent
    needs to read it; it has nothing on it that anybody could be made to click."""
    html = render_template("sidebar/refused.html")
    if origin is not None:
        return _framed(html, 401, origin)
    return Response(html, 401, content_type="text/html; charset=utf-8")
