"""Zendesk, by code and PKCE."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest

from core.connection import Connection
from sandbox.zendesk.state import CLIENT_ID as ZENDESK_CLIENT
from sandbox.zendesk.state import CLIENT_SECRET as ZENDESK_SECRET
from tests.webhooks.agreeing.stage import Agrees, Desk, changed, query_of, run_and_give_up
from webhooks.hosts import Hosts, sealed


def test_zendesk_by_code_and_pkce(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connection = desk.zendesk()
    person = Agrees()
    done = desk.run("authorise", connection, browser=person)
    assert done.exit_code == 0, done.output
    assert "Zendesk: connected" in done.output
    learned = desk.settings(connection)
    assert learned["access_token"]
    assert learned["refresh_token"]
    assert learned["client_secret"] == ZENDESK_SECRET, "what was filled in stays"
    assert 1700 < int(learned["access_expires_at"]) - time.time() <= 1800
    assert person.last is not None
    assert person.last.status_code == 200
    assert urlsplit(person.last.url).query == "", "neither code nor state stays in the browser"
    row = desk.pending()
    assert (row.state, row.sealed) == ("done", None)
    code = query_of(person.answer)["code"]
    seen = done.output + caplog.text + person.last.text + repr(row)
    for secret in (learned["access_token"], learned["refresh_token"], ZENDESK_SECRET, code):
        assert secret not in seen
    state = query_of(person.answer)["state"]
    assert state not in caplog.text + person.last.text + repr(row)
    assert desk.run("install", connection).exit_code == 0


@pytest.mark.parametrize("how", ["ended at the host", "about to end"])
def test_after_half_an_hour_one_renews_for_all(desk: Desk, how: str) -> None:
    connection = desk.zendesk()
    assert desk.run("authorise", connection, browser=Agrees()).exit_code == 0
    first = desk.settings(connection)
    host = desk.running.states["zendesk"]
    user = {"id": 7, "name": "Ada", "email": "ada@shop.example", "role": "end-user"}
    ticket = {"id": 35, "subject": "Late", "description": "Late.", "requester_id": 7}
    host.seed({"users": [user], "tickets": [ticket]})
    if how == "ended at the host":
        host.clock.advance(1801)
    else:
        fresh = {**first, "access_expires_at": str(int(time.time()) + 5)}
        _store(desk, connection, fresh)
    host.requests.clear()
    processes = [
        Hosts(desk.of.store, desk.of.sealer, allow_private=True, call_within=timedelta(seconds=9))
        for _ in range(2)
    ]
    start = threading.Barrier(2)

    def read(hosts: Hosts) -> str:
        start.wait()
        return hosts.get(connection).desk.ticket("35").id

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, processes)) == ["35", "35"]
    assert sum(seen.path == "/oauth/tokens" for seen in host.requests) == 1
    after = desk.settings(connection)
    assert after["access_token"] != first["access_token"]
    assert after["refresh_token"] != first["refresh_token"]
    assert after["client_id"] == ZENDESK_CLIENT
    assert after["address"] == desk.running.urls["zendesk"]


def _store(desk: Desk, connection_id: str, values: dict[str, str]) -> None:
    with desk.of.store.write() as tx:
        row = tx.lock(Connection, connection_id)
        assert row is not None
        tx.put(sealed(row, values, desk.of.sealer, desk.of.store.workspace_id))


def test_a_code_that_zendesk_does_not_take_back(desk: Desk) -> None:
    """`invalid_grant`: said in a sentence, and the connection has what it had before."""
    connection = desk.zendesk()
    person = Agrees(change=lambda url: changed(url, code="another-code"))
    done = desk.run("authorise", connection, browser=person)
    assert done.exit_code == 2
    assert "good once, for two minutes" in done.stderr
    assert "(invalid_grant)" in done.stderr
    assert f"amends connector authorise {connection}" in done.stderr
    assert person.last is not None
    assert person.last.status_code == 400
    assert "access_token" not in desk.settings(connection)


def test_somebody_who_does_not_agree(desk: Desk) -> None:
    connection = desk.zendesk()

    def refuse(url: str) -> str:
        answer = {"error": "access_denied", "state": query_of(url)["state"]}
        return f"{url.partition('?')[0]}?{urlencode(answer)}"

    done = desk.run("authorise", connection, browser=Agrees(change=refuse))
    assert done.exit_code == 2
    assert "nobody agreed" in done.stderr


def test_an_intercepted_code_is_of_no_use_in_another_asking(desk: Desk) -> None:
    """The code of one asking under the state of another: the verifier does not fit (PKCE)."""
    connection = desk.zendesk()
    stolen = Agrees(change=lambda url: changed(url, state="x" * 43))
    run_and_give_up(desk, connection, stolen)
    code = query_of(stolen.answer)["code"]
    mixed = Agrees(change=lambda url: changed(url, code=code))
    done = desk.run("authorise", connection, browser=mixed)
    assert done.exit_code == 2
    assert "access_token" not in desk.settings(connection)
