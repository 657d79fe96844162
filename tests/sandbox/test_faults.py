"""Faults on the wire: what the client sees, and whether the host acted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask import jsonify

from sandbox.host import HostState, host_app, serve
from tests.sandbox.caller import Caller


class Counting(HostState):
    """A host whose books hold one number."""

    def reset_books(self) -> None:
        self.count = 0

    def books(self) -> dict[str, Any]:
        return {"count": self.count}

    def operations(self, method: str, path: str, body: bytes) -> list[str]:
        return ["countUp"] if path == "/count" else []


@pytest.fixture
def host() -> Iterator[Caller]:
    state = Counting()
    app = host_app("counting", state)

    @app.post("/count")
    @state.locked
    def count() -> Any:
        state.count += 1
        return jsonify(count=state.count)

    with serve({"counting": app}) as running:
        caller = Caller(running.urls["counting"], state, {"Authorization": "Bearer hush"})
        yield caller
        caller.session.close()


def test_a_drop_is_a_connection_error_and_only_after_has_acted(host: Caller) -> None:
    for when, count in (("before", 0), ("after", 1)):
        host.control("faults", {"kind": "drop", "when": when})
        with pytest.raises(requests.ConnectionError):
            host.call("POST", "/count")
        assert host.books() == {"count": count}
    assert host.call("POST", "/count").json() == {"count": 2}


def test_a_status_replaces_the_answer(host: Caller) -> None:
    headers = {"Retry-After": "3"}
    for when, count in (("before", 0), ("after", 1)):
        fault = {
            "kind": "status",
            "status": 429,
            "when": when,
            "headers": headers,
            "body": {"e": 1},
        }
        host.control("faults", fault)
        answer = host.call("POST", "/count")
        assert (answer.status_code, answer.json()) == (429, {"e": 1})
        assert answer.headers["Retry-After"] == "3"
        assert host.books() == {"count": count}


def test_garbage_is_a_page_with_status_200(host: Caller) -> None:
    host.control("faults", {"kind": "garbage", "when": "after"})
    answer = host.call("POST", "/count")
    assert (answer.status_code, answer.text[:9]) == (200, "<!doctype")
    assert host.books() == {"count": 1}


def test_a_held_answer_outlasts_the_client(host: Caller) -> None:
    for when, count in (("before", 0), ("after", 1)):
        host.control("faults", {"kind": "timeout", "when": when})
        with pytest.raises(requests.ReadTimeout):
            host.call("POST", "/count", timeout=0.2)
        assert host.books() == {"count": count}


def test_a_delay_acts_all_the_same(host: Caller) -> None:
    host.control("faults", {"kind": "delay", "seconds": 0.15})
    assert host.call("POST", "/count").elapsed.total_seconds() >= 0.15
    assert host.books() == {"count": 1}


def test_a_fault_hits_what_it_names_as_often_as_it_says(host: Caller) -> None:
    host.control("faults", {"kind": "status", "match": {"operation": "other"}, "times": 1})
    host.control("faults", {"kind": "status", "match": {"method": "GET"}, "times": 1})
    host.control("faults", {"kind": "status", "match": {"path": "/c*"}, "times": 2})
    seen = [host.call("POST", "/count").status_code for _ in range(3)]
    assert seen == [500, 500, 200]
    left = requests.get(f"{host.url}/_sandbox/faults", timeout=30).json()["faults"]
    assert [fault["match"] for fault in left] == [{"operation": "other"}, {"method": "GET"}]
    host.control("faults", {"kind": "status", "match": {"operation": "countUp"}, "times": None})
    assert [host.call("POST", "/count").status_code for _ in range(2)] == [500, 500]
    requests.delete(f"{host.url}/_sandbox/faults", timeout=30)
    assert host.call("POST", "/count").status_code == 200


def test_a_fault_that_is_not_understood_is_refused(host: Caller) -> None:
    for fault in ({"kind": "fire"}, {"kind": "drop", "when": "later"}, {"kind": "drop", "x": 1}, 7):
        answer = requests.post(f"{host.url}/_sandbox/faults", json=fault, timeout=30)
        assert answer.status_code == 400


def test_the_request_log_tells_what_acted_and_hides_secrets(host: Caller) -> None:
    host.control("faults", {"kind": "status", "when": "before"})
    host.call("POST", "/count", {"n": 1})
    host.call("POST", "/count", {"n": 2})
    first, second = requests.get(f"{host.url}/_sandbox/requests", timeout=30).json()["requests"]
    assert (first["acted"], first["status"], first["fault"]) == (False, None, "before status")
    assert (second["acted"], second["status"], second["body"]) == (True, 200, '{"n": 2}')
    assert second["headers"]["Authorization"] == "[secret]"
    assert "hush" not in str([first, second])


def test_reset_empties_everything_and_lets_go_of_held_answers(host: Caller) -> None:
    host.call("POST", "/count")
    host.control("faults", {"kind": "timeout"})
    errors: list[BaseException] = []

    def held() -> None:
        try:
            host.call("POST", "/count", timeout=30)
        except requests.ConnectionError as error:
            errors.append(error)

    waiting = threading.Thread(target=held)
    waiting.start()
    while not any(seen.fault for seen in host.state.requests):
        time.sleep(0.01)
    host.control("reset")
    waiting.join(timeout=30)
    assert len(errors) == 1
    assert host.books() == {"count": 0}


def test_closing_ends_connections_that_are_kept_alive() -> None:
    app = host_app("counting", Counting())
    running = serve({"counting": app})
    session = requests.Session()
    assert session.get(running.urls["counting"] + "/_sandbox/books", timeout=30).ok
    running.close()
    with pytest.raises(requests.ConnectionError):
        session.get(running.urls["counting"] + "/_sandbox/books", timeout=30)
    session.close()
