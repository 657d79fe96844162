"""Connections to hosts, and what arrives from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.record import Doc, Record, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Record):
    """One installed connector: a host account, its settings, its own webhook address.

    `settings` are the plain ones; `sealed` holds the secret ones, encrypted and bound to this row.
    `options` say how a desk's tickets are handled (see `core.routing`). `state` is on, off or lost.
    `renewing_until`: somebody is renewing its tokens; nobody else begins before that.
    """

    TABLE: ClassVar[Table] = Table(name="connections", unique=(("path_token",),))

    connector: str
    title: str
    live: bool
    state: str
    path_token: str
    settings: Doc
    options: Doc
    created_at: datetime
    sealed: str | None = None
    renewing_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingGrant(Record):
    """Somebody was sent to a host's page to agree. `state`: waiting, taken, done, failed.

    `state_hash` is the SHA-256 of what the host repeats, which is kept nowhere; `sealed` holds the
    other half, encrypted and bound to this row, until the answer is there. `callback` is the
    address that was given to the host.
    """

    TABLE: ClassVar[Table] = Table(
        name="pending_grants",
        unique=(("state_hash",),),
        index=(("connection_id", "state"),),
    )

    connection_id: str
    state_hash: str
    callback: str
    state: str
    created_at: datetime
    expires_at: datetime
    sealed: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(Record):
    """One webhook request, kept byte for byte. `state`: new, done, not_understood.

    `body` is emptied after the retention period; `dedupe_key` stays for ever.
    """

    TABLE: ClassVar[Table] = Table(
        name="deliveries",
        unique=(("connection_id", "dedupe_key"),),
        index=(("state",),),
        leased=True,
    )

    connection_id: str
    dedupe_key: str
    received_at: datetime
    headers: Doc
    body: bytes | None
    state: str
    due_at: datetime | None
    tries: int = 0
    kinds: Doc | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPayout(Record):
    """A payout-like thing seen in a host's books: explained by one of our payouts, or drift.

    `marker` is the payout id it carries in our own mark where we know no such payout: it was made
    after the backup that the database comes from.
    """

    TABLE: ClassVar[Table] = Table(
        name="host_payouts", unique=(("connection_id", "host_object"),), index=(("order_id",),)
    )

    connection_id: str
    host_object: str
    order_id: str | None
    amount_minor: int | None
    currency: str | None
    ending: str
    seen_at: datetime
    payout_id: str | None = None
    marker: str | None = None
