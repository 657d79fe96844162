"""Where requests may go: the address that was looked at is the one connected to (S1a)."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.http import Answer, Http
from connectors.sockets import is_public
from connectors.wire import path_shape
from core.ports import NotSent, Unknown
from tests.connectors.rawhost import always, answer, raw_host

NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 192.0.0.1 192.168.1.1
198.18.0.1 192.0.2.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1
64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1:: fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1 2001:db8::1
2001:0:7f00:1::
""".split()  # noqa: SIM905 (a list of them reads worse)
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::6810:84e5", "::ffff:8.8.8.8", "64:ff9b::808:808"]

NOTATIONS = """
https://127.0.0.1/ https://127.1/ https://0/ https://0.0.0.0/ https://2130706433/ https://0x7f000001/
https://0x7f.1/ https://0177.0.0.1/ https://017700000001/ https://[::1]/ https://[::]/
https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[0:0:0:0:0:ffff:127.0.0.1]/
https://[64:ff9b::7f00:1]/ https://169.254.169.254/latest/meta-data/ https://[fe80::1]/
https://localhost/ https://localhost./ https://LOCALHOST/ https://127。0。0。1/ https://①②⑦.0.0.1/
https://user@127.0.0.1/ https://user:pass@8.8.8.8/ https://8.8.8.8@127.0.0.1/
http://8.8.8.8/ https://8.8.8.8:8443/
https://8.8.8.8:22/ ftp://8.8.8.8/ file:///etc/passwd gopher://8.8.8.8/ https:///x https://
""".split()  # noqa: SIM905


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Addresses anything tried to connect to; none of them is reached."""
    tried: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


@pytest.mark.parametrize("url", NOTATIONS)
def test_every_notation_of_a_private_address_is_refused(url: str, connected: list[Any]) -> None:
    http = Http(within=timedelta(seconds=15))
    assert isinstance(http.send("POST", url, json={}), NotSent)
    assert connected == []


@pytest.mark.parametrize("url", ["https://8.8.8.8#@127.0.0.1/", "https://8.8.8.8\\@127.0.0.1/"])
def test_what_is_checked_is_what_is_connected_to(url: str, connected: list[Any]) -> None:
    """Parsers disagree about these; whichever host ours reads, that one is looked at."""
    assert isinstance(Http(within=timedelta(seconds=15)).send("POST", url, json={}), NotSent)
    assert connected == ["8.8.8.8"]


def _answers(*lookups: list[str]) -> Callable[..., Any]:
    queue = list(lookups)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        found = queue.pop(0) if len(queue) > 1 else queue[0]
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(ip).version], socket.SOCK_STREAM, 6, "", (ip, port))
            for ip in found
        ]

    return getaddrinfo


def test_rebinding_finds_no_gap(monkeypatch: pytest.MonkeyPatch, connected: list[Any]) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _answers(["93.184.216.34"], ["127.0.0.1"]))
    assert isinstance(Http().send("POST", "https://shop.example/", json={}), NotSent)
    assert connected == ["93.184.216.34"], "looked up once, connected to what was looked at"


def test_one_private_address_among_public_ones_is_enough(
    monkeypatch: pytest.MonkeyPatch, connected: list[Any]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _answers(["93.184.216.34", "10.0.0.7"]))
    assert isinstance(Http().send("POST", "https://shop.example/", json={}), NotSent)
    assert connected == []


def test_private_is_allowed_only_when_said_so() -> None:
    with raw_host(always(answer())) as host:
        assert isinstance(Http(allow_private=True).send("POST", host.url), Answer)
        assert isinstance(Http().send("POST", host.url), NotSent)
        assert len(host.requests) == 1


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, str]:
    """A server's context for `name`, and the file that says to trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, str(path)


def test_tls_keeps_the_name_though_the_address_is_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _answers(["127.0.0.1"]))
    context, trusted = _certificate(tmp_path, "shop.example")
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    with raw_host(always(answer()), context) as host:
        http = Http(within=timedelta(seconds=15), allow_private=True)
        http.session.verify = trusted
        good = http.send("POST", f"https://shop.example:{host.port}/", json={})
        assert isinstance(good, Answer), good
        assert names == ["shop.example"]
        wrong = http.send("POST", f"https://other.example:{host.port}/", json={})
        assert isinstance(wrong, NotSent)
        assert len(host.requests) == 1


def test_an_untrusted_certificate_is_refused_even_if_a_library_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _answers(["127.0.0.1"]))
    context, _ = _certificate(tmp_path, "shop.example")
    with raw_host(always(answer()), context) as host:
        http = Http(within=timedelta(seconds=15), allow_private=True)
        http.session.verify = False
        sent = http.send("POST", f"https://shop.example:{host.port}/", json={})
        assert isinstance(sent, NotSent | Unknown)
        assert host.requests == []


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/v2/tickets/35.json", "/api/v2/tickets/{}"),
        ("/admin/api/2026-10/graphql.json", "/admin/api/2026-10/graphql.json"),
        ("/v1/refunds/re_3Nx", "/v1/refunds/{}"),
        ("/users/leyla@example.org", "/users/{}"),
        ("/hooks/" + "a" * 43, "/hooks/{}"),
        ("/x?token=1", "/x"),
        ("", ""),
    ],
)
def test_path_shapes_hold_no_ids(path: str, shape: str) -> None:
    assert path_shape(path) == shape
