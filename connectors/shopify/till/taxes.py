"""What Shopify says of the tax in a refund.

A refund that is written down for lines says it itself. One of a plain sum does not, so the order's
own lines are told. https://shopify.dev/docs/api/admin-graphql/latest/objects/RefundLineItem
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.shopify.shapes import Node, at, many, maybe_text, paid
from core.money import Money, MoneyError
from core.ports import HostUnclear, Taxed, Taxes
from core.tax import rate_of


def of(refund: Node, amount: Money | None) -> Taxes | None:
    """None where it cannot be read: no refund ever hangs on it."""
    try:
        return _told(refund, amount) if amount is not None else None
    except (HostUnclear, MoneyError):
        return None


def _told(refund: Node, amount: Money) -> Taxes | None:
    order = at(refund, "order")
    included = at(order, "taxesIncluded") is True
    if at(refund, "refundLineItems", "pageInfo", "hasNextPage") is not False:
        return None
    own = [
        _line(at(one, "lineItem"), paid(one, "subtotalSet"), paid(one, "totalTaxSet"), included)
        for one in many(refund, "refundLineItems", "nodes")
    ] + [
        _line(
            at(one, "shippingLine"),
            paid(one, "subtotalAmountSet"),
            paid(one, "taxAmountSet"),
            included,
        )
        for one in many(refund, "refundShippingLines", "nodes")
    ]
    if own:
        return Taxes(lines=tuple(own), whole=amount, told=True)
    return Taxes(lines=tuple(_lines(order, included)), whole=paid(order, "totalPriceSet"))


def _lines(order: Node, included: bool) -> Iterator[Taxed]:
    for kind, price in (
        ("lineItems", "discountedTotalSet"),
        ("shippingLines", "discountedPriceSet"),
    ):
        for one in many(order, kind, "nodes"):
            amount = paid(one, price)
            taxes = [paid(tax, "priceSet") for tax in many(one, "taxLines")]
            yield _line(one, amount, sum(taxes, start=Money.zero(amount.currency)), included)


def _line(line: Node, amount: Money, tax: Money, included: bool) -> Taxed:
    """`amount` has the tax in it where the order's prices do."""
    return Taxed(
        line=maybe_text(line, "id") or "shipping",
        gross=amount if included else amount + tax,
        tax=tax,
        rate=rate_of(at(tax_line, "ratePercentage") for tax_line in many(line, "taxLines")),
    )
