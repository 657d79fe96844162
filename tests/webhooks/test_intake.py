"""Bad requests: the right answer, nothing stored, and the next good one is taken."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
import requests

from core.connection import Connection, Delivery
from tests.webhooks.rig import Rig
from webhooks.hosts import opened

SOLVED = {
    "account_id": 1,
    "id": "7b0d9f0e-5a2f-4f2e-9c65-0c9d8f2f7a10",
    "type": "zen:event-type:ticket.status_changed",
    "subject": "zen:ticket:1",
    "time": "2026-01-08T10:12:07.672717030Z",
    "zendesk_event_version": "2022-11-06",
    "detail": {"id": "1", "status": "SOLVED", "tags": [], "actor_id": "9001"},
    "event": {"previous": "OPEN", "current": "SOLVED"},
}


class Door:
    """The helpdesk's webhook address, and its secret."""

    def __init__(self, rig: Rig) -> None:
        row = rig.connection(rig.stage.desk_id)
        self.rig, self.url = rig, f"{rig.of.settings.public_url}/hooks/{row.path_token}"
        values = opened(row, rig.of.sealer, rig.store.workspace_id)
        self.secret = values["signing_secret"]

    def signed(self, body: bytes, at: str | None = None, **headers: str) -> Mapping[str, str]:
        stamp = at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        mac = hmac.new(self.secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
        return {
            "X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
            "X-Zendesk-Webhook-Invocation-Id": "01K",
            "Content-Type": "application/json",
            **headers,
        }

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        return requests.post(self.url, data=body, headers=headers, timeout=30).status_code

    def kept(self) -> int:
        with self.rig.store.read() as reader:
            return reader.count(Delivery)


@pytest.fixture
def door(rig: Rig) -> Iterator[Door]:
    door = Door(rig)
    yield door
    body = json.dumps(SOLVED).encode()
    assert door.post(body, door.signed(body)) == 202, "the door still opens to the right one"
    assert door.kept() >= 1


GOOD = json.dumps(SOLVED).encode()
OTHER = "7b0d9f0e-5a2f-4f2e-9c65-0c9d8f2f7a11"
DEEP = b"[" * 100_000 + b"]" * 100_000

UNREADABLE = {
    "no json": b"solved!",
    "empty": b"",
    "deep": DEEP,
    "twice the same key": GOOD[:-1] + b',"id":"other"}',
    "NaN": GOOD.replace(b'"account_id": 1', b'"account_id": NaN'),
    "Infinity": GOOD.replace(b'"account_id": 1', b'"account_id": Infinity'),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "utf-16": GOOD.decode().encode("utf-16"),
    "latin-1": GOOD.replace(b"zen:ticket:1", b"zen:ticket:\xe9"),
    "lone surrogate": GOOD.replace(b"zen:ticket:1", b"zen:ticket:\\ud800"),
    "a list": b"[" + GOOD + b"]",
}


def _altered(body: bytes) -> list[bytes]:
    return [body + b" ", body[:-1], body.replace(b"SOLVED", b"solved"), b" " + body]


def test_without_a_signature_nothing_is_kept(door: Door) -> None:
    before = door.kept()
    assert door.post(GOOD, {"Content-Type": "application/json"}) == 401
    for body in _altered(GOOD):
        assert door.post(body, door.signed(GOOD)) == 401
    for stale in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "1767867127", "NaN", "١٢٣"):
        headers = {**door.signed(GOOD, at="2026-01-01T00:00:00Z")}
        headers["X-Zendesk-Webhook-Signature-Timestamp"] = stale.encode().decode("latin-1")
        assert door.post(GOOD, headers) == 401
    assert door.kept() == before


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_no_host_sends_is_400_or_kept_as_not_understood(door: Door, what: str) -> None:
    body = UNREADABLE[what]
    status = door.post(body, door.signed(body))
    assert status in (400, 401, 413)
    with door.rig.store.read() as reader:
        assert reader.count(Delivery, connection_id=door.rig.stage.desk_id) == 0


def test_too_large_is_refused_before_it_is_read(door: Door) -> None:
    body = b'{"a":"' + b"x" * (2 * 2**20) + b'"}'
    assert door.post(body, door.signed(body)) == 413


def test_a_body_without_an_end_is_cut_off(door: Door) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    try:
        status = requests.post(
            door.url, data=endless(), headers=door.signed(b""), timeout=30
        ).status_code
    except requests.ConnectionError:
        return  # the server hung up while we were still sending
    assert status in (400, 401, 411, 413)


def test_a_compressed_body_is_not_opened(door: Door) -> None:
    body = gzip.compress(b"0" * 50_000_000)
    assert door.post(body, door.signed(body, **{"Content-Encoding": "gzip"})) == 400


def test_huge_and_many_headers_are_refused(door: Door) -> None:
    assert door.post(GOOD, door.signed(GOOD, **{"X-Long": "a" * 9000})) in (400, 431)
    assert door.post(GOOD, {f"X-{n}": "a" for n in range(150)}) in (400, 431)


def test_an_address_nobody_has_is_404(door: Door) -> None:
    assert requests.post(f"{door.url}x", data=GOOD, timeout=30).status_code == 404
    assert requests.get(door.url, timeout=30).status_code == 405


def test_another_connections_secret_does_not_open_this_door(door: Door) -> None:
    with door.rig.store.read() as reader:
        others = [c for c in reader.find(Connection) if c.id != door.rig.stage.desk_id]
    for other in others:
        url = f"{door.rig.of.settings.public_url}/hooks/{other.path_token}"
        assert (
            requests.post(url, data=GOOD, headers=door.signed(GOOD), timeout=30).status_code == 401
        )


def test_an_unknown_kind_is_kept_and_shown_as_not_understood(door: Door) -> None:
    body = json.dumps({**SOLVED, "id": OTHER, "type": "zen:event-type:ticket.flew_away"}).encode()
    assert door.post(body, door.signed(body)) == 202
    door.rig.settle()
    with door.rig.store.read() as reader:
        (kept,) = reader.find(Delivery, connection_id=door.rig.stage.desk_id)
    assert kept.state == "not_understood"
    assert kept.why


def test_no_credential_is_kept_with_a_delivery(door: Door) -> None:
    headers = door.signed(GOOD, **{"Authorization": "Bearer canary-1", "X-Api-Key": "canary-2"})
    assert door.post(GOOD, headers) == 202
    with door.rig.store.read() as reader:
        (kept,) = reader.find(Delivery)
    assert "canary" not in str(kept.headers)


def test_half_a_request_does_not_hold_the_door(door: Door) -> None:
    host, port = door.url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=30) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert door.post(GOOD, door.signed(GOOD)) == 202
