"""What Freshdesk sends: the calls of automation rules, and the events of a Freshworks app.

Neither is signed, dated or numbered. A secret of ours in a header proves the sender, and nothing
else of the request is believed: it says which ticket to look at.
https://support.freshdesk.com/support/solutions/articles/132589
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from connectors import signing
from connectors.freshdesk.statuses import solved_numbers, status_of
from connectors.strict import Json
from core.events import Event, TicketStatusChanged, TicketTouched
from core.ports import Malformed, RawRequest, Settings, Unrecognised, Unverified

HEADER = "x-amends-secret"
#: Equal calls within so many seconds are one.
SAME_CALL_SECONDS = 10

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_TIME = re.compile(r"[1-9][0-9]{9}(\.[0-9]{1,9})?", re.ASCII)


class FreshdeskIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._events: dict[str, Callable[[Mapping[str, Json], datetime | None], Event]] = {
            "onTicketCreate": lambda data, at: _touched(data, at, "created"),
            "onTicketUpdate": self._updated,
            "onConversationCreate": _conversation,
        }

    def verify(self, request: RawRequest, now: datetime) -> str:
        """The dedupe key: the ticket, the body's hash, and what tells one change from the next.

        An app event carries its own time, so its body is one of a kind. A rule's call has nothing:
        solving a ticket twice sends the same bytes twice, and keeping those apart by the bytes
        alone would lose the second for ever. So equal calls are one only within ten seconds. One
        that Freshdesk repeats (after 5, 30 and 60 minutes, if it had no answer) counts as new:
        the ticket is read once more, and a harm made good already stays one.
        """
        signing.check_secret(
            signing.header(request, HEADER), [self._settings.get("webhook_secret") or ""]
        )
        body = _object(request)
        self._check_domain(body)
        digest = hashlib.sha256(request.body).hexdigest()
        if _when(body) is not None:
            return f"event:{digest}"
        slot = int(now.timestamp()) // SAME_CALL_SECONDS
        return f"call:{_named(body)}:{digest}:{slot}"

    def read(self, request: RawRequest) -> Sequence[Event]:
        body = _object(request)
        if "event" in body:
            return [self._event(body)]
        ticket = body.get("freshdesk_webhook")
        if isinstance(ticket, dict) and "ticket_id" in ticket:
            return [TicketStatusChanged(ticket_id=_ticket_id(ticket["ticket_id"]))]
        if body.get("v") == 1 and "ticket_id" in body:
            return [TicketStatusChanged(ticket_id=_ticket_id(body["ticket_id"]))]
        raise Unrecognised("neither the body of an Amends rule nor a Freshworks event")

    def _check_domain(self, body: Mapping[str, Json]) -> None:
        """An app event names the helpdesk it comes from."""
        domain, ours = body.get("domain"), (self._settings.get("domain") or "").lower()
        if isinstance(domain, str) and ours and domain.lower() != ours:
            raise Unverified("the event is about another helpdesk")

    def _event(self, body: Mapping[str, Json]) -> Event:
        kind, data = body["event"], body.get("data")
        reader = self._events.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise Unrecognised(f"a Freshworks event Amends does not know: {str(kind)[:60]}")
        if not isinstance(data, dict):
            raise Malformed("the event has no data")
        return reader(data, _when(body))

    def _updated(self, data: Mapping[str, Json], at: datetime | None) -> Event:
        ticket = _part(data, "ticket")
        changes = ticket.get("changes")
        changed = changes if isinstance(changes, dict) else {}
        ticket_id = _ticket_id(ticket.get("id"))
        if _to(changed.get("deleted")) is True:
            return TicketStatusChanged(ticket_id=ticket_id, status="deleted", occurred_at=at)
        if "status" not in changed:
            return TicketTouched(ticket_id=ticket_id, what="updated", occurred_at=at)
        status = status_of(_to(changed["status"]), solved_numbers(self._settings))
        return TicketStatusChanged(ticket_id=ticket_id, status=status, occurred_at=at)


def _object(request: RawRequest) -> Mapping[str, Json]:
    body = signing.read_json(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object; set the rule's encoding to JSON")
    return body


def _part(data: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    part = data.get(name)
    if not isinstance(part, dict):
        raise Malformed(f"the event has no {name}")
    return part


def _touched(data: Mapping[str, Json], at: datetime | None, what: str) -> Event:
    ticket_id = _ticket_id(_part(data, "ticket").get("id"))
    return TicketTouched(ticket_id=ticket_id, what=what, occurred_at=at)


def _conversation(data: Mapping[str, Json], at: datetime | None) -> Event:
    ticket_id = _ticket_id(_part(data, "conversation").get("ticket_id"))
    return TicketTouched(ticket_id=ticket_id, what="conversation", occurred_at=at)


def _to(change: Json) -> Json:
    """The second of `[old, new]`."""
    return change[1] if isinstance(change, list) and len(change) == 2 else None


def _named(body: Mapping[str, Json]) -> str:
    """The ticket in a rule's call, for the key; `read` says what is wrong with it."""
    inner = body.get("freshdesk_webhook")
    ticket = (inner if isinstance(inner, dict) else body).get("ticket_id")
    return str(ticket) if _ID.fullmatch(str(ticket)) else "none"


def _ticket_id(value: Json) -> str:
    """A placeholder gives text, a tick box a number."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        raise Malformed("the ticket's id is missing or not a number")
    return text


def _when(body: Mapping[str, Json]) -> datetime | None:
    """An app event's `timestamp`: seconds since 1970, with a fraction."""
    value = str(body.get("timestamp")) if "event" in body else ""
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    return datetime.fromtimestamp(int(value.partition(".")[0]), UTC)
