"""Who it is about and what went wrong, at one glance; and what should be known before anything is
given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from console.language import reader as language
from console.sidebar import past, words
from console.sidebar.past import Given, Taken
from console.sidebar.picking import Picked, Reason, reasons
from console.sidebar.world import Look
from core import message
from core.facts import find_customer, order_names
from core.ports import Buyer, Order
from core.store import Reader
from core.terms import Terms

_MOST_PAST = 5


@dataclass(frozen=True, slots=True)
class Choosable:
    key: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Before:
    """One remedy given before: `12 March 2025`, `Refund 15.00 EUR`, `late delivery`."""

    day: str
    given: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """`source` says where the reason is from: ticket, words (only suggested), chosen, or None."""

    name: str
    tier: str | None
    orders_count: str | None
    spent: str | None
    before: Sequence[Before]
    before_count: int
    reason: str | None
    source: str | None
    reasons: Sequence[Choosable]
    orders: Sequence[Choosable]
    order: str | None


def glance(
    reader: Reader, look: Look, reason: Reason | None, terms: Terms | None, picked: Picked
) -> Glance:
    buyer = terms.subject.buyer if terms else _only_buyer(look)
    orders = _orders(look, terms, picked)
    given = past.given_before(reader, find_customer(reader, terms.subject) if terms else None)
    return Glance(
        name=words.plain(look.ticket.requester.name or "") or str(_("Customer without a name")),
        tier=_tier(terms, look),
        orders_count=words.number(buyer.orders_count) if buyer and buyer.orders_count else None,
        spent=words.money(buyer.spent) if buyer and buyer.spent else None,
        before=[_before(one) for one in given[:_MOST_PAST]],
        before_count=len(given),
        reason=words.reason(reason.code) if reason else None,
        source=reason.source if reason else None,
        reasons=[
            Choosable(
                code, words.capital(words.reason(code)), reason is not None and code == reason.code
            )
            for code in reasons(look.routing, look.ticket)
        ],
        orders=orders,
        order=next((one.words for one in orders if one.chosen), None),
    )


def _tier(terms: Terms | None, look: Look) -> str | None:
    buyer = terms.subject.buyer if terms else _only_buyer(look)
    if buyer is None or buyer.orders_count is None:
        return None
    vip = buyer.orders_count >= look.routing.vip_from_orders
    return str(words.TIERS["vip" if vip else "regular" if buyer.orders_count > 1 else "new"])


def _only_buyer(look: Look) -> Buyer | None:
    bought = look.gathered.purchases.values() if look.gathered else ()
    buyers = [buyer for one in bought for buyer in one.buyers]
    return buyers[0] if len(buyers) == 1 else None


def _orders(look: Look, terms: Terms | None, picked: Picked) -> list[Choosable]:
    """Those the ticket names first, then the newest."""
    if look.gathered is None:
        return []
    named = {name.removeprefix("#") for name in order_names(look.ticket)}
    found = [(till, o) for till, bought in look.gathered.purchases.items() for o in bought.orders]
    found.sort(key=lambda one: one[1].created_at, reverse=True)
    found.sort(key=lambda one: one[1].name.removeprefix("#") not in named)
    chosen = (terms.subject.till_id, terms.subject.order.id) if terms else picked.order
    if len(found) == 1:
        (till, order), told = found[0], _order(found[0][1])
        return [Choosable(f"{till} {order.id}", told, True)]
    return [
        Choosable(f"{till} {order.id}", _dated(order), (till, order.id) == chosen)
        for till, order in found
    ]


def _order(order: Order) -> str:
    return f"{words.code(order.name)} · {words.money(order.total)}"


def _dated(order: Order) -> str:
    """So that several can be told apart."""
    return f"{_order(order)} · {message.day(language(), order.created_at.date())}"


def _before(one: Given) -> Before:
    name, amount = words.thing(one.remedy, one.amount, one.quantity)
    return Before(
        message.day(language(), one.on),
        f"{name} {amount}".strip(),
        words.reason(one.reason) if one.reason else None,
    )


# --------------------------------------------------------------------------------------- warnings


def warnings(
    reader: Reader, look: Look, terms: Terms | None, taken: Taken | None, trouble: str | None
) -> list[str]:
    """What stands against giving, most pressing first; each says what it means."""
    said = []
    if taken is not None:
        said.append(_taken(taken))
    order = terms.subject.order if terms else None
    if trouble == "disputed" or (order and order.disputed in ("open", "lost")):
        said.append(str(_("The payment is disputed at the bank. A refund could pay twice.")))
    if terms is not None and order is not None:
        for row in past.by_hand(reader, terms.subject.till_id, order.id):
            if row.amount_minor is not None and row.currency is not None:
                said.append(_by_hand(row.amount_minor, row.currency, row.seen_at.date()))
    return said


def _taken(taken: Taken) -> str:
    ticket = words.code(taken.case.ticket_id)
    if taken.under_way or not taken.given:
        return str(_("Somebody is making this good already, on ticket %(ticket)s.", ticket=ticket))
    one = taken.given[0]
    name, amount = words.thing(one.remedy, one.amount, one.quantity)
    return str(
        _(
            "Already made good on %(day)s: %(given)s, on ticket %(ticket)s.",
            day=message.day(language(), one.on),
            given=f"{name} {amount}".strip(),
            ticket=ticket,
        )
    )


def _by_hand(minor: int, currency: str, day: date) -> str:
    return str(
        _(
            "Refunded by hand in the shop: %(amount)s, seen on %(day)s.",
            amount=words.sum_of(minor, currency),
            day=message.day(language(), day),
        )
    )
