"""What the sidebar's pages need of the world around them: the hosts read, the store, the runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.choice import Choice
from core.facts import Trouble
from core.people import Person
from core.policy import Policy
from core.ports import HostError, Pays, Ticket
from core.routing import Routing
from core.store import Store
from core.terms import Gathered, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A ticket as its hosts show it just now. `unread`: why the tills could not be asked; then
    nothing was gathered."""

    ticket: Ticket
    routing: Routing
    gathered: Gathered | None
    unread: HostError | None = None


class SidebarWorld(Protocol):
    @property
    def store(self) -> Store: ...

    def now(self) -> datetime: ...

    def titles(self) -> Mapping[str, str]:
        """Connection id -> what people call it."""
        ...

    def routing(self, desk_id: str) -> Routing:
        """Raises `AmendsError` where the connection is off or its options make no sense."""
        ...

    def ticket(self, desk_id: str, ticket_id: str) -> Ticket:
        """Read from the helpdesk now. Raises `core.ports.HostError`."""
        ...

    def look(self, desk_id: str, ticket_id: str, *, fresh: bool = True) -> Look:
        """The ticket, then its requester's orders at every till at once. Not `fresh`: as it was
        read a moment ago, for trying what another choice would come to. Raises
        `core.ports.HostError` where the ticket cannot be read, `AmendsError` for a desk that is
        not set up."""
        ...

    def terms(self, desk_id: str, gathered: Gathered, choice: Choice) -> Terms | Trouble:
        """What the policy in force decides by this choice; asks no host."""
        ...

    def policy(self, terms: Terms) -> Policy | None:
        """The one that decided these terms, if it is still in force."""
        ...

    def pays(self, till_id: str, remedy: str) -> Pays | None:
        """How a till pays a remedy; None where it does not."""
        ...

    def take_back(self, payout_id: str, person: Person, note: str) -> None:
        """Have the unspent part of a payout taken back, if the host shows that it is there. Raises
        `AmendsError`."""
        ...

    def notice(self) -> None:
        """There is work: whoever runs cases may look at once."""
        ...
