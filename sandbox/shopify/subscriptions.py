"""Webhook subscriptions of the app. They are signed with the app's client secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.hooks import Target
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Info, no, refused, shop_of
from sandbox.shopify.views import View, gid, number_in, page
from sandbox.shopify.wire import topic_path

_LOCAL = ("127.0.0.1", "localhost")


def view(shop: Shop, of: Target) -> View:
    meta = of.meta
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", int(of.id)),
        "legacyResourceId": of.id,
        "topic": meta["topic"],
        "uri": of.url,
        "callbackUrl": of.url,
        "format": "JSON",
        "includeFields": meta["fields"],
        "filter": meta["filter"],
        "createdAt": meta["made"],
        "updatedAt": meta["made"],
        "apiVersion": {
            "handle": shop.api_version,
            "displayName": shop.api_version,
            "supported": True,
        },
    }


def _all(shop: Shop) -> list[Target]:
    return [one for one in shop.hooks.targets.values() if one.meta.get("subscription")]


def read_one(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    number = str(number_in("WebhookSubscription", id))
    return next((view(shop, one) for one in _all(shop) if one.id == number), None)


def read_all(
    info: Info, topics: list[str] | None = None, uri: str | None = None, **args: Any
) -> View:
    shop = shop_of(info)
    views = [
        view(shop, one)
        for one in _all(shop)
        if (not topics or one.meta["topic"] in topics) and (not uri or one.url == uri)
    ]
    return page(
        views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
    )


def create(info: Info, topic: str, webhookSubscription: Mapping[str, Any]) -> dict[str, Any]:
    shop, asked = shop_of(info), webhookSubscription
    uri = asked.get("uri") or asked.get("callbackUrl")
    where = ["webhookSubscription", "callbackUrl"]
    if not uri:
        return refused(no(where, "Address can't be blank"), "webhookSubscription")
    parts = urlsplit(uri)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        return refused(
            no(where, "Address protocol http:// is not supported"), "webhookSubscription"
        )
    if any((one.meta["topic"], one.url) == (topic, uri) for one in _all(shop)):
        return refused(
            no(where, "Address for this topic has already been taken"), "webhookSubscription"
        )
    made = Target(
        id=str(shop.new_id()),
        url=uri,
        secret=shop.access.client_secret,
        topics=(topic_path(topic),),
        meta={
            "subscription": True,
            "topic": topic,
            "name": asked.get("name"),
            "fields": asked.get("includeFields") or [],
            "filter": asked.get("filter"),
            "made": shop.clock.iso(),
        },
    )
    shop.hooks.targets[made.id] = made
    return {"webhookSubscription": view(shop, made), "userErrors": []}


def delete(info: Info, id: str) -> dict[str, Any]:
    shop = shop_of(info)
    number = str(number_in("WebhookSubscription", id))
    if not any(one.id == number for one in _all(shop)):
        return refused(
            no(["id"], "Webhook subscription does not exist"), "deletedWebhookSubscriptionId"
        )
    del shop.hooks.targets[number]
    return {"deletedWebhookSubscriptionId": id, "userErrors": []}
