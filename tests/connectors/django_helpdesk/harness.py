"""django-helpdesk for the contract suite: the real one, with a door in front for the trouble."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from core.ports import RawRequest
from sandbox.faults import Kind, When
from tests.connectors.contract.harness import What, Written, plant
from tests.real import hosts
from tests.real.helpdesk import RESOLVED
from tests.real.proxy import RealHost, in_front_of

SECRET = "canary-helpdesk-webhook-secret-Jf8"
WIDTHLESS = "\u200b\u200c\u200d\u2060"
HERE = {
    "read": {"method": "GET", "path": "/api/tickets/*"},
    # Its second step; the first is looked at in test_desk_lies.py beside this.
    "note": {"method": "PATCH", "path": "/api/followups/*"},
    "reply": {"method": "POST", "path": "/api/followups/"},
    "marks": {"method": "PATCH", "path": "/api/tickets/*"},
}


class Harness:
    #: The proof is in the address; see test_intake.py beside this.
    proofs = ()

    def __init__(self) -> None:
        self.desk = hosts.helpdesk()
        self.door = RealHost(self.desk.url)
        self.running = in_front_of(self.door)
        self.address = self.running.urls["real"]
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._count = 100

    @cached_property
    def number(self) -> int:
        """A ticket of this test's own, resolved by an agent."""
        made = self.desk.open(
            email="leyla@example.org",
            title="Broken parcel #1042",
            text="It arrived broken.",
            reason="damaged_item",
            amends_tags="vip damaged",
        )
        self.desk.set_by_rest(made, status=RESOLVED)
        return made

    @property
    def ticket_id(self) -> str:
        return str(self.number)

    def close(self) -> None:
        self.running.close()

    def settings(self) -> dict[str, str]:
        return {
            "address": self.address,
            "username": "amends",
            "password": hosts.HELPDESK_PASSWORD,
            "webhook_secret": SECRET,
            "tags_field": "amends_tags",
        }

    def requests(self) -> int:
        return len(self.door.requests)

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        plant(self.door, HERE[what], kind, when, **details)

    def trouble(self, method: str, path: str, kind: Kind, when: When) -> None:
        plant(self.door, {"method": method, "path": path}, kind, when)

    # ------------------------------------------------------------------------------------ intake

    def delivery(self) -> RawRequest:
        self._count += 1
        said = {"id": self._count, "ticket": 35, "user": 1, "public": True, "new_status": RESOLVED}
        ticket = {"id": 35, "queue": 1, "status": RESOLVED, "followup_set": [said]}
        body = {"ticket": ticket, "queue_slug": "orders", "followup_id": self._count}
        return self.signed(json.dumps(body).encode())

    def unknown(self) -> RawRequest:
        return self.signed(b'{"kbitem":{"id":3}}')

    def signed(self, body: bytes, *, secret: str = SECRET) -> RawRequest:
        return RawRequest({"content-type": "application/json"}, body, {"secret": secret})

    # -------------------------------------------------------------------------------------- desk

    def comments(self) -> Sequence[Written]:
        """Without those that say nothing anybody could see."""
        there = self.desk.follow_ups(self.number)
        said = [Written(one["comment"] or "", one["public"]) for one in there]
        return [one for one in said if one.text.strip(WIDTHLESS)]

    def tags(self) -> frozenset[str]:
        return frozenset(self.desk.ticket(self.number)["custom_amends_tags"].split())

    def shut(self) -> None:
        """A closed ticket can still be written to at django-helpdesk; a deleted one cannot."""
        self.desk.delete(self.number)
