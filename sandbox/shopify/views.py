"""Orders and customers as the Admin API shows them.

A view is a dict from field to value; a field with arguments, or one that leads back to another
record, is a function that is called only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.books import Shop
from sandbox.shopify.money import exact, money
from sandbox.shopify.taxes import order_tax, tax_lines

View = dict[str, Any]
PAGE_LIMIT = 250


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def number_in(kind: str, given: str) -> int | None:
    """The number in a global id of that kind; None for another kind or no id at all."""
    head, _, number = given.rpartition("/")
    return (
        int(number)
        if head == f"gid://shopify/{kind}" and number.isascii() and number.isdigit()
        else None
    )


def connection(nodes: Sequence[View]) -> Callable[..., View]:
    """A connection field over `nodes`, as a resolver."""

    def resolve(_info: Any, first: int | None = None, last: int | None = None, **args: Any) -> View:
        return page(
            nodes, first=first, last=last, after=args.get("after"), reverse=args.get("reverse")
        )

    return resolve


def page(
    nodes: Sequence[View],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    reverse: bool | None = None,
) -> View:
    rows = list(reversed(nodes)) if reverse else list(nodes)
    start = int(after) + 1 if after and after.isdigit() else 0
    end = len(rows) if first is None else min(len(rows), start + min(first, PAGE_LIMIT))
    if first is None and last is not None:
        start = max(0, len(rows) - last)
    edges = [{"cursor": str(at), "node": rows[at]} for at in range(start, end)]
    return {
        "nodes": [edge["node"] for edge in edges],
        "edges": edges,
        "pageInfo": {
            "hasNextPage": end < len(rows),
            "hasPreviousPage": start > 0,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def bag(order: records.Order, amount: Decimal) -> View:
    """A `MoneyBag` of an amount in the order's presentment currency."""
    return {
        "presentmentMoney": money(amount, order.currency),
        "shopMoney": money(exact(amount * order.rate, order.shop_currency), order.shop_currency),
    }


def status_of(shop: Shop, order: records.Order) -> str:
    received, refunded = shop.received(order), shop.refunded(order)
    if refunded:
        return "REFUNDED" if refunded >= received else "PARTIALLY_REFUNDED"
    if not received:
        return "PENDING"
    return "PAID" if received >= order.total else "PARTIALLY_PAID"


def maybe_customer(shop: Shop, number: int | None) -> View | None:
    """The customer of that number; None for a guest."""
    found = shop.customers.get(number or 0)
    return customer(shop, found) if found else None


def customer(shop: Shop, of: records.Customer) -> View:
    from sandbox.shopify.credit import accounts_of  # the two views lead to each other

    orders = [one for one in shop.orders.values() if one.customer_id == of.id]
    return {
        "__typename": "Customer",
        "id": gid("Customer", of.id),
        "legacyResourceId": str(of.id),
        "email": of.email,
        "displayName": f"{of.first_name} {of.last_name}".strip() or of.email,
        "firstName": of.first_name,
        "lastName": of.last_name,
        "phone": of.phone,
        "locale": of.locale,
        "createdAt": of.created_at,
        "updatedAt": of.created_at,
        "state": "ENABLED",
        "verifiedEmail": True,
        "tags": [],
        "numberOfOrders": str(max(of.orders_count, len(orders))),
        "amountSpent": money(of.total_spent, shop.currency),
        "defaultEmailAddress": {"emailAddress": of.email, "validFormat": True},
        "defaultPhoneNumber": {"phoneNumber": of.phone} if of.phone else None,
        "orders": lambda info, **args: page(
            [order(shop, one) for one in orders],
            first=args.get("first"),
            reverse=args.get("reverse"),
        ),
        "lastOrder": lambda _info: order(shop, orders[-1]) if orders else None,
        "storeCreditAccounts": lambda info, **args: page(
            accounts_of(shop, of.id), first=args.get("first")
        ),
    }


def transaction(shop: Shop, of: records.Transaction) -> View:
    owner = shop.orders[of.order_id]
    parent = shop.transactions.get(of.parent_id or 0)
    return {
        "__typename": "OrderTransaction",
        "id": gid("OrderTransaction", of.id),
        "kind": of.kind,
        "status": of.status,
        "gateway": of.gateway,
        "formattedGateway": of.gateway.replace("_", " ").title(),
        "amountSet": bag(owner, of.amount),
        "createdAt": of.created_at,
        "processedAt": of.created_at,
        "errorCode": of.error_code,
        "test": False,
        "manualPaymentGateway": of.gateway == "manual",
        "paymentId": f"{owner.name}.{of.id}",
        "maximumRefundableV2": money(shop.net(owner), owner.currency)
        if of.kind == "SALE"
        else None,
        "order": lambda _info: order(shop, owner),
        "parentTransaction": lambda _info: transaction(shop, parent) if parent else None,
    }


def line(shop: Shop, of: records.Order, one: records.Line) -> View:
    variant = shop.variants.get(one.variant_id or 0)
    left = one.quantity - one.refunded_quantity
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", one.id),
        "title": one.title,
        "name": one.title,
        "sku": (variant or {}).get("sku"),
        "quantity": one.quantity,
        "currentQuantity": left,
        "refundableQuantity": left,
        "variantTitle": None,
        "originalUnitPriceSet": bag(of, one.price),
        "discountedUnitPriceSet": bag(of, one.price),
        "originalTotalSet": bag(of, one.price * one.quantity),
        "discountedTotalSet": lambda _info, **_: bag(of, one.price * one.quantity),
        "taxable": bool(one.tax),
        "taxLines": lambda _info, **_: tax_lines(of, one.price * one.quantity, one.tax),
        "requiresShipping": True,
        "variant": variant_view(variant) if variant else None,
    }


def variant_view(of: dict[str, Any]) -> View:
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", of["id"]),
        "title": of["title"],
        "price": of["price"],
        "sku": of.get("sku"),
    }


def order(shop: Shop, of: records.Order) -> View:
    from sandbox.shopify.refund_views import refund, suggested  # they lead back to the order

    status = status_of(shop, of)
    subtotal = sum((one.price * one.quantity for one in of.lines), Decimal(0))
    owner = shop.customers.get(of.customer_id or 0)
    lines = [line(shop, of, one) for one in of.lines]
    return {
        "__typename": "Order",
        "id": gid("Order", of.id),
        "legacyResourceId": str(of.id),
        "name": of.name,
        "number": int("".join(filter(str.isdigit, of.name)) or of.id),
        "email": of.email,
        "phone": None,
        "createdAt": of.created_at,
        "processedAt": of.created_at,
        "updatedAt": of.updated_at,
        "cancelledAt": of.cancelled_at,
        "cancelReason": "OTHER" if of.cancelled_at else None,
        "closed": False,
        "closedAt": None,
        "test": False,
        "tags": of.tags,
        "note": of.note,
        "customer": lambda _info: maybe_customer(shop, of.customer_id),
        "customerLocale": owner.locale if owner else None,
        "refundable": shop.net(of) > 0,
        "displayFinancialStatus": status,
        "displayFulfillmentStatus": "FULFILLED" if of.delivered_at else "UNFULFILLED",
        "fullyPaid": shop.received(of) >= of.total,
        "unpaid": not shop.received(of),
        "paymentGatewayNames": [of.gateway],
        "lineItems": connection(lines),
        "taxesIncluded": of.taxes_included,
        "shippingLine": shipping_line(of),
        "shippingLines": connection([line for line in (shipping_line(of),) if line]),
        "shippingAddress": of.address,
        "transactions": lambda _info, first=None, **_: [
            transaction(shop, one) for one in shop.of_order(of.id)[:first]
        ],
        "refunds": lambda _info, first=None: [
            refund(shop, one) for one in shop.refunds_of(of.id)[:first]
        ],
        "suggestedRefund": lambda _info, **args: suggested(shop, of, args),
        "fulfillments": lambda _info, **_: _fulfillments(of),
        "disputes": [_dispute(one) for one in shop.disputes.values() if one.order_id == of.id],
        "risk": _risk(of),
        **_sums(shop, of, subtotal),
    }


def _sums(shop: Shop, of: records.Order, subtotal: Decimal) -> View:
    none = Decimal(0)
    sums = {
        "totalPriceSet": of.total,
        "currentTotalPriceSet": of.total - shop.refunded(of),
        "originalTotalPriceSet": of.total,
        "subtotalPriceSet": subtotal,
        "totalShippingPriceSet": of.shipping,
        "totalTaxSet": order_tax(of),
        "totalDiscountsSet": none,
        "totalReceivedSet": shop.received(of),
        "totalRefundedSet": shop.refunded(of),
        "totalRefundedShippingSet": sum((one.shipping for one in shop.refunds_of(of.id)), none),
        "totalOutstandingSet": max(none, of.total - shop.received(of)),
        "netPaymentSet": shop.received(of) - shop.refunded(of),
        "refundDiscrepancySet": none,
    }
    return {
        "currencyCode": of.shop_currency,
        "presentmentCurrencyCode": of.currency,
        **{name: bag(of, amount) for name, amount in sums.items()},
    }


def shipping_line(of: records.Order) -> View | None:
    if not of.shipping:
        return None
    price = bag(of, of.shipping)
    return {
        "id": gid("ShippingLine", of.id),
        "title": "Standard",
        "originalPriceSet": price,
        "discountedPriceSet": price,
        "taxLines": tax_lines(of, of.shipping, of.shipping_tax),
    }


def _fulfillments(of: records.Order) -> list[View]:
    if of.delivered_at is None and of.promised_at is None:
        return []
    return [
        {
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", of.id),
            "legacyResourceId": str(of.id),
            "name": f"{of.name}.1",
            "status": "SUCCESS",
            "displayStatus": "DELIVERED" if of.delivered_at else "IN_TRANSIT",
            "createdAt": of.created_at,
            "deliveredAt": of.delivered_at,
            "estimatedDeliveryAt": of.promised_at,
            "inTransitAt": of.created_at,
            "totalQuantity": sum(one.quantity for one in of.lines),
            "trackingInfo": [],
        }
    ]


def _dispute(of: records.Dispute) -> View:
    return {"id": gid("OrderDisputeSummary", of.id), "initiatedAs": of.type, "status": of.status}


def _risk(of: records.Order) -> View:
    recommendation = {"HIGH": "CANCEL", "MEDIUM": "INVESTIGATE", "LOW": "ACCEPT"}
    assessment: View = {"riskLevel": of.risk, "provider": None, "facts": []}
    return {
        "recommendation": recommendation.get(of.risk, "NONE"),
        "assessments": [assessment] if of.risk != "NONE" else [],
    }
