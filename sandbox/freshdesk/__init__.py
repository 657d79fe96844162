"""Freshdesk: REST v2 and the automation rule that calls a webhook, unsigned, with three retries.

What it keeps from the real one on purpose: tags replace and nothing locks, no write takes an
idempotency key, a webhook carries no signature, id or time of its own, placeholders are raw text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from sandbox.answers import answer_refusals
from sandbox.freshdesk import agent, api_people, api_tickets, apps, auth, provider
from sandbox.freshdesk.state import FreshdeskState
from sandbox.host import HostState, host_app


def create(state: HostState | None = None) -> Flask:
    """The stand-in as an app; `state` is a `FreshdeskState` (a fresh one if None)."""
    if state is None:
        state = FreshdeskState()
    assert isinstance(state, FreshdeskState)
    app = host_app("freshdesk", state)
    answer_refusals(app)
    auth.guard(app, state)
    for make in (
        api_tickets.routes,
        api_people.routes,
        agent.routes,
        apps.routes,
        provider.routes,
    ):
        app.register_blueprint(make(state))
    return app


def seed(state: FreshdeskState, data: Mapping[str, Any]) -> None:
    """Fill a state with a part of the demo world (`sandbox.world.DeskSeed`)."""
    state.seed(data)
