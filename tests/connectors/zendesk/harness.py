"""Zendesk for the contract suite: the stand-in of `sandbox/zendesk`, and its signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from core.ports import RawRequest
from sandbox.faults import Kind, When
from sandbox.host import serve
from sandbox.zendesk import create
from sandbox.zendesk.state import TOKEN, ZendeskState
from tests.connectors.contract.harness import What, Written, plant

SECRET = "canary-zendesk-signing-Zr4"
TRIGGER_SECRET = "canary-zendesk-trigger-Qx9"
REQUESTER = 8447346622463
HERE = {
    "read": {"method": "GET", "path": "/api/v2/tickets/35*"},
    "note": {"method": "PUT", "path": "/api/v2/tickets/35"},
    "reply": {"method": "PUT", "path": "/api/v2/tickets/35"},
    "marks": {"method": "PUT", "path": "/api/v2/tickets/35/tags"},
}


class Harness:
    proofs = ("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp")
    ticket_id = "35"

    def __init__(self) -> None:
        self.state = ZendeskState()
        self.running = serve({"zendesk": create(self.state)})
        self.address = self.running.urls["zendesk"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._count = 0
        earlier = (self.now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.state.seed(
            {
                "users": [
                    {
                        "id": REQUESTER,
                        "name": "Leyla Karimi",
                        "email": "leyla@example.org",
                        "locale": "fa",
                    }
                ],
                "tickets": [
                    {
                        "id": 35,
                        "subject": "Broken parcel #1042",
                        "description": "It arrived broken.",
                        "requester_id": REQUESTER,
                        "status": "solved",
                        "tags": ["vip", "damaged"],
                        "custom_fields": [{"id": 360002, "value": "damaged"}],
                        "created_at": earlier,
                    }
                ],
            }
        )

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "subdomain": "shop",
            "address": self.address,
            "access_token": TOKEN,
            "signing_secret": SECRET,
            "trigger_signing_secret": TRIGGER_SECRET,
            "case_field": "360001",
        }

    def requests(self) -> int:
        return len(self.state.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        plant(self.state, HERE[what], kind, when, **details)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        self._count += 1
        return self.signed(
            json.dumps(event(f"7b0d9f0e-5a2f-4f2e-9c65-{self._count:012d}")).encode()
        )

    def unknown(self) -> RawRequest:
        kind = "zen:event-type:ticket.teleported"
        return self.signed(json.dumps({**event("7b0d9f0e-unknown"), "type": kind}).encode())

    def signed(self, body: bytes, *, secret: str = SECRET) -> RawRequest:
        stamp = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        mac = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
        return RawRequest(
            {
                "content-type": "application/json; charset=utf-8",
                "x-zendesk-account-id": "123456",
                "x-zendesk-webhook-id": "01KATBPMZ8K2R6D6Z1G5M1V3QX",
                "x-zendesk-webhook-invocation-id": f"01KATBPMZ8{time.monotonic_ns():016d}",
                "x-zendesk-webhook-signature": base64.b64encode(mac).decode(),
                "x-zendesk-webhook-signature-timestamp": stamp,
            },
            body,
        )

    # -------------------------------------------------------------------------------------- desk

    def comments(self) -> Sequence[Written]:
        comments = self.state.tickets[35].comments[1:]
        return [Written(comment.body, comment.public) for comment in comments]

    def tags(self) -> frozenset[str]:
        return frozenset(self.state.tickets[35].tags)

    def solve(self) -> None:
        """As an agent would."""
        self._act("solve")

    def comment(self, text: str) -> None:
        self._act("comment", body=text, public=False)

    def _act(self, action: str, **body: Any) -> None:
        url = f"{self.address}/_sandbox/tickets/35/{action}"
        requests.post(url, json=body, timeout=30).raise_for_status()

    def shut(self) -> None:
        self.state.tickets[35].status = "closed"


def event(event_id: str) -> dict[str, Any]:
    """A status change as Zendesk sends it."""
    return {
        "account_id": 123456,
        "id": event_id,
        "type": "zen:event-type:ticket.status_changed",
        "subject": "zen:ticket:35",
        "time": "2026-01-08T10:12:07.672717030Z",
        "zendesk_event_version": "2022-11-06",
        "detail": {
            "id": "35",
            "actor_id": "8447388090494",
            "status": "SOLVED",
            "tags": ["vip", "damaged"],
            "updated_at": "2026-01-08T10:12:07Z",
        },
        "event": {"previous": "OPEN", "current": "SOLVED"},
    }
