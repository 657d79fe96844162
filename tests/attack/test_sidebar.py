"""Attack book F1, F2 and F4 at the sidebar's way in at Zendesk: whoever is no agent of that very
installation. What other frames and pages try in a browser stands in
`tests/webhooks/sidebar/test_zendesk_browser.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.webhooks.sidebar.entry import INSTALLATION, Entry, entered, policy_of
from tests.webhooks.sidebar.forge import b64, hs256, new_key, pem_of, rs256, unsigned
from webhooks import connecting

Claims = dict[str, Any]


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entry]:
    with entered(tmp_path_factory.mktemp("entry")) as made:
        yield made


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


def test_f1_no_other_signature_is_taken(entry: Entry) -> None:
    taken = {name for name, make in _other_keys(entry).items() if _taken(entry, make())}
    assert taken == set()


def test_f1_no_other_claims_are_taken(entry: Entry) -> None:
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
def test_f1_f2_the_origin_must_be_the_one_that_was_proved(entry: Entry, origin: str) -> None:
    answer = entry.post(entry.token(), origin=origin.format(entry.origin))
    assert answer.status_code == 401
    assert policy_of(answer)["frame-ancestors"] == "'none'"


def test_f1_f4_a_page_opens_once_however_its_signature_is_written(entry: Entry) -> None:
    token = entry.token()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = letters.index(token[-1]) & ~15
    spellings = [token[:-1] + letters[same + spare] for spare in range(16)]
    spellings += [token + "=", token + "==", token]
    answers = [entry.post(written).status_code for written in (token, *spellings)]
    assert answers[0] == 200
    assert set(answers[1:]) == {401}


def test_f1_of_many_at_once_one_page_opens(entry: Entry) -> None:
    token = entry.token()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: entry.post(token).status_code, range(8))
        assert sorted(answers) == [200] + [401] * 7


def test_f1_a_window_of_its_own_is_no_sidebar(entry: Entry) -> None:
    token = entry.token()
    assert entry.post(token, **{"Sec-Fetch-Dest": "document"}).status_code == 401
    assert entry.post(token, **{"Sec-Fetch-Dest": "iframe"}).status_code == 200


def test_f1_only_a_public_rsa_key_of_some_length_is_believed(entry: Entry) -> None:
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
