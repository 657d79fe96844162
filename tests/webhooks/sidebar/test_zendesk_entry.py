"""The way into the sidebar at Zendesk. Who is kept out of it: `tests/attack/test_sidebar.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
from click.testing import CliRunner

from core.ports import HostNotFound, HostUnclear, Malformed
from core.session import NoSession, find
from tests.webhooks.sidebar.entry import AGENT, APP, INSTALLATION, Entry, entered, policy_of
from tests.webhooks.sidebar.forge import hs256
from webhooks import connecting
from webhooks.cli import main
from webhooks.engine import leftovers
from webhooks.hosts import NoSuchConnection, opened


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entry]:
    with entered(tmp_path_factory.mktemp("entry")) as made:
        yield made


def test_an_agent_gets_a_page_and_a_session_of_their_own(entry: Entry) -> None:
    answer = entry.post(
        entry.token(), **{"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    token = page.partition('name="amends-token" content="')[2].partition('"')[0]
    with entry.rig.store.read() as reader:
        found = find(reader, token, entry.rig.clock.now())
    assert (found.connection_id, found.agent_id, found.origin) == (
        entry.desk_id, str(AGENT), entry.origin,
    )  # fmt: skip
    assert f'src="{entry.origin}/zaf_sdk.min.js"' in page


def test_the_page_is_framed_by_its_helpdesk_alone_and_kept_by_nobody(entry: Entry) -> None:
    answer = entry.post(entry.token())
    policy = policy_of(answer)
    assert policy["frame-ancestors"] == entry.origin
    assert policy["script-src"] == f"'self' {entry.origin}/zaf_sdk.min.js"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_the_issuer_may_have_its_scheme(entry: Entry, scheme: str) -> None:
    iss = scheme + entry.origin.removeprefix("http://")
    assert entry.post(entry.token(iss=iss)).status_code == 200


def test_clocks_may_differ_by_a_minute(entry: Entry) -> None:
    now = int(entry.rig.clock.now().timestamp())
    assert entry.post(entry.token(iat=now + 50, exp=now + 120)).status_code == 200
    assert entry.post(entry.token(iat=now - 110, exp=now - 50)).status_code == 200


def test_a_page_is_remembered_for_as_long_as_it_would_be_taken(entry: Entry) -> None:
    """Zendesk does not say for how long it signs; what is cleared away by night must not bring an
    old page back."""
    clock = entry.rig.clock
    long = int((clock.now() + timedelta(days=4)).timestamp())
    token = entry.token(exp=long)
    assert entry.post(token).status_code == 200
    before, clock.ahead = clock.ahead, clock.ahead + timedelta(days=3)
    try:
        left: Mapping[str, object] | None = {}
        while left is not None:
            with entry.rig.store.write() as tx:
                left = leftovers.remove(tx, left, clock.now())
        assert entry.post(entry.token(exp=long)).status_code == 200
        assert entry.post(token).status_code == 401
    finally:
        clock.ahead = before


@pytest.mark.parametrize("connection", ["conn_0", "conn 0", "x" * 200, "{shopify}"])
def test_other_connections_open_nothing(entry: Entry, connection: str) -> None:
    shop = entry.rig.stage.tills["shopify"]
    answer = entry.post(entry.token(), connection=connection.format(shopify=shop))
    assert answer.status_code == 401


def test_an_app_that_is_not_set_up_opens_nothing(entry: Entry) -> None:
    values = {"subdomain": "demo", "address": entry.origin, "access_token": "x"}
    other = connecting.add(entry.rig.of, "zendesk", values=values)
    assert entry.post(entry.token(), connection=other.id).status_code == 401


def test_whoever_is_refused_learns_nothing(entry: Entry) -> None:
    """One text for all, without the name of a connection, a helpdesk or what was wrong."""
    pages = {
        entry.post(token, connection=connection).get_data(as_text=True)
        for token in ("x", entry.token(aud="x"), hs256(b"", entry.claims()))
        for connection in (entry.desk_id, "conn_0")
    }
    assert len(pages) == 1
    page = pages.pop()
    assert "opens inside your helpdesk" in page
    assert entry.origin not in page
    assert entry.desk_id not in page


def test_an_agent_reads_the_refusal_inside_their_helpdesk(entry: Entry) -> None:
    answer = entry.post("x")
    assert answer.status_code == 401
    assert policy_of(answer)["frame-ancestors"] == entry.origin


def test_the_bare_address_says_where_to_open_it(entry: Entry) -> None:
    answer = entry.app.test_client().get(f"/zendesk/{entry.desk_id}/sidebar?origin={entry.origin}")
    assert answer.status_code == 401
    assert "opens inside your helpdesk" in answer.get_data(as_text=True)
    assert policy_of(answer)["frame-ancestors"] == "'none'"


def test_a_body_larger_than_any_token_is_not_read(entry: Entry) -> None:
    answer = entry.post("x" * 100_000)
    assert answer.status_code == 413


def test_a_session_ends_by_itself(entry: Entry) -> None:
    page = entry.post(entry.token()).get_data(as_text=True)
    token = page.partition('name="amends-token" content="')[2].partition('"')[0]
    now = entry.rig.clock.now()
    with entry.rig.store.read() as reader, pytest.raises(NoSession):
        find(reader, token, now + timedelta(hours=1, seconds=1))


# ------------------------------------------------------------------------------ setting it up


def _settings(entry: Entry) -> dict[str, str]:
    row = connecting.existing(entry.rig.of, entry.desk_id)
    return opened(row, entry.rig.of.sealer, entry.rig.store.workspace_id)


def test_a_connection_learns_its_apps_key_and_keeps_the_rest(entry: Entry) -> None:
    settings = _settings(entry)
    assert settings["app_installation_id"] == str(INSTALLATION)
    assert settings["app_public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert settings["access_token"] == "zendesk-sandbox-token"
    assert settings["signing_secret"]


@pytest.mark.parametrize(
    ("app", "installation"), [("x", "42"), ("1", "../2"), ("0", "1"), ("", "")]
)
def test_what_is_no_number_is_refused(entry: Entry, app: str, installation: str) -> None:
    with pytest.raises(Malformed):
        connecting.set_up_app(entry.rig.of, entry.desk_id, app, installation)


def test_a_till_has_no_such_app(entry: Entry) -> None:
    with pytest.raises(NoSuchConnection, match="shows no app"):
        connecting.set_up_app(entry.rig.of, entry.rig.stage.tills["shopify"], "1", "1")


@pytest.mark.parametrize("body", ["<html>", "-----BEGIN PUBLIC KEY-----", ""])
def test_an_answer_that_is_no_key_changes_nothing(entry: Entry, body: str) -> None:
    before = _settings(entry)
    entry.rig.desk.post(
        "faults", kind="status", status=200, body=body, match={"path": "*public_key.pem"}
    )
    with pytest.raises(HostUnclear):
        connecting.set_up_app(entry.rig.of, entry.desk_id, str(APP), "43")
    assert _settings(entry) == before


def test_an_app_that_is_not_there(entry: Entry) -> None:
    fault = {"kind": "status", "status": 404, "match": {"path": "*public_key.pem"}}
    entry.rig.desk.post("faults", **fault)
    with pytest.raises(HostNotFound):
        connecting.set_up_app(entry.rig.of, entry.desk_id, "4712", "42")


def test_the_command_asks_for_both_numbers() -> None:
    asked = CliRunner().invoke(main, ["connector", "app", "conn_1"])
    assert asked.exit_code == 2
    assert "--app-id" in asked.output
