"""What django-helpdesk posts: a new ticket, or a follow-up with the whole ticket around it.

Nothing is signed, dated or sent again, and no header can be added: a secret of ours in the address
proves the sender. Nothing of the ticket in it is believed; it is read again.
https://github.com/django-helpdesk/django-helpdesk, webhooks.py
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors import signing
from connectors.django_helpdesk.shapes import solved_numbers
from connectors.strict import Json
from core.events import Event, TicketStatusChanged, TicketTouched
from core.ports import Malformed, RawRequest, Settings, Unrecognised, Unverified

PARAMETER = "secret"
_SECRET_MAX = 256
_ID_MAX = 10**18


class HelpdeskIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: RawRequest, now: datetime) -> str:
        """The dedupe key: a follow-up's number, or a new ticket's, which are given once."""
        given = request.query.get(PARAMETER, "")
        if not given or len(given) > _SECRET_MAX:
            raise Unverified("the address of the webhook carries no secret")
        signing.check_secret(given, [self._settings.get("webhook_secret") or ""])
        body = _object(request)
        if "followup_id" in body:
            return f"followup:{_number(body, 'followup_id')}"
        if "ticket" in body:
            return f"ticket:{_number(_part(body), 'id')}"
        return f"other:{hashlib.sha256(request.body).hexdigest()}"

    def read(self, request: RawRequest) -> Sequence[Event]:
        """Only a follow-up that set a solved status is one to look at: our own note comes back as
        a follow-up on a ticket that is solved already, and means nothing."""
        body = _object(request)
        if "ticket" not in body:
            raise Unrecognised("neither a new ticket nor a follow-up of django-helpdesk's")
        ticket = _part(body)
        ticket_id = str(_number(ticket, "id"))
        if "followup_id" not in body:
            return [TicketTouched(ticket_id=ticket_id, what="created")]
        said = _follow_up(ticket, _number(body, "followup_id"))
        if said is not None and said.get("new_status") not in solved_numbers(self._settings):
            return [TicketTouched(ticket_id=ticket_id, what="followup")]
        return [TicketStatusChanged(ticket_id=ticket_id)]


def _follow_up(ticket: Mapping[str, Json], number: int) -> Mapping[str, Json] | None:
    """The one it is about; None where it is not in there, and the ticket has to tell."""
    found = ticket.get("followup_set")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and one.get("id") == number:
            new_status = one.get("new_status")
            return one if new_status is None or type(new_status) is int else None
    return None


def _object(request: RawRequest) -> Mapping[str, Json]:
    body = signing.read_json(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object")
    return body


def _part(body: Mapping[str, Json]) -> Mapping[str, Json]:
    ticket = body.get("ticket")
    if not isinstance(ticket, dict):
        raise Malformed("the body has no ticket")
    return ticket


def _number(parent: Mapping[str, Json], name: str) -> int:
    found = parent.get(name)
    if type(found) is not int or not 0 < found < _ID_MAX:
        raise Malformed(f"{name} is missing or not a number")
    return found
