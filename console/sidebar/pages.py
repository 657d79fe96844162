"""The sidebar's addresses. Every request brings a session's token in a header; its ticket is read
again from the session's own helpdesk before anything is believed or shown.

All answer HTML for htmx: the whole panel, or the part that moves. 401: the session is over. 404: no
such ticket here. 409: not what was shown. 422: it was not done, and why. 503: a host is silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

from flask import Blueprint, Response, abort, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException, NotFound

from console import language
from console.base import page
from console.sidebar import acts, words
from console.sidebar.offering import asked_of, why_not_more
from console.sidebar.panel import Panel, panel
from console.sidebar.picking import Picked, read
from console.sidebar.refusals import refusal
from console.sidebar.state import state_of
from console.sidebar.world import Look, SidebarWorld
from core import session as sessions
from core.case import Case
from core.choice import Way
from core.errors import AmendsError
from core.people import Person
from core.ports import HostError, HostNotFound
from core.session import NoSession, Session

_BODY_MAX = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{20,200})", re.ASCII | re.IGNORECASE)

#: What templates call for their words.
_HELPERS = {"tones": words.TONES, "bound_words": words.bound_sentence, "asked_of": asked_of}


def blueprint(world: SidebarWorld) -> Blueprint:
    return _Sidebar(world).routes()


class _Sidebar:
    def __init__(self, world: SidebarWorld) -> None:
        self._world = world

    def routes(self) -> Blueprint:
        made = page("sidebar", bearer=True)
        made.before_request(self._enter)
        made.register_error_handler(HTTPException, _in_words)
        made.register_error_handler(AmendsError, self._trouble)
        at = "/sidebar/tickets/<ticket_id>"
        made.add_url_rule(at, "panel", self._panel)
        made.add_url_rule(f"{at}/live", "live", self._live)
        made.add_url_rule(f"{at}/may-save", "may_save", self._may_save)
        made.add_url_rule(f"{at}/preview", "preview", self._preview, methods=["POST"])
        ways: Mapping[str, Way] = {"give": "give", "ask": "ask", "choose": "customer"}
        for name, way in ways.items():
            made.add_url_rule(f"{at}/{name}", name, self._giving(way), methods=["POST"])
        doing: Mapping[str, Callable[[str, Person], None]] = {
            "approve": lambda id, who: acts.decide(
                self._world, _session(), id, who, request.form, agree=True
            ),
            "refuse": lambda id, who: acts.decide(
                self._world, _session(), id, who, request.form, agree=False
            ),
            "undo": lambda id, who: acts.undo(self._world, _session(), id, who, request.form),
            "task": lambda id, who: acts.finish(self._world, _session(), id, who, request.form),
            "override": lambda id, who: acts.override(
                self._world, _session(), id, who, request.form
            ),
        }
        for name, act in doing.items():
            made.add_url_rule(f"{at}/{name}", name, self._doing(act), methods=["POST"])
        return made

    # ------------------------------------------------------------------------------ who is asking

    def _enter(self) -> None:
        request.max_content_length = _BODY_MAX
        spoken = (tag.partition("-")[0] for tag in request.accept_languages.values())
        language.expect(next((code for code in spoken if code in language.LANGUAGES), "en"))
        found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        now = self._world.now()
        try:
            with self._world.store.read() as reader:
                session = sessions.find(reader, found[1] if found else "", now)
                g.person = sessions.person_of(reader, session)
        except NoSession:
            abort(401)
        g.session = session
        if not _ID.fullmatch(str((request.view_args or {}).get("ticket_id", ""))):
            abort(404)
        if sessions.is_stale(session, now):
            with self._world.store.write() as tx:
                sessions.use(tx, session, now)

    # ---------------------------------------------------------------------------------- looking

    def _panel(self, ticket_id: str) -> ResponseReturnValue:
        look = self._world.look(_session().connection_id, ticket_id)
        return _shown(self._made(look, read(request.args)))

    def _preview(self, ticket_id: str) -> ResponseReturnValue:
        """What another choice would come to; gives nothing, and asks no host again for a while."""
        part = request.args.get("part", "")
        look = self._world.look(_session().connection_id, ticket_id, fresh=False)
        made = self._made(look, read(request.form, part), keep=True)
        if part == "sum" and made.offer is not None:
            return make_response(render_template("sidebar/moved.html", panel=made, **_HELPERS))
        if part == "why" and made.offer is not None:
            policy = self._world.policy(made.offer.terms)
            lines = why_not_more(policy, made.offer.terms) if policy is not None else []
            return make_response(render_template("sidebar/why.html", lines=lines))
        return _shown(made)

    def _live(self, ticket_id: str) -> ResponseReturnValue:
        """Where it stands, from our own store: 204 while nothing is new."""
        with self._world.store.read() as reader:
            desk_id = _session().connection_id
            state = state_of(self._world, reader, desk_id, ticket_id, _person())
        if request.args.get("seen") == state.seen:
            return Response(status=204)
        moved_on = request.args.get("phase") != state.phase
        now = {"state": state, "ticket_id": ticket_id, "moved_on": moved_on, "panel": None}
        return make_response(render_template("sidebar/now.html", **now))

    def _may_save(self, ticket_id: str) -> ResponseReturnValue:
        """204, or a sentence: the ticket is about to be solved, its reason demands an answer, and
        nobody has decided yet."""
        desk_id = _session().connection_id
        routing = self._world.routing(desk_id)
        if not routing.ask_on_solve or request.args.get("status") != "solved":
            return Response(status=204)
        ticket = self._world.ticket(desk_id, ticket_id)
        with self._world.store.read() as reader:
            cases = reader.find(Case, desk_id=desk_id, ticket_id=ticket_id)
        decided = any(case.decision is not None for case in cases)
        if decided or not routing.reasons_on(ticket) or ticket.status == "solved":
            return Response(status=204)
        said = _("Decide about making this good first: Amends, beside the ticket, has an offer.")
        return Response(str(said), content_type="text/plain; charset=utf-8")

    # ----------------------------------------------------------------------------------- clicking

    def _giving(self, way: Way) -> Callable[[str], ResponseReturnValue]:
        def give(ticket_id: str) -> ResponseReturnValue:
            """Given is what was shown, or nothing."""
            desk_id = _session().connection_id
            picked = read(request.form)
            shown = self._made(self._world.look(desk_id, ticket_id), picked, keep=True)
            try:
                acts.give(self._world, _session(), shown, way, request.form)
            except AmendsError as error:
                if isinstance(error, acts.Changed):  # sums of before are no sums of now
                    picked = read(request.form, "option")
                said = refusal(error)
                return _shown(self._made(shown.look, picked, keep=True), said.words, said.status)
            return _shown(self._made(shown.look, Picked()))

        return give

    def _doing(self, act: Callable[[str, Person], None]) -> Callable[[str], ResponseReturnValue]:
        def do(ticket_id: str) -> ResponseReturnValue:
            desk_id, person = _session().connection_id, _person()
            look = self._world.look(desk_id, ticket_id)
            try:
                if person is None:
                    raise acts.NotLinked("this agent is not linked to a person")
                act(ticket_id, person)
            except acts.NotHere:
                abort(404)
            except AmendsError as error:
                said = refusal(error)
                return _shown(self._made(look, Picked()), said.words, said.status)
            return _shown(self._made(look, Picked()))

        return do

    def _made(self, look: Look, picked: Picked, *, keep: bool = False) -> Panel:
        """`keep`: with the message as it stands in the form."""
        letter = None
        if keep and "letter" in request.form:
            letter = (request.form["letter"], request.form.get("draft", ""))
        with self._world.store.read() as reader:
            return panel(self._world, reader, _session(), _person(), look, picked, letter)

    def _trouble(self, error: AmendsError) -> ResponseReturnValue:
        """A host that cannot be read, or a desk that is not set up."""
        if isinstance(error, HostNotFound):
            return _in_words(NotFound())
        desk = words.name(self._desk_title())
        if isinstance(error, HostError):
            said = _("%(host)s does not answer just now. Nothing was given; try again.", host=desk)
        else:
            said = _("Amends is not set up for this ticket yet. An admin can see why.")
        return _sorry(str(said), 503)

    def _desk_title(self) -> str:
        with suppress(AmendsError):
            return self._world.titles().get(_session().connection_id, "")
        return ""


def _session() -> Session:
    return cast(Session, g.session)


def _person() -> Person | None:
    return cast("Person | None", g.person)


def _shown(made: Panel, said: str | None = None, status: int = 200) -> Response:
    body = render_template(
        "sidebar/panel.html",
        panel=made,
        state=made.state,
        ticket_id=made.ticket_id,
        said=said,
        moved_on=False,
        **_HELPERS,
    )
    return make_response(body, status)


def _sorry(said: str, status: int) -> Response:
    ticket_id = (request.view_args or {}).get("ticket_id", "")
    again = status >= 500 and request.method == "GET"
    body = render_template("sidebar/sorry.html", said=said, again=again, ticket_id=ticket_id)
    return make_response(body, status)


def _in_words(error: HTTPException) -> ResponseReturnValue:
    said = {
        401: _("This page was open for too long. Open the ticket again to go on."),
        404: _("There is no such ticket, or nothing of that kind on it."),
        413: _("That is too long. Make it shorter and try again."),
    }
    status = error.code or 500
    return _sorry(
        str(said.get(status, _("That did not work. Look again first: nothing is paid twice."))),
        status,
    )
