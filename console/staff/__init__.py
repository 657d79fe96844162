"""The pages of staff: what has to be done, what waits for a yes, and every case with its why.

Mails lead here. Looking never acts; what acts is a form of these pages, sent by somebody signed in.
What somebody may not see is not there for them (`console.staff.seeing`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.base import page
from console.signin import current_person, own_path, sign_in_required
from console.staff import acts, lists, seeing
from console.staff.case_view import case_view
from console.staff.seeing import PAGE, Sight
from console.staff.telling import told
from console.staff.world import StaffWorld
from console.states import STATES
from core.case import CaseState
from core.errors import AmendsError
from core.storable import storable

_LONGEST_ID = 100


def blueprint(world: StaffWorld) -> Blueprint:
    """`/console/...`; the application has `console.signin` installed."""
    routes = page("staff")
    _looks(routes, world)
    _acts(routes, world)
    return routes


def _looks(routes: Blueprint, world: StaffWorld) -> None:
    @routes.get("/console")
    def index() -> ResponseReturnValue:
        return redirect(url_for("staff.tasks"))

    @routes.get("/console/tasks")
    @sign_in_required
    def tasks() -> ResponseReturnValue:
        return _tasks(world, _sight(world))

    @routes.get("/console/approvals")
    @sign_in_required
    def approvals() -> ResponseReturnValue:
        return _approvals(world, _sight(world))

    @routes.get("/console/cases")
    @sign_in_required
    def cases() -> ResponseReturnValue:
        return _cases(world, _sight(world))

    @routes.get("/console/cases/<case_id>")
    @sign_in_required
    def case(case_id: str) -> ResponseReturnValue:
        return _case(world, _sight(world), case_id)


def _acts(routes: Blueprint, world: StaffWorld) -> None:
    @routes.post("/console/tasks/<task_id>/done")
    @sign_in_required
    def task_done(task_id: str) -> ResponseReturnValue:
        sight = _sight(world)
        return _after(
            world, sight, lambda: acts.end_task(world, sight, storable(task_id), request.form)
        )

    @routes.post("/console/cases/<case_id>/decide")
    @sign_in_required
    def decide(case_id: str) -> ResponseReturnValue:
        sight = _sight(world)
        return _after(
            world, sight, lambda: acts.decide(world, sight, storable(case_id), request.form)
        )


def _sight(world: StaffWorld) -> Sight:
    """What whoever is signed in may see; these pages are refused to who may see nothing."""
    person = current_person()
    assert person is not None  # sign_in_required saw to it
    with world.store.read() as reader:
        sight = seeing.sight_of(reader, person, world.now())
    if sight is None:
        abort(make_response(render_template("staff/refused.html"), 403))
    return sight


def _after(world: StaffWorld, sight: Sight, act: Callable[[], None]) -> ResponseReturnValue:
    """Back to the page the form was on; with what went wrong, where something did."""
    back = own_path(request.form.get("back"))
    back = back if back.startswith("/console/") else url_for("staff.tasks")
    try:
        act()
    except acts.NotThere:
        _missing()
    except AmendsError as error:
        trouble = str(error)
        if back.startswith("/console/cases/"):
            return _case(world, sight, back.removeprefix("/console/cases/"), trouble), 422
        if back.startswith("/console/approvals"):
            return _approvals(world, sight, trouble), 422
        return _tasks(world, sight, trouble), 422
    world.notice()
    return redirect(back, 303)


def _tasks(world: StaffWorld, sight: Sight, trouble: str | None = None) -> str:
    after = _after_id()
    with world.store.read() as reader:
        known = told(reader)
        found = seeing.open_tasks(reader, sight, after)
        rows = [lists.task_row(reader, sight, known, task) for task in found[:PAGE]]
    more = rows[-1].id if len(found) > PAGE else None
    return render_template("staff/tasks.html", rows=rows, more=more, after=after, trouble=trouble)


def _approvals(world: StaffWorld, sight: Sight, trouble: str | None = None) -> str:
    with world.store.read() as reader:
        rows = lists.all_asked(reader, sight, told(reader), world.now())
    return render_template("staff/approvals.html", rows=rows, trouble=trouble)


def _cases(world: StaffWorld, sight: Sight) -> str:
    state = request.args.get("state", "")
    state = state if state in {one.value for one in CaseState} else ""
    wanted = storable(request.args.get("q", "")).strip()[:_LONGEST_ID]
    after = _after_id()
    with world.store.read() as reader:
        shown = lists.case_page(reader, sight, told(reader), state or None, wanted or None, after)
    states = {one.value: words for one, (words, _) in STATES.items()}
    return render_template(
        "staff/cases.html", page=shown, state=state, wanted=wanted, states=states, after=after
    )


def _missing() -> NoReturn:
    abort(make_response(render_template("staff/missing.html"), 404))


def _after_id() -> str | None:
    return storable(request.args.get("after", ""))[:_LONGEST_ID] or None


def _case(world: StaffWorld, sight: Sight, case_id: str, trouble: str | None = None) -> str:
    with world.store.read() as reader:
        found = seeing.case_of(reader, sight, storable(case_id))
        shown = case_view(reader, sight, found, world.now()) if found else None
    if shown is None:
        _missing()
    return render_template("staff/case.html", case=shown, trouble=trouble)
