"""Vendure as a till: one file for each way of paying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from connectors.endings import before_sending, while_asking
from connectors.vendure.client import Admin
from connectors.vendure.till.coupon import Coupon
from connectors.vendure.till.purchases import Books
from connectors.vendure.till.refund import Refund
from connectors.vendure.till.remedy import Remedy
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostError,
    HostRecord,
    Instruction,
    Order,
    Purchases,
    Quote,
    Settings,
    Unpayable,
    Who,
)


class VendureTill:
    def __init__(self, admin: Admin, settings: Settings) -> None:
        self._admin = admin
        self._books = Books(admin)
        self._refund = Refund(admin, self._books, settings)
        self._coupon = Coupon(admin)
        self._remedies: Mapping[str, Remedy] = {"refund": self._refund, "coupon": self._coupon}

    def purchases(self, who: Who) -> Purchases:
        return self._books.of(who)

    def order(self, order_id: str) -> Order:
        return self._books.order(order_id)

    def quote(self, instruction: Instruction) -> Quote:
        return self._remedy(instruction).quote(instruction)

    def pay(self, instruction: Instruction) -> Ending:
        """Looks first, sends once, alone in this process with the order or code."""
        try:
            remedy = self._remedy(instruction)
            with self._admin.alone(remedy.thing(instruction)):
                found = remedy.find(instruction)
                if not isinstance(found, Absent):
                    return found
                return remedy.send(instruction)
        except HostError as error:
            return before_sending(error)

    def find(self, instruction: Instruction) -> Finding:
        try:
            with self._admin.one_call():
                return self._remedy(instruction).find(instruction)
        except HostError as error:
            return while_asking(error)

    def reverse(self, instruction: Instruction) -> Ending:
        """A refund has left, and whether a coupon was used is not in the API."""
        return Declined("irreversible", "Vendure takes nothing back; look at it in its dashboard")

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        return self._recent(since)

    def _recent(self, since: datetime) -> Iterator[HostRecord]:
        yield from self._refund.recent(since)
        yield from self._coupon.recent(since)

    def _remedy(self, instruction: Instruction) -> Remedy:
        try:
            return self._remedies[instruction.remedy]
        except KeyError:
            raise Unpayable(f"Vendure does not pay a {instruction.remedy}") from None
