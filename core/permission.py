"""May this be given: now, after somebody's yes, or not at all? Authority and approval, joined.

`core.flow` asks here before anything is promised, and again when it is released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from core import approval as approvals
from core import authority, tasks
from core.approval import Approval
from core.authority import Binds, Bound, Wish
from core.case import Case
from core.limits import POLICY, Need
from core.limits_kept import as_of, in_force
from core.moment import Moment
from core.money import Money
from core.offer import Offer, Part
from core.people import Person
from core.store import Reader, Tx

__all__ = [
    "Asks", "ask", "asks_more", "permit", "release", "release_choice", "sum_of", "worth",
]  # fmt: skip


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
    try:
        if asks_more(tx, wish, granted, moment):
            return "approval_void"
    except Binds as binds:
        return binds.bound
    for row in granted:
        bearer = tx.get(Person, row.bearer or "")
        bound = authority.short(tx, wish, bearer, moment) if bearer else None
        if bound is not None:
            return bound
    last = max(granted, key=lambda row: (row.decided_at or moment.now, row.id))
    got = authority.reserve(tx, wish, bearer=last.bearer, moment=moment)
    return got if isinstance(got, Bound) else None


def release_choice(tx: Tx, wish: Wish, moment: Moment) -> Bound | str | None:
    """The customer chose: hold it to the limits as they are now, out of the authority of whoever
    let them choose. A text is the code of why it is not given."""
    try:
        if wish.parts and asks_more(tx, wish, (), moment):
            return "choice_needs_yes"
    except Binds as binds:
        return binds.bound
    giver = wish.case.requested_by or POLICY
    got = authority.reserve(tx, wish, bearer=giver, moment=moment)
    return got if isinstance(got, Bound) else None


def asks_more(reader: Reader, wish: Wish, granted: Sequence[Approval], moment: Moment) -> bool:
    """Whether the matrix was changed since this was asked for, and now wants more people to agree,
    or others. Raises `core.authority.Binds`.

    What the customer has spent is not kept: both are asked as for somebody who spent much, and as
    for somebody who spent nothing.
    """
    found = in_force(reader)
    held = authority.held(reader, wish.case.id)
    number = held[0].limits_number if held else None
    if found is None or found[0].number == number:
        return False
    before = as_of(reader, number)
    roles = set(cast("Sequence[str]", granted[0].roles)) if granted else set()
    for spent in (None, Money.zero(found[1].currency)):
        need = approvals.needed(authority.counting(reader, found[1], wish, moment.now), spent)
        if need is None:
            continue
        if before is not None and need == approvals.needed(
            authority.counting(reader, before, wish, moment.now), spent
        ):
            continue
        if need.people > len(granted) or not roles <= set(need.roles):
            return True
    return False


def worth(reader: Reader, wish: Wish, moment: Moment) -> int:
    """What the limits would count a wish as, to tell which of several is the dearest."""
    found = in_force(reader)
    if found is None:
        return sum(part.amount.minor for part in wish.parts if part.amount)
    counting = authority.counting(reader, found[1], wish, moment.now)
    try:
        return sum(counting.wished({found[1].currency: 0}).values())
    except Binds:  # it will be the answer of `permit`
        return 0


def sum_of(parts: Sequence[Part]) -> str | None:
    """The sum of an offer for people to read, where it is one sum of one currency."""
    sums = [part.amount for part in parts if part.amount is not None]
    if not sums or len({amount.currency for amount in sums}) > 1:
        return None
    return str(Money(sum(amount.minor for amount in sums), sums[0].currency))
