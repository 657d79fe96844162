"""Tokens that live half an hour and die together when renewed."""

from __future__ import annotations

import base64
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connectors.zendesk.api import ZendeskApi
from core.ports import HostDenied, HostUnavailable, WriteBack
from sandbox.faults import Fault
from sandbox.zendesk.state import CLIENT_ID, CLIENT_SECRET, INTEGRATION_USER, Token
from tests.connectors.contract.bench import Bench

NOTE = WriteBack(kind="note", ticket_id="35", marker="[amends:pay_01]", text="x")


@pytest.fixture
def oauth(bench: Bench) -> Bench:
    """A connection with a rotating pair that the host's clock can end."""
    state = bench.harness.state
    now = state.clock.epoch()
    state.tokens[:] = [
        Token("access-1", "refresh-1", INTEGRATION_USER, "read write", now + 1800, now + 86400)
    ]
    bench.settings.values |= {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "access_expires_at": str(int(time.time()) + 1800),
    }
    return bench


def _renewals(bench: Bench) -> int:
    return sum(seen.path == "/oauth/tokens" for seen in bench.harness.state.requests)


def test_a_token_about_to_end_is_renewed_before_it_is_used(oauth: Bench) -> None:
    oauth.settings.values["access_expires_at"] = str(int(time.time()) + 30)
    assert oauth.desk.ticket("35").id == "35"
    assert oauth.settings["access_token"] != "access-1"
    assert oauth.settings["refresh_token"] not in ("", "refresh-1")
    assert int(oauth.settings["access_expires_at"]) > time.time() + 1700
    assert [seen.status for seen in oauth.harness.state.requests] == [200, 200]


def test_many_at_once_renew_once(oauth: Bench) -> None:
    oauth.settings.values["access_expires_at"] = "1"
    with ThreadPoolExecutor(12) as pool:
        tickets = list(pool.map(lambda _: oauth.desk.ticket("35").id, range(12)))
    assert tickets == ["35"] * 12
    assert _renewals(oauth) == 1


def test_a_token_that_ended_early_is_renewed_and_the_read_goes_on(oauth: Bench) -> None:
    oauth.harness.state.clock.advance(3600)
    assert oauth.desk.ticket("35").id == "35"
    assert oauth.desk.find(NOTE) is None
    assert _renewals(oauth) == 1


def test_a_write_is_not_sent_again_after_renewal(oauth: Bench) -> None:
    oauth.harness.state.clock.advance(3600)
    with pytest.raises(HostUnavailable, match="nothing was written"):
        oauth.desk.write_back(NOTE)
    writes = [seen for seen in oauth.harness.state.requests if seen.method == "PUT"]
    assert len(writes) == 1
    assert oauth.desk.write_back(NOTE)
    assert len(oauth.harness.comments()) == 1


def test_a_pair_that_somebody_else_renewed_is_taken_over(oauth: Bench) -> None:
    """Another process was first: the store has the new pair, only we still hold the old one."""
    state, stored = oauth.harness.state, oauth.settings
    state.tokens[:] = [replace(state.tokens[0], access="access-2", refresh="refresh-2")]
    real = stored.renew

    def late(using: Any) -> None:
        stored.values |= {"access_token": "access-2", "refresh_token": "refresh-2"}
        real(using)

    stored.renew = late  # type: ignore[method-assign]
    assert oauth.desk.ticket("35").id == "35"
    assert _renewals(oauth) == 0


def test_a_dead_pair_asks_a_person_to_reconnect(oauth: Bench) -> None:
    oauth.harness.state.tokens.clear()
    for call in (lambda: oauth.desk.ticket("35"), lambda: oauth.desk.write_back(NOTE)):
        with pytest.raises(HostDenied, match=r"connect it again \(invalid_grant\)"):
            call()


def test_a_lost_renewal_is_unavailable_then_denied(oauth: Bench) -> None:
    """The answer with the new pair was lost: the old pair is dead, nobody has the new one."""
    oauth.harness.state.faults.add(Fault("drop", "after", {"path": "/oauth/tokens"}))
    oauth.settings.values["access_expires_at"] = "1"
    with pytest.raises(HostDenied):
        oauth.desk.ticket("35")
    assert oauth.settings["refresh_token"] == "refresh-1"


def test_connecting_by_code_with_proof(oauth: Bench) -> None:
    signer = ZendeskApi(oauth.settings, oauth.http).signer
    verifier = "v" * 64
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    back = "https://amends.example/oauth/zendesk"
    url = signer.authorize_url(back, "state-1", challenge)
    sent = requests.get(url, allow_redirects=False, timeout=30).headers["Location"]
    answer = parse_qs(urlsplit(sent).query)
    assert answer["state"] == ["state-1"]
    with pytest.raises(HostDenied):
        signer.redeem(answer["code"][0], "w" * 64, back)
    sent = requests.get(url, allow_redirects=False, timeout=30).headers["Location"]
    signer.redeem(parse_qs(urlsplit(sent).query)["code"][0], verifier, back)
    assert oauth.settings["access_token"] not in ("", "access-1")
    assert oauth.desk.ticket("35").id == "35"
