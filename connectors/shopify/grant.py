"""Access by installing on the shop's own page."""

from __future__ import annotations

from datetime import datetime

from connectors.shopify.oauth import Tokens, authorize_url, base_address, check_callback
from core.ports import Asking, HostDenied, RawRequest, Settings


class ShopifyGrant:
    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        self._settings = settings
        self._tokens = tokens

    def address(self, asking: Asking) -> str:
        client = self._settings.get("client_id")
        if not client or not self._settings.get("client_secret"):
            raise HostDenied(
                "fill in client_id and client_secret: they are the app's, in Shopify's Dev "
                f"Dashboard, which must list the redirect address {asking.callback}"
            )
        base = base_address(self._settings)
        return authorize_url(base, client, asking.callback, asking.state)

    def redeem(self, asking: Asking, answer: RawRequest, now: datetime) -> None:
        code = check_callback(
            answer.query,
            client_secret=self._settings.get("client_secret") or "",
            shop=self._settings.get("shop") or "",
            state=asking.state,
            now=now,
        )
        self._tokens.exchange(code)
