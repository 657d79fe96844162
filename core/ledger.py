"""The ledger: append-only, double-entry (one row a posting), hash-chained under a locked head."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.record import Record, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Record):
    """One posting: `amount_minor` (> 0) of `currency` from account `credit` to account `debit`.

    `id` is the sequence number, zero-padded, so that order by id is the order of the chain.
    `hash` covers every other column and the entry before it.
    """

    TABLE: ClassVar[Table] = Table(
        name="ledger_entries",
        unique=(("seq",), ("payout_id", "kind", "number")),
        index=(("case_id",), ("debit",), ("credit",)),
        append_only=True,
    )

    seq: int
    at: datetime
    debit: str
    credit: str
    amount_minor: int
    currency: str
    kind: str
    number: int
    case_id: str
    payout_id: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(Record):
    """The one locked row per workspace under which sequence and hash are taken."""

    TABLE: ClassVar[Table] = Table(name="ledger_heads")

    seq: int
    hash: str
