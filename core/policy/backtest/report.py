"""The backtest's result: in numbers, for programs (`to_data`) and for the page (`html.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.money import exponent
from core.policy.backtest import rowwise, vectorised
from core.policy.backtest.rowwise import Progress
from core.policy.backtest.sql.terms import NotVectorised
from core.policy.backtest.tally import Cost, Difference, Sums, Tally
from core.policy.backtest.tickets import PAID, SPECIAL, TicketFile, Tickets

if TYPE_CHECKING:
    from core.policy import Policy

#: How many problems are listed, the most frequent first.
PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Report:
    """What the draft would have done.

    against: what it is compared with: another policy's name, `paid`, or ''.
    engine: `duckdb` or `rows`; because: why rows, where they were not needed for history.
    alone: how many tickets the query left to the compiled function.
    """

    draft: str
    draft_hash: str
    against: str
    against_hash: str
    engine: str
    because: str
    alone: int
    unread: tuple[str, ...]
    missing: tuple[str, ...]
    tally: Tally = field(repr=False)

    def to_data(self) -> dict[str, Any]:
        """JSON values; money as decimal text."""
        tally = self.tally
        data: dict[str, Any] = {
            "kind": "backtest", "v": 1, "policy": self.draft, "policy_hash": self.draft_hash,
            "tickets": tally.tickets, "engine": self.engine, "decided_alone": self.alone,
            "columns_not_read": list(self.unread), "facts_without_column": list(self.missing),
            "draft": _sums(tally.draft),
        }  # fmt: skip
        if self.because:
            data["row_by_row_because"] = self.because
        if self.against:
            data["against"] = {
                "what": self.against, "policy_hash": self.against_hash or None,
                **_sums(tally.other),
            }  # fmt: skip
            data["compared"] = self._compared()
        return data

    def _compared(self) -> dict[str, Any]:
        tally = self.tally
        codes = tally.compared_currencies
        return {
            "same": tally.same, "not_comparable": tally.not_comparable,
            "winners": [_cost(code, tally.winners.get(code)) for code in codes],
            "losers": [_cost(code, tally.losers.get(code)) for code in codes],
            "largest": [_difference(one) for code in codes for one in tally.largest(code)],
        }  # fmt: skip


def backtest(
    draft: Policy,
    tickets: Tickets,
    *,
    against: Policy | None = None,
    progress: Progress = lambda done: None,
    rows: bool = False,
) -> Report:
    """Decide every ticket with `draft` and compare.

    Compared with `against`, or without one with what was paid, where the tickets say it. `progress`
    hears how many more are done. `rows` keeps to the compiled function. Raises `TicketsError`.
    """
    policies = [draft, against] if against is not None else [draft]
    paid = against is None and PAID in tickets.columns
    engine, because, alone = "duckdb", "", 0
    try:
        if rows:
            raise NotVectorised("it was asked for")
        plan = vectorised.plan(policies, tickets, paid=paid)
        assert isinstance(tickets, TicketFile)  # else there is no plan
        tally, alone = vectorised.run(plan, policies, tickets, paid=paid, progress=progress)
    except NotVectorised as error:
        engine, because = "rows", str(error)
        tally = rowwise.run(policies, tickets, paid=paid, progress=progress)
    wanted = {one.name for policy in policies for one in policy.facts}
    there = set(tickets.columns)
    return Report(
        draft=draft.name,
        draft_hash=draft.version_hash,
        against=against.name if against is not None else "paid" if paid else "",
        against_hash=against.version_hash if against is not None else "",
        engine=engine,
        because=because,
        alone=alone,
        unread=tuple(sorted(there - wanted - SPECIAL)),
        missing=tuple(sorted(one for one in wanted - there if not one.startswith("history."))),
        tally=tally,
    )


def _sums(of: Sums) -> dict[str, Any]:
    problems = sorted(of.problems.items(), key=lambda one: (-one[1], one[0]))
    return {
        "outcomes": dict(sorted(of.outcomes.items())),
        "rules": dict(sorted(of.rules.items(), key=lambda one: (-one[1], one[0]))),
        "cost": [
            {"month": month, "remedy": remedy, **_cost(code, cost)}
            for (month, code, remedy), cost in sorted(of.cost.items())
        ],
        "total": {code: major(of.total(code), code) for code in of.currencies},
        "at_most": {code: major(minor, code) for code, minor in sorted(of.most.items())},
        "needs_yes": dict(sorted(of.asked.items())),
        "problems": [{"problem": text, "tickets": count} for text, count in problems[:PROBLEMS]],
    }


def _cost(code: str, cost: Cost | None) -> dict[str, Any]:
    cost = cost or Cost()
    if not code:
        return {"currency": None, "times": cost.times}
    return {"currency": code, "times": cost.times, "amount": major(cost.minor, code)}


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "row": one.number, "ticket": one.ticket, "date": one.date, "currency": one.currency,
        "draft": major(one.draft, one.currency), "against": major(one.other, one.currency),
        "difference": major(one.minor, one.currency), "rule": one.draft_rule,
        "rule_against": one.other_rule,
    }  # fmt: skip


def major(minor: int, code: str) -> str:
    """A sum in major units. Unlike a `Money`, the sum of many tickets has no limit."""
    digits = exponent(code)
    sign, units = ("-", -minor) if minor < 0 else ("", minor)
    if not digits:
        return f"{sign}{units}"
    whole, part = divmod(units, 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"
