"""Stripe as a till: a payment is an order here; one file for each way of paying."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from connectors.endings import before_sending, while_asking, while_taking_back
from connectors.stripe.client import Account
from connectors.stripe.till import purchases, recent
from connectors.stripe.till.account_credit import AccountCredit
from connectors.stripe.till.coupon import Coupon
from connectors.stripe.till.credit_note import CreditNote
from connectors.stripe.till.refund import KEY_LIFE, Refund
from connectors.stripe.till.remedy import Remedy
from core.ports import (
    Absent,
    Ending,
    Finding,
    HostError,
    HostRecord,
    Instruction,
    Order,
    Purchases,
    Quote,
    Unpayable,
    Who,
)


class StripeTill:
    def __init__(
        self, account: Account, now: Callable[[], datetime], credit_notes: Callable[[], bool]
    ) -> None:
        """`credit_notes`: whether account credit about an invoiced payment is given as one."""
        self._account = account
        self._now = now
        self._guesses = purchases.Guesses()
        self._remedies: Mapping[str, Remedy] = {
            "refund": Refund(account),
            "account_credit": CreditNote(account, AccountCredit(account), credit_notes),
            "coupon": Coupon(account),
        }

    def purchases(self, who: Who) -> Purchases:
        return purchases.of(self._account, who, self._guesses)

    def order(self, order_id: str) -> Order:
        return purchases.order(self._account, order_id)

    def quote(self, instruction: Instruction) -> Quote:
        return self._remedy(instruction).quote(instruction)

    def pay(self, instruction: Instruction) -> Ending:
        try:
            remedy = self._remedy(instruction)
            if self._may_be_forgotten(instruction):
                found = remedy.find(instruction)
                if not isinstance(found, Absent):
                    return found
            ready = remedy.prepare(instruction)
        except HostError as error:
            return before_sending(error)
        return ready() if callable(ready) else ready

    def find(self, instruction: Instruction) -> Finding:
        try:
            return self._remedy(instruction).find(instruction)
        except HostError as error:
            return while_asking(error)

    def reverse(self, instruction: Instruction) -> Ending:
        try:
            return self._remedy(instruction).reverse(instruction)
        except HostError as error:
            return while_taking_back(error)

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        return recent.records(self._account, since)

    def _may_be_forgotten(self, instruction: Instruction) -> bool:
        """Whether keys of this payout's first sending no longer keep it from happening twice."""
        first = instruction.first_sent_at
        return first is not None and self._now() - first > KEY_LIFE

    def _remedy(self, instruction: Instruction) -> Remedy:
        try:
            return self._remedies[instruction.remedy]
        except KeyError:
            raise Unpayable(f"Stripe does not pay a {instruction.remedy}") from None
