"""What a delivery means, in our words. Connectors' `read` turns raw requests into these.

An event is a claim by a host that something happened, never a proof: whatever money depends on is
read again from the host's API before it is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`occurred_at` is the host's own time of the event, None where the host does not say."""

    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStatusChanged(Event):
    """`status` is one of new, open, pending, hold, solved, closed, deleted; None where the host
    sends ids only and the ticket has to be read to know."""

    ticket_id: str
    status: str | None = None
    actor_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketTouched(Event):
    """Something else about a ticket: a comment, tags, a field. `what` is the host's own word."""

    ticket_id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketsMerged(Event):
    """`from_ticket_id` lives on in `into_ticket_id`, which is None where the host does not say."""

    from_ticket_id: str
    into_ticket_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketErased(Event):
    ticket_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecorded(Event):
    """The host says a refund exists: ours (an echo), or made by hand in the shop (drift).

    `marker` is the payout id found in the refund's note or metadata, if one is there; text from a
    host, so it points to where to look and proves nothing. `ending` is the host's state of it.
    """

    host_object: str
    order_id: str | None
    amount: Money | None
    marker: str | None
    ending: str  # settled | pending | failed


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeChanged(Event):
    """A chargeback on a payment of `order_id`: `state` is open, won or lost."""

    order_id: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequested(Event):
    """A customer (or, with no `customer_id`, the whole shop) must be erased at a host's request."""

    customer_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequested(Event):
    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLost(Event):
    """The host says our access ended (the app was uninstalled, a key was revoked)."""

    what: str
