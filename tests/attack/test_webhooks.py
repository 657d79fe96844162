"""Attack book W: what a stranger, a customer or a lying host can send to our webhook addresses.

The connectors' own proofs are in tests/connectors/contract/test_intake.py (every intake, no HTTP
between) and tests/connectors/test_signing.py; here it is the whole way through the door.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors import signing
from core.case import Case, CaseState, Outcome
from core.connection import Connection, Delivery, HostPayout
from core.payout import Payout
from core.ports import Malformed, RawRequest, Unrecognised, Unverified
from core.store.schema import upgrade
from core.store.sealing import new_key
from sandbox import freshdesk
from sandbox.freshdesk.state import API_KEY
from sandbox.host import serve
from tests.attack.door import Door, solved
from tests.attack.gates import Gate, Gates, forged, opened_gates
from tests.connectors.contract.bench import claiming
from tests.connectors.contract.test_intake import BODIES
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged
from webhooks import connecting
from webhooks.engine.deliveries import request_of

LATE_PARCEL = 1
_ANOTHERS = {
    "webhook_secret": "another's",
    "client_secret": "another's",
    "signing_secret": "another's",
    "trigger_signing_secret": "another's",
}


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    with opened_gates(tmp_path_factory.mktemp("gates")) as opened:
        yield opened


every_gate = pytest.mark.parametrize("name", claiming("intake"))


def _doc(value: object) -> dict[str, Any]:
    assert isinstance(value, Mapping)
    return dict(value)


def _gate(gates: Gates, name: str) -> Gate:
    gate = gates.each[name]
    gate.harness.now = gates.of.clock.now().replace(microsecond=0)
    return gate


@every_gate
def test_w1_no_proof_is_401_and_leaves_no_row(gates: Gates, name: str) -> None:
    gate, before = _gate(gates, name), gates.rows()
    vectors = forged(gate.harness.delivery(), gate.harness.proofs)
    assert len(vectors) >= 20
    assert {gate.knock(vector) for vector in vectors} == {401}
    assert gates.rows() == before
    assert gate.knock(gate.harness.delivery()) == 202, "the door still opens to the right one"


@every_gate
def test_w2_one_byte_or_another_spelling_of_the_body_is_401(gates: Gates, name: str) -> None:
    gate, before = _gate(gates, name), gates.rows()
    if not gate.signs:
        pytest.skip("signs nothing: W7 says what protects it")
    good = gate.harness.delivery()
    body = good.body
    spelled = json.dumps(json.loads(body), sort_keys=True, indent=1).encode()
    others = [body + b" ", b"\n" + body, body[:-1], spelled, spelled.replace(b" ", b"")]
    others += [body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] for at in range(0, len(body), 11)]
    for other in others:
        assert gate.knock(replace(good, body=other)) == 401
    assert gates.rows() == before


STAMPS = ["1e9", "+1700000000", "-1", "0", "NaN", "inf", "0x65", "1_700_000_000",
          "9" * 30, "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00",
          "2026-02-30T00:00:00Z", "2026-01-01t00:00:00z", "20260101T000000Z"]  # fmt: skip


def test_w3_odd_and_old_times_are_401_though_rightly_signed(rig: Rig) -> None:
    door = Door(rig)
    now = rig.clock.now()
    shown = "%Y-%m-%dT%H:%M:%SZ"
    off = [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=1), timedelta(days=-400)]
    for stamp in [*STAMPS, *((now + by).strftime(shown) for by in off)]:
        assert door.post(solved(), door.signed(solved(), at=stamp)) == 401, stamp
    arabic = now.strftime(shown).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    headers = door.signed(solved(), at=arabic)
    headers["X-Zendesk-Webhook-Signature-Timestamp"] = arabic.encode().decode("latin-1")
    assert door.post(solved(), headers) == 401
    assert door.kept() == 0
    assert door.post(solved()) == 202


@pytest.mark.parametrize("stamp", ["1e9", "+1700000000", "٠١٢", "NaN", "1700000000", "99999999999"])
def test_w3_the_same_for_hosts_that_count_seconds(gates: Gates, stamp: str) -> None:
    gate = _gate(gates, "stripe")
    body = gate.harness.delivery().body
    secret = gate.harness.settings()["webhook_secret"].encode()
    mac = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    header = f"t={stamp},v1={mac}".encode().decode("latin-1")
    before = gates.rows()
    assert gate.knock(RawRequest({"stripe-signature": header}, body)) == 401
    assert gates.rows() == before


def test_w4_moving_bytes_between_time_and_body_is_401_for_every_split(gates: Gates) -> None:
    """Zendesk signs time and body with nothing between: the sum of both is right each time."""
    gate, before = _gate(gates, "zendesk"), gates.rows()
    good = gate.harness.delivery()
    name = "x-zendesk-webhook-signature-timestamp"
    stamp, whole = good.headers[name], good.headers[name] + good.body.decode("latin-1")
    for at in range(len(whole) + 1):
        if at == len(stamp):
            continue
        moved = RawRequest(
            {**good.headers, name: whole[:at]}, whole[at:].encode("latin-1"), good.query
        )
        assert gate.knock(moved) == 401, at
    assert gates.rows() == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_w5_fifty_at_once_and_again_after_thirty_days_pay_once(kind: str, tmp_path: Path) -> None:
    store = open_store(kind, tmp_path)
    with rigged(store) as rig:
        door = Door(rig)
        rig.desk.post("webhooks/hold")
        rig.desk.post(f"tickets/{LATE_PARCEL}/solve")
        body, statuses = solved(LATE_PARCEL), []
        headers = door.signed(body)
        threads = [
            threading.Thread(target=lambda: statuses.append(door.post(body, headers)))
            for _ in range(50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [202] * 50
        rig.settle()
        _paid_once(rig)
        rig.later(days=30)
        again = rig.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        assert door.post(body, door.signed(body, at=again)) == 202
        rig.settle()
        _paid_once(rig)
        assert door.kept() >= 1
    store.close()


def _paid_once(rig: Rig) -> None:
    (case,) = rig.cases(LATE_PARCEL)
    assert case.outcome is Outcome.MADE_GOOD
    assert len(rig.payouts(case)) == 1
    assert len(rig.refunds()) == 1


def test_w6_a_delivery_without_a_time_has_no_second_effect_however_often_it_comes(
    rig: Rig,
) -> None:
    """The id Shopify gives a delivery is not signed, so whoever replays one may change it."""
    rig.shop.post("orders/1003/refund", amount="5.00", note="called in")
    rig.settle()
    till = rig.stage.tills["shopify"]
    with rig.store.read() as reader:
        (first, *_) = [
            d for d in reader.find(Delivery, connection_id=till)
            if "refunds/create" in str(d.headers)
        ]  # fmt: skip
        before = reader.find(HostPayout)
    url = f"{rig.of.settings.public_url}/hooks/{rig.connection(till).path_token}"
    assert isinstance(first.headers, dict)
    skip = ("host", "content-length", "connection", "accept-encoding")
    headers = {k: str(v) for k, v in first.headers.items() if k not in skip}
    for number in range(20):
        headers["x-shopify-webhook-id"] = f"replayed-{number:04d}"
        assert requests.post(url, data=first.body, headers=headers, timeout=30).status_code == 202
    rig.later(days=30)
    with rig.store.read() as reader:
        assert reader.find(HostPayout) == before
        assert reader.count(Case) == reader.count(Payout) == 0


def test_w6_the_same_body_again_is_let_go_at_woocommerce(gates: Gates) -> None:
    gate = _gate(gates, "woocommerce")
    good = gate.harness.delivery()
    assert gate.knock(good) == 202
    before = gates.rows()
    for number in range(20):
        headers = {**good.headers, "x-wc-webhook-delivery-id": f"{number:032x}"}
        headers["x-wc-webhook-id"] = str(number)
        assert gate.knock(replace(good, headers=headers)) == 202
    assert gates.rows() == before


def test_w7_a_forged_call_of_an_unsigned_host_finds_the_ticket_as_it_is(rig: Rig) -> None:
    """Whoever lacks the secret gets 401; and even with it, nothing of the body is believed."""
    with serve({"freshdesk": freshdesk.create()}) as running:
        seen = running.states["freshdesk"]
        seen.seed(
            {
                "users": [{"id": 7, "name": "E", "email": "e@example.org", "locale": "en"}],
                "tickets": [
                    {"id": 35, "subject": "Late #1001", "description": "late", "requester_id": 7,
                     "status": "open", "tags": ["amends_late_delivery"]}
                ],
            }
        )  # fmt: skip
        desk = connecting.add(
            rig.of,
            "freshdesk",
            values={
                "domain": "shop.freshdesk.com",
                "address": running.urls["freshdesk"],
                "api_key": API_KEY,
                "webhook_secret": "s" * 43,
            },
            options={**_doc(rig.connection(rig.stage.desk_id).options), "case_field": None},
        )
        url = f"{rig.of.settings.public_url}/hooks/{desk.path_token}"
        body = json.dumps(
            {"v": 1, "ticket_id": 35, "status": "Resolved", "amount": "9999", "approved_by": "me"}
        )
        for headers in ({}, {"x-amends-secret": "S" * 43}, {"x-amends-secret": "s" * 42}):
            assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 401
        with rig.store.read() as reader:
            assert reader.count(Delivery, connection_id=desk.id) == 0
        proved = {"x-amends-secret": "s" * 43}
        assert requests.post(url, data=body, headers=proved, timeout=30).status_code == 202
        rig.settle()
        with rig.store.read() as reader:
            (case,) = reader.find(Case, desk_id=desk.id)
            assert reader.count(Payout) == 0
        assert case.state in (CaseState.CLOSED, CaseState.GATHERING, CaseState.WITH_PERSON)
        assert case.outcome is not Outcome.MADE_GOOD
        assert rig.refunds() == []


def test_w8_a_good_signature_opens_no_other_door(gates: Gates, tmp_path: Path) -> None:
    """Another connection's address, the same connector's address of another workspace, and an
    address that was never given."""
    with opened_gates(tmp_path, ["shopify", "stripe", "woocommerce", "zendesk"]) as other:
        with other.store.write() as tx:
            for gate in other.each.values():
                row = tx.find(Connection, path_token=gate.token)[0]
                tx.put(replace(row, sealed=None, settings={**_doc(row.settings), **_ANOTHERS}))
        before = (gates.rows(), other.rows())
        for gate in gates.each.values():
            good = gate.harness.delivery()
            for name, elsewhere in gates.each.items():
                if name != gate.name:
                    assert gate.knock(good, elsewhere.token) in (400, 401), (gate.name, name)
            if gate.name in other.each:
                assert other.each[gate.name].knock(good) == 401
                assert gate.knock(good, other.each[gate.name].token) == 404
            assert gate.knock(good, "A" * 32) == 404
        assert (gates.rows(), other.rows()) == before


def test_w8_the_ids_inside_must_be_the_connections_own(gates: Gates) -> None:
    """Rightly signed, as by one app installed at two shops, and about the other one."""
    shop, before = _gate(gates, "shopify"), gates.rows()
    good = shop.harness.delivery()
    elsewhere = {**good.headers, "x-shopify-shop-domain": "another.myshopify.com"}
    assert shop.knock(replace(good, headers=elsewhere)) == 401
    stripe = _gate(gates, "stripe")
    event = json.loads(stripe.harness.delivery().body)
    body = json.dumps({**event, "account": "acct_another"}).encode()
    assert stripe.knock(stripe.harness.signed(body)) == 401
    assert gates.rows() == before


@every_gate
def test_w9_long_and_many_proofs_are_refused(gates: Gates, name: str) -> None:
    gate, before = _gate(gates, name), gates.rows()
    good = gate.harness.delivery()
    for proof in gate.harness.proofs:
        value = good.headers[proof]
        for odd in ("a" * 65_536, ",".join([value] * 1000), ",".join(["v1=" + "0" * 64] * 1000)):
            headers = {**good.headers, proof: odd}
            assert gate.knock(replace(good, headers=headers)) in (400, 401)
    assert gates.rows() == before


def test_w9_the_time_of_comparing_tells_nothing() -> None:
    """A first byte that is right and a first byte that is wrong take as long: medians of many,
    interleaved, lie within each other's spread. That the comparison has no early end is held by
    tests/connectors/test_signing.py (test_every_comparison_is_made)."""
    body, key = b"x" * 200, "secret"
    good = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    near, far = good[:-1] + ("0" if good[-1] != "0" else "1"), "z" + good[1:]

    def timed(given: str) -> int:
        begun = time.perf_counter_ns()
        with pytest.raises(Unverified):
            signing.check_hex([given], [key], body)
        return time.perf_counter_ns() - begun

    rounds = [(timed(near), timed(far)) for _ in range(3000)]
    one, other = ([r[i] for r in rounds] for i in (0, 1))
    spread = statistics.quantiles(one, n=4)[2] - statistics.quantiles(one, n=4)[0]
    assert abs(statistics.median(one) - statistics.median(other)) < max(spread, 2_000)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """`amends web` as it is run: its process, host and port."""
    url = f"sqlite:///{tmp_path / 'a.sqlite3'}"
    upgrade(url)
    environment = {
        **os.environ, "AMENDS_DATABASE_URL": url, "AMENDS_KEYS": new_key(), "AMENDS_PORT": "0",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "webhooks", "web"],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    line = process.stderr.readline()
    host, _, port = line.rpartition("/")[2].strip().partition(":")
    try:
        yield process, host, int(port)
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stderr.close()


def _rss(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(x for x in status.splitlines() if x.startswith("VmRSS:")).split()[1]) * 1024


def _raw(host: str, port: int, head: str, body: Iterator[bytes]) -> int:
    """Send what no library would; the status, 0 where the server just hung up."""
    with socket.create_connection((host, port), timeout=30) as sock:
        try:
            sock.sendall(head.replace("\n", "\r\n").encode())
            for chunk in body:
                sock.sendall(chunk)
        except OSError:
            pass  # the answer may be there all the same
        try:
            answer = sock.recv(64)
        except OSError:
            return 0
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1") else 0


def _mass(size: int) -> Iterator[bytes]:
    chunk = b"x" * 65_536
    for _ in range(size // len(chunk)):
        yield chunk


def _chunks(size: int) -> Iterator[bytes]:
    for piece in _mass(size):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


POST = "POST /hooks/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\nHost: a\n"


@pytest.mark.slow
def test_w10_no_body_makes_the_server_grow(
    served: tuple[subprocess.Popen[str], str, int],
) -> None:
    process, host, port = served
    url = f"http://{host}:{port}"
    for _ in range(20):
        assert requests.get(f"{url}/readyz", timeout=30).status_code == 200
        _raw(host, port, POST + "Content-Length: 65536\n\n", _mass(65_536))
    before = _rss(process.pid)
    huge = 100 * 2**20
    bomb = gzip.compress(b"0" * 50_000_000)
    for _ in range(3):
        assert _raw(host, port, POST + f"Content-Length: {huge}\n\n", _mass(huge)) in (413, 0)
        chunked = POST + "Transfer-Encoding: chunked\n\n"
        assert _raw(host, port, chunked, _chunks(huge)) in (413, 400, 0)
        packed = POST + f"Content-Encoding: gzip\nContent-Length: {len(bomb)}\n\n"
        assert _raw(host, port, packed, iter([bomb])) in (400, 404)
        both = POST + "Content-Length: 5\nTransfer-Encoding: chunked\n\n"
        assert _raw(host, port, both, iter([b"0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n"])) in (
            400, 404, 0,
        )  # fmt: skip
    slow = [socket.create_connection((host, port), timeout=30) for _ in range(40)]
    for sock in slow:
        sock.sendall((POST + "Content-Length: 1000\n\n{").replace("\n", "\r\n").encode())
    assert requests.get(f"{url}/readyz", timeout=30).status_code == 200, "slow ones hold up nobody"
    grown = _rss(process.pid) - before
    for sock in slow:
        sock.close()
    assert grown < 5 * 2**20, f"grew by {grown / 2**20:.1f} MB"


@every_gate
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_w11_nonsense_is_400_or_kept_as_not_understood(
    gates: Gates, name: str, body: bytes
) -> None:
    """Rightly signed all the same. Hosts whose signature is over bytes alone are read later."""
    gate, before = _gate(gates, name), gates.rows()
    status = gate.knock(gate.harness.signed(body))
    assert status in (202, 400, 401, 413)
    if status == 202:
        newest = gates.kept()[-1]
        with pytest.raises((Malformed, Unrecognised)):
            gates.hosts.get(newest.connection_id).intake.read(request_of(newest))
    else:
        assert gates.rows() == before
