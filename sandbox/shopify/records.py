"""What the shop's books are made of. Amounts are in the order's presentment currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass
class Customer:
    id: int
    first_name: str
    last_name: str
    email: str
    created_at: str
    orders_count: int = 0
    total_spent: Decimal = Decimal(0)
    phone: str | None = None
    locale: str = "en"


@dataclass
class Line:
    id: int
    title: str
    quantity: int
    price: Decimal  # of one piece
    variant_id: int | None = None
    refunded_quantity: int = 0
    tax: Decimal = Decimal(0)  # in percent


@dataclass
class Transaction:
    """Money that moved, or was to move. `status`: SUCCESS, PENDING, FAILURE, ERROR."""

    id: int
    order_id: int
    kind: str
    status: str
    gateway: str
    amount: Decimal
    created_at: str
    parent_id: int | None = None
    error_code: str | None = None
    refund_id: int | None = None


@dataclass
class Refund:
    id: int
    order_id: int
    note: str | None
    created_at: str
    lines: list[tuple[int, int, str]] = field(default_factory=list)  # line id, quantity, restock
    shipping: Decimal = Decimal(0)
    by_hand: bool = False


@dataclass
class Dispute:
    id: int
    order_id: int
    amount: Decimal
    reason: str
    initiated_at: str
    type: str = "CHARGEBACK"
    status: str = "NEEDS_RESPONSE"


@dataclass
class Order:
    """`rate` is shop money for one of presentment money. Prices have the tax in them where
    `taxes_included`."""

    id: int
    name: str
    email: str | None
    currency: str
    shop_currency: str
    rate: Decimal
    total: Decimal
    created_at: str
    gateway: str
    customer_id: int | None
    shipping: Decimal = Decimal(0)
    lines: list[Line] = field(default_factory=list)
    delivered_at: str | None = None
    promised_at: str | None = None
    risk: str = "LOW"
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    address: dict[str, str] | None = None
    cancelled_at: str | None = None
    updated_at: str = ""
    taxes_included: bool = True
    shipping_tax: Decimal = Decimal(0)  # in percent


@dataclass
class CreditEntry:
    """One movement on a store credit account; debits have a negative amount."""

    id: int
    amount: Decimal
    balance: Decimal
    event: str
    created_at: str
    expires_at: str | None = None
    transaction_id: int | None = None


@dataclass
class CreditAccount:
    id: int
    customer_id: int
    currency: str
    entries: list[CreditEntry] = field(default_factory=list)

    @property
    def balance(self) -> Decimal:
        return sum((entry.amount for entry in self.entries), Decimal(0))


@dataclass
class GiftEntry:
    id: int
    amount: Decimal
    note: str | None
    processed_at: str


@dataclass
class GiftCard:
    id: int
    code: str
    currency: str
    initial: Decimal
    created_at: str
    created_epoch: float
    customer_id: int | None = None
    recipient: dict[str, Any] | None = None
    expires_on: str | None = None
    note: str | None = None
    deactivated_at: str | None = None
    entries: list[GiftEntry] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)

    @property
    def balance(self) -> Decimal:
        return self.initial + sum((entry.amount for entry in self.entries), Decimal(0))


@dataclass
class Discount:
    id: int
    code: str
    given: dict[str, Any]  # the input it was made from
    created_at: str
    ended_at: str | None = None


@dataclass
class Draft:
    id: int
    given: dict[str, Any]
    lines: list[Line]
    created_at: str
    created_epoch: float
    order_id: int | None = None
    completed_at: str | None = None


@dataclass
class KeyUse:
    """An idempotency key: what it was first used with and how that ended."""

    arguments: str
    at: float
    answer: dict[str, Any] | None = None
    failed: bool = False
