"""Facts: the typed, frozen inputs of a decision, made from what the hosts show right now.

They hold no name, address, e-mail or free text: opaque ids and the values that are decided on.
What does not fit into exactly one customer and one order is a `Trouble`, which a person resolves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.case import Case, Harm, Identity
from core.history import History
from core.money import Money
from core.ports import Buyer, Order, Purchases, Ticket
from core.record import Doc
from core.routing import Routing
from core.store import Reader

_ORDER_NAME = re.compile(r"#?[A-Za-z]{0,6}-?[0-9]{3,12}", re.ASCII)
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why no decision can be taken: a task's kind, and what is known for the person who gets it."""

    kind: str
    known: Doc = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One customer's one order at one till: what a case is about. A guest's order, found by the
    e-mail it was placed with, has no buyer."""

    till_id: str
    buyer: Buyer | None
    order: Order

    @property
    def identity(self) -> tuple[str, str]:
        """How the till knows who this is, exactly: kind and value of an `Identity`."""
        return ("buyer", self.buyer.id) if self.buyer else ("guest_order", self.order.id)


def check_ticket(
    ticket: Ticket, routing: Routing, *, by_agent: bool = False, reason: str | None = None
) -> str | Trouble:
    """The one reason the ticket names, or why there is none to act on. An agent who asks need not
    have solved it, and may have chosen another of the workspace's reasons."""
    if ticket.status == "closed":
        return Trouble("ticket_closed")
    if ticket.status != "solved" and not by_agent:
        return Trouble("not_solved", {"status": ticket.status})
    reasons = routing.reasons_on(ticket)
    if reason is not None:
        if reason not in {*routing.reasons.values(), *reasons}:
            return Trouble("unknown_reason", {"reason": reason})
        reasons = [reason]
    if not reasons:
        return Trouble("no_reason", {"tags": sorted(routing.reasons)})
    if len(reasons) > 1:
        return Trouble("two_reasons", {"reasons": reasons})
    if not ticket.requester.email:
        return Trouble("unknown_customer")
    return reasons[0]


def order_names(ticket: Ticket) -> tuple[str, ...]:
    """What could be an order's name in the ticket's title and text, as written, once each."""
    found = _ORDER_NAME.findall(f"{ticket.subject}\n{ticket.text}"[:20_000])
    return tuple(dict.fromkeys(found))[:_MOST_NAMES]


def choose_subject(
    ticket: Ticket, purchases: Mapping[str, Purchases], order: tuple[str, str] | None = None
) -> Subject | Trouble:
    """The customer and order the ticket is about, if there is exactly one of each to be had; with
    an order (till, id) chosen by an agent, that one, if it is among the customer's own."""
    tills = {till: bought for till, bought in purchases.items() if bought.buyers or bought.orders}
    if not tills:
        return Trouble("unknown_customer")
    if any(len(bought.buyers) > 1 for bought in tills.values()):
        return Trouble("two_customers")
    orders = [(till, one) for till, bought in tills.items() for one in bought.orders]
    if not orders:
        return Trouble("no_order")
    if order is not None:
        orders = [(till, o) for till, o in orders if (till, o.id) == order]
        if not orders:
            return Trouble("no_order")
    named = set(order_names(ticket))
    about = [
        (till, o) for till, o in orders if o.name in named or o.name.removeprefix("#") in named
    ]
    if len(about) > 1 or (not about and len(orders) > 1):
        return Trouble("several_orders", {"orders": [o.name for _, o in (about or orders)]})
    till, found = (about or orders)[0]
    buyer = next((b for b in tills[till].buyers if b.id == found.buyer_id), None)
    return _usable(Subject(till_id=till, buyer=buyer, order=found))


def _usable(subject: Subject) -> Subject | Trouble:
    order = subject.order
    known = {"order": order.name, "paid": str(order.paid), "refunded": str(order.refunded)}
    if order.disputed in ("open", "lost"):
        return Trouble("disputed", known)
    if order.refundable.minor <= 0:
        return Trouble("already_refunded", known)
    return subject


def find_customer(reader: Reader, subject: Subject) -> str | None:
    """Our own id of the buyer, by the till's id of them: exact identity, never a likeness."""
    kind, value = subject.identity
    rows = reader.find(Identity, connection_id=subject.till_id, kind=kind, value=value, limit=1)
    return rows[0].customer_id if rows else None


def make_facts(
    *, reason: str, ticket: Ticket, subject: Subject, history: History, vip_from: int, today: date
) -> dict[str, object]:
    """Everything a policy may declare, by dotted name; money as `{"amount", "currency"}`."""
    order, buyer = subject.order, subject.buyer
    currency = order.total.currency
    return {
        "reason": reason,
        "today": today.isoformat(),
        "ticket": {"language": ticket.language, "channel": ticket.channel},
        "customer": {
            "tier": _tier(buyer, vip_from),
            "orders": buyer.orders_count if buyer else None,
            "lifetime_value": _spent(buyer, currency),
        },
        "order": {
            "total": _money(order.total),
            "paid": _money(order.paid),
            "refunded": _money(order.refunded),
            "refundable": _money(order.refundable),
            "currency": currency,
            "created_on": order.created_at.date().isoformat(),
            "delivered_on": _day(order.delivered_on),
            "promised_on": _day(order.promised_on),
        },
        "days_late": _days_late(order, today),
        "history": history.facts(currency),
    }


def harm_subject(subject: Subject) -> str:
    return f"order:{subject.till_id}:{subject.order.id}"


def harm_key(harm: Harm) -> str:
    """What is one harm for certain. An order, or a line of it, is one whoever it is said to be of:
    a guest's may become an account's."""
    whose = "" if harm.subject.startswith(("order:", "line:")) else harm.customer_id
    return f"{whose}|{harm.subject}|{harm.cause}|{harm.basis}"


def same_ticket(case: Case, other: Case) -> bool:
    return (case.desk_id, case.ticket_id) == (other.desk_id, other.ticket_id)


def _tier(buyer: Buyer | None, vip_from: int) -> str:
    orders = (buyer.orders_count or 0) if buyer else 0
    if orders >= vip_from:
        return "vip"
    return "regular" if orders > 1 else "new"


def _spent(buyer: Buyer | None, currency: str) -> dict[str, str] | None:
    """What they spent so far, where the till counts it in the order's currency."""
    spent = buyer.spent if buyer else None
    return _money(spent) if spent and spent.currency == currency else None


def _days_late(order: Order, today: date) -> int | None:
    """Days after the promised day; of an order not yet delivered, up to today."""
    if order.promised_on is None:
        return None
    return max(0, ((order.delivered_on or today) - order.promised_on).days)


def _money(amount: Money) -> dict[str, str]:
    return {"amount": amount.text, "currency": amount.currency}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
