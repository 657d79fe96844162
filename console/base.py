"""What all pages share: the base template, the design, the languages, the headers."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, Response, abort, request

from console import headers, language


def install(app: Flask) -> None:
    """Make an app ready for pages. Every page's blueprint sees to it; more than once does no
    harm."""
    if "amends-pages" in app.extensions:
        return
    app.extensions["amends-pages"] = True
    language.install(app)
    app.register_blueprint(Blueprint("pages", __name__, static_folder="static", url_prefix="/"))
    app.after_request(headers.secure)


def page(name: str, *, bearer: bool = False) -> Blueprint:
    """A blueprint for pages: its forms are taken from our own pages only, nothing is cached, and
    the app it is registered on is made ready. `bearer`: its requests carry a token that a browser
    adds to none by itself, so it does not matter from which page they come."""
    made = Blueprint(name, __name__, template_folder="templates")
    made.record_once(lambda state: install(cast(Flask, state.app)))

    @made.before_request
    def refuse_others() -> None:
        if not bearer and request.method != "GET" and headers.from_elsewhere(request):
            abort(403, "This form was sent by another site. Open the page itself and try again.")

    @made.after_request
    def keep_fresh(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    return made
