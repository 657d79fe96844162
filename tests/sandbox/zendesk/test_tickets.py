"""Tickets as the REST API keeps them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from sandbox.zendesk.state import API_TOKEN, CASE_FIELD, REASON_FIELD
from tests.sandbox.caller import Caller
from tests.sandbox.zendesk.conftest import AGENT, SARA


def put(desk: Caller, number: int, **ticket: Any) -> requests.Response:
    return desk.call("PUT", f"/api/v2/tickets/{number}", {"ticket": ticket})


def test_a_comment_is_public_unless_it_says_otherwise(desk: Caller) -> None:
    answer = put(desk, 1, comment={"body": "hello"}).json()
    assert [event["public"] for event in answer["audit"]["events"]] == [True]
    answer = put(desk, 1, comment={"html_body": "<p>a &amp; b</p>", "public": False}).json()
    assert [event["public"] for event in answer["audit"]["events"]] == [False]
    kept = desk.get("/api/v2/tickets/1/comments.json")["comments"]
    assert [(c["body"], c["public"]) for c in kept[1:]] == [("hello", True), ("a & b", False)]


def test_tags_in_an_update_replace(desk: Caller) -> None:
    assert put(desk, 1, tags=["New Tag", "x"]).json()["ticket"]["tags"] == ["new_tag", "x"]


def test_a_tag_call_adds_sets_and_removes(desk: Caller) -> None:
    path = "/api/v2/tickets/1/tags.json"
    assert desk.call("PUT", path, {"tags": ["b"]}).json() == {"tags": ["b", "vip"]}
    made = desk.call("POST", path, {"tags": ["c", "d"]})
    assert (made.status_code, made.json()) == (201, {"tags": ["c", "d"]})
    assert desk.call("DELETE", path, {"tags": ["c"]}).status_code == 204
    assert desk.get(path) == {"tags": ["d"]}


def test_tags_added_at_once_are_lost(desk: Caller) -> None:
    def add(tag: str) -> None:
        requests.put(
            f"{desk.url}/api/v2/tickets/1/tags",
            json={"tags": [tag]},
            headers=dict(desk.session.headers),
            timeout=30,
        )

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, ["t1", "t2", "t3", "t4", "t5", "t6"]))
    kept = desk.get("/api/v2/tickets/1/tags")["tags"]
    assert 1 < len(kept) < 7


def test_safe_update_refuses_what_is_stale(desk: Caller) -> None:
    stamp = desk.get("/api/v2/tickets/1")["ticket"]["updated_at"]
    safe = {"safe_update": True, "updated_stamp": stamp}
    assert put(desk, 1, tags=["a"], **safe).status_code == 200
    stale = put(desk, 1, tags=["b"], comment={"body": "no"}, **safe)
    assert (stale.status_code, stale.json()["error"]) == (409, "UpdateConflict")
    text = {"tags": ["c"], "safe_update": "true", "updated_stamp": stamp}
    assert desk.call("PUT", "/api/v2/tickets/1/tags", text).status_code == 409
    assert desk.get("/api/v2/tickets/1")["ticket"]["tags"] == ["a"]
    assert len(desk.get("/api/v2/tickets/1/comments")["comments"]) == 1


def test_every_change_has_a_stamp_of_its_own(desk: Caller) -> None:
    stamps = {put(desk, 1, tags=[f"t{n}"]).json()["ticket"]["updated_at"] for n in range(4)}
    assert len(stamps) == 4


def test_a_closed_ticket_takes_nothing(desk: Caller) -> None:
    for answer in (
        put(desk, 2, comment={"body": "x", "public": False}),
        put(desk, 2, status="open"),
        desk.call("PUT", "/api/v2/tickets/2/tags", {"tags": ["x"]}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (422, "RecordInvalid")
    assert len(desk.get("/api/v2/tickets/2/comments")["comments"]) == 1


def test_fields_and_statuses(desk: Caller) -> None:
    values = [{"id": CASE_FIELD, "value": "A-42"}, {"id": REASON_FIELD, "value": "amends_late"}]
    ticket = put(desk, 1, status="pending", custom_fields=values).json()["ticket"]
    assert {e["id"]: e["value"] for e in ticket["custom_fields"]}[CASE_FIELD] == "A-42"
    assert ticket["tags"] == ["amends_late", "vip"]  # a drop-down's value is a tag
    assert put(desk, 1, status="sloved").status_code == 422
    solved = desk.get("/api/v2/custom_statuses")["custom_statuses"][-1]
    assert put(desk, 1, custom_status_id=solved["id"]).json()["ticket"]["status"] == "solved"


def test_an_update_without_a_change_has_no_audit(desk: Caller) -> None:
    assert "audit" not in put(desk, 1, status="open").json()
    assert desk.get("/api/v2/tickets/1/audits")["audits"] == []


def test_metadata_is_kept_with_the_audit_alone(desk: Caller) -> None:
    note = {"body": "x", "public": False}
    audit = put(desk, 1, comment=note, metadata={"amends": "wb_1"}).json()["audit"]
    assert audit["metadata"]["custom"] == {"amends": "wb_1"}
    assert desk.get("/api/v2/tickets/1/audits")["audits"] == [audit]
    assert "wb_1" not in str(desk.get("/api/v2/tickets/1/comments"))


def test_errors_have_the_shapes_of_the_host(desk: Caller) -> None:
    missing = desk.call("GET", "/api/v2/tickets/99")
    assert (missing.status_code, missing.json()["error"]) == (404, "RecordNotFound")
    url = f"{desk.url}/api/v2/tickets/1"
    nobody = requests.get(url, timeout=30)
    assert (nobody.status_code, nobody.json()) == (401, {"error": "Couldn't authenticate you"})
    wrong = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=30)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_token")
    assert requests.get(url, auth=("a@b.c/token", API_TOKEN), timeout=30).ok
    desk.control("tokens", {"access": "ro", "refresh": None, "user_id": AGENT, "scope": "read"})
    desk.session.headers["Authorization"] = "Bearer ro"
    assert desk.call("GET", "/api/v2/tickets/1").ok
    assert put(desk, 1, tags=[]).status_code == 403


def test_an_idempotency_key_works_for_creation_only(desk: Caller) -> None:
    body = {"ticket": {"subject": "Hi", "comment": {"body": "text"}, "requester_id": SARA}}
    key = {"Idempotency-Key": "k1"}
    first, again = (desk.call("POST", "/api/v2/tickets", body, headers=key) for _ in range(2))
    assert (first.status_code, first.headers["x-idempotency-lookup"]) == (201, "miss")
    assert again.headers["x-idempotency-lookup"] == "hit"
    assert again.json()["ticket"]["id"] == first.json()["ticket"]["id"] == 4
    other = {"ticket": {"subject": "Ho", "comment": {"body": "text"}}}
    refused = desk.call("POST", "/api/v2/tickets", other, headers=key)
    assert (refused.status_code, refused.json()["error"]) == (400, "IdempotentRequestError")
    desk.control("clock", {"advance_s": 7201})
    late = desk.call("POST", "/api/v2/tickets", body, headers=key)
    assert late.json()["ticket"]["id"] == 5
    note = {"ticket": {"comment": {"body": "note", "public": False}}}
    for _ in range(2):
        desk.call("PUT", "/api/v2/tickets/1", note, headers={"Idempotency-Key": "k2"})
    assert len(desk.get("/api/v2/tickets/1/comments")["comments"]) == 3


def test_users_are_found_loosely_and_paged(desk: Caller) -> None:
    assert desk.get("/api/v2/users/me.json")["user"]["role"] == "admin"
    assert desk.get(f"/api/v2/users/{SARA}")["user"]["name"] == "سارة العتيبي"
    found = desk.get("/api/v2/users/search?query=shop.example")["users"]
    assert {user["email"] for user in found} == {"amends@shop.example", "jo@shop.example"}
    first = desk.get("/api/v2/tickets?page[size]=2")
    assert first["meta"]["has_more"]
    rest = desk.get(f"/api/v2/tickets?page[size]=2&page[after]={first['meta']['after_cursor']}")
    assert [ticket["id"] for ticket in first["tickets"] + rest["tickets"]] == [1, 2, 3]


def test_the_search_index_lags(desk: Caller) -> None:
    desk.call("PUT", "/api/v2/tickets/1/tags", {"tags": ["marked"]})
    query = "/api/v2/search?query=type:ticket tags:marked"
    assert desk.get(query)["results"] == []
    desk.control("clock", {"advance_s": 31})
    assert [found["id"] for found in desk.get(query)["results"]] == [1]
    assert desk.get("/api/v2/search?query=type:ticket status<solved -tags:vip")["count"] == 1


def test_the_export_leaves_the_last_minute_out(desk: Caller) -> None:
    path = "/api/v2/incremental/tickets/cursor"
    put(desk, 1, tags=["x"])
    first = desk.get(f"{path}?start_time=1000000000&per_page=1")
    assert not first["end_of_stream"]
    rest = desk.get(f"{path}?cursor={first['after_cursor']}")
    assert {t["id"] for t in first["tickets"] + rest["tickets"]} <= {2, 3}
    desk.control("clock", {"advance_s": 61})
    later = desk.get(f"{path}?cursor={rest['after_cursor']}")
    assert [ticket["id"] for ticket in later["tickets"]] == [1]
    now = desk.state.clock.epoch()
    assert desk.call("GET", f"{path}?start_time={now - 30}").status_code == 400


def test_calls_are_limited_and_counted(desk: Caller) -> None:
    desk.control("limits", {"account": 4})
    assert desk.call("GET", "/api/v2/tickets/1").headers["X-Rate-Limit-Remaining"] == "3"
    codes = [desk.call("GET", "/api/v2/tickets/1").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    wait = int(desk.call("GET", "/api/v2/tickets/1").headers["Retry-After"])
    assert 0 < wait <= 61
    desk.control("clock", {"advance_s": wait})
    assert desk.call("GET", "/api/v2/tickets/1").ok


def test_updates_of_one_ticket_are_limited(desk: Caller) -> None:
    codes = [put(desk, 1, tags=[f"t{n}"]).status_code for n in range(31)]
    assert codes == [200] * 30 + [429]
    assert put(desk, 3, tags=["x"]).status_code == 200


@pytest.mark.parametrize("product", ["ratings", "surveys"])
def test_an_account_has_one_survey_product(desk: Caller, product: str) -> None:
    desk.state.survey_product = product  # type: ignore[attr-defined]
    desk.control("tickets/1/rate", {"score": "bad", "comment": "slow"})
    ratings = desk.get("/api/v2/satisfaction_ratings?score=bad")["satisfaction_ratings"]
    path = "/api/v2/guide/survey_responses?filter[subject_zrns]=zen:ticket:1"
    surveys = desk.get(path)["survey_responses"]
    assert (len(ratings), len(surveys)) == ((1, 0) if product == "ratings" else (0, 1))


def test_side_conversations_and_app_keys(desk: Caller) -> None:
    message = {"subject": "Stock?", "body": "Is it there?", "to": [{"email": "w@shop.example"}]}
    made = desk.call("POST", "/api/v2/tickets/1/side_conversations", {"message": message})
    assert made.status_code == 201
    assert len(desk.get("/api/v2/tickets/1/side_conversations")["side_conversations"]) == 1
    pem = desk.call("GET", "/api/v2/apps/7/public_key.pem").text
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert desk.call("GET", "/api/v2/apps/7/public_key.pem").text == pem
