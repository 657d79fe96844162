"""The pages of the provider: the question an agent answers, and what the app asks behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.base import page
from console.headers import content_policy
from console.signin import of_app
from core.store import Store
from webhooks.hosts import Hosts
from webhooks.sidebar.oauth.clients import Client
from webhooks.sidebar.oauth.server import Server, may_agree

log = logging.getLogger(__name__)

_BODY_MAX = 16 * 1024


def blueprint(
    store: Store, hosts: Hosts, now: Callable[[], datetime], *, private: bool
) -> Blueprint:
    """`/oauth/authorize` for agents; `/oauth/token` and `/oauth/revoke` for the app's servers."""
    server = Server(store, hosts, now, private=private)
    routes = page("oauth")

    @routes.before_request
    def bounded() -> None:
        request.max_content_length = _BODY_MAX

    @routes.get("/oauth/authorize")
    def question() -> ResponseReturnValue:
        """Looking agrees to nothing."""
        client = _asking(server)
        if client is None:
            return _page("unknown"), 400
        person = of_app().person()
        if person is None:
            return redirect(url_for("signin.ask", next=request.full_path), 303)
        try:
            flow = server.get_consent_grant(end_user=person)
        except (OAuth2Error, ValueError) as error:
            return _wrong(server, error)
        if not may_agree(server, person, client):
            return _page("not_linked", person=person, client=client), 403
        return _question(client, flow.redirect_uri)

    @routes.post("/oauth/authorize")
    def answer() -> ResponseReturnValue:
        of_app().check_form()
        client, person = _asking(server), of_app().person()
        if client is None or person is None:
            return _page("unknown"), 400
        if not may_agree(server, person, client):
            return _page("not_linked", person=person, client=client), 403
        yes = request.form.get("answer") == "yes"
        try:
            flow = server.get_consent_grant(end_user=person)
            made: Response = server.create_authorization_response(
                grant=flow, grant_user=person if yes else None
            )
        except (OAuth2Error, ValueError) as error:
            return _wrong(server, error)
        made.status_code = 303
        return made

    _for_servers(routes, server)
    return routes


def _for_servers(routes: Blueprint, server: Server) -> None:
    """What an app's servers ask; they authenticate as the app, and no browser comes here."""

    @routes.post("/oauth/token")
    def token() -> ResponseReturnValue:
        try:
            made: Response = server.create_token_response()
        except ValueError:  # Authlib cannot quote what it was sent
            return _malformed()
        return made

    @routes.post("/oauth/revoke")
    def revoke() -> ResponseReturnValue:
        try:
            made: Response = server.create_endpoint_response("revocation")
        except ValueError:
            return _malformed()
        return made


def _malformed() -> ResponseReturnValue:
    return {"error": "invalid_request"}, 400


def _asking(server: Server) -> Client | None:
    """The app that asks, where it and its address are known; otherwise nobody may be sent back."""
    values = {name: request.values.getlist(name) for name in ("client_id", "redirect_uri")}
    if any(len(given) != 1 for given in values.values()):
        return None
    client = server.query_client(values["client_id"][0])
    if client is None or not client.check_redirect_uri(values["redirect_uri"][0]):
        return None
    return client


def _question(client: Client, leads_to: str) -> Response:
    answer = Response(_page("question", client=client), content_type="text/html; charset=utf-8")
    place = urlsplit(leads_to)
    policy = content_policy(forms=(f"{place.scheme}://{place.netloc}",))
    answer.headers["Content-Security-Policy"] = policy
    # The helpdesk opened this window, and its own page, to which this one leads, must know it.
    answer.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return answer


def _wrong(server: Server, error: OAuth2Error | ValueError) -> ResponseReturnValue:
    """What the app asked for cannot be: it is told, where Authlib may send the browser back."""
    log.info("an app's question was refused: %s", type(error).__name__)
    if isinstance(error, ValueError) or not error.redirect_uri:
        return _page("unknown"), 400
    made: Response = server.handle_error_response(None, error)
    return made


def _page(state: str, **values: object) -> str:
    return render_template("signin/access.html", state=state, **values)
