"""Webhooks as they arrive: signature, shape, retries, order, echo."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from sandbox.zendesk.delivery import sign
from tests.sandbox.caller import Caller
from tests.sandbox.listener import Got, Listener
from tests.sandbox.zendesk.conftest import AGENT, SARA

STATUS = "zen:event-type:ticket.status_changed"


def _hook(desk: Caller, listener: Listener, *topics: str) -> dict[str, Any]:
    wanted = {
        "name": "Amends", "status": "active", "subscriptions": topics, "endpoint": listener.url,
        "http_method": "POST", "request_format": "json",
    }  # fmt: skip
    answer = desk.call("POST", "/api/v2/webhooks", {"webhook": wanted})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["webhook"]
    return made


def _secret(desk: Caller, hook: dict[str, Any]) -> str:
    path = f"/api/v2/webhooks/{hook['id']}/signing_secret"
    return str(desk.get(path)["signing_secret"]["secret"])


def _signed(got: Got, secret: str) -> bool:
    stamp = got.headers["x-zendesk-webhook-signature-timestamp"].encode()
    digest = hmac.new(secret.encode(), stamp + got.body, hashlib.sha256).digest()
    return got.headers["x-zendesk-webhook-signature"] == base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("secret", "stamp", "body", "signature"),
    [
        ("dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", "2026-01-08T10:12:07Z",
         b'{"type":"zen:event-type:ticket.status_changed"}',
         "YV9661QW1WpAQaDJMTZGYkvye5AlDcdZ+zOqTi12U+Y="),
        ("HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=", "2021-07-25T10:00:00Z",
         b'{"say": "hello"}', "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk="),
    ],
)  # fmt: skip
def test_the_signature_has_known_values(
    secret: str, stamp: str, body: bytes, signature: str
) -> None:
    assert sign(secret, stamp, body) == signature


def test_an_event_arrives_signed_and_in_the_event_shape(desk: Caller, listener: Listener) -> None:
    hook = _hook(desk, listener, STATUS, "zen:event-type:ticket.comment_added")
    desk.control("tickets/1/solve")
    (got,) = listener.wait(1)
    event = json.loads(got.body)
    assert event["type"] == STATUS
    assert event["detail"]["id"] == "1"
    assert event["detail"]["requester_id"] == str(SARA)
    assert event["detail"]["actor_id"] == str(AGENT)
    assert event["detail"]["status"] == "SOLVED"
    assert event["event"]["previous"] == "OPEN"
    assert event["event"]["meta"]["sequence"]["position"] == 1
    assert got.headers["user-agent"] == "Zendesk Webhook"
    assert got.headers["x-zendesk-webhook-id"] == hook["id"]
    assert _signed(got, _secret(desk, hook))
    assert not _signed(got, "another")


def test_events_of_one_update_share_a_sequence(desk: Caller, listener: Listener) -> None:
    _hook(desk, listener, "zen:event-type:ticket.*")
    body = {"ticket": {"status": "solved", "tags": ["x"], "comment": {"body": "Done"}}}
    desk.call("PUT", "/api/v2/tickets/1", body)
    events = [json.loads(got.body) for got in listener.wait(3)]
    sequences = [event["event"]["meta"]["sequence"] for event in events]
    assert len({sequence["id"] for sequence in sequences}) == 1
    assert [sequence["position"] for sequence in sequences] == [1, 2, 3]
    assert events[0]["event"]["comment"]["author"]["is_staff"] is True


def test_a_trigger_sends_the_body_its_author_wrote(desk: Caller, listener: Listener) -> None:
    hook = _hook(desk, listener, "conditional_ticket_events")
    template = '{"ticket_id":"{{ticket.id}}","s":"{{ticket.status}}","x":"{{ticket.nothing}}"}'
    trigger = {
        "title": "Solved",
        "conditions": {"all": [{"field": "status", "operator": "is", "value": "solved"}]},
        "actions": [{"field": "notification_webhook", "value": [hook["id"], template]}],
    }
    assert desk.call("POST", "/api/v2/triggers", {"trigger": trigger}).status_code == 201
    desk.control("tickets/3/comment", {"body": "soon"})
    desk.control("tickets/3/solve")
    (got,) = listener.wait(1)
    assert json.loads(got.body) == {"ticket_id": "3", "s": "Solved", "x": ""}
    assert _signed(got, _secret(desk, hook))
    note = {"ticket": {"comment": {"body": "our note", "public": False}}}
    desk.call("PUT", "/api/v2/tickets/3", note)  # still solved: the trigger fires again
    assert len(listener.wait(2)) == 2


def test_the_two_kinds_of_webhook_exclude_each_other(desk: Caller, listener: Listener) -> None:
    hook = _hook(desk, listener, STATUS)
    path = f"/api/v2/webhooks/{hook['id']}"
    other = {"webhook": {"subscriptions": ["conditional_ticket_events"]}}
    assert desk.call("PATCH", path, other).status_code == 400
    both = {**hook, "subscriptions": [STATUS, "conditional_ticket_events"]}
    assert desk.call("POST", "/api/v2/webhooks", {"webhook": both}).status_code == 400
    off = {"webhook": {"status": "inactive"}}
    assert desk.call("PATCH", path, off).status_code == 204
    desk.control("tickets/1/solve")
    desk.control("webhooks/idle")
    assert listener.got == []
    assert desk.call("DELETE", path).status_code == 204
    assert desk.call("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("status", "headers", "attempts"),
    [
        (409, {}, 4),
        (503, {"Retry-After": "20"}, 6),
        (429, {"Retry-After": "20"}, 6),
        (503, {"Retry-After": "60"}, 1),
        (503, {}, 1),
        (500, {"Retry-After": "20"}, 1),
        (404, {}, 1),
    ],
)
def test_what_is_sent_again(
    desk: Caller, listener: Listener, status: int, headers: dict[str, str], attempts: int
) -> None:
    hook = _hook(desk, listener, STATUS)
    listener.answers = [(status, headers)] * 5
    desk.control("tickets/1/solve")
    for _ in range(6):
        assert desk.control("webhooks/idle", {"timeout_s": 30})["idle"]
        desk.control("clock", {"advance_s": 21})
    desk.control("webhooks/idle")
    assert len(listener.got) == attempts
    assert len({got.headers["x-zendesk-webhook-invocation-id"] for got in listener.got}) == 1
    found = desk.get(f"/api/v2/webhooks/{hook['id']}/invocations")["invocations"]
    assert found[0]["status"] == ("success" if attempts == 6 else "failed")
    path = f"/api/v2/webhooks/{hook['id']}/invocations/{found[0]['id']}/attempts"
    assert len(desk.get(path)["attempts"]) == attempts


def test_a_receiver_that_is_too_slow_is_tried_again(desk: Caller, listener: Listener) -> None:
    _hook(desk, listener, STATUS)
    desk.control("webhooks/options", {"timeout_s": 0.1})
    listener.pause_s = 0.3
    desk.control("tickets/1/solve")
    listener.wait(1)
    desk.control("webhooks/idle")
    desk.control("clock", {"advance_s": 2})
    assert len(listener.wait(2)) == 2


def test_deliveries_are_doubled_held_and_turned_round(desk: Caller, listener: Listener) -> None:
    _hook(desk, listener, STATUS)
    desk.control("faults", {"kind": "duplicate", "match": {"topic": "*status_changed"}})
    desk.control("tickets/1/solve")
    first, second = listener.wait(2)
    assert first.body == second.body
    desk.control("webhooks/hold")
    desk.control("tickets/1/reopen")
    desk.control("tickets/3/solve")
    time.sleep(0.05)
    assert len(listener.got) == 2
    assert desk.control("webhooks/release", {"backwards": True})["released"] == 2
    late = [json.loads(got.body)["detail"]["id"] for got in listener.wait(4)[2:]]
    assert late == ["3", "1"]
    replayed = desk.books()["deliveries"][0]["id"]
    desk.control("webhooks/replay", {"id": replayed})
    again = listener.wait(5)[4]
    assert (again.body, again.headers) == (first.body, first.headers)


def test_an_early_echo_overtakes_the_answer(desk: Caller, listener: Listener) -> None:
    _hook(desk, listener, STATUS)
    desk.control("webhooks/options", {"early": True})
    order: list[str] = []
    listener.on_request = lambda: order.append("webhook")
    desk.call("PUT", "/api/v2/tickets/1", {"ticket": {"status": "solved"}})
    order.append("answer")
    assert order == ["webhook", "answer"]


def test_an_early_echo_comes_even_when_the_answer_is_dropped(
    desk: Caller, listener: Listener
) -> None:
    _hook(desk, listener, STATUS)
    desk.control("webhooks/options", {"early": True})
    desk.control("faults", {"kind": "status", "when": "after", "match": {"method": "PUT"}})
    body = {"ticket": {"status": "solved"}}
    assert desk.call("PUT", "/api/v2/tickets/1", body).status_code == 500
    assert len(listener.got) == 1
    assert desk.books()["tickets"][0]["status"] == "solved"


def test_people_merge_close_and_answer(desk: Caller, listener: Listener) -> None:
    _hook(desk, listener, "zen:event-type:ticket.merged")
    desk.control("tickets/3/merge", {"into": 1})
    assert json.loads(listener.wait(1)[0].body)["detail"]["id"] == "3"
    assert desk.get("/api/v2/tickets/3")["ticket"]["status"] == "closed"
    desk.control("tickets/1/solve")
    desk.control("tickets/1/comment", {"body": "Still not here", "as": SARA})
    assert desk.get("/api/v2/tickets/1")["ticket"]["status"] == "open"
    desk.control("tickets/1/tag", {"tags": ["amends_late_delivery"]})
    desk.control("tickets/1/close")
    kept = desk.books()["tickets"][0]
    assert (kept["status"], kept["tags"]) == ("closed", ["amends_late_delivery", "vip"])


def test_a_webhook_can_be_tried_before_it_exists(desk: Caller, listener: Listener) -> None:
    request = {"endpoint": listener.url, "payload": '{"say":"hello"}', "http_method": "POST"}
    desk.call("POST", "/api/v2/webhooks/test", {"request": request})
    (got,) = listener.wait(1)
    assert got.body == b'{"say":"hello"}'
    assert _signed(got, "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==")
