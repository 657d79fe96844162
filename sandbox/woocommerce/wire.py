"""Webhooks as the shop sends them: base64 HMAC of the body, a delivery id that is not unique."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from sandbox.hooks import Delivery, Target

PING = "ping"
#: The code switches a webhook off at the seventh failure in a row (its manual says five).
DISABLED_AT = 7


def compose(source: str, second: int, target: Target, topic: str, payload: Any) -> Delivery:
    if topic == PING:
        return _ping(target)
    delivery_id = hashlib.md5(f"{target.id}{second}".encode()).hexdigest()
    resource, _, event = topic.partition(".")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "WooCommerce/10.3.0 Hookshot (WordPress/6.8.3)",
        "X-WC-Webhook-Source": f"{source}/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-ID": target.id,
        "X-WC-Webhook-Delivery-ID": delivery_id,
    }
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Delivery(delivery_id, target, topic, body, headers)


def _ping(target: Target) -> Delivery:
    """The first word of a new webhook: form-encoded and without a signature."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Delivery(f"ping-{target.id}", target, PING, f"webhook_id={target.id}".encode(), headers)


def sign(delivery: Delivery) -> Mapping[str, str]:
    if delivery.topic == PING:
        return {}
    digest = hmac.new(delivery.target.secret.encode(), delivery.body, hashlib.sha256).digest()
    return {"X-WC-Webhook-Signature": base64.b64encode(digest).decode()}
