"""F1: the one way into the sidebar at Zendesk, and whoever is no agent of that installation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.session import NoSession, find
from sandbox.zendesk.api_more import app_key
from sandbox.zendesk.state import ZendeskState
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged
from tests.webhooks.sidebar.forge import b64, hs256, new_key, pem_of, rs256, unsigned
from webhooks import connecting
from webhooks.app import create_app

APP, INSTALLATION, AGENT = 4711, 42, 9001
KIND = {"Content-Type": "application/x-www-form-urlencoded"}

Claims = dict[str, Any]


class Entry:
    """A connection whose app is set up, and what its Zendesk would post."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        state = rig.running.states["zendesk"]
        assert isinstance(state, ZendeskState)
        self.key: rsa.RSAPrivateKey = app_key(state, APP)
        self.origin = rig.stage.urls["zendesk"]
        self.desk_id = rig.stage.desk_id
        connecting.set_up_app(rig.of, self.desk_id, str(APP), str(INSTALLATION))
        self.client: FlaskClient = create_app(rig.of).test_client()

    def claims(self, **changed: Any) -> Claims:
        now = int(self.rig.clock.now().timestamp())
        claims = {
            "iss": self.origin.removeprefix("http://"),
            "aud": f"{self.origin}/api/v2/apps/installations/{INSTALLATION}.json",
            "sub": f"{self.origin}/api/v2/users/{AGENT}.json",
            "iat": now,
            "exp": now + 60,
            "qsh": "a" * 64,
            "context": {"product": "support", "location": "ticket_sidebar"},
        }
        return {k: v for k, v in (claims | changed).items() if v is not None}

    def token(self, **changed: Any) -> str:
        # No two pages are signed alike: whoever forges two in one second must not meet a replay.
        self.serial = getattr(self, "serial", 0) + 1
        return rs256(self.key, self.claims(serial=self.serial, **changed))

    def post(
        self,
        token: str,
        *,
        origin: str | None = None,
        connection: str | None = None,
        **headers: str,
    ) -> TestResponse:
        return self.client.post(
            f"/zendesk/{connection or self.desk_id}/sidebar",
            query_string={"origin": self.origin if origin is None else origin, "app_guid": "g1"},
            data={"token": token},
            headers=headers,
        )


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entry]:
    store = open_store("sqlite", tmp_path_factory.mktemp("entry"))
    with rigged(store) as rig:
        yield Entry(rig)
    store.close()


def _policy(answer: TestResponse) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


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
    policy = _policy(answer)
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


def _other_keys(entry: Entry) -> dict[str, Callable[[], str]]:
    stranger = new_key()
    pem = pem_of(entry.key)
    private = stranger.private_numbers()
    jwk = {
        "kty": "RSA",
        "n": b64(private.public_numbers.n.to_bytes(256, "big")),
        "e": "AQAB",
    }
    claims = entry.claims()
    return {
        "another key": lambda: rs256(stranger, claims),
        "another key under a name": lambda: rs256(stranger, claims, kid="/dev/null"),
        "the key in the header": lambda: rs256(stranger, claims, jwk=jwk),
        "an address of a key": lambda: rs256(stranger, claims, jku="https://evil.example/keys"),
        "an unknown demand": lambda: rs256(entry.key, claims, crit=["exp2"], exp2=1),
        "HS256 with the public key": lambda: hs256(pem, claims),
        "HS256 with the public key, trimmed": lambda: hs256(pem.strip(), claims),
        "HS256 with an empty key": lambda: hs256(b"", claims),
        "an RS256 signature called HS256": lambda: (
            unsigned({"alg": "HS256"}, claims) + "." + rs256(entry.key, claims).rpartition(".")[2]
        ),
        "none": lambda: unsigned({"alg": "none"}, claims) + ".",
        "None": lambda: unsigned({"alg": "None"}, claims) + ".",
        "none with a signature": lambda: (
            unsigned({"alg": "none"}, claims) + "." + rs256(entry.key, claims).rpartition(".")[2]
        ),
        "RS512": lambda: rs256(entry.key, claims, alg="RS512"),
        "no algorithm": lambda: rs256(entry.key, claims, alg=None),
        "an algorithm that is a list": lambda: rs256(entry.key, claims, alg=["RS256"]),
        "no signature": lambda: rs256(entry.key, claims).rpartition(".")[0] + ".",
        "half a signature": lambda: rs256(entry.key, claims)[:-100],
        "claims changed after signing": lambda: _swapped(entry),
        "nothing": str,
        "dots": lambda: "..",
        "five parts": lambda: rs256(entry.key, claims) + ".x.y",
        "not ASCII": lambda: rs256(entry.key, claims) + "\u0660",
        "too long": lambda: rs256(entry.key, {**claims, "pad": "x" * 9000}),
        "a deep header": lambda: b64(b"[" * 4000) + ".e30.AA",
        "a header that is a list": lambda: b64(b"[]") + ".e30.AA",
        "claims that are a list": lambda: rs256(entry.key, []),
        "claims that are a number": lambda: rs256(entry.key, 7),
    }


def _swapped(entry: Entry) -> str:
    head, _, signature = entry.token().split(".")
    other = unsigned({}, entry.claims(sub=f"{entry.origin}/api/v2/users/1.json")).partition(".")[2]
    return f"{head}.{other}.{signature}"


def test_no_other_signature_is_taken(entry: Entry) -> None:
    taken = {name for name, make in _other_keys(entry).items() if _taken(entry, make())}
    assert taken == set()


def test_no_other_claims_are_taken(entry: Entry) -> None:
    now, host = int(entry.rig.clock.now().timestamp()), entry.origin
    wrong: dict[str, Claims] = {
        "another installation": {"aud": f"{host}/api/v2/apps/installations/43.json"},
        "an installation of another helpdesk": {
            "aud": "https://evil.zendesk.com/api/v2/apps/installations/42.json"
        },
        "longer": {"aud": f"{host}/api/v2/apps/installations/42.json/"},
        "shorter": {"aud": f"{host}/api/v2/apps/installations/4"},
        "two audiences": {"aud": [f"{host}/api/v2/apps/installations/42.json", "x"]},
        "one audience in a list": {"aud": [f"{host}/api/v2/apps/installations/42.json"]},
        "no audience": {"aud": None},
        "another issuer": {"iss": "evil.zendesk.com"},
        "an issuer around ours": {"iss": f"{host}.evil.example"},
        "an issuer that is a list": {"iss": [host]},
        "no issuer": {"iss": None},
        "no subject": {"sub": None},
        "a subject of another helpdesk": {"sub": "https://evil.zendesk.com/api/v2/users/9001.json"},
        "a subject that is no user": {"sub": f"{host}/api/v2/groups/9001.json"},
        "a subject in other digits": {"sub": f"{host}/api/v2/users/٩٠٠١.json"},
        "a subject and more": {"sub": f"{host}/api/v2/users/9001.json\n"},
        "a subject that is a number": {"sub": 9001},
        "expired": {"iat": now - 200, "exp": now - 61},
        "no end": {"exp": None},
        "an end in words": {"exp": str(now + 60)},
        "an end that is true": {"exp": True},
        "no end in sight": {"exp": float("nan")},
        "endless": {"exp": float("inf")},
        "an end beyond all calendars": {"exp": 10**30},
        "from the future": {"iat": now + 120, "exp": now + 180},
        "no beginning": {"iat": None},
        "not yet": {"nbf": now + 120},
    }
    taken = {name for name, claims in wrong.items() if _taken(entry, entry.token(**claims))}
    assert taken == set()


def _taken(entry: Entry, token: str) -> bool:
    answer = entry.post(token)
    assert answer.status_code in (200, 401), answer.status_code
    return answer.status_code == 200


@pytest.mark.parametrize("origin", ["", "https://evil.example", "{}/", "{}.evil.example", "null"])
def test_the_origin_must_be_the_one_that_was_proved(entry: Entry, origin: str) -> None:
    answer = entry.post(entry.token(), origin=origin.format(entry.origin))
    assert answer.status_code == 401
    assert _policy(answer)["frame-ancestors"] == "'none'"


def test_a_page_opens_once_however_its_signature_is_written(entry: Entry) -> None:
    token = entry.token()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = letters.index(token[-1]) & ~15
    spellings = [token[:-1] + letters[same + spare] for spare in range(16)]
    spellings += [token + "=", token + "==", token]
    answers = [entry.post(written).status_code for written in (token, *spellings)]
    assert answers[0] == 200
    assert set(answers[1:]) == {401}


def test_a_page_is_remembered_for_as_long_as_it_would_be_taken(entry: Entry) -> None:
    token = entry.token()
    assert entry.post(token).status_code == 200
    entry.rig.clock.ahead += type(entry.rig.clock.ahead)(seconds=115)
    assert entry.post(token).status_code == 401


def test_a_window_of_its_own_is_no_sidebar(entry: Entry) -> None:
    token = entry.token()
    assert entry.post(token, **{"Sec-Fetch-Dest": "document"}).status_code == 401
    assert entry.post(token, **{"Sec-Fetch-Dest": "iframe"}).status_code == 200


@pytest.mark.parametrize("connection", ["conn_0", "conn 0", "x" * 200, "{shopify}"])
def test_other_connections_open_nothing(entry: Entry, connection: str) -> None:
    shop = entry.rig.stage.tills["shopify"]
    answer = entry.post(entry.token(), connection=connection.format(shopify=shop))
    assert answer.status_code == 401


def test_an_app_that_is_not_set_up_opens_nothing(entry: Entry) -> None:
    values = {"subdomain": "demo", "address": entry.origin, "access_token": "x"}
    other = connecting.add(entry.rig.of, "zendesk", values=values)
    assert entry.post(entry.token(), connection=other.id).status_code == 401


def test_only_a_public_rsa_key_of_some_length_is_believed(entry: Entry) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    keys = [
        pem_of(short),
        curve.public_bytes(*text),
        b"secret",
        b"-----BEGIN PUBLIC KEY-----\nAA==",
    ]
    for pem in keys:
        values = {
            "subdomain": "demo", "address": entry.origin, "access_token": "x",
            "app_installation_id": str(INSTALLATION), "app_public_key": pem.decode(),
        }  # fmt: skip
        other = connecting.add(entry.rig.of, "zendesk", values=values)
        for token in (hs256(pem, entry.claims()), rs256(short, entry.claims())):
            assert entry.post(token, connection=other.id).status_code == 401


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
    assert _policy(answer)["frame-ancestors"] == entry.origin


def test_the_bare_address_says_where_to_open_it(entry: Entry) -> None:
    answer = entry.client.get(f"/zendesk/{entry.desk_id}/sidebar?origin={entry.origin}")
    assert answer.status_code == 401
    assert "opens inside your helpdesk" in answer.get_data(as_text=True)
    assert _policy(answer)["frame-ancestors"] == "'none'"


def test_a_body_larger_than_any_token_is_not_read(entry: Entry) -> None:
    answer = entry.post("x" * 100_000)
    assert answer.status_code == 413


def test_a_session_ends_by_itself(entry: Entry) -> None:
    page = entry.post(entry.token()).get_data(as_text=True)
    token = page.partition('name="amends-token" content="')[2].partition('"')[0]
    now = entry.rig.clock.now()
    with entry.rig.store.read() as reader, pytest.raises(NoSession):
        find(reader, token, now + type(entry.rig.clock.ahead)(hours=1, seconds=1))
