"""The webhook endpoint made, checked and taken away by API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from stripe.params import WebhookEndpointCreateParams

from connectors.stripe.client import API_VERSION, Account, Node, Refused
from connectors.stripe.intake import EVENTS
from connectors.stripe.shapes import at, listed, text
from core.ports import (
    Check,
    HostDenied,
    HostError,
    HostUnavailable,
    NotSent,
    Settings,
    Unknown,
)


class StripeSetup:
    def __init__(self, account: Account, settings: Settings) -> None:
        self._account = account
        self._settings = settings

    def install(self, webhook_url: str) -> Mapping[str, str]:
        """Stripe says the signing secret once, when the endpoint is made: an endpoint whose secret
        we do not have is replaced. Raises `HostError`."""
        there = self._endpoint(webhook_url)
        if there is not None:
            if self._settings.get("webhook_secret") and self._listens(there):
                return {"webhook_url": webhook_url}
            self._delete(text(there, "id"))
        params = endpoint_body(webhook_url)
        made = self._done(
            self._account.write(lambda client: client.v1.webhook_endpoints.create(params))
        )
        return {"webhook_url": webhook_url, "webhook_secret": text(made, "secret")}

    def check(self) -> Sequence[Check]:
        url = self._settings.get("webhook_url") or ""
        try:
            self._account.read(lambda client: client.v1.refunds.list({"limit": 1}))
            there = self._endpoint(url)
        except HostError as error:
            return [Check(ok=False, what="Stripe answers", todo=str(error))]
        heard = there is not None and self._listens(there)
        return [
            Check(ok=True, what="the secret key reads refunds"),
            Check(
                ok=heard and bool(self._settings.get("webhook_secret")),
                what="the webhook endpoint",
                todo="" if heard else "install again: Stripe sends nothing, or not all of it",
            ),
        ]

    def remove(self) -> None:
        there = self._endpoint(self._settings.get("webhook_url") or "")
        if there is not None:
            self._delete(text(there, "id"))

    def _endpoint(self, url: str) -> Node | None:
        page = self._account.read(lambda client: client.v1.webhook_endpoints.list({"limit": 100}))
        return next((one for one in listed(page) if at(one, "url") == url), None)

    def _listens(self, endpoint: Node) -> bool:
        enabled = at(endpoint, "enabled_events") or ()
        return at(endpoint, "status") != "disabled" and set(EVENTS) <= set(enabled)

    def _delete(self, endpoint_id: str) -> None:
        self._done(
            self._account.write(lambda client: client.v1.webhook_endpoints.delete(endpoint_id))
        )

    def _done(self, answer: Node | Refused | NotSent | Unknown) -> Node:
        match answer:
            case Refused(_, message):
                raise HostDenied(message)
            case NotSent(why, wait):
                raise HostUnavailable(why, retry_after=wait)
            case Unknown(why):
                raise HostUnavailable(why)
        return answer


def endpoint_body(url: str) -> WebhookEndpointCreateParams:
    body = {"url": url, "enabled_events": list(EVENTS), "api_version": API_VERSION}
    return cast(WebhookEndpointCreateParams, body)
