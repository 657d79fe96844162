"""What authority keeps: counters, locked in the order of their ids, and reservations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.money import Money
from core.record import Doc, Record, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(Record):
    """What was given within one window: its id names whose, which window, and the currency (or
    `count`); `total` is in minor units (or a number of payouts). A person's is dropped when limits
    change, and begun anew with what they gave in its window. An order's counts nothing: it is there
    to be locked (`core.authority.counters.lock_order`)."""

    TABLE: ClassVar[Table] = Table(name="counters")

    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation(Record):
    """One remedy of a case, held against every limit it counts in until it is used or released.

    `bearer` is who gives it: a person's id, `policy`, or None while somebody has yet to agree.
    `till_id` is where the order is. `amount_minor` is what it counts as, None where it has no worth
    that is known. `charges`: id of a counter -> how much of it, so that letting go gives back
    exactly what was taken; `rates` are the exchange rates it was counted at.
    """

    TABLE: ClassVar[Table] = Table(
        name="reservations",
        index=(("case_id",), ("customer_id",), ("bearer",), ("till_id", "order_id")),
    )

    case_id: str
    position: int
    remedy: str
    basis: str
    reason: str | None
    customer_id: str | None
    till_id: str
    order_id: str | None
    bearer: str | None
    amount_minor: int | None
    currency: str | None
    state: str  # held | used | released
    reserved_at: datetime
    limits_number: int | None
    charges: Doc
    rates: Doc
    ended_at: datetime | None = None

    @property
    def amount(self) -> Money | None:
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, self.currency)
