"""Facts of a trade from fields of the ticket: hours without service, nights, minutes of delay.

An agent, a form or another system fills the field in; which fact it is, the connection's options
say. Its text is read as strictly as the policy declares the fact. What does not fit is told without
being shown or kept, because a field may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from core.facts import Trouble
from core.money import MoneyError, parse_money
from core.policy import Policy
from core.policy.kinds import describe
from core.policy.tree import Type
from core.policy.values import Unfit, coercer
from core.ports import Ticket
from core.routing import Routing


def with_ticket_facts(
    facts: Mapping[str, object], policy: Policy, routing: Routing, ticket: Ticket, currency: str
) -> dict[str, object] | Trouble:
    """`facts` with those that the policy declares and the ticket's fields hold; money in the
    currency of the order. An empty field is a fact that is not there: the policy's default stands
    in, or it cannot decide. The trouble names the field and what it should hold."""
    found: dict[str, object] = dict(facts)
    for declared in policy.facts:
        field = routing.facts.get(declared.name)
        text = (ticket.fields.get(field) or "").strip() if field else ""
        if not text:
            continue
        value = _read(text, declared.type, currency)
        if value is None:
            why = f"the ticket's field {field} does not hold {describe(declared.type)}"
            return Trouble("cannot_decide", {"missing": [f"{declared.name}: {why}"]})
        _put(found, declared.name.split("."), value)
    return found


def where(name: str, routing: Routing) -> str:
    """A fact that is not there, and where somebody can fill it in."""
    field = routing.facts.get(name)
    return f"{name}: the ticket's field {field} is empty" if field else name


def _read(text: str, kind: Type, currency: str) -> object | None:
    """As facts are written; None where the text is not of its type."""
    if kind.kind == "list":
        return None
    try:
        if kind.kind == "money":
            amount = parse_money(text, kind.currency or currency)
            return {"amount": amount.text, "currency": amount.currency}
        coercer(kind)(text)
    except (MoneyError, Unfit):
        return None
    return text


def _put(facts: dict[str, object], path: list[str], value: object) -> None:
    """Into mappings of our own: those given are shared."""
    *way, last = path
    here = facts
    for step in way:
        inner = here.get(step)
        here[step] = dict(inner) if isinstance(inner, Mapping) else {}
        here = cast("dict[str, object]", here[step])
    here[last] = value
