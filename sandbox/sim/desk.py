"""A helpdesk: tickets and what stands on them, and `core.ports.Desk` over a line to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.ports import (
    HostNotFound,
    HostUnavailable,
    Requester,
    Spec,
    Ticket,
    Unwritable,
    WriteBack,
)
from sandbox.sim.line import WITHIN, Line, Lost, Unreached

SPEC = Spec(
    name="sim-desk",
    title="sim-desk",
    hears=("TicketStatusChanged",),
    writes=("note", "reply", "tag", "field"),
    calls_within=timedelta(seconds=WITHIN),
)


@dataclass(slots=True)
class Shown:
    """A ticket in the desk's own books. `comments` are (marker, kind) in order."""

    ticket: Ticket
    comments: list[tuple[str, str]] = field(default_factory=list)


class DeskBooks:
    """`tell` is called with a ticket when an agent acted. `now` is the helpdesk's own clock."""

    def __init__(self, tell: Callable[[Ticket], None], now: Callable[[], datetime]) -> None:
        self.tickets: dict[str, Shown] = {}
        self._tell, self.now = tell, now

    def set_status(self, ticket_id: str, status: str) -> None:
        shown = self.tickets[ticket_id]
        if shown.ticket.status != "closed":
            shown.ticket = replace(shown.ticket, status=status, updated_at=self.now())
            self._tell(shown.ticket)

    def put(self, back: WriteBack) -> str:
        """Raises `Unwritable` for a closed ticket."""
        shown = self.tickets[back.ticket_id]
        if shown.ticket.status == "closed":
            raise Unwritable("the ticket is closed")
        if back.kind == "marks":
            shown.ticket = replace(shown.ticket, tags=shown.ticket.tags | frozenset(back.tags))
            return "marks"
        shown.comments.append((back.marker, back.kind))
        return f"{back.ticket_id}-{len(shown.comments)}"


class SimDesk:
    def __init__(self, books: DeskBooks, line: Line) -> None:
        self._books, self._line = books, line

    def ticket(self, ticket_id: str) -> Ticket:
        self._line.read()
        if ticket_id not in self._books.tickets:
            raise HostNotFound("no such ticket")
        return self._books.tickets[ticket_id].ticket

    def find(self, back: WriteBack) -> str | None:
        self._line.read()
        shown = self._books.tickets[back.ticket_id]
        if back.kind == "marks":
            return "marks" if shown.ticket.tags >= frozenset(back.tags) else None
        for number, (marker, _) in enumerate(shown.comments, 1):
            if marker == back.marker:
                return f"{back.ticket_id}-{number}"
        return None

    def write_back(self, back: WriteBack) -> str:
        try:
            return self._line.write(lambda: self._books.put(back), self._line.time.true)
        except Unreached as error:
            raise HostUnavailable(error.why, retry_after=error.retry_after) from None
        except Lost as error:
            raise HostUnavailable(f"{error}; it may have been written") from None

    def recent(self, since: datetime) -> Iterable[Ticket]:
        self._line.read()
        tickets = [shown.ticket for shown in self._books.tickets.values()]
        return [ticket for ticket in tickets if ticket.updated_at >= since]


def new_ticket(
    id: str, *, text: str, tags: Iterable[str], email: str, at: datetime, agent: str
) -> Ticket:
    return Ticket(
        id=id,
        status="open",
        tags=frozenset(tags),
        fields={},
        requester=Requester(id=email, email=email, name="A Customer", language="en"),
        language="en",
        subject="",
        text=text,
        brand=None,
        channel=None,
        assignee_id=agent,
        created_at=at,
        updated_at=at,
    )
