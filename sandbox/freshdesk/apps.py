"""Apps beside a ticket: their installation, the agent's page, and the app's files.

`POST /_sandbox/apps` with JSON `package` (the zip in base64), `iparams` and `oauth_iparams` (what
whoever installs it fills in) installs an app; `/a/tickets/<id>` is the agent's page (`as`: the
agent's id, `lang`: their language). An app's own page is served under another name of this machine,
as the real ones are: it has an origin of its own.
"""

from __future__ import annotations

import base64
import io
import json
import mimetypes
import zipfile
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, send_from_directory

from sandbox.answers import Refused
from sandbox.freshdesk import rules
from sandbox.freshdesk.state import App, FreshdeskState

_PAGE = Path(__file__).with_name("page")
_CLIENT = b"{{{appclient}}}"
_OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


def routes(state: FreshdeskState) -> Blueprint:
    pages = Blueprint("apps", __name__, template_folder="page")

    @pages.post("/_sandbox/apps")
    @state.locked
    def install() -> Response:
        asked = request.get_json(silent=True) or {}
        app = _installed(state, asked)
        return jsonify(app_id=app.id, origin=app_origin())

    @pages.get("/a/tickets/<int:number>")
    @state.locked
    def ticket(number: int) -> str:
        rules.find_ticket(state, number)
        agent = _agent(state, number)
        return render_template(
            "freshdesk_ticket.html",
            page={
                "ticket_id": number,
                "agent": agent | {"language": request.args.get("lang", "en")},
                "key": next(key for key, id in state.keys.items() if id == agent["id"]),
                "statuses": state.statuses,
                "app_origin": app_origin(),
            },
            tickets=[(known.id, known.subject) for known in state.tickets.values()],
            apps=list(state.apps.values()),
            agent_id=agent["id"],
            app_origin=app_origin(),
        )

    @pages.get("/a/static/<path:name>")
    def static(name: str) -> Response:
        return send_from_directory(_PAGE, name)

    @pages.get("/_app/client.js")
    def client() -> Response:
        return send_from_directory(_PAGE, "client.js")

    @pages.get("/_app/<int:app_id>/<path:name>")
    def file(app_id: int, name: str) -> Response:
        app = find_app(state, app_id)
        data = app.files.get(f"app/{name}")
        if data is None:
            raise Refused(404, None)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind == "text/html":
            data = data.replace(_CLIENT, b"/_app/client.js")
        return Response(data, content_type=kind, headers={"Cache-Control": "no-store"})

    return pages


def find_app(state: FreshdeskState, app_id: int) -> App:
    app = state.apps.get(app_id)
    if app is None:
        raise Refused(404, None)
    return app


def config_of(app: App, name: str) -> dict[str, Any]:
    """One of the app's own files of settings."""
    found: dict[str, Any] = json.loads(app.files.get(f"config/{name}.json", b"{}"))
    return found


def app_origin() -> str:
    """Where app pages are served from, seen from where this request came to."""
    name, _, port = request.host.rpartition(":")
    return f"http://{_OTHER_NAME.get(name, name)}:{port}"


def _installed(state: FreshdeskState, asked: dict[str, Any]) -> App:
    """Take an app on, as far as its place beside a ticket goes. There is one at a time."""
    try:
        packed = base64.b64decode(str(asked.get("package", "")), validate=True)
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(files["manifest.json"])
        place = manifest["modules"]["support_ticket"]["location"]["ticket_sidebar"]
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise Refused(422, {"error": "this is no app for a ticket's sidebar"}) from None
    if manifest.get("platform-version") != "3.0" or f"app/{place['url']}" not in files:
        raise Refused(422, {"error": "this is no app of platform 3.0"})
    app = App(state.next_id(), files, asked.get("iparams", {}), asked.get("oauth_iparams", {}))
    for wanted, given in ((config_of(app, "iparams"), app.iparams), _oauth_asked(app)):
        missing = [name for name in wanted if wanted[name].get("required") and not given.get(name)]
        if missing:
            raise Refused(422, {"error": f"fill in {', '.join(missing)}"})
    state.apps = {app.id: app}
    return app


def _oauth_asked(app: App) -> tuple[dict[str, Any], dict[str, Any]]:
    integrations = config_of(app, "oauth_config").get("integrations", {})
    wanted: dict[str, Any] = {}
    for told in integrations.values():
        wanted |= told.get("oauth_iparams", {})
    return wanted, app.oauth_iparams


def _agent(state: FreshdeskState, number: int) -> dict[str, Any]:
    """Who works here: the one asked for, else the ticket's, else any."""
    asked = request.args.get("as", state.tickets[number].responder_id, type=int)
    return state.agents.get(asked or 0) or next(iter(state.agents.values()))
