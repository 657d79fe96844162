"""REST v3: keys, pages, and the routes. A filter the shop does not know is ignored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Blueprint, Response, request

from sandbox.woocommerce import coupons, refunds, views
from sandbox.woocommerce.books import Object, Order, Shop
from sandbox.woocommerce.errors import refusal

T = TypeVar("T")


def rest_api(shop: Shop) -> Blueprint:
    api = Blueprint("rest", __name__, url_prefix="/wp-json/wc/v3")
    api.before_request(lambda: _authenticate(shop))
    _orders(api, shop)
    _refunds(api, shop)
    _coupons(api, shop)
    _customers(api, shop)
    return api


def _authenticate(shop: Shop) -> None:
    """Basic auth, or the pair in the query string."""
    given = request.authorization
    name = (given.username if given else None) or request.args.get("consumer_key")
    secret = (given.password if given else None) or request.args.get("consumer_secret")
    key = shop.keys.get(name or "")
    if name is None:
        code, message = "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."
        raise refusal(code, message, 401)
    if key is None:
        code = "woocommerce_rest_authentication_error"
        raise refusal(code, "Consumer key is invalid.", 401)
    if key.secret != secret:
        code = "woocommerce_rest_authentication_error"
        raise refusal(code, "Consumer secret is invalid.", 401)
    if request.method != "GET" and "write" not in key.permissions:
        code = "woocommerce_rest_authentication_error"
        raise refusal(code, "The API key provided does not have write permissions.", 401)


def body() -> dict[str, Any]:
    try:
        asked = json.loads(request.get_data() or b"{}")
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise refusal("rest_invalid_json", "Invalid JSON body passed.", 400)
    return asked


def answer(made: Any, status: int = 200) -> Response:
    return Response(json.dumps(made), status, mimetype="application/json")


def paged(rows: Sequence[T], show: Callable[[T], Any] = lambda row: row) -> Response:
    """The page asked for, newest first, with the totals in headers."""
    size = _number("per_page", 10, 100)
    page = _number("page", 1, 10**6)
    newest = list(reversed(rows)) if request.args.get("order", "desc") == "desc" else list(rows)
    response = answer([show(one) for one in newest[(page - 1) * size : page * size]])
    response.headers["X-WP-Total"] = str(len(rows))
    response.headers["X-WP-TotalPages"] = str(-(-len(rows) // size))
    return response


def _number(name: str, default: int, most: int) -> int:
    raw = request.args.get(name, str(default))
    if not raw.isdigit() or not 1 <= int(raw) <= most:
        message = f"Invalid parameter(s): {name}"
        params = {name: f"{name} must be between 1 (inclusive) and {most} (inclusive)"}
        raise refusal("rest_invalid_param", message, 400, params=params)
    return int(raw)


def _order(shop: Shop, number: int) -> Order:
    if number not in shop.orders:
        raise refusal("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
    return shop.orders[number]


def _orders(api: Blueprint, shop: Shop) -> None:
    @api.get("/orders")
    def orders() -> Response:
        """`search`, `customer`, `status`, `include`. `email` or `billing_email` filter nothing."""
        with shop.lock:
            rows = [one for one in shop.orders.values() if _wanted(one)]
            return paged(rows, views.order)

    @api.get("/orders/<int:number>")
    def order(number: int) -> Response:
        with shop.lock:
            return answer(views.order(_order(shop, number)))


def _wanted(order: Order) -> bool:
    asked = request.args
    text = asked.get("search", "").casefold()
    searched = (str(order.id), order.number, order.email, order.first_name, order.last_name)
    status, customer, include = (asked.get(name) for name in ("status", "customer", "include"))
    return (
        (not text or any(text in value.casefold() for value in searched))
        and (status in (None, "any") or order.status in str(status).split(","))
        and customer in (None, str(order.customer_id))
        and (include is None or str(order.id) in include.split(","))
    )


def _refunds(api: Blueprint, shop: Shop) -> None:
    def owner(number: int) -> Order:
        if number not in shop.orders:
            raise refusal("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404)
        return shop.orders[number]

    def one(order: Order, number: int) -> Object:
        for refund in order.refunds:
            if refund["id"] == number:
                return refund
        raise refusal("woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.", 404)

    @api.post("/orders/<int:number>/refunds")
    def create_refund(number: int) -> Response:
        asked = body()
        with shop.lock:
            return answer(refunds.create(shop, owner(number), asked), 201)

    @api.get("/orders/<int:number>/refunds")
    def list_refunds(number: int) -> Response:
        with shop.lock:
            return paged(owner(number).refunds)

    @api.get("/orders/<int:number>/refunds/<int:refund>")
    def read_refund(number: int, refund: int) -> Response:
        with shop.lock:
            return answer(one(owner(number), refund))

    @api.delete("/orders/<int:number>/refunds/<int:refund>")
    def remove_refund(number: int, refund: int) -> Response:
        _forced()
        with shop.lock:
            order = owner(number)
            one(order, refund)
            return answer(refunds.remove(shop, order, refund))


def _forced() -> None:
    if request.args.get("force") != "true":
        message = "Webhooks, refunds and coupons do not support trashing."
        raise refusal("woocommerce_rest_trash_not_supported", message, 501)


def _coupons(api: Blueprint, shop: Shop) -> None:
    def one(number: int) -> Object:
        if number not in shop.coupons:
            raise refusal("woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.", 404)
        return shop.coupons[number]

    @api.post("/coupons")
    def create_coupon() -> Response:
        asked = body()
        with shop.lock:
            return answer(coupons.create(shop, asked), 201)

    @api.get("/coupons")
    def list_coupons() -> Response:
        code = request.args.get("code")
        with shop.lock:
            rows = [
                one
                for one in shop.coupons.values()
                if code in (None, "") or one["code"] == str(code).lower()
            ]
            return paged(rows)

    @api.get("/coupons/<int:number>")
    def read_coupon(number: int) -> Response:
        with shop.lock:
            return answer(one(number))

    @api.delete("/coupons/<int:number>")
    def remove_coupon(number: int) -> Response:
        _forced()
        with shop.lock:
            one(number)
            return answer(coupons.delete(shop, number))


def _customers(api: Blueprint, shop: Shop) -> None:
    @api.get("/customers")
    def list_customers() -> Response:
        """`email` is exact; only the role asked for, which is `customer` unless said."""
        email, role = request.args.get("email"), request.args.get("role", "customer")
        with shop.lock:
            rows = [
                one
                for one in shop.customers.values()
                if (email is None or one["email"].casefold() == email.casefold())
                and role in ("all", one["role"])
            ]
            return paged(rows)

    @api.get("/customers/<int:number>")
    def read_customer(number: int) -> Response:
        with shop.lock:
            if number not in shop.customers:
                raise refusal("woocommerce_rest_invalid_id", "Invalid resource ID.", 404)
            return answer(shop.customers[number])
