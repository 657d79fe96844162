"""Sign-in of staff: a link by mail or from an admin, a button, a cookie; and who is signed in.

Any page of ours asks here:

    from console.signin import current_person, sign_in_required

    @routes.get("/console/tasks")
    @sign_in_required
    def tasks() -> ResponseReturnValue:
        person = current_person()  # core.people.Person; None where nobody is signed in

A form of a page that needs sign-in carries `<input type="hidden" name="form_token"
value="{{ form_token() }}">`; `sign_in_required` refuses it otherwise.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, cast
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from console.base import page
from console.language import reader
from core import signin
from core.errors import AmendsError
from core.moment import Moment
from core.people import Person
from core.store import Store

log = logging.getLogger(__name__)

P = ParamSpec("P")

#: Sends a link: to whom, its address, the language it was asked for in.
Send = Callable[[Person, str, str], None]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Askings for links that are looked into at the same time; how many links a person can have waiting
#: is bounded apart (`core.signin`), so that nobody's flood keeps others out.
_ASKING_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Cookies:
    """Names and flags. Over https the browser itself sees to it that no other host has set them."""

    session: str
    mark: str
    secure: bool

    @classmethod
    def of(cls, public_url: str) -> _Cookies:
        where = urlsplit(public_url)
        secure = where.scheme == "https" or where.hostname not in _LOOPBACK
        prefix = "__Host-" if secure else ""
        return cls(f"{prefix}amends", f"{prefix}amends_form", secure)


class SignIns:
    """One for an application: `install` it, and every page may ask who is signed in."""

    def __init__(
        self, store: Store, now: Callable[[], datetime], *, public_url: str, send: Send | None
    ) -> None:
        """`public_url` has no final slash. Without `send` only an admin can give a link."""
        self.store, self.now, self.public_url, self.send = store, now, public_url, send
        self.cookies = _Cookies.of(public_url)
        self._asking = threading.BoundedSemaphore(_ASKING_AT_ONCE)

    def install(self, app: Flask) -> None:
        app.extensions["amends-signin"] = self
        app.register_blueprint(_blueprint(self))
        app.jinja_env.globals.update(form_token=form_token, current_person=current_person)
        app.after_request(self._keep)

    # ---------------------------------------------------------------------------- this request

    def person(self) -> Person | None:
        """Who is signed in; asked once a request."""
        found = self._signed_in()
        return found[1] if found else None

    def _signed_in(self) -> tuple[signin.SignIn, Person] | None:
        if "amends_signed_in" not in g:
            g.amends_signed_in = self._find()
        return cast("tuple[signin.SignIn, Person] | None", g.amends_signed_in)

    def _find(self) -> tuple[signin.SignIn, Person] | None:
        cookie = request.cookies.get(self.cookies.session)
        if not cookie:
            return None
        now = self.now()
        try:
            with self.store.read() as found:
                row, person = signin.find(found, cookie, now)
        except signin.NotSignedIn:
            return None
        if signin.is_stale(row, now):
            with self.store.write() as tx:
                g.amends_cookie = signin.use(tx, cookie, now)
        return row, person

    def mark(self) -> str:
        """A random mark of this browser, set with this answer where there is none."""
        if "amends_mark" not in g:
            kept = request.cookies.get(self.cookies.mark, "")
            g.amends_mark = kept if len(kept) == 43 else secrets.token_urlsafe(32)
        return cast(str, g.amends_mark)

    def form_token(self) -> str:
        """What proves that a form is of a page this browser was shown, signed in as now."""
        found = self._signed_in()
        # Not the cookie, which may be exchanged while a page stands open.
        bound = f"{found[1].id} {found[0].begun_at.isoformat()}" if found else ""
        return hmac.new(self.mark().encode(), bound.encode(), "sha256").hexdigest()

    def check_form(self) -> None:
        """Refuse a form that no page of ours has made for this browser."""
        given = request.form.get("form_token", "").encode()
        if not hmac.compare_digest(given, self.form_token().encode()):
            abort(403, "This form is too old, or of another page. Open the page again.")

    def _keep(self, response: Response) -> Response:
        kept, name = g.get("amends_cookie"), self.cookies.session
        if kept:
            self._set(response, name, kept, signin.LASTS)
        elif kept == "":
            response.delete_cookie(
                name, path="/", secure=self.cookies.secure, httponly=True, samesite="Lax"
            )
        mark = g.get("amends_mark")
        if mark is not None and mark != request.cookies.get(self.cookies.mark):
            self._set(response, self.cookies.mark, mark, timedelta(days=1))
        return response

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=lasts,
            path="/",
            secure=self.cookies.secure,
            httponly=True,
            samesite="Lax",  # Strict would not be sent when a link in a mail is opened
        )

    # ------------------------------------------------------------------------------------ links

    def link(self, token: str) -> str:
        return link_address(self.public_url, token)

    def ask(self, email: str, leads_to: str) -> None:
        """Have a link sent, where somebody has this address. Nobody waits for it, so that the
        answer takes as long whoever is asked for."""
        if not self._asking.acquire(blocking=False):
            log.warning("more sign-in links were asked for than can be sent")
            return
        threading.Thread(
            target=self._send, args=(email, leads_to, self.mark(), reader()), daemon=True
        ).start()

    def _send(self, email: str, leads_to: str, mark: str, language: str) -> None:
        try:
            with self.store.write() as tx:
                rows = tx.find(Person, email=email.strip().lower(), limit=1)
                if not rows or not rows[0].active or self.send is None:
                    return
                moment = Moment(self.now())
                token = signin.invite(tx, rows[0], moment, leads_to=leads_to, browser=mark)
            self.send(rows[0], self.link(token), language)
        except AmendsError as error:
            log.info("no sign-in link was sent: %s", error)
        except Exception as error:  # its text may hold the mail, and with it the link
            log.error("a sign-in link could not be sent: %s", type(error).__name__)
        finally:
            self._asking.release()


def link_address(public_url: str, token: str) -> str:
    return f"{public_url}/sign-in/{token}"


def of_app() -> SignIns:
    return cast(SignIns, current_app.extensions["amends-signin"])


def current_person() -> Person | None:
    """Who is signed in here; None: nobody."""
    return of_app().person()


def form_token() -> str:
    """The value of the hidden field `form_token`; in templates, too."""
    return of_app().form_token()


def sign_in_required(
    view: Callable[P, ResponseReturnValue],
) -> Callable[P, ResponseReturnValue]:
    """Only for somebody signed in: others are led to sign in, and then back. A form must carry
    `form_token`."""

    @wraps(view)
    def run(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        signins = of_app()
        if signins.person() is None:
            if request.method not in ("GET", "HEAD"):
                abort(401, "Sign in first, then open the page again.")
            return redirect(url_for("signin.ask", next=request.full_path.rstrip("?")), 303)
        if request.method not in ("GET", "HEAD"):
            signins.check_form()
        return view(*args, **kwargs)

    return run


def own_path(wanted: str | None) -> str:
    """A path of ours, or `/sign-in`: never another site, whatever a browser makes of it."""
    path = wanted or ""
    plain = path.isascii() and path.isprintable() and "\\" not in path and len(path) <= 4000
    if not plain or not path.startswith("/") or path.startswith("//"):
        return "/sign-in"
    return path


def _blueprint(signins: SignIns) -> Blueprint:
    routes = page("signin")

    @routes.after_request
    def reachable_from_popups(response: Response) -> Response:
        """A helpdesk opens sign-in in a window and waits for it to come back to its own page."""
        response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response

    @routes.get("/sign-in")
    def ask() -> ResponseReturnValue:
        state = "asking" if signins.send is not None else "no_mail"
        if signins.person() is not None:
            state = "in"
        return _page(state, leads_to=own_path(request.args.get("next")))

    @routes.post("/sign-in")
    def asked() -> ResponseReturnValue:
        signins.check_form()
        email, leads_to = request.form.get("email", ""), own_path(request.form.get("next"))
        if signins.send is not None and 3 <= len(email) <= 254:
            signins.ask(email, leads_to)
        return _page("asked")

    @routes.get("/sign-in/<token>")
    def shown(token: str) -> ResponseReturnValue:
        """Only shows whose link it is: a scanner that opens links uses nothing up."""
        try:
            with signins.store.read() as found:
                mark = request.cookies.get(signins.cookies.mark)
                person = signin.look(found, token, mark, signins.now())
        except signin.NotInvited:
            return _page("refused"), 400
        return _page("invited", person=person, bare=True)

    @routes.post("/sign-in/<token>")
    def redeemed(token: str) -> ResponseReturnValue:
        signins.check_form()
        before = request.cookies.get(signins.cookies.session)
        try:
            with signins.store.write() as tx:
                g.amends_cookie, link = signin.redeem(
                    tx, token, signins.now(), browser=signins.mark(), before=before
                )
        except signin.NotInvited:
            return _page("refused"), 400
        g.amends_mark = secrets.token_urlsafe(32)  # forms shown before do not count any more
        return redirect(own_path(link.leads_to), 303)

    @routes.post("/sign-out")
    def out() -> ResponseReturnValue:
        signins.check_form()
        cookie = request.cookies.get(signins.cookies.session)
        if cookie:
            with signins.store.write() as tx:
                signin.sign_out(tx, cookie, signins.now())
        g.amends_cookie = ""
        return redirect(url_for("signin.ask"), 303)

    return routes


def _page(state: str, **values: object) -> str:
    """`bare`: the address holds a token, which must not stand in a link."""
    return render_template("signin/page.html", state=state, **{"bare": False, **values})
