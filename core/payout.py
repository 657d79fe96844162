"""Payouts: one remedy of one accepted offer at one host, and its five endings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from core.record import Doc, Record, Table


class PayoutState(StrEnum):
    PLANNED = "planned"  # nothing sent yet
    SENDING = "sending"  # intent committed; the host may be acting
    SETTLED = "settled"
    PENDING = "pending"  # the host took it on
    DECLINED = "declined"
    NOT_SENT = "not_sent"  # surely not at the host; may be sent again
    UNKNOWN = "unknown"  # may have happened; being asked about
    REVERSED = "reversed"  # settled, then taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout(Record):
    """`ask_after`: not before this may a successor ask the host about a payout left `sending`.

    `sealed_code` is our own random code for coupons and gift cards, encrypted with the intent.
    """

    TABLE: ClassVar[Table] = Table(
        name="payouts",
        unique=(("till_id", "host_object"), ("offer_id", "position")),
        index=(("case_id",), ("till_id", "order_id"), ("customer_id",), ("state",)),
    )

    case_id: str
    offer_id: str
    position: int
    till_id: str
    customer_id: str | None
    remedy: str
    basis: str
    amount_minor: int | None
    currency: str | None
    quantity: int | None
    order_id: str | None
    buyer_id: str | None
    text: str
    state: PayoutState
    created_at: datetime
    changed_at: datetime
    tries: int = 0
    first_sent_at: datetime | None = None
    ask_after: datetime | None = None
    host_object: str | None = None
    receipt: Doc | None = None
    why: str | None = None
    sealed_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One sending of a payout: its key and the hash of its request, committed before the call."""

    TABLE: ClassVar[Table] = Table(name="attempts", unique=(("payout_id", "number"),))

    payout_id: str
    number: int
    key: str
    request_hash: str
    sent_at: datetime
    ended_at: datetime | None = None
    ending: str | None = None
    why: str | None = None
