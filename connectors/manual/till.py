"""A till without a host: it promises nothing but that a person will be asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.money import UNPAYABLE
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostNotFound,
    HostRecord,
    Instruction,
    Order,
    Pending,
    Purchases,
    Quote,
    Receipt,
    Remedy,
    Unpayable,
    Who,
)

#: A refund goes back the way it was paid, which a person's hand cannot do; that is cash. Coupons
#: and gift cards have codes that Amends makes, and no shop would know them; a voucher has its own.
PAID_BY_HAND: tuple[Remedy, ...] = (
    "cash",
    "donation",
    "voucher",
    "store_credit",
    "account_credit",
    "points",
    "replacement",
    "extension",
)


class ManualTill:
    def purchases(self, who: Who) -> Purchases:
        return Purchases(buyers=(), orders=())

    def order(self, order_id: str) -> Order:
        raise HostNotFound("what is paid by hand has no orders of its own")

    def quote(self, instruction: Instruction) -> Quote:
        _check(instruction)
        if instruction.amount is None:
            raise Unpayable(f"a {instruction.remedy} without an amount needs no quote")
        return Quote(payable=instruction.amount)

    def pay(self, instruction: Instruction) -> Ending:
        """Asking for it twice changes nothing: a payout has one task."""
        try:
            return _asked(instruction)
        except Unpayable as error:
            return Declined("unpayable", str(error))

    def find(self, instruction: Instruction) -> Finding:
        """Pending for ever, as far as this till can see: the person's task ends it."""
        try:
            return _asked(instruction)
        except Unpayable:
            return Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        return Declined("irreversible", "what a person paid, a person has to ask back")

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        return ()


def _asked(instruction: Instruction) -> Pending:
    _check(instruction)
    return Pending(
        Receipt(
            host_object=instruction.payout_id,
            amount=instruction.amount,
            quantity=instruction.quantity,
            order_id=instruction.order_id,
        )
    )


def _check(instruction: Instruction) -> None:
    """Raises `Unpayable`."""
    if instruction.remedy not in PAID_BY_HAND:
        raise Unpayable(f"nobody pays a {instruction.remedy} by hand")
    amount, quantity = instruction.amount, instruction.quantity
    if amount is None and quantity is None and not instruction.lines:
        if instruction.remedy != "replacement":
            raise Unpayable(f"a {instruction.remedy} needs an amount or a number")
    elif amount is not None and (amount.minor <= 0 or amount.currency in UNPAYABLE):
        raise Unpayable(f"{amount} cannot be paid")
    elif quantity is not None and quantity <= 0:
        raise Unpayable(f"{quantity} cannot be given")
