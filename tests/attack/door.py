"""The helpdesk's webhook address as a stranger finds it, and the secret only the host has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import requests

from core.connection import Delivery
from tests.webhooks.rig import Rig
from webhooks.hosts import opened


def solved(
    ticket_id: int | str = 1, event_id: str = "7b0d9f0e-5a2f-4f2e-9c65-0c9d8f2f7a10"
) -> bytes:
    """A ticket was solved, as Zendesk's event says it."""
    event = {
        "account_id": 1,
        "id": event_id,
        "type": "zen:event-type:ticket.status_changed",
        "subject": f"zen:ticket:{ticket_id}",
        "time": "2026-01-08T10:12:07.672717030Z",
        "zendesk_event_version": "2022-11-06",
        "detail": {"id": str(ticket_id), "status": "SOLVED", "tags": [], "actor_id": "9001"},
        "event": {"previous": "OPEN", "current": "SOLVED"},
    }
    return json.dumps(event).encode()


class Door:
    def __init__(self, rig: Rig) -> None:
        row = rig.connection(rig.stage.desk_id)
        self.rig, self.url = rig, f"{rig.of.settings.public_url}/hooks/{row.path_token}"
        values = opened(row, rig.of.sealer, rig.store.workspace_id)
        self.secret = values["signing_secret"]

    def signed(self, body: bytes, at: str | None = None, **headers: str) -> dict[str, str]:
        stamp = at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        mac = hmac.new(self.secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
        return {
            "X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
            "Content-Type": "application/json",
            **headers,
        }

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        headers = self.signed(body) if headers is None else headers
        return requests.post(self.url, data=body, headers=headers, timeout=30).status_code

    def kept(self) -> int:
        with self.rig.store.read() as reader:
            return reader.count(Delivery)
