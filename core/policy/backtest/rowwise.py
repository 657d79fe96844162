"""The backtest row by row, with the compiled function: always there, and what looks back needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from core.policy.backtest.errors import TicketsError
from core.policy.backtest.replay import Replay, day_of
from core.policy.backtest.tally import (
    Group,
    Part,
    Side,
    Tally,
    compared,
    difference,
    side_of,
)
from core.policy.backtest.tickets import CUSTOMER, DATE, Ticket, Tickets

if TYPE_CHECKING:
    from core.policy import Policy

Progress = Callable[[int], None]
_STEP = 5_000
_UNREADABLE = Side("cannot_decide", "", None, 0, 0, 0, problem="paid_amount is no amount")


def run(policies: Sequence[Policy], tickets: Tickets, *, paid: bool, progress: Progress) -> Tally:
    """Decide every ticket with the draft (and, if there are two policies, with the other).

    paid: compare with what was really paid instead. Raises `TicketsError`.
    """
    tally = Tally()
    replays = [
        Replay(policy, tickets.columns) if policy.looks_back else None for policy in policies
    ]
    done = 0
    for ticket in in_order(policies, tickets):
        add(tally, ticket, policies, replays, paid=paid)
        done += 1
        if done % _STEP == 0:
            progress(_STEP)
    progress(done % _STEP)
    return tally


def add(
    tally: Tally,
    ticket: Ticket,
    policies: Sequence[Policy],
    replays: Sequence[Replay | None],
    *,
    paid: bool,
) -> None:
    """Decide one ticket and add it to the account."""
    sides = []
    for policy, facts, replay in zip(policies, ticket.facts, replays, strict=True):
        if replay is not None:
            replay.fill(ticket, facts)
        side = side_of(policy.answerer.decide(facts))
        if replay is not None:
            replay.record(ticket, side)
        sides.append(side)
    if paid:
        sides.append(paid_side(ticket))
    month = month_of(ticket.date)
    if len(sides) == 1:
        tally.add(Group(month, 1, sides[0]))
        return
    draft, other = sides
    more = compared(draft, other)
    tally.add(Group(month, 1, draft, other, more))
    if more:
        tally.differ(difference(ticket.number, ticket.name, ticket.date, draft, other))


def paid_side(ticket: Ticket) -> Side:
    """What was really paid, as a side. An empty cell means nothing was."""
    if ticket.unreadable:
        return _UNREADABLE
    if ticket.paid is None or not ticket.paid.minor:
        return Side("nothing", "", None, 0, 0, 0)
    minor = ticket.paid.minor
    return Side("paid", "", ticket.paid.currency, minor, minor, 0, (Part("paid", 1, minor),))


def month_of(day: str) -> str:
    """`2026-03` of a date or instant; '' of anything else."""
    month = day[:7]
    return month if len(month) == 7 and month[4] == "-" and month.isascii() else ""


def in_order(policies: Sequence[Policy], tickets: Tickets) -> Iterable[Ticket]:
    """The tickets as they come; in time order where a policy looks back."""
    if not any(policy.looks_back for policy in policies):
        return tickets.each(policies)
    if DATE not in tickets.columns or CUSTOMER not in tickets.columns:
        raise TicketsError(
            "a policy that looks back is replayed in time order: the tickets need the columns "
            "`date` and `customer`"
        )
    return _sorted(policies, tickets)


def _sorted(policies: Sequence[Policy], tickets: Tickets) -> Iterator[Ticket]:
    """By date, then as they come. Read twice, so that tickets in order need no memory."""
    last = ""
    for ticket in tickets.each(()):
        day_of(ticket)
        if ticket.date < last:
            break
        last = ticket.date
    else:
        yield from tickets.each(policies)
        return
    yield from sorted(tickets.each(policies), key=lambda one: (one.date, one.number))
