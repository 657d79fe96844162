"""Freshdesk's REST v2 and its automation webhooks."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.sandbox.caller import Caller
from tests.sandbox.freshdesk.conftest import AGENT, SHIRIN
from tests.sandbox.listener import Listener

TICKET = "/api/v2/tickets/1"


def test_an_update_replaces_tags_and_merges_fields(desk: Caller) -> None:
    fields = {"custom_fields": {"cf_amends_case": "A-42"}}
    assert desk.call("PUT", TICKET, {"tags": ["a", "b"], **fields}).status_code == 200
    shown = desk.call("PUT", TICKET, {"status": 4, "custom_fields": {"cf_reason": "late"}}).json()
    assert (shown["status"], shown["tags"]) == (4, ["a", "b"])
    assert shown["custom_fields"] == {"cf_amends_case": "A-42", "cf_reason": "late"}


def test_a_note_is_private_and_a_reply_is_not(desk: Caller) -> None:
    note = desk.call("POST", f"{TICKET}/notes", {"body": "<p>a &amp; b</p>"})
    assert (note.status_code, note.json()["private"]) == (201, True)
    assert note.json()["body_text"] == "a & b"
    shown = desk.call("POST", f"{TICKET}/notes", {"body": "to all", "private": False}).json()
    assert shown["private"] is False
    assert desk.call("POST", f"{TICKET}/reply", {"body": "Hi"}).json()["private"] is False
    told = desk.get(f"{TICKET}?include=conversations,requester")
    assert [one["private"] for one in told["conversations"]] == [True, False, False]
    assert told["requester"]["email"] == "shirin@mail.example"


def test_a_repeated_note_is_two_notes(desk: Caller) -> None:
    for _ in range(2):
        headers = {"Idempotency-Key": "k"}
        desk.call("POST", f"{TICKET}/notes", {"body": "x"}, headers=headers)
    assert len(desk.get(f"{TICKET}/conversations")) == 2


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"status": 9}, "status", "invalid_value"),
        ({"status": "4"}, "status", "datatype_mismatch"),
        ({"colour": 1}, "colour", "invalid_field"),
        ({"custom_fields": {"cf_none": 1}}, "cf_none", "invalid_field"),
    ],
)
def test_what_is_wrong_is_named(desk: Caller, body: Any, field: str, code: str) -> None:
    answer = desk.call("PUT", TICKET, body)
    assert answer.status_code == 400
    assert answer.json()["description"] == "Validation failed"
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)


def test_a_field_may_be_needed_to_close(desk: Caller) -> None:
    desk.state.needed_to_close = {"cf_reason"}  # type: ignore[attr-defined]
    answer = desk.call("PUT", TICKET, {"status": 4})
    assert answer.json()["errors"][0]["code"] == "missing_field"
    body = {"status": 4, "custom_fields": {"cf_reason": "late"}}
    assert desk.call("PUT", TICKET, body).status_code == 200


def test_errors_have_the_shapes_of_the_host(desk: Caller) -> None:
    missing = desk.call("GET", "/api/v2/tickets/99")
    assert (missing.status_code, missing.content) == (404, b"")
    nobody = requests.get(desk.url + TICKET, auth=("wrong", "X"), timeout=30)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "invalid_credentials")
    desk.control("limits", {"total": 3})
    codes = [desk.call("GET", TICKET).status_code for _ in range(2)]
    assert codes == [200, 429]  # the two refused calls above counted too
    answer = desk.call("GET", TICKET)
    assert answer.headers["X-RateLimit-Total"] == "3"
    desk.control("clock", {"advance_s": int(answer.headers["Retry-After"])})
    assert desk.call("GET", TICKET).ok


def test_people_fields_and_lists(desk: Caller) -> None:
    (found,) = desk.get("/api/v2/contacts?email=SHIRIN@mail.example")
    assert (found["id"], found["language"]) == (SHIRIN, "fa")
    assert desk.get("/api/v2/agents/me")["contact"]["name"] == "Amends"
    assert desk.get(f"/api/v2/agents/{AGENT}")["contact"]["email"] == "jo@shop.example"
    status = desk.get("/api/v2/ticket_fields")[0]
    assert status["choices"]["4"][0] == "Resolved"
    first = desk.call("GET", "/api/v2/tickets?per_page=1")
    assert "description" not in first.json()[0]
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    rest = desk.session.get(link, timeout=30).json()
    assert {first.json()[0]["id"], rest[0]["id"]} == {1, 2}


def test_the_search_index_lags(desk: Caller) -> None:
    desk.call("PUT", TICKET, {"tags": ["marked"]})
    path = "/api/v2/search/tickets"
    query = {"query": "\"status:2 AND tag:'marked'\""}
    assert desk.get(path, params=query)["total"] == 0
    desk.control("clock", {"advance_s": 61})
    assert [one["id"] for one in desk.get(path, params=query)["results"]] == [1]
    assert desk.call("GET", path, params={"query": "status:2"}).status_code == 400


def test_customers_rate_and_answer(desk: Caller) -> None:
    desk.control("tickets/1/solve")
    desk.control("tickets/1/rate", {"score": -103, "comment": "slow"})
    (rating,) = desk.get("/api/v2/tickets/1/satisfaction_ratings")
    assert rating["ratings"] == {"default_question": -103}
    assert len(desk.get("/api/v2/surveys/satisfaction_ratings")) == 1
    desk.control("tickets/1/comment", {"body": "Still open", "as": SHIRIN})
    assert desk.get(TICKET)["status"] == 2


def _rule(desk: Caller, listener: Listener, **meta: Any) -> None:
    rule = {"url": listener.url, "secret": "s3cret", "topics": ["ticket_update"], "meta": meta}
    desk.control("webhooks", rule)


def test_a_rule_sends_its_own_text_unsigned(desk: Caller, listener: Listener) -> None:
    _rule(desk, listener, body='{"id":"{{ticket.id}}","s":"{{ticket.status}}","x":"{{nope}}"}')
    desk.call("PUT", TICKET, {"tags": ["x"]})
    desk.call("PUT", TICKET, {"status": 4})
    (got,) = listener.wait(1)
    assert json.loads(got.body) == {"id": "1", "s": "Resolved", "x": ""}
    assert got.headers["x-amends-secret"] == "s3cret"
    assert not [name for name in got.headers if "signature" in name or "timestamp" in name]


def test_placeholders_are_not_escaped(desk: Caller, listener: Listener) -> None:
    _rule(desk, listener, body='{"subject":"{{ticket.subject}}"}')
    desk.control("tickets/1/solve")
    with pytest.raises(json.JSONDecodeError):
        json.loads(listener.wait(1)[0].body)


def test_a_rule_with_simple_content_wraps_it(desk: Caller, listener: Listener) -> None:
    _rule(desk, listener, statuses=[5])
    desk.control("tickets/2/solve")
    desk.control("tickets/2/close")
    (got,) = listener.wait(1)
    assert json.loads(got.body)["freshdesk_webhook"]["ticket_id"] == 2


def test_a_rule_is_tried_three_times_more(desk: Caller, listener: Listener) -> None:
    _rule(desk, listener)
    listener.answers = [(500, {})] * 6
    desk.control("tickets/1/solve")
    for wait, count in ((300, 1), (1800, 2), (3600, 3), (9000, 4), (9000, 4)):
        assert desk.control("webhooks/idle", {"timeout_s": 30})["idle"]
        assert len(listener.got) == count
        desk.control("clock", {"advance_s": wait - 5})
        desk.control("webhooks/idle")
        assert len(listener.got) == count
        desk.control("clock", {"advance_s": 6})
    assert len({got.body for got in listener.got}) == 1
