"""Orders and customers, found by the customer's address and compared again."""

from __future__ import annotations

from connectors.vendure.client import Admin, Node, is_id
from connectors.vendure.shapes import (
    ORDER,
    PRECISION,
    TAXED,
    Units,
    many,
    node,
    order,
    same_address,
    text,
    whole,
)
from core.ports import Buyer, HostNotFound, Order, Purchases, Unpayable, Who

_CUSTOMERS_MAX = 10
_ONE = f"query($id: ID!) {{ order(id: $id) {{ {ORDER} {TAXED} }} {PRECISION} }}"
#: Carts have no `orderPlacedAt` and are active. Guests are customers here like all others.
_THEIRS = f"""query($email: String!) {{
  customers(options: {{take: {_CUSTOMERS_MAX}, filter: {{emailAddress: {{eq: $email}}}}}}) {{
    items {{ id emailAddress orders(options: {{take: 100, filter: {{active: {{eq: false}}}},
      sort: {{orderPlacedAt: DESC}}}}) {{ totalItems items {{ {ORDER} }} }} }} }} {PRECISION} }}"""


class Books:
    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def of(self, who: Who) -> Purchases:
        """Vendure keeps addresses in small letters and compares them as they are."""
        email = (who.email or "").strip()
        if not email:
            return Purchases(buyers=(), orders=())
        data = self._admin.read(_THEIRS, email=email.lower())
        units = Units.of(data)
        found = many(node(data, "customers"), "items")
        theirs = [one for one in found if same_address(one.get("emailAddress"), email)]
        return Purchases(
            buyers=tuple(
                Buyer(
                    id=text(one, "id"),
                    orders_count=whole(node(one, "orders"), "totalItems"),
                    spent=None,
                )
                for one in theirs
            ),
            orders=tuple(
                order(raw, units) for one in theirs for raw in many(node(one, "orders"), "items")
            ),
        )

    def order(self, order_id: str) -> Order:
        return order(*self.raw(order_id))

    def raw(self, order_id: str | None) -> tuple[Node, Units]:
        """Raises `HostError`; `Unpayable` without an order."""
        if not order_id:
            raise Unpayable("Vendure needs an order for this remedy")
        if not is_id(order_id):
            raise HostNotFound(f"{order_id[:24]!r} is not an order of Vendure's")
        data = self._admin.read(_ONE, id=order_id)
        if data.get("order") is None:
            raise HostNotFound(f"Vendure has no order {order_id} (any more)")
        found = node(data, "order")
        if text(found, "id") != order_id:
            raise HostNotFound("Vendure answered about another order")
        return found, Units.of(data)
