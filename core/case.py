"""A case: one harm being made good, and the rows that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from core.record import Doc, Record, Table


class CaseState(StrEnum):
    GATHERING = "gathering"  # facts are needed from the hosts
    WAITING_APPROVAL = "waiting_approval"  # a second person must agree
    WAITING_CUSTOMER = "waiting_customer"  # a link was sent; the customer chooses
    PAYING = "paying"  # at least one payout has no ending yet
    WRITING = "writing"  # the ticket still has to be told
    WITH_PERSON = "with_person"  # an open task says what to do
    CLOSED = "closed"


#: Something is promised, and held, that is not yet planned to be paid.
WAITING = (CaseState.WAITING_APPROVAL, CaseState.WAITING_CUSTOMER)


class Outcome(StrEnum):
    MADE_GOOD = "made_good"
    NOTHING_DUE = "nothing_due"
    REFUSED = "refused"  # a person said no
    DUPLICATE = "duplicate"  # the same harm is another case's
    SHADOWED = "shadowed"  # recorded only, by the connection's mode
    SUGGESTED = "suggested"  # a private note says what would be given
    DISMISSED = "dismissed"  # a person closed it without payment
    REVERSED = "reversed"  # made good, then taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Record):
    """`due_at` is when the runner should look again; None: not before an event wakes it.

    `said` is the code of what the case is waiting for or how it ended (`host_unavailable`,
    `no_reason`, ...). `tries` counts failed tries of the current step. `facts` holds no name,
    address or free text. `mode` is shadow, suggest or act. `open_key` names desk and ticket until
    the case is closed, so that a ticket has one open case at most. `asked_by` is the host's id of
    the agent whose act started it; `looked_at` when the ticket was last looked at because of one.
    `overridden_by`: the person who decided that more is given for a harm that was made good.
    `beside`: the case in which what is owed was given for the same ticket; this one is the goodwill
    beyond it. `choice`: what an agent chose, where one did (`core.choice`).
    """

    TABLE: ClassVar[Table] = Table(
        name="cases",
        unique=(("open_key",),),
        index=(("desk_id", "ticket_id"), ("state",), ("customer_id",)),
        leased=True,
    )

    state: CaseState
    desk_id: str
    ticket_id: str
    opened_at: datetime
    looked_at: datetime
    changed_at: datetime
    due_at: datetime | None
    open_key: str | None
    mode: str
    tries: int = 0
    said: str | None = None
    outcome: Outcome | None = None
    duplicate_of: str | None = None
    reason: str | None = None
    language: str | None = None
    customer_id: str | None = None
    harm_id: str | None = None
    till_id: str | None = None
    order_id: str | None = None
    order_name: str | None = None
    policy: str | None = None
    policy_hash: str | None = None
    beside: str | None = None
    choice: Doc | None = None
    facts: Doc | None = None
    decision: Doc | None = None
    asked_by: str | None = None
    requested_by: str | None = None
    overridden_by: str | None = None
    override_note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTicket(Record):
    """A ticket that is about this case: several tickets may be, and a ticket may be about more."""

    TABLE: ClassVar[Table] = Table(
        name="case_tickets",
        unique=(("case_id", "desk_id", "ticket_id"),),
        index=(("desk_id", "ticket_id"),),
    )

    case_id: str
    desk_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStep(Record):
    """One thing that happened to a case, for people who ask why. `what` is a code, `data` its
    figures; the words are made where it is shown."""

    TABLE: ClassVar[Table] = Table(name="case_steps", index=(("case_id",),))

    case_id: str
    at: datetime
    what: str
    data: Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm(Record):
    """What went wrong for one customer. Compared under the customer's lock before anything is
    promised; `active_key` (`core.facts.harm_key`, and the case that was let through all the same)
    is None once released. `on_account`: what was given counts towards what is owed."""

    TABLE: ClassVar[Table] = Table(
        name="harms", unique=(("active_key",),), index=(("customer_id",), ("case_id",))
    )

    customer_id: str
    subject: str  # `order:<till>:<id>`, `line:<till>:<order>:<id>`, `incident:<id>`, or `customer`
    cause: str  # the group of reasons that are one cause
    happened_on: date | None
    basis: str
    case_id: str
    active_key: str | None
    on_account: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(Record):
    TABLE: ClassVar[Table] = Table(name="customers")

    created_at: datetime
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Record):
    """How one host knows a customer. `kind` is email, buyer or requester. Personal data: a person
    is erased by overwriting `value`."""

    TABLE: ClassVar[Table] = Table(
        name="identities", unique=(("connection_id", "kind", "value"),), index=(("customer_id",),)
    )

    customer_id: str
    connection_id: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness(Record):
    """A mark that several customers may share because they may be one person: a mailbox, hashed.
    It may block and count; whom to pay is never looked up here."""

    TABLE: ClassVar[Table] = Table(name="likenesses", index=(("mark",), ("customer_id",)))

    customer_id: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Record):
    """Something a person must do. `kind` is a code, `known` what is known about it."""

    TABLE: ClassVar[Table] = Table(name="tasks", index=(("state",), ("case_id",)))

    case_id: str | None
    kind: str
    state: str  # open | done
    opened_at: datetime
    known: Doc
    done_at: datetime | None = None
    done_by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing(Record):
    """One thing to put on the ticket; its id is the marker it is found again by.

    `about` is the code of what it says and `data` its figures; the words are made when it is
    written, in the customer's name as the ticket has it then, and kept in `text`.
    `state`: planned, done, failed.
    """

    TABLE: ClassVar[Table] = Table(name="writings", index=(("case_id",),))

    case_id: str
    desk_id: str
    ticket_id: str
    kind: str  # note | reply | marks | side
    about: str
    data: Doc
    state: str
    planned_at: datetime
    tries: int = 0
    due_at: datetime | None = None
    text: str | None = None
    host_object: str | None = None
    why: str | None = None
