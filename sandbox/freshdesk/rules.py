"""What happens to a ticket, which inputs are refused, and which automation rules fire."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from sandbox.answers import Refused
from sandbox.freshdesk.state import Conversation, FreshdeskState, Ticket, simple_content

_TYPES: dict[str, type | tuple[type, ...]] = {
    "status": int,
    "priority": int,
    "source": int,
    "subject": str,
    "type": (str, type(None)),
    "responder_id": (int, type(None)),
    "group_id": (int, type(None)),
    "requester_id": int,
    "tags": list,
    "custom_fields": dict,
}


def invalid(field: str, code: str, message: str) -> Refused:
    error = {"field": field, "message": message, "code": code}
    return Refused(400, {"description": "Validation failed", "errors": [error]})


def find_ticket(state: FreshdeskState, number: int) -> Ticket:
    """The ticket, or a 404, which has no body here."""
    if number not in state.tickets:
        raise Refused(404, None)
    return state.tickets[number]


def update(state: FreshdeskState, ticket: Ticket, asked: Mapping[str, Any]) -> None:
    """Apply a PUT: what is named is replaced, tags as a whole. Refused before anything changes."""
    _check(state, ticket, asked)
    before = ticket.status
    for name, value in asked.items():
        if name == "custom_fields":
            ticket.custom_fields |= value
        elif name == "tags":
            ticket.tags = list(dict.fromkeys(str(tag) for tag in value))
        else:
            setattr(ticket, name, value)
    state.touch(ticket)
    if ticket.status != before:
        _run_rules(state, ticket)


def _check(state: FreshdeskState, ticket: Ticket, asked: Mapping[str, Any]) -> None:
    for name, value in asked.items():
        if name not in _TYPES:
            raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise invalid(name, "datatype_mismatch", "Value set is of the wrong type")
    status = asked.get("status", ticket.status)
    if status not in state.statuses:
        allowed = ",".join(str(number) for number in state.statuses)
        raise invalid("status", "invalid_value", f"It should be one of these values: '{allowed}'")
    if asked.get("priority", 1) not in (1, 2, 3, 4):
        raise invalid("priority", "invalid_value", "It should be one of these values: '1,2,3,4'")
    fields: Mapping[str, Any] = asked.get("custom_fields", {})
    for name in fields:
        if name not in state.custom_fields:
            raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
    if status in (4, 5) and status != ticket.status:
        for name in sorted(state.needed_to_close):
            if not {**ticket.custom_fields, **fields}.get(name):
                raise invalid(name, "missing_field", "It should not be blank as it is mandatory")


def converse(
    state: FreshdeskState,
    ticket: Ticket,
    asked: Mapping[str, Any],
    user_id: int,
    *,
    private: bool,
    note: bool,
) -> Conversation:
    """Add a note or a reply. Two equal ones are two: nothing here knows a repeated call."""
    body = asked.get("body")
    if not isinstance(body, str) or not body:
        raise invalid("body", "missing_field", "It should be a/an String")
    now = state.clock.iso()
    made = Conversation(
        id=state.next_id(),
        ticket_id=ticket.id,
        user_id=int(asked.get("user_id") or user_id),
        body=body,
        body_text=html.unescape(re.sub(r"<[^>]+>", "", body)),
        private=private,
        incoming=bool(asked.get("incoming", False)),
        source=2 if note else 0,
        created_at=now,
        updated_at=now,
    )
    ticket.conversations.append(made)
    state.touch(ticket)
    return made


def _run_rules(state: FreshdeskState, ticket: Ticket) -> None:
    """Call the webhooks of the rules on this change of status.

    A rule is a target: `meta` has `statuses` (which it waits for; resolved if left out) and `body`
    (the author's text; without it the content is simple).
    """
    for target in list(state.hooks.targets.values()):
        if ticket.status in target.meta.get("statuses", (4,)):
            template = target.meta.get("body")
            label = state.statuses[ticket.status]
            text = fill(state, ticket, template) if template else simple_content(ticket, label)
            state.hooks.emit("ticket_update", text, only=target.id)


def fill(state: FreshdeskState, ticket: Ticket, template: str) -> str:
    """Placeholders become raw text, with no escaping; unknown ones become nothing."""
    requester = state.contacts.get(ticket.requester_id, {})
    agent = state.agents.get(ticket.responder_id or 0, {}).get("contact", {})
    values = {
        "ticket.id": ticket.id,
        "ticket.subject": ticket.subject,
        "ticket.description": ticket.description_text,
        "ticket.status": state.statuses[ticket.status],
        "ticket.tags": ", ".join(ticket.tags),
        "ticket.url": f"https://shop.freshdesk.com/a/tickets/{ticket.id}",
        "ticket.requester.name": requester.get("name"),
        "ticket.requester.email": requester.get("email"),
        "ticket.agent.name": agent.get("name"),
        "ticket.agent.email": agent.get("email"),
    } | {f"ticket.{name}": value for name, value in ticket.custom_fields.items()}
    return re.sub(
        r"\{\{\s*([\w.]+)\s*\}\}", lambda found: str(values.get(found[1]) or ""), template
    )
