"""Zendesk's webhooks: proved by signature, read into events.

https://developer.zendesk.com/documentation/webhooks/verifying/ (timestamp, then body, nothing in
between; an older page under /event-connectors/ has them the wrong way round) and
https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors import signing
from connectors.strict import Json
from core.events import Event, TicketErased, TicketsMerged, TicketStatusChanged, TicketTouched
from core.ports import Malformed, RawRequest, Settings, Unrecognised, Unverified

FAMILY = "zen:event-type:ticket."
WINDOW = timedelta(minutes=5)

#: How events name a ticket's state -> our words. REST writes the same in lower case.
STATUSES = {
    "new": "new",
    "open": "open",
    "pending": "pending",
    "hold": "hold",
    "solved": "solved",
    "closed": "closed",
    "archived": "closed",
    "deleted": "deleted",
    "scrubbed": "deleted",
}

#: Events that tell of a change we look at the ticket for, by their name after the family.
TOUCHES = frozenset(
    {
        "agent_assignment_changed",
        "brand_changed",
        "comment_added",
        "comment_made_private",
        "comment_redacted",
        "created",
        "custom_field_changed",
        "custom_status_changed",
        "description_changed",
        "external_id_changed",
        "form_changed",
        "group_assignment_changed",
        "marked_as_spam",
        "organization_changed",
        "priority_changed",
        "problem_link_changed",
        "requester_changed",
        "subject_changed",
        "submitter_changed",
        "tags_changed",
        "type_changed",
    }
)

_ID = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*Z", re.ASCII)


class ZendeskIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: RawRequest, now: datetime) -> str:
        """The dedupe key: of an event its own id, which is in the signed body and so the same over
        retries and not to be changed by whoever replays it; of a trigger's call, whose body has no
        id, the invocation's id, which Zendesk keeps over retries. That header is not signed: one
        who replays a trigger's call under another id within the window makes us read the ticket
        once more, no more than that.
        """
        stamp = signing.header(request, "x-zendesk-webhook-signature-timestamp")
        # Before anything is computed: without this, bytes could move between stamp and body.
        at = signing.iso_instant(stamp)
        given = signing.header(request, "x-zendesk-webhook-signature")
        keys = [self._settings.get("signing_secret"), self._settings.get("trigger_signing_secret")]
        known = [key for key in keys if key]
        signing.check_base64([given], known, stamp.encode("ascii") + request.body)
        signing.check_fresh(at, now, self._window())
        body = _object(request)
        if "type" in body:
            return f"event:{_key(body.get('id'), Malformed('the event has no id'))}"
        if "x-zendesk-webhook-invocation-id" in request.headers:
            invocation = signing.header(request, "x-zendesk-webhook-invocation-id")
            return f"call:{_key(invocation, Unverified('the invocation id is not one'))}"
        digest = hashlib.sha256(stamp.encode("ascii") + request.body).hexdigest()
        return f"body:{digest}"

    def read(self, request: RawRequest) -> Sequence[Event]:
        body = _object(request)
        if "type" in body:
            return [_event(body)]
        if body.get("v") == 1 and "ticket_id" in body:
            agent = body.get("agent_id")
            return [
                TicketStatusChanged(
                    ticket_id=_ticket_id(body["ticket_id"]),
                    actor_id=agent if isinstance(agent, str) and _ID.fullmatch(agent) else None,
                )
            ]
        raise Unrecognised("neither a ticket event nor the body of an Amends trigger")

    def _window(self) -> timedelta:
        text = self._settings.get("window_seconds") or ""
        return timedelta(seconds=int(text)) if re.fullmatch("[1-9][0-9]{0,4}", text) else WINDOW


def _object(request: RawRequest) -> Mapping[str, Json]:
    body = signing.read_json(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object")
    return body


def _key(value: Json, problem: Exception) -> str:
    if not isinstance(value, str) or _KEY.fullmatch(value) is None:
        raise problem
    return value


def _ticket_id(value: Json) -> str:
    """Events write ids as text, REST as numbers; inside Amends they are text."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        raise Malformed("a ticket id is missing or not a number")
    return text


def _event(body: Mapping[str, Json]) -> Event:
    kind, detail, event = body["type"], body.get("detail"), body.get("event")
    if not isinstance(kind, str):
        raise Malformed("the event's type is not text")
    if not kind.startswith(FAMILY):
        raise Unrecognised(f"an event of another family: {kind[:80]}")
    if not isinstance(detail, dict) or not isinstance(event, dict):
        raise Malformed("a ticket event without detail or event")
    return _ticket_event(
        kind.removeprefix(FAMILY), detail, event, _ticket_id(detail.get("id")), _when(body)
    )


def _ticket_event(
    what: str,
    detail: Mapping[str, Json],
    event: Mapping[str, Json],
    ticket_id: str,
    at: datetime | None,
) -> Event:
    if what in ("status_changed", "soft_deleted", "undeleted"):
        # Undeleting gives back the state the ticket had; its detail says which.
        now = {"status_changed": event.get("current"), "soft_deleted": "DELETED"}.get(what)
        return TicketStatusChanged(
            ticket_id=ticket_id,
            status=_status(now if now is not None else detail.get("status")),
            actor_id=_actor(detail),
            occurred_at=at,
        )
    if what == "merged":
        return TicketsMerged(
            from_ticket_id=ticket_id, into_ticket_id=_merged_into(event), occurred_at=at
        )
    if what == "permanently_deleted":
        return TicketErased(ticket_id=ticket_id, occurred_at=at)
    if what in TOUCHES:
        return TicketTouched(ticket_id=ticket_id, what=what, occurred_at=at)
    raise Unrecognised(f"a ticket event Amends does not know: {what[:80]}")


def _status(value: Json) -> str:
    known = STATUSES.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise Unrecognised(f"a ticket status Amends does not know: {str(value)[:40]}")
    return known


def _actor(detail: Mapping[str, Json]) -> str | None:
    value = detail.get("actor_id")
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _merged_into(event: Mapping[str, Json]) -> str | None:
    """Which field names the surviving ticket is not published: believed only if it looks right."""
    for name in ("target_ticket", "target", "into", "ticket"):
        named = event.get(name)
        value = named.get("id") if isinstance(named, dict) else event.get(f"{name}_id")
        if value is not None and _ID.fullmatch(str(value)):
            return str(value)
    return None


def _when(body: Mapping[str, Json]) -> datetime | None:
    """Zendesk writes nanoseconds, one digit group more than Python reads."""
    value = body.get("time")
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        return None
