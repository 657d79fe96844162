"""Where money lives: orders, instructions to pay, and the endings a payout can have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from core.money import Money
from core.ports.spec import Remedy
from core.storable import storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom to look for at a till. `email` was read from the helpdesk just now."""

    email: str | None
    order_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer of a till, found by e-mail and compared again in the host's answer."""

    id: str
    orders_count: int | None
    spent: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str
    title: str
    quantity: int
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order (or a single payment, where the till knows no orders) as the till shows it now.

    `refundable` is what the host would still pay back; `disputed` is open, lost or None.
    """

    id: str
    name: str
    buyer_id: str | None
    total: Money
    paid: Money
    refunded: Money
    refundable: Money
    created_at: datetime
    promised_on: date | None = None
    delivered_on: date | None = None
    disputed: str | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """What a till knows of one person. More than one buyer with one address is a person's task."""

    buyers: tuple[Buyer, ...]
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One remedy to pay, complete: nothing about it is looked up or decided later.

    key: this attempt's idempotency key. marker: `[amends:<payout id>]`, the same for every attempt;
    it goes into a field that the host stores before (or as) the money moves.
    quantity: for remedies counted in points or days. code: our own random code for coupons and gift
    cards, committed before the call. lines: (line id, quantity) that it is about: what to send
    again (none: the whole order), or what a refund is written down for (none: no line at all).
    shipping: how much of a refund is for the order's shipping.
    """

    payout_id: str
    key: str
    marker: str
    remedy: Remedy
    amount: Money | None
    quantity: int | None = None
    order_id: str | None = None
    buyer_id: str | None = None
    email: str | None = None
    text: str = ""
    code: str | None = None
    expires_at: datetime | None = None
    first_sent_at: datetime | None = None
    host_object: str | None = None
    lines: tuple[tuple[str, int], ...] = ()
    shipping: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the host would really pay for an instruction, in its own steps."""

    payable: Money
    limit: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """What was paid, or given back, for one line (goods, shipping, a fee): `gross`, and the `tax`
    in it. `rate` in percent, as `core.tax.rate_of` writes it; None where the host does not say."""

    line: str
    gross: Money
    tax: Money
    rate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes:
    """What a host's books say of the tax in a refund. `told`: the lines are those of the refund's
    own document, and `whole` its sum; else they are all lines of the order, and `whole` its total.
    Lines that do not add up are no error: then the tax is not known."""

    lines: tuple[Taxed, ...]
    whole: Money
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The host's record of a payout. `amount` is what the host says, never what we asked for.
    `taxes`: where its books can be read so. Nothing about the payout hangs on them, so they do not
    tell two receipts apart."""

    host_object: str
    amount: Money | None
    quantity: int | None = None
    order_id: str | None = None
    at: datetime | None = None
    code: str | None = None
    taxes: Taxes | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Settled:
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Pending:
    """The host took it on and has not finished. `receipt` names what to ask about."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Declined:
    """The host said no, for good. `code` is the host's word, `why` a sentence for a person."""

    code: str
    why: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", storable(self.code))
        object.__setattr__(self, "why", storable(self.why))


#: The code of a no that may hide a payment: what stood at the host is gone, so asking again would
#: find nothing, and somebody behind the host may have paid. A person looks before anything else.
LOOK_FIRST = "look_first"


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely never reached the host (no connection, or told to wait before it acted)."""

    why: str
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", storable(self.why))


@dataclass(frozen=True, slots=True)
class Unknown:
    """May or may not have happened. Ask with `find`; never send again on this alone."""

    why: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", storable(self.why))


@dataclass(frozen=True, slots=True)
class Absent:
    """`find` looked in the right place, after the visibility delay, and it is not there."""


Ending = Settled | Pending | Declined | NotSent | Unknown
Finding = Settled | Pending | Declined | Absent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """One payout-like thing found in the host's books, ours or not (for the sweep)."""

    host_object: str
    remedy: Remedy
    amount: Money | None
    order_id: str | None
    marker: str | None
    ending: str  # settled | pending | failed
    at: datetime


class Till(Protocol):
    def purchases(self, who: Who) -> Purchases:
        """Buyers and their recent orders, each compared with `who` again. Raises `HostError`."""
        ...

    def order(self, order_id: str) -> Order:
        """One order as it is now. Raises `HostError`."""
        ...

    def quote(self, instruction: Instruction) -> Quote:
        """The payable sum in the host's steps; zero where it would pay nothing.
        Raises `HostError`; `Unpayable` for a remedy or currency this till does not pay."""
        ...

    def pay(self, instruction: Instruction) -> Ending: ...

    def find(self, instruction: Instruction) -> Finding:
        """By host object where one is known, else by marker, id or code; never through a search
        index that lags."""
        ...

    def reverse(self, instruction: Instruction) -> Ending:
        """Take back the unspent part, where the spec says `reversible`; the receipt's amount is
        what came back. Doing it again changes nothing more, so it is done again where the answer
        was unclear, and once more to read back what was done: either it says the same, or `find`
        says absent by then."""
        ...

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        """Payout-like things since, for the sweep. Raises `HostError`."""
        ...
