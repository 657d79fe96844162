"""Panel addresses answer the app's own page at its own address, and no other page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, g, request
from werkzeug.test import TestResponse

from core.session import Session
from tests.stores import sample
from tests.webhooks.sidebar.agents import ORIGIN, PUBLIC, Desk, desk_at
from webhooks.sidebar import cors
from webhooks.sidebar.cors import BadOrigin, read_origin

ALLOWED = "Access-Control-Allow-Origin"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        made.app = _panel(made)
        yield made


def _panel(desk: Desk) -> Flask:
    """An application with one panel address and one that is none."""
    app = Flask("tried")
    cors.install(app, desk.of.store)

    @app.route("/sidebar/tickets/7", methods=["GET", "POST"])
    def panel() -> str:
        begun_for = request.headers.get("Begun-For")
        if begun_for:
            g.session = sample(Session, "session", origin=begun_for)
        return "panel"

    app.add_url_rule("/elsewhere", endpoint="elsewhere", view_func=lambda: "page")
    return app


def beforehand(desk: Desk, origin: str | None, path: str = "/sidebar/tickets/7") -> TestResponse:
    headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,hx-request",
    }
    if origin is not None:
        headers["Origin"] = origin
    return desk.app.test_client().options(path, base_url=PUBLIC, headers=headers)


def test_the_apps_own_page_may_ask(desk: Desk) -> None:
    answer = beforehand(desk, ORIGIN)
    assert answer.status_code == 204
    assert answer.headers[ALLOWED] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    headers = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "hx-request", "hx-current-url"} <= set(headers)
    assert all(name == "authorization" or name.startswith("hx-") for name in headers)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    given = desk.app.test_client().get(
        "/sidebar/tickets/7", base_url=PUBLIC, headers={"Origin": ORIGIN}
    )
    assert given.headers[ALLOWED] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in given.headers


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "", "https://d123abc.cloudfront.net.evil.example", None),
        *("http://d123abc.cloudfront.net", "https://D123abc.cloudfront.net", ORIGIN + ":444"),
        *("https://x.d123abc.cloudfront.net", ORIGIN + "/", f"{ORIGIN},{ORIGIN}", PUBLIC),
    ],
)
def test_another_page_may_not(desk: Desk, origin: str | None) -> None:
    assert ALLOWED not in beforehand(desk, origin).headers
    headers = {} if origin is None else {"Origin": origin}
    answer = desk.app.test_client().get("/sidebar/tickets/7", base_url=PUBLIC, headers=headers)
    assert ALLOWED not in answer.headers
    assert answer.headers["Vary"] == "Origin"  # no cache hands one page's answer to another


def test_a_session_is_for_the_page_it_was_begun_for(desk: Desk) -> None:
    for begun_for, allowed in ((ORIGIN, True), ("https://d456.cloudfront.net", False)):
        headers = {"Origin": ORIGIN, "Begun-For": begun_for}
        answer = desk.app.test_client().get("/sidebar/tickets/7", base_url=PUBLIC, headers=headers)
        assert (ALLOWED in answer.headers) is allowed


def test_only_the_panel_answers_other_sites(desk: Desk) -> None:
    for path in ("/elsewhere", "/oauth/token", "/sidebar"):
        assert ALLOWED not in beforehand(desk, ORIGIN, path).headers
    answer = desk.app.test_client().get("/elsewhere", base_url=PUBLIC, headers={"Origin": ORIGIN})
    assert ALLOWED not in answer.headers


def test_a_helpdesk_that_is_off_allows_nobody(desk: Desk) -> None:
    for connection_id in (desk.id, desk.other_id):
        desk.switch_off(connection_id)
    assert ALLOWED not in beforehand(desk, ORIGIN).headers


@pytest.mark.parametrize("text", [ORIGIN, "https://a.example:8443"])
def test_an_origin_is_read(text: str) -> None:
    assert read_origin(text, private=False) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "null", "https://*.cloudfront.net", "https://cloudfront", "http://a.example"),
        *("https://a.example/", "https://a.example/x", "https://A.example", "https://u@a.example"),
        *("https://a.example:443", "https://a.example:x", "https://127.0.0.1", "https://[::1]"),
        *("https://a.example,https://b.example", " https://a.example", "http://localhost:10001"),
        *("https://ä.example", "https://a.example\n", "file:///x", "https://a..example"),
    ],
)
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(BadOrigin):
        read_origin(text, private=False)


def test_this_machine_is_one_where_it_may_be() -> None:
    assert read_origin("http://localhost:10001", private=True)
    assert read_origin("http://127.0.0.1:4711", private=True)
    with pytest.raises(BadOrigin):
        read_origin("http://10.0.0.1:4711", private=True)
