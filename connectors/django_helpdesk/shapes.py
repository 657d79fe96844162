"""Reading django-helpdesk's tickets: every value is looked at before it is believed.

A ticket by REST has no dates of its own, no tags and no language, and its submitter is an e-mail
address. When it began and changed last is read from its follow-ups, of which it shows all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.ports import HostUnclear, Requester, Settings, Ticket

Node = Mapping[str, Any]
CUSTOM = "custom_"

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_NUMBERS = re.compile(r"[0-9]{1,4}(\s*,\s*[0-9]{1,4})*", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DEFAULT = frozenset({3, 4})
#: Open, Reopened, Closed, Duplicate. A helpdesk may have statuses of its own.
_KNOWN = {1: "open", 2: "open", 4: "closed", 5: "closed"}


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def solved_numbers(settings: Settings) -> frozenset[int]:
    """The statuses that count as solved; Resolved and Closed where the setting is unusable."""
    said = (settings.get("solved_statuses") or "").strip()
    if not _NUMBERS.fullmatch(said):
        return _DEFAULT
    return frozenset(int(number) for number in said.split(","))


def whole(node: Node, name: str) -> int:
    found = node.get(name)
    if type(found) is not int:
        raise HostUnclear(f"django-helpdesk's answer has no whole number at {name}")
    return found


def follow_ups(node: Node) -> Sequence[Node]:
    found = node.get("followup_set")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise HostUnclear("django-helpdesk's answer has no follow-ups")
    return found


def instant(node: Node) -> datetime:
    value = node.get("date")
    if not isinstance(value, str) or _STAMP.fullmatch(value) is None:
        raise HostUnclear("django-helpdesk's answer has a follow-up without a date")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        raise HostUnclear("django-helpdesk's answer has an impossible date") from None


def fields(node: Node) -> dict[str, str]:
    """Custom fields that have a value, and `queue`: the number of the ticket's queue."""
    found = {
        name.removeprefix(CUSTOM): text(value)
        for name, value in node.items()
        if name.startswith(CUSTOM) and value not in (None, "")
    }
    return {**found, "queue": str(whole(node, "queue"))}


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def words(value: str | None) -> list[str]:
    """The tags in a text field, in the order they stand in."""
    return (value or "").replace(",", " ").split()


def ticket(node: Node, settings: Settings) -> Ticket:
    """Raises `HostUnclear`, also for a ticket without any follow-up: it has no date at all."""
    dates = [instant(one) for one in follow_ups(node)]
    if not dates:
        raise HostUnclear("the ticket has no follow-up, so nobody can say how old it is")
    found, number = fields(node), str(whole(node, "id"))
    email = node.get("submitter_email")
    email = email if isinstance(email, str) and email else None
    assignee = node.get("assigned_to")
    return Ticket(
        id=number,
        status=_status(node, solved_numbers(settings)),
        tags=frozenset(words(found.get(settings.get("tags_field") or ""))),
        fields=found,
        requester=Requester(id=_person(email, number), email=email, name=None, language=None),
        language=None,
        subject=str(node.get("title") or ""),
        text=str(node.get("description") or ""),
        brand=found["queue"],
        channel=None,
        assignee_id=str(assignee) if type(assignee) is int else None,
        created_at=min(dates),
        updated_at=max(dates),
    )


def _status(node: Node, solved: frozenset[int]) -> str:
    """In our words. A status of the helpdesk's own that is not solved counts as pending: whatever
    it is called, nothing is due yet."""
    number = whole(node, "status")
    if number in solved:
        return "solved"
    return "hold" if node.get("on_hold") is True else _KNOWN.get(number, "pending")


def _person(email: str | None, ticket_id: str) -> str:
    """Submitters have no id, and their address must not become one: it would be kept."""
    if email is None:
        return f"ticket-{ticket_id}"
    return f"mail-{hashlib.sha256(email.strip().casefold().encode()).hexdigest()[:20]}"
