"""What WooCommerce says of the tax in a refund.

Totals of lines are without tax, whatever the shop's prices are. A refund that was divided among
lines says its tax itself, in negative amounts; one of a plain sum does not, so the order's own
lines are told. https://woocommerce.github.io/woocommerce-rest-api-docs/#order-refunds
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.woocommerce.client import Node
from connectors.woocommerce.shapes import many, money, text, whole
from core.money import Money, MoneyError
from core.ports import HostUnclear, Taxed, Taxes
from core.tax import rate_of

_KINDS = ("line_items", "shipping_lines", "fee_lines")


def of(refund: Node, order: Node, amount: Money | None) -> Taxes | None:
    """None where it cannot be read: no refund ever hangs on it."""
    if amount is None:
        return None
    try:
        percents = {str(whole(one, "rate_id")): one.get("rate_percent") for one in _rates(order)}
        own = tuple(_lines(refund, amount.currency, percents, refunded=True))
        if own:
            return Taxes(lines=own, whole=amount, told=True)
        lines = tuple(_lines(order, amount.currency, percents))
        return Taxes(lines=lines, whole=money(text(order, "total"), amount.currency))
    except (HostUnclear, MoneyError):
        return None


def _rates(order: Node) -> list[Node]:
    return many(order, "tax_lines") if order.get("tax_lines") is not None else []


def _lines(
    of: Node, currency: str, percents: Mapping[str, object], *, refunded: bool = False
) -> Iterator[Taxed]:
    """An older shop leaves out what a refund has none of."""
    for kind in _KINDS:
        for one in many(of, kind) if kind in of else ():
            net, tax = (
                money(text(one, name).removeprefix("-" if refunded else ""), currency)
                for name in ("total", "total_tax")
            )
            rate = _rate(one, percents)
            yield Taxed(line=str(whole(one, "id")), gross=net + tax, tax=tax, rate=rate)


def _rate(line: Node, percents: Mapping[str, object]) -> str | None:
    """Each tax of a line names its rate by id; older shops do not say the percent."""
    taxes = [one for one in many(line, "taxes") if one.get("total") not in (None, "")]
    return rate_of(percents.get(str(one.get("id"))) for one in taxes)
