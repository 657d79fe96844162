"""Whether this person may give an offer, or whom they have to ask. A look ahead: the case's own
permission decides, under its locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from console.sidebar.past import alike
from core import approval as approvals
from core import authority, opening
from core.approval import Approval
from core.authority import Binds, Bound, Wish
from core.case import Case
from core.limits import Need
from core.limits_kept import in_force
from core.moment import Moment
from core.people import Person
from core.session import Session
from core.store import Reader
from core.terms import Terms

#: give: at once. ask: with somebody's yes. nobody: there is nobody who could say it. bound: a limit
#: that no yes lifts. unlinked: we do not know who asks.
Way = Literal["give", "ask", "nobody", "bound", "unlinked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """`who` may say yes; `people` of them must. `bound`: the limit that stands in the way."""

    way: Way
    who: Sequence[Person] = ()
    people: int = 1
    bound: Bound | None = None


def permit(
    reader: Reader,
    session: Session,
    ticket_id: str,
    person: Person | None,
    terms: Terms,
    moment: Moment,
) -> Permit:
    if person is None:
        return Permit(way="unlinked")
    case = case_of(session, ticket_id, person, terms, moment)
    order = terms.subject.order
    wish = authority.wish_for(case, terms.basis, terms.parts, order, alike(reader, terms))
    try:
        need = _needed(reader, wish, terms, moment)
    except Binds as binds:
        return Permit(way="bound", bound=binds.bound)
    bound = None
    if need is None and not terms.ask:
        bound = authority.short(reader, wish, person, moment) if wish.parts else None
        if bound is None:
            return Permit(way="give")
        if not bound.lifts:
            return Permit(way="bound", bound=bound)
    need = need or Need()
    who = approvals.able(reader, wish, _asked(case, need, moment), moment)
    way: Way = "ask" if approvals.different(who) >= need.people else "nobody"
    return Permit(way=way, who=who, people=need.people, bound=bound)


def case_of(
    session: Session, ticket_id: str, person: Person | None, terms: Terms, moment: Moment
) -> Case:
    """The case as it would be opened, for what has to be known before."""
    made = opening.new_case(session.connection_id, ticket_id, "act", session.agent_id, moment)
    return replace(
        made,
        reason=terms.reason,
        language=terms.language,
        till_id=terms.subject.till_id,
        order_id=terms.subject.order.id,
        order_name=terms.subject.order.name,
        policy=terms.policy_name,
        policy_hash=terms.policy_hash,
        requested_by=person.id if person else None,
    )


def _needed(reader: Reader, wish: Wish, terms: Terms, moment: Moment) -> Need | None:
    found = in_force(reader)
    if found is None or not wish.parts:
        return None
    buyer = terms.subject.buyer
    counting = authority.counting(reader, found[1], wish, moment.now)
    return approvals.needed(counting, buyer.spent if buyer else None)


def _asked(case: Case, need: Need, moment: Moment) -> Approval:
    return Approval(
        id="",
        case_id=case.id,
        offer_id="",
        payload_hash="",
        state="waiting",
        asked_at=moment.now,
        expires_at=moment.now + approvals.LASTS,
        why="needs_yes",
        roles=list(need.roles),
        requested_by=case.requested_by,
    )
