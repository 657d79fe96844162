"""Who gets in at the panel's addresses, and what nobody gets to see there: sessions, other
helpdesks' tickets, other people's cases, hosts that are silent, secrets, text that is hostile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from core import session
from core.approval import Approval
from core.case import Task
from core.moment import Moment
from core.people import PersonIdentity
from core.session import Session
from tests.webhooks.rig import Rig
from tests.webhooks.sidebar.panels import MANAGER, Agent
from webhooks.app import create_app

TABLECLOTH, TEAPOT, TABLES = 1, 2, 16
DOORS = (
    "approve", "ask", "choose", "give", "override", "preview", "refuse", "task", "undo",
)  # fmt: skip


def _everything(client: FlaskClient, ticket: str, headers: Mapping[str, str]) -> set[int]:
    at = f"/sidebar/tickets/{ticket}"
    codes = {client.get(at + part, headers=dict(headers)).status_code
             for part in ("", "/live", "/may-save?status=solved")}  # fmt: skip
    for door in DOORS:
        codes.add(client.post(f"{at}/{door}", headers=dict(headers)).status_code)
    return codes


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer x", f"Bearer {'A' * 43}", "Basic QTpC", "Bearer ٣" + "A" * 42,
     f"Bearer {'A' * 5000}", f"bearer  {'A' * 43}", f"Bearer {'A' * 43}, Bearer {'B' * 43}"],
)  # fmt: skip
def test_no_address_answers_without_a_session(rig: Rig, authorization: str) -> None:
    client = create_app(rig.of).test_client()
    headers = {"Authorization": authorization.encode().decode("latin-1")} if authorization else {}
    assert _everything(client, "1", headers) == {401}
    assert rig.cases(1) == []


def test_a_session_that_is_over_says_what_to_do(rig: Rig) -> None:
    agent = Agent(rig)
    form = agent.form(TABLECLOTH, "give")
    rig.clock.ahead += session.IDLE
    answer = agent.get(TABLECLOTH)
    assert answer.status_code == 401
    assert "Open the ticket again to go on." in answer.get_data(as_text=True)
    assert agent.post(TABLECLOTH, "give", form).status_code == 401
    assert _everything(agent.client, "1", agent.headers) == {401}


def test_a_session_lives_while_it_is_used_but_not_for_ever(rig: Rig) -> None:
    agent = Agent(rig)
    for _ in range(9):
        rig.clock.ahead += session.IDLE * 0.9
        code = agent.get(TABLECLOTH, "/live").status_code
    assert code == 401
    other = Agent(rig)
    for _ in range(5):
        rig.clock.ahead += session.IDLE * 0.9
        assert other.get(TABLECLOTH, "/live").status_code == 200


def test_a_session_that_was_ended_is_over(rig: Rig) -> None:
    agent = Agent(rig)
    with rig.store.write() as tx:
        (row,) = tx.find(Session)
        session.end(tx, row, rig.clock.now())
    assert agent.get(TABLECLOTH).status_code == 401


def test_a_session_is_good_for_its_own_helpdesk_only(rig: Rig) -> None:
    """Another connection's agent asks for a ticket that is not at that helpdesk."""
    agent = Agent(rig)
    with rig.store.write() as tx:
        moment = Moment(rig.clock.now())
        till = rig.stage.tills["shopify"]
        other = session.begin(tx, till, "9001", "https://other.example", moment)
        unknown = session.begin(tx, "conn_none", "9001", "https://other.example", moment)
    agent.press(TABLECLOTH, "give")
    rig.settle()
    for token in (other, unknown):
        headers = {"Authorization": f"Bearer {token}"}
        seen = agent.client.get("/sidebar/tickets/1", headers=headers)
        assert seen.status_code in (404, 503)
        assert "Emma" not in seen.get_data(as_text=True)
        live = agent.client.get("/sidebar/tickets/1/live", headers=headers).get_data(as_text=True)
        assert "Made good" not in live


@pytest.mark.parametrize(
    "ticket", ["999999", "0", "-1", "1.5", "1%20or%201", "a" * 65, "..%2f1", "٣"]
)
def test_tickets_that_are_not_there_are_not_found(rig: Rig, ticket: str) -> None:
    agent = Agent(rig)
    answer = agent.client.get(f"/sidebar/tickets/{ticket}", headers=agent.headers)
    assert answer.status_code in (404, 503)
    assert "<bdi>" not in answer.get_data(as_text=True)
    if ticket in ("999999", "a" * 65):
        assert answer.status_code == 404
        posted = agent.client.post(f"/sidebar/tickets/{ticket}/give", headers=agent.headers)
        assert posted.status_code == 404


def test_nothing_of_another_ticket_can_be_decided_here(rig: Rig) -> None:
    """A case, a payout and a task of other tickets, named from this one: as if they were not."""
    rig.policy("{gift_card: 10.00 EUR}", currency="EUR", extra="ask_over: 5.00 EUR\n")
    agent, manager = Agent(rig), Agent(rig, MANAGER)
    agent.press(TEAPOT, "ask")
    rig.settle()
    approve = manager.form(TEAPOT, "approve")
    assert manager.post(TABLECLOTH, "approve", approve).status_code == 404
    assert manager.post(TABLECLOTH, "refuse", approve).status_code == 404
    assert manager.post(TABLECLOTH, "override", approve | {"note": "x"}).status_code == 404
    assert manager.post(TEAPOT, "approve", approve).status_code == 200
    rig.settle()
    undo = manager.form(TEAPOT, "undo") | {"note": "mistake"}
    assert manager.post(TABLECLOTH, "undo", undo).status_code == 404
    rig.solve(10)
    (task,) = [t for t in _tasks(rig) if t.state == "open"]
    done = {"task": task.id, "note": "x"}
    assert manager.post(TABLECLOTH, "task", done).status_code == 404
    assert manager.post(TABLECLOTH, "task", {"task": "task_none"}).status_code == 404
    assert [t.state for t in _tasks(rig) if t.id == task.id] == ["open"]


def _tasks(rig: Rig) -> list[Task]:
    with rig.store.read() as reader:
        return reader.find(Task)


def test_an_agent_who_is_nobody_sees_and_gives_nothing(rig: Rig) -> None:
    stranger = Agent(rig, "7777")
    body = stranger.look(TABLECLOTH)
    assert "Emma Whitfield" in body
    assert f"--helpdesk 7777 --connection {rig.stage.desk_id}" in body
    assert 'id="give-button"' not in body
    form = stranger.form(TABLECLOTH, "preview", body)
    for door in ("give", "ask", "choose", "approve", "task", "undo", "override"):
        assert stranger.post(TABLECLOTH, door, form).status_code == 403
    assert rig.cases(TABLECLOTH) == []


def test_a_person_who_left_gives_nothing_any_more(rig: Rig) -> None:
    agent = Agent(rig)
    form = agent.form(TABLECLOTH, "give")
    jo = rig.person("jo.marsh@shop.example")
    with rig.store.write() as tx:
        tx.put(replace(jo, active=False))
    assert agent.post(TABLECLOTH, "give", form).status_code == 403


def test_a_second_account_of_who_asked_may_not_agree(rig: Rig) -> None:
    Agent(rig).press(TABLES, "ask")
    rig.settle()
    jo, manager = rig.person("jo.marsh@shop.example"), rig.person("manager@shop.example")
    with rig.store.write() as tx:
        (row,) = tx.find(PersonIdentity, person_id=manager.id)
        tx.put(replace(row, person_id=jo.id))
        tx.put(replace(jo, roles=["agent", "approver"]))
    second = Agent(rig, MANAGER)
    body = second.look(TABLES)
    assert f"/sidebar/tickets/{TABLES}/approve" not in body
    with rig.store.read() as reader:
        (waiting,) = reader.find(Approval, state="waiting")
    said = {"case": waiting.case_id, "payload": waiting.payload_hash}
    assert second.post(TABLES, "approve", said).status_code == 403
    assert rig.refunds() == []


# ---------------------------------------------------------------------------- hosts that are silent


def test_a_silent_helpdesk_is_named_and_nothing_is_given(rig: Rig) -> None:
    agent = Agent(rig)
    form = agent.form(TABLECLOTH, "give")
    rig.desk.post(
        "faults", kind="status", status=503, match={"path": "/api/v2/tickets*"}, times=None
    )
    for answer in (agent.get(TABLECLOTH), agent.post(TABLECLOTH, "give", form)):
        assert answer.status_code == 503
        assert "does not answer just now. Nothing was given" in answer.get_data(as_text=True)
    assert rig.cases(TABLECLOTH) == []


def test_a_silent_shop_leaves_the_glance_and_says_so(rig: Rig) -> None:
    agent = Agent(rig)
    rig.shop.post("faults", kind="status", status=503, times=None)
    body = agent.look(TABLECLOTH)
    assert "Emma Whitfield" in body
    assert "not answering" in body or "not answered" in body
    assert 'id="give"' not in body
    assert agent.post(TABLECLOTH, "give", {}).status_code == 409


def test_trying_another_choice_asks_no_host_again(rig: Rig) -> None:
    agent = Agent(rig)
    form = agent.form(TABLECLOTH, "give")
    before = len(rig.shop.get("requests")["requests"]) + len(rig.desk.get("requests")["requests"])
    for tone in ("formal", "brief", "warm"):
        path = f"/sidebar/tickets/{TABLECLOTH}/preview?part=tone"
        answer = agent.client.post(path, headers=agent.headers, data=form | {"tone": tone})
        assert answer.status_code == 200
    after = len(rig.shop.get("requests")["requests"]) + len(rig.desk.get("requests")["requests"])
    assert after == before


# --------------------------------------------------------------------------------------- live state


def test_live_state_is_silent_until_something_is_new(rig: Rig) -> None:
    agent = Agent(rig)
    body = agent.look(TABLECLOTH)
    path = _live(body)
    assert agent.client.get(path, headers=agent.headers).status_code == 204
    agent.press(TABLECLOTH, "give")
    moving = agent.client.get(path, headers=agent.headers)
    assert moving.status_code == 200
    assert "Looking at the ticket and the order once more" in moving.get_data(as_text=True)
    rig.settle()
    settled = agent.client.get(_live(moving.get_data(as_text=True)), headers=agent.headers)
    assert "Made good" in settled.get_data(as_text=True)
    assert (
        agent.client.get(_live(settled.get_data(as_text=True)), headers=agent.headers).status_code
        == 204
    )


def _live(body: str) -> str:
    found = re.search(r'hx-get="([^"]+/live[^"]*)"', body)
    assert found
    return found[1].replace("&amp;", "&")


def test_what_is_not_known_is_said_to_be_asked_about(rig: Rig) -> None:
    agent = Agent(rig)
    rig.shop.post("webhooks/options", hold=True)  # else its own message tells us at once
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    agent.press(TABLECLOTH, "give")
    while rig.runner.run_due():
        pass
    body = agent.look(TABLECLOTH)
    assert "We do not know yet whether Shopify paid this." in body
    assert "nothing will be paid twice" in body
    rig.shop.post("webhooks/options", hold=False)
    rig.later(minutes=2)
    assert "Shopify confirmed at" in agent.look(TABLECLOTH)
    assert len(rig.refunds()) == 1


# ---------------------------------------------------------------------------------------- save hook


def test_solving_asks_for_a_decision_where_the_settings_say_so(rig: Rig) -> None:
    agent = Agent(rig)
    assert agent.get(TABLECLOTH, "/may-save", status="solved").status_code == 204
    rig.options(ask_on_solve=True)
    asked = agent.get(TABLECLOTH, "/may-save", status="solved")
    assert asked.status_code == 200
    assert asked.get_data(as_text=True).startswith("Decide about making this good first")
    assert agent.get(TABLECLOTH, "/may-save", status="open").status_code == 204
    assert agent.get(10, "/may-save", status="solved").status_code == 204  # names no reason
    agent.press(TABLECLOTH, "give")
    rig.settle()
    assert agent.get(TABLECLOTH, "/may-save", status="solved").status_code == 204


# ------------------------------------------------------------------------------ what is never said


def test_no_secret_is_on_any_page(rig: Rig) -> None:
    agent = Agent(rig)
    pages = [agent.look(TABLECLOTH), agent.look(TABLES)]
    agent.press(TABLECLOTH, "give")
    rig.settle()
    pages += [agent.look(TABLECLOTH), agent.get(TABLECLOTH, "/live").get_data(as_text=True)]
    for name in ("sidebar/sidebar.js", "sidebar/sidebar.css", "vendor/htmx.min.js"):
        pages.append(agent.client.get(f"/static/{name}").get_data(as_text=True))
    for secret in ("zendesk-sandbox-token", "sandbox-secret", "shpat_sandbox", "sk_test_sandbox",
                   agent.token, "emma.whitfield@mail.example"):  # fmt: skip
        assert all(secret not in page for page in pages), secret


def test_answers_carry_the_headers_and_no_cookie(rig: Rig) -> None:
    agent = Agent(rig)
    answer = agent.get(TABLECLOTH, lang="fa")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
