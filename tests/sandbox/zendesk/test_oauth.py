"""The code grant with its proof, and tokens that die when they are refreshed."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from sandbox.zendesk.state import CLIENT_ID, CLIENT_SECRET
from tests.sandbox.caller import Caller

BACK = "http://127.0.0.1:9/back"
VERIFIER = "v" * 50


def _code(desk: Caller, **extra: str) -> str:
    asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": BACK, "state": "s"}
    answer = requests.get(
        f"{desk.url}/oauth/authorizations/new",
        params=asked | {"scope": "read write"} | extra,
        allow_redirects=False,
        timeout=30,
    )
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["s"]
    return query["code"][0]


def _trade(desk: Caller, **body: Any) -> requests.Response:
    body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **body}
    return requests.post(f"{desk.url}/oauth/tokens", json=body, timeout=30)


def _redeem(desk: Caller, code: str, **extra: Any) -> requests.Response:
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    return _trade(desk, **grant, **extra)


def _works(desk: Caller, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{desk.url}/api/v2/users/me", headers=headers, timeout=30).ok


def test_a_code_works_once_and_in_time(desk: Caller) -> None:
    code = _code(desk)
    made = _redeem(desk, code).json()
    assert (made["expires_in"], made["token_type"]) == (1800, "bearer")
    assert _works(desk, made["access_token"])
    again = _redeem(desk, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    late = _code(desk)
    desk.control("clock", {"advance_s": 121})
    assert _redeem(desk, late).json()["error"] == "invalid_grant"


def test_a_challenge_needs_its_proof(desk: Caller) -> None:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert _redeem(desk, _code(desk, **asked)).status_code == 400
    wrong = _redeem(desk, _code(desk, **asked), code_verifier="w" * 50)
    assert wrong.json()["error"] == "invalid_grant"
    assert _redeem(desk, _code(desk, **asked), code_verifier=VERIFIER).ok


def test_a_refresh_kills_both_old_tokens(desk: Caller) -> None:
    old = _redeem(desk, _code(desk)).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    new = _trade(desk, **refresh).json()
    assert not _works(desk, old["access_token"])
    assert _works(desk, new["access_token"])
    assert _trade(desk, **refresh).json()["error"] == "invalid_grant"


def test_an_access_token_lives_thirty_minutes(desk: Caller) -> None:
    made = _redeem(desk, _code(desk)).json()
    desk.control("clock", {"advance_s": 1801})
    assert not _works(desk, made["access_token"])
    refresh = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]}
    assert _works(desk, _trade(desk, **refresh).json()["access_token"])


def test_a_wrong_client_is_refused(desk: Caller) -> None:
    assert _trade(desk, grant_type="client_credentials", client_secret="no").status_code == 401
    made = _trade(desk, grant_type="client_credentials", scope="read").json()
    assert "refresh_token" not in made
    assert _works(desk, made["access_token"])
    log = requests.get(f"{desk.url}/_sandbox/requests", timeout=30).text
    assert CLIENT_SECRET not in log
    assert made["access_token"] not in log
