"""Discount codes: chosen by the caller, unique in the shop whatever their case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Info, given, instant, no, refused, shop_of
from sandbox.shopify.money import money
from sandbox.shopify.search import found
from sandbox.shopify.views import View, connection, customer, gid, number_in, page

_EMPTY = ("codeDiscountNode",)


def node_view(shop: Shop, of: records.Discount) -> View:
    asked = of.given
    code = {"id": gid("DiscountRedeemCode", of.id), "code": of.code, "asyncUsageCount": 0}
    return {
        "__typename": "DiscountCodeNode",
        "id": gid("DiscountCodeNode", of.id),
        "codeDiscount": {
            "__typename": "DiscountCodeBasic",
            "title": asked.get("title") or of.code,
            "status": _status(shop, of),
            "summary": asked.get("title") or of.code,
            "createdAt": of.created_at,
            "updatedAt": of.created_at,
            "startsAt": asked["startsAt"],
            "endsAt": of.ended_at or asked.get("endsAt"),
            "usageLimit": asked.get("usageLimit"),
            "appliesOncePerCustomer": bool(asked.get("appliesOncePerCustomer")),
            "asyncUsageCount": 0,
            "codes": connection([code]),
            "codesCount": {"count": 1, "precision": "EXACT"},
            "customerGets": {"value": _value(shop, asked)},
            "context": _context(shop, asked),
        },
    }


def _status(shop: Shop, of: records.Discount) -> str:
    now = shop.clock.epoch()
    ends = instant(of.ended_at or of.given.get("endsAt"))
    if ends is not None and ends <= now:
        return "EXPIRED"
    return "SCHEDULED" if (instant(of.given["startsAt"]) or 0) > now else "ACTIVE"


def _value(shop: Shop, asked: Mapping[str, Any]) -> View:
    fixed = given(asked, "customerGets", "value", "discountAmount")
    if fixed is None:
        share = given(asked, "customerGets", "value", "percentage")
        return {"__typename": "DiscountPercentage", "percentage": share}
    return {
        "__typename": "DiscountAmount",
        "amount": money(fixed["amount"], shop.currency),
        "appliesOnEachItem": bool(fixed.get("appliesOnEachItem")),
    }


def _context(shop: Shop, asked: Mapping[str, Any]) -> View:
    wanted = given(asked, "context", "customers", "add")
    if not wanted:
        return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
    people = [shop.customers.get(number_in("Customer", one) or 0) for one in wanted]
    return {
        "__typename": "DiscountCustomers",
        "customers": [customer(shop, one) for one in people if one],
    }


def read_by_code(info: Info, code: str) -> View | None:
    shop = shop_of(info)
    for one in shop.discounts.values():
        if one.code.casefold() == code.casefold():
            return node_view(shop, one)
    return None


def read_node(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    one = shop.discounts.get(number_in("DiscountCodeNode", id) or 0)
    return node_view(shop, one) if one else None


def read_nodes(info: Info, query: str | None = None, **args: Any) -> View:
    shop = shop_of(info)
    rows = [
        (
            instant(one.created_at) or 0,
            one,
            {"": [one.code], "code": [one.code], "created_at": [one.created_at]},
        )
        for one in shop.discounts.values()
    ]
    views = [node_view(shop, one) for one in found(shop, query, rows)]
    return page(
        views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
    )


def create(info: Info, basicCodeDiscount: Mapping[str, Any]) -> dict[str, Any]:
    shop, asked = shop_of(info), basicCodeDiscount
    error = _bad(shop, asked)
    if error is not None:
        return refused({**error, "extraInfo": None}, *_EMPTY)
    made = records.Discount(shop.new_id(), asked["code"], dict(asked), shop.clock.iso())
    shop.discounts[made.id] = made
    return {_EMPTY[0]: node_view(shop, made), "userErrors": []}


def _bad(shop: Shop, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    where = "basicCodeDiscount"
    code, value = asked.get("code"), given(asked, "customerGets", "value") or {}
    people = given(asked, "context", "customers", "add") or []
    if not code:
        return no([where, "code"], "Code can't be blank", "BLANK")
    if any(one.code.casefold() == code.casefold() for one in shop.discounts.values()):
        return no([where, "code"], "Code must be unique. Please try a different code.", "TAKEN")
    if not asked.get("startsAt"):
        return no([where, "startsAt"], "Starts at can't be blank", "BLANK")
    if any(number_in("Customer", one) not in shop.customers for one in people):
        return no([where, "context"], "Customer does not exist.", "INVALID")
    if not value:
        return no([where, "customerGets", "value"], "Value can't be blank", "BLANK")
    share = value.get("percentage")
    if share is not None and not 0 <= share <= 1:
        message = "Value must be between 0.0 and 1.0"
        return no([where, "customerGets", "value", "percentage"], message, "VALUE_OUTSIDE_RANGE")
    amount = given(value, "discountAmount", "amount")
    if amount is not None and amount <= 0:
        message = "Value must be less than 0"  # the shop counts discounts as negative sums
        return no([where, "customerGets", "value", "discountAmount"], message, "LESS_THAN")
    return None


def deactivate(info: Info, id: str) -> dict[str, Any]:
    shop = shop_of(info)
    one = shop.discounts.get(number_in("DiscountCodeNode", id) or 0)
    if one is None:
        error = no(["id"], "Code discount does not exist.", "INVALID")
        return refused({**error, "extraInfo": None}, *_EMPTY)
    one.ended_at = one.ended_at or shop.clock.iso()
    return {_EMPTY[0]: node_view(shop, one), "userErrors": []}
