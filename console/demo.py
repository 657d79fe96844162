"""The demo page: solve a ticket of the sandbox helpdesk and watch what Amends does.

Works by plain forms and links; with htmx the chosen ticket follows the case by itself. While
something is under way the page asks once a second and gets either nothing (204) or the new state.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as address
from flask.typing import ResponseReturnValue

from console.base import page
from console.demo_view import TicketView, overview, view
from console.demo_world import DemoTicket, DemoWorld
from console.language import reader
from core.errors import AmendsError

#: After a click the page keeps asking for so long, whatever it sees: the case may be opened late.
_PATIENCE_S = 6


def blueprint(world: DemoWorld) -> Blueprint:
    """`/` with everything; `/tickets/<id>` for the chosen ticket alone; two forms post to it."""
    demo = page("demo")

    @demo.get("/")
    def index() -> ResponseReturnValue:
        tickets = world.tickets()
        asked = request.args.get("ticket")
        chosen = next((t for t in tickets if t.id == asked), tickets[0] if tickets else None)
        shown = view(world, chosen, reader()) if chosen else None
        return render_template(
            "demo/page.html",
            rows=overview(world, tickets),
            shown=shown,
            was_chosen=chosen is not None and chosen.id == asked,
            live=_live(shown, until=0) if shown else "",
        )

    @demo.get("/tickets/<id>")
    def live(id: str) -> ResponseReturnValue:
        until = request.args.get("until", default=0, type=int)
        shown = view(world, _ticket(world, id), reader())
        body = _live(shown, until=until)
        if request.args.get("seen") == _digest(shown) and (shown.under_way or _now() < until):
            return Response(status=204)
        return make_response(body)

    @demo.post("/tickets/<id>/solve")
    def solve(id: str) -> ResponseReturnValue:
        return _act(world, id, lambda: world.solve(id))

    @demo.post("/tickets/<id>/approve")
    def approve(id: str) -> ResponseReturnValue:
        case_id, person_id = request.form.get("case", ""), request.form.get("person", "")
        return _act(world, id, lambda: world.approve(case_id, person_id))

    return demo


def _act(world: DemoWorld, id: str, act: Callable[[], None]) -> ResponseReturnValue:
    _ticket(world, id)
    trouble = None
    try:
        act()
    except AmendsError as error:
        trouble = str(error)
    if trouble is None and "HX-Request" not in request.headers:
        return redirect(address("demo.index", ticket=id), 303)
    shown = view(world, _ticket(world, id), reader(), trouble=trouble)
    body = _live(shown, until=_now() + _PATIENCE_S)
    if "HX-Request" in request.headers:
        return make_response(body, 422 if trouble else 200)
    rows = overview(world, world.tickets())
    whole = render_template("demo/page.html", rows=rows, shown=shown, was_chosen=True, live=body)
    return make_response(whole, 422)


def _ticket(world: DemoWorld, id: str) -> DemoTicket:
    found = next((t for t in world.tickets() if t.id == id), None)
    return found or abort(404, "There is no such ticket.")


def _live(shown: TicketView, until: int) -> str:
    asking = shown.under_way or _now() < until
    return render_template(
        "demo/live.html", shown=shown, asking=asking, seen=_digest(shown), until=until
    )


def _digest(shown: TicketView) -> str:
    return hashlib.sha256(repr((reader(), shown)).encode()).hexdigest()[:16]


def _now() -> int:
    return int(time.time())
