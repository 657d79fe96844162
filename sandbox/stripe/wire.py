"""Webhooks as Stripe sends them: the event as body, signed with a timestamp at every attempt."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from sandbox.hooks import Delivery, Target

#: In a sandbox Stripe tries three times more within a few hours.
RETRIES_S = (3600, 7200, 10800)


def compose(target: Target, topic: str, event: Any) -> Delivery:
    body = json.dumps(event, indent=2, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    return Delivery(event["id"], target, topic, body, headers)


def sign(delivery: Delivery, now: int) -> Mapping[str, str]:
    signed = f"{now}.".encode() + delivery.body
    digest = hmac.new(delivery.target.secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={now},v1={digest}"}


def retry_in(delivery: Delivery, status: int | None) -> float | None:
    if status is not None and 200 <= status < 300:
        return None
    tried = len(delivery.attempts) - 1
    return RETRIES_S[tried] if tried < len(RETRIES_S) else None
