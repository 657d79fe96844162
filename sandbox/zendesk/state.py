"""What Zendesk knows: its tables, its ids, and how they look from outside."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.hooks import Delivery, Target, as_json
from sandbox.host import HostState
from sandbox.zendesk import delivery as wire

ACCOUNT_ID = 123456
BRAND_ID = 8447346621310
#: A long-lived bearer token of the integration's user, for whoever needs no OAuth flow.
TOKEN = "zendesk-sandbox-token"
#: The old way in, `name@example.com/token` with this as the password; ends on 30 April 2027.
API_TOKEN = "zendesk-sandbox-api-token"
CLIENT_ID = "amends"
CLIENT_SECRET = "zendesk-sandbox-client-secret"
INTEGRATION_USER = 8447388090001

OPEN_STATUSES = ("new", "open", "pending", "hold", "solved")
STATUSES = (*OPEN_STATUSES, "closed")
CASE_FIELD, REASON_FIELD = 360001, 360002


@dataclass
class Comment:
    id: int
    author_id: int
    body: str
    html_body: str
    public: bool
    created_at: str
    channel: str


@dataclass
class Ticket:
    """A ticket; `index` holds its searchable past as (epoch, snapshot), newest last."""

    id: int
    subject: str
    description: str
    requester_id: int
    created_at: str
    updated_at: str
    status: str = "new"
    priority: str | None = "normal"
    type: str | None = "problem"
    submitter_id: int = 0
    assignee_id: int | None = None
    group_id: int | None = 8447320466431
    organization_id: int | None = None
    brand_id: int = BRAND_ID
    external_id: str | None = None
    custom_status_id: int | None = None
    is_public: bool = True
    channel: str = "email"
    tags: list[str] = field(default_factory=list)
    fields: dict[int, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    audits: list[dict[str, Any]] = field(default_factory=list)
    changed_epoch: float = 0.0
    index: list[tuple[float, dict[str, Any]]] = field(default_factory=list)


@dataclass
class Token:
    """An access token and the refresh token it came with; `expires` in epoch seconds."""

    access: str
    refresh: str | None
    user_id: int
    scope: str
    expires: float | None = None
    refresh_expires: float | None = None


@dataclass
class App:
    """An installed app with a place beside the ticket; `url` is its page."""

    id: int
    installation_id: int
    name: str
    url: str


@dataclass
class Limits:
    """Requests in a window (Enterprise with the high-volume add-on), and the tighter special ones.

    The real window is a minute; a shorter one lets a test see several.
    """

    window_s: float = 60
    account: int = 2500
    updates: int = 100
    updates_per_ticket_10min: int = 30
    incremental: int = 10


class ZendeskState(HostState):
    secret_paths = ("/oauth/",)

    def reset_books(self) -> None:
        self._ids = itertools.count(8447400000001)
        self.tickets: dict[int, Ticket] = {}
        self.users: dict[int, dict[str, Any]] = {}
        self.ticket_fields: dict[int, dict[str, Any]] = {}
        self.triggers: dict[int, dict[str, Any]] = {}
        self.custom_statuses = wire.default_custom_statuses()
        self.ratings: list[dict[str, Any]] = []
        self.surveys: list[dict[str, Any]] = []
        self.side_conversations: list[dict[str, Any]] = []
        self.tokens = [Token(TOKEN, None, INTEGRATION_USER, "read write")]
        self.codes: dict[str, dict[str, Any]] = {}
        self.idempotent: dict[str, tuple[float, bytes, dict[str, Any]]] = {}
        self.hits: dict[str, deque[float]] = {}
        self.limits = Limits()
        self.survey_product = "ratings"
        #: Seconds between reading and writing tags in the calls that lose concurrent updates.
        self.tag_window_s = 0.03
        self.search_lag_s = 30.0
        self.apps: list[App] = []
        self.app_keys: dict[int, rsa.RSAPrivateKey] = {}
        self._base_data()

    def _base_data(self) -> None:
        self.add_user(
            {
                "id": INTEGRATION_USER,
                "name": "Amends",
                "email": "amends@shop.example",
                "role": "admin",
            }
        )
        for number, title, kind in (
            (CASE_FIELD, "Amends case", "text"),
            (REASON_FIELD, "Reason of complaint", "tagger"),
        ):
            self.add_field({"id": number, "title": title, "type": kind})

    def next_id(self) -> int:
        return next(self._ids)

    # --- tables ---------------------------------------------------------------------------------

    def add_user(self, data: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.iso()
        user: dict[str, Any] = {
            "id": self.next_id(),
            "url": "",
            "name": "",
            "email": None,
            "role": "end-user",
            "locale": "en-US",
            "active": True,
            "verified": True,
            "external_id": None,
            "phone": None,
            "organization_id": None,
            "tags": [],
            "time_zone": "Berlin",
            "suspended": False,
            "iana_time_zone": "Europe/Berlin",
            "created_at": now,
            "updated_at": now,
            "notes": "",
            "details": "",
            "user_fields": {},
        } | dict(data)
        user["url"] = f"https://shop.zendesk.com/api/v2/users/{user['id']}.json"
        self.users[user["id"]] = user
        return user

    def add_field(self, data: Mapping[str, Any]) -> dict[str, Any]:
        now = self.clock.iso()
        made: dict[str, Any] = {
            "id": self.next_id(),
            "type": "text",
            "title": "",
            "raw_title": data.get("title", ""),
            "description": "",
            "active": True,
            "required": False,
            "removable": True,
            "agent_description": None,
            "created_at": now,
            "updated_at": now,
            "position": 9999,
        } | dict(data)
        self.ticket_fields[made["id"]] = made
        return made

    def touch(self, ticket: Ticket) -> None:
        """A change was made: new `updated_at`, new snapshot for the search index.

        Instants have whole seconds, so `updated_at` moves by one at least: every change can be
        told from the one before by whoever compares stamps.
        """
        now = self.clock.now().replace(microsecond=0)
        last = datetime.fromisoformat(ticket.updated_at)
        if ticket.index:
            now = max(now, last + timedelta(seconds=1))
        ticket.updated_at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        ticket.changed_epoch = self.clock.epoch()
        horizon = ticket.changed_epoch - self.search_lag_s
        while len(ticket.index) > 1 and ticket.index[1][0] <= horizon:
            del ticket.index[0]  # no search will ever see it again
        ticket.index.append((ticket.changed_epoch, self.ticket_json(ticket)))

    def ticket_json(self, ticket: Ticket) -> dict[str, Any]:
        via = {"channel": ticket.channel, "source": {"from": {}, "to": {}, "rel": None}}
        values = [{"id": key, "value": ticket.fields.get(key)} for key in self.ticket_fields]
        names = (
            "id external_id created_at updated_at type subject description priority status "
            "requester_id submitter_id assignee_id organization_id group_id brand_id is_public"
        )
        return {name: getattr(ticket, name) for name in names.split()} | {
            "url": f"https://shop.zendesk.com/api/v2/tickets/{ticket.id}.json",
            "via": via,
            "raw_subject": ticket.subject,
            "recipient": None,
            "custom_status_id": self.custom_status_of(ticket),
            "tags": sorted(ticket.tags),
            "custom_fields": values,
            "fields": values,
            "satisfaction_rating": {"score": "unoffered"},
            "generated_timestamp": int(ticket.changed_epoch),
            "collaborator_ids": [],
            "follower_ids": [],
            "email_cc_ids": [],
            "problem_id": None,
            "has_incidents": False,
            "due_at": None,
            "followup_ids": [],
            "allow_channelback": False,
            "allow_attachments": True,
            "ticket_form_id": None,
        }

    def custom_status_of(self, ticket: Ticket) -> int | None:
        """The custom status, or the default one of the ticket's category. Closed has none."""
        if ticket.custom_status_id:
            return ticket.custom_status_id
        for status in self.custom_statuses:
            if status["status_category"] == ticket.status and status["default"]:
                return int(status["id"])
        return None

    # --- the base class's questions -------------------------------------------------------------

    def books(self) -> dict[str, Any]:
        return {
            "tickets": [
                {
                    "id": ticket.id,
                    "subject": ticket.subject,
                    "status": ticket.status,
                    "requester_id": ticket.requester_id,
                    "tags": sorted(ticket.tags),
                    "fields": {str(key): value for key, value in ticket.fields.items()},
                    "updates": len(ticket.audits),
                    "comments": [vars(comment) for comment in ticket.comments],
                }
                for ticket in self.tickets.values()
            ],
            "users": list(self.users.values()),
            "deliveries": [as_json(sent) for sent in list(self.hooks.log)],
        }

    def seed(self, data: Mapping[str, Any]) -> None:
        for user in data.get("users", ()):
            self.add_user(user)
        for made in data.get("ticket_fields", ()):
            self.add_field(made)
        for ticket in data.get("tickets", ()):
            self._seed_ticket(dict(ticket))

    def _seed_ticket(self, data: dict[str, Any]) -> None:
        now = self.clock.iso()
        data.setdefault("created_at", now)
        data.setdefault("updated_at", data["created_at"])
        fields = {entry["id"]: entry["value"] for entry in data.pop("custom_fields", ())}
        ticket = Ticket(fields=fields, **data)
        ticket.submitter_id = ticket.submitter_id or ticket.requester_id
        text = ticket.description
        ticket.comments.append(
            Comment(
                self.next_id(),
                ticket.requester_id,
                text,
                f"<p>{text}</p>",
                ticket.is_public,
                ticket.created_at,
                ticket.channel,
            )
        )
        ticket.changed_epoch = datetime.fromisoformat(ticket.updated_at).timestamp()
        self.tickets[ticket.id] = ticket
        ticket.index.append((ticket.changed_epoch, self.ticket_json(ticket)))

    def compose(self, target: Target, topic: str, payload: Any) -> Delivery:
        return wire.compose(target, topic, payload)

    def sign(self, delivery: Delivery) -> Mapping[str, str]:
        return wire.signature(delivery)

    def retry_in(self, delivery: Delivery, status: int | None, after: str | None) -> float | None:
        return wire.retry_in(delivery, status, after)


def new_secret() -> str:
    return secrets.token_urlsafe(32)
