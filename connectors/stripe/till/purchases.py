"""Who paid what, by e-mail: customers and their charges.

`customers.list(email=)` distinguishes small and capital letters, so an address is asked for as
written and in small letters, and every answer is compared again. Payments without a customer cannot
be listed by e-mail at all.
"""

from __future__ import annotations

from stripe.params import ChargeListParams

from connectors.stripe.client import Account, Node
from connectors.stripe.shapes import (
    at,
    dispute_state,
    id_of,
    instant,
    listed,
    money,
    order_name,
    payment_of,
    same_address,
    text,
)
from core.money import Money
from core.ports import Buyer, HostNotFound, Order, Purchases, Who

_CUSTOMERS_MAX = 10
_CHARGES_MAX = 20


def of(account: Account, who: Who) -> Purchases:
    if not who.email:
        return Purchases(buyers=(), orders=())
    email = who.email.strip()
    customers: dict[str, Node] = {}
    for spelling in dict.fromkeys((email, email.lower())):
        page = _customers(account, spelling)
        customers |= {text(c, "id"): c for c in page if same_address(at(c, "email"), email)}
    orders = [
        _order(account, charge)
        for customer in customers
        for charge in _charges(account, {"customer": customer})
        if id_of(charge, "customer") == customer
    ]
    return Purchases(
        buyers=tuple(Buyer(id=key, orders_count=None, spent=None) for key in customers),
        orders=tuple(sorted(orders, key=lambda one: one.created_at, reverse=True)),
    )


def order(account: Account, order_id: str) -> Order:
    return _order(account, charge_of(account, order_id))


def charge_of(account: Account, order_id: str) -> Node:
    """The charge that took the money of a payment. Raises `HostError`."""
    if order_id.startswith("pi_"):
        found = _charges(account, {"payment_intent": order_id})
    else:
        found = [account.read(lambda client: client.v1.charges.retrieve(order_id))]
    taken = [one for one in found if _took(one) and payment_of(one) == order_id]
    if len(taken) != 1:
        raise HostNotFound("Stripe knows no such payment that took money")
    return taken[0]


def left_of(account: Account, charge: Node) -> Money:
    """What can still be refunded: nothing while a dispute is open or lost."""
    currency = at(charge, "currency")
    left = money(_captured(charge), currency) - money(at(charge, "amount_refunded"), currency)
    if left.minor < 0 or _disputed(account, charge) is not None:
        return Money.zero(left.currency)
    return left


def _customers(account: Account, email: str) -> list[Node]:
    page = account.read(
        lambda client: client.v1.customers.list({"email": email, "limit": _CUSTOMERS_MAX})
    )
    return listed(page)


def _charges(account: Account, of: ChargeListParams) -> list[Node]:
    page = account.read(lambda client: client.v1.charges.list({**of, "limit": _CHARGES_MAX}))
    return [charge for charge in listed(page) if _took(charge)]


def _took(charge: Node) -> bool:
    return at(charge, "status") == "succeeded" and at(charge, "captured") is True


def _captured(charge: Node) -> object:
    captured = at(charge, "amount_captured")
    return at(charge, "amount") if captured is None else captured


def _order(account: Account, charge: Node) -> Order:
    currency = at(charge, "currency")
    return Order(
        id=payment_of(charge),
        name=order_name(charge),
        buyer_id=id_of(charge, "customer"),
        total=money(at(charge, "amount"), currency),
        paid=money(_captured(charge), currency),
        refunded=money(at(charge, "amount_refunded"), currency),
        refundable=left_of(account, charge),
        created_at=instant(at(charge, "created")),
        disputed=_disputed(account, charge),
    )


def _disputed(account: Account, charge: Node) -> str | None:
    """`disputed` stays true for ever; whether it still stands is asked."""
    if at(charge, "disputed") is not True:
        return None
    charge_id = text(charge, "id")
    page = account.read(lambda client: client.v1.disputes.list({"charge": charge_id, "limit": 100}))
    states = {dispute_state(at(one, "status")) for one in listed(page)}
    return "open" if "open" in states or not states else "lost" if "lost" in states else None
