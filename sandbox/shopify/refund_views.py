"""Refunds as the Admin API shows them, and the refund it suggests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.books import Shop
from sandbox.shopify.taxes import tax_in
from sandbox.shopify.views import (
    View,
    bag,
    connection,
    gid,
    line,
    number_in,
    order,
    shipping_line,
    transaction,
)


def refund(shop: Shop, of: records.Refund) -> View:
    owner = shop.orders[of.order_id]
    moves = [one for one in shop.of_order(owner.id, "REFUND") if one.refund_id == of.id]
    done = sum((one.amount for one in moves if one.status == "SUCCESS"), Decimal(0))
    return {
        "__typename": "Refund",
        "id": gid("Refund", of.id),
        "legacyResourceId": str(of.id),
        "note": of.note,
        "createdAt": of.created_at,
        "updatedAt": of.created_at,
        "processedAt": of.created_at,
        "order": lambda _info: order(shop, owner),
        "totalRefundedSet": bag(owner, done),
        "transactions": connection([transaction(shop, one) for one in moves]),
        "refundLineItems": connection(
            [_line(shop, owner, at, *one) for at, one in enumerate(of.lines)]
        ),
        "refundShippingLines": connection(_shipping(of, owner)),
    }


def _line(
    shop: Shop, owner: records.Order, at: int, line_id: int, quantity: int, restock: str
) -> View:
    one = next(one for one in owner.lines if one.id == line_id)
    return {
        "__typename": "RefundLineItem",
        "id": gid("RefundLineItem", line_id * 100 + at),
        "lineItem": line(shop, owner, one),
        "quantity": quantity,
        "priceSet": bag(owner, one.price),
        "subtotalSet": bag(owner, one.price * quantity),
        "totalTaxSet": bag(owner, tax_in(owner, one.price * quantity, one.tax)),
        "restockType": restock,
        "restocked": restock in ("RETURN", "CANCEL"),
    }


def _shipping(of: records.Refund, owner: records.Order) -> list[View]:
    if not of.shipping:
        return []
    return [
        {
            "__typename": "RefundShippingLine",
            "id": gid("RefundShippingLine", of.id),
            "subtotalAmountSet": bag(owner, of.shipping),
            "taxAmountSet": bag(owner, tax_in(owner, of.shipping, owner.shipping_tax)),
            "shippingLine": shipping_line(owner),
        }
    ]


def suggested(shop: Shop, of: records.Order, asked: Mapping[str, Any]) -> View | None:
    """What the shop would refund for these lines and this shipping; None for an unpaid order."""
    left = shop.net(of)
    paid = shop.of_order(of.id, "SALE", "CAPTURE")
    if not paid:
        return None
    shipping_left = of.shipping - sum((one.shipping for one in shop.refunds_of(of.id)), Decimal(0))
    wanted = asked.get("refundLineItems") or []
    lines = {number_in("LineItem", one["lineItemId"]): one["quantity"] for one in wanted}
    subtotal = sum((one.price * lines.get(one.id, 0) for one in of.lines), Decimal(0))
    shipping = asked.get("shippingAmount") or Decimal(0)
    if asked.get("refundShipping"):
        shipping = shipping_left
    taxes = [tax_in(of, one.price * lines.get(one.id, 0), one.tax) for one in of.lines]
    tax = sum(taxes, tax_in(of, shipping, of.shipping_tax))
    wanted_sum = subtotal + shipping + (0 if of.taxes_included else tax)
    amount = min(left, left if asked.get("suggestFullRefund") else wanted_sum)
    to_credit = asked.get("refundMethodAllocation") == "STORE_CREDIT"
    move = {
        "kind": "SUGGESTED_REFUND",
        "gateway": paid[0].gateway,
        "formattedGateway": paid[0].gateway.replace("_", " ").title(),
        "amountSet": bag(of, amount),
        "maximumRefundableSet": bag(of, left),
        "parentTransaction": transaction(shop, paid[0]),
    }
    method = {
        "__typename": "SuggestedStoreCreditRefund",
        "amount": bag(of, amount),
        "maximumRefundable": bag(of, left),
        "expiresAt": None,
    }
    return {
        "amountSet": bag(of, amount),
        "subtotalSet": bag(of, subtotal),
        "discountedSubtotalSet": bag(of, subtotal),
        "totalTaxSet": bag(of, tax),
        "maximumRefundableSet": bag(of, left),
        "shipping": {
            "amountSet": bag(of, shipping),
            "maximumRefundableSet": bag(of, shipping_left),
        },
        "refundLineItems": [
            _line(shop, of, at, one.id, lines[one.id], "NO_RESTOCK")
            for at, one in enumerate(of.lines)
            if one.id in lines
        ],
        "suggestedTransactions": [] if to_credit else [move],
        "suggestedRefundMethods": [method] if to_credit and of.customer_id else [],
    }
