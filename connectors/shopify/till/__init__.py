"""Shopify as a till: look-ups here, and one file for each way of paying."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from connectors.endings import before_sending, while_asking, while_taking_back
from connectors.shopify.client import Admin
from connectors.shopify.till import purchases, recent
from connectors.shopify.till.coupon import Coupon
from connectors.shopify.till.gift_card import GiftCard
from connectors.shopify.till.refund import Refund
from connectors.shopify.till.remedy import Remedy
from connectors.shopify.till.replacement import Replacement
from connectors.shopify.till.store_credit import StoreCredit
from core.ports import (
    Ending,
    Finding,
    HostError,
    HostRecord,
    Instruction,
    Order,
    Purchases,
    Quote,
    Unpayable,
    Who,
)


class ShopifyTill:
    def __init__(self, admin: Admin, now: Callable[[], datetime]) -> None:
        self._admin = admin
        refund = Refund(admin)
        self._remedies: Mapping[str, Remedy] = {
            "refund": refund,
            "store_credit": StoreCredit(admin, refund),
            "gift_card": GiftCard(admin),
            "coupon": Coupon(admin, now),
            "replacement": Replacement(admin),
        }

    def purchases(self, who: Who) -> Purchases:
        return purchases.of(self._admin, who)

    def order(self, order_id: str) -> Order:
        return purchases.order(self._admin, order_id)

    def quote(self, instruction: Instruction) -> Quote:
        return self._remedy(instruction).quote(instruction)

    def pay(self, instruction: Instruction) -> Ending:
        try:
            ready = self._remedy(instruction).prepare(instruction)
        except HostError as error:
            return before_sending(error)
        return ready() if callable(ready) else ready

    def find(self, instruction: Instruction) -> Finding:
        try:
            return self._remedy(instruction).find(instruction)
        except HostError as error:
            return while_asking(error)

    def reverse(self, instruction: Instruction) -> Ending:
        try:
            return self._remedy(instruction).reverse(instruction)
        except HostError as error:
            return while_taking_back(error)

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        return recent.records(self._admin, since)

    def _remedy(self, instruction: Instruction) -> Remedy:
        try:
            return self._remedies[instruction.remedy]
        except KeyError:
            raise Unpayable(f"Shopify does not pay a {instruction.remedy}") from None
