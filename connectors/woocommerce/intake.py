"""WooCommerce's webhooks: the body is signed, and nothing else is.

There is no topic for refunds: the order was updated, and carries all of them. There is no time, and
the delivery id is a hash of the webhook and the second, so two deliveries may share one. The first
word of a new webhook is a form with its number and no signature, which wants a 200.
https://github.com/woocommerce/woocommerce, class-wc-webhook.php
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from connectors import signing
from connectors.woocommerce.shapes import Node, instant, many, marked, refunded, text, whole
from core.events import Event, RefundRecorded
from core.ports import HostUnclear, Malformed, Ping, RawRequest, Settings, Unrecognised

SIGNATURE = "x-wc-webhook-signature"
TOPICS = ("order.updated", "order.created")
_PING = re.compile(rb"webhook_id=[0-9]{1,19}")
_TOPIC = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,80}", re.ASCII)


class WooIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: RawRequest, now: datetime) -> str:
        """The dedupe key: the topic and the body's hash. An order's body holds the second of its
        last change, so equal bytes are the same news. The webhook's own number is left out: it is
        not signed, and whoever replays a delivery could count it up."""
        if SIGNATURE not in request.headers and _PING.fullmatch(request.body):
            raise Ping("a new webhook of WooCommerce's says hello")
        given = signing.header(request, SIGNATURE)
        signing.check_base64([given], [self._settings.get("webhook_secret") or ""], request.body)
        return f"{_topic(request)}:{hashlib.sha256(request.body).hexdigest()}"

    def read(self, request: RawRequest) -> Sequence[Event]:
        topic = _topic(request)
        if topic not in TOPICS:
            raise Unrecognised(f"WooCommerce's topic {topic} is not one Amends understands")
        body = signing.read_json(request.body)
        if not isinstance(body, dict):
            raise Malformed("the body is not a JSON object")
        try:
            return _refunds(body)
        except HostUnclear as error:
            raise Malformed(str(error)) from None


def _topic(request: RawRequest) -> str:
    topic = request.headers.get("x-wc-webhook-topic", "")
    return topic if _TOPIC.fullmatch(topic) else "unknown"


def _refunds(order: Node) -> Sequence[Event]:
    """Whether the gateway paid is not in here; `find` and the sweep look at the refund itself."""
    currency, order_id = text(order, "currency"), str(whole(order, "id"))
    changed = instant(order, "date_modified")
    return [
        RefundRecorded(
            occurred_at=changed,
            host_object=str(whole(one, "id")),
            order_id=order_id,
            amount=refunded(one, currency),
            marker=marked(one.get("reason")),
            ending="settled",
        )
        for one in many(order, "refunds")
    ]
