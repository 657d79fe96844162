"""What Freshdesk knows, how it looks from outside, and its webhooks on the wire."""

from __future__ import annotations

import itertools
import json
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hooks import Delivery, Target, as_json
from sandbox.host import HostState

#: The integration's key. Keys belong to agents, have no scopes and do not expire.
API_KEY = "freshdesk-sandbox-key"
INTEGRATION_AGENT = 48000000001
STATUSES = {2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed"}
_NUMBERS = {"open": 2, "pending": 3, "solved": 4, "closed": 5}
_RETRIES_S = (300.0, 1800.0, 3600.0)


@dataclass
class Conversation:
    """A note, a reply, or what the customer wrote (`incoming`)."""

    id: int
    ticket_id: int
    user_id: int
    body: str
    body_text: str
    private: bool
    incoming: bool
    source: int  # 0 reply, 2 note
    created_at: str
    updated_at: str


@dataclass
class Ticket:
    """A ticket; `index` holds its searchable past as (epoch, snapshot), newest last."""

    id: int
    subject: str
    description_text: str
    requester_id: int
    created_at: str
    updated_at: str
    status: int = 2
    priority: int = 1
    source: int = 1
    type: str | None = None
    responder_id: int | None = None
    group_id: int | None = None
    company_id: int | None = None
    tags: list[str] = field(default_factory=list)
    custom_fields: dict[str, Any] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    index: list[tuple[float, dict[str, Any]]] = field(default_factory=list)


@dataclass
class App:
    """An installed app: its files, what was filled in when it was installed, its calls of the last
    minute, and the access that each agent has given it (agent id -> tokens)."""

    id: int
    files: dict[str, bytes]
    iparams: dict[str, Any]
    oauth_iparams: dict[str, Any]
    calls: deque[float] = field(default_factory=deque)
    access: dict[int, dict[str, str]] = field(default_factory=dict)


@dataclass
class Limits:
    """Requests a minute of the Enterprise plan, and of ticket updates alone."""

    total: int = 700
    updates: int = 280
    templates: int = 50  # of an app, whoever looks at it


class FreshdeskState(HostState):
    secret_paths = ("/_app/", "/a/apps/", "/auth/")

    def reset_books(self) -> None:
        self._ids = itertools.count(48000100001)
        self.tickets: dict[int, Ticket] = {}
        self.contacts: dict[int, dict[str, Any]] = {}
        self.agents: dict[int, dict[str, Any]] = {}
        self.keys: dict[str, int] = {API_KEY: INTEGRATION_AGENT}
        self.ratings: list[dict[str, Any]] = []
        self.apps: dict[int, App] = {}
        #: Agents who were sent to an app's provider: state -> (app, agent, ticket).
        self.asked: dict[str, tuple[int, int, int]] = {}
        self.statuses = dict(STATUSES)
        self.custom_fields = {"cf_amends_case": "Amends case", "cf_reason": "Reason"}
        #: Custom fields without which a ticket can be neither resolved nor closed.
        self.needed_to_close: set[str] = set()
        self.hits: dict[str, deque[float]] = {}
        self.limits = Limits()
        self.search_lag_s = 60.0
        self.add_agent(INTEGRATION_AGENT, "Amends", "amends@shop.example")

    def next_id(self) -> int:
        return next(self._ids)

    def add_contact(self, data: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.iso()
        contact = {
            "id": data["id"],
            "name": data.get("name", ""),
            "email": data.get("email"),
            "language": str(data.get("locale", "en")).partition("-")[0],
            "active": True,
            "phone": None,
            "mobile": None,
            "company_id": None,
            "time_zone": "Berlin",
            "other_emails": [],
            "tags": [],
            "custom_fields": {},
            "created_at": now,
            "updated_at": now,
        }
        self.contacts[data["id"]] = contact
        return contact

    def add_agent(self, agent_id: int, name: str, email: str) -> None:
        """An agent with an API key of their own."""
        now = self.clock.iso()
        self.keys.setdefault(secrets.token_hex(10), agent_id)
        self.agents[agent_id] = {
            "id": agent_id,
            "available": True,
            "occasional": False,
            "type": "support_agent",
            "ticket_scope": 1,
            "group_ids": [],
            "role_ids": [],
            "created_at": now,
            "updated_at": now,
            "contact": {"name": name, "email": email, "active": True, "language": "en"},
        }

    def touch(self, ticket: Ticket) -> None:
        ticket.updated_at = self.clock.iso()
        ticket.index.append((self.clock.epoch(), self.ticket_json(ticket)))

    def ticket_json(self, ticket: Ticket) -> dict[str, Any]:
        names = (
            "id subject description_text status priority source type requester_id responder_id "
            "group_id company_id created_at updated_at"
        )
        return {name: getattr(ticket, name) for name in names.split()} | {
            "description": f"<div>{ticket.description_text}</div>",
            "tags": list(ticket.tags),
            "custom_fields": {name: ticket.custom_fields.get(name) for name in self.custom_fields},
            "spam": False,
            "is_escalated": False,
            "fr_escalated": False,
            "product_id": None,
            "email_config_id": None,
            "cc_emails": [],
            "fwd_emails": [],
            "reply_cc_emails": [],
            "to_emails": None,
            "due_by": ticket.created_at,
            "fr_due_by": ticket.created_at,
        }

    def books(self) -> dict[str, Any]:
        return {
            "tickets": [
                self.ticket_json(ticket)
                | {"conversations": [vars(c) for c in ticket.conversations]}
                for ticket in self.tickets.values()
            ],
            "contacts": list(self.contacts.values()),
            "deliveries": [as_json(sent) for sent in list(self.hooks.log)],
        }

    def seed(self, data: Mapping[str, Any]) -> None:
        for user in data.get("users", ()):
            if user.get("role") == "agent":
                self.add_agent(user["id"], user["name"], user["email"])
            else:
                self.add_contact(user)
        for told in data.get("tickets", ()):
            made = told.get("created_at", self.clock.iso())
            ticket = Ticket(
                id=told["id"],
                subject=told["subject"],
                description_text=told["description"],
                requester_id=told["requester_id"],
                responder_id=told.get("assignee_id"),
                status=_NUMBERS[told.get("status", "open")],
                tags=list(told.get("tags", ())),
                custom_fields=dict(told.get("custom_fields", {})),
                created_at=made,
                updated_at=made,
            )
            self.tickets[ticket.id] = ticket
            ticket.index.append((0.0, self.ticket_json(ticket)))

    # --- webhooks -------------------------------------------------------------------------------

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        """What a rule sends: its custom headers and its text. No signature, id or time."""
        headers = {"Content-Type": "application/json", **target.meta.get("headers", {})}
        if target.secret:
            headers.setdefault(target.meta.get("secret_header", "X-Amends-Secret"), target.secret)
        return Delivery(
            id=str(self.next_id()),
            target=target,
            topic=topic,
            body=payload.encode(),
            headers=headers,
            method=target.meta.get("method", "POST"),
        )

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> float | None:
        """After 5, 30 and 60 minutes; then never."""
        if status is not None and 200 <= status < 300:
            return None
        retries = len(delivery.attempts) - 1
        return _RETRIES_S[retries] if retries < len(_RETRIES_S) else None


def simple_content(ticket: Ticket, label: str) -> str:
    """The body of a rule whose content is chosen by tick boxes."""
    ticked = {"ticket_id": ticket.id, "ticket_status": label, "ticket_subject": ticket.subject}
    return json.dumps({"freshdesk_webhook": ticked}, ensure_ascii=False)
