"""Who is calling, and the limits every call counts against, refused ones included."""

from __future__ import annotations

import re
from collections import deque

from flask import Flask, Response, g, request

from sandbox.answers import Refused
from sandbox.freshdesk.state import FreshdeskState


def guard(app: Flask, state: FreshdeskState) -> None:
    @app.before_request
    def check() -> None:
        if request.path.startswith("/api/v2/"):
            with state.lock:
                _count(state)
                g.actor = _authenticate(state)

    @app.after_request
    def headers(response: Response) -> Response:
        if request.path.startswith("/api/v2/"):
            total = state.limits.total
            left = max(0, total - len(state.hits.get("total", ())))
            response.headers["X-RateLimit-Total"] = str(total)
            response.headers["X-RateLimit-Remaining"] = str(left)
            response.headers["X-RateLimit-Used-CurrentRequest"] = "1"
        return response


def _authenticate(state: FreshdeskState) -> int:
    """The agent whose key it is. The password is any text; the host's own examples send X."""
    given = request.authorization
    if given is None or given.type != "basic" or given.username not in state.keys:
        text = "You have to be logged in to perform this action."
        raise Refused(401, {"code": "invalid_credentials", "message": text})
    return state.keys[str(given.username)]


def _count(state: FreshdeskState) -> None:
    _hit(state, "total", state.limits.total)
    if request.method == "PUT" and re.match(r"/api/v2/tickets/\d+$", request.path):
        _hit(state, "updates", state.limits.updates)


def _hit(state: FreshdeskState, name: str, limit: int) -> None:
    now = state.clock.epoch()
    recent = state.hits.setdefault(name, deque())
    while recent and recent[0] <= now - 60:
        recent.popleft()
    if len(recent) >= limit:
        wait = max(1, int(recent[0] + 60 - now) + 1)
        text = "You have exceeded the limit of requests per minute"
        raise Refused(429, {"message": text}, {"Retry-After": str(wait)})
    recent.append(now)
