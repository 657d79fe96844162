"""Tax lines: one for each line and rate that is not nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.money import exact


def tax_in(of: records.Order, amount: Decimal, percent: Decimal) -> Decimal:
    """The tax in an amount, or on top of it where prices are without."""
    base = percent / (100 + percent) if of.taxes_included else percent / 100
    return exact(amount * base, of.currency)


def tax_lines(of: records.Order, amount: Decimal, percent: Decimal) -> list[dict[str, Any]]:
    from sandbox.shopify.views import bag  # an order's view shows its taxes

    if not percent:
        return []
    tax = tax_in(of, amount, percent)
    return [
        {
            "title": "VAT",
            "rate": float(percent / 100),
            "ratePercentage": float(percent),
            "price": exact(tax * of.rate, of.shop_currency),
            "priceSet": bag(of, tax),
            "source": "Shopify",
            "channelLiable": None,
        }
    ]


def order_tax(of: records.Order) -> Decimal:
    lines = [tax_in(of, one.price * one.quantity, one.tax) for one in of.lines]
    return sum(lines, tax_in(of, of.shipping, of.shipping_tax))
