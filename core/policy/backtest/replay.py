"""What earlier decisions of the same replay gave: the facts under `history.`.

    history.cases_90_days   how many of the customer's tickets of the last 90 days got something
    history.paid_90_days    the money they were given, in the case's currency
    history.paid            the same one by one: {list: {on: date, sum: money, remedy: word}}
    history.spent_30_days   the money everybody was given
    history.spent_month     the money everybody was given in this calendar month

Any number of days may stand in place of 90 and 30. The day of the window's start counts. Money in
other currencies than the case's is left out, as it is when a case is really decided.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from core.money import Money
from core.policy.backtest.errors import TicketsError
from core.policy.backtest.tally import Side
from core.policy.backtest.tickets import Facts, Ticket, put_fact
from core.policy.tree import Declared

if TYPE_CHECKING:
    from core.policy import Policy

_WINDOW = re.compile(r"history\.(cases|paid|spent)_([0-9]{1,4})_days", re.ASCII)
_FIELDS = frozenset({"on", "sum", "remedy"})


@dataclass(frozen=True, slots=True)
class _Given:
    on: date
    currency: str
    minor: int
    remedy: str


@dataclass(slots=True)
class _Person:
    """What one customer was given: entries of parts, and days on which a case was made good."""

    parts: deque[_Given] = field(default_factory=deque)
    cases: deque[date] = field(default_factory=deque)


class _Window:
    """Sums by currency of what everybody was given within some days; each entry once in and out."""

    def __init__(self, days: int) -> None:
        self._days = timedelta(days=days)
        self._entries: deque[_Given] = deque()
        self._sums: dict[str, int] = {}

    def add(self, given: _Given) -> None:
        self._entries.append(given)
        self._sums[given.currency] = self._sums.get(given.currency, 0) + given.minor

    def total(self, today: date, currency: str) -> int:
        while self._entries and self._entries[0].on < today - self._days:
            gone = self._entries.popleft()
            self._sums[gone.currency] -= gone.minor
        return self._sums.get(currency, 0)


class Replay:
    """The state of one policy's replay. Feed tickets in time order: `fill`, decide, `record`."""

    def __init__(self, policy: Policy, columns: tuple[str, ...]) -> None:
        self._people: dict[str, _Person] = {}
        self._spent: list[_Window] = []
        self._month: tuple[int, int] = (0, 0)
        self._month_spent: dict[str, int] = {}
        self._single = policy.currencies[0] if len(policy.currencies) == 1 else ""
        self._longest = timedelta(days=0)
        self._lists = False
        self._fillers = [
            (one.name, self._filler(one))
            for one in policy.facts
            if one.name.startswith("history.") and self._known(one, columns)
        ]

    def fill(self, ticket: Ticket, facts: Facts) -> None:
        """Add the facts under `history.` as this replay makes them."""
        today = day_of(ticket)
        if (today.year, today.month) != self._month:
            self._month, self._month_spent = (today.year, today.month), {}
        person = self._people.get(ticket.customer) or _Person()  # a guest has no history
        for name, filler in self._fillers:
            put_fact(facts, name, filler(person, today, self._single or ticket.currency))

    def record(self, ticket: Ticket, side: Side) -> None:
        """Remember what was given."""
        if side.outcome != "give":
            return
        today = day_of(ticket)
        person = self._people.setdefault(ticket.customer, _Person()) if ticket.customer else None
        if person is not None:
            person.cases.append(today)
        for part in side.parts:
            if part.minor:
                given = _Given(today, side.currency or "", part.minor, part.remedy)
                if person is not None:
                    person.parts.append(given)
                for window in self._spent:
                    window.add(given)
                spent = self._month_spent
                spent[given.currency] = spent.get(given.currency, 0) + given.minor
        if person is not None and not self._lists:
            _forget(person, today - self._longest)

    def _known(self, declared: Declared, columns: tuple[str, ...]) -> bool:
        name = declared.name
        if _WINDOW.fullmatch(name) or name in ("history.paid", "history.spent_month"):
            return True
        if name not in columns and not declared.has_default:
            raise TicketsError(
                f"{name} cannot be worked out from a replay and is no column of the tickets; name "
                "it as in history.paid_90_days, or add the column"
            )
        return False

    def _filler(self, declared: Declared) -> Callable[[_Person, date, str], Any]:
        window = _WINDOW.fullmatch(declared.name)
        if window is None:
            if declared.name == "history.spent_month":
                return lambda person, today, code: _money(self._month_spent.get(code, 0), code)
            return self._listing(declared)
        if window[1] == "spent":
            everybody = _Window(int(window[2]))
            self._spent.append(everybody)
            return lambda person, today, code: _money(everybody.total(today, code), code)
        days = timedelta(days=int(window[2]))
        self._longest = max(self._longest, days)
        if window[1] == "cases":
            return lambda person, today, code: sum(on >= today - days for on in person.cases)
        return lambda person, today, code: _sum(person.parts, today - days, code)

    def _listing(self, declared: Declared) -> Callable[[_Person, date, str], Any]:
        item = declared.type.item
        names = [name for name, _ in item.fields] if item is not None else []
        if not names or not set(names) <= _FIELDS:
            raise TicketsError(
                f"{declared.name} is replayed as a list of records with the fields on, sum, remedy"
            )
        self._lists = True

        def entries(person: _Person, today: date, code: str) -> list[dict[str, Any]]:
            return [
                {"on": one.on.isoformat(), "sum": _money(one.minor, code), "remedy": one.remedy}
                for one in person.parts
                if one.currency == code
            ]

        return entries


def _forget(person: _Person, before: date) -> None:
    while person.cases and person.cases[0] < before:
        person.cases.popleft()
    while person.parts and person.parts[0].on < before:
        person.parts.popleft()


def _sum(entries: deque[_Given], first: date, currency: str) -> Any:
    minor = 0
    for one in reversed(entries):
        if one.on < first:
            break
        minor += one.minor if one.currency == currency else 0
    return _money(minor, currency)


def _money(minor: int, currency: str) -> Any:
    if not currency:
        return {}
    return {"amount": Money(minor, currency).text, "currency": currency}


def day_of(ticket: Ticket) -> date:
    """The day of a ticket. Raises `TicketsError`: a replay in time order needs one in every row."""
    try:
        return date.fromisoformat(ticket.date[:10])
    except ValueError:
        raise TicketsError(
            f"row {ticket.number}: {ticket.date[:20]!r} is not a date such as 2026-03-31; a policy "
            "that looks back is replayed by the column `date`"
        ) from None
