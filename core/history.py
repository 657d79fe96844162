"""What one customer was given and is promised, by whichever of their accounts: the facts under
`history.` of a live decision.

They are read while facts are gathered, when nothing is locked, and again under the customer's lock:
of two cases that are decided at the same moment, the later one is decided again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import offer as offers
from core.case import WAITING, Case
from core.errors import AmendsError
from core.money import Money
from core.payout import Payout, PayoutState, still_given
from core.record import Doc
from core.store import Reader

WINDOW = timedelta(days=90)


class HistoryMoved(AmendsError):
    """The customer's history is not the one that was decided on: nothing of the decision is kept,
    and it is taken again."""


@dataclass(frozen=True, slots=True)
class History:
    """What we gave this customer in the 90 days before, settled and still under way alike, and what
    waits for a yes or for their choice: it may be paid without being decided again."""

    cases: int
    paid: Mapping[str, int]  # currency -> minor units

    def facts(self, currency: str) -> dict[str, object]:
        paid = Money(self.paid.get(currency, 0), currency)
        return {
            "cases_90_days": self.cases,
            "paid_90_days": {"amount": paid.text, "currency": currency},
        }


def history_of(
    reader: Reader, customers: Sequence[str], now: datetime, *, without: str | None = None
) -> History:
    """`customers`: the buyer, if they are known yet, and whoever may be the same person.
    `without`: a case that is part of what is being decided now."""
    if not customers:
        return History(0, {})
    ended = (PayoutState.DECLINED, PayoutState.REVERSED)
    given = [
        (payout.case_id, still_given(reader, payout))
        for payout in reader.find(Payout, customer_id=tuple(customers))
        if payout.created_at >= now - WINDOW and payout.state not in ended
    ]
    for case in reader.find(Case, customer_id=tuple(customers), state=WAITING):
        given += [(case.id, part.amount) for part in offers.dearest(reader, case.id)]
    given = [(case_id, amount) for case_id, amount in given if case_id != without]
    paid: dict[str, int] = {}
    for _, amount in given:
        if amount is not None:
            paid[amount.currency] = paid.get(amount.currency, 0) + amount.minor
    return History(len({case_id for case_id, _ in given}), paid)


def has_moved(now: History, facts: Doc, currency: str) -> bool:
    """Whether it is another history by now than the facts of a decision say, as far as its policy
    reads any."""
    read = facts.get("history") if isinstance(facts, Mapping) else None
    if not isinstance(read, Mapping):
        return False
    seen = now.facts(currency)
    return any(seen.get(name) != value for name, value in read.items())
