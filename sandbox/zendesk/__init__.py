"""Zendesk Support: tickets, tags, webhooks and OAuth as the REST API and its webhooks behave.

What it keeps from the real one on purpose: a comment is public unless said otherwise, `tags`
replaces, concurrent tag updates lose tags without `safe_update`, the search index lags, a trigger
fires again on every later update of a solved ticket, webhooks are retried only for 409, for 429 and
503 with a short Retry-After, and for timeouts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask

from sandbox.answers import answer_refusals
from sandbox.host import HostState, host_app
from sandbox.zendesk import agent, api_more, api_tickets, api_webhooks, apps, auth
from sandbox.zendesk.state import ZendeskState

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create(state: HostState | None = None) -> Flask:
    """The stand-in as an app; `state` is a `ZendeskState` (a fresh one if None)."""
    if state is None:
        state = ZendeskState()
    assert isinstance(state, ZendeskState)
    app = host_app("zendesk", state)
    answer_refusals(app)
    auth.guard(app, state)
    for make in (auth.routes, api_tickets.routes, api_more.routes, api_webhooks.routes):
        app.register_blueprint(make(state))
    app.register_blueprint(agent.routes(state))
    app.register_blueprint(apps.routes(state))
    app.wsgi_app = _WithoutSuffix(app.wsgi_app)  # type: ignore[method-assign]
    return app


def seed(state: ZendeskState, data: Mapping[str, Any]) -> None:
    """Fill a state with a part of the demo world (`sandbox.world.HelpdeskSeed`)."""
    state.seed(data)


class _WithoutSuffix:
    """`/api/v2/tickets/1.json` and `/api/v2/tickets/1` are one address."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/api/v2/"):
            environ["PATH_INFO"] = path.removesuffix(".json")
        return self._app(environ, start_response)
