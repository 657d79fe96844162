"""What happens to a ticket: one function changes it, writes its audit and tells the webhooks."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.answers import Refused
from sandbox.zendesk import announce
from sandbox.zendesk.state import STATUSES, Comment, Ticket, ZendeskState

_PLAIN = (
    "subject",
    "priority",
    "type",
    "assignee_id",
    "group_id",
    "external_id",
    "requester_id",
)
_PRIORITIES = ("low", "normal", "high", "urgent", None)


def invalid(field: str, error: str, description: str) -> Refused:
    details = {field: [{"error": error, "description": description}]}
    body = {"error": "RecordInvalid", "description": "Record validation errors", "details": details}
    return Refused(422, body)


def not_found() -> Refused:
    return Refused(404, {"error": "RecordNotFound", "description": "Not found"})


def find_ticket(state: ZendeskState, ticket_id: int) -> Ticket:
    ticket = state.tickets.get(ticket_id)
    if ticket is None:
        raise not_found()
    return ticket


def check_open(ticket: Ticket) -> None:
    if ticket.status == "closed":
        raise invalid("status", "InvalidValue", "Status: closed prevents ticket update")


def check_stamp(ticket: Ticket, asked: Mapping[str, Any]) -> bool:
    """Whether a safe update was asked for; 409 if the stamp is not the ticket's `updated_at`.

    `safe_update` without a stamp, or a stamp without it, protects nothing.
    """
    stamp = asked.get("updated_stamp")
    if not stamp or asked.get("safe_update") not in (True, "true"):
        return False
    try:
        same = datetime.fromisoformat(str(stamp)) == datetime.fromisoformat(ticket.updated_at)
    except (ValueError, TypeError):
        same = False
    if not same:
        text = "Safe Update prevented the update due to outdated ticket data."
        raise Refused(409, {"error": "UpdateConflict", "description": text})
    return True


def clean_tags(tags: Any) -> list[str]:
    """Lower case, no blanks inside, each once: as the host stores them."""
    words = tags.split() if isinstance(tags, str) else [str(tag) for tag in tags or ()]
    return sorted({re.sub(r"\s+", "_", word.strip()).lower() for word in words if word.strip()})


def update(
    state: ZendeskState, ticket: Ticket, asked: Mapping[str, Any], actor: int, channel: str
) -> dict[str, Any] | None:
    """Apply `asked` (a ticket object of the REST API); the audit, or None if nothing changed.

    Raises `Refused` before anything is changed. Call it with the lock held.
    """
    check_open(ticket)
    check_stamp(ticket, asked)
    changes = _wanted_changes(state, ticket, asked)
    events: list[dict[str, Any]] = []
    before = announce.Before.of(ticket)
    comment = _add_comment(state, ticket, asked.get("comment"), actor, channel)
    if comment is not None:
        events.append(_comment_event(comment))
    for name, value in changes.items():
        previous = _set(ticket, name, value)
        if previous != value:
            events.append(
                {
                    "id": state.next_id(),
                    "type": "Change",
                    "field_name": name,
                    "value": _shown(value),
                    "previous_value": _shown(previous),
                }
            )
    if not events:
        return None
    state.touch(ticket)
    audit = _audit(state, ticket, events, actor, channel) | {
        "metadata": {"system": {}, "custom": dict(asked.get("metadata") or {})}
    }
    ticket.audits.append(audit)
    announce.changed(state, ticket, before, comment, actor)
    return audit


def _audit(
    state: ZendeskState, ticket: Ticket, events: list[dict[str, Any]], actor: int, channel: str
) -> dict[str, Any]:
    return {
        "id": state.next_id(),
        "ticket_id": ticket.id,
        "created_at": ticket.updated_at,
        "author_id": actor,
        "metadata": {"system": {}, "custom": {}},
        "events": events,
        "via": {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}},
    }


def _wanted_changes(
    state: ZendeskState, ticket: Ticket, asked: Mapping[str, Any]
) -> dict[str, Any]:
    changes: dict[str, Any] = {name: asked[name] for name in _PLAIN if name in asked}
    if changes.get("priority", "low") not in _PRIORITIES:
        raise invalid("priority", "InvalidValue", f"Priority: {changes['priority']} is not valid")
    if "status" in asked:
        if asked["status"] not in STATUSES:
            raise invalid("status", "InvalidValue", f"Status: {asked['status']} is not valid")
        changes["status"] = asked["status"]
        changes["custom_status_id"] = None
    if "custom_status_id" in asked:
        changes |= _custom_status(state, asked["custom_status_id"])
    if "tags" in asked:
        changes["tags"] = clean_tags(asked["tags"])
    for entry in asked.get("custom_fields") or ():
        changes |= _custom_field(state, ticket, changes, int(entry["id"]), entry.get("value"))
    return changes


def _custom_status(state: ZendeskState, status_id: Any) -> dict[str, Any]:
    for status in state.custom_statuses:
        if status["id"] == status_id:
            return {"status": status["status_category"], "custom_status_id": status_id}
    raise invalid("custom_status_id", "InvalidValue", "Custom status is not valid")


def _custom_field(
    state: ZendeskState, ticket: Ticket, changes: Mapping[str, Any], number: int, value: Any
) -> dict[str, Any]:
    """A field's new value. An unknown field is ignored; a drop-down's value is also a tag."""
    field = state.ticket_fields.get(number)
    if field is None:
        return {}
    made = {f"custom_fields_{number}": value}
    if field["type"] == "tagger":
        tags = set(changes.get("tags", ticket.tags)) - {ticket.fields.get(number)}
        made["tags"] = sorted(tags | {value} - {None})
    return made


def _set(ticket: Ticket, name: str, value: Any) -> Any:
    """Write one field; what it was before."""
    if name.startswith("custom_fields_"):
        number = int(name.rpartition("_")[2])
        previous = ticket.fields.get(number)
        ticket.fields[number] = value
        return previous
    previous = sorted(ticket.tags) if name == "tags" else getattr(ticket, name)
    setattr(ticket, name, value)
    return previous


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _add_comment(
    state: ZendeskState, ticket: Ticket, asked: Any, actor: int, channel: str
) -> Comment | None:
    """The comment of an update. Public unless it says otherwise or the ticket is private."""
    if not isinstance(asked, Mapping):
        return None
    body, rich = str(asked.get("body") or ""), str(asked.get("html_body") or "")
    if not body and not rich:
        return None
    comment = Comment(
        id=state.next_id(),
        author_id=int(asked.get("author_id") or actor),
        body=body if not rich else html.unescape(re.sub(r"<[^>]+>", "", rich)),
        html_body=rich or f"<p>{html.escape(body)}</p>",
        public=bool(asked.get("public", ticket.is_public)),
        created_at=state.clock.iso(),
        channel=channel,
    )
    ticket.comments.append(comment)
    return comment


def _comment_event(comment: Comment) -> dict[str, Any]:
    return {"type": "Comment"} | comment_json(comment)


def comment_json(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "type": "Comment",
        "author_id": comment.author_id,
        "body": comment.body,
        "html_body": comment.html_body,
        "plain_body": comment.body,
        "public": comment.public,
        "attachments": [],
        "created_at": comment.created_at,
        "via": {"channel": comment.channel, "source": {"from": {}, "to": {}, "rel": None}},
    }


def create(state: ZendeskState, asked: Mapping[str, Any], actor: int, channel: str) -> Ticket:
    """A new ticket from a ticket object; its comment is its description."""
    first = asked.get("comment") or {}
    text = first.get("body") or first.get("html_body") or asked.get("description")
    if not text:
        raise invalid("base", "BlankValue", "Description: cannot be blank")
    now = state.clock.iso()
    requester = asked.get("requester_id") or actor
    ticket = Ticket(
        id=max(state.tickets, default=0) + 1,
        subject=str(asked.get("subject") or ""),
        description=str(text),
        requester_id=int(requester),
        submitter_id=actor,
        created_at=now,
        updated_at=now,
        is_public=bool(first.get("public", True)),
        channel=channel,
    )
    rest = {name: value for name, value in asked.items() if name not in ("comment", "safe_update")}
    for name, value in _wanted_changes(state, ticket, rest).items():
        _set(ticket, name, value)
    first = {"body": str(text), **first}
    comment = _add_comment(state, ticket, first, int(requester), channel)
    state.touch(ticket)
    events = [_comment_event(comment)] if comment else []
    ticket.audits.append(_audit(state, ticket, events, actor, channel))
    state.tickets[ticket.id] = ticket
    announce.created(state, ticket, comment, actor)
    return ticket
