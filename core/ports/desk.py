"""A helpdesk: tickets, what is written on them, and what its customers say afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who wrote the ticket. Personal data: used at once, never put into facts."""

    id: str
    email: str | None
    name: str | None
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as its helpdesk shows it now. `status` in the words of `TicketStatusChanged`.

    `language` is a two-letter code where the host knows one (ticket, then requester).
    `fields` maps custom-field ids (as text) to their value as text. `text` is the customer's own
    first message and `subject` its title: read for order numbers, never stored.
    """

    id: str
    status: str
    tags: frozenset[str]
    fields: Mapping[str, str]
    requester: Requester
    language: str | None
    subject: str
    text: str
    brand: str | None
    channel: str | None
    assignee_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """One thing to put on a ticket, recognisable by `marker` so that it is never put there twice.

    note: private text for staff. reply: public text to the customer. marks: tags to add and the
    case field to set, which are idempotent by nature. side: a talk beside the ticket with `to`, who
    need not be agents; what the customer has written is not in it.
    """

    kind: Literal["note", "reply", "marks", "side"]
    ticket_id: str
    marker: str
    text: str = ""
    language: str = "en"
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    subject: str = ""


class Desk(Protocol):
    def ticket(self, ticket_id: str) -> Ticket:
        """The ticket with its requester. Raises `HostError`."""
        ...

    def find(self, back: WriteBack) -> str | None:
        """The host's id of `back` if it is already on the ticket, else None. Raises `HostError`."""
        ...

    def write_back(self, back: WriteBack) -> str:
        """Put it there and answer the host's id of it. Raises `HostError`; after anything but
        `HostDenied`, `HostNotFound` or `Unwritable` the write may have happened: `find` first."""
        ...

    def recent(self, since: datetime) -> Iterable[Ticket]:
        """Tickets changed since, for what webhooks lost. Raises `HostError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A customer's answer to the helpdesk's own survey of a ticket. `score`: -100 (as bad as can
    be) to 100, whatever scale the helpdesk has. `at`: when it was given, or last changed."""

    host_object: str
    ticket_id: str
    score: int
    at: datetime

    def __post_init__(self) -> None:
        if not -100 <= self.score <= 100:
            raise ValueError("a score is from -100 to 100")


class Surveys(Protocol):
    def ratings(self, since: datetime, ticket_ids: Sequence[str]) -> Iterable[Rating]:
        """Answers given since, of these tickets at least; others may be among them. An account
        that asks its customers nothing has none. Raises `HostError`."""
        ...
