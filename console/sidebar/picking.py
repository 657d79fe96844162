"""What an agent picks on the panel, read from its form; and what that comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from console.sidebar.world import Look, SidebarWorld
from core import choice as choices
from core.choice import APOLOGY, Choice, Chosen
from core.facts import Trouble
from core.money import Money
from core.policy import Component
from core.ports import Remedy, Ticket
from core.routing import TONES, Routing, Tone
from core.terms import Terms

APOLOGY_KEY = "apology"
_MOST_STEPS = 200
_STEPS = (1, 5, 10, 25, 50)
_MINOR = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """None: nothing was picked. `minors` and `slides` are by the position of a remedy in the
    option: a sum as it was shown, and where its slider stands."""

    reason: str | None = None
    order: tuple[str, str] | None = None
    option: str | None = None
    minors: Mapping[int, int] = field(default_factory=dict)
    slides: Mapping[int, int] = field(default_factory=dict)
    tone: Tone | None = None
    more: bool = False


def read(form: Mapping[str, str], part: str = "") -> Picked:
    """Only what may be picked is read; anything else in a form is not looked at. `part`: what was
    changed just now (who, option, sum), so that what hangs on it starts over."""
    till, _, order = form.get("order", "").partition(" ")
    option = form.get("option", "")
    known = option == APOLOGY_KEY or (option.isdecimal() and option.isascii())
    return Picked(
        reason=form.get("reason") or None,
        order=(till, order) if till and order else None,
        option=option if known and part != "who" else None,
        minors=_numbers(form, "minor") if part in ("", "tone", "why") else {},
        slides=_numbers(form, "slide") if part == "sum" else {},
        tone=next((tone for tone in TONES if tone == form.get("tone")), None),
        more=form.get("more") == "1",
    )


def _numbers(form: Mapping[str, str], name: str) -> dict[int, int]:
    found = {}
    for position in range(8):
        value = form.get(f"{name}{position}", "")
        if _MINOR.fullmatch(value):
            found[position] = int(value)
    return found


# ------------------------------------------------------------------------------------- the reason


@dataclass(frozen=True, slots=True)
class Reason:
    """`source`: ticket (a tag or a field), words (only suggested), chosen (by the agent)."""

    code: str
    source: str


def reasons(routing: Routing, ticket: Ticket) -> list[str]:
    """Those an agent may choose from."""
    return sorted({*routing.reasons.values(), *routing.reasons_on(ticket)})


def reason_of(routing: Routing, ticket: Ticket, picked: Picked) -> Reason | None:
    known = reasons(routing, ticket)
    named = routing.reasons_on(ticket)
    if picked.reason in known and [picked.reason] != named:
        return Reason(picked.reason, "chosen")
    if len(named) == 1:
        return Reason(named[0], "ticket")
    told = [one for one in routing.reasons_told_by(ticket) if one in known]
    return Reason(told[0], "words") if not named and len(told) == 1 else None


# ------------------------------------------------------------------------------------ the options


@dataclass(frozen=True, slots=True)
class Range:
    """Sums an agent may give, in steps that end exactly at the most."""

    least: Money
    most: Money

    @property
    def step(self) -> int:
        span, scale = self.most.minor - self.least.minor, 1
        while True:
            for step in _STEPS:
                if span <= step * scale * _MOST_STEPS:
                    return step * scale
            scale *= 100

    @property
    def steps(self) -> int:
        return -(-(self.most.minor - self.least.minor) // self.step)

    def at(self, step: int) -> Money:
        minor = min(self.least.minor + max(step, 0) * self.step, self.most.minor)
        return Money(minor, self.most.currency)

    def nearest(self, amount: Money) -> int:
        return -(-(amount.minor - self.least.minor) // self.step)

    def holds(self, minor: int) -> bool:
        return self.least.minor <= minor <= self.most.minor


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of the policy, with the sums picked in it. `fits`: they are within its ranges."""

    key: str
    components: Sequence[Component]
    chosen: tuple[Chosen, ...]
    ranges: Mapping[int, Range]
    fits: bool


def options_of(terms: Terms, picked: Picked, world: SidebarWorld, routing: Routing) -> list[Option]:
    """Every answer the policy leaves open that the tills can pay; then the apology alone, where
    nothing is owed."""
    found = [
        _option(str(number), option, picked)
        for number, option in enumerate(terms.options)
        if all(_payable(one, terms, world, routing) for one in option)
    ]
    if terms.basis == "goodwill" and not any(one.chosen == APOLOGY for one in found):
        apology = Component("apology")
        found.append(Option(APOLOGY_KEY, (apology,), APOLOGY, {}, True))
    return found


def _payable(one: Component, terms: Terms, world: SidebarWorld, routing: Routing) -> bool:
    till_id = routing.remedies.get(one.remedy, terms.subject.till_id)
    return one.remedy == "apology" or world.pays(till_id, one.remedy) is not None


def _option(key: str, components: Sequence[Component], picked: Picked) -> Option:
    mine = picked.option == key or (picked.option is None and key == "0")
    ranges = {n: Range(one.money, one.up_to) for n, one in enumerate(components)
              if one.money is not None and one.up_to is not None}  # fmt: skip
    chosen, fits = [], True
    for position, one in enumerate(components):
        amount, span = one.money, ranges.get(position)
        if mine and span is not None and position in picked.slides:
            amount = span.at(picked.slides[position])
        elif mine and position in picked.minors:
            minor = picked.minors[position]
            fits &= span.holds(minor) if span else amount is not None and minor == amount.minor
            amount = Money(minor, span.most.currency) if span and fits else amount
        chosen.append(
            Chosen(remedy=_remedy(one.remedy), amount=amount, quantity=choices.quantity_of(one))
        )
    return Option(key, components, tuple(chosen), ranges, fits)


def _remedy(name: str) -> Remedy:
    return name  # type: ignore[return-value]  # the policy's loader knows only remedies


# ------------------------------------------------------------------------------------ what it is


def first_terms(world: SidebarWorld, look: Look, desk_id: str, reason: str,
                picked: Picked) -> Terms | Trouble:  # fmt: skip
    """By this reason and order, before an option is chosen."""
    assert look.gathered is not None
    till, order = picked.order or (None, None)
    choice = Choice(reason=reason, till_id=till, order_id=order)
    return world.terms(desk_id, look.gathered, choice)


def final_choice(terms: Terms, option: Option, way: choices.Way, note: str | None) -> Choice:
    """Everything named, so that the case is decided about exactly this."""
    return Choice(
        reason=terms.reason,
        till_id=terms.subject.till_id,
        order_id=terms.subject.order.id,
        remedies=None if way == "customer" else option.chosen,
        way=way,
        note=note,
    )
