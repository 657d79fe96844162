"""What Freshworks' servers do for an app: its request templates, and the access agents give it.

`POST /a/apps/<id>/invoke` (an agent's key; JSON `template`, `context`, `body`) fills a template in
and calls; `/a/apps/<id>/authorize` sends an agent to the app's provider, `/auth/callback` takes the
answer. Real templates go to https only; here, where everything is on one machine, also to http.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as Redirect

from sandbox.answers import Refused
from sandbox.freshdesk.apps import config_of, find_app
from sandbox.freshdesk.state import App, FreshdeskState

_WITHIN_S = 15
_VARIABLE = re.compile(r"<%=\s*([\w.]+)\s*%>")
_LOOPBACK = ("localhost", "127.0.0.1")


def routes(state: FreshdeskState) -> Blueprint:
    api = Blueprint("provider", __name__)

    @api.post("/a/apps/<int:app_id>/invoke")
    def invoke(app_id: int) -> Response:
        app = find_app(state, app_id)
        agent_id = _who(state)
        asked = request.get_json(silent=True) or {}
        template = config_of(app, "requests").get(str(asked.get("template")))
        if template is None or str(asked["template"]) not in _declared(app):
            return jsonify(status=400, response="Template not found")
        if not _may_call(state, app):
            return jsonify(status=429, response="You have exceeded the limit of requests")
        return jsonify(_invoked(app, agent_id, template, asked))

    @api.get("/a/apps/<int:app_id>/authorize")
    def authorize(app_id: int) -> Redirect:
        """An agent gives the app access: off to its provider."""
        app = find_app(state, app_id)
        told = _integration(app)
        mark = secrets.token_urlsafe(24)
        agent_id, ticket = request.args.get("as", 0, int), request.args.get("ticket", 0, int)
        with state.lock:
            state.asked[mark] = (app.id, agent_id, ticket)
        question = {
            "response_type": "code",
            "client_id": told["client_id"],
            "redirect_uri": _callback(),
            "state": mark,
            **told.get("options", {}),
        }
        return redirect(f"{told['authorize_url']}?{urlencode(question)}", 303)

    @api.get("/auth/callback")
    def callback() -> Redirect | tuple[str, int]:
        with state.lock:
            asked = state.asked.pop(request.args.get("state", ""), None)
        if asked is None:
            return "Nobody waits for this answer.", 400
        app_id, agent_id, ticket = asked
        app = find_app(state, app_id)
        code = request.args.get("code")
        if code:
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _callback()}
            _get_tokens(app, agent_id, form)
        return redirect(f"/a/tickets/{ticket}?as={agent_id}", 303)

    return api


def _callback() -> str:
    return f"{request.host_url.rstrip('/')}/auth/callback"


def _who(state: FreshdeskState) -> int:
    given = request.authorization
    key = given.username if given is not None and given.type == "basic" else None
    if key not in state.keys:
        raise Refused(401, {"code": "invalid_credentials"})
    return state.keys[str(key)]


def _declared(app: App) -> Mapping[str, Any]:
    manifest = json.loads(app.files["manifest.json"])
    found: Mapping[str, Any] = manifest["modules"].get("common", {}).get("requests", {})
    return found


def _may_call(state: FreshdeskState, app: App) -> bool:
    """So many calls a minute of an app in an account, whoever looks at it."""
    with state.lock:
        now = state.clock.epoch()
        while app.calls and app.calls[0] <= now - 60:
            app.calls.popleft()
        if len(app.calls) >= state.limits.templates:
            return False
        app.calls.append(now)
        return True


def _invoked(
    app: App, agent_id: int, template: dict[str, Any], asked: dict[str, Any]
) -> dict[str, Any]:
    """With OAuth, an access that has ended is refreshed, and the call made once more."""
    if "oauth" not in template.get("options", {}):
        return _called(app, None, template, asked)
    tokens = app.access.get(agent_id)
    if tokens is None:
        return {"status": 401, "response": "The app is not authorized"}
    made = _called(app, tokens["access_token"], template, asked)
    if made["status"] != 401:
        return made
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    if not _get_tokens(app, agent_id, form):
        del app.access[agent_id]
        return made
    return _called(app, app.access[agent_id]["access_token"], template, asked)


def _called(
    app: App, access: str | None, template: dict[str, Any], asked: dict[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any] = {f"iparam.{name}": value for name, value in app.iparams.items()}
    context = asked.get("context") or {}
    values |= {f"context.{name}": value for name, value in context.items()}
    if access is not None:
        values["access_token"] = access
    schema = json.loads(_filled(json.dumps(template["schema"]), values))
    protocol = schema.get("protocol", "https")
    host = schema["host"]
    if protocol != "https" and urlsplit(f"//{host}").hostname not in _LOOPBACK:
        return {"status": 400, "response": "Only https is supported"}
    try:
        answer = requests.request(
            schema["method"],
            f"{protocol}://{host}{schema['path']}",
            params=schema.get("query"),
            headers=schema.get("headers"),
            data=str(asked.get("body") or "").encode(),
            timeout=_WITHIN_S,
            allow_redirects=False,
        )
    except requests.RequestException:
        return {"status": 504, "response": "Error in establishing a connection"}
    return {
        "status": answer.status_code,
        "headers": dict(answer.headers),
        "response": answer.text,
    }


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """Each variable by its value, within a JSON text."""
    return _VARIABLE.sub(lambda found: json.dumps(str(values.get(found[1], "")))[1:-1], text)


def _integration(app: App) -> dict[str, Any]:
    """The app's one integration that agents authorize, filled in."""
    told = next(
        one
        for one in config_of(app, "oauth_config")["integrations"].values()
        if one["token_type"] == "agent"
    )
    values = {f"oauth_iparams.{name}": value for name, value in app.oauth_iparams.items()}
    found: dict[str, Any] = json.loads(_filled(json.dumps(told), values))
    return found


def _get_tokens(app: App, agent_id: int, form: dict[str, str]) -> bool:
    told = _integration(app)
    sent = {**form, "client_id": told["client_id"], "client_secret": told["client_secret"]}
    try:
        answer = requests.post(told["token_url"], data=sent, timeout=_WITHIN_S)
    except requests.RequestException:
        return False
    if answer.ok:
        app.access[agent_id] = app.access.get(agent_id, {}) | answer.json()
    return answer.ok
