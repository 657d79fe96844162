"""What a person chose for a ticket: an agent in the sidebar, or the customer by a link.

A choice never carries money past the rules: it names a reason, an order, and one of the options the
policy gives for them, and the case is decided again from the hosts' facts as they are then. What
does not fit any more is a person's task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from core import letter as letters
from core import opening
from core.case import Case, CaseState
from core.errors import AmendsError
from core.moment import Moment
from core.money import Money
from core.people import Person
from core.policy import Component, Decision
from core.ports import Remedy
from core.record import Doc
from core.routing import Routing, Tone
from core.store import AlreadyExists, Tx

#: give: at once. ask: with somebody else's yes. customer: the customer chooses among the options.
Way = Literal["give", "ask", "customer"]

_LONGEST_NOTE = 1_000


class CannotGive(AmendsError):
    """Nothing was asked for; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One remedy as it was seen and chosen; the sum within what the policy leaves to the agent."""

    remedy: Remedy
    amount: Money | None = None
    quantity: int | None = None

    def doc(self) -> dict[str, object]:
        return {
            "remedy": self.remedy,
            "minor": self.amount.minor if self.amount is not None else None,
            "currency": self.amount.currency if self.amount is not None else None,
            "quantity": self.quantity,
        }

    def fits(self, component: Component) -> bool:
        """Whether the policy gives this: the same remedy, and a sum from the least to the most."""
        if self.remedy != component.remedy or self.quantity != quantity_of(component):
            return False
        least, most = component.money, component.most
        if self.amount is None or least is None or most is None:
            return self.amount is None and least is None
        same = self.amount.currency == least.currency
        return same and max(least.minor, 1) <= self.amount.minor <= most.minor


APOLOGY: tuple[Chosen, ...] = (Chosen(remedy="apology"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`None`: as the ticket and the policy say. `note` is for whoever is asked to agree."""

    reason: str | None = None
    till_id: str | None = None
    order_id: str | None = None
    remedies: tuple[Chosen, ...] | None = None
    way: Way = "give"
    note: str | None = None

    def doc(self) -> dict[str, object]:
        return {
            "kind": "choice",
            "v": 1,
            "reason": self.reason,
            "till": self.till_id,
            "order": self.order_id,
            "remedies": None if self.remedies is None else [one.doc() for one in self.remedies],
            "way": self.way,
            "note": self.note,
        }


def read_choice(doc: Doc) -> Choice | None:
    if not isinstance(doc, Mapping):
        return None
    remedies = cast("Sequence[Mapping[str, object]] | None", doc["remedies"])
    return Choice(
        reason=cast("str | None", doc["reason"]),
        till_id=cast("str | None", doc["till"]),
        order_id=cast("str | None", doc["order"]),
        remedies=None if remedies is None else tuple(_read_chosen(one) for one in remedies),
        way=cast(Way, doc["way"]),
        note=cast("str | None", doc["note"]),
    )


def _read_chosen(doc: Mapping[str, object]) -> Chosen:
    minor, currency = doc["minor"], doc["currency"]
    return Chosen(
        remedy=cast(Remedy, doc["remedy"]),
        amount=Money(cast(int, minor), cast(str, currency)) if minor is not None else None,
        quantity=cast("int | None", doc["quantity"]),
    )


# ------------------------------------------------------------------------ what a policy leaves open


def options(decision: Decision) -> tuple[tuple[Component, ...], ...]:
    """Every answer the policy leaves to choose from; the first is what it proposes."""
    if decision.outcome != "give":
        return ()
    return decision.offers or (decision.components,)


@dataclass(frozen=True, slots=True)
class Unfit:
    """The policy does not give what was chosen; `now` is what it gives."""

    now: str


def pick(decision: Decision, choice: Choice | None) -> Sequence[Component] | Unfit:
    """What is to be given by this choice; with nobody there to choose, the first of the options,
    and of a range its least."""
    offered = options(decision)
    if choice is None or choice.remedies is None:
        return offered[0] if offered else ()
    wanted = choice.remedies
    if wanted == APOLOGY and decision.basis == "goodwill":
        return (Component("apology"),)
    for option in offered:
        if len(option) == len(wanted) and all(map(Chosen.fits, wanted, option)):
            return tuple(_as_chosen(w, c) for w, c in zip(wanted, option, strict=True))
    now = " | ".join(" + ".join(map(str, option)) for option in offered)
    return Unfit(now or decision.outcome)


def _as_chosen(chosen: Chosen, component: Component) -> Component:
    if chosen.amount is None:
        return component
    return component._replace(money=chosen.amount, up_to=None)


def is_open_ended(given: Sequence[Component]) -> bool:
    """Whether the sum is left to an agent from nothing up: nobody else can choose it."""
    least = [one.money for one in given if one.up_to is not None]
    return any(money is not None and money.minor == 0 for money in least)


def measured(
    decision: Decision, given: Sequence[Component], choice: Choice | None
) -> list[Sequence[Component]]:
    """What the policy's `ask_over` is held against: what was chosen, or where nobody chose yet
    every answer it leaves open, each at the most it may come to."""
    if choice is not None and choice.remedies is not None:
        return [given]
    return [[one._replace(money=one.most) for one in option] for option in options(decision)]


def quantity_of(component: Component) -> int | None:
    """How many points, items or days; None for a sum of money, an apology, or a percentage."""
    counted = component.unit in ("points", "items", "days") and component.quantity is not None
    return int(component.quantity or 0) if counted else None


# ----------------------------------------------------------------------------- an agent asks for it


def ask_for(
    tx: Tx,
    desk_id: str,
    ticket_id: str,
    *,
    agent_id: str,
    person: Person,
    choice: Choice,
    letter: str | None,
    tone: Tone | None,
    routing: Routing,
    moment: Moment,
) -> Case:
    """The ticket's case with this choice: a new one, or the one that waits for a person, started
    over. The runner decides it again and goes on. Raises `CannotGive`."""
    _check(routing, letter, choice)
    newest = tx.find(Case, desk_id=desk_id, ticket_id=ticket_id, newest_first=True, limit=1)
    case = tx.lock(Case, newest[0].id) if newest else None
    try:
        if case is not None and case.state is not CaseState.CLOSED:
            if not opening.may_look_again(tx, case):
                raise CannotGive("something is under way for this ticket; wait until it is done")
            case = replace(case, choice=choice.doc(), mode="act")
            opening.begin_again(tx, case, agent_id, moment)
        else:
            first = opening.beside(tx, desk_id, ticket_id) if routing.owed else None
            case = opening.new_case(desk_id, ticket_id, "act", agent_id, moment)
            case = replace(case, choice=choice.doc(), beside=first)
            tx.add(case)
    except AlreadyExists:
        raise CannotGive("somebody else has just begun with this ticket; look again") from None
    letters.keep(tx, case.id, letter, tone, person.id, moment)
    moment.log(tx, case.id, "asked_for", {"by": person.id, "way": choice.way})
    tx.wake(Case, case.id, moment.now)
    return case


def _check(routing: Routing, letter: str | None, choice: Choice) -> None:
    if routing.mode == "shadow":
        raise CannotGive(
            "Amends only watches here: the connection's mode is shadow. An admin can change it"
        )
    if letter is not None and not 0 < len(letter.strip()) <= letters.LONGEST:
        raise CannotGive(f"write a message of 1 to {letters.LONGEST} letters, or leave it as it is")
    if choice.note is not None and len(choice.note) > _LONGEST_NOTE:
        raise CannotGive(f"write a note of at most {_LONGEST_NOTE} letters")
