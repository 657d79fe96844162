"""Orders and customers, found by search and compared again."""

from __future__ import annotations

from connectors.woocommerce.client import Node, Shop, number
from connectors.woocommerce.shapes import (
    Fields,
    buyer_of,
    email_of,
    order,
    same_address,
    text,
    whole,
)
from core.ports import Buyer, HostNotFound, Order, Purchases, Settings, Unpayable, Who

_PAGES_MAX = 3


class Books:
    def __init__(self, shop: Shop, settings: Settings) -> None:
        self._shop = shop
        self._settings = settings

    def of(self, who: Who) -> Purchases:
        """By `search`: `?email=` and `?billing_email=` are ignored and list everybody's orders.
        The search finds parts of words, so each answer is compared whole."""
        email = (who.email or "").strip()
        if not email:
            return Purchases(buyers=(), orders=())
        asked = {"search": email, "status": "any"}
        found = self._shop.listed("orders", asked, pages_max=_PAGES_MAX)
        theirs = [one for one in found if same_address(email_of(one), email)]
        # `role=all`: without it, whoever is more than a customer (staff, wholesale) is left out.
        people = self._shop.listed("customers", {"email": email, "role": "all"}, pages_max=1)
        accounts = {
            str(whole(one, "id")) for one in people if same_address(one.get("email"), email)
        }
        # An order by an account of another address makes two buyers, which a person looks at.
        accounts |= {buyer for one in theirs if (buyer := buyer_of(one)) is not None}
        return Purchases(
            buyers=tuple(Buyer(id=b, orders_count=None, spent=None) for b in sorted(accounts)),
            orders=tuple(self.read(one) for one in theirs),
        )

    def order(self, order_id: str) -> Order:
        return self.read(self.raw(order_id))

    def read(self, raw: Node) -> Order:
        return order(raw, self._fields())

    def raw(self, order_id: str | None) -> Node:
        """Raises `HostError`; `Unpayable` without an order."""
        if not order_id:
            raise Unpayable("WooCommerce needs an order for this remedy")
        if number(order_id) is None:
            raise HostNotFound(f"{order_id[:24]!r} is not an order of WooCommerce's")
        found = self._shop.get(f"orders/{order_id}")
        if str(whole(found, "id")) != order_id:
            raise HostNotFound("WooCommerce answered about another order")
        return found

    def email_of_buyer(self, buyer_id: str | None, order_id: str | None) -> str:
        """To bind a coupon to: the account's address, else the order's. Raises `HostError`."""
        account = number(buyer_id)
        if account is not None:
            return text(self._shop.get(f"customers/{account}"), "email")
        email = email_of(self.raw(order_id))
        if not email:
            raise Unpayable("the order has no e-mail address to bind a coupon to")
        return email

    def _fields(self) -> Fields:
        get = self._settings.get
        return Fields(promised=get("promised_field"), delivered=get("delivered_field"))
