"""Coupons. Codes are kept in lower case; the check for a duplicate and the save are two steps."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.woocommerce.books import Object, Shop
from sandbox.woocommerce.errors import refusal

_TYPES = ("percent", "fixed_cart", "fixed_product")


def create(shop: Shop, asked: Mapping[str, Any]) -> Object:
    code = str(asked.get("code") or "").strip().lower()
    if not code:
        message = "The coupon code cannot be empty."
        raise refusal("woocommerce_rest_empty_coupon_code", message, 400)
    kind = asked.get("discount_type", "fixed_cart")
    if kind not in _TYPES:
        params = {"discount_type": "discount_type is not one of " + ", ".join(_TYPES) + "."}
        raise refusal(
            "rest_invalid_param", "Invalid parameter(s): discount_type", 400, params=params
        )
    if any(one["code"] == code for one in shop.coupons.values()):
        message = "The coupon code already exists"
        raise refusal("woocommerce_rest_coupon_code_already_exists", message, 400)
    shop.linger()
    made: Object = {
        "id": shop.new_id(),
        "code": code,
        "amount": _decimal(asked.get("amount")),
        "date_created": shop.stamp(),
        "date_expires": asked.get("date_expires"),
        "discount_type": kind,
        "description": asked.get("description", ""),
        "usage_count": 0,
        "individual_use": asked.get("individual_use", False),
        "usage_limit": asked.get("usage_limit"),
        "usage_limit_per_user": asked.get("usage_limit_per_user"),
        "minimum_amount": asked.get("minimum_amount", "0.00"),
        "email_restrictions": list(asked.get("email_restrictions") or []),
        "meta_data": list(asked.get("meta_data") or []),
    }
    shop.coupons[made["id"]] = made
    shop.hooks.emit("coupon.created", made)
    return made


def _decimal(given: Any) -> str:
    """What cannot be read as a number becomes zero, without a word."""
    try:
        return f"{Decimal(str(given)):.2f}"
    except InvalidOperation:
        return "0.00"


def delete(shop: Shop, number: int) -> Object:
    made = shop.coupons.pop(number)
    shop.hooks.emit("coupon.deleted", {"id": number})
    return made
