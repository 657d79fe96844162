"""Webhooks by REST, and the hand-over of keys to an app."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from flask import Blueprint, Response, redirect, request

from sandbox.answers import Refused
from sandbox.hooks import Target
from sandbox.woocommerce.api import answer, body, paged
from sandbox.woocommerce.books import Key, Object, Shop
from sandbox.woocommerce.errors import refusal
from sandbox.woocommerce.wire import PING

_RESOURCES = ("order", "coupon", "customer", "product")
_EVENTS = ("created", "updated", "deleted", "restored")
_LOCAL = ("127.0.0.1", "localhost")


def webhook_api(api: Blueprint, shop: Shop) -> None:
    """Routes under the REST blueprint, behind the same keys."""

    def one(number: int) -> Object:
        if number not in shop.webhooks:
            raise refusal("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
        return shop.webhooks[number]

    @api.post("/webhooks")
    def create_webhook() -> Response:
        asked = body()
        with shop.lock:
            return answer(_create(shop, asked), 201)

    @api.get("/webhooks")
    def list_webhooks() -> Response:
        with shop.lock:
            return paged(list(shop.webhooks.values()))

    @api.get("/webhooks/<int:number>")
    def read_webhook(number: int) -> Response:
        with shop.lock:
            return answer(one(number))

    @api.delete("/webhooks/<int:number>")
    def remove_webhook(number: int) -> Response:
        with shop.lock:
            made = one(number)
            del shop.webhooks[number]
            shop.hooks.targets.pop(str(number), None)
            return answer(made)


def _create(shop: Shop, asked: dict[str, Any]) -> Object:
    topic, url = str(asked.get("topic") or ""), str(asked.get("delivery_url") or "")
    resource, _, event = topic.partition(".")
    if not (resource == "action" or (resource in _RESOURCES and event in _EVENTS)):
        message = "Webhook topic is required and must be valid."
        raise refusal("woocommerce_rest_webhook_invalid_topic", message, 400)
    if urlsplit(url).scheme not in ("http", "https"):
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise refusal("woocommerce_rest_webhook_invalid_delivery_url", message, 400)
    made: Object = {
        "id": shop.new_id(),
        "name": asked.get("name", f"Webhook created on {shop.stamp()}"),
        "status": "active",
        "topic": topic,
        "resource": resource,
        "event": event,
        "delivery_url": url,
        "failures": 0,
        "date_created": shop.stamp(),
    }
    shop.webhooks[made["id"]] = made
    number = str(made["id"])
    secret = asked.get("secret") or secrets.token_urlsafe(32)
    target = Target(number, url, secret, (PING,))
    shop.hooks.targets[number] = target
    shop.hooks.emit(PING, None)
    target.topics = (topic,)
    return made


def handover_api(shop: Shop) -> Blueprint:
    """`/wc-auth/v1/authorize`: the owner agrees at once, the keys go to the app's address."""
    api = Blueprint("handover", __name__)

    @api.get("/wc-auth/v1/authorize")
    def authorize() -> Any:
        asked = request.args
        wanted = ("app_name", "scope", "user_id", "return_url", "callback_url")
        for name in wanted:
            if not asked.get(name):
                raise Refused(401, {"error": f"Missing parameter {name}"})
        callback = urlsplit(asked["callback_url"])
        if callback.scheme != "https" and callback.hostname not in _LOCAL:
            raise Refused(401, {"error": "The callback_url needs to be over SSL"})
        if asked["scope"] not in ("read", "write", "read_write"):
            raise Refused(401, {"error": f"Invalid scope {asked['scope']}"})
        name, secret = f"ck_{secrets.token_hex(20)}", f"cs_{secrets.token_hex(20)}"
        with shop.lock:
            shop.keys[name] = Key(secret, asked["scope"])
        keys = {
            "key_id": shop.new_id(),
            "user_id": asked["user_id"],
            "consumer_key": name,
            "consumer_secret": secret,
            "key_permissions": asked["scope"],
        }
        sent = requests.post(asked["callback_url"], json=keys, timeout=10)
        if sent.status_code != 200:
            del shop.keys[name]
            raise Refused(401, {"error": "An error occurred in the request and at the time were "
                                         "unable to send the consumer data"})  # fmt: skip
        back = urlencode({"success": 1, "user_id": asked["user_id"]})
        return redirect(f"{asked['return_url']}{'&' if '?' in asked['return_url'] else '?'}{back}")

    return api
