"""What people do at the shop, for tests and the demo page to ask for.

| call under `/_sandbox/` | does |
|---|---|
| POST `orders/<id>/refund` | `{"amount", "note"}`: somebody refunds by hand |
| POST `keys` | `{"key", "secret", "permissions"}`: make a pair; without a secret, take it away |
| POST `conduct` | `pace_s`, `gateway_refuses`, `crashes` (see `Shop`) |
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.answers import Refused
from sandbox.woocommerce import refunds
from sandbox.woocommerce.books import Key, Shop


def admin_api(shop: Shop) -> Blueprint:
    api = Blueprint("admin", __name__, url_prefix="/_sandbox")

    @api.post("/orders/<int:number>/refund")
    def by_hand(number: int) -> Response:
        asked = _body()
        with shop.lock:
            if number not in shop.orders:
                raise Refused(404, {"error": f"no order {number}"})
            wanted = {"amount": asked["amount"], "reason": asked.get("note")}
            return jsonify(refunds.create(shop, shop.orders[number], wanted))

    @api.post("/keys")
    def keys() -> Response:
        asked = _body()
        with shop.lock:
            if "secret" in asked:
                permissions = asked.get("permissions", "read_write")
                shop.keys[asked["key"]] = Key(asked["secret"], permissions)
            else:
                shop.keys.pop(asked["key"], None)
        return jsonify(ok=True)

    @api.post("/conduct")
    def conduct() -> Response:
        asked = _body()
        with shop.lock:
            shop.pace_s = asked.get("pace_s", shop.pace_s)
            shop.gateway_refuses = list(asked.get("gateway_refuses", shop.gateway_refuses))
            shop.crashes = list(asked.get("crashes", shop.crashes))
        return jsonify(ok=True)

    return api


def _body() -> dict[str, Any]:
    return request.get_json(silent=True) or {}
