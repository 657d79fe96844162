"""What a policy would have cost: counts and sums that single tickets and whole groups add up to."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from core.policy.decision import Decision

#: How many of the largest differences are kept, of each currency.
LARGEST = 100


class Part(NamedTuple):
    """One remedy of an answer: how often it was given, and the money in minor units."""

    remedy: str
    times: int
    minor: int


class Side(NamedTuple):
    """What one policy answered to the tickets of a group (or what was really paid).

    outcome: that of a decision, or `paid`. given: minor units; where the customer chooses or the
    agent sets the sum, the first offer and the least. most: the dearest way. asked: how many
    needed a second person's yes.
    """

    outcome: str
    rule: str
    currency: str | None
    given: int
    most: int
    asked: int
    parts: tuple[Part, ...] = ()
    problem: str = ""


class Group(NamedTuple):
    """Tickets that were answered alike. `more` is 1 where each of them gets more than on the other
    side, -1 where less, 0 where the same; None where there is nothing to compare."""

    month: str
    tickets: int
    draft: Side
    other: Side | None = None
    more: int | None = None


class Difference(NamedTuple):
    """One ticket and what the two sides give for it, in minor units of `currency`."""

    number: int
    ticket: str
    date: str
    currency: str
    draft: int
    other: int
    draft_rule: str
    other_rule: str

    @property
    def minor(self) -> int:
        return self.draft - self.other


@dataclass(slots=True)
class Cost:
    """How often something was given, and how much that came to, in minor units."""

    times: int = 0
    minor: int = 0

    def add(self, times: int, minor: int) -> None:
        self.times += times
        self.minor += minor


@dataclass(slots=True)
class Sums:
    """One side's account. Keys: month is `2026-03`, or '' without a date; currency or ''."""

    outcomes: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    cost: dict[tuple[str, str, str], Cost] = field(default_factory=dict)
    """(month, currency, remedy)"""
    most: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    """month -> tickets that would wait for a second person"""

    def add(self, month: str, tickets: int, side: Side) -> None:
        _count(self.outcomes, side.outcome, tickets)
        if side.rule:
            _count(self.rules, side.rule, tickets)
        if side.problem:
            _count(self.problems, side.problem, tickets)
        currency = side.currency or ""
        for part in side.parts:
            key = (month, currency if part.minor else "", part.remedy)
            self.cost.setdefault(key, Cost()).add(part.times, part.minor)
        if side.most:
            _count(self.most, currency, side.most)
        if side.asked:
            _count(self.asked, month, side.asked)

    def total(self, currency: str) -> int:
        return sum(one.minor for (_, code, _), one in self.cost.items() if code == currency)

    @property
    def currencies(self) -> list[str]:
        return sorted({code for _, code, _ in self.cost if code})


@dataclass(slots=True)
class Tally:
    """Both sides, and how they compare by currency: who gets more, less, the same."""

    tickets: int = 0
    draft: Sums = field(default_factory=Sums)
    other: Sums = field(default_factory=Sums)
    winners: dict[str, Cost] = field(default_factory=dict)
    losers: dict[str, Cost] = field(default_factory=dict)
    same: int = 0
    not_comparable: int = 0
    _largest: dict[str, list[tuple[int, int, Difference]]] = field(default_factory=dict)

    def add(self, group: Group) -> None:
        self.tickets += group.tickets
        self.draft.add(group.month, group.tickets, group.draft)
        other = group.other
        if other is None:
            return
        self.other.add(group.month, group.tickets, other)
        if group.more is None:
            self.not_comparable += group.tickets
        elif group.more == 0:
            self.same += group.tickets
        else:
            side = self.winners if group.more > 0 else self.losers
            currency = group.draft.currency if group.draft.given else other.currency
            gap = abs(group.draft.given - other.given)
            side.setdefault(currency or "", Cost()).add(group.tickets, gap)

    def differ(self, one: Difference) -> None:
        """Keep it if it is among the largest of its currency; of equals, the earliest ticket."""
        kept = self._largest.setdefault(one.currency, [])
        entry = (abs(one.minor), -one.number, one)
        if len(kept) < LARGEST:
            heapq.heappush(kept, entry)
        elif entry > kept[0]:
            heapq.heapreplace(kept, entry)

    def largest(self, currency: str) -> list[Difference]:
        return [entry[2] for entry in sorted(self._largest.get(currency, ()), reverse=True)]

    @property
    def compared_currencies(self) -> list[str]:
        return sorted(self.winners.keys() | self.losers.keys())


def side_of(decision: Decision) -> Side:
    """A decision as one side of one ticket."""
    offers = decision.offers or (decision.components,)
    parts = tuple(
        Part(one.remedy, 1, one.money.minor if one.money is not None else 0) for one in offers[0]
    )
    return Side(
        decision.outcome,
        decision.rule,
        decision.currency,
        sum(part.minor for part in parts),
        max(sum(one.most.minor for one in offer if one.most) for offer in offers),
        int(decision.needs_yes),
        parts,
        decision.problem,
    )


def compared(draft: Side, other: Side) -> int | None:
    """`Group.more` of a single ticket. Nothing given compares with every currency."""
    if "cannot_decide" in (draft.outcome, other.outcome):
        return None
    if draft.given and other.given and draft.currency != other.currency:
        return None
    return (draft.given > other.given) - (draft.given < other.given)


def difference(number: int, ticket: str, date: str, draft: Side, other: Side) -> Difference:
    currency = (draft.currency if draft.given else other.currency) or ""
    return Difference(
        number, ticket, date, currency, draft.given, other.given, draft.rule, other.rule
    )


def sum_up(groups: Iterable[Group]) -> Tally:
    tally = Tally()
    for group in groups:
        tally.add(group)
    return tally


def _count(of: dict[str, int], key: str, by: int) -> None:
    of[key] = of.get(key, 0) + by
