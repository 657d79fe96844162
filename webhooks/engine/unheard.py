"""Sweeping a helpdesk: solved tickets whose message was lost get their case.

When a ticket changed is told by the helpdesk's clock, so everything here is reckoned by that one,
as far as its answers tell it: neither may a clock that differs hide a ticket, nor ours that was
wrong at the last sweep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import flow
from core.case import CaseTicket
from core.ports import Ticket
from core.store import Store
from core.sweep import Difference
from webhooks.engine.clock import Clock
from webhooks.hosts import Host

#: A solved ticket's own message gets so long before the sweep takes its place.
_WAITS = timedelta(minutes=10)
#: Looked at again each time.
_OVERLAP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """`to`: the helpdesk's own time up to which its solved tickets are known."""

    seen: int
    differences: list[Difference]
    to: datetime


class Unheard:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def open_lost(self, host: Host, since: datetime, still_ours: Callable[[], object]) -> Heard:
        """Those that were solved since then, name a reason and have no case; none from before the
        helpdesk was connected. Raises `HostError`."""
        asked = since - _OVERLAP
        tickets = list(host.desk.recent(asked))
        ours = self._clock.now()
        theirs = host.time() or ours
        after = max(asked, host.connected_at(ours, theirs))
        found = []
        for ticket in tickets:
            if not (ticket.status == "solved" and after <= ticket.updated_at <= theirs - _WAITS):
                continue
            if host.routing.reasons_on(ticket) and not self._has_case(host, ticket):
                still_ours()
                case_id = self._open(host, ticket)
                if case_id is not None:
                    found.append(_difference(ticket, case_id))
        return Heard(len(tickets), found, theirs)

    def _has_case(self, host: Host, ticket: Ticket) -> bool:
        """Asked before a transaction is opened: nearly all have."""
        with self._store.read() as reader:
            of_ticket = {"desk_id": host.connection.id, "ticket_id": ticket.id}
            return reader.count(CaseTicket, **of_ticket) > 0

    def _open(self, host: Host, ticket: Ticket) -> str | None:
        desk_id = host.connection.id
        with self._store.write() as tx:
            moment = self._clock.moment()
            if tx.count(CaseTicket, desk_id=desk_id, ticket_id=ticket.id):
                return None
            case = flow.on_solved(
                tx,
                desk_id,
                ticket.id,
                actor_id=None,
                received_at=moment.now,
                routing=host.routing,
                moment=moment,
            )
            if case is None:
                return None
            tx.add(case)
            link = CaseTicket(
                id=moment.new("link"), case_id=case.id, desk_id=desk_id, ticket_id=ticket.id
            )
            tx.add(link)
            moment.log(tx, case.id, "solved_unheard", {"desk": desk_id, "ticket": ticket.id})
            return case.id


def _difference(ticket: Ticket, case_id: str) -> Difference:
    return Difference(kind="unheard", end="mended", ticket=ticket.id, case=case_id)
