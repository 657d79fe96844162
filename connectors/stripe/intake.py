"""Stripe's webhooks: signed with the time, over the raw body.

https://docs.stripe.com/webhooks#verify-manually. stripe-python computes the signature; the header
is read strictly before (the library would take `t=+1` and any age in the future).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import stripe

from connectors import signing
from connectors.stripe.shapes import (
    REFUND_STATES,
    at,
    dispute_state,
    instant,
    listed,
    money,
    payment_of,
    text,
)
from core.events import ConnectionLost, DisputeChanged, Event, RefundRecorded
from core.ports import HostUnclear, Malformed, RawRequest, Settings, Unrecognised, Unverified

WINDOW = timedelta(seconds=300)
_PART = re.compile(r"(t|v[0-9])=([0-9a-f]+)", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,120}", re.ASCII)


class StripeIntake:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, request: RawRequest, now: datetime) -> str:
        header = signing.header(request, "stripe-signature")
        signing.check_fresh(_signed_at(header), now, WINDOW)
        secret = self._settings.get("webhook_secret")
        if not secret:
            raise Unverified("this connection has no signing secret; install it again")
        try:
            stripe.WebhookSignature.verify_header(request.body, header, secret)
        except stripe.SignatureVerificationError:
            raise Unverified("the signature does not match the body") from None
        except UnicodeDecodeError:
            raise Malformed("the body is not UTF-8") from None
        event = _event(request)
        if (event.get("account") or None) != (self._settings.get("account") or None):
            raise Unverified("the event is about another account")
        event_id = event.get("id")
        if not isinstance(event_id, str) or _EVENT_ID.fullmatch(event_id) is None:
            raise Malformed("the event has no id")
        return event_id

    def read(self, request: RawRequest) -> Sequence[Event]:
        event = _event(request)
        kind = event.get("type")
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise Unrecognised(f"Stripe's event {str(kind)[:60]!r} is not one Amends understands")
        try:
            happened = instant(event.get("created"))
            about = at(event, "data", "object")
            if not isinstance(about, Mapping):
                raise HostUnclear("the event is about nothing")
            return reader(about, happened)
        except HostUnclear as error:
            raise Malformed(str(error)) from None


def _signed_at(header: str) -> datetime:
    parts = header.split(",")
    if len(parts) > signing.SIGNATURES_MAX + 1:
        raise Unverified("the signature header carries too many parts")
    found = [_PART.fullmatch(part) for part in parts]
    pairs = [(part[1], part[2]) for part in found if part is not None]
    times = [value for name, value in pairs if name == "t"]
    if len(pairs) != len(parts) or len(times) != 1:
        raise Unverified("the signature header is not of Stripe's form")
    if not all(_SIGNATURE.fullmatch(value) for name, value in pairs if name != "t"):
        raise Unverified("the signature header holds something that is no signature")
    return signing.unix_instant(times[0])


def _event(request: RawRequest) -> dict[str, Any]:
    event = signing.read_json(request.body)
    if not isinstance(event, dict) or event.get("object") != "event":
        raise Malformed("the body is not a Stripe event")
    return event


def _refund(refund: Mapping[str, Any], happened: datetime) -> Sequence[Event]:
    marker = at(refund, "metadata", "amends_id")
    return [
        RefundRecorded(
            occurred_at=happened,
            host_object=text(refund, "id"),
            order_id=payment_of(refund),
            amount=money(refund.get("amount"), refund.get("currency")),
            marker=marker if isinstance(marker, str) else None,
            ending=REFUND_STATES.get(str(refund.get("status")), "pending"),
        )
    ]


def _charge(charge: Mapping[str, Any], happened: datetime) -> Sequence[Event]:
    """The refunds, in the older versions that still list them inside the charge; the newer send
    `refund.created` for each."""
    refunds = charge.get("refunds")
    inside = listed(refunds) if isinstance(refunds, Mapping) else []
    return [event for refund in inside for event in _refund(refund, happened)]


def _dispute(dispute: Mapping[str, Any], happened: datetime) -> Sequence[Event]:
    state = dispute_state(dispute.get("status"))
    return [DisputeChanged(occurred_at=happened, order_id=payment_of(dispute), state=state)]


def _lost(_: Mapping[str, Any], happened: datetime) -> Sequence[Event]:
    return [ConnectionLost(occurred_at=happened, what="account.application.deauthorized")]


_READERS: Mapping[str, Callable[[Mapping[str, Any], datetime], Sequence[Event]]] = {
    **dict.fromkeys(
        ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"), _refund
    ),
    "charge.refunded": _charge,
    **{
        f"charge.dispute.{happening}": _dispute
        for happening in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    },
    "account.application.deauthorized": _lost,
}

#: What the webhook endpoint is made to send.
EVENTS = tuple(_READERS)
