"""Access by the hand-over of keys: the shop posts them to an address made for this one asking."""

from __future__ import annotations

from datetime import datetime

from connectors.woocommerce.handover import authorize_url, keys_of
from core.ports import Asking, RawRequest, Settings


class WooGrant:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def address(self, asking: Asking) -> str:
        return authorize_url(
            self._settings.get("address") or "",
            state=asking.state,
            callback_url=f"{asking.callback}/{asking.state}",
            return_url=asking.back,
        )

    def redeem(self, asking: Asking, answer: RawRequest, now: datetime) -> None:
        keys = keys_of(answer.body, state=asking.state)
        self._settings.renew(lambda stored: keys)
