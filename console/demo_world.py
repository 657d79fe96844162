"""What the demo page needs of the world around it. `amends demo` hands one in; tests another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.money import Money
from core.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoComment:
    """A comment on a ticket after its first message, as the helpdesk shows it."""

    author: str
    text: str
    public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTicket:
    """A ticket as it stands in the helpdesk now. `language` is the requester's tag (`ar`, `en-GB`);
    `status` the helpdesk's own word; `comments` oldest first."""

    id: str
    subject: str
    requester: str
    language: str
    status: str
    tags: Sequence[str]
    message: str
    comments: Sequence[DemoComment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRefund:
    """A refund in a shop's own books. `host_object` is the id Amends keeps on a payout
    (`Payout.host_object`); `order_id` as Amends keeps it on a case (`Case.order_id`)."""

    host_object: str
    order_id: str
    amount: Money


class DemoWorld(Protocol):
    @property
    def store(self) -> Store:
        """The store Amends works with. The page only reads it."""
        ...

    @property
    def desk_id(self) -> str:
        """The id of the connection to the sandbox helpdesk."""
        ...

    def tickets(self) -> Sequence[DemoTicket]:
        """All tickets, in the order to show them. Asked once for every request."""
        ...

    def page_of(self, ticket_id: str, language: str) -> str:
        """The address at which an agent who reads this language works on the ticket, with Amends
        beside it."""
        ...

    def solve(self, ticket_id: str) -> None:
        """An agent solves the ticket in the helpdesk. Raises `AmendsError` with what to do."""
        ...

    def approve(self, case_id: str, person_id: str) -> None:
        """This person says yes to what waits on the case. Raises `AmendsError` where they may
        not, or nothing waits any more."""
        ...

    def books(self) -> Mapping[str, Sequence[HostRefund]]:
        """Every refund in the hosts' own books, by the host's name as people know it."""
        ...
