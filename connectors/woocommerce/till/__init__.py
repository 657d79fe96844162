"""WooCommerce as a till: one file for each way of paying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from connectors.endings import before_sending, while_asking, while_taking_back
from connectors.woocommerce.client import Shop
from connectors.woocommerce.till.coupon import Coupon
from connectors.woocommerce.till.purchases import Books
from connectors.woocommerce.till.refund import Refund
from connectors.woocommerce.till.remedy import Remedy
from core.ports import (
    Absent,
    Ending,
    Finding,
    HostError,
    HostRecord,
    Instruction,
    Order,
    Purchases,
    Quote,
    Settings,
    Unpayable,
    Who,
)


class WooTill:
    def __init__(self, shop: Shop, settings: Settings) -> None:
        self._shop = shop
        self._books = Books(shop, settings)
        self._refund = Refund(shop, self._books)
        self._coupon = Coupon(shop, self._books, settings)
        self._remedies: Mapping[str, Remedy] = {"refund": self._refund, "coupon": self._coupon}

    def purchases(self, who: Who) -> Purchases:
        return self._books.of(who)

    def order(self, order_id: str) -> Order:
        return self._books.order(order_id)

    def quote(self, instruction: Instruction) -> Quote:
        return self._remedy(instruction).quote(instruction)

    def pay(self, instruction: Instruction) -> Ending:
        """Looks first, sends once, alone in this process with the order or code: the shop itself
        lets refunds made at the same moment exceed what was paid."""
        try:
            remedy = self._remedy(instruction)
            with self._shop.alone(remedy.thing(instruction)):
                found = remedy.find(instruction)
                if not isinstance(found, Absent):
                    return found
                return remedy.send(instruction)
        except HostError as error:
            return before_sending(error)

    def find(self, instruction: Instruction) -> Finding:
        try:
            with self._shop.one_call():
                return self._remedy(instruction).find(instruction)
        except HostError as error:
            return while_asking(error)

    def reverse(self, instruction: Instruction) -> Ending:
        try:
            remedy = self._remedy(instruction)
            with self._shop.alone(remedy.thing(instruction)):
                return remedy.reverse(instruction)
        except HostError as error:
            return while_taking_back(error)

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        return self._recent(since)

    def _recent(self, since: datetime) -> Iterator[HostRecord]:
        yield from self._refund.recent(since)
        yield from self._coupon.recent(since)

    def _remedy(self, instruction: Instruction) -> Remedy:
        try:
            return self._remedies[instruction.remedy]
        except KeyError:
            raise Unpayable(f"WooCommerce does not pay a {instruction.remedy}") from None
