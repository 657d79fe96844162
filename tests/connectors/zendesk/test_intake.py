"""What is particular to Zendesk's signature and its keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from core.ports import Unverified
from tests.connectors.contract.bench import Bench
from tests.connectors.zendesk.harness import SECRET, TRIGGER_SECRET, event

STAMP = "x-zendesk-webhook-signature-timestamp"
CALL = b'{"v":1,"ticket_id":"35"}'


def test_bytes_cannot_move_between_stamp_and_body(bench: Bench) -> None:
    """The signature covers stamp + body with nothing between, so every split signs alike (W4)."""
    request = bench.harness.signed(CALL)
    whole = request.headers[STAMP] + CALL.decode()
    mac = hmac.new(SECRET.encode(), whole.encode(), hashlib.sha256).digest()
    assert request.headers["x-zendesk-webhook-signature"] == base64.b64encode(mac).decode()
    for at in range(len(whole) + 1):
        shifted = replace(
            request, headers={**request.headers, STAMP: whole[:at]}, body=whole[at:].encode()
        )
        if at == 20:
            assert bench.intake.verify(shifted, bench.harness.now)
            continue
        with pytest.raises(Unverified):
            bench.intake.verify(shifted, bench.harness.now)


def test_an_events_key_is_signed_and_survives_retries(bench: Bench) -> None:
    body = json.dumps(event("7b0d9f0e-5a2f-4f2e-9c65-000000000001")).encode()
    first = bench.harness.signed(body)
    key = bench.intake.verify(first, bench.harness.now)
    bench.harness.now += timedelta(minutes=4)
    stamped_anew = bench.harness.signed(body)
    assert stamped_anew.headers[STAMP] != first.headers[STAMP]
    assert bench.intake.verify(stamped_anew, bench.harness.now) == key
    name = "x-zendesk-webhook-invocation-id"
    replayed = replace(first, headers={**first.headers, name: "01KATBPMZ8OTHEROTHEROTHERO"})
    assert bench.intake.verify(replayed, bench.harness.now) == key


def test_a_triggers_call_has_the_invocations_key(bench: Bench) -> None:
    request = bench.harness.signed(CALL, secret=TRIGGER_SECRET)
    key = bench.intake.verify(request, bench.harness.now)
    assert key == "call:" + request.headers["x-zendesk-webhook-invocation-id"]
    name = "x-zendesk-webhook-invocation-id"
    for odd in ("", "a", "x" * 65, "a b", "é" * 26, "x" * 65536):
        with pytest.raises(Unverified):
            bench.intake.verify(
                replace(request, headers={**request.headers, name: odd}), bench.harness.now
            )
    rest = {key: value for key, value in request.headers.items() if key != name}
    assert bench.intake.verify(replace(request, headers=rest), bench.harness.now).startswith(
        "body:"
    )


def test_the_window_is_a_setting(bench: Bench) -> None:
    request = bench.harness.signed(CALL)
    later = bench.harness.now + timedelta(minutes=9)
    with pytest.raises(Unverified):
        bench.intake.verify(request, later)
    bench.settings.values["window_seconds"] = "600"
    assert bench.intake.verify(request, later)
    bench.settings.values["window_seconds"] = "1e9"
    with pytest.raises(Unverified):
        bench.intake.verify(request, later)
