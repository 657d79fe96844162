"""Draft orders: how a replacement is sent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Info, given, instant, no, refused, shop_of
from sandbox.shopify.money import exact, money
from sandbox.shopify.search import found
from sandbox.shopify.views import View, connection, gid, maybe_customer, number_in, order, page

_EMPTY = ("draftOrder",)


def _sums(of: records.Draft) -> tuple[Decimal, Decimal, Decimal]:
    """Lines, what is taken off them, and shipping."""
    lines = sum((one.price * one.quantity for one in of.lines), Decimal(0))
    off = of.given.get("appliedDiscount") or {}
    value = Decimal(str(off.get("value", 0)))
    taken = lines * value / 100 if off.get("valueType") == "PERCENTAGE" else min(lines, value)
    shipping = given(of.given, "shippingLine", "priceWithCurrency", "amount") or Decimal(0)
    return lines, taken, shipping


def draft_view(shop: Shop, of: records.Draft) -> View:
    currency = of.given.get("presentmentCurrencyCode") or shop.currency
    lines, taken, shipping = _sums(of)
    owner = number_in("Customer", given(of.given, "purchasingEntity", "customerId") or "")

    def both(amount: Decimal) -> View:
        shown = money(exact(amount, currency), currency)
        return {"presentmentMoney": shown, "shopMoney": shown}

    return {
        "__typename": "DraftOrder",
        "id": gid("DraftOrder", of.id),
        "legacyResourceId": str(of.id),
        "name": f"#D{of.id}",
        "email": of.given.get("email"),
        "note2": of.given.get("note"),
        "tags": of.given.get("tags") or [],
        "status": "COMPLETED" if of.order_id else "OPEN",
        "createdAt": of.created_at,
        "updatedAt": of.completed_at or of.created_at,
        "completedAt": of.completed_at,
        "customer": lambda _info: maybe_customer(shop, owner),
        "order": lambda _info: order(shop, shop.orders[of.order_id]) if of.order_id else None,
        "currencyCode": shop.currency,
        "presentmentCurrencyCode": currency,
        "subtotalPriceSet": both(lines - taken),
        "totalDiscountsSet": both(taken),
        "totalShippingPriceSet": both(shipping),
        "totalPriceSet": both(lines - taken + shipping),
        "totalQuantityOfLineItems": sum(one.quantity for one in of.lines),
        "invoiceUrl": None,
        "reserveInventoryUntil": of.given.get("reserveInventoryUntil"),
        "lineItems": connection(
            [
                {
                    "__typename": "DraftOrderLineItem",
                    "id": gid("DraftOrderLineItem", one.id),
                    "title": one.title,
                    "quantity": one.quantity,
                    "sku": (shop.variants.get(one.variant_id or 0) or {}).get("sku"),
                    "originalUnitPriceSet": both(one.price),
                }
                for one in of.lines
            ]
        ),
    }


def _draft(shop: Shop, id: str) -> records.Draft | None:
    return shop.drafts.get(number_in("DraftOrder", id) or 0)


def read_draft(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    draft = _draft(shop, id)
    return draft_view(shop, draft) if draft else None


def read_drafts(info: Info, query: str | None = None, **args: Any) -> View:
    shop = shop_of(info)
    rows = [
        (
            one.created_epoch,
            one,
            {
                "": [f"#D{one.id}"],
                "id": [str(one.id)],
                "tag": list(one.given.get("tags") or []),
                "status": ["completed" if one.order_id else "open"],
                "created_at": [one.created_at],
            },
        )
        for one in shop.drafts.values()
    ]
    views = [draft_view(shop, one) for one in found(shop, query, rows)]
    return page(
        views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
    )


def create(info: Info, input: Mapping[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)
    wanted = input.get("lineItems") or []
    error = _bad(shop, input, wanted)
    if error is not None:
        return refused(error, *_EMPTY)
    made = records.Draft(
        shop.new_id(),
        dict(input),
        [_line(shop, one) for one in wanted],
        shop.clock.iso(),
        shop.clock.epoch(),
    )
    shop.drafts[made.id] = made
    return {_EMPTY[0]: draft_view(shop, made), "userErrors": []}


def _bad(
    shop: Shop, input: Mapping[str, Any], wanted: list[dict[str, Any]]
) -> dict[str, Any] | None:
    if not wanted:
        return no(None, "Add at least 1 product")
    for at, one in enumerate(wanted):
        number = number_in("ProductVariant", one.get("variantId") or "")
        if one.get("variantId") and number not in shop.variants:
            return no(None, f"Product with ID {number} is no longer available.")
        if not one.get("variantId") and not one.get("title"):
            return no(None, "Merchandise title is empty.")
        if one["quantity"] < 1:
            message = "Quantity must be greater than or equal to 1"
            return no(["lineItems", str(at), "quantity"], message)
    off = input.get("appliedDiscount") or {}
    if off.get("valueType") == "PERCENTAGE" and off["value"] > 100:
        return no(None, "Applied discount value must be less than or equal to 100%")
    reserved = instant(input.get("reserveInventoryUntil"))
    if reserved is not None and reserved < shop.clock.epoch():
        return no(None, "Reserve until can't be in the past")
    return None


def _line(shop: Shop, wanted: Mapping[str, Any]) -> records.Line:
    variant = shop.variants.get(number_in("ProductVariant", wanted.get("variantId") or "") or 0)
    price = given(wanted, "originalUnitPriceWithCurrency", "amount") or Decimal(0)
    return records.Line(
        id=shop.new_id(),
        title=variant["title"] if variant else wanted["title"],
        quantity=wanted["quantity"],
        price=Decimal(variant["price"]) if variant else price,
        variant_id=variant["id"] if variant else None,
    )


def complete(info: Info, id: str, **_: Any) -> dict[str, Any]:
    """The draft becomes an order, paid by hand where something is left to pay."""
    shop = shop_of(info)
    draft = _draft(shop, id)
    if draft is None:
        return refused(no(["id"], "Draft order does not exist"), *_EMPTY)
    if draft.order_id:
        return refused(no(None, "This order has been paid"), *_EMPTY)
    lines, taken, shipping = _sums(draft)
    owner = number_in("Customer", given(draft.given, "purchasingEntity", "customerId") or "")
    currency = draft.given.get("presentmentCurrencyCode") or shop.currency
    number = max((one.id for one in shop.orders.values()), default=1000) + 1
    made = records.Order(
        id=number,
        name=f"#{number}",
        email=draft.given.get("email"),
        currency=currency,
        shop_currency=currency,
        rate=Decimal(1),
        total=exact(lines - taken + shipping, currency),
        created_at=shop.clock.iso(),
        gateway="manual",
        customer_id=owner if owner in shop.customers else None,
        shipping=shipping,
        lines=draft.lines,
        note=draft.given.get("note"),
        tags=list(draft.given.get("tags") or []),
        updated_at=shop.clock.iso(),
    )
    shop.orders[number] = made
    if made.total:
        shop.add_transaction(made, "SALE", "SUCCESS", made.total, "manual")
    draft.order_id, draft.completed_at = number, shop.clock.iso()
    return {_EMPTY[0]: draft_view(shop, draft), "userErrors": []}


def delete(info: Info, input: Mapping[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)
    draft = _draft(shop, input["id"])
    if draft is None:
        return refused(no(["id"], "Draft order does not exist"), "deletedId")
    del shop.drafts[draft.id]
    return {"deletedId": input["id"], "userErrors": []}
