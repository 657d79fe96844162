"""The webhook made, checked and taken away by API."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from connectors.woocommerce.client import Node, Refused, Shop
from connectors.woocommerce.shapes import text, whole
from core.money import EXPONENTS
from core.ports import (
    Check,
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Settings,
    Unknown,
)

NAME = "Amends: orders"
TOPIC = "order.updated"


class WooSetup:
    def __init__(self, shop: Shop, settings: Settings) -> None:
        self._shop = shop
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        """The shop shows no webhook's secret again: one whose secret we do not have, one that was
        switched off, or one to another address is replaced. Raises `HostError`."""
        currency = self._currency()
        learned = {"webhook_url": webhook_url, **({"currency": currency} if currency else {})}
        secret = self._settings.get("webhook_secret")
        there = self._webhooks()
        if secret and len(there) == 1 and _calls(there[0], webhook_url):
            return learned
        for one in there:
            self._delete(one)
        secret = secrets.token_urlsafe(32)
        form = {"name": NAME, "topic": TOPIC, "delivery_url": webhook_url, "secret": secret}
        made = _done(self._shop.write("POST", "webhooks", {**form, "status": "active"}))
        if made.get("delivery_url") != webhook_url:
            raise HostUnclear("WooCommerce made a webhook to another address; look at it there")
        return {**learned, "webhook_secret": secret}

    def check(self) -> Sequence[Check]:
        try:
            there = self._webhooks()
            writes = self._may_write()
        except HostError as error:
            return [Check(ok=False, what="the shop can be asked", todo=str(error))]
        url = self._settings.get("webhook_url") or ""
        heard = any(_calls(one, url) for one in there) and bool(
            self._settings.get("webhook_secret")
        )
        off = "install again: the shop sends nothing, or has switched the webhook off"
        currency = self._settings.get("currency") in EXPONENTS
        return [
            Check(
                ok=writes,
                what="the key may read and write",
                todo="" if writes else "make a key with permission to read and write",
            ),
            Check(ok=heard, what="the webhook on orders", todo="" if heard else off),
            Check(
                ok=currency,
                what="the currency of the shop is known",
                todo="" if currency else "set `currency`; without it no coupons are given",
            ),
        ]

    def remove(self) -> None:
        for one in self._webhooks():
            self._delete(one)

    def _webhooks(self) -> list[Node]:
        found = self._shop.listed("webhooks", {}, pages_max=5)
        return [one for one in found if one.get("name") == NAME]

    def _delete(self, webhook: Node) -> None:
        path = f"webhooks/{whole(webhook, 'id')}"
        _done(self._shop.write("DELETE", path, params={"force": "true"}))

    def _may_write(self) -> bool:
        """By asking for what cannot be: keys are looked at before the order is, and there is no
        order 0."""
        answer = self._shop.write("POST", "orders/0/refunds", {"amount": "0"})
        return isinstance(answer, Refused) and answer.status == 404

    def _currency(self) -> str | None:
        """What an admin filled in, else what the shop's settings say, where the key may see them.
        https://woocommerce.github.io/woocommerce-rest-api-docs/#setting-options"""
        if known := self._settings.get("currency"):
            return known
        try:
            value = text(self._shop.get("settings/general/woocommerce_currency"), "value")
        except (HostNotFound, HostDenied, HostUnclear):
            return None
        return value if value in EXPONENTS else None


def _calls(webhook: Node, url: str) -> bool:
    return (webhook.get("delivery_url"), webhook.get("topic"), webhook.get("status")) == (
        url,
        TOPIC,
        "active",
    )


def _done(answer: Node | Refused | NotSent | Unknown) -> Node:
    match answer:
        case Refused(_, _, message):
            raise HostUnclear(f"WooCommerce says: {message}")
        case NotSent(why, wait):
            raise HostUnavailable(why, retry_after=wait)
        case Unknown(why):
            raise HostUnavailable(f"{why}; it may have been done all the same")
    return answer
