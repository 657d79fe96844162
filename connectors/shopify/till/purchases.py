"""Who bought what, by e-mail: asked in three ways, and every answer compared again.

The search behind `query:` splits e-mail addresses into words and answers with others' orders too;
`customerByIdentifier` is exact but knows one customer only, and guests are no customers at all.
"""

from __future__ import annotations

from connectors.shopify import documents
from connectors.shopify.client import Admin
from connectors.shopify.shapes import (
    Node,
    at,
    buyer,
    buyer_address,
    many,
    maybe_text,
    same_address,
    text,
    zone,
)
from connectors.shopify.shapes import order as read_order
from core.ports import HostNotFound, Order, Purchases, Who

_NAMES_MAX = 3


def of(admin: Admin, who: Who) -> Purchases:
    """An order counts as theirs if it, or its customer, has the very address; a number typed into
    a ticket proves nothing. Without an address nobody is found."""
    if not who.email:
        return Purchases(buyers=(), orders=())
    names = [name for name in who.order_names if name][:_NAMES_MAX]
    data = admin.read(
        documents.PURCHASES,
        email=who.email,
        alike=f"email:{_quoted(who.email)}",
        named=" OR ".join(f"name:{_quoted(name)}" for name in names),
        any=bool(names),
        lines=10,
    )
    shop_zone = zone(text(data, "shop", "ianaTimezone"))
    exact = at(data, "exact")
    candidates = many(data, "byEmail", "nodes") + (many(data, "named", "nodes") if names else [])
    if exact is not None:
        candidates = many(exact, "orders", "nodes") + candidates
    theirs = {text(node, "id"): node for node in candidates if _is_theirs(node, who.email)}
    customers = [exact, *many(data, "alike", "nodes")]
    known = [c for c in customers if c and same_address(buyer_address(c), who.email)]
    # An order placed with this address by a customer who has another one now makes two buyers.
    known += [at(node, "customer") for node in theirs.values() if at(node, "customer")]
    orders = [read_order(node, shop_zone) for node in theirs.values()]
    return Purchases(
        buyers=tuple({text(node, "id"): buyer(node) for node in known}.values()),
        orders=tuple(sorted(orders, key=lambda one: one.created_at, reverse=True)),
    )


def order(admin: Admin, order_id: str) -> Order:
    data = admin.read(documents.ORDER, id=order_id, lines=50)
    found = at(data, "order")
    if found is None:
        raise HostNotFound("Shopify knows no such order")
    return read_order(found, zone(text(data, "shop", "ianaTimezone")))


def _is_theirs(node: Node, email: str) -> bool:
    customer = at(node, "customer")
    return same_address(maybe_text(node, "email"), email) or (
        customer is not None and same_address(buyer_address(customer), email)
    )


def _quoted(words: str) -> str:
    """Quoted for the search syntax, so that nothing in it is an operator."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
