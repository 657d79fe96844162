"""Apps beside a ticket: what is installed, served, filled in and called, and in whose name."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.caller import Caller
from tests.sandbox.freshdesk.conftest import AGENT

MANIFEST = {
    "platform-version": "3.0",
    "modules": {
        "common": {"requests": {"plain": {}, "owned": {}}},
        "support_ticket": {"location": {"ticket_sidebar": {"url": "index.html"}}},
    },
}


class Service:
    """What the app calls: it tells what came, and is its own OAuth provider."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], str]] = []
        self.good = {"access-1"}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                service.got.append((self.path, dict(self.headers), body))
                status, answer = service.answer(self.path, dict(self.headers), body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def answer(self, path: str, headers: dict[str, str], body: str) -> tuple[int, object]:
        if path == "/token":
            form = parse_qs(body)
            if form["client_secret"] != ["s3cret"] or "stale" in body:
                return 400, {"error": "invalid_grant"}
            number = len(self.got)
            self.good = {f"access-{number}"}
            return 200, {"access_token": f"access-{number}", "refresh_token": f"r-{number}"}
        if path.startswith("/owned"):
            bearer = headers.get("Authorization", "").removeprefix("Bearer ")
            return (200, {"ok": True}) if bearer in self.good else (401, {"ok": False})
        return 200, {"ok": True}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def packed(service: Service, **changes: Any) -> str:
    schema = {"protocol": "http", "method": "POST", "host": "<%= iparam.host %>"}
    requests_ = {
        "plain": {
            "schema": {
                **schema, "path": "/plain/<%= context.id %>",
                "headers": {"X-Key": "<%= iparam.key %>"}, "query": {"q": "<%= context.q %>"},
            }
        },
        "owned": {
            "schema": {
                **schema, "path": "/owned",
                "headers": {"Authorization": "Bearer <%= access_token %>"},
            },
            "options": {"oauth": "it"},
        },
    }  # fmt: skip
    needed = {"display_name": "x", "type": "text", "required": True}
    oauth = {
        "integrations": {
            "it": {
                "client_id": "client", "client_secret": "<%= oauth_iparams.secret %>",
                "authorize_url": f"http://{service.host}/authorize",
                "token_url": f"http://{service.host}/token", "token_type": "agent",
                "options": {"scope": "some"}, "oauth_iparams": {"secret": needed},
            }
        }
    }  # fmt: skip
    files: dict[str, object] = {
        "manifest.json": MANIFEST,
        "config/requests.json": requests_,
        "config/oauth_config.json": oauth,
        "config/iparams.json": {"host": needed, "key": needed},
        "app/index.html": '<script src="{{{appclient}}}"></script>',
        "app/scripts/a.js": "1",
        **changes,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, value in files.items():
            if value is not None:
                text = value if isinstance(value, str) else json.dumps(value)
                archive.writestr(name, text)
    return base64.b64encode(out.getvalue()).decode()


def install(desk: Caller, service: Service) -> int:
    answer = desk.control(
        "apps",
        {
            "package": packed(service),
            "iparams": {"host": service.host, "key": 'a "key" \\'},
            "oauth_iparams": {"secret": "s3cret"},
        },
    )
    return int(answer["app_id"])


def invoke(desk: Caller, app_id: int, template: str, **given: Any) -> Any:
    body = {"template": template, **given}
    return desk.call("POST", f"/a/apps/{app_id}/invoke", body).json()


@pytest.mark.parametrize(
    "changes",
    [
        {"manifest.json": {**MANIFEST, "platform-version": "2.3"}},
        {"manifest.json": {"platform-version": "3.0", "modules": {}}},
        {"manifest.json": "{"},
        {"manifest.json": None},
        {"app/index.html": None},
    ],
    ids=str,
)
def test_what_is_no_app_is_refused(desk: Caller, service: Service, changes: dict[str, Any]) -> None:
    body = {"package": packed(service, **changes)}
    assert desk.call("POST", "/_sandbox/apps", body).status_code == 422
    assert desk.call("POST", "/_sandbox/apps", {"package": "?"}).status_code == 422


def test_what_has_to_be_filled_in_has_to_be(desk: Caller, service: Service) -> None:
    body = {"package": packed(service), "iparams": {"host": "x", "key": "y"}}
    answer = desk.call("POST", "/_sandbox/apps", body)
    assert (answer.status_code, answer.json()) == (422, {"error": "fill in secret"})


def test_its_page_gets_the_library_and_another_origin(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    page = desk.call("GET", f"/_app/{app_id}/index.html")
    assert page.text == '<script src="/_app/client.js"></script>'
    assert "initialized" in desk.call("GET", "/_app/client.js").text
    for path in ("config/oauth_config.json", "../config/requests.json", "nothing.js"):
        assert desk.call("GET", f"/_app/{app_id}/{path}").status_code == 404
    ticket = desk.call("GET", "/a/tickets/1").text
    assert desk.url.replace("127.0.0.1", "localhost") in ticket
    assert "s3cret" not in ticket


def test_a_template_is_filled_in_on_the_server(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    context = {"id": 7, "q": 'ü"&x=1'}
    answer = invoke(desk, app_id, "plain", context=context, body="text")
    assert (answer["status"], json.loads(answer["response"])) == (200, {"ok": True})
    path, headers, body = service.got[0]
    assert urlsplit(path).path == "/plain/7"
    assert parse_qs(urlsplit(path).query) == {"q": ['ü"&x=1']}
    assert headers["X-Key"] == 'a "key" \\'
    assert body == "text"


def test_only_declared_templates_and_known_agents(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    assert invoke(desk, app_id, "other")["status"] == 400
    unknown = requests.post(f"{desk.url}/a/apps/{app_id}/invoke", json={}, timeout=30)
    assert unknown.status_code == 401
    assert service.got == []


def test_fifty_calls_a_minute(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    statuses = [invoke(desk, app_id, "plain")["status"] for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    desk.control("clock", {"advance_s": 61})
    assert invoke(desk, app_id, "plain")["status"] == 200


def test_without_an_agents_access_nothing_is_called(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    assert invoke(desk, app_id, "owned")["status"] == 401
    assert service.got == []


def authorize(desk: Caller, app_id: int) -> requests.Response:
    """As an agent whose provider sends them straight back."""
    path = f"/a/apps/{app_id}/authorize?as={AGENT}&ticket=1"
    sent = desk.call("GET", path, allow_redirects=False)
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert asked["scope"] == ["some"]
    assert asked["redirect_uri"] == [f"{desk.url}/auth/callback"]
    back = f"/auth/callback?code=c&state={asked['state'][0]}"
    done = desk.call("GET", back, allow_redirects=False)
    assert desk.call("GET", back, allow_redirects=False).status_code == 400  # once
    return done


def as_agent(desk: Caller) -> None:
    keys = desk.state.keys  # type: ignore[attr-defined]
    desk.session.auth = (next(key for key, id in keys.items() if id == AGENT), "X")


def test_an_agents_access_is_theirs_and_is_renewed(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    assert authorize(desk, app_id).headers["Location"] == f"/a/tickets/1?as={AGENT}"
    assert invoke(desk, app_id, "owned")["status"] == 401  # the integration's key is nobody's
    as_agent(desk)
    assert invoke(desk, app_id, "owned")["status"] == 200
    service.good = set()  # it has ended
    assert invoke(desk, app_id, "owned")["status"] == 200
    assert [path for path, _, _ in service.got].count("/token") == 2


def test_an_access_that_cannot_be_renewed_is_gone(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    authorize(desk, app_id)
    as_agent(desk)
    app = desk.state.apps[app_id]  # type: ignore[attr-defined]
    app.access[AGENT]["refresh_token"] = "stale"
    service.good = set()
    assert invoke(desk, app_id, "owned")["status"] == 401
    assert AGENT not in app.access


def test_http_is_for_this_machine_only(desk: Caller, service: Service) -> None:
    app_id = install(desk, service)
    desk.state.apps[app_id].iparams["host"] = "elsewhere.example"  # type: ignore[attr-defined]
    assert invoke(desk, app_id, "plain")["status"] == 400
