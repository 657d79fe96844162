"""Shopify's webhooks. The signature covers the body alone: no header, no time.

So the topic header is not believed where the body could belong to another topic (an order sent in
place of an erasure), the delivery id is kept for ever, and whatever money depends on is read again.
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import signing
from connectors.shopify.shapes import dispute_state, instant, marked, money_of, total
from core.events import (
    ConnectionLost,
    DisputeChanged,
    ErasureRequested,
    Event,
    ExportRequested,
    RefundRecorded,
)
from core.ports import HostUnclear, Malformed, RawRequest, Settings, Unrecognised, Unverified

#: Newer subscriptions ("Events") send the same headers without the prefix.
_FAMILIES = ("x-shopify-", "shopify-")
#: After a change of the client secret, deliveries may be signed with the old one for this long.
ROTATION = timedelta(hours=1)

_ENDINGS = {"success": "settled", "failure": "failed", "error": "failed"}


class ShopifyIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readers: dict[str, Callable[[dict[str, Any]], Sequence[Event]]] = {
            "refunds/create": lambda body: _refunds([body]),
            "orders/updated": lambda body: _refunds(_list(body, "refunds", [])),
            "disputes/create": _dispute,
            "disputes/update": _dispute,
            "customers/redact": self._customer_redact,
            "customers/data_request": self._data_request,
            "shop/redact": self._shop_redact,
            "app/uninstalled": self._uninstalled,
        }

    def verify(self, request: RawRequest, now: datetime) -> str:
        family = _family(request)
        given = signing.header(request, f"{family}hmac-sha256")
        signing.check_base64([given], self._keys(now), request.body)
        shop = signing.header(request, f"{family}shop-domain")
        if shop.lower() != self._shop:
            raise Unverified("the delivery is about another shop")
        return signing.header(request, f"{family}webhook-id", length_max=128)

    def read(self, request: RawRequest) -> Sequence[Event]:
        topic = request.headers.get(f"{_family(request)}topic", "").lower()
        reader = self._readers.get(topic)
        if reader is None:
            raise Unrecognised(f"Shopify's topic {topic[:60]!r} is not one Amends understands")
        body = signing.read_json(request.body)
        if not isinstance(body, dict):
            raise Malformed("the body is not a JSON object")
        try:
            return reader(body)
        except HostUnclear as error:
            raise Malformed(str(error)) from None

    @property
    def _shop(self) -> str:
        return (self._settings.get("shop") or "").lower()

    def _keys(self, now: datetime) -> list[str]:
        keys = [self._settings.get("client_secret") or ""]
        old = self._settings.get("previous_client_secret")
        changed = self._settings.get("rotated_at")
        if old and changed and now - _setting_instant(changed) <= ROTATION:
            keys.append(old)
        return keys

    def _ours(self, body: dict[str, Any]) -> None:
        if str(body.get("shop_domain", "")).lower() != self._shop:
            raise Malformed("the body names another shop, or none")

    def _customer_redact(self, body: dict[str, Any]) -> Sequence[Event]:
        self._ours(body)
        return [ErasureRequested(customer_id=_customer(body))]

    def _data_request(self, body: dict[str, Any]) -> Sequence[Event]:
        self._ours(body)
        return [ExportRequested(customer_id=_customer(body))]

    def _shop_redact(self, body: dict[str, Any]) -> Sequence[Event]:
        self._ours(body)
        if "customer" in body:
            raise Malformed("the body is about one customer, not about the shop")
        return [ErasureRequested(customer_id=None)]

    def _uninstalled(self, body: dict[str, Any]) -> Sequence[Event]:
        if str(body.get("myshopify_domain", "")).lower() != self._shop:
            raise Malformed("the body names another shop, or none")
        return [ConnectionLost(what="app/uninstalled")]


def gid(kind: str, number: object) -> str:
    """REST's number as the id GraphQL knows. Raises `HostUnclear`."""
    if type(number) is not int or not 0 < number < 10**18:
        raise HostUnclear(f"the body has no {kind.lower()} id that can be read")
    return f"gid://shopify/{kind}/{number}"


def _family(request: RawRequest) -> str:
    return next((f for f in _FAMILIES if f"{f}hmac-sha256" in request.headers), _FAMILIES[0])


def _setting_instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _list(body: dict[str, Any], name: str, absent: object = None) -> list[dict[str, Any]]:
    found = body.get(name, absent)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise HostUnclear(f"the body has no list of {name}")
    return found


def _customer(body: dict[str, Any]) -> str:
    customer = body.get("customer")
    return gid("Customer", customer.get("id") if isinstance(customer, dict) else None)


def _refunds(refunds: list[dict[str, Any]]) -> Sequence[Event]:
    """An update of an order carries all its refunds: the only news of a pending one that ended.
    A refund without transactions only put goods back; it moved no money."""
    return [_refund(one) for one in refunds if _list(one, "transactions")]


def _refund(body: dict[str, Any]) -> RefundRecorded:
    moves = [one for one in _list(body, "transactions") if one.get("kind") == "refund"]
    endings = {_ENDINGS.get(str(one.get("status")), "pending") for one in moves}
    at = body.get("created_at")
    return RefundRecorded(
        occurred_at=None if at is None else instant(at),
        host_object=gid("Refund", body.get("id")),
        order_id=gid("Order", body.get("order_id")),
        amount=total([money_of(one.get("amount"), one.get("currency")) for one in moves]),
        marker=marked(body.get("note")),
        ending=endings.pop() if len(endings) == 1 else "pending",
    )


def _dispute(body: dict[str, Any]) -> Sequence[Event]:
    state = dispute_state(str(body.get("status", "")))
    return [DisputeChanged(order_id=gid("Order", body.get("order_id")), state=state)]
