"""The offer as an agent sees it: what would be given and why, by whose yes, and what the customer
would read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from console.language import reader as language
from console.sidebar import past, words
from console.sidebar.drafting import MessageView, message_of
from console.sidebar.past import Taken
from console.sidebar.permit import Permit, permit
from console.sidebar.picking import Option, Picked, final_choice, options_of
from console.sidebar.world import Look, SidebarWorld
from core import authority, message
from core import limits_kept as limits
from core.canonical import digest
from core.facts import Trouble
from core.moment import Moment
from core.money import Money
from core.people import Person
from core.policy import Policy
from core.policy.explain import explain, in_words
from core.routing import Routing
from core.session import Session
from core.store import Reader
from core.terms import Terms

#: The name of a fact behind its value, in brackets: more than one sentence needs.
_FACT = re.compile(r" \([\u2066\u2068]?[a-z_.]+\u2069?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """`cost`: to the company. `value`: to the customer."""

    code: str
    name: str
    amount: str
    value: str | None
    cost: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    position: int
    at: int
    steps: int
    shown: str
    least: str
    most: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionView:
    key: str
    title: str
    parts: Sequence[PartView]
    minors: Mapping[int, int]
    sliders: Sequence[Slider]
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    options: Sequence[OptionView]
    chosen: OptionView
    button: str
    ready: bool
    owed: bool
    why: Sequence[str]
    due: str | None
    permit: Permit
    left: Sequence[str]
    message: MessageView
    taken: Taken | None
    may_choose: bool
    digest: str


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer with what it was made of, for whoever gives it."""

    view: OfferView
    terms: Terms
    option: Option


def offered(
    world: SidebarWorld,
    reader: Reader,
    session: Session,
    person: Person | None,
    look: Look,
    terms: Terms,
    picked: Picked,
    letter: tuple[str, str] | None,
    moment: Moment,
) -> Offered | Trouble:
    """`letter`: the message as it stands on the page, and the hash of what it was made as."""
    assert look.gathered is not None
    options = options_of(terms, picked, world, look.routing)
    if not terms.options or not options:
        return Trouble("nothing_due", terms.summary)
    option = next((one for one in options if one.key == picked.option), options[0])
    choice = final_choice(terms, option, "give", None)
    final = world.terms(session.connection_id, look.gathered, choice)
    if isinstance(final, Trouble):
        return final
    allowed = permit(reader, session, look.ticket.id, person, final, moment)
    shown = [_option_view(one, one is option, look.routing) for one in options]
    taken = past.taken(reader, final, look.routing, session.connection_id)
    view = OfferView(
        options=shown,
        chosen=next(one for one in shown if one.chosen),
        button=words.deeds([(c.remedy, c.amount, c.quantity) for c in option.chosen]),
        ready=option.fits and all(c.amount is None or c.amount.minor > 0 for c in option.chosen),
        owed=final.basis == "owed",
        why=_why(world.policy(final), final, option.key),
        due=_due(final),
        permit=allowed,
        left=_left(reader, person, final, moment),
        message=message_of(session, look, final, person, picked, letter, moment),
        taken=taken,
        may_choose=len(terms.options) > 1 and taken is None,
        digest=_digest(look, final, option),
    )
    return Offered(view, final, option)


# ------------------------------------------------------------------------------------- the cards


def _option_view(option: Option, chosen: bool, routing: Routing) -> OptionView:
    parts, sliders, minors = [], [], {}
    for position, one in enumerate(option.chosen):
        name, amount = words.thing(one.remedy, one.amount, one.quantity)
        value, cost = _worth(one.remedy, one.amount, routing)
        parts.append(PartView(code=one.remedy, name=name, amount=amount, value=value, cost=cost))
        if one.amount is not None:
            minors[position] = one.amount.minor
        span = option.ranges.get(position)
        if span is not None and one.amount is not None:
            sliders.append(
                Slider(
                    position=position,
                    at=span.nearest(one.amount),
                    steps=span.steps,
                    shown=amount,
                    least=words.money(span.least),
                    most=words.money(span.most),
                )
            )
    return OptionView(
        key=option.key,
        title=" + ".join(f"{part.name} {part.amount}".strip() for part in parts),
        parts=parts,
        minors=minors,
        sliders=sliders,
        chosen=chosen,
    )


def _worth(remedy: str, amount: Money | None, routing: Routing) -> tuple[str | None, str | None]:
    """What it is worth to the customer and what it costs the company, where both are sums."""
    if amount is None:
        return None, None
    percent = routing.costs.get(remedy, 100)
    cost = Money(-(-amount.minor * percent // 100), amount.currency)
    return words.money(amount), words.money(cost)


def _digest(look: Look, terms: Terms, option: Option) -> str:
    """Of what is on the page: given is this, or nothing."""
    shown = {
        "ticket": look.ticket.id,
        "reason": terms.reason,
        "till": terms.subject.till_id,
        "order": terms.subject.order.id,
        "buyer": terms.subject.buyer.id if terms.subject.buyer else None,
        "policy": terms.policy_hash,
        "basis": terms.basis,
        "given": [one.doc() for one in option.chosen],
    }
    return digest("shown", 1, shown)


# --------------------------------------------------------------------------------------- reasons


def _why(policy: Policy | None, terms: Terms, key: str) -> list[str]:
    """Why, for the option of this key, sentence by sentence: first in the policy's own words."""
    if policy is None:  # another one since a moment ago: the next look is by that
        return []
    explained = explain(policy, _facts(terms))
    lines = in_words(explained, language(), changes=False).plain.split("\n")
    reckoned = 1 + sum(1 for row in explained.decided if row.condition)
    said = str(explained.decision.reason).replace("_", " ").strip().rstrip(".")
    sentence = [f"{words.capital(said)}."] if said else []
    for amount in explained.amounts:  # each step of each is one line
        told = lines[reckoned : reckoned + len(amount.steps)]
        reckoned += len(amount.steps)
        if key == str(amount.offer - 1):
            sentence += [
                _FACT.sub("", line)
                for line, (number, step) in zip(told, enumerate(amount.steps), strict=True)
                if number == 0 or (step.binds and step.kind in ("cap", "floor"))
            ]
    return sentence


def why_not_more(policy: Policy, terms: Terms) -> list[str]:
    """Every row that was looked at, every step of the sums, and what would change the answer: many
    questions to the policy, so it is worked out for whoever asks."""
    return in_words(explain(policy, _facts(terms)), language()).plain.split("\n")[1:]


def _facts(terms: Terms) -> Mapping[str, object]:
    return terms.facts if isinstance(terms.facts, Mapping) else {}


def _due(terms: Terms) -> str | None:
    decision = terms.decision if isinstance(terms.decision, Mapping) else {}
    due = decision.get("due")
    day = due.get("day") if isinstance(due, Mapping) else None
    return message.day(language(), date.fromisoformat(str(day))) if day else None


def _left(reader: Reader, person: Person | None, terms: Terms, moment: Moment) -> list[str]:
    """What is left of this person's own limits for this reason, in the order's currency if there
    is a limit in it."""
    if person is None or limits.in_force(reader) is None:
        return []
    rows = authority.left(reader, person, moment.now) or []
    rows = [row for row in rows if row.reason in (None, terms.reason)]
    currency = terms.subject.order.total.currency
    own = [r for r in rows if isinstance(r.left, Money) and r.left.currency == currency]
    sums = own or [r for r in rows if isinstance(r.left, Money)]
    return [words.left(row) for row in sums[:3]]


def asked_of(permitted: Permit) -> str:
    """`Ask Sam Okafor to approve`, or how many of whom."""
    if len(permitted.who) == 1:
        return str(_("Ask %(name)s to approve", name=words.name(permitted.who[0].name)))
    return str(_("Ask for approval"))
