"""Who is told about a change: event subscriptions, and webhooks called by triggers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sandbox.zendesk.delivery import CONDITIONAL, ulid
from sandbox.zendesk.state import ACCOUNT_ID, Comment, Ticket, ZendeskState

_EVENT = "zen:event-type:ticket."


@dataclass(frozen=True)
class Before:
    """What a ticket was before a change."""

    status: str
    priority: str | None
    custom_status_id: int | None
    tags: list[str]
    fields: dict[int, Any]

    @classmethod
    def of(cls, ticket: Ticket) -> Before:
        return cls(
            ticket.status,
            ticket.priority,
            ticket.custom_status_id,
            sorted(ticket.tags),
            dict(ticket.fields),
        )


def created(state: ZendeskState, ticket: Ticket, comment: Comment | None, actor: int) -> None:
    events: list[tuple[str, dict[str, Any]]] = [("created", {})]
    if comment is not None:
        events.append(("comment_added", _comment(state, comment)))
    _emit(state, ticket, events, actor)
    _run_triggers(state, ticket, None, comment, actor)


def changed(
    state: ZendeskState, ticket: Ticket, before: Before, comment: Comment | None, actor: int
) -> None:
    """Tell everyone about one update: its events share a sequence id."""
    events: list[tuple[str, dict[str, Any]]] = []
    if comment is not None:
        events.append(("comment_added", _comment(state, comment)))
    if ticket.status != before.status:
        events.append(("status_changed", _upper(before.status, ticket.status)))
    if ticket.custom_status_id != before.custom_status_id:
        ids = {
            "previous": _text(before.custom_status_id),
            "current": _text(ticket.custom_status_id),
        }
        events.append(("custom_status_changed", ids))
    if ticket.priority != before.priority:
        events.append(("priority_changed", _upper(before.priority, ticket.priority)))
    if sorted(ticket.tags) != before.tags:
        added = sorted(set(ticket.tags) - set(before.tags))
        removed = sorted(set(before.tags) - set(ticket.tags))
        events.append(("tags_changed", {"tags_added": added, "tags_removed": removed}))
    for number, value in ticket.fields.items():
        if value != before.fields.get(number):
            field = {"id": str(number), "title": state.ticket_fields.get(number, {}).get("title")}
            pair: dict[str, Any] = {
                "field": field,
                "previous": before.fields.get(number),
                "current": value,
            }
            events.append(("custom_field_changed", pair))
    _emit(state, ticket, events, actor)
    _run_triggers(state, ticket, before, comment, actor)


def merged(state: ZendeskState, ticket: Ticket, into: Ticket, actor: int) -> None:
    """The merge event. Which fields it carries besides the envelope is not published."""
    _emit(state, ticket, [("merged", {"target_ticket": {"id": str(into.id)}})], actor)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _upper(previous: str | None, current: str | None) -> dict[str, Any]:
    return {"previous": previous and previous.upper(), "current": current and current.upper()}


def _comment(state: ZendeskState, comment: Comment) -> dict[str, Any]:
    author = state.users.get(comment.author_id, {})
    return {
        "comment": {
            "id": str(comment.id),
            "body": comment.body,
            "is_public": comment.public,
            "author": {
                "id": str(comment.author_id),
                "is_staff": author.get("role") != "end-user",
                "name": author.get("name", ""),
            },
        }
    }


def _emit(
    state: ZendeskState, ticket: Ticket, events: list[tuple[str, dict[str, Any]]], actor: int
) -> None:
    sequence = ulid()
    for position, (name, event) in enumerate(events, 1):
        meta = {"sequence": {"id": sequence, "position": position}}
        payload = {
            "account_id": ACCOUNT_ID,
            "id": str(uuid4()),
            "type": _EVENT + name,
            "subject": f"zen:ticket:{ticket.id}",
            "time": state.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
            "zendesk_event_version": "2022-11-06",
            "detail": _detail(state, ticket, actor),
            "event": {"meta": meta, **event},
        }
        state.hooks.emit(_EVENT + name, payload)


def _detail(state: ZendeskState, ticket: Ticket, actor: int) -> dict[str, Any]:
    """The ticket as events show it: ids as text, choices in capitals."""
    return {
        "id": str(ticket.id),
        "actor_id": str(actor),
        "assignee_id": _text(ticket.assignee_id),
        "brand_id": str(ticket.brand_id),
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "custom_status": _text(state.custom_status_of(ticket)),
        "description": ticket.description,
        "external_id": ticket.external_id,
        "form_id": None,
        "group_id": _text(ticket.group_id),
        "is_public": ticket.is_public,
        "organization_id": _text(ticket.organization_id),
        "priority": ticket.priority and ticket.priority.upper(),
        "requester_id": str(ticket.requester_id),
        "status": ticket.status.upper(),
        "subject": ticket.subject,
        "submitter_id": str(ticket.submitter_id),
        "tags": sorted(ticket.tags),
        "type": ticket.type and ticket.type.upper(),
        "via": {"channel": ticket.channel},
    }


# --- triggers -----------------------------------------------------------------------------------


def _run_triggers(
    state: ZendeskState,
    ticket: Ticket,
    before: Before | None,
    comment: Comment | None,
    actor: int,
) -> None:
    """Fire every active trigger whose conditions hold after this update.

    A condition on the state ("status is solved") holds again at every later update, our own notes
    included: so does the real one.
    """
    for trigger in list(state.triggers.values()):
        conditions = trigger.get("conditions", {})
        every, some = conditions.get("all", []), conditions.get("any", [])
        if not trigger.get("active", True) or not (every or some):
            continue
        if all(_holds(c, ticket, before, comment) for c in every) and (
            not some or any(_holds(c, ticket, before, comment) for c in some)
        ):
            for action in trigger.get("actions", ()):
                if action["field"] == "notification_webhook":
                    target, template = action["value"]
                    body = fill(state, ticket, template, actor)
                    state.hooks.emit(CONDITIONAL, body, only=target)


def _holds(
    condition: Mapping[str, Any], ticket: Ticket, before: Before | None, comment: Comment | None
) -> bool:
    field: str = condition["field"]
    operator: str = condition.get("operator", "is")
    value = condition.get("value")
    if field == "update_type":
        return bool(value == ("Create" if before is None else "Change"))
    if field == "comment_is_public":
        return comment is not None and comment.public == (str(value).lower() == "true")
    if field == "current_tags":
        hit = bool(set(str(value).split()) & set(ticket.tags))
        return hit is (operator == "includes")
    now: Any
    was: Any
    if field.startswith("custom_fields_"):
        number = int(field.rpartition("_")[2])
        now, was = ticket.fields.get(number), before and before.fields.get(number)
    else:
        now, was = getattr(ticket, field, None), before and getattr(before, field, None)
    holds = {
        "is": now == value,
        "is_not": now != value,
        "changed": now != was,
        "value": now == value and now != was,
        "value_previous": was == value and now != was,
    }
    return bool(holds.get(operator, False))


def fill(state: ZendeskState, ticket: Ticket, template: str, actor: int) -> str:
    """Placeholders become raw text, with no escaping for JSON; unknown ones become nothing."""
    requester = state.users.get(ticket.requester_id, {})
    values = {
        "ticket.id": ticket.id,
        "ticket.external_id": ticket.external_id,
        "ticket.title": ticket.subject,
        "ticket.description": ticket.description,
        "ticket.status": ticket.status.capitalize(),
        "ticket.priority": (ticket.priority or "").capitalize(),
        "ticket.tags": " ".join(sorted(ticket.tags)),
        "ticket.url": f"shop.zendesk.com/agent/tickets/{ticket.id}",
        "ticket.requester.id": ticket.requester_id,
        "ticket.requester.email": requester.get("email"),
        "ticket.requester.name": requester.get("name"),
        "current_user.id": actor,
    } | {f"ticket.ticket_field_{number}": value for number, value in ticket.fields.items()}
    return re.sub(
        r"\{\{\s*([\w.]+)\s*\}\}", lambda found: str(values.get(found[1]) or ""), template
    )
