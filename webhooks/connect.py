"""Where hosts answer after somebody agreed on their page: by sending the browser back, or by post.

A browser that brought an answer is sent on at once to a page without it, so that neither a reload,
the history nor a link in another language says it again.
"""

from __future__ import annotations

import logging

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.base import page
from core.errors import AmendsError
from core.ports import RawRequest
from webhooks.granting import Grants

log = logging.getLogger(__name__)

_BODY_MAX = 16 * 1024


def blueprint(grants: Grants) -> Blueprint:
    """`/connect/<connector>` and `/connect/<connector>/<state>` for hosts, `/connected/<id>` for
    people."""
    routes = page("connect")

    @routes.get("/connect/<connector>")
    def sent_back(connector: str) -> ResponseReturnValue:
        if request.method == "HEAD":  # a look ahead must not use up the answer
            abort(405)
        answer = RawRequest(headers={}, body=b"", query=request.args.to_dict())
        try:
            row = grants.answer(connector, request.args.get("state", ""), answer)
        except AmendsError as error:
            return _refused(connector, error)
        if row.state != "done":
            return render_template("connect/page.html", outcome="failed", bare=True), 400
        return redirect(url_for("connect.connected", id=row.id), 303)

    @routes.post("/connect/<connector>/<state>")
    def posted(connector: str, state: str) -> ResponseReturnValue:
        if (request.content_length or 0) > _BODY_MAX:
            abort(413)
        answer = RawRequest(headers={}, body=request.get_data(), query={})
        try:
            row = grants.answer(connector, state, answer)
        except AmendsError as error:
            return _refused(connector, error)
        return "", 200 if row.state == "done" else 400

    @routes.get("/connected/<id>")
    def connected(id: str) -> ResponseReturnValue:
        row = grants.get(id)
        if row is None:
            abort(404)
        outcome = "waiting" if row.state == "taken" else row.state
        return render_template("connect/page.html", outcome=outcome, bare=False)

    return routes


def _refused(connector: str, error: AmendsError) -> ResponseReturnValue:
    log.info("an answer of %.40s was refused: %s", connector, type(error).__name__)
    return render_template("connect/page.html", outcome="refused", bare=True), 400
