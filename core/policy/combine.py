"""What is owed and what is given of goodwill, for one case.

A desk may name one owed and one goodwill policy. Both decide on the same facts, and then:

1. What is owed is given in full, with its deadline. No cap of goodwill and nothing else cuts it.
2. Goodwill tops up: of its money the customer gets what goes beyond the money that is owed.
3. What is no money (an apology, points, an upgrade), and a donation, which the customer does not
   get, stays as goodwill gives it.
4. If the owed policy cannot decide, or the two are in different currencies, a person decides: what
   would be topped up is not known. If only goodwill cannot decide, what is owed is given all the
   same.

Where the customer chooses among things owed, the dearest counts, so that no choice is worth more
because of the other policy; each offer of goodwill is topped up by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import AmendsError
from core.money import Money
from core.policy.decision import Component, Decision

#: Why goodwill gives nothing where as much or more is owed.
COVERED = "owed_covers_it"


class WrongBasis(AmendsError):
    """The two decisions are not one owed and one of goodwill."""


@dataclass(frozen=True, slots=True)
class Combined:
    """Both decisions, goodwill as it is given beside what is owed.

    problem: why a person has to decide, '' where nobody has to. Then nothing is given yet.
    """

    owed: Decision
    goodwill: Decision
    problem: str = ""

    @property
    def needs_yes(self) -> bool:
        """Whether a second person has to agree: each part is measured against its own limit."""
        return self.owed.needs_yes or self.goodwill.needs_yes

    @property
    def components(self) -> tuple[Component, ...]:
        """What is given where nobody chooses: what is owed, then goodwill."""
        if self.problem:
            return ()
        return self.owed.components + self.goodwill.components


def combine(owed: Decision, goodwill: Decision) -> Combined:
    """Both decisions of one case, by the rule above. Raises `WrongBasis`."""
    if (owed.basis, goodwill.basis) != ("owed", "goodwill"):
        raise WrongBasis("name one policy with `basis: owed` and one with `basis: goodwill`")
    if owed.outcome == "cannot_decide":
        return Combined(owed, goodwill, owed.problem)
    due = _most(owed)
    if due is None or goodwill.outcome != "give":
        return Combined(owed, goodwill)
    if any(one.most and one.most.currency != due.currency for one in _everything(goodwill)):
        problem = f"{due} is owed, and goodwill is in {goodwill.currency}; decide what goes beyond"
        return Combined(owed, goodwill, problem)
    return Combined(owed, _beyond(goodwill, due))


def _everything(decision: Decision) -> tuple[Component, ...]:
    return decision.components + tuple(one for offer in decision.offers for one in offer)


def _most(owed: Decision) -> Money | None:
    """The most money that is owed; None where it is none."""
    if owed.outcome != "give":
        return None
    sums = []
    for offer in owed.offers or (owed.components,):
        money = [one.most for one in offer if one.most is not None]
        sums += [sum(money[1:], money[0])] if money else []
    most = max(sums, default=None, key=lambda one: one.minor)
    return most if most else None


def _beyond(goodwill: Decision, due: Money) -> Decision:
    components = _topped(goodwill.components, due)
    offers = tuple(offer for offer in (_topped(one, due) for one in goodwill.offers) if offer)
    if components or offers:
        return goodwill._replace(components=components, offers=offers)
    return goodwill._replace(
        outcome="nothing", reason=COVERED, components=(), offers=(), ask_over=None, due=None
    )


def _topped(offer: Sequence[Component], due: Money) -> tuple[Component, ...]:
    """What of an offer goes beyond `due`: its first sums are counted against it first."""
    found = []
    least = most = due.minor
    for one in offer:
        if one.money is None or one.remedy == "donation":
            found.append(one)
            continue
        given, less = _less(one.money, least)
        least = less
        if one.up_to is None:
            most = max(0, most - one.money.minor)
            if given.minor:
                found.append(one._replace(money=given))
            continue
        upper, most = _less(one.up_to, most)
        if upper.minor:
            found.append(one._replace(money=given, up_to=upper))
    return tuple(found)


def _less(money: Money, minor: int) -> tuple[Money, int]:
    """`money` less `minor` minor units, and what of them is left."""
    taken = min(money.minor, minor)
    return Money(money.minor - taken, money.currency), minor - taken
