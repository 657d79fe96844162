"""Freshdesk for the contract suite: the stand-in of `sandbox/freshdesk`, and its bare secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from core.ports import RawRequest
from sandbox.faults import Kind, When
from sandbox.freshdesk import create
from sandbox.freshdesk.state import API_KEY, FreshdeskState
from sandbox.host import serve
from tests.connectors.contract.harness import What, Written, plant

SECRET = "canary-freshdesk-webhook-Vd7"
REQUESTER = 48014072130
HERE = {
    "read": {"method": "GET", "path": "/api/v2/tickets/35*"},
    "note": {"method": "POST", "path": "/api/v2/tickets/35/notes"},
    "reply": {"method": "POST", "path": "/api/v2/tickets/35/reply"},
    "marks": {"method": "PUT", "path": "/api/v2/tickets/35"},
}


class Harness:
    proofs = ("x-amends-secret",)
    ticket_id = "35"

    def __init__(self) -> None:
        self.state = FreshdeskState()
        self.running = serve({"freshdesk": create(self.state)})
        self.address = self.running.urls["freshdesk"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._count = 100
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
                        "custom_fields": {"cf_reason": "damaged"},
                        "created_at": earlier,
                    }
                ],
            }
        )

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "domain": "shop.freshdesk.com",
            "address": self.address,
            "api_key": API_KEY,
            "webhook_secret": SECRET,
            "case_field": "cf_amends_case",
        }

    def requests(self) -> int:
        return len(self.state.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        plant(self.state, HERE[what], kind, when, **details)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        self._count += 1
        return self.signed(json.dumps({"v": 1, "ticket_id": str(self._count)}).encode())

    def unknown(self) -> RawRequest:
        return self.signed(b'{"event":"onTicketTeleport","data":{"ticket":{"id":35}}}')

    def signed(self, body: bytes, *, secret: str = SECRET) -> RawRequest:
        headers = {"content-type": "application/json", "x-amends-secret": secret}
        return RawRequest(headers, body)

    # -------------------------------------------------------------------------------------- desk

    def comments(self) -> Sequence[Written]:
        conversations = self.state.tickets[35].conversations
        return [Written(one.body_text, not one.private) for one in conversations]

    def tags(self) -> frozenset[str]:
        return frozenset(self.state.tickets[35].tags)

    def shut(self) -> None:
        """A closed ticket can still be written to at Freshdesk; a deleted one cannot."""
        del self.state.tickets[35]
