"""Objects as the REST API shows them."""

from __future__ import annotations

from decimal import Decimal

from sandbox.woocommerce.books import Object, Order

_OPEN_FIELDS = (
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "phone",
)


def order(of: Order) -> Object:
    """An order; a guest has customer 0."""
    address = {
        "first_name": of.first_name,
        "last_name": of.last_name,
        **dict.fromkeys(_OPEN_FIELDS, ""),
    }
    return {
        "id": of.id,
        "parent_id": 0,
        "status": of.status,
        "currency": of.currency,
        "date_created": of.created_at,
        "date_created_gmt": of.created_at,
        "date_modified": of.modified_at,
        "date_modified_gmt": of.modified_at,
        "date_paid": of.created_at,
        "total": of.money(of.total),
        "total_tax": of.money(_sum([*of.lines, *of.shipping_lines], "total_tax")),
        "shipping_total": of.money(_sum(of.shipping_lines, "total")),
        "prices_include_tax": of.prices_include_tax,
        "discount_total": of.money(Decimal(0)),
        "customer_id": of.customer_id,
        "billing": {**address, "email": of.email},
        "shipping": address,
        "payment_method": of.gateway,
        "payment_method_title": of.gateway.replace("_", " ").title(),
        "transaction_id": f"txn_{of.id}",
        "number": of.number,
        "customer_note": "",
        "meta_data": of.meta,
        "line_items": of.lines,
        "tax_lines": of.tax_lines,
        "shipping_lines": of.shipping_lines,
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [
            {"id": one["id"], "reason": one["reason"], "total": f"-{one['amount']}"}
            for one in of.refunds
        ],
    }


def _sum(lines: list[Object], name: str) -> Decimal:
    return sum((Decimal(one[name]) for one in lines), Decimal(0))
