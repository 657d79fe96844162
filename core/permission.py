"""May this be given: now, after somebody's yes, or not at all? Authority and approval, joined.

`core.flow` asks here before anything is promised, and again when it is released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core import approval as approvals
from core import authority, tasks
from core.approval import Approval
from core.authority import Binds, Bound, Wish
from core.case import Case
from core.limits import POLICY, Need
from core.limits_kept import in_force
from core.moment import Moment
from core.money import Money
from core.offer import Offer, Part
from core.people import Person
from core.store import Reader, Tx

__all__ = ["Asks", "ask", "permit", "release", "sum_of"]


@dataclass(frozen=True, slots=True)
class Asks:
    """Somebody must agree first. `bound` is the limit of whoever asked, where that is why."""

    need: Need
    bound: Bound | None


def permit(
    tx: Tx, wish: Wish, *, ask: bool, spent: Money | None, moment: Moment
) -> Asks | Bound | None:
    """Reserve what a case would give. None: it may be given. `Bound`: nobody's yes can lift this.

    ask: the policy wants a second person whatever the limits say. spent: by the customer so far.
    """
    if not wish.parts:
        return Asks(Need(), None) if ask else None
    try:
        need = _needed(tx, wish, spent, moment)
    except Binds as binds:
        return binds.bound
    bound = None
    if need is None and not ask:
        giver = wish.case.requested_by or POLICY
        got = authority.reserve(tx, wish, bearer=giver, moment=moment)
        if not isinstance(got, Bound):
            return None
        if not got.lifts:
            return got
        bound = got
    got = authority.reserve(tx, wish, bearer=None, moment=moment)
    return got if isinstance(got, Bound) else Asks(need or Need(), bound)


def _needed(reader: Reader, wish: Wish, spent: Money | None, moment: Moment) -> Need | None:
    found = in_force(reader)
    if found is None:
        return None
    return approvals.needed(authority.counting(reader, found[1], wish, moment.now), spent)


def ask(tx: Tx, case: Case, offer: Offer, wish: Wish, asks: Asks, moment: Moment) -> list[Approval]:
    """Put it to whoever may agree; where there are too few of them, a person has a task."""
    why = asks.bound.name if asks.bound else "needs_yes"
    rows = approvals.request(tx, case, offer, why, moment, need=asks.need)
    able = approvals.able(tx, wish, rows[0], moment)
    if approvals.different(able) < asks.need.people:
        known = {"amount": sum_of(wish.parts), "roles": list(asks.need.roles)}
        tasks.open_task(tx, case, "nobody_can_approve", known, moment)
    moment.log(tx, case.id, "approval_asked", {"offer": offer.id, "yeses": len(rows)})
    return rows


def release(
    tx: Tx, wish: Wish, offer: Offer, granted: Sequence[Approval], moment: Moment
) -> Bound | str | None:
    """Everybody agreed: hold it now to the limits, the people and the payload as they are now, out
    of the authority of whoever agreed last. A text is the code of why it no longer counts."""
    if not approvals.still_good(tx, wish.case, granted, offer, moment):
        return "approval_void"
    if not wish.parts:
        return None
    for row in granted:
        bearer = tx.get(Person, row.bearer or "")
        bound = authority.short(tx, wish, bearer, moment) if bearer else None
        if bound is not None:
            return bound
    last = max(granted, key=lambda row: (row.decided_at or moment.now, row.id))
    got = authority.reserve(tx, wish, bearer=last.bearer, moment=moment)
    return got if isinstance(got, Bound) else None


def sum_of(parts: Sequence[Part]) -> str | None:
    """The sum of an offer for people to read, where it is one sum of one currency."""
    sums = [part.amount for part in parts if part.amount is not None]
    if not sums or len({amount.currency for amount in sums}) > 1:
        return None
    return str(Money(sum(amount.minor for amount in sums), sums[0].currency))
