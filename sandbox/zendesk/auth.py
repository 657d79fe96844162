"""Who is calling: OAuth tokens, their rotation, and the rate limits every call counts against."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import secrets
from collections import deque
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from sandbox.answers import Refused
from sandbox.zendesk.state import (
    API_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    INTEGRATION_USER,
    Token,
    ZendeskState,
)

_CODE_LIFE_S = 120
_ACCESS_S = (300, 172800, 1800)  # least, most, default
_REFRESH_S = (604800, 7776000, 2592000)


def guard(app: Flask, state: ZendeskState) -> None:
    """Ask for a token, then count, in front of every `/api/v2/` call."""

    @app.before_request
    def check() -> None:
        if request.path.startswith("/api/v2/"):
            with state.lock:
                g.actor = _authenticate(state)
                _count(state)

    @app.after_request
    def headers(response: Response) -> Response:
        if request.path.startswith("/api/v2/"):
            limit = state.limits.account
            hits = state.hits.get("account") or (state.clock.epoch(),)
            left = max(0, limit - len(hits))
            resets = max(0, math.ceil(hits[0] + state.limits.window_s - state.clock.epoch()))
            for name, value in (
                ("X-Rate-Limit", limit),
                ("X-Rate-Limit-Remaining", left),
                ("ratelimit-limit", limit),
                ("ratelimit-remaining", left),
                ("ratelimit-reset", resets),
            ):
                response.headers[name] = str(value)
        return response


def _authenticate(state: ZendeskState) -> int:
    """The calling user's id. 401 in the two shapes the host has, 403 for a missing scope."""
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    basic = request.authorization if kind.lower() == "basic" else None
    by_token = basic is not None and (basic.username or "").endswith("/token")
    if basic is not None and by_token and basic.password == API_TOKEN:
        return INTEGRATION_USER
    if kind.lower() != "bearer":
        raise Refused(401, {"error": "Couldn't authenticate you"})
    now = state.clock.epoch()
    for token in state.tokens:
        if token.access == credential and (token.expires is None or now < token.expires):
            _check_scope(token)
            return token.user_id
    text = "The access token provided is expired, revoked, malformed or invalid for other reasons."
    raise Refused(401, {"error": "invalid_token", "error_description": text})


def _check_scope(token: Token) -> None:
    verb = "read" if request.method in ("GET", "HEAD") else "write"
    resource = request.path.split("/")[3]
    if not {verb, f"{resource}:{verb}"} & set(token.scope.split()):
        message = "You do not have access to this page. Please contact the account owner."
        raise Refused(403, {"error": {"title": "Forbidden", "message": message}})


def _count(state: ZendeskState) -> None:
    limits = state.limits
    _hit(state, "account", limits.account, limits.window_s)
    if request.path.startswith("/api/v2/incremental/"):
        _hit(state, "incremental", limits.incremental, 60)
    if request.method != "GET":
        found = re.match(r"/api/v2/tickets/(\d+)", request.path)
        if found:
            _hit(state, "updates", limits.updates, 60)
            _hit(state, f"{g.actor}/{found[1]}", limits.updates_per_ticket_10min, 600)


def _hit(state: ZendeskState, name: str, limit: int, window_s: float) -> None:
    """Count a call in a sliding window; 429 with the seconds until there is room again."""
    now = state.clock.epoch()
    recent = state.hits.setdefault(name, deque())
    while recent and recent[0] <= now - window_s:
        recent.popleft()
    if len(recent) >= limit:
        wait = max(1, int(recent[0] + window_s - now) + 1)
        text = "Number of allowed API requests per minute exceeded"
        body = {"error": "APIRateLimitExceeded", "description": text}
        raise Refused(429, body, {"Retry-After": str(wait)})
    recent.append(now)


def routes(state: ZendeskState) -> Blueprint:
    api = Blueprint("oauth", __name__)

    @api.get("/oauth/authorizations/new")
    @state.locked
    def authorize() -> BaseResponse:
        """An admin who always agrees: straight back with a code."""
        asked = request.args
        if asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code":
            raise Refused(400, {"error": "invalid_request"})
        code = secrets.token_urlsafe(24)
        state.codes[code] = {
            "redirect_uri": asked.get("redirect_uri", ""),
            "scope": asked.get("scope", "read write"),
            "challenge": asked.get("code_challenge"),
            "expires": state.clock.epoch() + _CODE_LIFE_S,
        }
        back = f"{asked.get('redirect_uri', '')}?code={code}&state={asked.get('state', '')}"
        return redirect(back)

    @api.post("/oauth/tokens")
    @state.locked
    def tokens() -> Response:
        asked: dict[str, Any] = request.get_json(silent=True) or request.form.to_dict()
        grant = asked.get("grant_type")
        if asked.get("client_id") != CLIENT_ID:
            raise _refuse(401, "invalid_client", "Client authentication failed.")
        if grant == "authorization_code":
            return jsonify(_issue(state, _redeem(state, asked), asked))
        _check_secret(asked)
        if grant == "refresh_token":
            return jsonify(_issue(state, _rotate(state, asked), asked))
        if grant == "client_credentials":
            made = _issue(state, asked.get("scope", "read write"), asked)
            state.tokens[-1].refresh = None
            return jsonify({k: v for k, v in made.items() if not k.startswith("refresh")})
        raise _refuse(400, "unsupported_grant_type", "The grant type is not supported.")

    return api


def _refuse(status: int, error: str, text: str) -> Refused:
    return Refused(status, {"error": error, "error_description": text})


def _check_secret(asked: dict[str, Any]) -> None:
    if asked.get("client_secret") != CLIENT_SECRET:
        raise _refuse(401, "invalid_client", "Client authentication failed.")


def _redeem(state: ZendeskState, asked: dict[str, Any]) -> str:
    """Trade a code for its scope. Once, in time, for the same address, with the proof."""
    refusal = _refuse(400, "invalid_grant", "The authorization grant is invalid or expired.")
    code = state.codes.pop(str(asked.get("code")), None)
    if code is None or code["expires"] < state.clock.epoch():
        raise refusal
    if asked.get("redirect_uri", "") != code["redirect_uri"]:
        raise refusal
    if code["challenge"]:
        proof = hashlib.sha256(str(asked.get("code_verifier", "")).encode()).digest()
        if base64.urlsafe_b64encode(proof).decode().rstrip("=") != code["challenge"]:
            raise refusal
    else:
        _check_secret(asked)
    return str(code["scope"])


def _rotate(state: ZendeskState, asked: dict[str, Any]) -> str:
    """Spend a refresh token: it and its access token are dead from here on."""
    for token in state.tokens:
        if token.refresh is not None and token.refresh == asked.get("refresh_token"):
            state.tokens.remove(token)
            if token.refresh_expires is None or state.clock.epoch() < token.refresh_expires:
                return token.scope
    raise _refuse(400, "invalid_grant", "The refresh token is invalid, expired or revoked.")


def _issue(state: ZendeskState, scope: str, asked: dict[str, Any]) -> dict[str, Any]:
    def life(name: str, least: int, most: int, default: int) -> int:
        seconds = int(asked.get(name, default))
        if not least <= seconds <= most:
            raise _refuse(400, "invalid_request", f"{name} is out of range.")
        return seconds

    access_s = life("expires_in", *_ACCESS_S)
    refresh_s = life("refresh_token_expires_in", *_REFRESH_S)
    now = state.clock.epoch()
    token = Token(
        access=secrets.token_hex(32),
        refresh=secrets.token_hex(32),
        user_id=INTEGRATION_USER,
        scope=scope,
        expires=now + access_s,
        refresh_expires=now + refresh_s,
    )
    state.tokens.append(token)
    return {
        "access_token": token.access,
        "refresh_token": token.refresh,
        "token_type": "bearer",
        "scope": scope,
        "expires_in": access_s,
        "refresh_token_expires_in": refresh_s,
    }
