"""What every intake must refuse, and in which words (attack book W1 to W4, W9, W11)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors import registry
from connectors.http import Http
from core.ports import Malformed, RawRequest, Unrecognised, Unverified
from tests.connectors.contract.bench import Bench, claiming, taken_in
from tests.connectors.contract.harness import StoredSettings

every_intake = pytest.mark.parametrize("bench", claiming("intake"), indirect=True)

NONSENSE = ["", " ", "\x00", "x" * 65536, ",".join(["v1=00"] * 1000), "é", "١٢٣", "\ud800", "1e9",
            "NaN", "-1", "+1700000000", "0" * 64, "=" * 44, "t=,v1="]  # fmt: skip

BODIES = {
    "empty": b"",
    "not JSON": b"hello",
    "a list": b"[]",
    "a text": b'"x"',
    "nothing": b"null",
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deeper than 32": b'{"a":' * 40 + b"1" + b"}" * 40,
    "duplicate keys": b'{"type":"a","type":"b"}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "byte-order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "not UTF-8": b'{"a":"\xff"}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "endless number": b'{"a":' + b"9" * 20_000 + b"}",
    "too large": b'{"a":"' + b"x" * 1024 * 1024 + b'"}',
}


def _without(request: RawRequest, name: str) -> RawRequest:
    rest = {key: value for key, value in request.headers.items() if key != name}
    return replace(request, headers=rest)


def _with(request: RawRequest, name: str, value: str) -> RawRequest:
    return replace(request, headers={**request.headers, name: value})


@every_intake
def test_a_good_delivery_is_proved_and_keeps_its_key(bench: Bench) -> None:
    request = bench.harness.delivery()
    key = bench.intake.verify(request, bench.harness.now)
    assert 0 < len(key) <= 200
    assert bench.intake.verify(request, bench.harness.now) == key
    events = bench.intake.read(request)
    assert events
    assert {type(event).__name__ for event in events} <= set(bench.spec.hears)
    assert bench.harness.requests() == 0, "verifying and reading ask nobody"


@every_intake
def test_two_deliveries_have_two_keys(bench: Bench) -> None:
    keys = {bench.intake.verify(bench.harness.delivery(), bench.harness.now) for _ in range(3)}
    assert len(keys) == 3


@every_intake
def test_nonsense_in_any_proof_is_unverified(bench: Bench) -> None:
    request, now = bench.harness.delivery(), bench.harness.now
    for name in bench.harness.proofs:
        value = request.headers[name]
        cut = [value[:-1], value[1:], value + "A", value + " ", value.swapcase(), value * 9]
        odd = [_with(request, name, one) for one in (*NONSENSE, *cut) if one != value]
        for forged in (_without(request, name), *odd):
            with pytest.raises(Unverified):
                bench.intake.verify(forged, now)


@every_intake
def test_one_byte_of_the_body_matters(bench: Bench) -> None:
    if bench.spec.quality.get("signed", ("done", ""))[0] != "done":
        pytest.skip(bench.spec.quality["signed"][1])
    request, now = bench.harness.delivery(), bench.harness.now
    body = request.body
    changed = [body + b" ", b" " + body, body[:-1], body.replace(b":", b": ", 1)]
    changed.append(json.dumps(json.loads(body), sort_keys=True, indent=1).encode())
    changed += [body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] for at in range(0, len(body), 7)]
    for other in changed:
        with pytest.raises(Unverified):
            bench.intake.verify(replace(request, body=other), now)


@every_intake
def test_another_connections_secret_proves_nothing(bench: Bench) -> None:
    values = dict(bench.settings.values)
    for setting in bench.spec.settings:
        if setting.secret and setting.name in values:
            values[setting.name] = values[setting.name][::-1] + "x"
    other = registry.connect(bench.name, StoredSettings(values), Http(within=timedelta(seconds=1)))
    assert other.intake is not None
    with pytest.raises(Unverified):
        other.intake.verify(bench.harness.delivery(), bench.harness.now)


@every_intake
def test_without_a_secret_nothing_is_believed(bench: Bench) -> None:
    secret = {setting.name for setting in bench.spec.settings if setting.secret}
    for emptied in ({}, dict.fromkeys(secret, "")):
        kept = {k: v for k, v in bench.settings.values.items() if k not in secret}
        settings = StoredSettings({**kept, **emptied})
        other = registry.connect(bench.name, settings, Http(within=timedelta(seconds=1)))
        assert other.intake is not None
        with pytest.raises(Unverified):
            other.intake.verify(bench.harness.delivery(), bench.harness.now)


@every_intake
def test_old_and_future_deliveries_are_unverified(bench: Bench) -> None:
    if bench.spec.quality.get("fresh", ("done", ""))[0] != "done":
        pytest.skip(bench.spec.quality["fresh"][1])
    request, now = bench.harness.delivery(), bench.harness.now
    for off in (timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=400)):
        with pytest.raises(Unverified):
            bench.intake.verify(request, now + off)


@every_intake
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_nonsense_bodies_are_malformed(bench: Bench, body: bytes) -> None:
    request = bench.harness.signed(body)
    with pytest.raises(Malformed):
        taken_in(bench.intake, request, bench.harness.now)


@every_intake
def test_unknown_kinds_are_kept_as_such(bench: Bench) -> None:
    request = bench.harness.unknown()
    assert bench.intake.verify(request, bench.harness.now)
    with pytest.raises(Unrecognised):
        bench.intake.read(request)
