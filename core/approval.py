"""Approval: a second person's yes, bound to the exact payload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.record import Record, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Record):
    """`state`: waiting, granted, refused, expired, void (something changed). `why` is the code of
    what asked for it; `requested_by` a person's id, or None where a policy acted by itself."""

    TABLE: ClassVar[Table] = Table(name="approvals", index=(("case_id",), ("state",)))

    case_id: str
    offer_id: str
    payload_hash: str
    state: str
    asked_at: datetime
    expires_at: datetime
    why: str
    requested_by: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
