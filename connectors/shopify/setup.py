"""Webhooks made, checked and taken away by API. Erasure topics are set in the app, not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.shopify import documents
from connectors.shopify.client import API_VERSION, Admin, Refused
from connectors.shopify.oauth import SCOPES
from connectors.shopify.shapes import at, many, text
from core.ports import (
    Check,
    HostDenied,
    HostError,
    HostUnavailable,
    HostUnclear,
    NotSent,
    Settings,
    Unknown,
)

TOPICS = (
    "REFUNDS_CREATE",
    "ORDERS_UPDATED",
    "DISPUTES_CREATE",
    "DISPUTES_UPDATE",
    "APP_UNINSTALLED",
)


class ShopifySetup:
    def __init__(self, admin: Admin, settings: Settings) -> None:
        self._admin = admin
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        """One subscription a topic; those that are there already stay. Raises `HostError`."""
        there = self._subscribed(webhook_url)
        for topic in TOPICS:
            if topic not in there:
                payload = self._do(
                    documents.HOOK_CREATE, "webhookSubscriptionCreate",
                    topic=topic, uri=webhook_url,
                )  # fmt: skip
                if at(payload, "webhookSubscription") is None:
                    raise HostUnclear("Shopify does not say that it made the subscription")
        return {"webhook_url": webhook_url}

    def check(self) -> Sequence[Check]:
        try:
            access = self._admin.read(documents.ACCESS)
            granted = {
                text(one, "handle")
                for one in many(access, "currentAppInstallation", "accessScopes")
            }
            shop = text(access, "shop", "myshopifyDomain")
            versions = {text(one, "handle") for one in many(access, "publicApiVersions")}
            there = self._subscribed(self._settings.get("webhook_url") or "")
        except HostError as error:
            return [Check(ok=False, what="Shopify answers", todo=str(error))]
        # A write scope brings its read scope with it.
        missing = [one for one in SCOPES if one not in granted | _implied(granted)]
        lost = [topic for topic in TOPICS if topic not in there]
        return [
            Check(
                ok=shop.lower() == (self._settings.get("shop") or "").lower(),
                what=f"the access token belongs to {shop}",
                todo="connect the shop that is named in the settings",
            ),
            Check(
                ok=not missing,
                what="permissions of the app",
                todo=f"grant {', '.join(missing)} and install the app again" if missing else "",
            ),
            Check(
                ok=API_VERSION in versions,
                what=f"API version {API_VERSION} is served",
                todo="update Amends: Shopify has retired this version",
            ),
            Check(
                ok=not lost,
                what="webhook subscriptions",
                todo=f"install again: {', '.join(lost)} is missing" if lost else "",
            ),
        ]

    def remove(self) -> None:
        for hook in self._subscribed(self._settings.get("webhook_url") or "").values():
            self._do(documents.HOOK_DELETE, "webhookSubscriptionDelete", id=hook)

    def _subscribed(self, url: str) -> dict[str, str]:
        """Topic -> subscription id, of those that lead to `url`."""
        if not url:
            return {}
        nodes = many(self._admin.read(documents.HOOKS, uri=url), "webhookSubscriptions", "nodes")
        return {text(one, "topic"): text(one, "id") for one in nodes if text(one, "uri") == url}

    def _do(self, document: str, root: str, **variables: object) -> Mapping[str, object]:
        answer = self._admin.write(document, root, **variables)
        match answer:
            case Refused(_, message):
                raise HostDenied(f"Shopify says: {message}")
            case NotSent(why, wait):
                raise HostUnavailable(why, retry_after=wait)
            case Unknown(why):
                raise HostUnavailable(why)
        return answer


def _implied(granted: set[str]) -> set[str]:
    return {f"read_{one.removeprefix('write_')}" for one in granted if one.startswith("write_")}
