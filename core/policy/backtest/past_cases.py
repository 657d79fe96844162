"""The workspace's own cases as past tickets: the facts each was decided on, and what was paid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.case import Case
from core.money import Money
from core.payout import GONE, Payout
from core.policy.backtest.errors import TicketsError
from core.policy.backtest.tickets import CUSTOMER, DATE, PAID, SPECIAL, Ticket
from core.store import Reader

if TYPE_CHECKING:
    from core.policy import Policy


class PastCases:
    """Cases with facts, oldest first. A draft can only read the facts that were kept then: those
    the policy that decided had declared. Raises `TicketsError` where there are none."""

    def __init__(self, reader: Reader) -> None:
        cases = [case for case in reader.find(Case) if case.facts is not None]
        if not cases:
            raise TicketsError(
                "there are no decided cases in the database yet; name a file with --tickets"
            )
        self._cases = sorted(cases, key=lambda case: (case.opened_at, case.id))
        self._paid: dict[str, list[Money]] = {}
        for payout in reader.find(Payout):
            if payout.state not in GONE and payout.amount_minor and payout.currency:
                money = Money(payout.amount_minor, payout.currency)
                self._paid.setdefault(payout.case_id, []).append(money)
        names = {name for case in self._cases for name in _names(case.facts)}
        self.columns: tuple[str, ...] = tuple(sorted(names | SPECIAL - {"paid_currency"}))
        assert {DATE, CUSTOMER, PAID} <= set(self.columns)

    @property
    def length(self) -> int:
        return len(self._cases)

    def each(self, policies: Sequence[Policy]) -> Iterator[Ticket]:
        for number, case in enumerate(self._cases, 1):
            paid = self._paid.get(case.id, [])
            single = len({money.currency for money in paid}) == 1
            yield Ticket(
                number=number, name=case.id, date=case.opened_at.isoformat(),
                customer=case.customer_id or "", currency=_currency(case.facts),
                facts=tuple(_copy(case.facts) for _ in policies),
                paid=sum(paid[1:], paid[0]) if single else None,
                unreadable=len(paid) > 1 and not single,
            )  # fmt: skip


def _names(facts: Any, before: str = "") -> Iterator[str]:
    if not isinstance(facts, Mapping):
        return
    for name, value in facts.items():
        if isinstance(value, Mapping) and not value.keys() <= {"amount", "currency"}:
            yield from _names(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def _currency(facts: Any) -> str:
    """The currency of the first amount among the facts."""
    if not isinstance(facts, Mapping):
        return ""
    if isinstance(facts.get("currency"), str) and "amount" in facts:
        return str(facts["currency"])
    return next((code for one in facts.values() if (code := _currency(one))), "")


def _copy(facts: Any) -> dict[str, Any]:
    """Facts of its own for each policy, for a replay writes into them."""
    found: dict[str, Any] = json.loads(json.dumps(facts))
    return found
