"""What is asked of the limits, and the answer that names the one that stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.case import Case
from core.money import Money
from core.offer import Part
from core.ports import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Remedies that a case would give: what is reserved, checked and released together.

    `parts` are those that cost something, `positions` where they stand in the offer. `order` is as
    its till showed it last; `customers` are our ids of whoever may be the same person, the case's
    own first. The transaction has them locked. `counted_as`: what the part at a position was
    counted as before, where the order is not at hand.
    """

    case: Case
    basis: str
    parts: Sequence[Part]
    positions: Sequence[int]
    order: Order | None
    customers: Sequence[str]
    counted_as: Mapping[int, Money | None] = field(default_factory=dict)


def wish_for(
    case: Case, basis: str, parts: Sequence[Part], order: Order | None, customers: Sequence[str]
) -> Wish:
    """Of the parts of an offer: an apology costs nothing and counts nowhere."""
    cost = [(n, part) for n, part in enumerate(parts) if part.remedy != "apology"]
    return Wish(
        case=case,
        basis=basis,
        parts=[part for _, part in cost],
        positions=[n for n, _ in cost],
        order=order,
        customers=customers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The limit that bound. `limit` and `left` are sums, or numbers of payouts.

    name: a code of the words `bound.*`. lifts: somebody with more authority may agree instead.
    what: which budget, reason or exchange rate it is about.
    """

    name: str
    lifts: bool = False
    limit: Money | int | None = None
    left: Money | int | None = None
    what: str | None = None

    def known(self, amount: str | None) -> dict[str, object]:
        """For the task and the note: as stored documents keep it."""
        return {
            "bound": self.name,
            "which": self.what,
            "amount": amount,
            "limit": str(self.limit) if isinstance(self.limit, Money) else None,
            "left": str(self.left) if isinstance(self.left, Money) else None,
            "times": self.limit if isinstance(self.limit, int) else None,
            "times_left": self.left if isinstance(self.left, int) else None,
        }


class Binds(Exception):
    """A limit cannot even be counted: the answer, on its way out of the counting."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound.name)
        self.bound = bound
