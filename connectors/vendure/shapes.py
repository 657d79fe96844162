"""Reading Vendure's objects: every value is looked at before it is believed.

`Money` is a whole number of the shop's own unit, which is 1/100 of **every** currency unless its
MoneyStrategy has another precision: 1,235 yen are 123500, and a dinar has no third digit.
https://docs.vendure.io/guides/core-concepts/money/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from core.money import Money, MoneyError, Rounding, exponent, round_money
from core.ports import HostUnclear, Line, Order, Taxed, Taxes, Unpayable
from core.tax import rate_of

Node = Mapping[str, Any]

_MARKER = re.compile(r"\[amends:([A-Za-z0-9_-]{1,64})\]", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
PRECISION_MAX = 8

REFUND = "id total state reason transactionId createdAt"
ORDER = f"""id code state active createdAt orderPlacedAt currencyCode totalWithTax
  customer {{ id emailAddress }}
  lines {{ id quantity discountedUnitPriceWithTax productVariant {{ name }} }}
  payments {{ id amount state method refunds {{ {REFUND} }} }}"""
#: What was really paid for each line, order-wide discounts taken off.
TAXED = """lines { proratedLinePrice proratedLinePriceWithTax taxRate }
  shippingLines { id discountedPrice discountedPriceWithTax }
  surcharges { id price priceWithTax taxRate }"""
PRECISION = "globalSettings { serverConfig { moneyStrategyPrecision } }"


@dataclass(frozen=True, slots=True)
class Units:
    """How a shop counts money: in 10^-precision of any currency's major unit."""

    precision: int

    @classmethod
    def of(cls, data: Node) -> Units:
        """From the answer to a document with `PRECISION` in it. Raises `HostUnclear`."""
        found = whole(node(node(data, "globalSettings"), "serverConfig"), "moneyStrategyPrecision")
        if not 0 <= found <= PRECISION_MAX:
            raise HostUnclear(f"Vendure says that its amounts have {found} decimals")
        return cls(found)

    def money(self, units: int, currency: str, rounding: Rounding = "down") -> Money:
        """Raises `HostUnclear`."""
        try:
            return round_money(Fraction(units, 10**self.precision), currency, rounding=rounding)
        except MoneyError as error:
            raise HostUnclear(f"Vendure's answer has an unreadable amount: {error}") from None

    def step_minor(self, currency: str) -> int:
        """The smallest sum this shop can move."""
        return int(10 ** max(0, exponent(currency) - self.precision))

    def units(self, money: Money) -> int:
        """Raises `Unpayable` where the shop cannot say this sum exactly."""
        found = Fraction(money.minor * 10**self.precision, 10 ** exponent(money.currency))
        if found.denominator != 1:
            raise Unpayable(f"this shop cannot move {money} exactly; it has fewer decimals")
        return found.numerator


def node(parent: Node, name: str) -> Node:
    found = parent.get(name)
    if not isinstance(found, Mapping):
        raise HostUnclear(f"Vendure's answer has nothing at {name}")
    return found


def many(parent: Node, name: str) -> list[Node]:
    found = parent.get(name)
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise HostUnclear(f"Vendure's answer has no list at {name}")
    return found


def text(parent: Node, name: str) -> str:
    found = parent.get(name)
    if not isinstance(found, str):
        raise HostUnclear(f"Vendure's answer has no text at {name}")
    return found


def whole(parent: Node, name: str) -> int:
    found = parent.get(name)
    if type(found) is not int:
        raise HostUnclear(f"Vendure's answer has no whole number at {name}")
    return found


def instant(parent: Node, name: str) -> datetime:
    value = text(parent, name)
    if _STAMP.fullmatch(value) is None:
        raise HostUnclear(f"Vendure's answer has no date and time at {name}")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError:
        raise HostUnclear("Vendure's answer has an impossible date and time") from None


def marked(reason: object) -> str | None:
    """The payout id in a reason or description."""
    found = _MARKER.search(reason) if isinstance(reason, str) else None
    return found[1] if found else None


def same_address(one: object, other: str) -> bool:
    return isinstance(one, str) and one.strip().casefold() == other.strip().casefold()


def payments(order: Node) -> list[Node]:
    """Those whose money was taken. An order that was never paid has none."""
    found = many(order, "payments") if order.get("payments") is not None else []
    return [one for one in found if text(one, "state") == "Settled"]


def given_back(payment: Node) -> int:
    """In the shop's units; a failed refund gave nothing."""
    there = [one for one in many(payment, "refunds") if text(one, "state") != "Failed"]
    return sum(whole(one, "total") for one in there)


def left(payment: Node) -> int:
    """What this payment can still give, in the shop's units."""
    return max(0, whole(payment, "amount") - given_back(payment))


def order(raw: Node, units: Units) -> Order:
    currency, paid_by = text(raw, "currencyCode"), payments(raw)
    paid = sum(whole(one, "amount") for one in paid_by)
    placed = "orderPlacedAt" if raw.get("orderPlacedAt") is not None else "createdAt"
    buyer = raw.get("customer")
    return Order(
        id=text(raw, "id"),
        name=text(raw, "code"),
        buyer_id=text(buyer, "id") if isinstance(buyer, Mapping) else None,
        total=units.money(whole(raw, "totalWithTax"), currency),
        paid=units.money(paid, currency),
        refunded=units.money(sum(map(given_back, paid_by)), currency, "up"),
        refundable=units.money(sum(map(left, paid_by)), currency),
        created_at=instant(raw, placed),
        lines=_lines(many(raw, "lines"), units, currency),
    )


def _lines(raw: Sequence[Node], units: Units, currency: str) -> tuple[Line, ...]:
    return tuple(
        Line(
            id=text(one, "id"),
            title=text(node(one, "productVariant"), "name"),
            quantity=whole(one, "quantity"),
            price=units.money(whole(one, "discountedUnitPriceWithTax"), currency),
        )
        for one in raw
    )


# ------------------------------------------------------------------------------------------- tax


def taxes(raw: Node, units: Units) -> Taxes | None:
    """What an order, asked for with `TAXED`, contains of tax; a refund says nothing of it. None
    where it cannot be read: no refund ever hangs on it."""
    try:
        currency = text(raw, "currencyCode")
        kinds = (
            ("lines", "proratedLinePrice"),
            ("shippingLines", "discountedPrice"),
            ("surcharges", "price"),
        )
        lines = [
            _taxed(one, price, units, currency) for kind, price in kinds for one in many(raw, kind)
        ]
        total = units.money(whole(raw, "totalWithTax"), currency)
    except HostUnclear:
        return None
    return Taxes(lines=tuple(lines), whole=total)


def _taxed(one: Node, price: str, units: Units, currency: str) -> Taxed:
    gross = units.money(whole(one, f"{price}WithTax"), currency, "half_up")
    # Of shipping Vendure says with and without tax, and not the rate.
    rate = rate_of([one["taxRate"]]) if "taxRate" in one else None
    net = units.money(whole(one, price), currency, "half_up")
    return Taxed(line=text(one, "id"), gross=gross, tax=gross - net, rate=rate)
