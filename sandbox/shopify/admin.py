"""What people and the platform do at the shop, for tests and the demo page to ask for.

| call under `/_sandbox/` | does |
|---|---|
| POST `orders/<id>/refund` | `{"amount", "note"}`: somebody refunds by hand |
| POST `orders/<id>/dispute` | `{"amount", "reason", "status"}`: the bank opens a dispute |
| POST `disputes/<id>` | `{"status"}`: it moves on |
| POST `transactions/<id>` | `{"status"}`: a pending payment ends |
| POST `compliance` | `{"topic", "customer"}`: `customers/redact` and the like |
| POST `tokens` | `{"token", "scopes", "expires_in"}`: make one |
| DELETE `tokens/<token>` | it is not known any more |
| POST `conduct` | `pace_s`, `index_lag_s`, `endings` (of the next refunds), `points` left |
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.answers import Refused
from sandbox.shopify import records, refunds, wire
from sandbox.shopify.access import ALL_SCOPES, Token
from sandbox.shopify.books import Shop


def admin_api(shop: Shop) -> Blueprint:
    api = Blueprint("admin", __name__, url_prefix="/_sandbox")
    _people(api, shop)
    _platform(api, shop)
    return api


def _body() -> dict[str, Any]:
    return request.get_json(silent=True) or {}


def _order(shop: Shop, number: int) -> records.Order:
    if number not in shop.orders:
        raise Refused(404, {"error": f"no order {number}"})
    return shop.orders[number]


def _people(api: Blueprint, shop: Shop) -> None:
    @api.post("/orders/<int:number>/refund")
    def by_hand(number: int) -> Response:
        asked = _body()
        with shop.lock:
            try:
                made = refunds.by_hand(
                    shop, _order(shop, number), Decimal(asked["amount"]), asked.get("note")
                )
            except ValueError as error:
                raise Refused(422, {"error": str(error)}) from None
        return jsonify(id=made.id)

    @api.post("/orders/<int:number>/dispute")
    def dispute(number: int) -> Response:
        asked = _body()
        with shop.lock:
            owner = _order(shop, number)
            made = records.Dispute(
                shop.new_id(),
                owner.id,
                Decimal(asked.get("amount", owner.total)),
                asked.get("reason", "PRODUCT_NOT_RECEIVED"),
                shop.clock.iso(),
                asked.get("type", "CHARGEBACK"),
                asked.get("status", "NEEDS_RESPONSE"),
            )
            shop.disputes[made.id] = made
            shop.hooks.emit("disputes/create", wire.dispute_body(made, owner))
        return jsonify(id=made.id)

    @api.post("/disputes/<int:number>")
    def dispute_moves(number: int) -> Response:
        with shop.lock:
            one = shop.disputes[number]
            one.status = _body()["status"]
            shop.hooks.emit("disputes/update", wire.dispute_body(one, shop.orders[one.order_id]))
        return jsonify(ok=True)

    @api.post("/transactions/<int:number>")
    def conclude(number: int) -> Response:
        with shop.lock:
            refunds.conclude(shop, shop.transactions[number], _body()["status"])
        return jsonify(ok=True)


def _platform(api: Blueprint, shop: Shop) -> None:
    @api.post("/compliance")
    def compliance() -> Response:
        asked = _body()
        with shop.lock:
            shop.hooks.emit(asked["topic"], _compliance(shop, asked))
        return jsonify(ok=True)

    @api.post("/tokens")
    def make_token() -> Response:
        asked = _body()
        scopes = frozenset(asked["scopes"]) if "scopes" in asked else ALL_SCOPES
        lasts = asked.get("expires_in")
        expires = None if lasts is None else shop.clock.epoch() + lasts
        shop.access.tokens[asked["token"]] = Token(scopes, expires)
        return jsonify(ok=True)

    @api.delete("/tokens/<token>")
    def forget_token(token: str) -> Response:
        shop.access.tokens.pop(token, None)
        return jsonify(ok=True)

    @api.post("/conduct")
    def conduct() -> Response:
        asked = _body()
        shop.pace_s = asked.get("pace_s", shop.pace_s)
        shop.index_lag_s = asked.get("index_lag_s", shop.index_lag_s)
        shop.endings = list(asked.get("endings", shop.endings))
        if "points" in asked:
            shop.access.bucket.available()
            shop.access.bucket.left = asked["points"]
        return jsonify(ok=True)


def _compliance(shop: Shop, asked: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"shop_id": 1, "shop_domain": shop.domain}
    if asked["topic"] == "shop/redact":
        return body
    person = shop.customers[asked["customer"]]
    theirs = [one.id for one in shop.orders.values() if one.customer_id == person.id]
    body["customer"] = {"id": person.id, "email": person.email, "phone": person.phone}
    if asked["topic"] == "customers/redact":
        return {**body, "orders_to_redact": theirs}
    return {**body, "orders_requested": theirs, "data_request": {"id": shop.new_id()}}
