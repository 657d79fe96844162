"""Limits: how much a person, a role or the policy by itself may give, as versioned data.

The whole of a workspace's limits is one document: `core.limits_file` reads it,
`core.limits_kept` keeps its versions, `core.authority` holds everybody to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, cast

from core.people import Person

Window = Literal["transaction", "day", "week", "month"]
WINDOWS: tuple[Window, ...] = ("transaction", "day", "week", "month")
#: Who gives where nobody is at the keyboard: no person's id looks like this.
POLICY = "policy"
#: Roles that may agree where the matrix does not say otherwise.
APPROVERS = ("admin", "approver")


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so much, and so often. `value`: currency -> minor units, always with the document's
    own currency, in which whatever is paid in another one is counted. None: not bounded."""

    value: Mapping[str, int] | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person, role or the policy may give: per window, and per window for a reason."""

    windows: Mapping[Window, Cap] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[Window, Cap]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCap:
    """Goodwill to one customer within `days`."""

    days: int
    cap: Cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A sum that all cases it is for share, afresh each `every` (None: once). An empty condition
    fits every case."""

    name: str
    cap: Cap
    every: Literal["day", "week", "month"] | None = None
    since: date | None = None
    until: date | None = None
    reasons: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def bears(
        self, *, reason: str | None, policy: str | None, person: Person | None, day: date
    ) -> bool:
        """Whether a case of this reason and policy, asked for by this person, is out of it."""
        if (self.since and day < self.since) or (self.until and day > self.until):
            return False
        if self.reasons and reason not in self.reasons:
            return False
        if self.policies and policy not in self.policies:
            return False
        if not self.roles and not self.people:
            return True
        return person is not None and (
            person.email in self.people or bool(self.roles & roles_of(person))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Who must agree: `people` different ones, each of one of `roles`."""

    roles: tuple[str, ...] = APPROVERS
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """From `over` (minor units by currency) up, for these reasons, and for customers who have
    spent more than `spent_over`. The first row that fits says who must agree."""

    over: Mapping[str, int]
    need: Need
    reasons: frozenset[str] = frozenset()
    spent_over: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A whole document. `order` is a share of what was paid; `worth` what one point or one day of
    extension counts as, in minor units of `currency`."""

    currency: str
    rates_last: timedelta = timedelta(days=7)
    roles: Mapping[str, Grant] = field(default_factory=dict)
    people: Mapping[str, Grant] = field(default_factory=dict)
    policy: Grant | None = None
    customer: Sequence[CustomerCap] = ()
    order: Fraction | None = None
    budgets: Sequence[Budget] = ()
    breaker: Mapping[Window, Cap] = field(default_factory=dict)
    worth: Mapping[str, Fraction] = field(default_factory=dict)
    matrix: Sequence[MatrixRow] = ()
    approval_lasts: timedelta = timedelta(days=7)
    remind_every: timedelta | None = None

    def grant_of(self, person: Person | None) -> Grant | None:
        """What a person may give by themselves, or (None) the policy. No answer: nothing.

        An entry for the very person counts alone. Of several roles each limit is the highest. An
        AI agent never has more than that role's, whatever its other roles and its own entry say.
        """
        if person is None:
            return self.policy
        if not person.active:
            return None
        roles, own = roles_of(person), self.people.get(person.email)
        if "ai_agent" in roles:
            most = self.roles.get("ai_agent")
            return _narrowest(most, own) if most and own else most
        if own is not None:
            return own
        return _widest([self.roles[role] for role in sorted(roles) if role in self.roles])


def roles_of(person: Person) -> frozenset[str]:
    return frozenset(cast("Iterable[str]", person.roles))


def _widest(grants: Sequence[Grant]) -> Grant | None:
    if not grants:
        return None
    windows = _widest_windows([grant.windows for grant in grants])
    common = frozenset.intersection(*(frozenset(grant.reasons) for grant in grants))
    reasons = {
        reason: _widest_windows([grant.reasons[reason] for grant in grants])
        for reason in sorted(common)
    }
    return Grant(windows, reasons)


def _widest_windows(several: Sequence[Mapping[Window, Cap]]) -> dict[Window, Cap]:
    """Per window the highest; a window that one of them leaves open is open."""
    found: dict[Window, Cap] = {}
    for window in WINDOWS:
        caps = [windows[window] for windows in several if window in windows]
        if len(caps) == len(several):
            found[window] = Cap(_highest([c.value for c in caps]), _most([c.count for c in caps]))
    return found


def _narrowest(one: Grant, other: Grant) -> Grant:
    """No more than either allows."""
    reasons = {
        reason: _narrowest_windows(one.reasons.get(reason, {}), other.reasons.get(reason, {}))
        for reason in sorted({*one.reasons, *other.reasons})
    }
    return Grant(_narrowest_windows(one.windows, other.windows), reasons)


def _narrowest_windows(one: Mapping[Window, Cap], other: Mapping[Window, Cap]) -> dict[Window, Cap]:
    found: dict[Window, Cap] = {}
    for window in WINDOWS:
        caps = [windows[window] for windows in (one, other) if window in windows]
        if caps:
            counts = [cap.count for cap in caps if cap.count is not None]
            found[window] = Cap(_lowest([c.value for c in caps]), min(counts, default=None))
    return found


def _lowest(values: Sequence[Mapping[str, int] | None]) -> Mapping[str, int] | None:
    """Per currency that all of them name; what is paid in another counts in the document's own."""
    stated = [value for value in values if value is not None]
    if not stated:
        return None
    common = frozenset.intersection(*(frozenset(value) for value in stated))
    return {code: min(value[code] for value in stated) for code in sorted(common)}


def _highest(values: Sequence[Mapping[str, int] | None]) -> Mapping[str, int] | None:
    """Per currency that all of them name; the document's own is always one of those."""
    stated = [value for value in values if value is not None]
    if len(stated) < len(values):
        return None
    common = frozenset.intersection(*(frozenset(value) for value in stated))
    return {code: max(value[code] for value in stated) for code in sorted(common)}


def _most(counts: Sequence[int | None]) -> int | None:
    stated = [count for count in counts if count is not None]
    return max(stated) if len(stated) == len(counts) else None
