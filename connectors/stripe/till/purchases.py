"""Who paid what, by e-mail: customers and their charges.

`customers.list(email=)` distinguishes small and capital letters, so an address is asked for as
written and in small letters, and every answer is compared again. Payments without a customer cannot
be listed by e-mail at all.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial

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
from connectors.together import side_by_side
from core.money import Money
from core.ports import Buyer, HostError, HostNotFound, Order, Purchases, Who

_CUSTOMERS_MAX = 10
_CHARGES_MAX = 20
_GUESSES_MAX = 10_000
_Read = Callable[[], list[Node] | None]


class Guesses:
    """Which customers an address had when it was last asked for, so that their payments can be
    asked for at the same moment. It is asked for again every time: a guess decides nothing."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def of(self, email: str) -> tuple[str, ...]:
        return self._known.get(_mark(email), ())

    def learn(self, email: str, customers: Iterable[str]) -> None:
        with self._lock:
            while len(self._known) >= _GUESSES_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[_mark(email)] = tuple(customers)


def of(account: Account, who: Who, guesses: Guesses) -> Purchases:
    if not who.email:
        return Purchases(buyers=(), orders=())
    email = who.email.strip()
    customers, paid = _asked(account, email, guesses.of(email))
    missing = [customer for customer in customers if customer not in paid]
    paid |= zip(missing, side_by_side([_paid_by(account, one) for one in missing]), strict=True)
    guesses.learn(email, customers)
    charges = [charge for customer in customers for charge in paid[customer]]
    orders = side_by_side([partial(_order, account, charge) for charge in charges])
    return Purchases(
        buyers=tuple(Buyer(id=key, orders_count=None, spent=None) for key in customers),
        orders=tuple(sorted(orders, key=lambda one: one.created_at, reverse=True)),
    )


def _asked(
    account: Account, email: str, guessed: Sequence[str]
) -> tuple[list[str], dict[str, list[Node]]]:
    """The customers with this address, and the payments of those that were guessed."""
    spellings = list(dict.fromkeys((email, email.lower())))
    looks: list[_Read] = [partial(_customers, account, spelling) for spelling in spellings]
    found = side_by_side([*looks, *(_perhaps_paid(account, guess) for guess in guessed)])
    listed, paid = found[: len(looks)], found[len(looks) :]
    people = [customer for page in listed for customer in page or ()]
    ours = [text(one, "id") for one in people if same_address(at(one, "email"), email)]
    known = {g: charges for g, charges in zip(guessed, paid, strict=True) if charges is not None}
    return list(dict.fromkeys(ours)), known


def _perhaps_paid(account: Account, customer: str) -> _Read:
    """None where the guess was no good: who it was may not be there any more."""

    def read() -> list[Node] | None:
        try:
            return _paid_by(account, customer)()
        except HostError:
            return None

    return read


def _paid_by(account: Account, customer: str) -> Callable[[], list[Node]]:
    def read() -> list[Node]:
        charges = _charges(account, {"customer": customer})
        return [charge for charge in charges if id_of(charge, "customer") == customer]

    return read


def _mark(email: str) -> str:
    """No address is kept, only what tells one from another."""
    return hashlib.sha256(email.casefold().encode()).hexdigest()


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
