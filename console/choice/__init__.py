"""The page on which a customer chooses a remedy, by a link of theirs alone.

Looking never acts, so a mail scanner that opens links changes nothing; the form acts, once, however
often it is sent. Links that are unknown, used up or over lead to one calm page that does not say
which. No cookie is needed: the link is the proof, and nothing of another site may send its form.
"""

from __future__ import annotations

import hmac
import re
from io import BytesIO
from typing import cast

import segno
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from console import base, language
from console.choice.pace import Pace
from console.choice.view import View, view
from console.choice.world import Choices, ChosenBefore, Gone, NotOffered, Shown
from core.brand import Brand

#: Requests a minute for one link: a page that looks again every two seconds, in a few tabs.
_A_MINUTE = 240
_COLOUR = re.compile(r"[0-9a-f]{6}", re.ASCII)
_ELSEWHERE = ("cross-site", "same-site")


def blueprint(choices: Choices) -> Blueprint:
    """`/choose/<token>` and what it is made of."""
    routes = Blueprint("choice", __name__, template_folder="../templates")
    routes.record_once(lambda state: base.install(cast(Flask, state.app)))
    pace = Pace(_A_MINUTE)

    @routes.before_request
    def refuse_others() -> None:
        # Browsers that say nothing of where a form comes from send `null` as its origin, because
        # the page has no referrer; the link in the form is proof enough then.
        site = request.headers.get("Sec-Fetch-Site")
        if request.method == "POST" and site in _ELSEWHERE:
            abort(403, "This form was sent by another site. Open your link again.")
        language.expect(None)

    @routes.after_request
    def keep_quiet(response: Response) -> Response:
        """In no cache, in no search engine."""
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    @routes.get("/choose/<token>")
    def look(token: str) -> ResponseReturnValue:
        try:
            return _page(token, _shown(choices, pace, token), choices)
        except Gone:
            return _gone()

    @routes.get("/choose/<token>/live")
    def live(token: str) -> ResponseReturnValue:
        try:
            shown = _shown(choices, pace, token)
        except Gone:
            return Response(status=204, headers={"HX-Refresh": "true"})
        seen = view(shown, choices.now())
        if seen.follow and request.args.get("seen") == seen.digest:
            return Response(status=204)
        return make_response(_live(token, seen))

    @routes.post("/choose/<token>")
    def choose(token: str) -> ResponseReturnValue:
        option = request.form.get("option", "")
        try:
            shown = _shown(choices, pace, token)
            if not hmac.compare_digest(request.form.get("link", "").encode(), token.encode()):
                abort(403, "This form is not of this page. Open your link again.")
            choices.choose(token, option)
        except Gone:
            return _gone()
        except NotOffered:
            return _page(token, shown, choices, trouble="nothing"), 422
        except ChosenBefore:
            return _page(token, choices.look(token), choices, trouble="before"), 409
        return redirect(_here(token), 303)

    @routes.get("/choose/<token>/<id>.svg")
    def code(token: str, id: str) -> ResponseReturnValue:
        """The code of one gift as a picture that a till or a telephone reads."""
        try:
            shown = _shown(choices, pace, token)
        except Gone:
            abort(404)
        found = next((gift.given.code for gift in shown.gifts if gift.id == id), None)
        if not found:
            abort(404)
        return Response(drawn(found), mimetype="image/svg+xml")

    @routes.get("/brand/<colour>.css")
    def brand(colour: str) -> ResponseReturnValue:
        """The brand's colour and what reads well on it; the same for ever."""
        if not _COLOUR.fullmatch(colour):
            abort(404)
        ink = Brand(name="-", colour=f"#{colour}").ink
        css = f":root {{ --brand: #{colour}; --on-brand: {ink}; }}\n"
        lasts = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(css, mimetype="text/css", headers=lasts)

    return routes


def drawn(code: str) -> bytes:
    """A code as a QR: black on white, because some readers see nothing else."""
    picture = BytesIO()
    segno.make(code, error="m", micro=False).save(
        picture, kind="svg", xmldecl=False, border=4, light="#fff", svgclass=None, lineclass=None,
        omitsize=True,
    )  # fmt: skip
    return picture.getvalue()


def _shown(choices: Choices, pace: Pace, token: str) -> Shown:
    shown = choices.look(token)
    language.expect(shown.language)
    if not pace.allows(token, choices.now()):
        slow = render_template("choice/slow.html")
        abort(make_response(slow, 429, {"Retry-After": "30"}))
    return shown


def _page(token: str, shown: Shown, choices: Choices, trouble: str | None = None) -> str:
    seen = view(shown, choices.now())
    return render_template(
        "choice/page.html",
        token=token,
        here=_here(token),
        brand=shown.brand,
        seen=seen,
        trouble=trouble,
    )


def _live(token: str, seen: View) -> str:
    return render_template("choice/live.html", token=token, here=_here(token), seen=seen)


def _here(token: str) -> str:
    """The page itself, in the language it is read in."""
    asked = request.args.get("lang")
    return url_for("choice.look", token=token, lang=asked if asked in language.LANGUAGES else None)


def _gone() -> ResponseReturnValue:
    return render_template("choice/gone.html"), 404
