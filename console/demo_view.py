"""What the demo page shows of one ticket: our store, the helpdesk and the shops' books read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import cast
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext

from console.demo_world import DemoTicket, DemoWorld, HostRefund
from console.states import OUTCOMES, STATES
from core import message
from core.approval import MAY_APPROVE, Approval
from core.case import Case, CaseState, CaseStep, Outcome, Task, Writing
from core.connection import Connection
from core.ledger import Entry
from core.message import TaskText
from core.money import Money
from core.offer import Offer, parts_of
from core.payout import Payout, PayoutState
from core.people import Person, Workspace
from core.store import Reader
from core.writeback import readable

_WORKING = frozenset({CaseState.GATHERING, CaseState.PAYING, CaseState.WRITING})
#: Steps that say that something was recognised and rightly let go.
_QUIET = frozenset({"echo", "solved_again", "delivery_again", "already_written"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ticket stands: the words of its badge, and good, busy, ask, or plain."""

    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    words: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something waits for a second person. `approver` is None where nobody may say yes."""

    case_id: str
    amounts: Sequence[Money]
    approver_id: str | None
    approver: str | None


@dataclass(frozen=True, slots=True)
class BookLine:
    """One refund in both books; None where one of them does not have it."""

    host: str
    host_object: str
    theirs: Money | None
    ours: Money | None
    by_us: bool


@dataclass(frozen=True, slots=True)
class TicketView:
    ticket: DemoTicket
    standing: Standing
    given: Sequence[Money]
    steps: Sequence[Step]
    waiting: Waiting | None
    tasks: Sequence[TaskText]
    books: Sequence[BookLine]
    echoes: int
    repeats: int
    under_way: bool
    zone: tzinfo
    page: str
    trouble: str | None

    @property
    def agree(self) -> bool:
        """Whether the shop's books and ours say the same about what we gave."""
        return all(line.theirs == line.ours for line in self.books if line.by_us)


@dataclass(frozen=True, slots=True)
class Row:
    ticket: DemoTicket
    standing: Standing


def overview(world: DemoWorld, tickets: Sequence[DemoTicket]) -> list[Row]:
    """The list of tickets, each with where it stands."""
    cases: dict[str, list[Case]] = {}
    with world.store.read() as reader:
        for case in reader.find(Case, desk_id=world.desk_id):
            cases.setdefault(case.ticket_id, []).append(case)
    return [Row(ticket, _standing(ticket, cases.get(ticket.id, []))) for ticket in tickets]


def view(
    world: DemoWorld, ticket: DemoTicket, language: str, *, trouble: str | None = None
) -> TicketView:
    """Everything about one ticket, in the reader's language. `trouble`: what a click ended in."""
    books = world.books()
    with world.store.read() as reader:
        cases = reader.find(Case, desk_id=world.desk_id, ticket_id=ticket.id)
        ids = tuple(case.id for case in cases)
        names = {c.id: c.title for c in reader.find(Connection)}
        names |= {p.id: p.name for p in reader.find(Person)}
        zone = _zone(reader)
        steps = reader.find(CaseStep, case_id=ids)
        payouts = reader.find(Payout, case_id=ids)
        tasks = reader.find(Task, case_id=ids, state="open")
        writing = reader.count(Writing, case_id=ids, state="planned")
        return TicketView(
            ticket=ticket,
            standing=_standing(ticket, cases),
            given=[p.amount for p in payouts if p.state is PayoutState.SETTLED and p.amount],
            steps=[_step(step, names, language, zone) for step in steps],
            waiting=_waiting(reader, cases),
            tasks=[_task(task, names, language, zone) for task in tasks],
            books=_books(cases, payouts, reader.find(Entry, case_id=ids), books, names),
            echoes=sum(step.what == "echo" for step in steps),
            repeats=sum(step.what == "delivery_again" for step in steps),
            under_way=bool(writing)
            or any(case.state in _WORKING for case in cases)
            or (ticket.status == "solved" and not cases),
            zone=zone,
            page=world.page_of(ticket.id, language),
            trouble=trouble,
        )


def _zone(reader: Reader) -> tzinfo:
    workspace = reader.get(Workspace, "workspace")
    return ZoneInfo(workspace.zone if workspace else "UTC")


_OPEN = (lazy_gettext("Open"), "plain")
_SOLVED = (lazy_gettext("Solved"), "busy")
_CLOSED = (lazy_gettext("Closed"), "plain")


def _standing(ticket: DemoTicket, cases: Sequence[Case]) -> Standing:
    """The newest case speaks; one that only found the harm made good already lets the first."""
    first = [case for case in cases if case.outcome is not Outcome.DUPLICATE]
    speaking = (first or cases)[-1:]
    if speaking and speaking[0].outcome:
        words, tone = OUTCOMES[speaking[0].outcome]
    elif speaking:
        words, tone = STATES[speaking[0].state]
    else:
        words, tone = {"solved": _SOLVED, "closed": _CLOSED}.get(ticket.status, _OPEN)
    return Standing(str(words), tone)


def _step(step: CaseStep, names: Mapping[str, str], language: str, zone: tzinfo) -> Step:
    data = dict(cast("Mapping[str, object]", step.data))
    given = data.get("given")
    if isinstance(given, Sequence) and len(given) == 1:
        data = {**cast("Mapping[str, object]", given[0]), **data}
    shown = {**readable(data, names), "at": step.at}
    if isinstance(data.get("till"), str):
        shown["host"] = names.get(cast(str, data["till"]))
    words = message.step(language, step.what, shown, zone=zone)
    return Step(step.at, words, step.what in _QUIET)


def _task(task: Task, names: Mapping[str, str], language: str, zone: tzinfo) -> TaskText:
    known = cast("Mapping[str, object]", task.known)
    shown = {**readable(known, names), "task": task.id, "case": task.case_id}
    if isinstance(known.get("till"), str):
        shown["host"] = names.get(cast(str, known["till"]))
    return message.task(language, task.kind, shown, zone=zone)


def _waiting(reader: Reader, cases: Sequence[Case]) -> Waiting | None:
    for case in cases:
        for approval in reader.find(Approval, case_id=case.id, state="waiting"):
            offer = reader.get(Offer, approval.offer_id)
            parts = parts_of(offer) if offer else []
            people = [p for p in reader.find(Person, active=True) if _may(p)]
            by = people[0] if people else None
            return Waiting(
                case.id,
                [part.amount for part in parts if part.amount],
                by.id if by else None,
                by.name if by else None,
            )
    return None


def _may(person: Person) -> bool:
    return bool(MAY_APPROVE & set(cast("Collection[str]", person.roles)))


def _books(
    cases: Sequence[Case],
    payouts: Sequence[Payout],
    entries: Sequence[Entry],
    books: Mapping[str, Sequence[HostRefund]],
    names: Mapping[str, str],
) -> list[BookLine]:
    """The shops' refunds of the orders in question beside our entries for them."""
    posted = {
        e.payout_id: Money(e.amount_minor, e.currency) for e in entries if e.kind == "settled"
    }
    ours = {p.host_object: p for p in payouts if p.host_object and p.id in posted}
    orders = {case.order_id for case in cases if case.order_id}
    lines = []
    for host, refunds in books.items():
        for refund in refunds:
            if refund.order_id in orders:
                payout = ours.pop(refund.host_object, None)
                lines.append(
                    BookLine(
                        host,
                        refund.host_object,
                        refund.amount,
                        posted[payout.id] if payout else None,
                        payout is not None,
                    )
                )
    for host_object, payout in ours.items():
        host = names.get(payout.till_id, payout.till_id)
        lines.append(BookLine(host, host_object, None, posted[payout.id], True))
    return lines
