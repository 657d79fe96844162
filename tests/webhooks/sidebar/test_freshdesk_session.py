"""An agent's access, exchanged for a session of the sidebar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core import grant, session
from core.people import PersonIdentity
from core.session import Session
from tests.webhooks.sidebar.agents import AGENT, ORIGIN, PUBLIC, Desk, desk_at


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_at(tmp_path) as made:
        yield made


def sessions(desk: Desk) -> list[Session]:
    with desk.of.store.read() as reader:
        return reader.find(Session)


def test_a_session_is_the_agents_own(desk: Desk) -> None:
    answer = desk.exchange(desk.tokens()["access_token"])
    assert answer.status_code == 200
    given = answer.json or {}
    assert given["address"] == PUBLIC
    assert given["expires_in"] == 8 * 3600
    assert answer.headers["Cache-Control"] == "no-store"
    with desk.of.store.read() as reader:
        found = session.find(reader, given["token"], desk.now)
        assert session.person_of(reader, found) == desk.sara
    assert (found.agent_id, found.origin, found.connection_id) == (AGENT, ORIGIN, desk.id)


@pytest.mark.parametrize("access", [None, "", "x", "x" * 43, "ü" * 30, "x" * 5000])
def test_without_access_there_is_none(desk: Desk, access: str | None) -> None:
    if access is not None and not access.isascii():
        access = access.encode().decode("latin-1")
    answer = desk.exchange(access)
    assert (answer.status_code, (answer.json or {})["error"]) == (401, "no_access")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert sessions(desk) == []


def test_a_refresh_token_is_no_access(desk: Desk) -> None:
    assert desk.exchange(desk.tokens()["refresh_token"]).status_code == 401


def test_access_is_for_its_own_helpdesk(desk: Desk) -> None:
    access = desk.tokens()["access_token"]
    for connection_id in (desk.other_id, "conn_0", "x" * 300):
        assert desk.exchange(access, connection_id=connection_id).status_code == 401
    assert sessions(desk) == []


def test_access_ends(desk: Desk) -> None:
    access = desk.tokens()["access_token"]
    desk.now += grant.ACCESS_LASTS - timedelta(seconds=1)
    assert desk.works(access)
    desk.now += timedelta(seconds=1)
    assert not desk.works(access)


def test_whom_the_page_says_only_chooses_among_ones_own(desk: Desk) -> None:
    """Somebody else's id, or none: the browser cannot make an agent of another."""
    boss = desk.person("Boss", "boss@shop.example", "48000000001")
    access = desk.tokens()["access_token"]
    for said in ("48000000001", "", AGENT + " ", None, 48000000777, ["48000000777"]):
        answer = desk.exchange(access, agent=said)
        assert (answer.status_code, (answer.json or {})["error"]) == (403, "other_account")
    assert sessions(desk) == []
    assert desk.exchange(desk.tokens(boss)["access_token"], agent="48000000001").status_code == 200


def test_an_account_that_was_taken_away_counts_no_more(desk: Desk) -> None:
    access = desk.tokens()["access_token"]
    with desk.of.store.write() as tx:
        row = tx.find(PersonIdentity, person_id=desk.sara.id)[0]
        tx.put(replace(row, connection_id=desk.other_id))
    answer = desk.exchange(access)
    assert answer.status_code == 403
    assert "amends person link sara@shop.example" in (answer.json or {})["say"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", ORIGIN + "/", ORIGIN.upper(), "http://x", None]
)
def test_a_page_from_elsewhere_gets_none_and_is_told_what_to_do(
    desk: Desk, origin: str | None
) -> None:
    answer = desk.exchange(desk.tokens()["access_token"], origin=origin)
    assert (answer.status_code, (answer.json or {})["error"]) == (403, "unknown_origin")
    assert f"amends manifest allow {desk.id}" in (answer.json or {})["say"]
    assert sessions(desk) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"agent": {}}', b"[" * 4000])
def test_nonsense_is_refused_in_words(desk: Desk, body: bytes) -> None:
    answer = desk.app.test_client().post(
        f"/freshdesk/{desk.id}/session",
        base_url=PUBLIC,
        data=body,
        headers={"Authorization": f"Bearer {desk.tokens()['access_token']}"},
    )
    assert answer.status_code == 403


def test_a_body_is_bounded(desk: Desk) -> None:
    answer = desk.exchange(desk.tokens()["access_token"], padding="x" * 5000)
    assert answer.status_code == 413


def test_a_helpdesk_that_is_off_gives_none(desk: Desk) -> None:
    access = desk.tokens()["access_token"]
    desk.switch_off(desk.id)
    assert desk.exchange(access).status_code == 401


def test_nobody_opens_tickets_without_end(desk: Desk) -> None:
    access = desk.tokens()["access_token"]
    answers = [desk.exchange(access) for _ in range(41)]
    assert [answer.status_code for answer in answers] == [200] * 40 + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    desk.now += timedelta(minutes=1)
    assert desk.works(access)


def test_a_person_is_signed_out_of_everything(desk: Desk) -> None:
    access = desk.tokens()["access_token"]
    begun = (desk.exchange(access).json or {})["token"]
    with desk.of.store.write() as tx:
        assert grant.end_all(tx, desk.sara.id, desk.now) == 1
        assert session.end_all(tx, desk.sara.id, desk.now) == 1
    assert not desk.works(access)
    with desk.of.store.read() as reader, pytest.raises(session.NoSession):
        session.find(reader, begun, desk.now)
