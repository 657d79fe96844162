"""What an admin is told: rules have no API, so the text to paste is the installation."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests

from core.events import TicketStatusChanged
from core.ports import RawRequest, Setup
from sandbox.freshdesk.state import INTEGRATION_AGENT
from tests.connectors.contract.bench import Bench

URL = "https://amends.example/hooks/abc"


def _setup(bench: Bench) -> Setup:
    assert bench.roles.setup is not None
    return bench.roles.setup


def test_installing_makes_a_secret_once_and_creates_nothing_there(bench: Bench) -> None:
    bench.settings.values["webhook_secret"] = ""
    learned = _setup(bench).install(URL)
    assert len(learned["webhook_secret"]) >= 43
    assert learned["webhook_url"] == URL
    assert learned["case_field"] == "cf_amends_case"
    bench.settings.values.update(learned)
    assert "webhook_secret" not in _setup(bench).install(URL)
    assert {one.method for one in bench.harness.state.requests} == {"GET"}


def test_without_the_field_none_is_learned(bench: Bench) -> None:
    bench.harness.state.custom_fields.pop("cf_amends_case")
    assert "case_field" not in _setup(bench).install(URL)


def test_check_says_what_to_paste_and_not_the_secret(bench: Bench) -> None:
    bench.settings.values["webhook_url"] = URL
    checks = _setup(bench).check()
    assert all(check.ok for check in checks)
    told = " ".join(check.todo for check in checks)
    for piece in (URL, "X-Amends-Secret", "POST", "JSON"):
        assert piece in told
    assert bench.leaked(told) == []


def test_check_sees_an_agent_with_a_narrow_view_and_a_wrong_key(bench: Bench) -> None:
    bench.harness.state.agents[INTEGRATION_AGENT]["ticket_scope"] = 2
    assert not next(iter(_setup(bench).check())).ok
    bench.settings.values["api_key"] = "wrong"
    (only,) = _setup(bench).check()
    assert not only.ok


def test_the_pasted_rule_reaches_us_and_is_believed(bench: Bench) -> None:
    """The text of `check`, put into the stand-in's rule as an admin would."""
    came: list[RawRequest] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(RawRequest({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    told = _setup(bench).check()[-1].todo
    body = re.search(r"Advanced: (\{.*?\}) Custom", told)
    assert body is not None
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        secret = bench.settings["webhook_secret"]
        target = {
            "url": f"http://127.0.0.1:{server.server_port}/hooks/x",
            "secret": secret,
            "meta": {"body": body[1]},
        }
        control = f"{bench.harness.address}/_sandbox"
        requests.post(f"{control}/webhooks", json=target, timeout=30).raise_for_status()
        requests.post(f"{control}/tickets/35/reopen", json={}, timeout=30).raise_for_status()
        requests.post(f"{control}/tickets/35/solve", json={}, timeout=30).raise_for_status()
        requests.post(f"{control}/webhooks/idle", json={}, timeout=30)
        server.shutdown()
        thread.join()
    assert bench.intake.verify(came[0], bench.harness.now).startswith("call:35:")
    assert bench.intake.read(came[0]) == [TicketStatusChanged(ticket_id="35")]
