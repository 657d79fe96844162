"""Events: signed as the library verifies them, tried again, told early when asked."""

from typing import Any

import pytest
import stripe

from tests.sandbox.listener import Listener
from tests.sandbox.stripe.conftest import StripeCaller


def endpoint(client: stripe.StripeClient, url: str, *events: Any) -> str:
    """A new endpoint for `events`; its signing secret."""
    made = client.v1.webhook_endpoints.create({"url": url, "enabled_events": list(events)})
    assert made.secret is not None
    assert client.v1.webhook_endpoints.retrieve(made.id).to_dict().get("secret") is None
    return made.secret


def test_a_refund_is_told_and_verified(client: stripe.StripeClient, listener: Listener) -> None:
    secret = endpoint(client, listener.url, "refund.created", "charge.refunded")
    made = client.v1.refunds.create({"charge": "ch_1", "amount": 500, "metadata": {"m": "1"}})
    first, second = listener.wait(2)
    event = client.construct_event(first.body, first.headers["stripe-signature"], secret)
    assert (event.type, event.data.object["id"]) == ("refund.created", made.id)
    assert event.data.object["metadata"]["m"] == "1"
    assert event.api_version == "2026-10-28.endive"
    later = client.construct_event(second.body, second.headers["stripe-signature"], secret)
    assert later.data.object["amount_refunded"] == 500
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(first.body + b" ", first.headers["stripe-signature"], secret)


def test_disputes_and_late_failures_are_told(
    host: StripeCaller, client: stripe.StripeClient, listener: Listener
) -> None:
    endpoint(client, listener.url, "charge.dispute.created", "refund.failed")
    made = client.v1.refunds.create({"charge": "ch_1", "amount": 500})
    host.control(f"refunds/{made.id}", {"status": "failed"})
    host.control("charges/ch_1/dispute")
    bodies = [got.body for got in listener.wait(2)]
    assert b'"type": "refund.failed"' in bodies[0]
    assert b'"status": "succeeded"' in bodies[0]  # the previous attribute
    assert b'"type": "charge.dispute.created"' in bodies[1]


def test_an_unanswered_event_is_tried_three_times_more(
    host: StripeCaller, client: stripe.StripeClient, listener: Listener
) -> None:
    listener.answers = [(500, {})] * 9
    endpoint(client, listener.url, "refund.created")
    client.v1.refunds.create({"charge": "ch_1", "amount": 500})
    for count in range(1, 6):
        listener.wait(min(count, 4))
        host.control("webhooks/idle")
        host.control("clock", {"advance_s": 10801})
    host.control("webhooks/idle")
    assert len(listener.got) == 4
    assert len({got.headers["stripe-signature"] for got in listener.got}) == 4


def test_an_early_echo(host: StripeCaller, client: stripe.StripeClient, listener: Listener) -> None:
    endpoint(client, listener.url, "refund.created")
    host.control("webhooks/options", {"early": True})
    client.v1.refunds.create({"charge": "ch_1", "amount": 500})
    assert len(listener.got) == 1


def test_endpoints_are_listed_disabled_and_removed(
    client: stripe.StripeClient, listener: Listener
) -> None:
    endpoint(client, listener.url, "*")
    (made,) = client.v1.webhook_endpoints.list().data
    client.v1.webhook_endpoints.update(made.id, {"disabled": True})
    client.v1.refunds.create({"charge": "ch_1", "amount": 500})
    assert listener.got == []
    client.v1.webhook_endpoints.delete(made.id)
    assert client.v1.webhook_endpoints.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.webhook_endpoints.create(
            {"url": "http://amends.example", "enabled_events": ["*"]}
        )
