"""Apps beside a ticket: their installation, the page an agent works on, and the posts it signs.

`POST /_sandbox/apps` with an app's zip file installs it for tickets; `/agent/tickets/<id>` is the
agent's page (`as`: the agent's id, `lang`: their language, `theme`: light or dark).
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Blueprint, Response, jsonify, render_template, request, send_from_directory

from sandbox.answers import Refused
from sandbox.zendesk import rules
from sandbox.zendesk.api_more import app_key
from sandbox.zendesk.state import App, Token, ZendeskState

_PAGE = Path(__file__).with_name("page")
_TOKEN_LIFE_S = 60
_LOOPBACK = ("localhost", "127.0.0.1")


def routes(state: ZendeskState) -> Blueprint:
    pages = Blueprint("apps", __name__, template_folder="page")

    @pages.post("/_sandbox/apps")
    @state.locked
    def install() -> Response:
        app = _installed(state, request.get_data())
        return jsonify(app_id=app.id, installation_id=app.installation_id)

    @pages.get("/agent/tickets/<int:number>")
    @state.locked
    def ticket(number: int) -> str:
        rules.find_ticket(state, number)
        agent = _agent(state, number)
        pass_ = Token(secrets.token_urlsafe(24), None, agent["id"], "read write")
        state.tokens.append(pass_)
        origin = request.host_url.rstrip("/")
        return render_template(
            "ticket.html",
            page={
                "ticket_id": number,
                "agent": agent,
                "token": pass_.access,
                "theme": "dark" if request.args.get("theme") == "dark" else "light",
                "subdomain": "demo",
            },
            tickets=[(known.id, known.subject) for known in state.tickets.values()],
            apps=[_shown(state, app, origin, agent["id"]) for app in state.apps],
        )

    @pages.get("/agent/static/<path:name>")
    def static(name: str) -> Response:
        return send_from_directory(_PAGE, name)

    @pages.get("/zaf_sdk.min.js")
    def library() -> Response:
        return send_from_directory(_PAGE, "zaf_sdk.js")

    return pages


def _installed(state: ZendeskState, packed: bytes) -> App:
    """Take an app on, as far as its place beside a ticket goes. An app of that name is replaced."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
        place = manifest["location"]["support"]["ticket_sidebar"]
        url = place if isinstance(place, str) else place["url"]
        parts = urlsplit(url)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):
        raise rules.invalid("file", "InvalidValue", "Manifest could not be parsed") from None
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise rules.invalid("url", "InvalidValue", "Location URLs must be https")
    if not manifest.get("signedUrls"):
        raise Refused(422, {"error": "this stand-in only shows apps with signed addresses"})
    name = str(manifest.get("name"))
    state.apps = [app for app in state.apps if app.name != name]
    state.apps.append(App(state.next_id(), state.next_id(), name, url))
    return state.apps[-1]


def _agent(state: ZendeskState, number: int) -> dict[str, Any]:
    """Who works here: the one asked for, else the ticket's, else any."""
    staff = {id: user for id, user in state.users.items() if user["role"] in ("agent", "admin")}
    asked = request.args.get("as", state.tickets[number].assignee_id, type=int)
    agent = staff.get(asked or 0) or next(iter(staff.values()))
    return agent | {"locale": request.args.get("lang", agent["locale"])}


def _shown(state: ZendeskState, app: App, origin: str, agent_id: int) -> dict[str, str]:
    """An app's frame, and the signed post that fills it."""
    guid = f"{app.id}-{app.installation_id}"
    parts = urlsplit(app.url)
    return {
        "name": app.name,
        "guid": guid,
        "origin": f"{parts.scheme}://{parts.netloc}",
        "address": f"{app.url}?{urlencode({'origin': origin, 'app_guid': guid})}",
        "token": signed(
            app_key(state, app.id),
            {
                "iss": urlsplit(origin).netloc,
                "aud": f"{origin}/api/v2/apps/installations/{app.installation_id}.json",
                "sub": f"{origin}/api/v2/users/{agent_id}.json",
                "iat": int(state.clock.epoch()),
                "exp": int(state.clock.epoch()) + _TOKEN_LIFE_S,
                "qsh": secrets.token_hex(32),
                "context": {"product": "support", "location": "ticket_sidebar"},
            },
        ),
    }


def signed(key: rsa.RSAPrivateKey, claims: dict[str, Any]) -> str:
    """A token (RS256), written by hand: whoever checks it shares no code with us."""
    parts = [_b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    text = ".".join(parts)
    return f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
