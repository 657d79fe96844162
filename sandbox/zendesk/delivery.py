"""Zendesk's webhooks on the wire: headers, signature, retry rules, event bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from sandbox.clock import Clock
from sandbox.hooks import Delivery, Target

CONDITIONAL = "conditional_ticket_events"
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STAMP = "X-Zendesk-Webhook-Signature-Timestamp"
#: Seconds between attempts where the receiver named none. The real waits are not published.
_PAUSE_S = 1.0


def ulid() -> str:
    """26 characters, ordered by time, as the ids of webhooks and invocations."""
    value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    return "".join(_BASE32[(value >> shift) & 31] for shift in range(125, -1, -5))


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """base64(HMAC-SHA256(secret as it is written, timestamp + body)), with nothing in between."""
    digest = hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def compose(target: Target, topic: str, payload: Any) -> Delivery:
    """The request for one webhook: an event's JSON, or the text a trigger's author wrote.

    Invocation id and timestamp are fixed here and stay over the retries; whether the real host
    stamps a retry anew is not documented.
    """
    body = payload if topic == CONDITIONAL else json.dumps(payload, ensure_ascii=False)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Zendesk Webhook",
        "X-Zendesk-Account-Id": "123456",
        "X-Zendesk-Webhook-Id": target.id,
        "X-Zendesk-Webhook-Invocation-Id": ulid(),
        _STAMP: Clock.wall_iso(),
        **target.meta.get("custom_headers", {}),
        **_authentication(target.meta.get("authentication")),
    }
    return Delivery(
        id=headers["X-Zendesk-Webhook-Invocation-Id"],
        target=target,
        topic=topic,
        body=body.encode(),
        headers=headers,
        method=target.meta.get("http_method", "POST"),
    )


def _authentication(asked: Mapping[str, Any] | None) -> dict[str, str]:
    if not asked:
        return {}
    data = asked.get("data", {})
    if asked["type"] == "api_key":
        return {data["name"]: data["value"]}
    if asked["type"] == "bearer_token":
        return {"Authorization": f"Bearer {data['token']}"}
    pair = f"{data['username']}:{data['password']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def signature(delivery: Delivery) -> dict[str, str]:
    signed = sign(delivery.target.secret, delivery.headers[_STAMP], delivery.body)
    return {"X-Zendesk-Webhook-Signature": signed}


def retry_in(delivery: Delivery, status: int | None, after: str | None) -> float | None:
    """409 up to three times, 429 and 503 only with a Retry-After below 60, timeouts up to five."""
    retries = len(delivery.attempts) - 1
    if status is None:
        timed_out = delivery.attempts[-1].error in ("ReadTimeout", "ConnectTimeout", "Timeout")
        return _PAUSE_S if timed_out and retries < 5 else None
    if status == 409:
        return _PAUSE_S if retries < 3 else None
    if status in (429, 503) and after is not None and after.isdigit() and int(after) < 60:
        return float(after)
    return None


def default_custom_statuses() -> list[dict[str, Any]]:
    labels = [
        ("new", "New", "Open"),
        ("open", "Open", "Open"),
        ("hold", "On-hold", "Open"),
        ("pending", "Pending", "Awaiting your reply"),
        ("solved", "Solved", "Solved"),
    ]
    return [
        {
            "id": 8447320466430 + number,
            "status_category": category,
            "agent_label": agent,
            "end_user_label": customer,
            "description": "",
            "default": True,
            "active": True,
        }
        for number, (category, agent, customer) in enumerate(labels)
    ]
