"""Offers: what is put to an agent or a customer. Immutable; at most one of a case is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.record import Doc, Record, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Record):
    """`parts` are the remedies, each complete enough to pay (see `core.payout.Part`).

    `payload_hash` is over everything an approval binds. `accepted_case` equals `case_id` once
    accepted, which the store keeps unique.
    """

    TABLE: ClassVar[Table] = Table(
        name="offers", unique=(("accepted_case",),), index=(("case_id",),)
    )

    case_id: str
    made_at: datetime
    expires_at: datetime
    basis: str
    parts: Doc
    payload_hash: str
    made_by: str | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    accepted_case: str | None = None
