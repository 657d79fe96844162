"""Refunds, in the order in which the shop does them: check, save, gateway, mark, metadata.

Between the check and the save others get in between, so parallel refunds may pass the check
together and exceed what was paid. That is the real shop's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.woocommerce import taxes, views
from sandbox.woocommerce.books import Object, Order, Shop
from sandbox.woocommerce.errors import critical, refusal

_CANNOT = "woocommerce_rest_cannot_create_order_refund"


def create(shop: Shop, order: Order, asked: Mapping[str, Any]) -> Object:
    """A refund; raises the shop's refusals, most of which are a 500."""
    amount = _amount(asked)
    moves = _boolean(asked.get("api_refund"))
    if amount > order.remaining():
        raise refusal(_CANNOT, "Invalid refund amount.", 500)
    shop.linger()
    made = shop.add_refund(order, amount, str(asked.get("reason") or ""), paid=False)
    sold = {line["id"]: line for line in order.lines}
    made["line_items"] = [
        taxes.refund_line(shop.new_id(), sold.get(one.get("id"), {}), one)
        for one in asked.get("line_items") or []
    ]
    crash = shop.crashes.pop(0) if shop.crashes else ""
    if crash == "before_gateway":
        raise critical()
    if moves:
        _gateway(shop, order, made, amount)
        if crash == "after_gateway":
            raise critical()
        made["refunded_payment"] = True
    if order.remaining() <= 0:
        order.status = "refunded"
    touch(shop, order)
    if crash == "before_meta":
        raise critical()
    made["meta_data"] = [
        {"id": shop.new_id(), "key": one.get("key"), "value": one.get("value")}
        for one in asked.get("meta_data") or []
    ]
    return made


def _gateway(shop: Shop, order: Order, made: Object, amount: Decimal) -> None:
    """Ask the gateway to move the money; its refusal makes the row vanish."""
    words = shop.gateway_refuses.pop(0) if shop.gateway_refuses else None
    if order.gateway not in shop.automatic:
        words = "The payment gateway for this order does not support automatic refunds."
    shop.linger()
    if words is not None:
        order.refunds.remove(made)
        raise refusal(_CANNOT, words, 500)
    order.gateway_paid_back += amount


def _amount(asked: Mapping[str, Any]) -> Decimal:
    given = asked.get("amount")
    if given in (None, ""):
        parts = [one.get("refund_total") for one in asked.get("line_items") or []]
        if not parts or not all(isinstance(one, int | float) for one in parts):
            raise refusal(
                "woocommerce_rest_invalid_order_refund", "Refund amount is required.", 400
            )
        return sum((Decimal(str(one)) for one in parts), Decimal(0))
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        message = "Refund amount must be greater than zero."
        raise refusal("woocommerce_rest_invalid_order_refund", message, 400)
    return amount


def _boolean(value: Any) -> bool:
    """Anything that is not a JSON boolean counts as true."""
    return value if isinstance(value, bool) else True


def remove(shop: Shop, order: Order, number: int) -> Object:
    """The row goes; the money stays where it is."""
    found = next(one for one in order.refunds if one["id"] == number)
    order.refunds.remove(found)
    touch(shop, order)
    return found


def touch(shop: Shop, order: Order) -> None:
    """There is no webhook for refunds: the order was updated, that is all."""
    order.modified_at = shop.stamp()
    shop.hooks.emit("order.updated", views.order(order))
