"""Reading WooCommerce's objects: every value is looked at before it is believed.

Amounts are text with the decimals the shop is set to, which need not be its currency's; inside an
order refunds are negative. Dates named `_gmt` carry no zone and mean UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from core.money import Money, MoneyError, exponent, parse_money, round_money
from core.ports import HostUnclear, Line, Order

Node = Mapping[str, Any]

_MARKER = re.compile(r"\[amends:([A-Za-z0-9_-]{1,64})\]", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,20})?", re.ASCII)


def text(node: Node, name: str) -> str:
    found = node.get(name)
    if not isinstance(found, str):
        raise HostUnclear(f"WooCommerce's answer has no text at {name}")
    return found


def whole(node: Node, name: str) -> int:
    found = node.get(name)
    if type(found) is not int:
        raise HostUnclear(f"WooCommerce's answer has no whole number at {name}")
    return found


def many(node: Node, name: str) -> list[Node]:
    found = node.get(name)
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise HostUnclear(f"WooCommerce's answer has no list at {name}")
    return found


def money(major: object, currency: str) -> Money:
    try:
        return parse_money(major, currency)
    except MoneyError as error:
        raise HostUnclear(f"WooCommerce's answer has an unreadable amount: {error}") from None


def instant(node: Node, name: str) -> datetime:
    """`<name>_gmt`, or `name` where the shop shows only that."""
    value = node.get(f"{name}_gmt") or node.get(name)
    if not isinstance(value, str) or _STAMP.fullmatch(value) is None:
        raise HostUnclear(f"WooCommerce's answer has no date and time at {name}")
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        raise HostUnclear("WooCommerce's answer has an impossible date and time") from None


def marked(reason: object) -> str | None:
    """The payout id in a reason or description."""
    found = _MARKER.search(reason) if isinstance(reason, str) else None
    return found[1] if found else None


def same_address(one: object, other: str) -> bool:
    return isinstance(one, str) and one.strip().casefold() == other.strip().casefold()


def email_of(order: Node) -> str:
    billing = order.get("billing")
    email = billing.get("email") if isinstance(billing, Mapping) else None
    return email if isinstance(email, str) else ""


def buyer_of(order: Node) -> str | None:
    """The account's number; a guest has none."""
    return str(whole(order, "customer_id")) if order.get("customer_id") else None


@dataclass(frozen=True, slots=True)
class Fields:
    """Under which meta keys the shop's plugins keep dates."""

    promised: str | None
    delivered: str | None


def order(node: Node, fields: Fields) -> Order:
    currency = text(node, "currency")
    total = money(text(node, "total"), currency)
    refunds = [refunded(one, currency) for one in many(node, "refunds")]
    given_back = sum(refunds, start=Money.zero(total.currency))
    # No date of payment: on delivery, by a transfer still awaited. Nothing can be paid back.
    paid = total if node.get("date_paid") else Money.zero(total.currency)
    left = paid - given_back
    return Order(
        id=str(whole(node, "id")),
        name=f"#{text(node, 'number').removeprefix('#')}",
        buyer_id=buyer_of(node),
        total=total,
        paid=paid,
        refunded=given_back,
        refundable=left if left.minor > 0 else Money.zero(total.currency),
        created_at=instant(node, "date_created"),
        promised_on=_day(node, fields.promised),
        delivered_on=_day(node, fields.delivered),
        lines=tuple(_line(one, currency) for one in many(node, "line_items")),
    )


def refunded(one: Node, currency: str) -> Money:
    """The amount of an entry of an order's `refunds`."""
    return money(text(one, "total").removeprefix("-"), currency)


def step_minor(node: Node) -> int:
    """The smallest sum this shop can move: it rounds everything to the decimals it is set to, as
    seen in the order's own total."""
    total, digits = text(node, "total"), exponent(text(node, "currency"))
    shown = len(total.partition(".")[2])
    return int(10 ** max(0, digits - shown))


def _line(one: Node, currency: str) -> Line:
    """The price of one piece as it was paid for; `price` is a float at the host, so not used."""
    quantity, total = whole(one, "quantity"), text(one, "total")
    if quantity < 0 or _NUMBER.fullmatch(total) is None:
        raise HostUnclear("WooCommerce's answer has an order line that cannot be read")
    each = round_money(Fraction(total) / max(1, quantity), currency, rounding="down")
    return Line(id=str(whole(one, "id")), title=text(one, "name"), quantity=quantity, price=each)


def _day(node: Node, name: str | None) -> date | None:
    """A plugin's field, where it holds a date; whatever else it holds is no date."""
    for one in many(node, "meta_data") if name else ():
        value = one.get("value")
        found = (
            _DATE.fullmatch(value) if one.get("key") == name and isinstance(value, str) else None
        )
        if found is not None:
            try:
                return date.fromisoformat(found[1])
            except ValueError:
                return None
    return None
