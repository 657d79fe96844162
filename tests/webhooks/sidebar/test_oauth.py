"""The provider: an agent agrees, Freshworks' servers get tokens, and every known way to cheat."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from markupsafe import escape
from werkzeug.test import TestResponse

from core import grant
from core.grant import AppGrant, AppToken
from core.people import Person
from tests.webhooks.sidebar.agents import (
    OTHER_SECRET,
    PUBLIC,
    SECRET,
    VERIFIER,
    Desk,
    challenge_of,
    desk_at,
    query_of,
    token_of,
)
from webhooks.sidebar.oauth import CALLBACK


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


def test_an_agent_agrees_and_the_app_gets_in(desk: Desk) -> None:
    browser = desk.signed_in()
    page = browser.get(desk.question(), base_url=PUBLIC)
    assert "Sara" in page.text
    assert "sara@shop.example" in page.text
    sent = desk.answer(browser, desk.question())
    assert sent.location.startswith(f"{CALLBACK}?")
    assert query_of(sent)["state"] == "st/a te&1"
    answer = desk.token(code=query_of(sent)["code"])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["expires_in"] == 1800
    assert answer.json["token_type"] == "Bearer"
    assert desk.works(answer.json["access_token"])


def test_once_signed_in_another_yes_is_one_click(desk: Desk) -> None:
    browser = desk.signed_in()
    for _ in range(2):
        assert desk.answer(browser, desk.question()).status_code == 303


def test_whoever_is_not_signed_in_is_led_there_and_back(desk: Desk) -> None:
    browser = desk.app.test_client()
    led = browser.get(desk.question(), base_url=PUBLIC)
    assert led.status_code == 303
    assert led.location.startswith("/sign-in?next=/oauth/authorize?")
    assert query_of(led)["next"] == desk.question()


def test_a_no_is_told_and_gives_nothing(desk: Desk) -> None:
    sent = desk.answer(desk.signed_in(), desk.question(), answer="no")
    assert query_of(sent) == {
        "error": "access_denied",
        "error_description": query_of(sent)["error_description"],
        "state": "st/a te&1",
    }
    with desk.of.store.read() as reader:
        assert reader.count(AppGrant) == 0


def test_looking_at_the_question_agrees_to_nothing(desk: Desk) -> None:
    browser = desk.signed_in()
    for method in (browser.get, browser.head):
        assert method(desk.question(), base_url=PUBLIC).status_code == 200
    with desk.of.store.read() as reader:
        assert reader.count(AppGrant) == 0


def test_whoever_has_no_account_there_cannot_agree(desk: Desk) -> None:
    stranger = desk.signed_in(desk.person("Bob", "bob@shop.example"))
    page = stranger.get(desk.question(), base_url=PUBLIC)
    assert page.status_code == 403
    assert f"--connection {desk.id}" in page.text
    sara = desk.signed_in()
    elsewhere = desk.question(client_id=desk.other_id)  # she is known in the first only
    assert sara.get(elsewhere, base_url=PUBLIC).status_code == 403


def test_nothing_that_could_be_used_is_kept(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = desk.code()
    given = desk.token(code=code).json or {}
    again = desk.refresh(given["refresh_token"]).json or {}
    with desk.of.store.read() as reader:
        kept = f"{reader.find(AppGrant)} {reader.find(AppToken)}"
    secrets = [code, SECRET, *(g[n] for g in (given, again) for n in g if n.endswith("_token"))]
    assert len(secrets) == 6
    for secret in secrets:
        assert secret not in kept
        assert secret not in caplog.text


# ------------------------------------------------------------------------ where the browser goes


def refused(answer: TestResponse) -> bool:
    """Told here, and sent nowhere."""
    return answer.status_code == 400 and "Location" not in answer.headers


@pytest.mark.parametrize(
    "address",
    [
        *("https://evil.example/auth/callback", "https://oauth.freshdev.io/auth/callback/"),
        *("https://oauth.freshdev.io/auth/callback?x=1", "https://oauth.freshdev.io/auth"),
        *("http://oauth.freshdev.io/auth/callback", "https://OAUTH.freshdev.io/auth/callback"),
        *("https://oauth.freshdev.io.evil.example/auth/callback", "//oauth.freshdev.io"),
        *("https://oauth.freshdev.io@evil.example/auth/callback", "javascript:alert(1)"),
        *("https://oauth.freshdev.io/auth/callback#x", 'https://evil.example/"\\ü', "", None),
        "http://localhost:10001/auth/callback",  # only where hosts may be on this machine
    ],
)
@pytest.mark.parametrize("wrong", [{}, {"response_type": "token"}, {"scope": "all"}], ids=str)
def test_no_other_address_gets_a_code_or_an_error(
    desk: Desk, address: str | None, wrong: dict[str, str]
) -> None:
    browser = desk.signed_in()
    path = desk.question(redirect_uri=address, **wrong)
    shown = browser.get(path, base_url=PUBLIC)
    assert refused(shown)
    form = {"form_token": token_of(browser.get(desk.question(), base_url=PUBLIC)), "answer": "yes"}
    answer = browser.post(path, base_url=PUBLIC, data=form)
    assert refused(answer)


def test_two_addresses_are_none(desk: Desk) -> None:
    """Nor is anybody led to sign in for such a question."""
    twice = desk.question() + "&redirect_uri=https://evil.example/"
    for browser in (desk.signed_in(), desk.app.test_client()):
        assert refused(browser.get(twice, base_url=PUBLIC))


@pytest.mark.parametrize("client", ["", "conn_0", "manual", "../x", None])
def test_an_unknown_app_is_sent_nowhere(desk: Desk, client: str | None) -> None:
    shown = desk.signed_in().get(desk.question(client_id=client), base_url=PUBLIC)
    assert refused(shown)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'co"de\\ü'}, None),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "x" * 43}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
    ],
    ids=str,
)
def test_a_wrong_question_is_told_to_the_app(
    desk: Desk, wrong: dict[str, str], error: str | None
) -> None:
    shown = desk.signed_in().get(desk.question(**wrong), base_url=PUBLIC)
    if error is None:
        assert refused(shown)
    else:
        assert shown.location.startswith(f"{CALLBACK}?")
        assert query_of(shown)["error"] == error


def test_the_local_address_is_for_private_hosts_only(tmp_path: Path) -> None:
    local = "http://localhost:10001/auth/callback"
    with desk_at(tmp_path, private=True) as desk:
        path = desk.question(redirect_uri=local)
        assert desk.signed_in().get(path, base_url=PUBLIC).status_code == 200


# -------------------------------------------------------------------------------------- the form


def test_a_yes_needs_the_form_of_this_very_browser(desk: Desk) -> None:
    """CSRF: another site can send the browser here, but it cannot know the token."""
    sara, mallory = desk.signed_in(), desk.signed_in(desk.person("M", "m@shop.example", "480"))
    theirs = token_of(mallory.get(desk.question(), base_url=PUBLIC))
    for form in ({}, {"form_token": ""}, {"form_token": theirs}):
        sent = {"answer": "yes", **form}
        assert sara.post(desk.question(), base_url=PUBLIC, data=sent).status_code == 403
    own = {
        "answer": "yes", "form_token": token_of(sara.get(desk.question(), base_url=PUBLIC))
    }  # fmt: skip
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = sara.post(desk.question(), base_url=PUBLIC, data=own, headers=headers)
        assert answer.status_code == 403
    with desk.of.store.read() as reader:
        assert reader.count(AppGrant) == 0


def test_the_question_shows_in_no_frame_and_leads_to_freshworks_only(desk: Desk) -> None:
    page = desk.signed_in().get(desk.question(), base_url=PUBLIC)
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://oauth.freshdev.io;" in policy
    assert page.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7*7 }}", '"><img src=x>'])
def test_a_name_is_a_name(desk: Desk, name: str) -> None:
    odd = desk.person(name, "odd@shop.example", "48000000999")
    page = desk.signed_in(odd).get(desk.question(), base_url=PUBLIC)
    assert page.status_code == 200
    assert str(escape(name)) in page.text
    assert name not in page.text or name == "{{ 7*7 }}"


# -------------------------------------------------------------------------------------- the code


def test_a_code_is_good_once_and_ends_what_came_of_it(desk: Desk) -> None:
    code = desk.code()
    first = desk.token(code=code).json or {}
    assert desk.works(first["access_token"])
    again = desk.token(code=code)
    assert (again.status_code, (again.json or {})["error"]) == (400, "invalid_grant")
    assert not desk.works(first["access_token"])
    assert desk.refresh(first["refresh_token"]).status_code == 400


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_two_that_bring_a_code_at_once_one_at_most_gets_in(tmp_path: Path, kind: str) -> None:
    with desk_at(tmp_path, kind=kind) as desk:
        code, statuses = desk.code(), []
        threads = [
            threading.Thread(target=lambda: statuses.append(desk.token(code=code).status_code))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] + [400] * 7


def test_a_code_is_short_lived(desk: Desk) -> None:
    code = desk.code()
    desk.now += grant.CODE_LASTS
    assert desk.token(code=code).status_code == 400


def test_a_code_is_for_its_own_app(desk: Desk) -> None:
    """Mix-up: another app of ours, with its own good secret, brings a code that is not its own."""
    code = desk.code()
    stolen = desk.token(code=code, client_id=desk.other_id, client_secret=OTHER_SECRET)
    assert (stolen.status_code, (stolen.json or {})["error"]) == (400, "invalid_grant")
    assert desk.token(code=code).status_code == 200  # and nobody else can use it up


@pytest.mark.parametrize("redirect", [None, "", f"{CALLBACK}/", "https://evil.example/"])
def test_a_code_is_for_its_own_address(desk: Desk, redirect: str | None) -> None:
    code = desk.code()
    assert desk.token(code=code, redirect_uri=redirect).status_code == 400
    assert desk.token(code=code).status_code == 400  # it was used up by trying


@pytest.mark.parametrize("code", ["", "x", "ü\u202e", "x" * 4000, None])
def test_a_code_that_was_never_given(desk: Desk, code: str | None) -> None:
    assert desk.token(code=code).status_code == 400


def test_whoever_left_gets_nothing_for_their_code(desk: Desk) -> None:
    code = desk.code()
    _leave(desk, desk.sara)
    assert desk.token(code=code).status_code == 400


def _leave(desk: Desk, person: Person) -> None:
    with desk.of.store.write() as tx:
        tx.put(replace(person, active=False))


# ---------------------------------------------------------------------------------------- PKCE

S256 = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}


def test_a_challenge_is_held_against_its_verifier(desk: Desk) -> None:
    assert desk.token(code=desk.code(None, **S256), code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize("verifier", [None, "", "x" * 43, VERIFIER[:-1], S256["code_challenge"]])
def test_a_stolen_code_is_nothing_without_the_verifier(desk: Desk, verifier: str | None) -> None:
    """Downgrade, too: leaving the verifier out, or sending the challenge as if it were plain."""
    assert desk.token(code=desk.code(None, **S256), code_verifier=verifier).status_code == 400


def test_a_verifier_without_a_challenge_is_refused(desk: Desk) -> None:
    """The other downgrade: the challenge was taken out of the question on its way."""
    assert desk.token(code=desk.code(), code_verifier=VERIFIER).status_code == 400


# --------------------------------------------------------------------------- the app's own proof


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": None}, {"client_secret": ""}, {"client_secret": "x"},
        {"client_secret": OTHER_SECRET}, {"client_secret": "ü"}, {"client_id": None},
        {"client_id": "conn_0"}, {"client_id": 'c"\\ü'}, {"grant_type": "password"},
        {"grant_type": "client_credentials"}, {"grant_type": None}, {"grant_type": 'x"ü'},
    ],
    ids=str,
)  # fmt: skip
def test_only_the_app_itself_gets_tokens(desk: Desk, wrong: dict[str, str | None]) -> None:
    code = desk.code()
    assert desk.token(code=code, **wrong).status_code in (400, 401)
    assert desk.token(code=code).status_code == 200


def test_it_may_prove_itself_in_a_header(desk: Desk) -> None:
    basic = base64.b64encode(f"{desk.id}:{SECRET}".encode()).decode()
    form = {
        "grant_type": "authorization_code", "code": desk.code(), "redirect_uri": CALLBACK
    }  # fmt: skip
    answer = desk.app.test_client().post(
        "/oauth/token", base_url=PUBLIC, data=form, headers={"Authorization": f"Basic {basic}"}
    )
    assert answer.status_code == 200


def test_an_app_that_was_switched_off_gets_nothing(desk: Desk) -> None:
    code = desk.code()
    desk.switch_off(desk.id)
    assert desk.token(code=code).status_code in (400, 401)


# ------------------------------------------------------------------------------------ refreshing


def test_a_refresh_token_is_exchanged_for_another(desk: Desk) -> None:
    first = desk.tokens()
    desk.now += grant.ACCESS_LASTS
    assert not desk.works(first["access_token"])
    second = desk.refresh(first["refresh_token"]).json or {}
    assert second["refresh_token"] != first["refresh_token"]
    assert desk.works(second["access_token"])


def test_a_stolen_refresh_token_ends_everything_when_it_is_used_again(desk: Desk) -> None:
    first = desk.tokens()
    thief = desk.refresh(first["refresh_token"]).json or {}
    desk.now += timedelta(seconds=11)
    owner = desk.refresh(first["refresh_token"])
    assert (owner.status_code, (owner.json or {})["error"]) == (400, "invalid_grant")
    assert not desk.works(thief["access_token"])
    assert desk.refresh(thief["refresh_token"]).status_code == 400
    assert desk.tokens()  # a new yes begins anew


def test_asking_twice_at_once_is_no_theft(desk: Desk) -> None:
    """Two tabs, or an answer that was lost: both go on."""
    first = desk.tokens()
    pairs = [desk.refresh(first["refresh_token"]).json or {} for _ in range(2)]
    desk.now += timedelta(minutes=1)
    for pair in pairs:
        assert desk.works(pair["access_token"])
        assert desk.refresh(pair["refresh_token"]).status_code == 200


def test_a_refresh_token_is_for_its_own_app_and_ends(desk: Desk) -> None:
    first = desk.tokens()
    other = desk.refresh(
        first["refresh_token"], client_id=desk.other_id, client_secret=OTHER_SECRET
    )
    assert other.status_code == 400
    assert desk.refresh(first["access_token"]).status_code == 400  # that is no refresh token
    assert desk.refresh(first["refresh_token"], scope="everything").status_code == 400
    desk.now += timedelta(seconds=5)
    second = desk.refresh(first["refresh_token"]).json or {}
    desk.now += grant.REFRESH_LASTS
    assert desk.refresh(second["refresh_token"]).status_code == 400


def test_whoever_left_is_not_refreshed(desk: Desk) -> None:
    first = desk.tokens()
    _leave(desk, desk.sara)
    assert desk.refresh(first["refresh_token"]).status_code == 400
    assert not desk.works(first["access_token"])


# -------------------------------------------------------------------------------------- revoking


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_an_app_gives_its_access_back(desk: Desk, which: str) -> None:
    given = desk.tokens()
    form = {"token": given[which], "client_id": desk.id, "client_secret": SECRET}
    client = desk.app.test_client()
    wrong = {**form, "client_id": desk.other_id, "client_secret": OTHER_SECRET}
    assert client.post("/oauth/revoke", base_url=PUBLIC, data=wrong).status_code == 400
    unsigned = {**form, "client_secret": "x"}
    assert client.post("/oauth/revoke", base_url=PUBLIC, data=unsigned).status_code == 401
    assert desk.works(given["access_token"])
    assert client.post("/oauth/revoke", base_url=PUBLIC, data=form).status_code == 200
    assert not desk.works(given["access_token"])
    assert desk.refresh(given["refresh_token"]).status_code == 400
    unknown = {**form, "token": "never-given"}
    assert client.post("/oauth/revoke", base_url=PUBLIC, data=unknown).status_code == 200
