"""Who may see and do what: roles, other people's cases, other workspaces, other sites, words of
others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from core import letter as letters
from core.approval import Approval
from core.case import Case, CaseStep, Task, Writing
from core.moment import Moment
from core.payout import Payout
from core.people import Delegation
from core.store.sql import SqlStore
from tests.console.staff.signing import AGENT, MANAGER, Staff, person
from tests.core.message.test_hostile import SEEDS
from tests.stores import new_url
from tests.webhooks.rig import Rig, rigged
from webhooks.app import create_app

LATE_PARCEL = 1
WITHOUT_REASON = 10
SCRATCHED_TABLES = 16
LISTS = ("/console/tasks", "/console/approvals", "/console/cases")


@pytest.fixture
def full(rig: Rig) -> Rig:
    """Something of everything."""
    for ticket in (LATE_PARCEL, WITHOUT_REASON, SCRATCHED_TABLES):
        rig.solve(ticket)
    return rig


def pages_of(rig: Rig) -> list[str]:
    tickets = (LATE_PARCEL, WITHOUT_REASON, SCRATCHED_TABLES)
    return [*LISTS, *(f"/console/cases/{rig.case(ticket).id}" for ticket in tickets)]


def forms_of(rig: Rig) -> dict[str, dict[str, str]]:
    """Where forms go, each filled in so that it would work for somebody who may."""
    with rig.store.read() as reader:
        (approval,) = reader.find(Approval, state="waiting")
        (task,) = reader.find(Task, state="open")
    decision = {"answer": "agree", "note": "fine", "offer": approval.offer_id}
    return {
        f"/console/cases/{approval.case_id}/decide": decision,
        f"/console/tasks/{task.id}/done": {"note": "looked"},
    }


def token_in(page: str) -> str:
    return page.split('name="form_token" value="')[1].split('"')[0]


def everything(rig: Rig) -> Sequence[object]:
    with rig.store.read() as reader:
        return [reader.find(kind) for kind in (Case, CaseStep, Task, Approval, Payout, Writing)]


# -------------------------------------------------------------------------------------- signed in


def test_whoever_is_not_signed_in_is_led_to_sign_in_and_back(full: Rig) -> None:
    client = create_app(full.of).test_client()
    for path in pages_of(full):
        answer = client.get(f"{path}?q=1")
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in?next=/console/")
    before = everything(full)
    for path, form in forms_of(full).items():
        assert client.post(path, data=form).status_code == 401
    assert everything(full) == before


@pytest.mark.parametrize("roles", [[], ["ai_agent"]], ids=["none", "ai_agent"])
def test_whoever_has_no_role_here_sees_and_does_nothing(full: Rig, roles: list[str]) -> None:
    outsider = Staff(full, person(full, "out@shop.example", roles).email)
    for path in pages_of(full):
        assert outsider.status(path) == 403
    page = outsider.client.get("/sign-in").get_data(as_text=True)
    before = everything(full)
    for path, form in forms_of(full).items():
        assert outsider.post(path, {"form_token": token_in(page), **form}) == 403
    assert everything(full) == before


@pytest.mark.parametrize("role", ["admin", "approver", "finance"])
def test_these_see_the_whole_workspace(full: Rig, role: str) -> None:
    staff = Staff(full, person(full, "new@shop.example", [role], "7001").email)
    for path in pages_of(full):
        staff.get(path)
    assert staff.get("/console/cases").count('scope="row"') == 3


def test_an_agent_sees_what_they_asked_for_and_nothing_of_others(full: Rig) -> None:
    own, other = Staff(full, AGENT), Staff(full, person(full, "o@x.y", ["agent"], "7001").email)
    for path in pages_of(full):
        own.get(path)
    assert own.get("/console/cases").count('scope="row"') == 3
    for path in pages_of(full)[len(LISTS) :]:
        assert other.status(path) == 404
    for path in LISTS:
        page = other.get(path)
        for ticket in (LATE_PARCEL, WITHOUT_REASON, SCRATCHED_TABLES):
            assert full.case(ticket).id not in page
    for wanted in (full.case(LATE_PARCEL).id, "1", "%231001", "1001"):
        assert "There is no such case that you may see." in other.get(f"/console/cases?q={wanted}")
    before = everything(full)
    for path, form in forms_of(full).items():
        assert other.post(path, {"form_token": token_in(page), **form}) == 404
    assert everything(full) == before


def test_what_one_may_not_see_looks_like_what_is_not_there(full: Rig) -> None:
    other = Staff(full, person(full, "o@x.y", ["agent"], "7001").email)

    def seen(case_id: str) -> tuple[int, str]:
        answer = other.client.get(f"/console/cases/{case_id}")
        page = answer.get_data(as_text=True)  # its languages are links to itself
        return answer.status_code, re.sub(r"<nav class=.languages.*?</nav>", "", page, flags=re.S)

    hidden = seen(full.case(LATE_PARCEL).id)
    assert hidden[0] == 404
    for nothing in ("case_0", "x" * 5_000, "%00", "%ff", "1'--"):
        assert seen(nothing) == hidden, nothing


def test_another_workspaces_things_are_not_there(tmp_path: Path) -> None:
    url = new_url("sqlite", tmp_path)
    mine, other = SqlStore(url, "ws_mine"), SqlStore(url, "ws_other")
    with rigged(mine) as rig, rigged(other) as theirs:
        for one in (rig, theirs):
            one.solve(WITHOUT_REASON)
            one.solve(SCRATCHED_TABLES)
        intruder = Staff(theirs, MANAGER)
        page = intruder.get("/console/tasks")
        before = everything(rig)
        for ticket in (WITHOUT_REASON, SCRATCHED_TABLES):
            assert intruder.status(f"/console/cases/{rig.case(ticket).id}") == 404
        for path, form in forms_of(rig).items():
            assert intruder.post(path, {"form_token": token_in(page), **form}) == 404
        assert everything(rig) == before
    mine.close()
    other.close()


def test_a_session_of_another_workspace_is_none_here(tmp_path: Path) -> None:
    url = new_url("sqlite", tmp_path)
    mine, other = SqlStore(url, "ws_mine"), SqlStore(url, "ws_other")
    with rigged(mine) as rig, rigged(other) as theirs:
        intruder = Staff(theirs, MANAGER)
        here = create_app(rig.of).test_client()
        cookie = intruder.client.get_cookie("amends")
        assert cookie is not None
        here.set_cookie("amends", cookie.value)
        assert here.get("/console/tasks").status_code == 303
    mine.close()
    other.close()


def test_who_stands_in_sees_it_while_they_do(full: Rig) -> None:
    stand_in = person(full, "in@shop.example", ["agent"], "7001")
    now, manager = full.clock.now(), full.person(MANAGER)
    with full.store.write() as tx:
        tx.add(
            Delegation(
                id="del_1",
                person_id=manager.id,
                delegate_id=stand_in.id,
                first_day=now.date(),
                last_day=now.date() + timedelta(days=1),
                made_at=now,
            )
        )
    staff = Staff(full, stand_in.email)
    assert "Agree: it is given at once" in staff.get("/console/approvals")
    full.clock.ahead += timedelta(days=3)
    assert full.case(SCRATCHED_TABLES).id not in staff.get("/console/approvals")


def test_whoever_lost_their_role_or_left_is_out_at_once(full: Rig) -> None:
    staff = Staff(full, MANAGER)
    assert staff.status("/console/tasks") == 200
    manager = full.person(MANAGER)
    with full.store.write() as tx:
        tx.put(replace(manager, roles=[]))
    assert staff.status("/console/tasks") == 403
    with full.store.write() as tx:
        tx.put(replace(manager, active=False))
    assert staff.status("/console/tasks") == 303


# ------------------------------------------------------------------------------ forms and scanners


@pytest.fixture
def app(full: Rig) -> Flask:
    return create_app(full.of)


def test_forms_of_other_sites_and_without_the_mark_are_refused(full: Rig, app: Flask) -> None:
    manager = Staff(full, MANAGER, app)
    token = token_in(manager.get("/console/approvals"))
    foreign = token_in(Staff(full, AGENT, app).get("/console/approvals"))
    before = everything(full)
    for path, form in forms_of(full).items():
        for mark in ({}, {"form_token": ""}, {"form_token": "x"}, {"form_token": foreign}):
            assert manager.post(path, {**form, **mark}) == 403
        whole = {**form, "form_token": token}
        for site in ("cross-site", "same-site"):
            headers = {"Sec-Fetch-Site": site}
            assert manager.client.post(path, data=whole, headers=headers).status_code == 403
        assert manager.client.post(path, json=whole).status_code == 403
        plain = {"content_type": "text/plain", "data": str(whole)}
        assert manager.client.post(path, **plain).status_code == 403
        evil = {"Origin": "https://evil.example"}
        assert manager.client.post(path, data=whole, headers=evil).status_code == 403
    assert everything(full) == before


def test_looking_changes_nothing_even_signed_in(full: Rig, app: Flask) -> None:
    manager = Staff(full, MANAGER, app)
    before = everything(full)
    paths = [*pages_of(full), *forms_of(full), "/console", "/console/cases?state=closed&after=x"]
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS"):
            manager.client.open(path, method=method)
    for path in forms_of(full):
        assert manager.client.get(path).status_code == 405
        for method in ("PUT", "PATCH", "DELETE"):
            assert manager.client.open(path, method=method).status_code == 405
    assert everything(full) == before


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-out", "javascript:x"],
)
def test_after_a_form_nobody_is_led_elsewhere(full: Rig, app: Flask, back: str) -> None:
    manager = Staff(full, MANAGER, app)
    token = token_in(manager.get("/console/tasks"))
    (path,) = (path for path in forms_of(full) if "/tasks/" in path)
    answer = manager.client.post(path, data={"form_token": token, "note": "x", "back": back})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/tasks")


def test_every_page_keeps_to_itself(full: Rig, app: Flask) -> None:
    manager = Staff(full, MANAGER, app)
    for path in pages_of(full):
        headers = manager.client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]


# ------------------------------------------------------------------------------- words, and search


@pytest.mark.parametrize("seed", range(0, len(SEEDS), 3))
def test_words_of_others_are_only_words(full: Rig, app: Flask, seed: int) -> None:
    evil = SEEDS[seed].encode("utf-8", "replace").decode().replace("\x00", "")
    case = full.case(SCRATCHED_TABLES)
    with full.store.write() as tx:
        tx.put(replace(case, order_name=evil, reason=evil, override_note=evil))
        letters.keep(tx, case.id, evil, None, "per_x", Moment(full.clock.now()))
        for row in tx.find(Writing, case_id=case.id):
            tx.put(replace(row, text=evil, why=evil))
    manager = Staff(full, MANAGER, app)
    for path in (*LISTS, f"/console/cases/{case.id}"):
        page = manager.get(path)
        for told in ("<script>alert", "<img src=x", "<svg/onload", '" onmouseover="', "<h1>x"):
            assert told not in page


@pytest.mark.parametrize("wanted", ["16", "#1017", "1017", "gid", "case"])
def test_a_case_is_found_by_ticket_order_and_id(full: Rig, wanted: str) -> None:
    case = full.case(SCRATCHED_TABLES)
    known = {"gid": case.order_id or "", "case": case.id}
    manager = Staff(full, MANAGER)
    answer = manager.client.get("/console/cases", query_string={"q": known.get(wanted, wanted)})
    page = answer.get_data(as_text=True)
    assert page.count('scope="row"') == 1
    assert case.id in page


def test_cases_are_found_by_where_they_stand_and_by_page(full: Rig) -> None:
    manager = Staff(full, MANAGER)
    assert manager.get("/console/cases?state=closed").count('scope="row"') == 1
    assert manager.get("/console/cases?state=nonsense").count('scope="row"') == 3
    case = full.case(LATE_PARCEL)
    with full.store.write() as tx:
        for number in range(60):
            row = replace(case, id=f"case_{number:04}", ticket_id=f"t{number}", open_key=None)
            tx.add(row)
    first = manager.get("/console/cases")
    assert first.count('scope="row"') == 50
    after = first.split("after=")[1].split('"')[0].split("&")[0]
    assert manager.get(f"/console/cases?after={after}").count('scope="row"') == 13


@pytest.mark.parametrize(
    ("language", "direction", "said"),
    [("ar", "rtl", "الموافقات"), ("en", "ltr", "Approvals"), ("fa", "rtl", "تأییدها")],
)
def test_the_pages_speak_the_readers_language(
    full: Rig, language: str, direction: str, said: str
) -> None:
    manager = Staff(full, MANAGER)
    for path in pages_of(full):
        page = manager.get(f"{path}?lang={language}")
        assert f'<html lang="{language}" dir="{direction}"' in page
        assert said in page
