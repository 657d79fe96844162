"""Reading Shopify's answers: every value is looked at before it is believed.

Money comes in presentment currency (what the customer paid in) and as text such as `"15.0"`, so
amounts are compared as `Money`, never as text. Anything of another shape is `HostUnclear`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.money import Money, MoneyError, parse_money
from core.ports import Buyer, HostUnclear, Line, Order

Node = Mapping[str, Any]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MARKER = re.compile(r"\[amends:([A-Za-z0-9_-]{1,64})\]", re.ASCII)

#: ShopifyPaymentsDispute.status. A dispute Shopify prevented has given the money back; a word not
#: listed here counts as open, because an open dispute blocks refunds.
_DISPUTES = {
    "WON": "won",
    "LOST": "lost",
    "ACCEPTED": "lost",
    "CHARGE_REFUNDED": "lost",
    "PREVENTED": "lost",
}

MADE = {"SUCCESS"}
FAILED = {"FAILURE", "ERROR"}
TOOK_MONEY = {"SALE", "CAPTURE"}


def at(node: Any, *path: str) -> Any:
    """What stands at `path`, None included. Raises `HostUnclear` where the way there is not."""
    for step in path:
        if not isinstance(node, Mapping) or step not in node:
            raise HostUnclear(f"Shopify's answer lacks {'.'.join(path)}")
        node = node[step]
    return node


def text(node: Any, *path: str) -> str:
    found = at(node, *path)
    if not isinstance(found, str):
        raise HostUnclear(f"Shopify's answer has no text at {'.'.join(path)}")
    return found


def maybe_text(node: Any, *path: str) -> str | None:
    return None if at(node, *path) is None else text(node, *path)


def many(node: Any, *path: str) -> list[Node]:
    found = at(node, *path)
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise HostUnclear(f"Shopify's answer has no list at {'.'.join(path)}")
    return found


def amount(node: Any, *path: str) -> Money:
    """A MoneyV2."""
    return money_of(at(node, *path, "amount"), at(node, *path, "currencyCode"))


def paid(node: Any, *path: str) -> Money:
    """A MoneyBag's presentment side."""
    return amount(node, *path, "presentmentMoney")


def money_of(major: object, currency: object) -> Money:
    try:
        return parse_money(major, currency if isinstance(currency, str) else "")
    except MoneyError as error:
        raise HostUnclear(f"Shopify's answer has an amount that cannot be read: {error}") from None


def instant(value: object) -> datetime:
    if not isinstance(value, str) or _INSTANT.fullmatch(value) is None:
        raise HostUnclear("Shopify's answer has a date and time that cannot be read")
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        raise HostUnclear("Shopify's answer has an impossible date and time") from None


def marked(note: object) -> str | None:
    """The payout id in a note."""
    found = _MARKER.search(note) if isinstance(note, str) else None
    return found[1] if found else None


def dispute_state(status: str) -> str:
    return _DISPUTES.get(status.upper(), "open")


def disputed(order: Node) -> str | None:
    """`open`, `lost` or None: a won dispute no longer stands in the way."""
    states = {dispute_state(text(item, "status")) for item in many(order, "disputes")}
    return "open" if "open" in states else "lost" if "lost" in states else None


def same_address(one: str | None, other: str | None) -> bool:
    return bool(one and other) and _folded(one) == _folded(other)


def _folded(address: str | None) -> str:
    return (address or "").strip().casefold()


# ------------------------------------------------------------------------------ orders and buyers


def buyer(node: Node) -> Buyer:
    count = at(node, "numberOfOrders")
    if not re.fullmatch(r"[0-9]{1,18}", str(count), re.ASCII):
        raise HostUnclear("Shopify's answer has a number of orders that cannot be read")
    return Buyer(id=text(node, "id"), orders_count=int(count), spent=amount(node, "amountSpent"))


def buyer_address(node: Node) -> str | None:
    if at(node, "defaultEmailAddress") is None:
        return None
    return maybe_text(node, "defaultEmailAddress", "emailAddress")


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise HostUnclear("Shopify named a time zone that does not exist") from None


def order(node: Node, shop_zone: ZoneInfo) -> Order:
    customer = at(node, "customer")
    fulfillments = many(node, "fulfillments")
    delivered = [_day(item, "deliveredAt", shop_zone) for item in fulfillments]
    promised = [_day(item, "estimatedDeliveryAt", shop_zone) for item in fulfillments]
    return Order(
        id=text(node, "id"),
        name=text(node, "name"),
        buyer_id=None if customer is None else text(customer, "id"),
        total=paid(node, "totalPriceSet"),
        paid=paid(node, "totalReceivedSet"),
        refunded=paid(node, "totalRefundedSet"),
        refundable=_refundable(node),
        created_at=instant(at(node, "createdAt")),
        promised_on=max((day for day in promised if day), default=None),
        # Delivered is when the last parcel arrived; one still on its way means not delivered.
        delivered_on=None if None in delivered else max((d for d in delivered if d), default=None),
        disputed=disputed(node),
        lines=tuple(_line(item) for item in many(node, "lineItems", "nodes")),
    )


def _day(node: Node, name: str, shop_zone: ZoneInfo) -> date | None:
    value = at(node, name)
    return None if value is None else instant(value).astimezone(shop_zone).date()


def _line(node: Node) -> Line:
    quantity = at(node, "quantity")
    if type(quantity) is not int or quantity < 0:
        raise HostUnclear("Shopify's answer has a quantity that cannot be read")
    return Line(
        id=text(node, "id"),
        title=text(node, "title"),
        quantity=quantity,
        price=paid(node, "discountedUnitPriceSet"),
    )


def _refundable(node: Node) -> Money:
    """Zero, too, where all was paid by hand (cash on delivery): Shopify would record a refund of
    it as done and move no money."""
    currency = text(node, "presentmentCurrencyCode")
    taken = [
        item
        for item in many(node, "transactions")
        if text(item, "kind") in TOOK_MONEY and text(item, "status") in MADE
    ]
    by_hand = bool(taken) and all(at(item, "manualPaymentGateway") is True for item in taken)
    if by_hand or at(node, "refundable") is not True or at(node, "suggestedRefund") is None:
        return Money.zero(currency)
    return paid(node, "suggestedRefund", "maximumRefundableSet")


# ---------------------------------------------------------------------------------------- refunds


@dataclass(frozen=True, slots=True)
class Made:
    """A refund as Shopify shows it. `state`: settled, pending, failed, or mixed (part went)."""

    id: str
    order_id: str
    marker: str | None
    amount: Money | None
    state: str
    error: str | None
    at: datetime | None


def made(node: Node) -> Made:
    moves = [item for item in many(node, "transactions", "nodes") if text(item, "kind") == "REFUND"]
    amounts = [paid(item, "amountSet") for item in moves]
    statuses = {text(item, "status") for item in moves}
    errors = [maybe_text(item, "errorCode") for item in moves]
    created = at(node, "createdAt")
    return Made(
        id=text(node, "id"),
        order_id=text(node, "order", "id"),
        marker=marked(at(node, "note")),
        amount=total(amounts),
        state=_state(statuses),
        error=next((error for error in errors if error), None),
        at=None if created is None else instant(created),
    )


def total(amounts: list[Money]) -> Money | None:
    """None for nothing at all and for several currencies."""
    if len({one.currency for one in amounts}) != 1:
        return None
    return sum(amounts[1:], start=amounts[0])


def _state(statuses: set[str]) -> str:
    if statuses and statuses <= MADE:
        return "settled"
    if statuses and statuses <= FAILED:
        return "failed"
    if statuses & FAILED:
        return "mixed"
    return "pending"
